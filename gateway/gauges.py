"""Gauges: what is not counted when it happens but looked at from time to time."""

import asyncio
from contextlib import suppress

from storage.counts import fetch_event_rows

from gateway.metrics import Metrics
from storage.engine import Database
from storage.errors import StorageError

_POOL_SECONDS = 1.0
_ROWS_SECONDS = 15.0


async def sample_gauges(database: Database, metrics: Metrics, stop: asyncio.Event) -> None:
    """Look at the pools each second, and at the number of stored events each quarter of a minute."""
    clock = asyncio.get_running_loop().time
    next_rows = clock()
    while not stop.is_set():
        metrics.pool(database.pool_status())
        if clock() >= next_rows:
            next_rows = clock() + _ROWS_SECONDS
            with suppress(StorageError):  # the gauge keeps its last value; /readyz tells
                metrics.event_rows(await fetch_event_rows(database))
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _POOL_SECONDS)
