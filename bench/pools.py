"""Pools of the floor: a driver's connections, used as directly as by hand."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self
from urllib.parse import urlsplit

import aiomysql
import aiosqlite
import asyncmy

POOL_SIZE = 10
"""As the gateway's."""

MARIADB_SETUP = "SET NAMES utf8mb4 COLLATE utf8mb4_nopad_bin, SESSION tx_isolation = 'READ-COMMITTED'"
SQLITE_SETUP = (
    "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
    "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8192;"
)

Rows = Sequence[Sequence[Any]]
Fetch = Callable[[str, tuple[Any, ...]], Awaitable[Rows]]


class MariaPool:
    """Connections of aiomysql or asyncmy, with autocommit: without it asyncmy connects again for each request."""

    placeholder = "%s"

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect to `mariadb+aiomysql://...` or `mariadb+asyncmy://...`."""
        parts = urlsplit(url)
        driver = aiomysql if parts.scheme == "mariadb+aiomysql" else asyncmy
        pool = await driver.create_pool(
            minsize=POOL_SIZE,
            maxsize=POOL_SIZE,
            host=parts.hostname,
            port=parts.port,
            user=parts.username,
            password=parts.password,
            db=parts.path.removeprefix("/"),
            charset="utf8mb4",
            autocommit=True,
            init_command=MARIADB_SETUP,
        )
        return cls(pool)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Fetch]:
        """Lend a connection for statements that give rows."""
        async with self._pool.acquire() as connection, connection.cursor() as cursor:

            async def fetch(sql: str, parameters: tuple[Any, ...]) -> Rows:
                await cursor.execute(sql, parameters)
                rows: Rows = await cursor.fetchall()
                return rows

            yield fetch

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Any]:
        """Lend a cursor in a transaction."""
        async with self._pool.acquire() as connection, connection.cursor() as cursor:
            await connection.begin()
            yield cursor
            await connection.commit()

    async def close(self) -> None:
        """Close every connection."""
        self._pool.close()
        await self._pool.wait_closed()


class SqlitePool:
    """Connections of aiosqlite, set up like the gateway's: WAL, synchronous=FULL, one writer."""

    placeholder = "?"

    def __init__(self, writer: aiosqlite.Connection, readers: Sequence[aiosqlite.Connection]) -> None:
        self._writer = writer
        self._connections = (writer, *readers)
        self._write_lock = asyncio.Lock()
        self._readers: asyncio.LifoQueue[aiosqlite.Connection] = asyncio.LifoQueue()
        for connection in readers:
            self._readers.put_nowait(connection)

    @classmethod
    async def open(cls, url: str) -> Self:
        """Open `sqlite+aiosqlite:///...`."""
        path = url.removeprefix("sqlite+aiosqlite:///")
        return cls(await _connect(path), [await _connect(path) for _ in range(POOL_SIZE)])

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Fetch]:
        """Lend a connection for statements that give rows."""
        connection = await self._readers.get()

        async def fetch(sql: str, parameters: tuple[Any, ...]) -> Rows:
            return list(await connection.execute_fetchall(sql, parameters))

        try:
            yield fetch
        finally:
            self._readers.put_nowait(connection)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Any]:
        """Lend a cursor in a transaction."""
        async with self._write_lock:
            cursor = await self._writer.execute("BEGIN IMMEDIATE")
            yield cursor
            await self._writer.execute("COMMIT")

    async def close(self) -> None:
        """Close every connection."""
        for connection in self._connections:
            await connection.close()


async def _connect(path: str) -> aiosqlite.Connection:
    connection = await aiosqlite.connect(path, isolation_level=None)
    await connection.executescript(SQLITE_SETUP)
    return connection


Pool = MariaPool | SqlitePool


async def open_pool(url: str) -> Pool:
    """Open the pool of a database URL."""
    return await (SqlitePool if url.startswith("sqlite") else MariaPool).open(url)
