"""Archive before delete: written, durable, verified, and only then told to be kept (NU8, L4)."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
import zstandard
from fsspec.implementations.memory import MemoryFile, MemoryFileSystem

from gateway.version import VERSION
from mutations.archive_folder import NewLocalFile
from mutations.archive_lines import from_line, to_line
from mutations.archives import Archive
from mutations.errors import ArchiveDamagedError, ArchiveError
from storage.archive_rows import fetch_whole_events
from storage.engine import Database
from storage.removals import EventPlace
from tests.mutations.archiving import archive, as_returned, every_event, restore
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


def only(directory: Path, pattern: str) -> Path:
    [path] = directory.rglob(pattern)
    return path


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
    path = only(tmp_path, "*.jsonl.zst")
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


class Fault(OSError):
    """What a disk, or whatever stands behind a URL, says at the worst moment."""


def fail_at(monkeypatch: pytest.MonkeyPatch, target: Any, name: str, turn: int) -> None:
    """Let a function fail at its turn, counted from 1, and work before."""
    real, turns = getattr(target, name), iter(range(1, 1_000))

    def tried(*arguments: Any, **options: Any) -> Any:
        if next(turns) == turn:
            raise Fault("no space left on device")
        return real(*arguments, **options)

    monkeypatch.setattr(target, name, tried)


LOCAL_STEPS = [
    *((Path, "mkdir", 1), (Path, "open", 1), (os, "fsync", 1), (Path, "rename", 1), (os, "fsync", 2)),
    *((Path, "open", 2), (os, "fsync", 6), (Path, "rename", 2), (os, "fsync", 7)),
]
REMOTE_STEPS = [
    *((MemoryFileSystem, "makedirs", 1), (MemoryFileSystem, "open", 1), (MemoryFile, "write", 1)),
    *((MemoryFile, "close", 1), (MemoryFileSystem, "open", 2), (MemoryFileSystem, "open", 3)),
    *((MemoryFile, "write", 2), (MemoryFileSystem, "open", 4)),
]


@ON_SQLITE
@pytest.mark.parametrize(
    ("where", "step"), [("file", step) for step in LOCAL_STEPS] + [("memory", step) for step in REMOTE_STEPS]
)
async def test_a_fault_at_any_step_loses_nothing(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, step: tuple[Any, str, int]
) -> None:
    """NU8: nothing is told to be kept, so nothing is removed; the next run archives it, and it comes back once."""
    url = tmp_path.as_uri() if where == "file" else f"memory:///{tmp_path.name}"
    await store(database, [row(number) for number in range(1, 4)])
    before = await every_event(database)
    with monkeypatch.context() as broken:
        fail_at(broken, *step)
        with pytest.raises(ArchiveError, match=r"^TIMELOOM_ARCHIVE_URL \(--url\) .*: no space left on device$"):
            await archive(database, Archive(url))
    assert await every_event(database) == before
    kept = Archive(url)
    await archive(database, kept)
    assert await every_event(database) == []
    whole = [file for file in kept.files() if not file.unfinished]
    for file in whole:
        kept.verify(file, deep=True)
    assert len(whole) in (1, 2)
    assert (await restore(database, kept)).restored == 3
    assert await every_event(database) == [as_returned(event) for event in before]


@ON_SQLITE
async def test_what_is_read_back_must_be_what_was_written(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NU8: a disk that keeps something else than it was given is found out before anything is removed."""
    await store(database, [row(1)])

    def write_otherwise(self: NewLocalFile, content: bytes) -> None:
        self._file.write(content.replace(b"\x00", b"\x01"))

    monkeypatch.setattr(NewLocalFile, "write", write_otherwise)
    with pytest.raises(ArchiveDamagedError):
        await archive(database, Archive(str(tmp_path)))
    assert len(await every_event(database)) == 1


@ON_SQLITE
async def test_a_file_without_a_manifest_is_no_part_of_the_archive(database: Database, tmp_path: Path) -> None:
    """NU8: what an interruption leaves is told by list, and neither read nor taken for damage."""
    await store(database, [row(1)])
    kept = Archive(str(tmp_path / "made" / "by itself"))
    await archive(database, kept)
    [whole] = kept.files()
    directory = (tmp_path / "made" / "by itself" / whole.name).parent
    (directory / "0.jsonl.zst").write_bytes(b"half")
    (directory / "1.jsonl.zst.part").write_bytes(b"half")
    (directory / "README").write_text("not ours")
    assert sorted((file.unfinished, file.name.endswith(".part")) for file in kept.files()) == [
        *((False, False), (True, False), (True, True))
    ]
    assert (await restore(database, kept)).files == 1


@ON_SQLITE
async def test_the_manifest_says_what_the_file_holds(database: Database, tmp_path: Path) -> None:
    """NU8: whose, of when, how many, and how to tell that it is whole."""
    await store(database, [row(1, objects=(link("disk", "d-1"), link("node", "n-1"))), row(7, namespace="payments")])
    await archive(database, Archive(str(tmp_path)))
    path, manifest = only(tmp_path, "*.jsonl.zst"), only(tmp_path, "*.manifest.json")
    assert json.loads(manifest.read_bytes()) == {
        "format": 1,
        "policy": {"id": "setting:audit", "name": "audit"},
        "run": "run",
        "period": {"oldest": "2026-01-01T00:00:00.000001Z", "newest": "2026-01-01T00:00:00.000007Z"},
        "counts": {"events": 2, "references": 2},
        "namespaces": ["default", "payments"],
        "bytes": path.stat().st_size,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "writtenAt": "2026-01-01T00:00:00.000000Z",
        "version": VERSION,
    }


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("nowhere://x", "Protocol not known: nowhere"),
        ("/proc/version", "no such directory; it is made when the first events are archived"),
        ("ftp://ann:secret@127.0.0.1:1/x", "Connection refused"),
    ],
)
def test_a_url_that_cannot_be_used_is_named_without_its_password(url: str, complaint: str) -> None:
    shown = url.replace("secret", "***")
    with pytest.raises(ArchiveError) as refused:
        Archive(url).files()
    assert str(refused.value) == f"TIMELOOM_ARCHIVE_URL (--url) {shown}: {complaint}"


def test_a_place_that_is_away_keeps_nobody_from_starting() -> None:
    """A gateway serves while its archive cannot be reached; what kind of place it is must be known."""
    assert Archive("ftp://ann:secret@127.0.0.1:1/x").folder.shown == "ftp://ann:***@127.0.0.1:1/x"
    with pytest.raises(ArchiveError, match="Protocol not known: nowhere"):
        Archive("simplecache::nowhere://x")
