"""Predicates on `extra`: NU7 and rules F8 to F13, F20 of semantics.md, the same on every backend."""

import json
import operator
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from storage.conditions import build_condition
from storage.engine import Database
from storage.identifiers import new_event_id
from storage.json_values import spell_keys
from storage.selectors import And, EventField, JsonComparison, JsonTest, Not, Or, Selector, equals_any
from storage.tables import events
from tests.storage.histories import row, store


async def numbers_of(database: Database, selector: Selector) -> list[int]:
    """Which of the stored events a selector means, by number."""
    condition = build_condition(selector, database.dialect_name)
    async with database.reading() as connection:
        found = (await connection.execute(select(events.c.id).where(condition).order_by(events.c.id))).scalars()
        return [int(identifier.replace("-", ""), 16) for identifier in found]


async def answers_of(database: Database, selectors: Sequence[Selector]) -> dict[str, list[bool]]:
    """Which selectors hold for each event, by its `extra`; in one statement."""
    columns = [build_condition(selector, database.dialect_name) for selector in selectors]
    async with database.reading() as connection:
        rows = (await connection.execute(select(events.c.extra, *columns))).all()
    return {extra: [bool(answer) for answer in answers] for extra, *answers in rows}


def at(*path: str) -> Callable[..., JsonTest]:
    def make(comparison: JsonComparison, value: Any = None) -> JsonTest:
        return JsonTest(path, comparison, value)

    return make


IN, INCLUDES, CONTAINS = JsonComparison.IN, JsonComparison.INCLUDES, JsonComparison.CONTAINS
EXISTS, IS_NULL = JsonComparison.EXISTS, JsonComparison.IS_NULL
LESS, LESS_OR_EQUAL = JsonComparison.LESS, JsonComparison.LESS_OR_EQUAL
GREATER, GREATER_OR_EQUAL = JsonComparison.GREATER, JsonComparison.GREATER_OR_EQUAL

# (value of the key "k" as JSON text, comparison, what is wanted, whether it holds)
VALUES: list[tuple[str, JsonComparison, Any, bool]] = [
    # F9: numbers compare by value and exactly
    ("1", IN, ("1",), True),
    ("1", IN, ("1.0",), True),
    ("1.0", IN, ("1",), True),
    ("1.10", IN, ("1.1",), True),
    ("1e2", IN, ("100",), True),
    ("100", IN, ("1E+2",), True),
    ("-0.0", IN, ("0",), True),
    ("9" * 400, IN, ("9" * 400,), True),
    ("9" * 400, IN, ("9" * 399 + "8", "1"), False),
    ("0", IN, ("-0",), True),
    ("-1", IN, ("1",), False),
    ("9007199254740993", IN, ("9007199254740993",), True),
    ("9007199254740993", IN, ("9007199254740992",), False),
    ("9007199254740992", IN, ("9007199254740993",), False),
    ("0.1", IN, ("0.1000000000000000055511151231257827",), False),
    ("123456789012345678901234567890", IN, ("123456789012345678901234567890",), True),
    ("123456789012345678901234567890", IN, ("123456789012345678901234567891",), False),
    ("1e308", IN, ("1e308",), True),
    ("1e308", IN, ("1e307",), False),
    ("1e308", IN, ("10e307",), True),
    ("1e-40", IN, ("1e-40",), True),
    ("1e-40", IN, ("0",), False),
    ("0", IN, ("1e-40",), False),
    ("1e-40", IN, ("0.1e-39",), True),
    ("5", IN, ("1e400",), False),
    ("1e308", IN, ("1e99999999999999999999",), False),
    (f"{7**50}", IN, (f"{7**50}",), True),
    (f"{7**50}", IN, (f"{7**50 + 1}",), False),
    (f"{7**50}", LESS, f"{7**50 + 1}", True),
    (f"{7**50}", GREATER_OR_EQUAL, f"{7**50 + 1}", False),
    (f"-{7**50}", GREATER, f"-{7**50 + 1}", True),
    ("10000000000000000000000000000000000000001", GREATER, "1e40", True),
    ("9999999999999999999999999999999999999999", LESS, "1e40", True),
    ("1.0000000000000000000000001e-200", GREATER, "1e-200", True),
    ("1.0000000000000000000000001E+200", IN, ("1e200",), False),
    ("10.00E+199", IN, ("1e200",), True),
    ("0." + "3" * 80, LESS, "0." + "3" * 50, False),
    ("0." + "3" * 80, GREATER, "0." + "3" * 50, True),
    ("1e-5", IN, ("0.00001",), True),
    ("1", LESS, "1e99999999999999999999", True),
    ("1", GREATER, "-1e99999999999999999999", True),
    ("1", GREATER, "1e99999999999999999999", False),
    ("0", LESS, "1e-99999999999999999", True),
    # F9: a boolean, a text and a number are three things
    ("true", IN, ("1",), False),
    ("1", IN, ("true",), False),
    ("0", IN, ("false",), False),
    ("true", IN, ("true",), True),
    ("false", IN, ("true",), False),
    ("false", IN, ("false",), True),
    ('"true"', IN, ("true",), False),
    ("true", IN, ('"true"',), False),
    ('"1"', IN, ("1",), False),
    ("1", IN, ('"1"',), False),
    ("null", IN, ("null",), True),
    ('"null"', IN, ("null",), False),
    ("null", IN, ('"null"',), False),
    ("null", IN, ("0",), False),
    ("null", IN, ("false",), False),
    # F12: lists of wanted values
    ("1", IN, (), False),
    ("2", IN, ("1", '"2"', "2"), True),
    # texts by code point
    ('"Ab"', IN, ('"ab"',), False),
    ('"ab"', IN, ('"ab"',), True),
    ('"ab "', IN, ('"ab"',), False),
    ('"ab"', IN, ('"ab "',), False),
    ('"a\\u0062"', IN, ('"ab"',), True),
    ('"ab"', IN, ('"\\u0061b"',), True),
    ('"\\ud83d\\ude00"', IN, ('"😀"',), True),
    ('"😀"', IN, ('"\\ud83d\\ude00"',), True),
    ('"a\\/b"', IN, ('"a/b"',), True),
    ('"q\\"\\\\\\n\\t"', IN, ('"q\\u0022\\u005c\\u000a\\u0009"',), True),
    ('"é"', IN, ('"e\u0301"',), False),
    ('""', IN, ('""',), True),
    # F9: objects regardless of the order of keys, lists in order
    ('{"a": 1, "b": [2, {"c": null}]}', IN, ('{"b":[2.0,{"c":null}],"a":1.0}',), True),
    ('{"a": 9007199254740993}', IN, ('{"a": 9007199254740992}',), False),
    ('{"a": 1, "b": 2}', IN, ('{"a": 1}',), False),
    ('{"a": 1}', IN, ('{"a": 1, "b": 2}',), False),
    ('{"a": true}', IN, ('{"a": 1}',), False),
    ('{"\\u00e4": {"b.c": 1}}', IN, ('{"ä": {"b.c": 1}}',), True),
    ('{"a": null}', IN, ('{"b": null}',), False),
    ("{}", IN, ("{}",), True),
    ("{}", IN, ("[]",), False),
    ("[]", IN, ("[]",), True),
    ("[1, 2]", IN, ("[1.0, 2]",), True),
    ("[1, 2]", IN, ("[2, 1]",), False),
    ("[1, 2]", IN, ("[1]",), False),
    ("[1]", IN, ("[1, 2]",), False),
    ("[1]", IN, ("1",), False),
    ("1", IN, ("[1]",), False),
    # F9: orderings hold for numbers only
    ("2", LESS, "2.5", True),
    ("2.5", LESS, "2.5", False),
    ("2.5", LESS_OR_EQUAL, "2.50", True),
    ("9007199254740993", GREATER, "9007199254740992", True),
    ("9007199254740992", GREATER, "9007199254740992", False),
    ("9007199254740992", GREATER_OR_EQUAL, "9007199254740992.0", True),
    ("-5", LESS, "0", True),
    ("10", LESS, "9", False),
    ("1e308", GREATER, "1e307", True),
    ("1e308", GREATER, "5", True),
    ("5", LESS, "1e308", True),
    ("1e-40", GREATER, "0", True),
    ("-1e-40", LESS, "0", True),
    ("-1e308", LESS, "-1e307", True),
    ("1e308", LESS, "1e400", True),
    ('"2"', LESS, "3", False),
    ('"abc"', LESS, "3", False),
    ("true", LESS, "3", False),
    ("null", LESS, "3", False),
    ("[1]", LESS, "3", False),
    ('{"a": 1}', GREATER_OR_EQUAL, "0", False),
    # contains: a substring of a text, of nothing else
    ('"net-work"', CONTAINS, "t-w", True),
    ('"network"', CONTAINS, "NET", False),
    ('"100% _sure_"', CONTAINS, "% _", True),
    ('"100 sure"', CONTAINS, "%", False),
    ('"abc"', CONTAINS, "a_c", False),
    ('"gr\\u00f6\\u00dfe"', CONTAINS, "öß", True),
    ('"a\\\\b"', CONTAINS, "\\", True),
    ('"ab "', CONTAINS, "b  ", False),
    ('"x"', CONTAINS, "", True),
    ('""', CONTAINS, "", True),
    ("12", CONTAINS, "1", False),
    ("12", CONTAINS, "", False),
    ("true", CONTAINS, "tr", False),
    ("null", CONTAINS, "", False),
    ('["abc"]', CONTAINS, "abc", False),
    ('{"abc": "abc"}', CONTAINS, "abc", False),
    # includes: a member of a list
    ('["Session", "Peer"]', INCLUDES, '"Peer"', True),
    ('["Session", "Peer"]', INCLUDES, '"peer"', False),
    ('["Session", "Peer"]', INCLUDES, '"Pee"', False),
    ('["p\\u00e4"]', INCLUDES, '"pä"', True),
    ("[1.0, 2]", INCLUDES, "1", True),
    ("[9007199254740993]", INCLUDES, "9007199254740992", False),
    ('["1"]', INCLUDES, "1", False),
    ("[true]", INCLUDES, "1", False),
    ("[true]", INCLUDES, "true", True),
    ("[null]", INCLUDES, "null", True),
    ("[]", INCLUDES, "null", False),
    ('[{"b": 2, "a": 1}]', INCLUDES, '{"a": 1.0, "b": 2}', True),
    ("[[1, 2]]", INCLUDES, "[1, 2]", True),
    ("[[1, 2]]", INCLUDES, "1", False),
    ('"Peer"', INCLUDES, '"Peer"', False),
    ("1", INCLUDES, "1", False),
    ('{"a": "Peer"}', INCLUDES, '"Peer"', False),
    # exists and null
    ("null", EXISTS, None, True),
    ("null", IS_NULL, None, True),
    ("0", EXISTS, None, True),
    ("0", IS_NULL, None, False),
    ('"null"', IS_NULL, None, False),
    ("[]", EXISTS, None, True),
    ("[null]", IS_NULL, None, False),
]


PATHS: list[tuple[str, tuple[str, ...], bool]] = [
    ('{"network usage": {"52:54:00:01": {"rx.bytes": 1}}}', ("network usage", "52:54:00:01", "rx.bytes"), True),
    ('{"a.b": 1}', ("a.b",), True),
    ('{"a.b": 1}', ("a", "b"), False),
    ('{"a": {"b": 1}}', ("a.b",), False),
    ('{"a": {"b": 1}}', ("a", "b"), True),
    ('{"a": {"b": 1}}', ("a", "b", "c"), False),
    ('{"a": {"b": 1}}', ("b",), False),
    ('{"": {"": 1}}', ("", ""), True),
    ('{"a": 1}', ("",), False),
    ('{"A": 1}', ("a",), False),
    ('{"a ": 1}', ("a",), False),
    ('{"a": 1}', ("a ",), False),
    ('{"q\\"q": 1}', ('q"q',), True),
    ('{"b\\\\s": 1}', ("b\\s",), True),
    ('{"😀": 1}', ("😀",), True),
    ('{"\\ud83d\\ude00": 1}', ("😀",), True),
    ('{"gr\\u00f6\\u00DFe" : {"\\u0061" :1}}', ("größe", "a"), True),
    ('{"\\/": 1}', ("/",), True),
    ('{"tab\\u0009": 1}', ("tab\t",), True),
    ('{"x": "\\u00e4\\":", "\\u00e4": 1}', ("ä",), True),
    ('{"$": 1}', ("$",), True),
    ('{"*": 1}', ("*",), True),
    ('{"a": 1}', ("*",), False),
    ('{"a[0]": 1}', ("a[0]",), True),
    ('{"a": [1]}', ("a[0]",), False),
    ('{"it\'s": 1}', ("it's",), True),
    ('{":name %s %(x)s": 1}', (":name %s %(x)s",), True),
    # F10: a path never goes into a list
    ('{"a": [{"b": 1}]}', ("a", "b"), False),
    ('{"a": [{"b": 1}]}', ("a", "0"), False),
    ('[{"a": 1}]', ("a",), False),
    ('"a"', ("a",), False),
    ("null", ("a",), False),
]


async def test_paths_go_through_objects_only(database: Database) -> None:
    """F8, F10, NU7: keys with blanks, dots, quotes, escapes, emoji, and the empty key; lists are never entered."""
    extras = list(dict.fromkeys(text for text, *_ in PATHS))
    await store(database, [row(number, extra=text) for number, text in enumerate(extras)])
    failures = []
    for text, path, expected in PATHS:
        found = await numbers_of(database, at(*path)(EXISTS))
        equal = await numbers_of(database, at(*path)(IN, ("1",)))
        if (extras.index(text) in found) is not expected or (extras.index(text) in equal and not expected):
            failures.append((text, path, expected))
    assert failures == []


async def test_a_missing_path_passes_no_test_and_is_in_every_complement(database: Database) -> None:
    """F11, contract ("negation is complement"): a missing path, an event without extra and a null differ."""
    await store(database, [row(1, extra='{"k": null}'), row(2, extra='{"x": 1}'), row(3), row(4, extra='{"k": 1}')])
    tests = {
        at("k")(EXISTS): [1, 4],
        at("k")(IS_NULL): [1],
        at("k")(IN, ("1",)): [4],
        at("k")(IN, ("null",)): [1],
        at("k")(GREATER, "0"): [4],
        at("k")(CONTAINS, ""): [],
        at("k")(INCLUDES, "1"): [],
    }
    for test, expected in tests.items():
        assert await numbers_of(database, test) == expected, test
        assert await numbers_of(database, Not(test)) == [n for n in (1, 2, 3, 4) if n not in expected], test


async def test_a_list_of_a_thousand_values_is_served(database: Database) -> None:
    """F23: the longest list that a filter may hold."""
    await store(database, [row(1, extra='{"k": 999}'), row(2, extra='{"k": "999"}'), row(3, extra='{"k": 1000}')])
    test = at("k")(IN, tuple(str(number) for number in range(1000)))
    assert await numbers_of(database, test) == [1]
    assert await numbers_of(database, Not(test)) == [2, 3]


async def test_two_tests_on_lists_in_one_statement(database: Database) -> None:
    """SY2: model types are members of a list."""
    extras = ('{"k": [1, 2]}', '{"k": [2]}', '{"k": [1]}')
    await store(database, [row(number, extra=text) for number, text in enumerate(extras)])
    both = And((at("k")(INCLUDES, "1"), at("k")(INCLUDES, "2")))
    neither = Not(Or((at("k")(INCLUDES, "1"), at("k")(INCLUDES, "2"))))
    assert await numbers_of(database, both) == [0]
    assert await numbers_of(database, neither) == []


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ('{"a": "\\u00e4"}', '{"a": "\\u00e4"}'),
        ('{"\\u00e4" : "\\u00e4:"}', '{"ä" : "\\u00e4:"}'),
        ('{"a\\\\": 1.10, "\\"": {"\\u0022:": 1e2}}', '{"a\\\\": 1.10, "\\"": {"\\":": 1e2}}'),
        ('["\\u00e4", "b"]', '["\\u00e4", "b"]'),
        ('{"\\ud83d\\ude00": -0.0}', '{"😀": -0.0}'),
        ('{"plain":  12345678901234567890}', '{"plain":  12345678901234567890}'),
    ],
)
def test_keys_are_spelled_in_one_way_and_nothing_else_changes(sent: str, kept: str) -> None:
    """NU7: a key that came with needless escapes is found by its path; values keep their text."""
    assert spell_keys(sent) == kept
    assert json.loads(kept) == json.loads(sent)


async def test_values_compare_alike_everywhere(database: Database) -> None:
    """F9, F12, F13, F20 and NU7: each row of the table above, and its complement (contract: negation is complement)."""
    extras = list(dict.fromkeys(text for text, *_ in VALUES))
    await store(database, [row(number, extra=f'{{"k": {text}}}') for number, text in enumerate(extras)])
    failures = []
    for start in range(0, len(VALUES), 40):
        some = VALUES[start : start + 40]
        tests = [at("k")(comparison, wanted) for _, comparison, wanted, _ in some]
        answers = await answers_of(database, [*tests, *map(Not, tests)])
        for place, (text, _, _, expected) in enumerate(some):
            own = answers[spell_keys(f'{{"k": {text}}}')][place]
            if own is not expected or any(row[place] is row[place + len(some)] for row in answers.values()):
                failures.append(some[place])
    assert failures == []


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=4) | st.sampled_from(
    ["a", "A", "a ", "ab", "%", "_", "b.c", '"', "\\", "ä", "😀"]
)
number_texts = st.one_of(
    st.integers(-3, 3).map(str),
    st.integers(-(2**70), 2**70).map(str),
    st.integers(2**53 - 2, 2**53 + 2).map(str),
    st.builds("{}.{}".format, st.integers(-20, 20), st.sampled_from(["0", "1", "10", "100000000000000000001"])),
    st.builds("{}e{}".format, st.integers(-12, 12), st.integers(-300, 300)),
    st.sampled_from(["-0", "-0.0", "1.0", "1E0", "10e-1", "0.1e+1", "100", "1e2"]),
)
json_texts = st.recursive(
    st.sampled_from(["null", "true", "false"])
    | number_texts
    | st.builds(json.dumps, texts, ensure_ascii=st.booleans()),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(texts, inner, max_size=3).flatmap(
            lambda members: st.booleans().map(
                lambda escaped: (
                    "{"
                    + ",".join(f"{json.dumps(key, ensure_ascii=escaped)}: {text}" for key, text in members.items())
                    + "}"
                )
            )
        )
    ),
    max_leaves=6,
)


def holds(document: str, test: JsonTest) -> bool:
    """The rules in plain Python: numbers as fractions, everything else as Python compares it."""
    value = plain(document)
    for key in test.path:
        if value[0] != "object" or key not in value[1]:
            return False
        value = value[1][key]
    match test.comparison:
        case JsonComparison.EXISTS:
            return True
        case JsonComparison.IS_NULL:
            return bool(value == ("null",))
        case JsonComparison.IN:
            return value in [plain(text) for text in test.value]
        case JsonComparison.CONTAINS:
            return value[0] == "text" and test.value in value[1]
        case JsonComparison.INCLUDES:
            return value[0] == "list" and plain(test.value) in value[1]
    compare = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}[test.comparison.value]
    return value[0] == "number" and bool(compare(value[1], Fraction(test.value)))


def plain(text: str) -> Any:
    def tagged(value: Any) -> Any:
        match value:
            case None:
                return ("null",)
            case bool():
                return ("boolean", value)
            case Fraction():
                return ("number", value)
            case str():
                return ("text", value)
            case list():
                return ("list", [tagged(one) for one in value])
        return ("object", {key: tagged(one) for key, one in value.items()})

    return tagged(json.loads(text, parse_int=Fraction, parse_float=Fraction))


@st.composite
def documents_and_tests(draw: st.DrawFn) -> tuple[list[str], list[JsonTest]]:
    """Documents under the keys k and k.m, and tests that often meet what they hold."""
    values = draw(st.lists(json_texts, min_size=1, max_size=8))
    nested = [f'{{"k": {value}}}' for value in values] + [f'{{"k": {{"m": {value}}}}}' for value in values]
    known = st.sampled_from(values) | json_texts
    wanted = {
        JsonComparison.IN: st.lists(known, max_size=3).map(tuple),
        JsonComparison.INCLUDES: json_texts,
        JsonComparison.CONTAINS: texts,
        JsonComparison.EXISTS: st.none(),
        JsonComparison.IS_NULL: st.none(),
    }
    paths = st.sampled_from([("k",), ("k", "m"), ("m",)])
    one_test = st.sampled_from(list(JsonComparison)).flatmap(
        lambda comparison: st.builds(JsonTest, paths, st.just(comparison), wanted.get(comparison, number_texts))
    )
    return nested, draw(st.lists(one_test, min_size=5, max_size=10))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(documents_and_tests())
async def test_any_value_compares_as_in_plain_python(
    database: Database, case: tuple[list[str], list[JsonTest]]
) -> None:
    """F8 to F13, F20, NU7: SQLite, MariaDB and the rules in plain Python agree on generated values and tests."""
    documents, tests = case
    example = new_event_id()
    await store(database, [row(0, id=new_event_id(), extra=text, source=example) for text in documents])
    # All tests in one statement: each is a bit of the number that an event gives.
    condition = build_condition(equals_any(EventField.SOURCE, (example,)), database.dialect_name)
    columns = [build_condition(test, database.dialect_name) for test in tests]
    async with database.reading() as connection:
        found = (await connection.execute(select(events.c.extra, *columns).where(condition))).all()
    assert len(found) == len(documents)
    for extra, *answers in found:
        assert [bool(answer) for answer in answers] == [holds(extra, test) for test in tests], (extra, tests)
