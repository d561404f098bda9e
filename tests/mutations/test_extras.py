"""Extra: two roads, one result; digits and key order stay, everything else that is no clean JSON is refused (NU7)."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mutations import extras
from mutations.extras import check_extra
from mutations.rejections import Rejection


def _check(text: str) -> tuple[str, bytes]:
    checked = check_extra(text, max_depth=30)
    assert checked is not None
    return checked.text, checked.canonical


@pytest.mark.parametrize(
    ("sent", "stored", "canonical"),
    [
        (' { "b" : 1.10 , "a" : [ 1 , -0 ] } ', '{"b":1.10,"a":[1,-0]}', '{"a":[1,-0],"b":1.10}'),
        ('{"k":[{"b":1,"a":2}]}', '{"k":[{"b":1,"a":2}]}', '{"k":[{"a":2,"b":1}]}'),
        (r'{"\u00e9":"\/\u0041\ud83d\ude00"}', '{"é":"/A😀"}', '{"é":"/A😀"}'),
        (r'"\u0001\b\t\u007f"', '"\\u0001\\b\\t\x7f"', '"\\u0001\\b\\t\x7f"'),
        ("123456789012345678901234567890", "123456789012345678901234567890", "123456789012345678901234567890"),
        ("1E5", "1E5", "1E5"),
        ("true", "true", "true"),
    ],
)
def test_text_keeps_order_and_digits_and_hash_form_is_sorted(sent, stored, canonical) -> None:
    assert _check(sent) == (stored, canonical.encode())


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ('{"a":1,"a":1}', "a key that comes twice"),
        ('[{"é":1,"b":2,"b":2}]', "a key that comes twice"),
        (r'{"a":1,"\u0061":1}', "a key that comes twice"),
        (r'"\ud800"', "a lone surrogate"),
        (r'{"\udc00x":1}', "a lone surrogate"),
        ('"\ud800"', "a lone surrogate"),
        (r'"a\u0000"', "the character NUL"),
        (r'{"\u0000":[]}', "the character NUL"),
        (r'[["\u0000"]]', "the character NUL"),
        ("1e400", "beyond the range of a double"),
        ("[-0,-1E999]", "beyond the range of a double"),
        ("[" * 31 + "]" * 31, "more than TIMELOOM_MAX_EXTRA_DEPTH = 30 levels"),
        ('{"a":' * 31 + r'"\n"' + "}" * 31, "more than TIMELOOM_MAX_EXTRA_DEPTH = 30 levels"),
        ("[" * 100_000 + "]" * 100_000, "more than TIMELOOM_MAX_EXTRA_DEPTH = 30 levels"),
        ("[" * 100_000, "levels"),
        *((bad, "no JSON by RFC 8259") for bad in ("", " ", "{", "[1,]", "{'a':1}", "01", "+1", ".5", "NaN", "1 2")),
        *((bad, "no JSON by RFC 8259") for bad in ("-Infinity", '"\t"', '"\0"', "\ufeff1", "tru", r'"\x"', '"open')),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_no_clean_json_is_refused(sent, told) -> None:
    """I5, I8, I12."""
    with pytest.raises(Rejection, match=told) as raised:
        check_extra(sent, max_depth=30)
    assert raised.value.code.value == "EXTRA_INVALID"


def test_levels_are_counted_through_lists_and_objects_but_not_in_texts() -> None:
    """I8: `[[1]]` has two."""
    assert _check('[["]]]]{{{{"]]')[0] == '[["]]]]{{{{"]]'
    wide = "[" + ",".join(['{"a":[1]}'] * 50) + "]"
    assert check_extra(wide, max_depth=3) is not None
    with pytest.raises(Rejection):
        check_extra(wide, max_depth=2)


def test_null_is_nothing() -> None:
    assert check_extra(" null\n", max_depth=30) is None


_numbers = st.one_of(
    st.integers().map(str),
    st.from_regex(r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,5})?([eE][+-]?[0-9]{1,2})?", fullmatch=True),
)
_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)


def _written(ascii_only: bool) -> st.SearchStrategy[str]:
    """JSON texts with numbers in every spelling, blanks, and either way to write characters."""
    quoted = _texts.map(lambda value: json.dumps(value, ensure_ascii=ascii_only))
    blanks = st.sampled_from(["", " ", "\n\t"])

    def members(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        pairs = st.lists(st.tuples(_texts, children), max_size=4, unique_by=lambda pair: pair[0])
        return st.builds(
            lambda blank, items: (
                "{"
                + blank
                + ",".join(f"{json.dumps(key, ensure_ascii=ascii_only)}{blank}:{value}" for key, value in items)
                + "}"
            ),
            blanks,
            pairs,
        )

    def lists(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.builds(
            lambda blank, items: f"[{blank}" + f",{blank}".join(items) + "]", blanks, st.lists(children, max_size=4)
        )

    scalars = st.one_of(_numbers, quoted, st.sampled_from(["true", "false", "null"]))
    return st.recursive(scalars, lambda children: st.one_of(members(children), lists(children)), max_leaves=12)


_documents = st.one_of(_written(ascii_only=True), _written(ascii_only=False)).map(lambda value: f"[{value}]")


@settings(max_examples=300, deadline=None)
@given(_documents)
def test_both_roads_give_the_same(text: str) -> None:
    """Where the compiled road is taken, the exact one would have given the same two texts."""
    exact = extras._check_exactly(text)
    assert check_extra(text, max_depth=1_000) == exact
    assert check_extra(exact.text, max_depth=1_000) == exact


@pytest.mark.parametrize(
    "text",
    ['{"zone":"a-0"}', '{"n":[123456789012345678,-9223372036854775808,18446744073709551615]}', '{"é":[1.10,1e5]}'],
)
def test_the_compiled_road_is_taken_by_what_most_senders_write(text: str) -> None:
    assert extras._check_compiled(text) == extras._check_exactly(text)


@pytest.mark.parametrize(
    "text", ['{"a":1,"a":1}', "[-0]", r'"\u00e9"', "[" + "9" * 5_000 + "]", "[1,]", "\ud800", "[" * 5_000]
)
def test_the_compiled_road_leaves_the_rest_to_the_exact_one(text: str) -> None:
    """It takes nothing whose form it would change."""
    assert extras._check_compiled(text) is None


@settings(max_examples=300, deadline=None)
@given(_documents)
def test_value_and_spelling_of_numbers_stay(text: str) -> None:
    def exactly(written: str | bytes) -> Any:
        return json.loads(
            written, parse_float=lambda digits: ("number", digits), parse_int=lambda digits: ("number", digits)
        )

    checked = check_extra(text, max_depth=1_000)
    assert checked is not None
    assert json.dumps(exactly(checked.text)) == json.dumps(exactly(text))
    assert exactly(checked.canonical) == exactly(text)
    assert json.loads(checked.text, parse_float=Decimal) == json.loads(text, parse_float=Decimal)
