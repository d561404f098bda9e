"""Decoding of batches: three roads that yield the same drafts, each taking less than the next."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import decoding
from gateway.decoding import BatchVariable, DecodedVariables, decode_with_batch
from gateway.requests import decode_variables
from mutations.drafts import EventDraft, ObjectDraft

INPUT = BatchVariable("input", is_list=False)
EVENTS = BatchVariable("events", is_list=True)
MINIMAL = '{"eventType":"t","source":"s","message":"m"}'
FULL = """{"eventType":"t","source":"s","message":"m 😀 \\u05d0","objects":[
  {"objectType":"instance","objectId":"a ","namespace":"n","role":"r"},
  {"objectType":"node","objectId":"b","role":null}],
  "id":"0190A1B2-0000-7000-8000-000000000001","timestamp":"2026-11-22T03:04:05.1234567+01:00","namespace":"n",
  "category":"c","severity":"ERROR","extra":{"b":1.10,"a":[9007199254740993, -0.0 ]},"durationMs":0,"success":false,
  "actor":"a","actorClaim":"ac","sessionId":"se","requestId":"rq","correlationId":"co",
  "parentId":"0190a1b2-0000-7000-8000-000000000002","traceId":"tr","spanId":"sp","parentSpanId":"ps",
  "registrationId":"0190a1b2-0000-7000-8000-000000000003","recordCount":"12","owner":"o","visibleTo":["x",""]}"""


def decode(*events: str) -> DecodedVariables:
    return decode_with_batch(f'{{"input":{{"events":[{",".join(events)}]}}}}'.encode(), INPUT)


def drafts(*events: str) -> list[EventDraft]:
    return decode(*events).batches["input"]


def strict(*events: str) -> DecodedVariables | None:
    return decoding._decode_strictly(f'{{"input":{{"events":[{",".join(events)}]}}}}'.encode(), INPUT)


def lenient(*events: str) -> DecodedVariables:
    text = f'{{"input":{{"events":[{",".join(events)}]}}}}'
    return decoding._decode_leniently(decode_variables(text.encode()), INPUT)


def as_values(batch: list[EventDraft]) -> list[dict[str, Any]]:
    names = EventDraft.__struct_fields__
    return [{name: getattr(draft, name) for name in names} for draft in batch]


def test_a_full_event_is_decoded_by_the_strict_road() -> None:
    decoded = strict(FULL)
    assert decoded is not None
    [draft] = decoded.batches["input"]
    assert draft.timestamp == 1_795_313_045_123_456
    assert draft.objects == [ObjectDraft("instance", "a ", "n", "r"), ObjectDraft("node", "b")]
    assert draft.extra == '{"b":1.10,"a":[9007199254740993, -0.0 ]}'
    assert (draft.severity, draft.duration_ms, draft.success, draft.record_count) == ("ERROR", 0.0, False, "12")
    assert draft.message == "m 😀 \u05d0"
    assert draft.visible_to == ["x", ""]


def test_both_roads_give_the_same_drafts() -> None:
    by_strict, by_lenient = strict(FULL, MINIMAL), lenient(FULL, MINIMAL)
    assert by_strict is not None
    first, second = as_values(by_strict.batches["input"]), as_values(by_lenient.batches["input"])
    assert first[0].pop("extra") == second[0].pop("extra").replace(",-0.0]", ", -0.0 ]")
    assert first == second


def test_what_was_left_out_is_none_and_so_is_null() -> None:
    nulls = MINIMAL[:-1] + ',"extra":null,"timestamp":null,"objects":null,"severity":null,"durationMs":null}'
    assert as_values(drafts(MINIMAL)) == as_values(drafts(nulls)) == as_values([EventDraft("t", "s", "m")])


def test_execution_sees_an_empty_batch_and_the_other_variables() -> None:
    text = f'{{"input":{{"events":[{MINIMAL}]}},"a":1.50,"b":null}}'
    decoded = decode_with_batch(text.encode(), INPUT)
    assert decoded.values == {"input": {"events": []}, "a": 1.5, "b": None}
    assert len(decoded.batches["input"]) == 1


def test_a_variable_can_hold_the_list_alone() -> None:
    for event in (MINIMAL, MINIMAL[:-1] + ',"extra":[1e400]}'):
        decoded = decode_with_batch(f'{{"events":[{event}]}}'.encode(), EVENTS)
        assert decoded.values == {"events": []}
        assert [draft.event_type for draft in decoded.batches["events"]] == ["t"]


LENIENT = {
    "lone surrogate": ('"message":"\\ud800"', "message", "\ud800"),
    "lone surrogate in extra": ('"extra":{"a":"\\udc00"}', "extra", '{"a":"\\udc00"}'),
    "NUL": ('"message":"a\\u0000"', "message", "a\0"),
    "repeated name in extra": ('"extra":{"a":1,"a":2}', "extra", '{"a":1,"a":2}'),
    "number beyond a double in extra": ('"extra":1e400', "extra", "1e400"),
    "negative zero": ('"recordCount":-0', "record_count", 0),
    "endless count": ('"recordCount":1e400', "record_count", float("inf")),
    "count with a fraction": ('"recordCount":1.5', "record_count", 1.5),
    "count as text": ('"recordCount":"x"', "record_count", "x"),
    "malformed id": ('"id":"x"', "id", "x"),
    "year 0": ('"timestamp":"0000-01-01T00:00:00Z"', "timestamp", -62_167_219_200_000_000),
    "deep extra": ('"extra":' + "[" * 40 + "]" * 40, "extra", "[" * 40 + "]" * 40),
    "repeated name": ('"actor":"a","actor":"b"', "actor", "b"),
}


@pytest.mark.parametrize(("member", "name", "value"), LENIENT.values(), ids=LENIENT.keys())
def test_what_is_wrong_with_one_event_is_left_to_ingest(member: str, name: str, value: Any) -> None:
    """Issue 2: everything but a wrong kind is an outcome of its event."""
    message = "" if name == "message" else '"message":"m",'
    event = f'{{"eventType":"t","source":"s",{message}{member}}}'
    [good, bad] = drafts(MINIMAL, event)
    assert good.message == "m"
    assert getattr(bad, name) == value


STOCK = {
    "unknown field": MINIMAL[:-1] + ',"x":1}',
    "snake case": MINIMAL[:-1] + ',"event_type":"t"}',
    "missing field": '{"eventType":"t","source":"s"}',
    "null in a required field": '{"eventType":null,"source":"s","message":"m"}',
    "number as text": '{"eventType":1,"source":"s","message":"m"}',
    "number as id": MINIMAL[:-1] + ',"id":7}',
    "unknown severity": MINIMAL[:-1] + ',"severity":"error"}',
    "severity as number": MINIMAL[:-1] + ',"severity":3}',
    "time without offset": MINIMAL[:-1] + ',"timestamp":"2026-01-01T00:00:00"}',
    "time as number": MINIMAL[:-1] + ',"timestamp":1}',
    "duration beyond a double": MINIMAL[:-1] + ',"durationMs":1e400}',
    "duration of 310 digits": MINIMAL[:-1] + ',"durationMs":' + "1" * 310 + "}",
    "text as duration": MINIMAL[:-1] + ',"durationMs":"1"}',
    "number as switch": MINIMAL[:-1] + ',"success":1}',
    "switch as count": MINIMAL[:-1] + ',"recordCount":true}',
    "one object without a list": MINIMAL[:-1] + ',"objects":{"objectType":"a","objectId":"b"}}',
    "null in a list": MINIMAL[:-1] + ',"visibleTo":[null]}',
    "event as list": "[]",
    "null as event": "null",
}


@pytest.mark.parametrize("event", STOCK.values(), ids=STOCK.keys())
def test_what_is_wrong_with_the_request_is_left_to_stock_coercion(event: str) -> None:
    decoded = decode(MINIMAL, event)
    assert decoded.batches == {}
    assert decoded.values == decode_variables(f'{{"input":{{"events":[{MINIMAL},{event}]}}}}'.encode())


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"input":null}',
        '{"input":[]}',
        '{"input":{"events":{}}}',
        '{"input":{"events":[],"x":1}}',
        '{"input":{}}',
    ],
)
def test_an_input_of_another_shape_is_left_to_stock_coercion(text: str) -> None:
    assert decode_with_batch(text.encode(), INPUT) == DecodedVariables(json.loads(text), {})


TEXT = st.text(max_size=8)
EVENT = st.fixed_dictionaries(
    {"eventType": TEXT, "source": TEXT, "message": TEXT},
    optional={
        "id": TEXT | st.none(),
        "timestamp": st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
        "severity": st.sampled_from(["DEBUG", "CRITICAL"]) | st.none(),
        "durationMs": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53) | st.none(),
        "success": st.booleans(),
        "recordCount": st.integers(0, 2**53) | TEXT,
        "extra": st.dictionaries(TEXT, st.integers(-(2**70), 2**70) | TEXT | st.lists(st.booleans()), max_size=3),
        "objects": st.lists(st.fixed_dictionaries({"objectType": TEXT, "objectId": TEXT}), max_size=2),
        "visibleTo": st.lists(TEXT, max_size=2),
    },
)


@given(st.lists(EVENT, max_size=3))
def test_for_any_batch_the_lenient_road_gives_what_the_strict_one_gives(events: list[dict[str, Any]]) -> None:
    texts = [json.dumps(event, ensure_ascii=False, separators=(",", ":")) for event in events]
    by_strict, by_lenient = strict(*texts), lenient(*texts)
    assert by_lenient.batches.keys() == {"input"}
    if by_strict is not None:
        assert as_values(by_strict.batches["input"]) == as_values(by_lenient.batches["input"])
