"""`ingestEvents` through the schema: how it is asked and told; what it decides is tested in tests/mutations."""

from typing import Any

import pytest

from gateway.errors import ErrorCode
from gateway.schema.event_inputs import EventInput, EventObjectInput, to_draft
from gateway.schema.scalars import BigInt, DateTime, JsonText
from mutations.drafts import EventDraft, ObjectDraft
from storage.engine import Database
from storage.severities import Severity
from tests.gateway.execution import Caller
from tests.gateway.history import event_id

MUTATION = """
  mutation ($input: IngestEventsInput!) {
    ingestEvents(input: $input) {
      accepted duplicates conflicts rejected
      results { index id outcome code message }
      problems { index outcome }
    }
  }
"""


def batch(*events: str) -> str:
    return f'{{"input": {{"events": [{", ".join(events)}]}}}}'


def given(number: int, message: str = "m", more: str = "") -> str:
    return f'{{"id": "{event_id(number)}", "eventType": "audit", "source": "s", "message": "{message}"{more}}}'


async def test_the_payload_says_what_became_of_each_event_ev2(database: Database) -> None:
    caller = Caller(database)
    stored = await caller.run(MUTATION, batch(given(1), given(2)))
    assert stored.data["ingestEvents"]["accepted"] == 2
    answer = await caller.run(
        MUTATION,
        batch(
            given(1),
            given(2, "other"),
            given(3),
            given(4, "", ', "namespace": "timeloom"'),
            '{"id": "x", "eventType": "a", "source": "s", "message": ""}',
        ),
    )
    payload = answer.data["ingestEvents"]
    assert {name: payload[name] for name in ("accepted", "duplicates", "conflicts", "rejected")} == {
        "accepted": 1,
        "duplicates": 1,
        "conflicts": 1,
        "rejected": 2,
    }
    assert [(result["index"], result["id"], result["outcome"], result["code"]) for result in payload["results"]] == [
        (0, event_id(1), "DUPLICATE", None),
        (1, event_id(2), "CONFLICT", "CONFLICT"),
        (2, event_id(3), "ACCEPTED", None),
        (3, event_id(4), "REJECTED", "NAMESPACE_FORBIDDEN"),
        (4, None, "REJECTED", "INVALID_ID"),
    ]
    assert [bool(result["message"]) for result in payload["results"]] == [False, True, False, True, True]
    assert payload["problems"] == [
        {"index": 1, "outcome": "CONFLICT"},
        {"index": 3, "outcome": "REJECTED"},
        {"index": 4, "outcome": "REJECTED"},
    ]
    assert ("ingested", 5) in answer.batches


async def test_an_empty_batch_is_accepted_with_zeros_i9(database: Database) -> None:
    answer = await Caller(database).run(MUTATION, batch())
    assert answer.data["ingestEvents"] == {
        "accepted": 0,
        "duplicates": 0,
        "conflicts": 0,
        "rejected": 0,
        "results": [],
        "problems": [],
    }


@pytest.mark.parametrize(
    "text",
    [
        '{"z":1.10,"a b":[-0,-0.0,1e308,123456789012345678901234567890],"e":"😀 \u05d0 \\" \\\\ "}',
        '"a text"',
        "[]",
        "0",
        "false",
    ],
)
async def test_extra_survives_stock_coercion_as_it_was_sent(database: Database, text: str) -> None:
    """NU7; the same on the fast road, see test_decoding."""
    caller = Caller(database)
    await caller.run(MUTATION, batch(given(1, more=f', "extra": {text}')))
    answer = await caller.run(f'{{ event(id: "{event_id(1)}") {{ extra }} }}')
    assert answer.body == f'{{"event":{{"extra":{text}}}}}'.encode()


async def test_null_is_the_same_as_left_out(database: Database) -> None:
    """Both are one content: the second is a duplicate of the first."""
    caller = Caller(database)
    names = (
        "objects",
        "timestamp",
        "namespace",
        "severity",
        "extra",
        "durationMs",
        "recordCount",
        "visibleTo",
        "owner",
    )
    nulls = "".join(f', "{name}": null' for name in names)
    assert (await caller.run(MUTATION, batch(given(1)))).data["ingestEvents"]["accepted"] == 1
    assert (await caller.run(MUTATION, batch(given(1, more=nulls)))).data["ingestEvents"]["duplicates"] == 1


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ('{"eventType": "a", "source": "s"}', "message"),
        ('{"eventType": "a", "source": "s", "message": "m", "colour": 1}', "colour"),
        ('{"eventType": 5, "source": "s", "message": "m"}', "String cannot represent a non string value"),
        ('{"eventType": "a", "source": "s", "message": "m", "severity": "AWFUL"}', "AWFUL"),
        (
            '{"eventType": "a", "source": "s", "message": "m", "timestamp": "noon"}',
            "is no RFC 3339 time with an offset",
        ),
        ('{"eventType": "a", "source": "s", "message": "m", "durationMs": "1"}', "Float cannot represent"),
        ('{"eventType": "a", "source": "s", "message": "m", "durationMs": 1e400}', "Float cannot represent"),
        ('{"eventType": "a", "source": "s", "message": "m", "recordCount": true}', "a BigInt is a whole number"),
        ('{"eventType": "a", "source": "s", "message": "m", "visibleTo": [null]}', "not to be None"),
        ('{"eventType": "a", "source": "s", "message": "m", "objects": [{"objectType": "a"}]}', "objectId"),
    ],
)
async def test_a_malformed_batch_is_refused_as_a_whole(database: Database, event: str, words: str) -> None:
    """Request errors: unknown field, missing field, wrong kind, unknown enum value, a text that is no time."""
    answer = await Caller(database).run(MUTATION, batch(given(1), event))
    assert answer.errors
    assert words in " ".join(message for _, message in answer.errors)
    assert answer.statements == []


@pytest.mark.parametrize("value", ['"five"', "-1", "1.5", '"9007199254740992"', "9007199254740992"])
async def test_a_bad_record_count_is_an_outcome_of_its_event(database: Database, value: str) -> None:
    answer = await Caller(database).run(MUTATION, batch(given(1, more=f', "recordCount": {value}'), given(2)))
    outcomes = [(result["outcome"], result["code"]) for result in answer.data["ingestEvents"]["results"]]
    assert outcomes == [("REJECTED", "VALUE_OUT_OF_RANGE"), ("ACCEPTED", None)]


async def test_a_time_outside_the_stored_years_is_an_outcome_of_its_event(database: Database) -> None:
    answer = await Caller(database).run(MUTATION, batch(given(1, more=', "timestamp": "1969-12-31T23:59:59Z"')))
    assert [result["code"] for result in answer.data["ingestEvents"]["results"]] == ["TIMESTAMP_OUT_OF_RANGE"]


async def test_a_batch_over_the_limit_is_refused_and_names_the_setting(database: Database) -> None:
    answer = await Caller(database).run(MUTATION, batch(*(given(number) for number in range(1, 5_002))))
    code, message = answer.error
    assert code is ErrorCode.BATCH_TOO_LARGE
    assert "5001" in message
    assert "TIMELOOM_MAX_BATCH_EVENTS" in message


@pytest.mark.parametrize(
    "document",
    [
        "mutation ($x: IngestEventsInput!) { ingestEvents(input: $x) { accepted } }",
        "mutation ($x: [EventInput!]!) { ingestEvents(input: {events: $x}) { accepted } }",
    ],
)
async def test_batches_that_were_decoded_already_are_taken_as_they_are(database: Database, document: str) -> None:
    """The fast road: execution sees an empty batch, the drafts stand in the context by their variable."""
    caller = Caller(database)
    empty: Any = [] if "[EventInput" in document else {"events": []}
    drafts = [EventDraft(event_type="audit", source="s", message="m", id=event_id(1))]
    answer = await caller.run(document, {"x": empty}, decoded_batches={"x": drafts})
    assert answer.data == {"ingestEvents": {"accepted": 1}}
    other = await caller.run(document, {"x": empty}, decoded_batches={"y": drafts})
    assert other.data == {"ingestEvents": {"accepted": 0}}


def test_every_field_reaches_the_draft() -> None:
    texts = {
        name: name
        for name in (
            *(
                "event_type",
                "source",
                "message",
                "id",
                "namespace",
                "category",
                "severity_text",
                "actor",
                "actor_claim",
            ),
            *("session_id", "request_id", "correlation_id", "parent_id", "trace_id", "span_id", "parent_span_id"),
            *("registration_id", "owner"),
        )
    }
    sent = EventInput(
        **texts,  # type: ignore[arg-type]
        objects=[EventObjectInput(object_type="t", object_id="i", namespace="n", role="r")],
        timestamp=DateTime(5),
        severity=Severity.ERROR,
        extra=JsonText("{}"),  # type: ignore[arg-type]
        duration_ms=0.0,
        success=False,
        record_count=BigInt(7),
        visible_to=[],
    )
    draft = to_draft(sent)
    assert draft == EventDraft(
        **texts,
        objects=[ObjectDraft("t", "i", "n", "r")],
        timestamp=5,
        severity="ERROR",
        extra="{}",
        duration_ms=0.0,
        success=False,
        record_count=7,
        visible_to=[],
    )
    assert type(draft.extra) is str
    assert None not in [getattr(draft, name) for name in EventDraft.__struct_fields__]


def test_what_was_left_out_is_none_in_the_draft() -> None:
    assert to_draft(EventInput(event_type="t", source="s", message="")) == EventDraft("t", "s", "")
