"""Counts: deltas and folded sums together are a recount, rows and occurrences, after any history."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, union_all

from storage.appends import AppendOutcome, append_batch
from storage.counts import CountFolder, fetch_event_rows, fetch_namespace_usage
from storage.engine import Database
from storage.records import NamespaceRecord
from storage.scopes import EVERYTHING, Scope
from storage.tables import audience_counts, audiences, event_count_deltas, event_counts, events, ingest_counts
from storage.times import MICROSECONDS_PER_DAY, MICROSECONDS_PER_MINUTE
from tests.storage.histories import START, row, store

_KEYS = ("audience_key", "minute", "event_type", "severity", "success")


async def _sums(database: Database, *parts: Any) -> Counter[tuple[Any, ...]]:
    """Add up (key ..., number) rows of several selects, in one statement as readers do."""
    joined = union_all(*parts).subquery()
    columns = list(joined.c)
    statement = select(*columns[:-1], func.sum(columns[-1])).group_by(*columns[:-1])
    async with database.reading() as connection:
        return Counter({tuple(each[:-1]): int(each[-1]) for each in await connection.execute(statement)})


async def _counted(database: Database, number: str) -> Counter[tuple[Any, ...]]:
    return await _sums(
        database,
        *(select(*(table.c[name] for name in _KEYS), table.c[number]) for table in (event_counts, event_count_deltas)),
    )


async def _recounted(database: Database, number: Any) -> Counter[tuple[Any, ...]]:
    statement = select(
        events.c.audience_key, events.c.occurred_at, events.c.event_type, events.c.severity, events.c.success, number
    )
    counts: Counter[tuple[Any, ...]] = Counter()
    async with database.reading() as connection:
        for audience, at, kind, severity, success, amount in await connection.execute(statement):
            key = (audience, at // MICROSECONDS_PER_MINUTE, kind, severity, -1 if success is None else success)
            counts[key] += amount
    return counts


async def require_counts_equal_a_recount(database: Database) -> None:
    """What every reader of counts relies on."""
    one = events.c.batch_index - events.c.batch_index + 1
    assert await _counted(database, "event_rows") == await _recounted(database, one)
    assert await _counted(database, "occurrences") == await _recounted(database, events.c.repeat_count)
    by_audience = select(events.c.audience_key, func.count()).group_by(events.c.audience_key)
    deltas = event_count_deltas.c
    assert await _sums(
        database,
        select(audience_counts.c.audience_key, audience_counts.c.event_rows),
        select(deltas.audience_key, deltas.event_rows),
    ) == await _sums(database, by_audience)
    arrived = Counter[tuple[int, int]]()
    async with database.reading() as connection:
        for audience, received_at in await connection.execute(select(events.c.audience_key, events.c.received_at)):
            arrived[audience, received_at // MICROSECONDS_PER_DAY] += 1
    assert arrived == await _sums(
        database,
        select(ingest_counts.c.audience_key, ingest_counts.c.arrival_day, ingest_counts.c.event_rows),
        select(deltas.audience_key, deltas.arrival_day, deltas.event_rows),
    )


_rows = st.builds(
    lambda number, namespace, owner, minute, kind, severity, success, content: row(
        number,
        namespace=namespace,
        owner=owner,
        occurred_at=START + minute * MICROSECONDS_PER_MINUTE,
        event_type=kind,
        severity=severity,
        success=success,
        content_hash=bytes([content]) * 16,
    ),
    number=st.integers(0, 30),
    namespace=st.sampled_from(["a", "b"]),
    owner=st.sampled_from([None, "eve"]),
    minute=st.integers(0, 2),
    kind=st.sampled_from(["audit", "Audit", "audit ", "usage"]),
    severity=st.integers(0, 5),
    success=st.sampled_from([None, True, False]),
    content=st.integers(0, 1),
)
_steps = st.lists(
    st.one_of(st.just("fold"), st.tuples(st.lists(_rows, max_size=12), st.integers(0, 2))), min_size=1, max_size=8
)


@pytest.mark.parametrize("driver", ["sqlite", "aiomysql"])
def test_counts_equal_a_recount_after_any_history(driver, new_database_url) -> None:
    """Duplicates and conflicts, inside a batch and between batches, with folds in between."""
    url = new_database_url(driver)
    with asyncio.Runner() as runner:
        database = runner.run(Database.open(url))
        folder = CountFolder(database)

        async def play(steps: list[Any]) -> None:
            for step in steps:
                if step == "fold":
                    await folder.turn()
                else:
                    batch, days = step
                    await append_batch(database, batch, received_at=START + days * MICROSECONDS_PER_DAY)
            await require_counts_equal_a_recount(database)

        # Histories pile up in one database: each begins with what those before have left.
        @settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None)
        @given(_steps)
        def check(steps: list[Any]) -> None:
            runner.run(play(steps))

        check()
        runner.run(database.close())


async def test_counts_hold_while_writers_and_folders_compete(database_url: str) -> None:
    gateways = [await Database.open(database_url) for _ in range(3)]
    folders = [CountFolder(gateway, tick_seconds=0.01) for gateway in gateways]
    stop = asyncio.Event()
    folding = [asyncio.create_task(folder.run(stop)) for folder in folders]

    async def write(writer: int) -> None:
        for batch in range(5):
            numbers = range(batch * 10, batch * 10 + 15)
            rows = [row(number, severity=number % 6) for number in numbers]
            outcomes = await append_batch(gateways[writer % 3], rows, received_at=START)
            assert set(outcomes) <= {AppendOutcome.ACCEPTED, AppendOutcome.DUPLICATE}

    await asyncio.gather(*(write(writer) for writer in range(8)))
    await require_counts_equal_a_recount(gateways[0])
    stop.set()
    await asyncio.gather(*folding)
    while await folders[0].turn():
        pass
    assert await _counted(gateways[0], "event_rows") == await _sums(
        gateways[0], select(*(event_counts.c[name] for name in _KEYS), event_counts.c.event_rows)
    )
    await require_counts_equal_a_recount(gateways[0])
    for gateway in gateways:
        await gateway.close()


async def test_folder_that_lost_its_lease_folds_nothing(database: Database) -> None:
    first, second = CountFolder(database), CountFolder(database)
    await store(database, [row(1)])
    assert await first.turn() == 1
    await store(database, [row(2)])
    assert await second.turn() == 0
    stop = asyncio.Event()
    stop.set()
    await first.run(stop)
    await store(database, [row(3)])
    assert await second.turn() == 2
    assert await first.turn() == 0


@pytest.mark.parametrize("folded", [False, True], ids=["deltas", "folded"])
async def test_usage_tells_each_namespace_with_visible_events(folded, database: Database) -> None:
    """EV10: counts are per namespace, and nothing outside the scope shows in them."""
    today = START + 3 * MICROSECONDS_PER_DAY
    await append_batch(
        database, [row(1, namespace="b"), row(2, namespace="b", owner="eve", readers=())], received_at=START
    )
    await append_batch(database, [row(3, namespace="b"), row(4, namespace="a", owner="eve")], received_at=today)
    await database.identities.intern_namespaces(["empty"])
    if folded:
        assert await CountFolder(database).turn() == 4
    keys = await database.identities.namespace_keys(["a", "b", "empty"])
    async with database.reading() as connection:
        private = (
            await connection.execute(select(audiences.c.audience_key).where(audiences.c.readers.is_not(None)))
        ).scalar_one()
    both = [NamespaceRecord("a", 1, START + 4, 1), NamespaceRecord("b", 3, START + 1, 1)]
    assert await fetch_namespace_usage(database, EVERYTHING, now=today) == both
    assert await fetch_namespace_usage(database, Scope(), now=today) == []
    only_b = Scope(namespace_keys=frozenset({keys["b"], keys["empty"]}))
    assert await fetch_namespace_usage(database, only_b, now=today) == both[1:]
    seen = Scope(audience_keys=frozenset({private}))
    assert await fetch_namespace_usage(database, seen, now=today) == [NamespaceRecord("b", 1, START + 2, 0)]
    assert await fetch_event_rows(database) == 4


async def test_empty_store_counts_nothing(database: Database) -> None:
    assert await fetch_event_rows(database) == 0
    assert await fetch_namespace_usage(database, EVERYTHING, now=START) == []
