"""Fixtures of the property tests."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from storage.engine import Database
from storage.options import DatabaseOptions
from tests.gateway.execution import Caller
from tests.properties.events import make_events, store

EVENTS: list[dict[str, Any]] = make_events()


@pytest.fixture(params=["sqlite", "asyncmy"])
def backend(request: pytest.FixtureRequest) -> str:
    """Both databases; what a driver does is tested elsewhere."""
    name: str = request.param
    return name


@pytest.fixture
async def caller(database: Database) -> Caller:
    """Somebody who asks a gateway that holds EVENTS."""
    await store(database, EVENTS)
    return Caller(database, home_namespace=None)


@pytest.fixture
async def hasty(caller: Caller, database_url: str) -> AsyncIterator[Caller]:
    """The same over a database whose pages end after seven index entries: short pages everywhere."""
    database = await Database.open(database_url, DatabaseOptions(scan_rows=7))
    yield Caller(database, home_namespace=None)
    await database.close()
