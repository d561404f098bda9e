"""`timeloom archive`: what it prints, what it refuses, and with which exit code (NU8)."""

import asyncio
import getpass
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from gateway.cli import main
from mutations.archives import Archive
from storage.engine import Database
from storage.tables import events
from tests.mutations.archiving import archive, every_event
from tests.storage.histories import START, event_id, row, store

ON_SQLITE = pytest.mark.parametrize("backend", ["sqlite"])
Run = Callable[..., tuple[object, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, database_url: str) -> Run:
    """Run `timeloom archive ...` in this process; give exit code, output and errors."""
    monkeypatch.setenv("TIMELOOM_ARCHIVE_URL", str(tmp_path / "archive"))
    monkeypatch.setenv("TIMELOOM_DATABASE_URL", database_url)

    def call(*arguments: str) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", ["timeloom", "archive", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return ended.value.code, printed.out, printed.err

    return call


async def fill(database: Database, directory: Path) -> list[str]:
    """Archive two files, of three events and of one, and give their names."""
    kept = Archive(str(directory))
    await store(database, [row(number) for number in range(1, 4)])
    await archive(database, kept)
    await store(database, [row(4, namespace="payments", occurred_at=START + 86_400_000_000)])
    await archive(database, kept)
    return [file.name for file in kept.files()]


@pytest.fixture
async def names(database: Database, tmp_path: Path) -> list[str]:
    return await fill(database, tmp_path / "archive")


@ON_SQLITE
def test_list_shows_what_is_there(run: Run, names: list[str], tmp_path: Path) -> None:
    (tmp_path / "archive" / "left.jsonl.zst").write_bytes(b"half")
    code, shown, _ = run("list")
    assert (code, shown.splitlines()[-1].rpartition(",")[0]) == (0, "3 files, 4 events")
    assert [line.split()[0] for line in shown.splitlines()[1:-1]] == [*names, "left.jsonl.zst"]
    assert ("complete" in shown, "unfinished" in shown, "2026-01-02T00:00:00.000000Z" in shown) == (True, True, True)
    code, shown, _ = run("list", "--json")
    first, _, left = json.loads(shown)
    assert (first["name"], first["manifest"]["counts"], first["unfinished"]) == (
        names[0],
        {"events": 3, "references": 0},
        False,
    )
    assert (left["manifest"], left["problem"]) == (
        None,
        "it has no manifest: being written, or left by an interruption",
    )


@ON_SQLITE
def test_verify_names_what_is_damaged(run: Run, names: list[str], tmp_path: Path) -> None:
    assert run("verify") == (0, "2 files are whole, 0 are damaged\n", "")
    assert run("verify", "--deep", names[1]) == (0, "1 files are whole, 0 are damaged\n", "")
    path = tmp_path / "archive" / names[0]
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    code, shown, complaint = run("verify")
    assert (code, shown) == (1, "1 files are whole, 1 are damaged\n")
    assert complaint.startswith(f"timeloom: {names[0]}: ")
    code, _, complaint = run("restore", "--yes")
    assert (code, complaint.startswith(f"timeloom: {names[0]}: ")) == (1, True)
    assert run("verify", "nothing") == (
        1,
        "",
        "timeloom: the archive has no file nothing: `timeloom archive list` shows all that it has\n",
    )


@ON_SQLITE
async def test_restore_says_how_many_before_and_after(run_async: Any, database: Database, names: list[str]) -> None:
    chosen = ("restore", "--until", "2026-01-01T00:00:00.000003Z", "--namespace", "default")
    assert len(names) == 2
    assert await run_async(*chosen, "--dry-run") == (
        *(0, "2 events would come back from 1 files; 0 are stored already\n", ""),
    )
    assert await every_event(database) == []
    assert await run_async(*chosen, "--yes") == (0, "2 events came back from 1 files; 0 are stored already\n", "")
    assert [event.row.id for event in await every_event(database)] == [event_id(1), event_id(2)]
    assert await run_async("restore", "--yes") == (0, "2 events came back from 2 files; 2 are stored already\n", "")
    async with database.reading() as connection:
        actors = (await connection.execute(select(events.c.actor).where(events.c.event_type == "restore"))).scalars()
        assert set(actors) == {getpass.getuser()}


@pytest.fixture
def run_async(run: Run) -> Callable[..., object]:
    """The same from a test that has an event loop of its own."""

    async def call(*arguments: str) -> object:
        return await asyncio.to_thread(run, *arguments)

    return call


@ON_SQLITE
@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["restore"], "restore asks before it writes: pass --yes, or --dry-run to see how many would come back"),
        (["restore", "--yes", "--since", "yesterday"], "--since: 'yesterday' is no RFC 3339 time with an offset"),
        (["restore", "--yes", "--object", "disk"], "--object: 'disk' names no object; write TYPE/ID"),
        (
            ["restore", "--yes", "--since", "2026-01-02T00:00:00Z", "--until", "2026-01-01T00:00:00Z"],
            "--since is after --until: no event is selected",
        ),
        (["list", "--url", ""], "no archive is named: pass --url or set TIMELOOM_ARCHIVE_URL"),
        (["restore", "--url", "", "--yes"], "no archive is named: pass --url or set TIMELOOM_ARCHIVE_URL"),
    ],
)
def test_what_makes_no_sense_is_refused(run: Run, arguments: list[str], complaint: str) -> None:
    code, shown, told = run(*arguments)
    assert (code, shown) == (2, "")
    assert told.startswith(f"timeloom: {complaint}")
