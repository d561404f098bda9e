"""Fixtures: a small store as the bench loads it, and what the gateway sends to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.history import History
from bench.loading import finish, load
from bench.recording import record_statements
from bench.statements import Statements
from bench.stores import Store, sqlite_store
from storage.times import now_micros

EVENTS = 2_000
SETTINGS = {"TIMELOOM_LOG_LEVEL": "error"}


@pytest.fixture(scope="session")
def history() -> History:
    """Two thousand events: the first half is ingested, the rest inserted."""
    return History(EVENTS, end=now_micros())


@pytest.fixture(scope="session")
def bench_store(history: History, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """An SQLite store with the history in it."""
    home: Path = tmp_path_factory.mktemp("bench")
    with sqlite_store(home) as store:
        load(store, store.url("sqlite"), history, lambda _: None)
        finish(store)
        yield store


@pytest.fixture(scope="session")
def statements(bench_store: Store) -> Statements:
    """What the gateway sends to it."""
    return record_statements(bench_store, "sqlite", SETTINGS)
