"""Positions: the order in which batches became visible, given after their commit.

Neither auto-increment keys nor ids nor arrival times are commit order: a reader who follows one of those misses what
commits late. So one process at a time (the holder of the lease `sequencer`) looks for committed batches without a
position and numbers them. A position never appears below one that was handed out. On SQLite there is one writer at a
time, and the ingest transaction numbers its own batch.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Select, case, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.dialects import force_index, insert_adding
from storage.errors import PositionExpiredError, StorageError, UnknownPositionError
from storage.leases import Lease
from storage.tables import ingest_batches, leases

if TYPE_CHECKING:
    from storage.engine import Database

SEQUENCER: Final = "sequencer"
_TICK_SECONDS = 0.05
_QUIET_AFTER_SECONDS = 5.0
_QUIET_TICK_SECONDS = 0.2
"""When nothing has come for a while, looking often would only warm the machine."""
_LEASE_SECONDS = 3.0
_RENEW_SECONDS = 1.0
_SETTLE_SECONDS = 5.0
"""Longer than a lease: one who died leading is waited for."""
_BATCHES_PER_TICK = 500
"""Per statement; as long as more are waiting, the next statement follows at once."""


async def fetch_live_position(database: "Database") -> int:
    """Give the position up to which batches are visible in order; 0 for a store without any."""
    async with database.reading() as connection:
        result = await connection.execute(_LIVE_POSITION)
        return result.scalar_one_or_none() or 0


async def settle_position(database: "Database") -> int:
    """Give the position of all that is committed now, waiting a moment for batches that have none yet.

    Whoever deletes what he sees must mean all that he sees. Where no gateway runs, the batches are numbered here.
    """
    last = await _fetch_waiting(database, _LAST_WAITING)
    deadline = time.monotonic() + _SETTLE_SECONDS
    while last is not None and time.monotonic() < deadline:
        sequencer = Sequencer(database)
        wait = await sequencer.turn()  # does nothing as long as somebody else leads
        await sequencer.release()
        first = await _fetch_waiting(database, _FIRST_WAITING)
        if first is None or first > last:
            break
        await asyncio.sleep(min(wait, _TICK_SECONDS))
    return await fetch_live_position(database)


async def _fetch_waiting(database: "Database", statement: Select[Any]) -> int | None:
    if database.dialect_name == "sqlite":
        return None
    async with database.reading() as connection:
        batch_key: int | None = (await connection.execute(statement)).scalar()
        return batch_key


async def fetch_waiting_since(database: "Database") -> int | None:
    """Give the arrival (microseconds) of the oldest batch that has no position yet; None: there is none."""
    async with database.reading() as connection:
        received_at: int | None = (await connection.execute(_WAITING_SINCE)).scalar()
    return received_at


async def require_position(database: "Database", position: int) -> None:
    """Check that everything after a position is still kept (P8).

    Raises UnknownPositionError for a position that was never handed out, PositionExpiredError for one below which
    batches have been removed since.
    """
    statement = select(_LIVE_POSITION.scalar_subquery(), select(func.min(ingest_batches.c.position)).scalar_subquery())
    async with database.reading() as connection:
        live, oldest = (await connection.execute(statement)).one()
    live = live or 0
    if not 0 <= position <= live:
        raise UnknownPositionError(
            f"{position} is no position of this store: pass a livePosition exactly as this store gave it"
        )
    if position < (live if oldest is None else oldest - 1):
        raise PositionExpiredError("events after this position have been removed: start again from a new livePosition")


async def next_position(connection: AsyncConnection) -> int:
    """Take the next position inside an ingest transaction (SQLite only: there is no other writer)."""
    first = {"name": SEQUENCER, "owner": "", "epoch": 0, "expires_at": 0, "high_water": 1}
    return int((await connection.execute(_RAISE_ON_SQLITE, first)).scalar_one())


class Sequencer:
    """Numbers committed batches as long as this process holds the lease; otherwise waits to take over."""

    def __init__(self, database: "Database") -> None:
        self._database = database
        self._lease = Lease(database, SEQUENCER, seconds=_LEASE_SECONDS)
        self._renewed_at = 0.0
        self._busy_at = 0.0

    @property
    def leads(self) -> bool:
        """Whether this process numbered batches at its last turn."""
        return self._lease.held

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then release the lease. Errors of the database end nothing: it tries again."""
        if self._database.dialect_name == "sqlite":
            await stop.wait()
            return
        while not stop.is_set():
            try:
                wait = await self.turn()
            except StorageError:
                self._lease.held = False
                wait = _RENEW_SECONDS
            if wait:
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), wait)
        await self.release()

    async def release(self) -> None:
        """Let the next one take over at once."""
        with suppress(StorageError):
            await self._lease.release()

    async def turn(self) -> float:
        """Do what there is to do now and give the seconds until the next turn."""
        lease = self._lease
        now = asyncio.get_running_loop().time()
        if not lease.held:
            if not await lease.acquire():
                return _RENEW_SECONDS
            self._renewed_at = self._busy_at = now
        waiting = await self._fetch_waiting()
        if waiting:
            await self._number(waiting)
            self._renewed_at = self._busy_at = now
        elif now - self._renewed_at > _RENEW_SECONDS:
            await lease.renew()
            self._renewed_at = now
        if len(waiting) == _BATCHES_PER_TICK:
            return 0.0
        return _QUIET_TICK_SECONDS if now - self._busy_at > _QUIET_AFTER_SECONDS else _TICK_SECONDS

    async def _fetch_waiting(self) -> list[int]:
        async with self._database.reading() as connection:
            # Many times a second, most often for nothing: prepared, so that it costs next to nothing.
            statement = self._database.statements.get("waiting batches", lambda: _WAITING)
            return [row[0] for row in await self._database.fetch(connection, statement, {})]

    async def _number(self, batch_keys: Sequence[int]) -> None:
        """Give positions in one statement that changes nothing when the lease is lost or somebody was faster."""
        lease = self._lease
        first = lease.high_water + 1
        last = lease.high_water + len(batch_keys)
        positions = {key: first + place for place, key in enumerate(batch_keys)}
        position = case(positions, value=ingest_batches.c.batch_key)
        # An UPDATE of two tables at once is MariaDB's; on SQLite nobody comes here.
        statement = (
            update(ingest_batches)
            .values(
                {
                    ingest_batches.c.position: position,
                    leases.c.high_water: last,
                    leases.c.expires_at: lease.new_expiry,
                }
            )
            .where(lease.mine, leases.c.high_water == lease.high_water, position > leases.c.high_water)
            .where(ingest_batches.c.batch_key.in_(batch_keys), ingest_batches.c.position.is_(None))
        )
        # One row is the lease's.
        if await self._database.execute_alone(statement) > 1:
            lease.high_water = last
        else:
            lease.held = False


_LIVE_POSITION = select(leases.c.high_water).where(leases.c.name == SEQUENCER)
_RAISE_ON_SQLITE = insert_adding(leases, "sqlite", ("high_water",)).returning(leases.c.high_water)
_WAITING = (
    select(ingest_batches.c.batch_key)
    .where(ingest_batches.c.position.is_(None))
    .order_by(ingest_batches.c.batch_key)
    .limit(_BATCHES_PER_TICK)
)


def _build_one_waiting(column: Any, order: Any) -> Select[Any]:
    """Ask for one batch without a position: for one row MariaDB would rather read all batches in the order of keys."""
    statement = force_index(select(column), ingest_batches, "uq_ingest_batches_position")
    return statement.where(ingest_batches.c.position.is_(None)).order_by(order).limit(1)  # type: ignore[no-any-return]


_FIRST_WAITING = _build_one_waiting(ingest_batches.c.batch_key, ingest_batches.c.batch_key)
_LAST_WAITING = _build_one_waiting(ingest_batches.c.batch_key, ingest_batches.c.batch_key.desc())
_WAITING_SINCE = _build_one_waiting(ingest_batches.c.received_at, ingest_batches.c.batch_key)
