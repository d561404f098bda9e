"""The engine: sessions, pools, time limits, cancelling, and a database that goes and comes back (EV6, GQ7)."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select, text

from storage.dialects import database_micros
from storage.engine import Database, PoolStatus, StatementEvent
from storage.errors import (
    RevisionError,
    StorageError,
    StorageTimeoutError,
    StorageUnavailableError,
)
from storage.options import DatabaseOptions
from storage.times import MICROSECONDS_PER_SECOND
from tests.databases import MARIADB_DRIVERS, MariaServer, free_port
from tests.storage.histories import row, store
from tests.waiting import wait_until

ENDLESS = {
    "mariadb": "SELECT COUNT(*) FROM seq_1_to_10000000000 WHERE seq % 7 = 8",
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n",
}


async def _scalar(database: Database, sql: str):
    async with database.reading() as connection:
        return (await connection.execute(text(sql))).scalar_one()


@pytest.mark.parametrize("driver", MARIADB_DRIVERS)
async def test_session_does_not_depend_on_the_servers_defaults(driver, new_database_url) -> None:
    database = await Database.open(new_database_url(driver))
    settings = "@@tx_isolation, @@time_zone, @@collation_connection, @@sql_mode LIKE 'STRICT_ALL_TABLES%', @@autocommit"

    async def work(connection):
        return tuple((await connection.execute(text(f"SELECT {settings}, @@idle_transaction_timeout"))).one())

    async with database.reading() as connection:
        reading = tuple((await connection.execute(text(f"SELECT {settings}, @@max_statement_time"))).one())
    common = ("READ-COMMITTED", "+00:00", "utf8mb4_nopad_bin", 1)
    assert reading == (*common, 1, 10.0)
    assert await database.write(work, name="nothing") == (*common, 0, 10)
    await database.close()


async def test_sqlite_survives_power_cuts_and_readers_cannot_write(new_database_url) -> None:
    database = await Database.open(new_database_url("sqlite"))
    assert await _scalar(database, "PRAGMA journal_mode") == "wal"
    assert await _scalar(database, "PRAGMA synchronous") == 2
    with pytest.raises(StorageUnavailableError, match="readonly"):
        await _scalar(database, "DELETE FROM events RETURNING 1")
    await database.close()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mysql+aiomysql://u@h/d", "is not served"),
        ("sqlite+aiosqlite://", "is a file"),
        ("mariadb+aiomysql://u@h", "names no database"),
        ("nonsense", "cannot be understood"),
    ],
)
async def test_url_that_is_not_served_says_what_is(url, told) -> None:
    with pytest.raises(StorageError, match=told):
        await Database.open(url)


async def test_database_without_tables_names_the_command_that_helps(backend, empty_database_url) -> None:
    with pytest.raises(RevisionError, match="run `timeloom migrate`"):
        await Database.open(empty_database_url(backend))


async def test_sqlite_directory_is_made(tmp_path: Path) -> None:
    database = await Database.open(f"sqlite+aiosqlite:///{tmp_path}/new/store.db", check_revision=False)
    assert await _scalar(database, "SELECT 1") == 1
    await database.close()


async def test_observer_sees_each_statement_until_it_leaves(database: Database) -> None:
    seen: list[StatementEvent] = []
    leave = database.observe(seen.append)
    assert await _scalar(database, "SELECT 41 + 1") == 42
    with pytest.raises(StorageError):
        await _scalar(database, "SELECT nothing FROM nowhere")
    leave()
    leave()
    await _scalar(database, "SELECT 2")
    assert [(each.sql, each.failed) for each in seen] == [
        ("SELECT 41 + 1", False),
        ("SELECT nothing FROM nowhere", True),
    ]
    assert all(0 <= each.seconds < 10 for each in seen)


async def test_error_does_not_show_what_callers_sent(database: Database) -> None:
    with pytest.raises(StorageError) as raised:
        async with database.reading() as connection:
            await connection.execute(text("SELECT * FROM nowhere WHERE secret = :secret"), {"secret": "hush"})
    assert "hush" not in str(raised.value)


async def test_failed_write_leaves_nothing_behind(database: Database) -> None:
    async def work(connection):
        await connection.execute(text("INSERT INTO namespaces (name) VALUES ('gone')"))
        raise LookupError("changed my mind")

    with pytest.raises(LookupError):
        await database.write(work, name="a namespace")
    assert await _scalar(database, "SELECT COUNT(*) FROM namespaces") == 0
    assert database.pool_status().checked_out == 0


async def test_statement_over_its_time_limit_is_ended(database_url: str) -> None:
    database = await Database.open(database_url, DatabaseOptions(statement_timeout_seconds=0.3))
    began = time.monotonic()
    with pytest.raises(StorageTimeoutError, match="longer than its limit"):
        await _scalar(database, ENDLESS[database.dialect_name])
    assert time.monotonic() - began < 3
    assert await _scalar(database, "SELECT 1") == 1
    await database.close()


async def test_cancelled_read_gives_its_connection_up(database_url: str) -> None:
    database = await Database.open(database_url, DatabaseOptions(pool_size=1, write_pool_size=1))
    running = asyncio.create_task(_scalar(database, ENDLESS[database.dialect_name]))
    await wait_until(lambda: database.pool_status().checked_out == 1)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    # The only connection of the pool is free again at once, not when the statement would have ended.
    assert await asyncio.wait_for(_scalar(database, "SELECT 1"), 3) == 1
    assert database.pool_status() == PoolStatus(size=2, checked_out=0)
    await database.close()


async def test_empty_pool_is_an_error_within_the_connect_timeout(database_url: str) -> None:
    database = await Database.open(database_url, DatabaseOptions(pool_size=1, connect_timeout_seconds=1.0))
    async with database.reading():
        began = time.monotonic()
        with pytest.raises(StorageUnavailableError) as raised:
            await _scalar(database, "SELECT 1")
        assert time.monotonic() - began < 2.5
    assert raised.value.retryable
    await database.close()


@pytest.mark.parametrize("driver", MARIADB_DRIVERS)
async def test_refused_connection_is_an_error_at_once(driver) -> None:
    began = time.monotonic()
    with pytest.raises(StorageUnavailableError):
        await Database.open(f"mariadb+{driver}://u:p@127.0.0.1:{free_port()}/d")
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("driver", MARIADB_DRIVERS)
async def test_database_that_was_killed_comes_back_by_itself(
    driver, own_mariadb_server: MariaServer, migrated: Callable[[MariaServer, str], str]
) -> None:
    """EV6: while it is down reads and writes fail; afterwards the first read works."""
    database = await Database.open(migrated(own_mariadb_server, driver), DatabaseOptions(connect_timeout_seconds=2))
    await store(database, [row(1)])
    own_mariadb_server.kill()
    began = time.monotonic()
    with pytest.raises(StorageUnavailableError):
        await _scalar(database, "SELECT COUNT(*) FROM events")
    with pytest.raises(StorageUnavailableError):
        await store(database, [row(2)])
    assert time.monotonic() - began < 10
    await asyncio.to_thread(own_mariadb_server.start)
    assert await _scalar(database, "SELECT COUNT(*) FROM events") == 1
    await store(database, [row(2)])
    assert await _scalar(database, "SELECT COUNT(*) FROM events") == 2
    await database.close()


@pytest.mark.parametrize("driver", MARIADB_DRIVERS)
async def test_database_that_says_nothing_is_given_up(
    driver, own_mariadb_server: MariaServer, migrated: Callable[[MariaServer, str], str]
) -> None:
    """EV6: connections stay open and nothing answers; new ones are accepted by the kernel and stay mute too."""
    options = DatabaseOptions(connect_timeout_seconds=1, statement_timeout_seconds=1, write_timeout_seconds=3)
    database = await Database.open(migrated(own_mariadb_server, driver), options)
    await store(database, [row(1)])
    own_mariadb_server.pause()
    for _ in range(2):
        began = time.monotonic()
        with pytest.raises(StorageUnavailableError):
            await _scalar(database, "SELECT COUNT(*) FROM events")
        assert time.monotonic() - began < 6
    with pytest.raises(StorageUnavailableError):
        await store(database, [row(2)])
    own_mariadb_server.resume()
    assert await _scalar(database, "SELECT COUNT(*) FROM events WHERE message = 'event 1'") == 1
    assert database.pool_status().checked_out == 0
    await database.close()


async def test_database_clock_counts_microseconds(database: Database) -> None:
    async with database.reading() as connection:
        now = (await connection.execute(select(database_micros()))).scalar_one()
    assert abs(now - time.time() * MICROSECONDS_PER_SECOND) < 2 * MICROSECONDS_PER_SECOND
