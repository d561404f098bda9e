"""Scalars: how times, JSON and big numbers come in and go out."""

from typing import Any, NewType

import msgspec
import strawberry
from graphql import (
    BooleanValueNode,
    FloatValueNode,
    GraphQLError,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
    VariableNode,
)
from strawberry.types.scalar import ScalarDefinition

from gateway.json_text import to_json_text
from storage.times import format_rfc3339, parse_rfc3339

DateTime = NewType("DateTime", int)
"""Microseconds since 1970; what comes in may lie outside 1970 to 9999, whoever takes it checks that."""
JSON = NewType("JSON", str)
"""JSON text."""
BigInt = NewType("BigInt", int)
"""What goes out is an int; what comes in is whatever number or text the sender wrote, whoever takes it checks that."""

LARGEST_BIG_INT = 2**53 - 1


class JsonText(str):
    """JSON text that came in through the JSON scalar, told apart from a text that is a value.

    Drivers and orjson take exact types only: whoever passes it on makes a plain text of it.
    """

    __slots__ = ()


def _parse_time(value: Any) -> int:
    if not isinstance(value, str):
        raise GraphQLError("a DateTime is a text such as 2026-11-22T03:04:05.123456Z")
    try:
        return parse_rfc3339(value)
    except ValueError as error:
        raise GraphQLError(str(error)) from None


def _parse_time_literal(node: ValueNode, _variables: Any = None) -> int:
    return _parse_time(node.value if isinstance(node, StringValueNode) else None)


def _serialize_json(text: str) -> Any:
    # Stored text goes out as it is: parsing and writing it again would cost time and the digits of numbers.
    return msgspec.Raw(str(text))


def _parse_json(value: Any) -> JsonText:
    return JsonText(to_json_text(value))


def _parse_json_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> JsonText:
    return JsonText(_text_of_literal(node, variables or {}))


def _text_of_literal(node: ValueNode, variables: dict[str, Any]) -> str:
    """Write a literal of the document as JSON text; numbers stay as they were written."""
    match node:
        case IntValueNode() | FloatValueNode():
            return node.value
        case StringValueNode() | BooleanValueNode():
            return to_json_text(node.value)
        case NullValueNode():
            return "null"
        case ListValueNode():
            return f"[{','.join(_text_of_literal(item, variables) for item in node.values)}]"
        case ObjectValueNode():
            members = (
                f"{to_json_text(member.name.value)}:{_text_of_literal(member.value, variables)}"
                for member in node.fields
                if not isinstance(member.value, VariableNode) or member.value.name.value in variables
            )
            return f"{{{','.join(members)}}}"
        case VariableNode():
            value = variables.get(node.name.value)
            return value if isinstance(value, JsonText) else to_json_text(value)
    raise GraphQLError("a JSON value is a text, a number, true, false, null, a list or an object")


def _parse_big_int(value: Any) -> int | float | str:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise GraphQLError(f"a BigInt is a whole number from 0 to {LARGEST_BIG_INT}, or its digits as a text")
    return value


def _parse_big_int_literal(node: ValueNode, _variables: Any = None) -> int | float | str:
    match node:
        case IntValueNode():
            return int(node.value) if len(node.value) <= 20 else node.value
        case FloatValueNode():
            return float(node.value)
        case StringValueNode():
            return node.value
    return _parse_big_int(None)


SCALARS: dict[object, ScalarDefinition] = {
    DateTime: strawberry.scalar(
        name="DateTime",
        description=(
            "An instant in RFC 3339. Input: any offset (a time without one is refused), 1 to 9 fraction digits, cut to "
            "microseconds, years 1970 to 9999. Output: UTC, always 27 characters, such as 2026-11-22T03:04:05.123456Z."
        ),
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=format_rfc3339,
        parse_value=_parse_time,
        parse_literal=_parse_time_literal,
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="Any JSON value. In variables its text is kept as sent: the order of keys, the digits of numbers.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
        serialize=_serialize_json,
        parse_value=_parse_json,
        parse_literal=_parse_json_literal,
    ),
    BigInt: strawberry.scalar(
        name="BigInt",
        description="A whole number from 0 to 9007199254740991, as a JSON number; input also as a text of digits.",
        serialize=int,
        parse_value=_parse_big_int,
        parse_literal=_parse_big_int_literal,
    ),
}
