"""JSON that keeps its text: digits, order and repeated names come back as they were written."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.json_text import RepeatedNames, parse_json, to_json_text

KEPT = [
    "1.10", "-0", "-0.0", "1e5", "1E+5", "1e400", "9007199254740993", "123456789012345678901234567890", "0.1",
    '{"b":1,"a":2}', '{"a":1,"a":2}', '{"a":{"b":1.0,"b":1.00}}', "[]", "{}", "[[],{}]", "null", "true", "false", '""',
    '"\\n\\"\\\\"', '"é😀"', '"\\ud800"', '{"\\udfff":1}', '{"":1," ":2,"a.b":3}',
]  # fmt: skip


@pytest.mark.parametrize("text", [*KEPT, "9" * 5_000, "-" + "9" * 5_000])
def test_a_text_comes_back_as_it_was(text: str) -> None:
    assert to_json_text(parse_json(text)) == text


def test_blanks_and_escapes_are_not_kept() -> None:
    assert to_json_text(parse_json(' { "a" : [ 1 , "\\u00e9\\/" ] } ')) == '{"a":[1,"é/"]}'


def test_numbers_are_numbers() -> None:
    values = parse_json("[1, 1.5, -0, 1e400, 2.0]")
    assert values == [1, 1.5, 0, float("inf"), 2.0]
    assert isinstance(values, list)
    assert [isinstance(value, int) for value in values] == [True, False, True, False, False]


def test_of_repeated_names_the_last_one_wins_and_all_are_kept() -> None:
    value = parse_json('{"a":1,"b":2,"a":3}')
    assert isinstance(value, RepeatedNames)
    assert (value, value.pairs) == ({"a": 3, "b": 2}, [("a", 1), ("b", 2), ("a", 3)])


@pytest.mark.parametrize(
    "text", ["", "NaN", "Infinity", "[-Infinity]", "[1,]", "{a:1}", "'a'", "01", "1 2", "+1", ".5"]
)
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_json(text)


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(RecursionError):
        parse_json("[" * 100_000)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)


@given(JSON)
def test_any_value_survives_writing_and_reading(value: object) -> None:
    compact = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    assert to_json_text(parse_json(compact)) == compact
    assert json.loads(to_json_text(value)) == value  # type: ignore[arg-type]
