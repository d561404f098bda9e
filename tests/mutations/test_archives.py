"""Archive before delete: written, durable, verified, and only then told to be kept (NU8, L4)."""

import json
from pathlib import Path
from typing import Any

import pytest
import zstandard

from mutations.archive_lines import from_line, to_line
from mutations.archives import Archive
from storage.archive_rows import fetch_whole_events
from storage.engine import Database
from storage.removals import EventPlace
from tests.storage.histories import START, event_id, link, row, store

EACH_DATABASE = pytest.mark.parametrize("backend", ["sqlite", "aiomysql"])
ON_SQLITE = pytest.mark.parametrize("backend", ["sqlite"])
"""What becomes of files does not depend on the database."""
POLICY = {"policy_id": "setting:audit", "policy_name": "audit", "run_id": "run-1"}
ODD_EXTRA = (
    '{"n":1.10,"big":1000000000000000000000000000000,"ü":"\\u2028 \\ud83d\\ude00","deep":[[[[{"a":[]}]]]],"z":-0.0}'
)
EVERY_FIELD = row(
    1,
    namespace="payments",
    readers=("anna", "bert"),
    owner="zoe",
    event_type="instance.create",
    category="lifecycle",
    severity=4,
    severity_text="high",
    message="käse\n\u2028 'quoted' \\ 😀",
    extra=ODD_EXTRA,
    duration_ms=0.1,
    success=False,
    actor="anna",
    actor_claim="admin",
    session_id="s-1",
    request_id="r-1",
    correlation_id="c-1",
    parent_id=event_id(900),
    trace_id="t-1",
    span_id="p-1",
    parent_span_id="p-0",
    registration_id=event_id(901),
    record_count=9_007_199_254_740_993,
    objects=(link("disk", "d-1", role="boot"), link("instance", "i-1", namespace="payments")),
)


async def place_of(database: Database, number: int, namespace: str = "default") -> EventPlace:
    keys = await database.identities.namespace_keys([namespace])
    return EventPlace(event_id(number), keys[namespace])


async def places_of(database: Database, numbers: range) -> set[EventPlace]:
    return {await place_of(database, number) for number in numbers}


def text_of(path: Path) -> str:
    return zstandard.ZstdDecompressor().decompressobj().decompress(path.read_bytes()).decode()


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text_of(path).split("\n") if line]


@EACH_DATABASE
async def test_an_event_with_every_field_is_a_line_and_comes_back_alike(database: Database, tmp_path: Path) -> None:
    """NU8, NU7: nothing of an event is lost on the way, digits of numbers and order of keys included."""
    await store(database, [EVERY_FIELD, row(2, readers=()), row(3)], received_at=START + 5)
    places = {await place_of(database, 1, "payments"), *await places_of(database, range(2, 5))}
    assert await Archive(str(tmp_path)).keep(database, places, **POLICY, now=START) == {
        place for place in places if place.id != event_id(4)
    }
    [path] = tmp_path.rglob("*.jsonl.zst")
    assert path.parent == tmp_path / "2026/01/01"
    first, second, third = lines_of(path)
    assert list(first) == [
        *("id", "namespace", "eventType", "category", "severity", "severityText", "timestamp", "receivedAt", "source"),
        *("message", "extra", "durationMs", "success", "actor", "actorClaim", "sessionId", "requestId"),
        *("correlationId", "parentId", "traceId", "spanId", "parentSpanId", "registrationId", "owner", "visibleTo"),
        *("recordCount", "repeatCount", "lastTimestamp", "restored", "objects", "contentHash", "folded"),
    ]
    assert first["objects"] == [
        {"objectType": "disk", "objectId": "d-1", "namespace": "default", "role": "boot"},
        {"objectType": "instance", "objectId": "i-1", "namespace": "payments", "role": None},
    ]
    assert (first["timestamp"], first["severity"], second["visibleTo"], third["visibleTo"]) == (
        *("2026-01-01T00:00:00.000001Z", "ERROR"),
        *([], None),
    )
    assert '"extra":{"n":1.10,"big":1000000000000000000000000000000,' in text_of(path)
    stored = dict(await fetch_whole_events(database, places))
    [whole] = [event for place, event in stored.items() if place.id == event_id(1)]
    assert whole.row == EVERY_FIELD._replace(extra=whole.row.extra)
    assert [from_line(to_line(event)) for event in stored.values()] == list(stored.values())
