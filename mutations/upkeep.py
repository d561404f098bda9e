"""Upkeep: once a day what nobody needs any more goes, and the counts of one hour are compared with its rows (L4, L8).

Every gateway is a candidate; who holds the lease `upkeep` does it. What goes are ids of deleted events and batches
without events, both after the resend horizon, operations that were finished long ago (OP6), dismissals of events that
are gone, and how many events arrived on days long past. Batches are walked in the order of arrival; how far is kept in
the store, so that whoever comes next goes on from there.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from storage.count_checks import Drift, check_random_hour
from storage.dismissals import FIRST_DISMISSAL, DismissalPlace, delete_lost_dismissals
from storage.engine import Database, Transaction
from storage.errors import StorageError
from storage.leases import Lease, LeaseLostError
from storage.marks import Mark, fetch_mark, save_mark
from storage.operation_changes import delete_finished_operations
from storage.servers import fetch_database_time
from storage.times import MICROSECONDS_PER_DAY, MICROSECONDS_PER_SECOND, now_micros
from storage.upkeep import BEFORE_ALL, BatchPlace, delete_empty_batches, delete_old_arrivals, delete_old_ids

RESEND_HORIZON_SECONDS = 2_592_000
"""30 days."""
OPERATION_AGE_SECONDS = 7_776_000
"""90 days."""
KEPT_ARRIVAL_DAYS = 400

_LEASE_SECONDS = 30.0
_TICK_SECONDS = 60.0
_IDS_PER_CHUNK = 5_000
_OPERATIONS_PER_CHUNK = 1_000
_BATCHES_PER_WINDOW = 1_000
_DISMISSALS_PER_WINDOW = 200
_ROUND_MARK, _BATCH_MARK = "upkeep", "upkeep of batches"


class UpkeepReport(NamedTuple):
    """What a round did: how many rows of each kind went, the hour that was checked (its first minute), what it lacked.

    `drifts` None: nothing was checked, there are no events, or it took too long.
    """

    ids: int
    batches: int
    arrivals: int
    hour: int | None
    drifts: Sequence[Drift] | None
    operations: int = 0
    dismissals: int = 0


class Upkeep:
    """Does a round each `interval_seconds`, as long as no other process does.

    `removals` is the same database, by a user who may take rows away. `operation_age_seconds` below 0: operations stay
    for ever. `report` is told about each round.
    """

    def __init__(
        self,
        database: Database,
        removals: Database,
        *,
        clock: Callable[[], int] = now_micros,
        horizon_seconds: int = RESEND_HORIZON_SECONDS,
        operation_age_seconds: int = OPERATION_AGE_SECONDS,
        interval_seconds: int = 86_400,
        report: Callable[[UpkeepReport], None] = lambda _report: None,
        chance: random.Random | None = None,
        ids_per_chunk: int = _IDS_PER_CHUNK,
        operations_per_chunk: int = _OPERATIONS_PER_CHUNK,
        batches_per_window: int = _BATCHES_PER_WINDOW,
        dismissals_per_window: int = _DISMISSALS_PER_WINDOW,
    ) -> None:
        self._database = database
        self._removals = removals
        self._clock = clock
        self._horizon = horizon_seconds * MICROSECONDS_PER_SECOND
        self._operation_age = operation_age_seconds * MICROSECONDS_PER_SECOND
        self._interval = interval_seconds * MICROSECONDS_PER_SECOND
        self._report = report
        self._chance = chance or random.Random()
        self._ids_per_chunk = ids_per_chunk
        self._operations_per_chunk = operations_per_chunk
        self._batches_per_window = batches_per_window
        self._dismissals_per_window = dismissals_per_window
        self._lease = Lease(removals, "upkeep", seconds=_LEASE_SECONDS)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then release the lease. What may pass by itself is tried again.

        Raises StorageError for what will not pass, such as a user who may not delete: then nothing would ever go.
        """
        while not stop.is_set():
            try:
                await self.turn(stop)
            except StorageError as error:
                if not error.retryable:
                    raise
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _TICK_SECONDS)
        with suppress(StorageError):
            await self._lease.release()

    async def turn(self, stop: asyncio.Event | None = None) -> UpkeepReport | None:
        """Do a round when one is due and nobody else does it; None: there was none, or it was broken off."""
        # The earlier of both clocks: one that runs ahead must not forget what is still of use.
        now = min(self._clock(), await fetch_database_time(self._removals))
        last = await fetch_mark(self._removals, _ROUND_MARK)
        if last is not None and last.received_at <= now < last.received_at + self._interval:
            return None
        if not await self._lease.acquire():
            return None
        try:
            report = await self._round(now, stop or asyncio.Event())
        except LeaseLostError:
            self._lease.held = False
            return None
        await self._lease.release()
        if report is not None:
            self._report(report)
        return report

    async def _round(self, now: int, stop: asyncio.Event) -> UpkeepReport | None:
        before = now - self._horizon
        ids = batches = operations = 0
        while gone := await self._forget_ids(before):
            ids += gone
            if stop.is_set():
                return None
        while self._operation_age >= 0 and (gone := await self._forget_operations(now - self._operation_age)):
            operations += gone
            if stop.is_set():
                return None
        place: BatchPlace | None = await self._saved_place()
        while place is not None:
            gone, place = await self._forget_batches(place, before, now)
            batches += gone
            if stop.is_set():
                return None
        dismissals = 0
        dismissal: DismissalPlace | None = FIRST_DISMISSAL
        while dismissal is not None:
            gone, dismissal = await self._forget_dismissals(dismissal)
            dismissals += gone
            if stop.is_set():
                return None
        arrivals = await self._forget_arrivals(now // MICROSECONDS_PER_DAY - KEPT_ARRIVAL_DAYS)
        checked = None
        with suppress(StorageError):
            checked = await check_random_hour(self._database, self._chance)
        await self._save(_ROUND_MARK, Mark(now, 0, 0), now)
        hour, drifts = (None, None) if checked is None else checked
        return UpkeepReport(ids, batches, arrivals, hour, drifts, operations, dismissals)

    async def _forget_ids(self, before: int) -> int:
        async def work(connection: Transaction) -> int:
            await self._lease.require(connection)
            return await delete_old_ids(connection, before=before, limit=self._ids_per_chunk)

        return await self._removals.write(work, name="upkeep of deleted ids")

    async def _forget_operations(self, before: int) -> int:
        async def work(connection: Transaction) -> int:
            await self._lease.require(connection)
            return await delete_finished_operations(connection, before=before, limit=self._operations_per_chunk)

        return await self._removals.write(work, name="upkeep of operations")

    async def _forget_batches(self, place: BatchPlace, before: int, now: int) -> tuple[int, BatchPlace | None]:
        dialect_name = self._removals.dialect_name

        async def work(connection: Transaction) -> tuple[int, BatchPlace | None]:
            await self._lease.require(connection)
            window = await delete_empty_batches(
                connection, place, before=before, limit=self._batches_per_window, dialect_name=dialect_name
            )
            # At the end the next round begins at the oldest batch again: what was full may be empty then.
            reached = Mark(*(window.last or BEFORE_ALL), 0)
            await save_mark(connection, _BATCH_MARK, reached, dialect_name=dialect_name, now=now)
            return window

        return await self._removals.write(work, name="upkeep of batches")

    async def _forget_dismissals(self, place: DismissalPlace) -> tuple[int, DismissalPlace | None]:
        dialect_name = self._removals.dialect_name

        async def work(connection: Transaction) -> tuple[int, DismissalPlace | None]:
            await self._lease.require(connection)
            return await delete_lost_dismissals(
                connection, place, limit=self._dismissals_per_window, dialect_name=dialect_name
            )

        return await self._removals.write(work, name="upkeep of dismissals")

    async def _forget_arrivals(self, before_day: int) -> int:
        async def work(connection: Transaction) -> int:
            await self._lease.require(connection)
            return await delete_old_arrivals(connection, before_day=before_day)

        return await self._database.write(work, name="upkeep of arrivals")

    async def _saved_place(self) -> BatchPlace:
        mark = await fetch_mark(self._removals, _BATCH_MARK)
        return BEFORE_ALL if mark is None else BatchPlace(mark.received_at, mark.batch_key)

    async def _save(self, name: str, mark: Mark, now: int) -> None:
        async def work(connection: Transaction) -> None:
            await self._lease.require(connection)
            await save_mark(connection, name, mark, dialect_name=self._removals.dialect_name, now=now)

        await self._removals.write(work, name="upkeep")
