"""Retries: what a write survives, with provoked deadlocks, lock waits, kills and cut connections (EV2, EV6)."""

import asyncio
import contextlib
import sqlite3

import pytest
from sqlalchemy import text

from storage.appends import AppendOutcome, append_batch
from storage.engine import Database
from storage.errors import OutcomeUnknownError, StorageBusyError, StorageUnavailableError
from storage.failures import Failure, classify_failure
from storage.options import DatabaseOptions
from storage.retries import MAX_TRIES
from tests.databases import MARIADB_DRIVERS, MariaServer
from tests.proxies import DatabaseProxy
from tests.storage.histories import START, row, store
from tests.waiting import wait_until

mariadb = pytest.mark.parametrize("driver", MARIADB_DRIVERS)


async def _count(database: Database, table: str) -> int:
    async with database.reading() as connection:
        return int((await connection.execute(text(f"SELECT COUNT(*) FROM {table}"))).scalar_one())


def _through(url: str, proxy: DatabaseProxy, server: MariaServer) -> str:
    return url.replace(f":{server.port}/", f":{proxy.port}/")


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        (1213, Failure.CONFLICT),
        (1205, Failure.CONFLICT),
        (1020, Failure.CONFLICT),
        (1062, Failure.DUPLICATE_KEY),
        (1047, Failure.DISCONNECTED),
        (1180, Failure.DISCONNECTED),
        (2003, Failure.DISCONNECTED),
        (2006, Failure.DISCONNECTED),
        (2013, Failure.DISCONNECTED),
        (1040, Failure.UNAVAILABLE),
        (1969, Failure.TIMEOUT),
        (1064, Failure.OTHER),
    ],
)
def test_code_of_mariadb_means(code, failure) -> None:
    assert classify_failure(Exception(code, "told by the server")) is failure


def test_silence_of_a_socket_means_a_lost_connection() -> None:
    assert classify_failure(TimeoutError()) is Failure.DISCONNECTED
    assert classify_failure(ConnectionResetError()) is Failure.DISCONNECTED


@mariadb
async def test_deadlock_is_run_again(driver, new_database_url) -> None:
    database = await Database.open(new_database_url(driver))
    runs = []
    both_hold_one = asyncio.Barrier(2)

    async def by_key(first: int, second: int) -> None:
        async def work(connection):
            runs.append(first)
            lock = text("UPDATE namespaces SET name = CONCAT(name, 'x') WHERE namespace_key = :key")
            await connection.execute(lock, {"key": first})
            if len(runs) <= 2:
                await both_hold_one.wait()
            await connection.execute(lock, {"key": second})

        await database.write(work, name="two namespaces")

    keys = await database.identities.intern_namespaces(["a", "b"])
    await asyncio.gather(by_key(keys["a"], keys["b"]), by_key(keys["b"], keys["a"]))
    assert len(runs) == 3
    async with database.reading() as connection:
        names = (await connection.execute(text("SELECT name FROM namespaces WHERE name LIKE '%xx'"))).scalars().all()
    assert sorted(names) == ["axx", "bxx"]
    await database.close()


@mariadb
async def test_lock_wait_is_run_again_when_it_ends(driver, new_database_url, mariadb_server: MariaServer) -> None:
    url = new_database_url(driver)
    database = await Database.open(url, DatabaseOptions(lock_timeout_seconds=1))
    keys = await database.identities.intern_namespaces(["a"])
    blocker = mariadb_server.connect(url.rpartition("/")[2])
    with contextlib.closing(blocker), blocker.cursor() as cursor:
        cursor.execute("START TRANSACTION")
        cursor.execute(f"SELECT * FROM namespaces WHERE namespace_key = {keys['a']} FOR UPDATE")
        failures = []
        database.observe(lambda event: failures.append(event) if event.failed else None)

        async def work(connection):
            await connection.execute(text("UPDATE namespaces SET name = 'b' WHERE name = 'a'"))

        writing = asyncio.create_task(database.write(work, name="a namespace"))
        await wait_until(lambda: len(failures) == 1)
        blocker.rollback()
        await writing
    assert len(failures) == 1
    await database.close()


@mariadb
async def test_lock_that_never_ends_is_busy_and_retryable(driver, new_database_url, mariadb_server) -> None:
    url = new_database_url(driver)
    database = await Database.open(url, DatabaseOptions(lock_timeout_seconds=1))
    await database.identities.intern_namespaces(["a"])
    runs = []
    blocker = mariadb_server.connect(url.rpartition("/")[2])
    with contextlib.closing(blocker), blocker.cursor() as cursor:
        cursor.execute("START TRANSACTION")
        cursor.execute("SELECT * FROM namespaces FOR UPDATE")

        async def work(connection):
            runs.append(1)
            await connection.execute(text("SET innodb_lock_wait_timeout = 0"))
            await connection.execute(text("UPDATE namespaces SET name = 'b' WHERE name = 'a'"))

        with pytest.raises(StorageBusyError) as raised:
            await database.write(work, name="a namespace")
    assert len(runs) == MAX_TRIES
    assert raised.value.retryable
    await database.close()


@mariadb
async def test_killed_connection_is_replaced(driver, new_database_url, mariadb_server: MariaServer) -> None:
    database = await Database.open(new_database_url(driver))
    connections = []

    async def work(connection):
        await connection.execute(text("INSERT INTO namespaces (name) VALUES ('a')"))
        connections.append((await connection.execute(text("SELECT CONNECTION_ID()"))).scalar_one())
        if len(connections) == 1:
            await asyncio.to_thread(mariadb_server.execute, f"KILL CONNECTION {connections[0]}")
        await connection.execute(text("INSERT INTO namespaces (name) VALUES ('b')"))

    await database.write(work, name="namespaces")
    assert len(set(connections)) == 2
    assert await _count(database, "namespaces") == 2
    await database.close()


@mariadb
async def test_lost_answer_to_commit_still_says_accepted(driver, new_database_url, mariadb_server) -> None:
    """The first COMMIT took place; the second run finds its own batch and knows it, also for ids made here."""
    url = new_database_url(driver)
    async with DatabaseProxy(mariadb_server.port) as proxy:
        database = await Database.open(_through(url, proxy, mariadb_server))
        await store(database, [row(1)])
        rows = [row(1), row(2), row(3, id_given=False), row(2)]
        proxy.cut_after_commit()
        outcomes = await append_batch(database, rows, received_at=START)
        await database.close()
    assert outcomes == [
        AppendOutcome.DUPLICATE,
        AppendOutcome.ACCEPTED,
        AppendOutcome.ACCEPTED,
        AppendOutcome.DUPLICATE,
    ]
    database = await Database.open(url)
    assert await _count(database, "events") == 3
    assert await _count(database, "ingest_batches") == 2
    await database.close()


@mariadb
async def test_connection_cut_before_commit_stores_once(driver, new_database_url, mariadb_server) -> None:
    url = new_database_url(driver)
    async with DatabaseProxy(mariadb_server.port) as proxy:
        database = await Database.open(_through(url, proxy, mariadb_server))
        await store(database, [row(1)])
        proxy.cut_before_commit()
        assert await append_batch(database, [row(2)], received_at=START) == [AppendOutcome.ACCEPTED]
        assert await _count(database, "events") == 2
        await database.close()


@mariadb
async def test_commits_that_never_answer_end_as_unknown(driver, new_database_url, mariadb_server) -> None:
    """Nobody can tell whether it is stored: the sender is asked to send the same ids again, and may."""
    url = new_database_url(driver)
    async with DatabaseProxy(mariadb_server.port) as proxy:
        database = await Database.open(_through(url, proxy, mariadb_server))
        await store(database, [row(1)])
        proxy.cut_before_commit(MAX_TRIES)
        with pytest.raises(OutcomeUnknownError) as raised:
            await append_batch(database, [row(2)], received_at=START)
        assert raised.value.retryable
        assert await append_batch(database, [row(2)], received_at=START) == [AppendOutcome.ACCEPTED]
        await database.close()


@mariadb
async def test_commit_that_hangs_ends_as_unknown_at_the_write_timeout(driver, new_database_url, mariadb_server) -> None:
    url = new_database_url(driver)
    async with DatabaseProxy(mariadb_server.port) as proxy:
        options = DatabaseOptions(write_timeout_seconds=1.5)
        database = await Database.open(_through(url, proxy, mariadb_server), options)
        await store(database, [row(1)])
        proxy.hold_commits()
        with pytest.raises(OutcomeUnknownError, match="send the same ids again"):
            await append_batch(database, [row(2)], received_at=START)
        await database.close()


async def test_sqlite_waits_for_another_process_that_writes(new_database_url) -> None:
    url = new_database_url("sqlite")
    database = await Database.open(url)
    with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite+aiosqlite:///"))) as other:
        other.execute("BEGIN IMMEDIATE")
        writing = asyncio.create_task(store(database, [row(1)]))
        await wait_until(lambda: database.pool_status().checked_out > 0)
        other.commit()
    await writing
    assert await _count(database, "events") == 1
    await database.close()


async def test_full_store_is_refused_as_retryable(new_database_url) -> None:
    """Writes that cannot be stored are refused; what was there stays readable (design.md, promises)."""
    database = await Database.open(new_database_url("sqlite"))
    await store(database, [row(1)])

    async def limit(connection):
        pages = (await connection.execute(text("PRAGMA page_count"))).scalar_one()
        await connection.execute(text(f"PRAGMA max_page_count = {pages}"))

    await database.write(limit, name="a limit")
    with pytest.raises(StorageUnavailableError, match="full") as raised:
        await store(database, [row(number, message="x" * 60_000) for number in range(2, 20)])
    assert raised.value.retryable
    assert await _count(database, "events") == 1
    await database.close()
