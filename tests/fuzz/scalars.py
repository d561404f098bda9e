"""What hypothesis-graphql draws for scalars of our own: values that they take, and values that they do not."""

import json
from datetime import UTC
from typing import Any

from graphql import GraphQLScalarType, GraphQLSchema, ValueNode, is_specified_scalar_type, parse_value
from hypothesis import strategies as st
from hypothesis_graphql import nodes

_ODD_TIMES = (
    *("", "now", "2026-01-01", "2026-01-01T10:00:00", "2026-02-30T00:00:00Z", "2026-01-01T24:00:00Z"),
    *("1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "10000-01-01T00:00:00Z"),
    *("0000-01-01T00:00:00Z", "2016-12-31T23:59:60Z", "2026-01-01T10:00:00.1234567891Z", "2026-01-01T10:00:00+24:00"),
)
_ODD_NUMBERS = (-1, 0, 2**31, 2**53 - 1, 2**53, 2**63, 2**64, 10**400)
_ODD_DIGITS = ("", "0", "-0", "-1", "+1", "1.0", "1e3", "007", "9007199254740991", "9007199254740992", "９", "1" * 5000)
_ODD_JSON = ("1.10", "-0.0", "1e400", "[" * 40 + "]" * 40, '{n: 1, n: 2, a_b: {c: ["ä", null]}}')

_TIMES = st.one_of(
    st.datetimes(timezones=st.just(UTC)).map(lambda time: time.isoformat()), st.sampled_from(_ODD_TIMES)
).map(nodes.String)
_NUMBERS = st.one_of(
    st.integers(0, 2**53 - 1).map(nodes.Int),
    st.sampled_from(_ODD_NUMBERS).map(nodes.Int),
    st.sampled_from(_ODD_DIGITS).map(nodes.String),
    st.sampled_from((0.5, 1e300)).map(nodes.Float),
)
_LEAVES: st.SearchStrategy[ValueNode] = st.one_of(
    st.booleans().map(nodes.Boolean),
    st.sampled_from((*_ODD_NUMBERS[:-1], 1)).map(nodes.Int),
    st.floats(allow_nan=False, allow_infinity=False).map(nodes.Float),
    st.text(max_size=8).map(nodes.String),
    st.sampled_from(_ODD_JSON).map(parse_value),
)
_JSON = st.one_of(_LEAVES, st.lists(_LEAVES, max_size=3).map(nodes.List))

_STRATEGIES = {"DateTime": _TIMES, "BigInt": _NUMBERS, "JSON": _JSON}


def scalar_strategies(schema: GraphQLSchema) -> dict[str, st.SearchStrategy[Any]]:
    """Give a strategy for each scalar of the schema; one that is new to it gets any JSON until it has its own."""
    return {
        name: _STRATEGIES.get(name, _JSON)
        for name, type_ in schema.type_map.items()
        if isinstance(type_, GraphQLScalarType) and not is_specified_scalar_type(type_)
    }


def to_literal(text: str) -> str:
    """Write a text as a GraphQL string."""
    return json.dumps(text, ensure_ascii=False)
