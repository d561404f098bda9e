"""Watching: a query is ended when its time is over, or when nobody waits for its answer any more."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

from gateway.exchange import ClientGoneError, Exchange

T = TypeVar("T")

# Most queries are answered sooner, and a task for each would cost more than many of them.
_WATCH_AFTER_SECONDS = 0.05


async def watch(work: Awaitable[T], exchange: Exchange, *, seconds: float) -> T:
    """Await a query in the present task. Raises ClientGoneError, or TimeoutError after so many seconds."""
    watcher = _Watcher(exchange, asyncio.current_task(), seconds)
    try:
        return await work
    except asyncio.CancelledError:
        reason = watcher.reason
        if reason is not None and watcher.take_back():
            raise reason from None
        raise
    finally:
        watcher.stop()


class _Watcher:
    """Cancels a task when its client closes the connection or its time is over; one timer, as long as all goes well."""

    def __init__(self, exchange: Exchange, query: asyncio.Task[Any] | None, seconds: float) -> None:
        self._exchange = exchange
        self._query = query
        self._left = max(seconds - _WATCH_AFTER_SECONDS, 0)
        self._watch: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(min(seconds, _WATCH_AFTER_SECONDS), self._begin)
        self.reason: Exception | None = None

    def stop(self) -> None:
        """Watch no longer."""
        self._timer.cancel()
        if self._watch is not None:
            self._watch.cancel()

    def take_back(self) -> bool:
        """Whether the task was cancelled from here alone; it can go on then as if it had not been."""
        return self._query is not None and self._query.uncancel() == 0

    def _begin(self) -> None:
        self._timer = self._loop.call_later(self._left, self._end, TimeoutError())
        self._watch = asyncio.ensure_future(self._wait())

    async def _wait(self) -> None:
        await self._exchange.wait_until_gone()
        self._end(ClientGoneError())

    def _end(self, reason: Exception) -> None:
        if self.reason is None and self._query is not None:
            self.reason = reason
            self._query.cancel()
