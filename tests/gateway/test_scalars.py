"""Scalars: what comes in, what goes out, and what is refused with which words."""

from typing import Any

import msgspec
import pytest
import strawberry
from strawberry.schema.config import StrawberryConfig

from gateway.json_text import parse_json
from gateway.schema.scalars import JSON, SCALARS, BigInt, DateTime
from storage.times import LATEST


@strawberry.type
class Echo:
    @strawberry.field
    def time(self, value: DateTime) -> DateTime:
        return value

    @strawberry.field
    def json(self, value: JSON | None = None) -> JSON | None:
        return value

    @strawberry.field
    def big(self, value: BigInt) -> str:
        return repr(value)

    @strawberry.field
    def largest(self) -> BigInt:
        return BigInt(2**53 - 1)

    @strawberry.field
    def latest(self) -> DateTime:
        return DateTime(LATEST)


SCHEMA = strawberry.Schema(query=Echo, config=StrawberryConfig(scalar_map=SCALARS))


def run(document: str, variables: str = "{}") -> bytes:
    result = SCHEMA.execute_sync(document, parse_json(variables), root_value=Echo())  # type: ignore[arg-type]
    assert result.errors is None
    return msgspec.json.encode(result.data)


def refusal(document: str, variables: str = "{}") -> str:
    result = SCHEMA.execute_sync(document, parse_json(variables), root_value=Echo())  # type: ignore[arg-type]
    assert result.errors is not None
    return result.errors[0].message


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("2026-11-22T03:04:05Z", "2026-11-22T03:04:05.000000Z"),
        ("2026-11-22t03:04:05.1z", "2026-11-22T03:04:05.100000Z"),
        ("2026-11-22T03:04:05.123456789+05:30", "2026-11-21T21:34:05.123456Z"),
        ("1970-01-01T00:00:00-00:00", "1970-01-01T00:00:00.000000Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_times_come_in_with_any_offset_and_go_out_with_27_characters(given: str, shown: str) -> None:
    expected = msgspec.json.encode({"time": shown})
    assert run("query ($v: DateTime!) { time(value: $v) }", f'{{"v": "{given}"}}') == expected
    assert run(f'{{ time(value: "{given}") }}') == expected


@pytest.mark.parametrize(
    "given",
    ['"2026-11-22"', '"2026-11-22T03:04:05"', '"yesterday"', '"2026-02-30T00:00:00Z"', '"2026-11-22T03:04:05.Z"'],
)
def test_a_text_that_is_no_time_is_refused_with_an_example(given: str) -> None:
    for message in (
        refusal("query ($v: DateTime!) { time(value: $v) }", f'{{"v": {given}}}'),
        refusal(f"{{ time(value: {given}) }}"),
    ):
        assert "is no RFC 3339 time with an offset, such as 2026-11-22T03:04:05.123456Z" in message


@pytest.mark.parametrize("given", ["5", "true", "1.5"])
def test_a_time_is_a_text(given: str) -> None:
    for message in (
        refusal("query ($v: DateTime!) { time(value: $v) }", f'{{"v": {given}}}'),
        refusal(f"{{ time(value: {given}) }}"),
    ):
        assert "a DateTime is a text such as 2026-11-22T03:04:05.123456Z" in message


@pytest.mark.parametrize(
    "text",
    [
        '{"z":1,"a":{"b c":[1.10,-0,-0.0,1e308,1E5,9007199254740993,123456789012345678901234567890]}}',
        '"emoji 😀, right-to-left \u05d0, quotes \\" and \\\\"',
        '[true,false,null,"",{},[]]',
        "0",
    ],
)
def test_json_in_variables_keeps_its_text(text: str) -> None:
    answer = run("query ($v: JSON) { json(value: $v) }", f'{{"v": {text}}}')
    assert answer == f'{{"json":{text}}}'.encode()


def test_json_in_the_document_keeps_the_digits_of_numbers() -> None:
    answer = run('{ json(value: {z: 1.10, a: [-0, 1e308, "x", true, null, SOME]}) }'.replace(", SOME", ""))
    assert answer == b'{"json":{"z":1.10,"a":[-0,1e308,"x",true,null]}}'


def test_variables_stand_inside_json_literals() -> None:
    document = "query ($j: JSON, $s: String, $left: JSON) { json(value: {j: $j, s: $s, l: [$left], left: $left}) }"
    assert run(document, '{"j": {"n": 1.10}, "s": "{}"}') == b'{"json":{"j":{"n":1.10},"s":"{}","l":[null]}}'


def test_an_enum_name_is_no_json() -> None:
    assert "a JSON value is a text, a number, true, false, null, a list or an object" in refusal("{ json(value: RED) }")


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("5", "5"),
        ('"5"', "'5'"),
        ("-1", "-1"),
        ("1.5", "1.5"),
        ('"five"', "'five'"),
        ("9007199254740992", "9007199254740992"),
    ],
)
def test_big_integers_come_in_as_they_are_for_ingest_to_judge(given: str, taken: str) -> None:
    """A bad recordCount is an outcome of its event, not an error of the request."""
    expected: Any = {"big": taken}
    assert msgspec.json.decode(run("query ($v: BigInt!) { big(value: $v) }", f'{{"v": {given}}}')) == expected
    assert msgspec.json.decode(run(f"{{ big(value: {given}) }}")) == expected


@pytest.mark.parametrize("given", ["true", "[5]", '{"a": 5}'])
def test_another_kind_of_value_is_no_big_integer(given: str) -> None:
    message = refusal("query ($v: BigInt!) { big(value: $v) }", f'{{"v": {given}}}')
    assert "a BigInt is a whole number from 0 to 9007199254740991, or its digits as a text" in message


def test_the_largest_values_go_out_as_they_are() -> None:
    assert run("{ largest latest }") == b'{"largest":9007199254740991,"latest":"9999-12-31T23:59:59.999999Z"}'
