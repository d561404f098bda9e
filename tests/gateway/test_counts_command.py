"""timeloom counts verify | rebuild: what they print, and with which exit code (issue 5)."""

import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing

import pytest

from gateway.cli import main
from storage.counts import CountFolder
from storage.engine import Database
from tests.storage.histories import row, store


@pytest.fixture
async def store_url(new_database_url: Callable[[str], str]) -> str:
    """A store of three events, whose counts are folded."""
    url = new_database_url("sqlite")
    database = await Database.open(url)
    await store(database, [row(number) for number in range(3)])
    await CountFolder(database).turn()
    await database.close()
    return url


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[object, list[str], str]:
    monkeypatch.setattr(sys, "argv", ["timeloom", "counts", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    printed = capsys.readouterr()
    return ended.value.code, printed.out.splitlines(), printed.err.strip()


def test_wrong_counts_are_shown_and_mended(
    store_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """verify changes nothing and ends with 1; rebuild mends; then verify ends with 0."""
    monkeypatch.setenv("TIMELOOM_DATABASE_URL", store_url)
    fine = "the counts agree with the rows"
    assert run(monkeypatch, capsys, "verify") == (0, [fine], "")
    with closing(sqlite3.connect(store_url.removeprefix("sqlite+aiosqlite:///"))) as connection, connection:
        connection.execute("UPDATE event_counts SET event_rows = 5")
    shown = "event_counts 2026-01-01T00:00:00.000000Z, audience 1, audit: lacks -2 rows, +0 occurrences"
    coarser = "event_hour_counts 2026-01-01T00:00:00.000000Z, audience 1, audit: lacks +2 rows, +0 occurrences"
    for _ in range(2):
        code, lines, told = run(monkeypatch, capsys, "verify")
        assert (code, lines) == (1, [shown, coarser])
        assert told == "wrong counts: 2; `timeloom counts rebuild` mends them"
    assert run(monkeypatch, capsys, "rebuild") == (0, [shown, "mended 1 of the counts"], "")
    assert run(monkeypatch, capsys, "verify", "--since", "2026-01-01T00:00:00Z") == (0, [fine], "")
    assert run(monkeypatch, capsys, "rebuild") == (0, [f"{fine}; nothing was changed"], "")


def test_times_that_cannot_be_understood_are_refused(
    store_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TIMELOOM_DATABASE_URL", store_url)
    code, _, told = run(monkeypatch, capsys, "verify", "--since", "yesterday")
    assert (code, told[:18]) == (2, "timeloom: --since:")
    code, _, told = run(
        monkeypatch, capsys, "verify", "--since", "2026-01-02T00:00:00Z", "--until", "2026-01-01T00:00:00Z"
    )
    assert (code, told) == (
        2,
        "timeloom: --since lies after --until: give an earlier time, or leave one of them out",
    )
