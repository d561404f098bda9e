"""Gauges: what is not counted when it happens but looked at from time to time."""

import asyncio
from contextlib import suppress

import structlog

from gateway.metrics import Metrics
from storage.counts import fetch_event_rows, fetch_waiting_deltas
from storage.engine import Database
from storage.errors import StorageError
from storage.positions import fetch_waiting_since
from storage.times import MICROSECONDS_PER_SECOND, now_micros

_POOL_SECONDS = 1.0
_ROWS_SECONDS = 15.0
_REMINDER_LOOKS = 4
_MOST_DELTAS = 100_000
"""Counting ends there: more is as bad."""

logger = structlog.get_logger(__name__)


async def sample_gauges(database: Database, metrics: Metrics, stop: asyncio.Event) -> None:
    """Look at the pools each second, and at stored events and what waits behind them each quarter of a minute."""
    clock = asyncio.get_running_loop().time
    next_rows = clock()
    watch = DatabaseWatch()
    while not stop.is_set():
        metrics.pool(database.pool_status())
        if clock() >= next_rows:
            next_rows = clock() + _ROWS_SECONDS
            watch.tell(await _sample_rows(database, metrics))
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _POOL_SECONDS)


class DatabaseWatch:
    """Says in the log when the database stops answering, once a minute while it does not, and when it is back."""

    def __init__(self) -> None:
        self._failures = 0

    def tell(self, error: StorageError | None) -> None:
        """Take what came of a look at the database: None, or what went wrong."""
        if error is None:
            if self._failures:
                logger.info("the database answers again")
            self._failures = 0
            return
        if self._failures % _REMINDER_LOOKS == 0:
            logger.warning("the database does not answer", reason=str(error))
        self._failures += 1


async def _sample_rows(database: Database, metrics: Metrics) -> StorageError | None:
    try:
        metrics.event_rows(await fetch_event_rows(database))
        since = await fetch_waiting_since(database)
        metrics.waiting(
            sequencer_seconds=0.0 if since is None else max(now_micros() - since, 0) / MICROSECONDS_PER_SECOND,
            deltas=await fetch_waiting_deltas(database, most=_MOST_DELTAS),
        )
    except StorageError as error:
        return error  # the gauge keeps its last value
    return None
