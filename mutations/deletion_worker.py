"""The worker of deletions: counts what is large, counts again what was confirmed, and removes it chunk by chunk.

One process of the cluster does it, the holder of the lease `deletions`; whoever gets the lease goes on where the row
says. Each turn is one step: a portion counted, or one chunk removed.
"""

import asyncio
from contextlib import suppress
from typing import Protocol

from mutations.deletion_counts import DeletionCount, count_portion
from mutations.deletions import Clock, finish_deletion, is_stale, stale_message, with_count
from mutations.selections import Selection
from storage.deletion_chunks import MoreThanShownError, remove_portion
from storage.deletions import (
    END,
    DeletionRecord,
    DeletionState,
    change_deletion,
    expire_previews,
    fetch_unfinished,
)
from storage.engine import Database
from storage.errors import SelectorError, StorageError, StorageTimeoutError
from storage.leases import Lease, LeaseLostError
from storage.servers import is_galera
from storage.walks import Portion, Walk, fetch_reference_counts

CHUNK_EVENTS, GALERA_CHUNK_EVENTS = 10_000, 1_000
"""The most events, and the most references, that one transaction removes (design.md, promises)."""

_LEASE_SECONDS = 10.0
_TICK_SECONDS = 1.0
_EXPIRY_SECONDS = 30.0
_SMALLEST_SHARE = 128
"""A chunk that does not come through is made smaller, down to this part of it."""


class WorkerReport(Protocol):
    """What the worker tells of. Without one nothing is told."""

    def removed_events(self, count: int) -> None:
        """A chunk has removed so many events."""

    def finished_deletion(self, state: str) -> None:
        """A deletion has ended so: DONE, FAILED, or STALE, when its number differed and nothing was deleted."""

    def unfinished_deletion(self, seconds: float) -> None:
        """The oldest deletion that is not finished was begun so long ago; 0: there is none."""

    def failed_deletion(self, error: Exception) -> None:
        """A deletion has failed by this."""


class DeletionWorker:
    """Carries deletions out as long as this process holds the lease; otherwise waits to take over."""

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        chunk_events: int | None = None,
        report: WorkerReport | None = None,
    ) -> None:
        """`clock` gives microseconds UTC; `chunk_events` bounds each transaction, None: as suits the database."""
        self._database = database
        self._clock = clock
        self._chunk_events = chunk_events
        self._report = report
        self._lease = Lease(database, "deletions", seconds=_LEASE_SECONDS)
        self._woken = asyncio.Event()
        self._expired_at = 0.0
        self._share = 1
        # What was found of a deletion and did not fit the last chunk: found again, it would be the same.
        self._ahead: tuple[tuple[str, str | None], Portion | None] = (("", None), None)

    def wake(self) -> None:
        """Look at once whether there is something to do."""
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then release the lease. Errors of the database end nothing: it tries again."""
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                self._woken.clear()
                is_busy = False
                try:
                    is_busy = await self.turn()
                except StorageError:
                    self._lease.held = False
                if not is_busy:
                    await self._idle(stopping)
        finally:
            stopping.cancel()
        await self.release()

    async def release(self) -> None:
        """Let the next one take over at once."""
        with suppress(StorageError):
            await self._lease.release()

    async def turn(self) -> bool:
        """Do one step, and give whether there may be more to do. Raises StorageError for what may pass."""
        record = await fetch_unfinished(self._database)
        self._tell_age(record)
        if record is None:
            await self._expire()
            return False
        if not self._lease.held and not await self._lease.acquire():
            return False
        renewing = asyncio.create_task(self._renew())
        try:
            await self._step(record)
        except LeaseLostError:
            self._lease.held = False
            return False
        except Exception as error:
            if isinstance(error, StorageError) and error.retryable:
                self._share = min(self._share * 2, _SMALLEST_SHARE)
                raise
            await self._fail(record, error)
        else:
            self._share = 1
        finally:
            renewing.cancel()
        return True

    async def _renew(self) -> None:
        """Keep the lease while a portion is looked for: two who took it over from each other would never get on."""
        while True:
            await asyncio.sleep(_LEASE_SECONDS / 3)
            with suppress(StorageError):
                await self._lease.renew()

    async def _step(self, record: DeletionRecord) -> None:
        walk = await Selection.from_text(record.selection).walk(self._database, record.bound)
        match record.state:
            case DeletionState.COUNTING:
                await self._count(record, walk)
            case DeletionState.QUEUED:
                await self._recount(record, walk)
            case _ if record.place == END:
                await self._finish(record, DeletionState.DONE)
            case _:
                await self._remove(record, walk)

    async def _count(self, record: DeletionRecord, walk: Walk) -> None:
        count = DeletionCount(record.matched, record.matched_references, record.sample, record.place)
        count = await count_portion(self._database, walk, count, size=await self._size())
        after = with_count(record, count, now=self._clock())
        await change_deletion(self._database, record, after, lease=self._lease)

    async def _recount(self, record: DeletionRecord, walk: Walk) -> None:
        count = DeletionCount(record.recounted, record.recounted_references, (), record.place)
        if not count.is_complete:
            count = await count_portion(self._database, walk, count, size=await self._size())
        after = record._replace(recounted=count.matched, recounted_references=count.references, place=count.place)
        if is_stale(after):
            error = f"CONFIRMATION_STALE: {stale_message(after)}"
            await self._finish(record, DeletionState.FAILED, error=error, is_stale=True)
            return
        if count.is_complete:
            after = after._replace(state=DeletionState.RUNNING, started_at=self._clock(), place=None)
        await change_deletion(self._database, record, after, lease=self._lease)

    async def _remove(self, record: DeletionRecord, walk: Walk) -> None:
        size = await self._size()
        key, ahead = self._ahead
        portion = ahead if ahead is not None and key == (record.id, record.place) else None
        if portion is None:
            portion = await walk.fetch(self._database, record.place, size=size)
        references = await fetch_reference_counts(self._database, (each.place for each in portion.found))
        portion, rest = portion.split(references, size)
        self._ahead = ((record.id, portion.next_place), rest)
        after = await remove_portion(self._database, self._lease, record, walk, portion, now=self._clock())
        if after is not None and self._report is not None:
            self._report.removed_events(after.deleted - record.deleted)

    async def _finish(
        self, record: DeletionRecord, state: DeletionState, *, error: str | None = None, is_stale: bool = False
    ) -> None:
        after = await finish_deletion(self._database, record, state, now=self._clock(), error=error, lease=self._lease)
        if after is not None and self._report is not None:
            self._report.finished_deletion("STALE" if is_stale else state.value)

    async def _fail(self, record: DeletionRecord, error: Exception) -> None:
        """End a deletion that cannot be carried out; its chunks up to here stay removed, and are counted."""
        if self._report is not None:
            self._report.failed_deletion(error)
        with suppress(LeaseLostError):
            await self._finish(record, DeletionState.FAILED, error=_reason(error))

    async def _size(self) -> int:
        if self._chunk_events is None:
            self._chunk_events = GALERA_CHUNK_EVENTS if await is_galera(self._database) else CHUNK_EVENTS
        return max(self._chunk_events // self._share, 1)

    def _tell_age(self, record: DeletionRecord | None) -> None:
        if self._report is not None:
            age = 0 if record is None else self._clock() - (record.started_at or record.created_at)
            self._report.unfinished_deletion(max(age, 0) / 1_000_000)

    async def _expire(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._expired_at > _EXPIRY_SECONDS:
            self._expired_at = now
            await expire_previews(self._database, now=self._clock())

    async def _idle(self, stopping: "asyncio.Task[object]") -> None:
        woken = asyncio.create_task(self._woken.wait())
        await asyncio.wait((woken, stopping), timeout=_TICK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        woken.cancel()


def _reason(error: Exception) -> str:
    """Say for the caller why a deletion failed; a database's own text names hosts and statements."""
    if isinstance(error, StorageTimeoutError):
        return "the database took longer than its time limit (TIMELOOM_STATEMENT_TIMEOUT_SECONDS): delete in parts"
    if isinstance(error, SelectorError):
        return str(error)
    if isinstance(error, MoreThanShownError):
        return "more is selected now than was shown: ask with dryRun: true again for the rest"
    if type(error) is StorageError:
        return (
            "the database refused a statement: may its user take events away (TIMELOOM_REMOVAL_DATABASE_URL)? The "
            "server's log knows more"
        )
    return f"something went wrong in the server ({type(error).__name__}); its log knows more"
