"""Walks in the order of arrival: what is looked at, what is not looked at again, and by which index (GQ4)."""

from collections.abc import Callable
from typing import Any

import pytest

from storage.engine import Database
from storage.examined import (
    ArrivalWalk,
    build_batches,
    build_examined,
    build_holding,
    build_late_batches,
    build_locked_examined,
    build_object_types,
    build_registered,
    fetch_first_batch,
)
from storage.marks import Mark, fetch_mark, save_mark
from storage.positions import fetch_live_position
from storage.retention_runs import build_unfinished
from storage.selectors import ALL, Comparison, EventField, FieldTest, Or, Selector, TouchesType, equals_any
from tests.mutations.retained import give_positions
from tests.storage.examined import explain, used_indexes
from tests.storage.histories import START, event_id, link, row, store

EACH_DATABASE = pytest.mark.parametrize("backend", ["sqlite", "aiomysql"])
SECOND = 1_000_000


async def walk(database: Database, cutoff: int, *, condition: Selector = ALL, portion: int = 2) -> list[list[int]]:
    """Walk once and keep the mark after each portion; give the numbers of the events, portion by portion."""
    found: list[list[int]] = []
    bound = await fetch_live_position(database)
    some = ArrivalWalk(database, name="w", cutoff=cutoff, bound=bound, condition=condition, portion_events=portion)
    async for each in some.portions():

        async def keep(connection: Any, mark: Mark = each.mark) -> None:
            await save_mark(connection, "w", mark, dialect_name=database.dialect_name, now=START)

        await database.write(keep, name="a mark")
        if each.events:
            found.append([int(event.event.id.replace("-", ""), 16) for event in each.events])
    return found


async def arrive(database: Database, number: int, at: float, **given: Any) -> None:
    """Store an event of its own batch, which arrives so many seconds after the start, and give it a position."""
    received_at = START + int(at * SECOND)
    await store(database, [row(number, **({"occurred_at": received_at} | given))], received_at=received_at)
    await give_positions(database)


@EACH_DATABASE
async def test_each_batch_is_looked_at_once(database: Database) -> None:
    for number in range(1, 6):
        await arrive(database, number, number)
    assert await walk(database, START + 4 * SECOND) == [[1, 2], [3]]
    assert await walk(database, START + 4 * SECOND) == []
    assert await walk(database, START + 6 * SECOND) == [[4, 5]]
    mark = await fetch_mark(database, "w")
    assert mark == Mark(START + 6 * SECOND, 0, 5)
    assert await fetch_first_batch(database, mark) is None
    assert await fetch_first_batch(database, Mark(START + 2 * SECOND, 0, 5)) == START + 2 * SECOND


@EACH_DATABASE
async def test_batches_that_come_late_are_looked_at_first(database: Database) -> None:
    await arrive(database, 1, 5)
    assert await walk(database, START + 10 * SECOND) == [[1]]
    await arrive(database, 2, 3)
    await arrive(database, 3, 12)
    await arrive(database, 4, 1)
    assert await walk(database, START + 20 * SECOND) == [[2, 4], [3]]
    assert await walk(database, START + 20 * SECOND) == []


@EACH_DATABASE
@pytest.mark.parametrize("given", [{"occurred_at": START + 100 * SECOND}], ids=["timestamp"])
async def test_an_event_that_is_not_old_enough_holds_the_mark(database: Database, given: dict[str, Any]) -> None:
    """It is met again when it is, and so are those behind it."""
    await arrive(database, 1, 1)
    await arrive(database, 2, 2, **given)
    await arrive(database, 3, 3)
    assert await walk(database, START + 10 * SECOND, portion=1) == [[1], [3]]
    mark = await fetch_mark(database, "w")
    assert mark is not None
    assert mark.received_at == START + 2 * SECOND
    assert await walk(database, START + 200 * SECOND, portion=1) == [[2], [3]]
    assert await walk(database, START + 200 * SECOND, portion=1) == []


@EACH_DATABASE
async def test_a_late_batch_that_is_not_old_enough_takes_the_mark_back(database: Database) -> None:
    await arrive(database, 1, 5)
    assert await walk(database, START + 10 * SECOND) == [[1]]
    await arrive(database, 2, 3, occurred_at=START + 100 * SECOND)
    assert await walk(database, START + 10 * SECOND) == [[1]]
    assert await walk(database, START + 101 * SECOND) == [[1, 2]]
    assert await walk(database, START + 101 * SECOND) == []


@EACH_DATABASE
async def test_a_clock_that_went_back_does_not_move_the_mark(database: Database) -> None:
    await arrive(database, 1, 1)
    assert await walk(database, START + 10 * SECOND) == [[1]]
    assert await walk(database, START + 5 * SECOND) == []
    assert await walk(database, START + 11 * SECOND) == []


@pytest.mark.parametrize("backend", ["aiomysql"])
async def test_a_batch_without_position_is_left_for_the_next_walk(database: Database) -> None:
    await arrive(database, 1, 1)
    await store(database, [row(2, occurred_at=START)], received_at=START)
    assert await walk(database, START + 10 * SECOND) == [[1]]
    await give_positions(database)
    assert await walk(database, START + 10 * SECOND) == [[2]]


@EACH_DATABASE
async def test_only_what_the_condition_holds_for_is_given(database: Database) -> None:
    await arrive(database, 1, 1, event_type="status")
    await arrive(database, 2, 2, objects=(link("node", "n"),))
    await arrive(database, 3, 3, source="other")
    wanted = Or((equals_any(EventField.EVENT_TYPE, ["status"]), TouchesType(("node",))))
    assert await walk(database, START + 10 * SECOND, condition=wanted, portion=9) == [[1, 2]]


CONDITION = Or(
    (
        equals_any(EventField.NAMESPACE, ["default"]),
        equals_any(EventField.EVENT_TYPE, ["audit"]),
        FieldTest(EventField.SOURCE, Comparison.PREFIX, "host"),
        TouchesType(("node",)),
    )
)
TESTS = (TouchesType(("node",)), FieldTest(EventField.SEVERITY, Comparison.LESS, 3))
IDS = [event_id(number) for number in range(1, 40)]
PLANS: dict[str, tuple[Callable[[str], Any], set[str]]] = {
    "late batches": (
        lambda dialect_name: build_late_batches((START + 20 * SECOND, 3), 5, 90, dialect_name=dialect_name),
        {"uq_ingest_batches_position", "sqlite_autoindex_ingest_batches_1"},
    ),
    "batches": (
        lambda dialect_name: build_batches((START, 3), START + 50 * SECOND, 90, dialect_name=dialect_name),
        {"ix_ingest_batches_received"},
    ),
    "events of batches": (
        lambda dialect_name: build_examined(list(range(1, 30)), CONDITION, TESTS, dialect_name=dialect_name),
        {"ix_events_batch"},
    ),
    "events of registrations": (
        lambda dialect_name: build_registered(
            IDS[:5], (event_id(2), START, event_id(3), 1), TESTS, limit=100, dialect_name=dialect_name
        ),
        {"ix_events_registration"},
    ),
    "tests": (lambda dialect_name: build_holding(IDS, TESTS, dialect_name=dialect_name), {"PRIMARY"}),
    "locks": (lambda _: build_locked_examined(IDS), {"PRIMARY"}),
    "object types": (lambda _: build_object_types(IDS), {"ix_event_objects_event"}),
    "unfinished runs": (lambda _: build_unfinished(), {"ix_retention_runs_finished"}),
}


@pytest.fixture
async def filled(database: Database) -> Database:
    """A store in which an index is worth its while."""
    for number in range(1, 100):
        given = row(number, objects=(link("node", str(number)),), registration_id=event_id(number % 7))
        await store(database, [given], received_at=START + number * SECOND)
    await give_positions(database)
    if database.dialect_name == "mariadb":
        async with database.reading() as connection:
            await connection.exec_driver_sql("ANALYZE TABLE ingest_batches, events, event_objects, retention_runs")
    return database


@EACH_DATABASE
async def test_each_statement_is_answered_by_its_index(filled: Database) -> None:
    """No table is read as a whole, and none is joined against another as a whole."""
    for name, (build, wanted) in PLANS.items():
        shown = await explain(filled, build(filled.dialect_name))
        used = used_indexes(shown)
        assert used & wanted or (wanted == {"PRIMARY"} and any("sqlite_autoindex" in index for index in used)), (
            name,
            shown,
        )
        assert not {index for index in used if index.startswith("scan of") and "namespaces" not in index}, (name, shown)
