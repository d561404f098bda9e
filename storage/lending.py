"""Lending: connections for reads that stay open between two uses and are lent without asking pool or server.

Lending one of SQLAlchemy's pool costs more than reading a page of 50 events. So connections are taken out of the pool
when they are first needed and kept here; whatever is wrong with one, or may be, is the pool's business again.
"""

import asyncio
import time

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from storage import connections


class Lender:
    """The open connections of one engine."""

    def __init__(self, engine: AsyncEngine, *, size: int, timeout_seconds: float) -> None:
        """Lend up to `size` connections; whoever waits longer than `timeout_seconds` for one gets TimeoutError."""
        self.size = size
        self._engine = engine
        self._timeout_seconds = timeout_seconds
        self._idle: list[AsyncConnection] = []
        self._free = asyncio.Semaphore(size)
        self._lent = 0
        self._closed = False

    @property
    def lent(self) -> int:
        """How many are in use."""
        return self._lent

    async def lend(self) -> AsyncConnection:
        """Give a connection; `take_back` it. Raises what connecting raises."""
        if self._free.locked():
            async with asyncio.timeout(self._timeout_seconds):
                await self._free.acquire()
        else:
            await self._free.acquire()
        self._lent += 1
        try:
            return await self._open()
        except BaseException:
            self._forget()
            raise

    async def take_back(self, connection: AsyncConnection) -> None:
        """Keep a connection for the next, or have the pool close one that is of no use any more."""
        try:
            if connection.closed or connection.invalidated:
                await connection.close()
            elif self._closed:
                await connection.invalidate()
                await connection.close()
            else:
                state = connections.state_of(connection)
                state.returned_at, state.watched = time.monotonic(), None
                self._idle.append(connection)
        finally:
            self._forget()

    async def close(self) -> None:
        """Give all connections that nobody uses back to the pool; the others are closed when they come back."""
        self._closed = True
        while self._idle:
            await self._idle.pop().close()

    async def _open(self) -> AsyncConnection:
        if self._idle:
            connection = self._idle.pop()
            if connections.state_of(connection).is_fresh():
                return connection
            # The pool pings it, and connects again when nobody answers.
            await connection.close()
        async with asyncio.timeout(self._timeout_seconds):
            return await self._engine.connect()

    def _forget(self) -> None:
        self._lent -= 1
        self._free.release()
