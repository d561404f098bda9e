"""Stores with the history in them: written once through ingest, then handed out as copies that are equal.

On SQLite each executor has a copy of its own, so that mutations bring both to the same state. On MariaDB both share one
database, whose positions come in their own time: there no mutation stores anything new.
"""

import asyncio
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.demo.loader import register_sources
from mutations.ingest import IngestLimits, IngestOutcome, ingest_events
from storage.counts import CountFolder
from storage.engine import Database
from storage.revisions import migrate
from storage.tables import events
from tests.equality.damage import Damage, damage
from tests.equality.history import FIRST, RECEIVED, event_id, make_history, make_operations
from tests.gateway.history import give_positions
from tests.storage.histories import store_operations

_FAR_FUTURE_SECONDS = 10**12


async def write_history(database: Database) -> None:
    """Store the history batch by batch, and bring about what ingest never does: repeats, and events that came back."""
    limits = IngestLimits(max_future_seconds=_FAR_FUTURE_SECONDS)
    for number, batch in enumerate(make_history()):
        await register_sources(database, batch, home_namespace="default")
        received = RECEIVED + number * 1_000_000 + (number % 2) * 123_456
        report = await ingest_events(
            database, batch, home_namespace="default", limits=limits, clock=partial(int, received)
        )
        assert set(report.counts) == {IngestOutcome.ACCEPTED}, [each for each in report.results if each.message]
        await give_positions(database)
    await database.write(_repeat, name="repeats")
    await store_operations(database, make_operations())
    # Otherwise every application over a copy would begin with it.
    await CountFolder(database).turn()


async def _repeat(connection: AsyncConnection) -> None:
    for number in range(0, 90, 4):
        values: dict[str, Any] = {"repeat_count": number + 2, "restored": number % 8 == 0}
        if number:
            values["last_occurred_at"] = FIRST + number * 1_000_001
        await connection.execute(update(events).where(events.c.id == event_id(number)).values(values))


@dataclass(frozen=True)
class Stores:
    """The URLs of the stock executor's and of the compiled executor's store."""

    stock: str
    compiled: str

    @property
    def take_new_events(self) -> bool:
        """Whether mutations may store what is not there."""
        return self.stock != self.compiled


class Templates:
    """The file that stores are copied from; it is written when it is first asked for."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._copies = 0

    def copies(self, damages: Sequence[Damage] = ()) -> Stores:
        """Give two equal stores of their own; `damages`: what is changed in them behind the gateway's back."""
        self._copies += 1
        stock, compiled = (self._copy(f"{name}-{self._copies}", damages) for name in ("stock", "compiled"))
        return Stores(stock, compiled)

    def remove(self, stores: Stores) -> None:
        """Remove copies that nobody has open any more."""
        for url in (stores.stock, stores.compiled):
            for suffix in ("", "-wal", "-shm"):
                Path(_path_of(url) + suffix).unlink(missing_ok=True)

    @cached_property
    def _file(self) -> Path:
        path = self._directory / "template.db"
        url = _url_of(path)
        migrate(url)
        asyncio.run(_write_file(url))
        return path

    def _copy(self, name: str, damages: Sequence[Damage]) -> str:
        target = self._directory / f"{name}.db"
        shutil.copyfile(self._file, target)
        if damages:
            damage(target, damages)
        return _url_of(target)


async def _write_file(url: str) -> None:
    database = await Database.open(url)
    try:
        await write_history(database)
    finally:
        await database.close()
    with closing(sqlite3.connect(_path_of(url))) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _url_of(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


def _path_of(url: str) -> str:
    return url.removeprefix("sqlite+aiosqlite:///")
