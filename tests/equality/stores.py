"""Stores with the history in them: written once through ingest, then handed out as copies that are equal."""

import shutil
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from mutations.ingest import IngestLimits, IngestOutcome, ingest_events
from storage.counts import CountFolder
from storage.engine import Database
from storage.tables import events
from tests.equality.history import FIRST, RECEIVED, event_id, make_history
from tests.gateway.history import give_positions

_FAR_FUTURE_SECONDS = 10**12


async def write_history(database: Database) -> None:
    """Store the history batch by batch, and bring about what ingest never does: repeats, and events that came back."""
    limits = IngestLimits(max_future_seconds=_FAR_FUTURE_SECONDS)
    for number, batch in enumerate(make_history()):
        received = RECEIVED + number * 1_000_000 + (number % 2) * 123_456
        report = await ingest_events(
            database, batch, home_namespace="default", limits=limits, clock=partial(int, received)
        )
        assert set(report.counts) == {IngestOutcome.ACCEPTED}, [each for each in report.results if each.message]
        await give_positions(database)
    await database.write(_repeat, name="repeats")
    # Otherwise every application over a copy would begin with it.
    await CountFolder(database).turn()


async def _repeat(connection: AsyncConnection) -> None:
    for number in range(0, 90, 4):
        values: dict[str, Any] = {"repeat_count": number + 2, "restored": number % 8 == 0}
        if number:
            values["last_occurred_at"] = FIRST + number * 1_000_001
        await connection.execute(update(events).where(events.c.id == event_id(number)).values(values))


async def write_store(url: str) -> Path:
    """Write the history into an SQLite store, and give its file with everything in it."""
    database = await Database.open(url)
    try:
        await write_history(database)
    finally:
        await database.close()
    path = Path(url.removeprefix("sqlite+aiosqlite:///"))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


def copy_store(path: Path, directory: Path, name: str) -> str:
    """Copy a store that nobody has open, and give the URL of the copy."""
    target = directory / f"{name}.db"
    shutil.copyfile(path, target)
    return f"sqlite+aiosqlite:///{target}"
