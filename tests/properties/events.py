"""Sixty events in which all that filters tell apart comes up: nulls, ties, texts that differ in a blank or a case.

They are dicts in the words of the GraphQL schema, so that `oracle.py` judges them without any of the code under test.
"""

import random
from functools import partial
from typing import Any

from sqlalchemy import update

from mutations.drafts import EventDraft, ObjectDraft
from mutations.ingest import IngestLimits, IngestOutcome, ingest_events
from storage.engine import Database
from storage.tables import events as event_table

FIRST = 1_767_225_600_000_000
"""2026-01-01T00:00:00Z."""
RECEIVED = (FIRST + 60_000_000, FIRST + 120_000_000)
"""The events arrived in two batches."""

NAMESPACES = ("default", "lab")
TYPES = ("audit", "status", "Audit")
CATEGORIES = (None, "action", "state")
SEVERITIES = ("DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL")
SOURCES = ("host-1", "host-2", "host-1 ")
TEXTS = (None, "a", "A", "a ", "ab", "ä", "😀", "%", "_", "a=b")
MESSAGES = ("", "a", "disk 100% full", "ÄB", "x😀y", "line\nbreak", "_")
EXTRAS = (
    None,
    "{}",
    "[]",
    "null",
    '"n"',
    '{"n":1}',
    '{"n":1.0}',
    '{"n":1.10}',
    '{"n":-0.0}',
    '{"n":1e2}',
    '{"n":9007199254740993}',
    '{"n":9007199254740992}',
    '{"n":"1"}',
    '{"n":"ab"}',
    '{"n":true}',
    '{"n":null}',
    '{"n":[1,"a",{"k":1,"j":2}]}',
    '{"n":{"k":1,"j":[2]}}',
    '{"n":{"j":[2.0],"k":1.0}}',
    '[{"n":1}]',
    '{"a b":{"c.d":5},"ä":"ä"}',
)
OBJECTS = (
    ("instance", "i-1", None),
    ("instance", "I-1", None),
    ("instance", "i-1 ", "peer"),
    ("device", "i-1", "peer"),
    ("device", "😀", None),
)
IDS = tuple(f"00000000-0000-7000-8000-{number:012x}" for number in range(40))


def make_events(seed: int = 7, count: int = 60) -> list[dict[str, Any]]:
    """Make the events; some ids come up in both namespaces, some parents exist and some do not."""
    chance = random.Random(seed)
    taken: set[tuple[str, str]] = set()
    events: list[dict[str, Any]] = []
    while len(events) < count:
        namespace, event_id = chance.choice(NAMESPACES), chance.choice(IDS)
        if (namespace, event_id) not in taken:
            taken.add((namespace, event_id))
            events.append(_event(chance, namespace, event_id, batch=len(events) % 2))
    return events


def _event(chance: random.Random, namespace: str, event_id: str, *, batch: int) -> dict[str, Any]:
    def some(*values: Any) -> Any:
        return chance.choice(values)

    touched = {kind[:2]: kind for kind in chance.sample(OBJECTS, chance.randrange(4))}
    return {
        "id": event_id,
        "namespace": namespace,
        "eventType": some(*TYPES),
        "category": some(*CATEGORIES),
        "severity": some(*SEVERITIES),
        "timestamp": FIRST + chance.randrange(6),
        "receivedAt": RECEIVED[batch],
        "source": some(*SOURCES),
        "message": some(*MESSAGES),
        "extra": some(*EXTRAS),
        "durationMs": some(None, None, 0.0, 0.5, 1.0, 1000.0),
        "success": some(None, True, False),
        "actor": some(*TEXTS),
        "requestId": some(*TEXTS),
        "correlationId": some(*TEXTS),
        "sessionId": some(*TEXTS),
        "traceId": some(*TEXTS),
        "owner": some(None, None, "a"),
        "parentId": some(None, *IDS[:3]),
        "registrationId": some(None, *IDS[:2]),
        "objects": [(kind, name, namespace, role) for kind, name, role in touched.values()],
    }


async def store(database: Database, events: list[dict[str, Any]]) -> None:
    """Write events through ingest, each at the time it says it arrived.

    Their registrations never were: they were stored before there were any (R5).
    """
    for received in RECEIVED:
        drafts = [_draft(event) for event in events if event["receivedAt"] == received]
        report = await ingest_events(
            database, drafts, home_namespace=None, limits=IngestLimits(), clock=partial(int, received)
        )
        assert set(report.counts) == {IngestOutcome.ACCEPTED}, report.results
    keys = await database.identities.namespace_keys(NAMESPACES)

    async def name_registrations(connection: Any) -> None:
        for event in events:
            columns = event_table.c
            of_event = update(event_table).where(
                columns.id == event["id"], columns.namespace_key == keys[event["namespace"]]
            )
            await connection.execute(of_event.values(registration_id=event["registrationId"]))

    await database.write(name_registrations, name="registrations that never were")


def _draft(event: dict[str, Any]) -> EventDraft:
    return EventDraft(
        id=event["id"],
        namespace=event["namespace"],
        event_type=event["eventType"],
        category=event["category"],
        severity=event["severity"],
        timestamp=event["timestamp"],
        source=event["source"],
        message=event["message"],
        extra=event["extra"],
        duration_ms=event["durationMs"],
        success=event["success"],
        actor=event["actor"],
        request_id=event["requestId"],
        correlation_id=event["correlationId"],
        session_id=event["sessionId"],
        trace_id=event["traceId"],
        owner=event["owner"],
        parent_id=event["parentId"],
        record_count=event.get("recordCount"),
        objects=[ObjectDraft(kind, name, role=role) for kind, name, _, role in event["objects"]],
    )
