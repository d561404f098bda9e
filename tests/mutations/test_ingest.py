"""Ingest as a whole: outcomes per event in order, idempotent by id, on every database (EV2, GQ3)."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import insert, select, text

from gateway.demo.loader import register_sources
from mutations.drafts import ObjectDraft
from mutations.errors import BatchTooLargeError
from mutations.ingest import IngestCode, IngestLimits, IngestOutcome, IngestResult
from mutations.type_registry import TypeSnapshot
from storage.engine import Database
from storage.identifiers import parse_uuid
from storage.tables import deleted_ids, event_objects, events, namespaces, objects
from storage.type_definitions import EventTypeRecord
from tests.mutations.drafts import FIRST_ID, NOW, SECOND_ID, draft, ingest, outcomes

ACCEPTED, REJECTED = IngestOutcome.ACCEPTED, IngestOutcome.REJECTED


async def _one(database: Database, statement: Any) -> tuple[Any, ...]:
    async with database.reading() as connection:
        return tuple((await connection.execute(statement)).one())


async def _bury(database: Database, event_id: str) -> None:
    key = (await database.identities.namespace_keys(["default"]))["default"]

    async def bury(connection: Any) -> None:
        await connection.execute(insert(deleted_ids), {"id": event_id, "namespace_key": key, "deleted_at": NOW})

    await database.write(bury, name="a tombstone")


async def test_each_event_gets_its_result_in_order(database: Database) -> None:
    """EV2: what is wrong with one event costs its siblings nothing."""
    await ingest(database, draft(id=FIRST_ID))
    report = await ingest(
        database,
        draft(id=SECOND_ID),
        draft(id="nonsense"),
        draft(id=FIRST_ID),
        draft(id=FIRST_ID, message="something else"),
        draft(id=SECOND_ID, event_type="off"),
        types=TypeSnapshot([EventTypeRecord(None, "off", enabled=False)]),
    )
    assert report.results == [
        IngestResult(0, SECOND_ID, ACCEPTED),
        IngestResult(1, None, REJECTED, IngestCode.INVALID_ID, "id 'nonsense' is no UUID in its form of 36 characters"),
        IngestResult(2, FIRST_ID, IngestOutcome.DUPLICATE),
        IngestResult(
            3,
            FIRST_ID,
            IngestOutcome.CONFLICT,
            IngestCode.CONFLICT,
            "an event with this id is here with other content, which stays",
        ),
        IngestResult(
            4, SECOND_ID, IngestOutcome.DISCARDED, IngestCode.TYPE_DISABLED, "the event type 'off' is switched off"
        ),
    ]
    assert report.counts == Counter(set(IngestOutcome) - {IngestOutcome.DEFERRED})


async def test_what_is_stored_is_a_repeat_whatever_is_defined_since(database: Database) -> None:
    """EV2, NU1: nobody puts an event aside that is there; what is not is refused or discarded as its type says."""
    ids = [f"01900000-0000-7000-8000-00000000001{number}" for number in range(4)]
    off, strict, unknown = sent = [draft(id=ids[place], event_type=f"t{place}") for place in range(3)]
    await ingest(database, *sent)
    await _bury(database, ids[3])
    types = TypeSnapshot(
        [EventTypeRecord(None, "t0", enabled=False), EventTypeRecord(None, "t1", required_details=("serial",))],
        refuses_unknown=True,
    )
    again = (
        *(off, strict, unknown, draft(id=ids[3], event_type="t1"), draft(id=ids[0], event_type="t0", message="other")),
        *(draft(id=SECOND_ID, event_type="t0"), draft(event_type="t1"), draft(id="nonsense", event_type="t2")),
        *(draft(id=ids[2], event_type="t2", namespace="elsewhere"), draft(id=ids[2].upper(), event_type="t2")),
    )
    assert await outcomes(database, *again, types=types) == [
        *("DUPLICATE", "DUPLICATE", "DUPLICATE", "DUPLICATE DELETED", "CONFLICT CONFLICT"),
        *("DISCARDED TYPE_DISABLED", "REJECTED MISSING_DETAIL", "REJECTED INVALID_ID"),
        *("REJECTED UNKNOWN_EVENT_TYPE", "DUPLICATE"),
    ]


async def test_every_field_is_stored_as_sent(database: Database) -> None:
    """SY1 NU2 NU3 EV4 EV5: and what was left out is null, a duration of 0 is 0 (EV6)."""
    sent = draft(
        id=FIRST_ID,
        event_type="instance.start.completed",
        source="node-1",
        message="",
        timestamp=NOW - 1,
        namespace="tenant.a-1_B",
        category="data_flow",
        severity_text="Fatal",
        extra='{"new-state": "running"}',
        duration_ms=0,
        success=False,
        actor="user/1",
        actor_claim="group/2",
        session_id="session/3",
        request_id="req-4",
        correlation_id="corr-5",
        parent_id=SECOND_ID.upper(),
        trace_id="t" * 32,
        span_id="s" * 16,
        parent_span_id="p" * 16,
        registration_id=f"registration:{SECOND_ID}",
        record_count="9007199254740991",
        owner="eve",
        visible_to=["bob", "ann", "bob"],
    )
    await register_sources(
        database, [draft(source="node-1", namespace="tenant.a-1_B", registration_id=SECOND_ID)], home_namespace=""
    )
    assert await outcomes(database, sent) == ["ACCEPTED"]
    columns = [column for column in events.c if column.name not in ("namespace_key", "audience_key", "content_hash")]
    row = dict(zip((column.name for column in columns), await _one(database, select(*columns)), strict=True))
    assert row.pop("batch_key") > 0
    assert row == {
        "id": FIRST_ID,
        "event_type": "instance.start.completed",
        "category": "data_flow",
        "severity": 5,
        "severity_text": "Fatal",
        "occurred_at": NOW - 1,
        "received_at": NOW,
        "source": "node-1",
        "message": "",
        "extra": '{"new-state":"running"}',
        "duration_ms": 0.0,
        "success": 0,
        "actor": "user/1",
        "actor_claim": "group/2",
        "session_id": "session/3",
        "request_id": "req-4",
        "correlation_id": "corr-5",
        "parent_id": SECOND_ID,
        "trace_id": "t" * 32,
        "span_id": "s" * 16,
        "parent_span_id": "p" * 16,
        "registration_id": SECOND_ID,
        "record_count": 9007199254740991,
        "repeat_count": 1,
        "last_occurred_at": None,
        "restored": 0,
        "batch_index": 0,
    }
    audience = text("SELECT readers, owner FROM audiences")
    assert await _one(database, audience) == ('["ann","bob"]', "eve")


async def test_what_is_left_out_is_filled_in(database: Database) -> None:
    """Severity INFO, the clock's time, the home namespace, all its readers, an id of version 7."""
    report = await ingest(database, draft())
    made = report.results[0].id
    assert made is not None
    assert parse_uuid(made) == made
    assert made[14] == "7"
    columns = (events.c.id, events.c.severity, events.c.occurred_at, events.c.extra, namespaces.c.name)
    join = events.c.namespace_key == namespaces.c.namespace_key
    assert await _one(database, select(*columns).where(join)) == (made, 1, NOW, None, "default")
    assert await _one(database, text("SELECT readers, owner FROM audiences")) == (None, None)


async def test_event_without_id_is_a_new_event_each_time(database: Database) -> None:
    assert await outcomes(database, draft(), draft()) == ["ACCEPTED", "ACCEPTED"]
    assert await outcomes(database, draft()) == ["ACCEPTED"]


async def test_objects_are_references_with_roles(database: Database) -> None:
    """EV1: the object's namespace left out is the event's; the same object with the same role is one reference."""
    sent = [
        ObjectDraft("instance", "i-1"),
        ObjectDraft("node", "n-1", role="host"),
        ObjectDraft("node", "n-1", namespace="infra"),
        ObjectDraft("instance", "i-1", namespace="default"),
    ]
    assert await outcomes(database, draft(objects=sent)) == ["ACCEPTED"]
    statement = (
        select(objects.c.namespace, objects.c.object_type, objects.c.object_id, event_objects.c.role)
        .join(event_objects, event_objects.c.object_key == objects.c.object_key)
        .order_by(objects.c.namespace, objects.c.object_type)
    )
    async with database.reading() as connection:
        rows = [tuple(each) for each in await connection.execute(statement)]
    assert rows == [
        ("default", "instance", "i-1", None),
        ("default", "node", "n-1", "host"),
        ("infra", "node", "n-1", None),
    ]


async def test_own_parent_and_empty_batch_are_accepted(database: Database) -> None:
    """I9."""
    assert await outcomes(database, draft(id=FIRST_ID, parent_id=FIRST_ID)) == ["ACCEPTED"]
    report = await ingest(database)
    assert (report.results, report.counts) == ([], Counter())


async def test_deleted_id_answers_duplicate_deleted(database: Database) -> None:
    """I4: whatever the content."""
    await ingest(database, draft())
    await _bury(database, FIRST_ID)
    assert (
        await outcomes(database, draft(id=FIRST_ID), draft(id=FIRST_ID, message="other")) == ["DUPLICATE DELETED"] * 2
    )


async def test_rejected_result_shows_only_a_well_formed_id(database: Database) -> None:
    """I10."""
    report = await ingest(
        database,
        draft(id=FIRST_ID.upper(), event_type=""),
        draft(id=FIRST_ID[:-1], event_type=""),
        draft(event_type=""),
    )
    assert [result.id for result in report.results] == [FIRST_ID.upper(), None, None]


async def test_same_events_from_many_senders_are_accepted_once(database: Database) -> None:
    drafts = [draft(id=f"01900000-0000-7000-8000-{number:012d}", message=f"number {number}") for number in range(30)]
    reports = await asyncio.gather(*(ingest(database, *drafts[shift:], *drafts[:shift]) for shift in range(0, 30, 5)))
    totals = Counter[IngestOutcome]()
    for report in reports:
        totals += report.counts
    assert totals == {ACCEPTED: 30, IngestOutcome.DUPLICATE: 150}


@pytest.mark.parametrize(
    ("drafts", "limits", "told"),
    [
        ([draft()] * 4, IngestLimits(max_batch_events=3), "4 events, more than TIMELOOM_MAX_BATCH_EVENTS = 3"),
        (
            [draft(objects=[("a", "1"), ("a", "1")]), draft(objects=[("a", "1")])],
            IngestLimits(max_batch_references=2),
            "3 references to objects, more than TIMELOOM_MAX_BATCH_REFERENCES = 2",
        ),
    ],
    ids=["events", "references"],
)
async def test_batch_over_a_limit_is_refused_as_a_whole(drafts, limits, told, database: Database) -> None:
    with pytest.raises(BatchTooLargeError, match=told):
        await ingest(database, *drafts, limits=limits)
    assert await outcomes(database, *drafts[:2]) == ["ACCEPTED", "ACCEPTED"]


HARD_TEXTS = {
    "emoji": "👩‍👩‍👧‍👦 🏳️‍🌈 \U0010ffff",
    "right-to-left": "שלום \u202e العالم",
    "quotes": 'it\'s "quoted" \\ and \\\' and \\" and ``',
    "placeholders": "%s %(name)s %% ? :name {} ;--",
    "trailing blanks": "blanks  \t\n ",
    "combining": "e\u0301 is not \u00e9",
    "controls": "\x01\x1a\x7f\x85\u2028\ufeff",
    "only a blank": " ",
}


@pytest.mark.parametrize("name", HARD_TEXTS)
async def test_text_survives_code_point_for_code_point(name, database: Database) -> None:
    sent = HARD_TEXTS[name]
    one = draft(event_type=sent, source=sent, message=sent, objects=[(sent, sent, sent)], actor=sent, visible_to=[sent])
    assert await outcomes(database, one) == ["ACCEPTED"]
    statement = select(events.c.event_type, events.c.source, events.c.message, events.c.actor)
    assert await _one(database, statement) == (sent, sent, sent, sent)
    assert await _one(database, select(objects.c.object_type, objects.c.object_id)) == (sent, sent)
    again = await Database.open(database.url.render_as_string(hide_password=False))
    assert [record.readers for record in (await again.identities.audiences(range(5))).values()] == [(sent,)]
    await again.close()


HARD_EXTRAS = {
    "digits": '{"a":1.10,"b":-0.0,"c":1e308,"d":9007199254740993,"e":123456789012345678901234567890,"f":1E+2,"g":-0}',
    "key order and odd keys": '{"b b":1,"a.b":{"":2},"é😀":3,"a":[{"z":1,"y":2}]}',
    "escapes": '{"quote":"\\"","backslash":"\\\\u0041","line":"\\n\\u0001","$":"%s"}',
    "scalars": '"text"',
    "thirty levels": "[" * 30 + "]" * 30,
    "300 digits": "1" * 300,
}


@pytest.mark.parametrize("name", HARD_EXTRAS)
async def test_extra_survives_digit_for_digit(name, database: Database) -> None:
    """NU7, I15: order of keys, digits of numbers, every character."""
    assert await outcomes(database, draft(extra=HARD_EXTRAS[name])) == ["ACCEPTED"]
    assert await _one(database, select(events.c.extra)) == (HARD_EXTRAS[name],)


async def test_names_that_differ_in_case_or_blanks_only_are_different(database: Database) -> None:
    sent = ["x", "X", "x ", "ẍ"]
    assert await outcomes(database, *(draft(objects=[("disk", each)], actor=each) for each in sent)) == ["ACCEPTED"] * 4
    async with database.reading() as connection:
        found = (await connection.execute(select(objects.c.object_id))).scalars().all()
        for each in sent:
            result = await connection.execute(select(events.c.actor).where(events.c.actor == each))
            assert result.scalars().all() == [each]
    assert sorted(found) == sorted(sent)
