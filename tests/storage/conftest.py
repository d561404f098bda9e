"""Fixtures of the storage room."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from storage.engine import Database
from storage.positions import Sequencer, fetch_live_position
from storage.revisions import migrate
from tests.databases import MariaServer


@pytest.fixture
def sequence() -> Callable[[Database], Awaitable[int]]:
    """`await sequence(database)`: every batch gets its position; gives the live position."""

    async def number_all(database: Database) -> int:
        if database.dialect_name == "mariadb":
            sequencer = Sequencer(database)
            while not sequencer.leads:
                await sequencer.turn()
            await sequencer.turn()
            # Ended in order, so that the next call need not wait for the lease to expire.
            stop = asyncio.Event()
            stop.set()
            await sequencer.run(stop)
        return await fetch_live_position(database)

    return number_all


@pytest.fixture
def migrated() -> Callable[[MariaServer, str], str]:
    """`migrated(server, driver)`: the URL of a new database with our tables on a server of the test's own."""

    def make(server: MariaServer, driver: str) -> str:
        server.create_database("store")
        url = server.url(driver, "store")
        migrate(url)
        return url

    return make
