"""`timeloom export`: events as JSON Lines, streamed page by page from one snapshot (L1, SY3 in part)."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from mutations.drafts import EventDraft, ObjectDraft
from mutations.ingest import IngestLimits, ingest_events
from storage.engine import Database
from storage.positions import Sequencer
from tests.gateway.execution import Caller
from tests.gateway.history import RECEIVED, event_id
from tests.processes import gateway_environment, timeloom_command

EVENTS = 2_300


def draft(number: int) -> EventDraft:
    return EventDraft(
        id=event_id(number),
        event_type="audit" if number % 2 else "usage",
        source="host-1",
        message=f"event {number} – ünïcode",
        timestamp=RECEIVED + number,
        extra='{"n":1.10}',
        objects=[ObjectDraft("thing", f"thing-{number % 7}", role="peer")],
    )


async def fill(database: Database, numbers: range) -> None:
    drafts = [draft(number) for number in numbers]
    for start in range(0, len(drafts), 1_000):
        batch = drafts[start : start + 1_000]
        await ingest_events(database, batch, home_namespace="default", limits=IngestLimits(), clock=lambda: RECEIVED)
    if database.dialect_name == "mariadb":
        # An export reads what has a position; here nobody else gives one.
        await Sequencer(database).turn()


def export(url: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = [timeloom_command(), "export", "--database", url, *arguments]
    return subprocess.run(command, env=gateway_environment(), capture_output=True, check=False)


@pytest.fixture
def export_here(monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]) -> Callable[..., Any]:
    """The same in this process, which saves importing everything again; in a thread, as it has an event loop."""

    def run(url: str, *arguments: str) -> tuple[object, bytes, str]:
        monkeypatch.setattr(sys, "argv", ["timeloom", "export", "--database", url, *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsysbinary.readouterr()
        return ended.value.code, printed.out, printed.err.decode()

    async def run_in_thread(url: str, *arguments: str) -> tuple[object, bytes, str]:
        return await asyncio.to_thread(run, url, *arguments)

    return run_in_thread


def lines(output: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


async def test_every_event_is_a_line_as_graphql_answers_it(database: Database, database_url: str) -> None:
    await fill(database, range(1, EVENTS + 1))
    found = export(database_url)
    assert (found.returncode, found.stderr.decode()) == (0, f"exported {EVENTS:,} events\n")
    exported = lines(found.stdout)
    assert [event["id"] for event in exported] == [event_id(number) for number in range(1, EVENTS + 1)]
    answer = await Caller(database).run(
        "{ events(first: 1, orderBy: OLDEST_FIRST) { nodes { id timestamp message severity extra lastTimestamp "
        "objects { role object { namespace objectType objectId } } } } }"
    )
    [first] = answer.data["events"]["nodes"]
    assert {name: exported[0][name] for name in first} == first
    assert b'"extra":{"n":1.10}' in found.stdout


async def test_selectors_and_times_narrow_it(
    database: Database, database_url: str, tmp_path: Path, export_here: Callable[..., Any]
) -> None:
    await fill(database, range(1, 21))
    file = tmp_path / "events.jsonl"
    arguments = ("--select", "event_type=audit", "--since", "2026-01-01T11:00:00Z", "--output", str(file))
    assert (await export_here(database_url, *arguments))[0] == 0
    assert {event["eventType"] for event in lines(file.read_bytes())} == {"audit"}
    assert len(lines(file.read_bytes())) == 10
    nothing = await export_here(database_url, "--until", "1970-01-01T00:00:01Z")
    assert nothing == (0, b"", "exported 0 events\n")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (
            ("--select", "nonsense"),
            "timeloom: --select: selector 'nonsense' has no operator",
        ),
        (("--since", "yesterday"), "timeloom: --since: 'yesterday' is no RFC 3339 time"),
        (("--output", "/nowhere/events.jsonl"), "timeloom: --output /nowhere/events.jsonl: no such file or directory"),
    ],
    ids=["selector", "time", "file"],
)
async def test_a_wrong_argument_is_named(
    arguments: tuple[str, ...], complaint: str, new_database_url: Callable[[str], str], export_here: Callable[..., Any]
) -> None:
    code, _, told = await export_here(new_database_url("sqlite"), *arguments)
    assert (code, told.startswith(complaint)) == (2, True), told


async def test_a_database_that_is_not_there_is_the_database_s_fault(export_here: Callable[..., Any]) -> None:
    code, _, told = await export_here("mariadb+aiomysql://u:p@127.0.0.1:1/d")
    assert (code, "cannot be reached" in told) == (3, True)
