"""A small history with fixed ids and times, written through ingest: what the tests of the schema look at.

default: a request `req-1` of three events on instance i-1 (1 caused 2, 2 caused 3), 3 and 4 in one microsecond, an
orphan (5), an event that is its own parent (6), a heartbeat (7). lab: the same id as event 4, and a peer event (8).
"""

from typing import Any

from gateway.demo.loader import register_sources
from mutations.drafts import EventDraft, ObjectDraft
from mutations.ingest import IngestLimits, IngestOutcome, ingest_events
from storage.deletions import DeletionRecord, DeletionState, SampleKey
from storage.engine import Database
from storage.positions import Sequencer
from storage.times import parse_rfc3339

RECEIVED = parse_rfc3339("2026-01-01T11:00:00Z")


def event_id(number: int) -> str:
    """The id of event `number`; ids sort like numbers."""
    return f"00000000-0000-7000-8000-{number:012x}"


def at(time: str) -> int:
    """An instant of the first of January 2026."""
    return parse_rfc3339(f"2026-01-01T{time}Z")


def event(number: int, time: str, event_type: str, message: str, *objects: ObjectDraft, **given: Any) -> EventDraft:
    """A draft with what every event has."""
    return EventDraft(
        **({"source": "host-1"} | given),
        id=event_id(number),
        timestamp=at(time),
        event_type=event_type,
        message=message,
        objects=list(objects),
    )


def touches(object_type: str, object_id: str, role: str | None = None) -> ObjectDraft:
    """An object in the event's own namespace."""
    return ObjectDraft(object_type=object_type, object_id=object_id, role=role)


HISTORY = (
    event(
        1,
        "10:00:00.000001",
        "instance.create",
        "instance i-1 is created",
        touches("instance", "i-1"),
        touches("node", "n-1", "host"),
        category="action",
        request_id="req-1",
        correlation_id="corr-1",
        actor="alice",
        actor_claim="admin",
        session_id="s-1",
        trace_id="t-1",
        span_id="sp-1",
        duration_ms=1500.25,
        success=True,
        extra='{"size": 1.10, "network usage": {"52:54:00:01": {"rx.bytes": 9007199254740993}}, "tags": ["a", 1]}',
    ),
    event(
        2,
        "10:00:00.5",
        "volume.attach",
        "volume v-1 is attached",
        touches("volume", "v-1"),
        touches("instance", "i-1"),
        category="action",
        request_id="req-1",
        correlation_id="corr-1",
        parent_id=event_id(1),
        actor="alice",
        severity="NOTICE",
        duration_ms=0.0,
        span_id="sp-2",
        parent_span_id="sp-1",
        trace_id="t-1",
    ),
    event(
        3,
        "10:00:01",
        "volume.attach.failed",
        "no such volume: 100% of _ lost 😀",
        touches("volume", "v-1"),
        category="action",
        request_id="req-1",
        parent_id=event_id(2),
        severity_text="high",
        duration_ms=1000.0,
        success=False,
        extra='{"code": null, "size": "1.10"}',
    ),
    event(4, "10:00:01", "status", "all is well", source="host-2", registration_id=event_id(99)),
    event(5, "10:00:02", "audit", "", parent_id=event_id(98), owner="bob", visible_to=["carol", "alice"]),
    event(6, "10:00:03", "audit", "its own cause", parent_id=event_id(6), severity="DEBUG"),
    event(7, "10:00:04", "heartbeat", "still here", record_count=9007199254740991, extra="[]"),
    event(4, "10:00:05", "state_transition", "the same id elsewhere", namespace="lab", source="device-1"),
    event(
        8,
        "10:00:06",
        "peer_connected",
        "peer d-2",
        touches("device", "d-2", "peer"),
        touches("instance", "i-1"),
        namespace="lab",
        source="device-1",
        request_id="req-1",
    ),
)


DELETION = DeletionRecord(
    id=event_id(97),
    kind="events",
    state=DeletionState.DONE,
    requested_by="alice",
    reason="sent twice",
    filter='{"eventTypes":["usage"]}',
    selection='{"kind":"events","request":["or"],"scope":null,"parts":[["or"]]}',
    bound=1,
    matched=3,
    matched_references=3,
    deleted=3,
    sample=(SampleKey(RECEIVED, event_id(5), "default"), SampleKey(RECEIVED, event_id(96), "default")),
    created_at=RECEIVED,
    started_at=RECEIVED + 1_000_000,
    finished_at=RECEIVED + 2_000_000,
)
"""A deletion that was carried out: of its sample one event is there still."""


async def write_history(database: Database) -> None:
    """Store HISTORY in one batch, and give it its position."""
    await register_sources(database, HISTORY, home_namespace="default")
    report = await ingest_events(
        database, HISTORY, home_namespace="default", limits=IngestLimits(), clock=lambda: RECEIVED
    )
    assert [result.outcome for result in report.results] == [IngestOutcome.ACCEPTED] * len(HISTORY)
    await give_positions(database)


async def give_positions(database: Database) -> None:
    """Give every stored batch its position, as the server does in the background."""
    if database.dialect_name == "mariadb":
        sequencer = Sequencer(database)
        while not sequencer.leads:
            await sequencer.turn()
        await sequencer.turn()
