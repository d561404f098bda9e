"""Loading: a store that was filled quickly holds what ingest would have written."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.errors import BenchError
from bench.floor_ingest import EVENT_COLUMNS, REFERENCE_COLUMNS
from bench.history import History
from bench.loading import finish, load, require_same_counts
from bench.stores import Store, new_store
from gateway.demo.loader import load_history
from storage.engine import Database
from storage.times import now_micros
from tests.databases import MariaServer

EVENTS = 2_000
DRIVERS = {"sqlite": "sqlite", "mariadb": "aiomysql"}
OWN = ("received_at", "batch_key", "object_key")


@pytest.fixture(params=DRIVERS)
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Store, Store, str]]:
    """Two empty stores, and the driver that they are reached by."""
    server: MariaServer | None = request.getfixturevalue("mariadb_server") if request.param == "mariadb" else None
    homes = [tmp_path / name for name in ("bench_quick", "bench_slow")]
    for home in homes:
        home.mkdir()
    yield new_store(homes[0], server), new_store(homes[1], server), DRIVERS[request.param]
    for home in homes:
        if server is not None:
            server.drop_database(home.name)


def test_a_store_filled_quickly_is_like_one_that_was_ingested(stores: tuple[Store, Store, str]) -> None:
    quick, slow, driver = stores
    end = now_micros()
    told: list[int] = []
    load(quick, quick.url(driver), History(EVENTS, end=end), told.append)
    finish(quick)
    asyncio.run(ingest(slow.url(driver), History(EVENTS, end=end)))
    assert sum(told) == EVENTS
    for query in (
        f"SELECT {', '.join(name for name in EVENT_COLUMNS if name not in OWN)} FROM events ORDER BY id",
        f"SELECT {', '.join(name for name in REFERENCE_COLUMNS if name not in OWN)} FROM event_objects"
        " ORDER BY event_id, object_type",
        "SELECT object_type, object_id FROM objects ORDER BY 1, 2",
        "SELECT * FROM event_counts ORDER BY 1, 2, 3, 4, 5",
        "SELECT * FROM event_hour_counts ORDER BY 1, 2, 3, 4, 5",
        "SELECT * FROM event_day_counts ORDER BY 1, 2, 3, 4, 5",
        "SELECT * FROM audience_counts",
        "SELECT * FROM ingest_counts",
        "SELECT event_count, position FROM ingest_batches ORDER BY batch_key",
        "SELECT COUNT(*) FROM event_count_deltas",
    ):
        assert quick.query(query) == slow.query(query), query
    assert indexes(quick) == indexes(slow)


def test_counts_that_ingest_would_not_have_written_are_noticed(bench_store: Store) -> None:
    bench_store.change("UPDATE event_counts SET event_rows = event_rows + 1 WHERE severity = 5")
    with pytest.raises(BenchError, match="ingest counts otherwise than the loader: event_counts"):
        require_same_counts(bench_store)
    require_same_counts(bench_store)


async def ingest(url: str, history: History) -> None:
    database = await Database.open(url)
    await load_history(database, history.drafts(), clock=now_micros, advance=lambda _: None)
    await database.close()


def indexes(store: Store) -> list[tuple[Any, ...]]:
    if store.is_sqlite:
        return store.query("SELECT name, sql FROM sqlite_master WHERE type = 'index' ORDER BY name")
    return store.query(
        "SELECT table_name, index_name, seq_in_index, column_name FROM information_schema.statistics"
        " WHERE table_schema = DATABASE() ORDER BY 1, 2, 3"
    )
