"""Lending: connections stay open between reads, and one that died is noticed before it is lent (L1, EV6)."""

import asyncio
from collections.abc import Callable

import pytest
from sqlalchemy import text

from storage.connections import state_of
from storage.engine import Database
from storage.options import DatabaseOptions
from tests.databases import MARIADB_DRIVERS, MariaServer
from tests.waiting import wait_until


async def _driver_connection(database: Database) -> object:
    async with database.reading() as connection:
        assert (await connection.execute(text("SELECT 1"))).scalar_one() == 1
        return state_of(connection).driver_connection


async def test_the_connection_that_was_used_last_is_lent_again(database: Database) -> None:
    first = await _driver_connection(database)
    async with database.reading() as busy:
        other = await _driver_connection(database)
        assert other is not state_of(busy).driver_connection
    assert await _driver_connection(database) is first


async def test_whoever_waits_gets_the_next_connection_in_turn(database_url: str) -> None:
    database = await Database.open(database_url, DatabaseOptions(pool_size=2))
    order: list[int] = []

    async def read(number: int) -> None:
        async with database.reading() as connection:
            await connection.execute(text("SELECT 1"))
            order.append(number)

    async with asyncio.TaskGroup() as group:
        for number in range(8):
            group.create_task(read(number))
    assert sorted(order) == list(range(8))
    assert database.pool_status().checked_out == 0
    await database.close()


async def test_a_connection_that_comes_back_after_the_end_is_closed(database_url: str) -> None:
    database = await Database.open(database_url)
    async with database.reading() as connection:
        await connection.execute(text("SELECT 1"))
        await database.close()
    assert connection.closed
    assert database.pool_status().checked_out == 0


@pytest.mark.parametrize("driver", MARIADB_DRIVERS)
async def test_a_connection_that_the_server_closed_is_not_lent(
    driver: str, mariadb_server: MariaServer, new_database_url: Callable[[str], str]
) -> None:
    """EV6: the first read after the server has closed idle connections works."""
    url = new_database_url(driver)
    database = await Database.open(url)
    async with database.reading() as connection:
        state = state_of(connection)
    first = state.driver_connection
    await asyncio.to_thread(mariadb_server.close_connections, url.rsplit("/", 1)[1])
    # The end of the connection arrives like any other data.
    await wait_until(lambda: not state.is_open())
    assert await _driver_connection(database) is not first
    await database.close()


@pytest.mark.parametrize("driver", MARIADB_DRIVERS)
async def test_a_connection_that_was_idle_for_long_is_pinged_before_it_is_lent(
    driver: str, new_database_url: Callable[[str], str]
) -> None:
    """EV6: a network that forgot the connection sends no end of it."""
    database = await Database.open(new_database_url(driver))
    assert await _pings(database) == 0
    assert await _pings(database) == 0
    async with database.reading() as connection:
        state = state_of(connection)
    state.returned_at -= 60
    assert await _pings(database) == 1
    assert await _driver_connection(database) is state.driver_connection
    await database.close()


async def _pings(database: Database) -> int:
    async with database.reading() as connection:
        return int((await connection.execute(text("SHOW SESSION STATUS LIKE 'Com_admin_commands'"))).one()[1])
