"""Limits on documents: depth, aliases, directives, tokens and cost; linear in fragments; QUERY_TOO_COMPLEX."""

import time

import pytest
import strawberry

from gateway.documents import DocumentError, Documents
from gateway.errors import ErrorCode, QueryTooComplexError
from gateway.limits import LENGTH, DocumentLimits


@strawberry.type
class Event:
    id: strawberry.ID
    name: str | None
    parent: "Event | None"

    @strawberry.field
    def children(self, first: int | None = None, last: int | None = None) -> "Events | None":
        return None


@strawberry.type
class Events:
    nodes: list[Event]


@strawberry.type
class Tree:
    entries: list[Event] = strawberry.field(metadata={LENGTH: 30})


@strawberry.type
class Query:
    tree: Tree
    event: Event | None

    @strawberry.field
    def events(self, first: int | None = None, last: int | None = None) -> Events | None:
        return None

    @strawberry.field
    def others(self, first: int = 7) -> Events | None:
        return None


SCHEMA = strawberry.Schema(Query)._schema
LIMITS = DocumentLimits(tokens=500, depth=5, aliases=4, directives=3, cost=10_000)


def documents(**changes: int) -> Documents:
    values = {name: changes.get(name, getattr(LIMITS, name)) for name in LIMITS.__slots__}
    return Documents(SCHEMA, DocumentLimits(**values))


def refusal(query: str, **changes: int) -> str:
    with pytest.raises(DocumentError) as refused:
        documents(**changes).prepare(query)
    assert refused.value.code is ErrorCode.QUERY_TOO_COMPLEX
    return str(refused.value)


def cost_of(query: str, variables: dict[str, float] | None = None) -> int:
    """Find the cost as the smallest limit that lets the operation pass."""
    low, high = 0, 1 << 40
    while low < high:
        middle = (low + high) // 2
        known = documents(cost=middle)
        document = known.prepare(query)
        try:
            known.require_affordable(document, document.operation(None), variables or {})
        except QueryTooComplexError:
            low = middle + 1
        else:
            high = middle
    return low


def test_depth_counts_fields_through_fragments() -> None:
    allowed = "{ event { parent { ...A } } } fragment A on Event { parent { ... on Event { id } } }"
    documents().prepare(allowed)
    assert refusal(allowed, depth=3) == "the depth of this operation, 4, is above 3 (TIMELOOM_MAX_QUERY_DEPTH)"


def test_aliases_and_repeated_fields_count_once_for_every_spread() -> None:
    query = "{ a: event { ...A } b: event { ...A } } fragment A on Event { id x: name id }"
    documents(aliases=6).prepare(query)
    assert refusal(query, aliases=5) == "the aliases of this operation, 6, is above 5 (TIMELOOM_MAX_QUERY_ALIASES)"


def test_directives_count_wherever_they_stand() -> None:
    query = (
        "{ event @skip(if: false) { ...A @include(if: true) ... @skip(if: false) { id } } } fragment A on Event { id }"
    )
    documents().prepare(query)
    assert "directives of this operation, 3, is above 2" in refusal(query, directives=2)


def test_tokens_are_limited_before_anything_is_parsed() -> None:
    assert refusal("{" + " event { id }" * 200 + "}") == (
        "the document has more than 500 tokens (TIMELOOM_MAX_QUERY_TOKENS)"
    )


def test_a_document_nested_beyond_the_parser_is_too_complex() -> None:
    deep = "{event" * 20_000 + "}" * 20_000
    assert "nested too deep" in refusal(deep, tokens=1_000_000)


@pytest.mark.parametrize(
    ("query", "variables", "cost"),
    [
        ("{ event { id name } }", {}, 3),
        ("{ events { nodes { id } } }", {}, 1 + 50 * 2),
        ("{ others { nodes { id } } }", {}, 1 + 7 * 2),
        ("{ events(first: 10) { nodes { id children(last: 3) { nodes { id } } } } }", {}, 1 + 10 * (2 + 1 + 3 * 2)),
        ("query ($n: Int) { events(first: $n) { nodes { id } } }", {"n": 1000}, 1 + 1000 * 2),
        ("query ($n: Int = 20) { events(first: $n) { nodes { id } } }", {}, 1 + 20 * 2),
        ("query ($n: Int) { events(first: $n) { nodes { id } } }", {}, 1 + 50 * 2),
        ("{ events(first: -5) { nodes { id } } }", {}, 1 + 1 * 2),
        ("query ($n: Int) { events(first: $n) { nodes { id } } }", {"n": 1000.0}, 1 + 1000 * 2),
        ("query ($n: Int) { events(first: $n) { nodes { id } } }", {"n": 1e400}, 1 + 50 * 2),
        ("{ events(first: 2147483647) { nodes { id } } }", {}, 1 + 1000 * 2),
        ("{ events(first: 2) { ...A } } fragment A on Events { nodes { id } }", {}, 1 + 2 * 2),
        ("{ tree { entries { id children(first: 2) { nodes { id } } } } }", {}, 1 + 1 + 30 * (1 + 1 + 2 * 2)),
        ("{ __schema { types { name } } }", {}, 1),
    ],
)
def test_cost_is_fields_times_the_sizes_of_pages(query: str, variables: dict[str, float], cost: int) -> None:
    assert cost_of(query, variables) == cost


def test_the_same_document_costs_by_its_variables() -> None:
    known = documents(cost=1_000)
    document = known.prepare("query ($n: Int) { events(first: $n) { nodes { id } } }")
    operation = document.operation(None)
    for _ in range(2):
        known.require_affordable(document, operation, {"n": 10})
        with pytest.raises(QueryTooComplexError, match=r"the cost of this operation, 2001, is above 1000"):
            known.require_affordable(document, operation, {"n": 1_000})


def test_nested_fragments_take_linear_time() -> None:
    """Strawberry's own limiters need longer than the universe for this one."""
    levels = 60
    fragments = "".join(
        f" fragment F{level} on Event {{ a: parent {{ ...F{level + 1} }} b: parent {{ ...F{level + 1} }} }}"
        for level in range(levels)
    )
    query = f"{{ event {{ ...F0 }} }}{fragments} fragment F{levels} on Event {{ id }}"
    began = time.process_time()
    assert "far more" in refusal(query, tokens=10_000, depth=1_000)
    assert time.process_time() - began < 1


def test_a_fragment_that_contains_itself_is_left_to_validation() -> None:
    with pytest.raises(DocumentError) as refused:
        documents().prepare("{ event { ...A } } fragment A on Event { parent { ...A } }")
    assert refused.value.code is ErrorCode.VALIDATION_FAILED
