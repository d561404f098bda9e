"""Positions: whoever reads by position reads every event once, in order (live tail, asOf, P8)."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from sqlalchemy import delete, select, text, update

from storage import positions
from storage.engine import Database
from storage.errors import PositionExpiredError, UnknownPositionError
from storage.positions import Sequencer, fetch_live_position, require_position, settle_position
from storage.tables import events, ingest_batches, leases
from tests.databases import MARIADB_DRIVERS, MariaServer
from tests.proxies import DatabaseProxy
from tests.storage.examined import explain, used_indexes
from tests.storage.histories import event_id, row, store
from tests.waiting import wait_until

mariadb = pytest.mark.parametrize("driver", MARIADB_DRIVERS)
Sequence = Callable[[Database], Awaitable[int]]


async def _positions(database: Database) -> list[tuple[int, str]]:
    """Give (position, event id) as a reader by position sees them."""
    statement = (
        select(ingest_batches.c.position, events.c.id)
        .join(events, events.c.batch_key == ingest_batches.c.batch_key)
        .where(ingest_batches.c.position.is_not(None))
        .order_by(ingest_batches.c.position, events.c.batch_index)
    )
    async with database.reading() as connection:
        return [tuple(each) for each in await connection.execute(statement)]


class Reader:
    """Follows the store by position, as a live tail does: what it has seen never changes and nothing comes below."""

    def __init__(self, database: Database) -> None:
        self.seen: list[tuple[int, str]] = []
        self._database = database

    async def read(self) -> None:
        live = await fetch_live_position(self._database)
        last = self.seen[-1][0] if self.seen else 0
        everything = [each for each in await _positions(self._database) if each[0] <= live]
        assert everything[: len(self.seen)] == self.seen
        assert all(position > last for position, _ in everything[len(self.seen) :])
        self.seen = everything

    async def follow(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self.read()
            await asyncio.sleep(0.05)
        await self.read()


@asynccontextmanager
async def _running(*tasks: Callable[[asyncio.Event], Awaitable[None]]) -> AsyncIterator[None]:
    stop = asyncio.Event()
    running = [asyncio.ensure_future(task(stop)) for task in tasks]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*running)


@contextmanager
def _sequencer_process(url: str):
    process = subprocess.Popen([sys.executable, "-m", "tests.storage.sequencer_process", url])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def test_empty_store_is_at_position_zero(database: Database) -> None:
    assert await fetch_live_position(database) == 0
    await require_position(database, 0)


async def test_position_follows_each_batch_and_counts_up(database: Database, sequence: Sequence) -> None:
    for number in (1, 2, 3):
        await store(database, [row(number), row(number + 10)])
    await store(database, [row(4)])
    assert await sequence(database) == 4
    assert await _positions(database) == [
        (1, event_id(1)),
        (1, event_id(11)),
        (2, event_id(2)),
        (2, event_id(12)),
        (3, event_id(3)),
        (3, event_id(13)),
        (4, event_id(4)),
    ]


async def test_position_that_never_was_is_unknown_and_an_old_one_expires(
    database: Database, sequence: Sequence
) -> None:
    """P8."""
    for number in range(1, 6):
        await store(database, [row(number)])
    await sequence(database)
    for position in range(6):
        await require_position(database, position)
    for position in (-1, 6):
        with pytest.raises(UnknownPositionError):
            await require_position(database, position)
    await database.execute_alone(delete(ingest_batches).where(ingest_batches.c.position <= 2))
    await require_position(database, 2)
    with pytest.raises(PositionExpiredError):
        await require_position(database, 1)
    await database.execute_alone(delete(ingest_batches))
    await require_position(database, 5)
    with pytest.raises(PositionExpiredError):
        await require_position(database, 4)


async def test_sqlite_numbers_in_the_ingest_transaction(new_database_url) -> None:
    database = await Database.open(new_database_url("sqlite"))
    await asyncio.gather(*(store(database, [row(number)]) for number in range(1, 17)))
    assert [position for position, _ in await _positions(database)] == list(range(1, 17))
    stop = asyncio.Event()
    stop.set()
    await Sequencer(database).run(stop)
    await database.close()


@mariadb
async def test_writers_one_of_them_held_open_and_a_frozen_sequencer(
    driver, new_database_url, mariadb_server: MariaServer
) -> None:
    """16 writers, one of them 5 s between INSERT and COMMIT, one sequencer stopped by SIGSTOP, another takes over."""
    url = new_database_url(driver)
    async with DatabaseProxy(mariadb_server.port) as proxy:
        database = await Database.open(url)
        slow = await Database.open(url.replace(f":{mariadb_server.port}/", f":{proxy.port}/"))
        await slow.identities.intern_audiences({row(1).audience})
        reader = Reader(database)
        with _sequencer_process(url) as frozen:
            await wait_until(lambda: _has_owner(database))
            frozen.send_signal(signal.SIGSTOP)
            async with _running(Sequencer(database).run, reader.follow):
                proxy.hold_commits()
                held = asyncio.create_task(store(slow, [row(1)]))
                await wait_until(lambda: proxy.commits_held == 1)
                began = asyncio.get_running_loop().time()
                batches = [[row(writer * 1000 + place)] for writer in range(2, 17) for place in range(4)]
                await asyncio.gather(*(store(database, batch) for batch in batches))
                await wait_until(lambda: len(reader.seen) == 60)
                await asyncio.sleep(began + 5 - asyncio.get_running_loop().time())
                assert event_id(1) not in {each for _, each in reader.seen}
                proxy.release_commits()
                await held
                # The frozen one wakes up in the belief that it still leads.
                frozen.send_signal(signal.SIGCONT)
                await store(database, [row(99)])
                await wait_until(lambda: len(reader.seen) == 62)
        assert [position for position, _ in reader.seen] == list(range(1, 63))
        assert len({each for _, each in reader.seen}) == 62
        assert await fetch_live_position(database) == 62
        await slow.close()
        await database.close()


@mariadb
async def test_killed_leader_is_replaced_within_seconds(driver, new_database_url) -> None:
    url = new_database_url(driver)
    database = await Database.open(url)
    with _sequencer_process(url) as leader, _sequencer_process(url):
        await wait_until(lambda: _has_owner(database))
        await store(database, [row(1)])
        await wait_until(lambda: _is_live(database, 1))
        leader.kill()
        began = asyncio.get_running_loop().time()
        await store(database, [row(2)])
        await wait_until(lambda: _is_live(database, 2), seconds=10)
        # The lease ends after 3 s, and is looked at every second; either process may have led.
        assert asyncio.get_running_loop().time() - began < 8
    await database.close()


@mariadb
async def test_leader_that_ends_in_order_hands_over_at_once(driver, new_database_url) -> None:
    url = new_database_url(driver)
    database = await Database.open(url)
    first, second = Sequencer(database), Sequencer(database)
    await first.turn()
    await second.turn()
    assert [first.leads, second.leads] == [True, False]
    stop = asyncio.Event()
    stop.set()
    await first.run(stop)
    await second.turn()
    assert second.leads
    await database.close()


@mariadb
async def test_leader_that_lost_its_lease_numbers_nothing(driver, new_database_url) -> None:
    url = new_database_url(driver)
    database = await Database.open(url)
    first, second = Sequencer(database), Sequencer(database)
    await store(database, [row(1)])
    await first.turn()
    await database.execute_alone(update(leases).values(expires_at=1))
    await second.turn()
    await store(database, [row(2)])
    await first.turn()
    assert not first.leads
    assert await fetch_live_position(database) == 1
    await second.turn()
    assert await _positions(database) == [(1, event_id(1)), (2, event_id(2))]
    await database.close()


@mariadb
async def test_more_batches_than_one_turn_takes_are_numbered_in_order(driver, new_database_url) -> None:
    database = await Database.open(new_database_url(driver))
    await store(database, [row(1)])
    await _write_batches(database, 1_200)
    async with _running(Sequencer(database).run):
        await wait_until(lambda: _is_live(database, 1_201))
    async with database.reading() as connection:
        result = await connection.execute(select(ingest_batches.c.position).order_by(ingest_batches.c.batch_key))
    assert result.scalars().all() == list(range(1, 1_202))
    await database.close()


async def test_sequencer_lives_through_a_database_that_is_away(
    own_mariadb_server: MariaServer, migrated: Callable[[MariaServer, str], str]
) -> None:
    database = await Database.open(migrated(own_mariadb_server, "aiomysql"))
    async with _running(Sequencer(database).run):
        await store(database, [row(1)])
        await wait_until(lambda: _is_live(database, 1))
        own_mariadb_server.kill()
        await asyncio.to_thread(own_mariadb_server.start)
        await store(database, [row(2)])
        await wait_until(lambda: _is_live(database, 2))
    await database.close()


async def _has_owner(database: Database) -> bool:
    async with database.reading() as connection:
        return bool((await connection.execute(select(leases.c.owner))).scalar())


async def _write_batches(database: Database, count: int) -> None:
    async def write(connection: Any) -> None:
        rows = ",".join(["(1, 1)"] * count)
        await connection.execute(text(f"INSERT INTO ingest_batches (received_at, event_count) VALUES {rows}"))

    await database.write(write, name="batches")


async def _is_live(database: Database, position: int) -> bool:
    return await fetch_live_position(database) == position


@pytest.mark.parametrize("backend", ["sqlite", "aiomysql"], indirect=True)
async def test_what_is_committed_has_a_position_when_it_is_settled(database: Database) -> None:
    """L4: a deletion means all that its caller could see, numbered or not, with a gateway that numbers or without."""
    assert await settle_position(database) == 0
    for number in range(3):
        await store(database, [row(number)])
    assert await settle_position(database) == 3
    assert await fetch_live_position(database) == 3


@pytest.mark.parametrize("backend", ["aiomysql"])
async def test_more_batches_than_one_turn_takes_are_settled(database: Database) -> None:
    """Where no gateway runs: a restore leaves a batch for each thousand events."""
    await _write_batches(database, 1_200)
    assert await settle_position(database) == 1_200


@pytest.mark.parametrize("backend", ["aiomysql"])
async def test_one_waiting_batch_is_found_without_reading_those_that_have_a_position(database: Database) -> None:
    await _write_batches(database, 2_000)
    await settle_position(database)
    await _write_batches(database, 3)
    for statement in (positions._FIRST_WAITING, positions._LAST_WAITING, positions._WAITING_SINCE):
        assert used_indexes(await explain(database, statement)) == {"uq_ingest_batches_position"}
