"""Drafts for tests: what a caller might send, with as little as an event needs."""

from typing import Any

from mutations.drafts import EventDraft, ObjectDraft
from mutations.ingest import IngestCode, IngestLimits, IngestOutcome, IngestReport, ingest_events
from mutations.type_registry import NO_TYPES, TypeSnapshot
from storage.engine import Database

NOW = 1_767_225_600_000_000
"""2026-01-01T00:00:00Z in microseconds: the clock of these tests."""
FIRST_ID = "01900000-0000-7000-8000-000000000001"
SECOND_ID = "01900000-0000-7000-8000-000000000002"


def draft(**given: Any) -> EventDraft:
    """Make a draft; objects may be given as (type, id) or (type, id, role) tuples."""
    objects = given.pop("objects", None)
    if objects is not None:
        given["objects"] = [each if isinstance(each, ObjectDraft) else _object(*each) for each in objects]
    return EventDraft(**({"event_type": "audit", "source": "host-1", "message": "it happened"} | given))


def _object(object_type: str, object_id: str, role: str | None = None) -> ObjectDraft:
    return ObjectDraft(object_type, object_id, role=role)


async def ingest(
    database: Database,
    *drafts: EventDraft,
    limits: IngestLimits | None = None,
    now: int = NOW,
    home: str | None = "default",
    types: TypeSnapshot = NO_TYPES,
) -> IngestReport:
    """Ingest at a fixed time."""
    return await ingest_events(
        database, drafts, home_namespace=home, limits=limits or IngestLimits(), clock=lambda: now, types=types
    )


async def outcomes(database: Database, *drafts: EventDraft, **options: Any) -> list[str]:
    """Ingest, and give each outcome with its code: `ACCEPTED`, `REJECTED INVALID_ID`."""
    report = await ingest(database, *drafts, **options)
    assert [result.index for result in report.results] == list(range(len(drafts)))
    return [_told(result.outcome, result.code) for result in report.results]


def _told(outcome: IngestOutcome, code: IngestCode | None) -> str:
    return outcome.value if code is None else f"{outcome.value} {code.value}"
