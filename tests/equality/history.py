"""The history that both executors are asked about: every column with and without a value, and all that lists can be.

Empty lists and huge ones (an event with a hundred objects, an object with hundreds of events), one time and id in three
namespaces, parents that are missing, that go round in rings and in chains, restricted audiences, texts in many scripts,
the first and the last instant there is. Operations in every state, on objects with and without events.
"""

import random
from collections.abc import Iterator
from typing import Any

from mutations.drafts import EventDraft, ObjectDraft
from storage.operations import OperationRecord, OperationState
from storage.records import ObjectRecord
from storage.times import LATEST, parse_rfc3339
from tests.storage.histories import operation

FIRST = parse_rfc3339("2026-01-01T10:00:00Z")
RECEIVED = parse_rfc3339("2026-01-01T11:00:00Z")
BATCHES = 6

NAMESPACES = ("default", "lab", "A.b-c_1")
EVENT_TYPES = ("audit", "instance.create", "status", "Ärger", "x")
SEVERITIES = ("DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL")
SOURCES = ("host-1", "host-2", "device 3 ", "主機")
CATEGORIES = ("action", "lifecycle")
TEXTS = ("alice", "Bob ", "ä", "😀 smile", '"quoted" \\ back', "line\nbreak\ttab\u2028", "%_", "0", "null")
MESSAGES = ("", "all is well", "no such volume: 100% of _ lost 😀", 'say "hi"', "</script>\u007f\u0001", "é" * 300)
REQUESTS = ("req-1", "req-2", "req ü", "req-quiet")
EXTRAS = (
    "null",
    "{}",
    "[]",
    '""',
    "1.10",
    "-0.0",
    "true",
    '{"n":1, "n2" : 1.0e2}',
    '{"n":9007199254740993,"a b":{"c.d":[1,"a",{"k":null}]},"ä":"\\u00e4"}',
    '[ 1,\n {"a" : "\\u2028"} ]',
    "[" * 29 + "]" * 29,
    '{"text":"' + "x" * 3000 + '"}',
)
OBJECT_TYPES = ("instance", "volume", "node")
OBJECT_IDS = ("i-1", "I-1", "v 1", "😀")
OPERATION_TYPES = ("instance.resize", "volume.copy", "x")
OPERATIONS = 60
BUSY = ObjectDraft("instance", "busy")
"""An object with hundreds of events."""
BUSY_EVENTS = 240
CROWDED = 40
"""The number of the event with a hundred objects."""
_VARIED = 90
_RING = (50, 51, 52)
_CHAIN = range(60, 74)


def event_id(number: int) -> str:
    """The id of event `number`; ids sort like numbers."""
    return f"00000000-0000-7000-8000-{number:012x}"


def operation_id(number: int) -> str:
    """The UUID of operation `number`."""
    return event_id(300 + number)


def registration_of(namespace: str, source: str) -> str:
    """The registration that events of a source in a namespace name."""
    return event_id(900 + SOURCES.index(source) + len(SOURCES) * NAMESPACES.index(namespace))


def make_history(seed: int = 1) -> list[list[EventDraft]]:
    """The batches in the order in which they are stored; the same each time."""
    chance = random.Random(seed)
    drafts = [*_varied(chance), *_tied(), *_edges_of_time(), *_busy(chance)]
    return [drafts[start::BATCHES] for start in range(BATCHES)]


def make_operations(seed: int = 1) -> dict[OperationRecord, list[ObjectRecord]]:
    """The operations and what each works on; the same each time."""
    chance = random.Random(seed)
    made: dict[OperationRecord, list[ObjectRecord]] = {}
    for number in range(1, OPERATIONS + 1):
        namespace = chance.choice(NAMESPACES)
        one = operation(number, chance.choice(list(OperationState)), namespace=namespace)
        one = one._replace(
            uuid=operation_id(number),
            operation_type=chance.choice(OPERATION_TYPES),
            updated_at=one.created_at + chance.choice((0, 1, 500_000)),
            request_id=chance.choice((None, *REQUESTS)),
            payload=chance.choice([extra for extra in EXTRAS if extra.startswith("{")]),
        )
        identities = [(kind, name) for kind in OBJECT_TYPES for name in (*OBJECT_IDS, "busy", "untouched")]
        made[one] = [ObjectRecord(namespace, *each) for each in chance.sample(identities, chance.randrange(5))]
    return made


def _varied(chance: random.Random) -> Iterator[EventDraft]:
    for number in range(_VARIED):
        values = _optional_values(chance, number)
        # The first has every value, the second none.
        share = 1.0 if number == 0 else 0.0 if number == 1 else 0.5
        given = {name: value for name, value in values.items() if chance.random() < share}
        parent = _parent_of(chance, number)
        if parent is not None:
            given["parent_id"] = event_id(parent)
        namespace = "default" if number in (*_RING, *_CHAIN) else chance.choice(NAMESPACES)
        event_type, source = chance.choice(EVENT_TYPES), chance.choice(SOURCES)
        if "registration_id" in given:
            given["registration_id"] = registration_of(namespace, source)
        yield EventDraft(
            id=event_id(number),
            namespace=namespace,
            event_type=event_type,
            source=source,
            message=chance.choice(MESSAGES),
            timestamp=FIRST + chance.choice((0, 1, 500_000, 1_000_000, number * 1_000_000, number * 123_457)),
            objects=_objects(chance, number),
            **given,
        )


def _optional_values(chance: random.Random, number: int) -> dict[str, Any]:
    texts = ("actor", "actor_claim", "session_id", "correlation_id", "trace_id", "span_id", "parent_span_id")
    severity = {"severity_text": chance.choice(("high", "Warn", "low"))}
    if number % 3:
        severity = {"severity": chance.choice(SEVERITIES)}
    audience: dict[str, Any] = {"owner": chance.choice(TEXTS)}
    if number % 2 == 0:
        audience["visible_to"] = chance.sample(TEXTS, chance.randrange(4)) if number else ["carol", "alice"]
    return {
        **{name: chance.choice(TEXTS) for name in texts},
        **severity,
        **audience,
        "category": chance.choice(CATEGORIES),
        "request_id": chance.choice(REQUESTS[:3]),
        "registration_id": "",
        "extra": EXTRAS[number % len(EXTRAS)],
        "duration_ms": chance.choice((0.0, 0.001, 1.5, 1e-7, 123456789.125, 1e21)),
        "success": chance.random() < 0.5,
        "record_count": chance.choice((0, 1, 2**31, 2**53 - 1)),
    }


def _parent_of(chance: random.Random, number: int) -> int | None:
    if number in _RING:
        return _RING[(number - _RING[0] + 1) % len(_RING)]
    if number in _CHAIN[1:]:
        return number - 1
    # A parent that is missing, the event itself, or one that came before, maybe in another namespace.
    return chance.choice((None, None, 999, number, chance.randrange(number + 1), 2))


def _objects(chance: random.Random, number: int) -> list[ObjectDraft]:
    if number == CROWDED:
        return [ObjectDraft("part", f"p-{place}", role="part" if place % 2 else None) for place in range(100)]
    identities = [(kind, name) for kind in OBJECT_TYPES for name in OBJECT_IDS]
    count = 0 if number == 1 else 4 if number == 0 else chance.choice((0, 1, 2, 2, 3))
    return [
        ObjectDraft(
            kind,
            name,
            role=chance.choice((None, "peer", "ölig")),
            namespace=chance.choice((None, None, None, "lab", "elsewhere")),
        )
        for kind, name in chance.sample(identities, count)
    ]


def _tied() -> Iterator[EventDraft]:
    """One time and id in every namespace, and neighbours that share the time alone."""
    for place, namespace in enumerate(NAMESPACES):
        for number in (200, 201):
            yield EventDraft(
                id=event_id(number),
                namespace=namespace,
                event_type="status",
                source=f"host-{place}",
                message=f"in {namespace}",
                timestamp=FIRST + 7_000_000,
                request_id="req-2",
                objects=[ObjectDraft("instance", "i-1")],
            )


def _edges_of_time() -> Iterator[EventDraft]:
    for number, instant in ((210, 0), (211, 1), (212, 999_999), (213, LATEST), (214, LATEST - 999_999)):
        yield EventDraft(
            id=event_id(number), event_type="x", source="clock", message="far away", timestamp=instant, duration_ms=1.5
        )


def _busy(chance: random.Random) -> Iterator[EventDraft]:
    for number in range(BUSY_EVENTS):
        yield EventDraft(
            id=event_id(1000 + number),
            event_type="status",
            source="host-1",
            message=f"turn {number}",
            timestamp=FIRST + 20_000_000 + number // 2,
            severity=chance.choice(SEVERITIES),
            objects=[BUSY],
            parent_id=event_id(0) if number % 40 == 0 else None,
        )
