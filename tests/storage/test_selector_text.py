"""Selector text: HZ1, SY2 and rules F2 to F8, F14, F19 to F21 of semantics.md."""

import pytest

from storage.errors import SelectorError
from storage.selector_text import ATTRIBUTES, parse_selector
from storage.selectors import (
    NONE,
    Comparison,
    EventField,
    FieldTest,
    JsonComparison,
    JsonTest,
    Not,
    ObjectReference,
    Or,
    Selector,
    TouchesAny,
    TouchesId,
    equals_any,
)

UUID = "0190b2c4-0000-7000-8000-00000000abcd"
NEW_YEAR = 1_767_225_600_000_000
TEXT_FIELDS = (
    EventField.NAMESPACE,
    EventField.EVENT_TYPE,
    EventField.CATEGORY,
    EventField.SEVERITY_TEXT,
    EventField.SOURCE,
    EventField.MESSAGE,
    EventField.ACTOR,
    EventField.ACTOR_CLAIM,
    EventField.SESSION_ID,
    EventField.REQUEST_ID,
    EventField.CORRELATION_ID,
    EventField.TRACE_ID,
    EventField.SPAN_ID,
    EventField.PARENT_SPAN_ID,
    EventField.OWNER,
)
ID_FIELDS = (EventField.ID, EventField.PARENT_ID, EventField.REGISTRATION_ID)
ORDERED = {
    "timestamp": ("2026-01-01T00:00:00Z", EventField.TIMESTAMP, NEW_YEAR),
    "received_at": ("2026-01-01T01:00:00+01:00", EventField.RECEIVED_AT, NEW_YEAR),
    "severity": ("ERROR", EventField.SEVERITY, 4),
    "severity_level": ("4", EventField.SEVERITY, 4),
    "duration_ms": ("1.5", EventField.DURATION_MS, 1.5),
    "record_count": ("9007199254740993", EventField.RECORD_COUNT, 9007199254740993),
    "repeat_count": ("2", EventField.REPEAT_COUNT, 2),
}
ORDERINGS = {
    "<": Comparison.LESS,
    "<=": Comparison.LESS_OR_EQUAL,
    ">": Comparison.GREATER,
    ">=": Comparison.GREATER_OR_EQUAL,
}


@pytest.mark.parametrize("field", TEXT_FIELDS, ids=lambda field: field.value)
def test_text_attributes_take_equals_differs_and_contains(field: EventField) -> None:
    """F6, HZ1: each text attribute; F5: != is the complement of =."""
    assert parse_selector(f"{field.value}=some text") == equals_any(field, ["some text"])
    assert parse_selector(f"{field.value}!=some text") == Not(equals_any(field, ["some text"]))
    assert parse_selector(f"{field.value}~some text") == FieldTest(field, Comparison.CONTAINS, "some text")
    for ordering in ORDERINGS:
        with pytest.raises(SelectorError, match=f"{ordering} is for times, numbers and severity; use = != ~"):
            parse_selector(f"{field.value}{ordering}some text")


@pytest.mark.parametrize("field", ID_FIELDS, ids=lambda field: field.value)
def test_id_attributes_compare_in_lower_case(field: EventField) -> None:
    """F14, F18, F21: ids take any case; ~ looks into the lower-case text."""
    assert parse_selector(f"{field.value}={UUID.upper()}") == equals_any(field, [UUID])
    assert parse_selector(f"{field.value} != {UUID}") == Not(equals_any(field, [UUID]))
    assert parse_selector(f"{field.value}~abcd") == FieldTest(field, Comparison.CONTAINS, "abcd")
    for malformed in ("xyz", UUID[:-1], UUID.replace("-", ""), f"{{{UUID}}}"):
        with pytest.raises(SelectorError, match="the value must be a UUID of 36 characters"):
            parse_selector(f"{field.value}={malformed}")


def test_a_registration_is_named_by_node_id_too() -> None:
    """N2: "every id takes a node id or a bare UUID" holds in filters; a node id of another kind is malformed."""
    assert parse_selector(f"registration_id=registration:{UUID}") == equals_any(EventField.REGISTRATION_ID, [UUID])
    for other in (f"registration_id=operation:{UUID}", f"parent_id=registration:{UUID}", f"id=registration:{UUID}"):
        with pytest.raises(SelectorError, match="the value must be a UUID"):
            parse_selector(other)


@pytest.mark.parametrize("attribute", ORDERED)
def test_ordered_attributes_take_every_comparison_but_contains(attribute: str) -> None:
    """HZ1: < > <= >= are for times, numbers and severity, ~ is for text."""
    text, field, value = ORDERED[attribute]
    assert parse_selector(f"{attribute}={text}") == equals_any(field, [value])
    assert parse_selector(f"{attribute}!={text}") == Not(equals_any(field, [value]))
    for ordering, comparison in ORDERINGS.items():
        assert parse_selector(f"{attribute} {ordering} {text}") == FieldTest(field, comparison, value)
    with pytest.raises(SelectorError, match="~ is for text; use = != < <= > >="):
        parse_selector(f"{attribute}~{text}")


@pytest.mark.parametrize(
    ("text", "selector"),
    [
        ("event_code=E17", equals_any(EventField.EVENT_TYPE, ["E17"])),
        ("event_code~E1", FieldTest(EventField.EVENT_TYPE, Comparison.CONTAINS, "E1")),
        ("source_type!=agent", Not(equals_any(EventField.CATEGORY, ["agent"]))),
        ("agreement_id=a1", TouchesAny((ObjectReference("agreement", "a1"),))),
        ("agreement_id!=a1", Not(TouchesAny((ObjectReference("agreement", "a1"),)))),
        ("service_url~example.com", TouchesId("service", Comparison.CONTAINS, "example.com")),
        ("object.instance=i-1", TouchesAny((ObjectReference("instance", "i-1"),))),
        ("object.instance~i-", TouchesId("instance", Comparison.CONTAINS, "i-")),
        ("object.net.port = p1", TouchesAny((ObjectReference("net.port", "p1"),))),
    ],
)
def test_objects_and_other_names(text: str, selector: Selector) -> None:
    """HZ1, F5, F6: the names of the edge agent's log, and objects by type."""
    assert parse_selector(text) == selector


@pytest.mark.parametrize(
    ("word", "rank"),
    [("info", 1), ("Warn", 3), ("FATAL", 5), ("critical", 5), ("medium", 3), ("low", 1), ("Trace", 0), ("notice", 2)],
)
def test_severity_words_ignore_case(word: str, rank: int) -> None:
    """F2, F7."""
    assert parse_selector(f"severity>={word}") == FieldTest(EventField.SEVERITY, Comparison.GREATER_OR_EQUAL, rank)
    assert parse_selector(f"severity_level<{word}") == FieldTest(EventField.SEVERITY, Comparison.LESS, rank)


@pytest.mark.parametrize("level", range(6))
def test_a_severity_level_is_a_rank(level: int) -> None:
    """F7: 0 (DEBUG) to 5 (CRITICAL)."""
    assert parse_selector(f"severity_level={level}") == equals_any(EventField.SEVERITY, [level])


@pytest.mark.parametrize(("word", "value"), [("true", True), ("False", False), ("TRUE", True), ('"false"', False)])
def test_success_ignores_case(word: str, value: bool) -> None:
    """F2."""
    assert parse_selector(f"success={word}") == equals_any(EventField.SUCCESS, [value])
    assert parse_selector(f"success!={word}") == Not(equals_any(EventField.SUCCESS, [value]))


@pytest.mark.parametrize(
    ("text", "selector"),
    [
        ("message~a=b", FieldTest(EventField.MESSAGE, Comparison.CONTAINS, "a=b")),
        ("message=a<=b!=c~d", equals_any(EventField.MESSAGE, ["a<=b!=c~d"])),
        ("message==x", equals_any(EventField.MESSAGE, ["=x"])),
        ("  message  =  two  words  ", equals_any(EventField.MESSAGE, ["two  words"])),
        ('message=" two words "', equals_any(EventField.MESSAGE, [" two words "])),
        ("message='it is \"so\"'", equals_any(EventField.MESSAGE, ['it is "so"'])),
        ('message="a\\n\\"b"', equals_any(EventField.MESSAGE, ['a\\n\\"b'])),
        ('message="a"b"', equals_any(EventField.MESSAGE, ['a"b'])),
        ('message=say "x"', equals_any(EventField.MESSAGE, ['say "x"'])),
        ('actor=""', equals_any(EventField.ACTOR, [""])),
        ("actor~''", FieldTest(EventField.ACTOR, Comparison.CONTAINS, "")),
        ("duration_ms<=5", FieldTest(EventField.DURATION_MS, Comparison.LESS_OR_EQUAL, 5)),
        ("duration_ms<'5'", FieldTest(EventField.DURATION_MS, Comparison.LESS, 5)),
        ("duration_ms>-1e2", FieldTest(EventField.DURATION_MS, Comparison.GREATER, -100)),
        ("duration_ms=0", equals_any(EventField.DURATION_MS, [0])),
        ("duration_ms<1e20", FieldTest(EventField.DURATION_MS, Comparison.LESS, 1e20)),
        ("source=größe 😀", equals_any(EventField.SOURCE, ["größe 😀"])),
    ],
)
def test_the_first_operator_divides_and_the_longest_wins(text: str, selector: Selector) -> None:
    """F3, F19: blanks, operators inside values, quotes without escapes, the quoted empty text."""
    assert parse_selector(text) == selector


def extra(key: str, comparison: JsonComparison, value: object) -> JsonTest:
    return JsonTest((key,), comparison, value)


@pytest.mark.parametrize(
    ("text", "selector"),
    [
        ("extra.state=done", extra("state", JsonComparison.IN, ('"done"',))),
        ("extra.state!=done", Not(extra("state", JsonComparison.IN, ('"done"',)))),
        (
            "extra.batch=1",
            Or((extra("batch", JsonComparison.IN, ('"1"',)), extra("batch", JsonComparison.IN, ("1",)))),
        ),
        (
            "extra.batch!=-1.50e3",
            Not(
                Or((extra("batch", JsonComparison.IN, ('"-1.50e3"',)), extra("batch", JsonComparison.IN, ("-1.50e3",))))
            ),
        ),
        ("extra.batch=01", extra("batch", JsonComparison.IN, ('"01"',))),
        ("extra.flag=true", extra("flag", JsonComparison.IN, ('"true"',))),
        ("extra.text=NaN", extra("text", JsonComparison.IN, ('"NaN"',))),
        ('extra.text=say "x"', extra("text", JsonComparison.IN, ('"say \\"x\\""',))),
        (
            "extra.rx.bytes>=12345678901234567890",
            extra("rx.bytes", JsonComparison.GREATER_OR_EQUAL, "12345678901234567890"),
        ),
        ("extra.batch<1.10", extra("batch", JsonComparison.LESS, "1.10")),
        ("extra.batch>many", NONE),
        ("extra.text~a b", extra("text", JsonComparison.CONTAINS, "a b")),
        ("extra.network usage=5 GB", extra("network usage", JsonComparison.IN, ('"5 GB"',))),
    ],
)
def test_extra_compares_texts_as_text_and_numbers_by_value(text: str, selector: Selector) -> None:
    """F8, F20: one key, dots belong to it; the digits of a number are kept."""
    assert parse_selector(text) == selector


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "selector '' has no operator: write attribute=value, or use ~ != < <= > >="),
        ("message", "selector 'message' has no operator: write attribute=value, or use ~ != < <= > >="),
        ("actor=", "selector 'actor=' has no value: write attribute=\"\" for the empty text"),
        ("actor =  ", "selector 'actor =  ' has no value: write attribute=\"\" for the empty text"),
        ('actor="open', "selector 'actor=\"open' opens a quote \" that is not closed"),
        ("actor='", "selector 'actor='' opens a quote ' that is not closed"),
        ("actor='x\"", "selector 'actor='x\"' opens a quote ' that is not closed"),
        ("actr=x", "selector 'actr=x': no attribute 'actr'; did you mean actor?"),
        ("severty>=error", "selector 'severty>=error': no attribute 'severty'; did you mean severity?"),
        ("eventType=x", "selector 'eventType=x': no attribute 'eventType'; did you mean event_type?"),
        ("Message=x", "selector 'Message=x': no attribute 'Message'; did you mean message?"),
        ("success=yes", "selector 'success=yes': success is compared by = or != with true or false"),
        ("success~true", "selector 'success~true': success is compared by = or != with true or false"),
        ("success<true", "selector 'success<true': < is for times, numbers and severity; use = != ~"),
        ("duration_ms=fast", "selector 'duration_ms=fast': 'fast' is no number"),
        ("duration_ms=1e400", "selector 'duration_ms=1e400': '1e400' is beyond every number that can be stored"),
        ("duration_ms=٣", "selector 'duration_ms=٣': '٣' is no number"),
        ("record_count=0x10", "selector 'record_count=0x10': '0x10' is no number"),
        (
            "object.vm<3",
            "selector 'object.vm<3': < is for times, numbers and severity; use = != ~",
        ),
        (
            "timestamp>yesterday",
            "selector 'timestamp>yesterday': 'yesterday' is no RFC 3339 time with an offset, "
            "such as 2026-11-22T03:04:05.123456Z",
        ),
        (
            "timestamp>0000-01-01T00:00:00Z",
            "selector 'timestamp>0000-01-01T00:00:00Z': times go from 1970-01-01T00:00:00Z to the end of 9999",
        ),
        (
            "received_at<9999-12-31T23:59:59-00:01",
            "selector 'received_at<9999-12-31T23:59:59-00:01': times go from 1970-01-01T00:00:00Z to the end of 9999",
        ),
        (
            "severity=loud",
            "selector 'severity=loud': 'loud' is no severity; use one of "
            "trace, debug, info, low, notice, warn, warning, medium, error, high, critical, fatal",
        ),
        (
            "severity=3",
            "selector 'severity=3': '3' is no severity; use one of "
            "trace, debug, info, low, notice, warn, warning, medium, error, high, critical, fatal",
        ),
        (
            "severity_level=6",
            "selector 'severity_level=6': '6' is no severity; use one of "
            "trace, debug, info, low, notice, warn, warning, medium, error, high, critical, fatal, "
            "or a level from 0 (DEBUG) to 5 (CRITICAL)",
        ),
    ],
)
def test_what_cannot_be_understood_says_what_to_change(text: str, message: str) -> None:
    """HZ1, SY2, F4: an unknown attribute or value is an error, never everything, never nothing in silence."""
    with pytest.raises(SelectorError) as failure:
        parse_selector(text)
    assert str(failure.value) == message


@pytest.mark.parametrize("text", ["wholly unknown=1", "extra.=1", "object.=1", "extra=1", "=x", "!x=1"])
def test_an_attribute_like_no_other_names_those_that_are_known(text: str) -> None:
    """F6: nothing else."""
    with pytest.raises(SelectorError, match=r"no attribute '.*'; (did you mean|known are id, namespace, event_type)"):
        parse_selector(text)


@pytest.mark.parametrize("text", ["message=\ud800", "actor~\ud800", "extra.k=\ud800", "extra.\ud800=1", "\ud800=1"])
def test_a_lone_surrogate_is_refused_and_not_echoed(text: str) -> None:
    """stack.md: an error text that held one could not be written as JSON."""
    with pytest.raises(SelectorError) as failure:
        parse_selector(text)
    assert str(failure.value).encode()


def test_attributes_are_those_of_the_rule() -> None:
    """F6: TextField's names and those listed, nothing else."""
    assert sorted(ATTRIBUTES) == sorted(
        [field.value for field in (*TEXT_FIELDS, *ID_FIELDS)]
        + [*ORDERED, "success", "event_code", "source_type", "agreement_id", "service_url"]
        + ["extra.<key>", "object.<type>"]
    )
