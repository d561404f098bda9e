"""The demo history that the documents' examples run on."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing

import httpx2
import pytest

from gateway.demo.history import tell_history
from gateway.demo.loader import load_history
from storage.engine import Database
from storage.times import now_micros, parse_rfc3339
from tests.databases import FreshDatabases
from tests.gateway.serving import serve_in_process

EVENTS = 3_000
HISTORY_END = parse_rfc3339("2026-03-01T00:00:00Z")


@pytest.fixture(scope="session")
def history(fresh_databases: FreshDatabases) -> str:
    """A store with the demo history of the default seed."""
    url = fresh_databases.take("sqlite")
    asyncio.run(_load_history(url))
    return url


async def _load_history(url: str) -> None:
    store = await Database.open(url)
    drafts = tell_history(EVENTS, seed=1, until=HISTORY_END)
    report = await load_history(store, drafts, clock=now_micros, advance=lambda _count: None)
    await store.close()
    assert (report.outcomes.total(), report.refused) == (EVENTS, 0)


@pytest.fixture
async def gateway(history: str, new_database_url: Callable[[str], str]) -> AsyncIterator[httpx2.AsyncClient]:
    """A gateway in this process on a history of its own."""
    url = new_database_url("sqlite")
    with closing(sqlite3.connect(_path(history))) as source, closing(sqlite3.connect(_path(url))) as target:
        source.backup(target)
    async with serve_in_process(url) as client:
        yield client


def _path(url: str) -> str:
    return url.removeprefix("sqlite+aiosqlite:///")
