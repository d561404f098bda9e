"""Background: the loops that every worker runs beside its requests, each watched and begun again when it fails.

Which worker of which gateway does the work is decided by leases in the database; all of them are candidates.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from gateway.metrics import Metrics

logger = structlog.get_logger(__name__)

Loop = Callable[[asyncio.Event], Awaitable[None]]
"""Runs until the event is set."""

_FIRST_DELAY_SECONDS = 0.5
_LONGEST_DELAY_SECONDS = 30.0
_STEADY_SECONDS = 60.0


class Background:
    """Runs loops until it is stopped; one that fails is logged, counted and begun again after a growing delay."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, name: str, loop: Loop) -> None:
        """Begin a loop; its name is its label in metrics and logs."""
        self._tasks.append(asyncio.create_task(self._supervise(name, loop), name=name))

    async def stop(self, *, seconds: float) -> None:
        """Ask every loop to end (so that leases are given back), and cancel what has not ended in time."""
        self._stop.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=seconds)
            for task in late:
                logger.warning("background task did not end in time", task=task.get_name())
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _supervise(self, name: str, loop: Loop) -> None:
        clock = asyncio.get_running_loop().time
        delay = _FIRST_DELAY_SECONDS
        while not self._stop.is_set():
            began = clock()
            try:
                await loop(self._stop)
            except Exception as error:
                if clock() - began > _STEADY_SECONDS:
                    delay = _FIRST_DELAY_SECONDS
                self._metrics.background_restart(name)
                logger.warning("background task failed", task=name, retry_seconds=delay, exc_info=error)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), delay * random.uniform(0.75, 1.25))
                delay = min(delay * 2, _LONGEST_DELAY_SECONDS)
            else:
                return
