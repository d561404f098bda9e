"""Count checks: a wrong sum is found in each table and mended, while events come and go (issue 5, H7, L8)."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from storage import count_checks
from storage.count_checks import (
    CheckedPeriod,
    CountMender,
    Drift,
    SumTable,
    build_coarser_drift,
    build_minute_drift,
    check_counts,
    check_random_hour,
    fetch_minute_drift,
    fetch_next_minute,
)
from storage.counts import CountFolder
from storage.engine import Database
from storage.errors import StorageTimeoutError
from storage.removals import EventPlace, delete_events, lock_events
from storage.tables import audience_counts, event_counts, event_day_counts, event_hour_counts
from storage.times import MICROSECONDS_PER_DAY, MICROSECONDS_PER_MINUTE
from tests.storage.examined import explain, used_indexes
from tests.storage.histories import START, event_id, row, store

EACH_DATABASE = pytest.mark.parametrize("backend", ["sqlite", "aiomysql"])
FIRST_MINUTE = START // MICROSECONDS_PER_MINUTE
EVERYTHING = CheckedPeriod()
COARSE = {
    SumTable.MINUTES: event_counts,
    SumTable.HOURS: event_hour_counts,
    SumTable.DAYS: event_day_counts,
}


async def found_drift(database: Database, period: CheckedPeriod = EVERYTHING) -> list[Drift]:
    found: list[Drift] = []

    async def take(drifts: list[Drift]) -> None:
        found.extend(drifts)

    await check_counts(database, period, take)
    return found


async def mend(database: Database) -> list[Drift]:
    found: list[Drift] = []
    mender = CountMender(database)
    assert await mender.begin()

    async def take(drifts: list[Drift]) -> None:
        found.extend(drifts)
        await mender.mend(drifts)

    await check_counts(database, CheckedPeriod(), take)
    await mender.end()
    return found


async def fold(database: Database) -> None:
    while await CountFolder(database).turn():
        pass


async def write(database: Database, *statements: Any) -> None:
    async def work(connection: Any) -> None:
        for statement in statements:
            await connection.execute(statement)

    await database.write(work, name="a fault")


async def fetch_sums(database: Database, table: Any, minute: int) -> list[int]:
    async with database.reading() as connection:
        result = await connection.execute(select(table.c.event_rows).where(table.c.minute == minute))
        return [int(each) for each in result.scalars()]


@pytest.fixture
async def filled(database: Database) -> Database:
    """Events of three days, most of them folded, some not; one of 1970."""
    rows = [row(number, occurred_at=START + number * 240 * MICROSECONDS_PER_MINUTE) for number in range(14)]
    await store(database, [*rows, row(999, occurred_at=5)])
    await fold(database)
    await store(database, [row(1_000 + number) for number in range(5)])
    return database


@EACH_DATABASE
async def test_counts_that_are_right_show_no_drift(filled: Database) -> None:
    assert await found_drift(filled) == []
    assert await mend(filled) == []
    await fold(filled)
    assert await found_drift(filled) == []


@EACH_DATABASE
@pytest.mark.parametrize("table", COARSE)
async def test_a_wrong_sum_is_found_and_mended(filled: Database, table: SumTable) -> None:
    """In each table: too much, a row that is missing, one that nothing stands behind."""
    wrong = COARSE[table]
    second, third, fourth = (FIRST_MINUTE + days * 1440 for days in (1, 2, 5))
    strange = {"audience_key": 1, "minute": fourth, "event_type": "x", "severity": 1, "success": -1}
    gone = (await fetch_sums(filled, wrong, third))[0]
    await write(
        filled,
        update(wrong).where(wrong.c.minute == second).values(event_rows=wrong.c.event_rows + 2),
        delete(wrong).where(wrong.c.minute == third),
        insert(wrong).values(**strange, event_rows=4, occurrences=9),
    )
    drifts = [each for each in await found_drift(filled) if each.table is table]
    assert {(each.minute, each.event_rows, each.occurrences) for each in drifts} == {
        (second, -2, 0),
        (third, gone, gone),
        (fourth, -4, -9),
    }
    assert [each for each in await mend(filled) if each.table is table] == drifts
    await fold(filled)
    assert await found_drift(filled) == []


@EACH_DATABASE
async def test_a_wrong_total_is_found_and_mended(filled: Database) -> None:
    await write(filled, update(audience_counts).values(event_rows=audience_counts.c.event_rows + 3))
    expected = [Drift(SumTable.TOTALS, 1, None, None, None, None, -3, 0)]
    assert await found_drift(filled) == expected
    assert await mend(filled) == expected
    assert await found_drift(filled) == []


@EACH_DATABASE
async def test_counts_are_mended_while_events_come_and_go(filled: Database) -> None:
    """A difference is the same before and after what others commit meanwhile, and is added once."""
    await write(filled, update(event_counts).values(event_rows=event_counts.c.event_rows + 1))
    folder = CountFolder(filled)

    async def ingest() -> None:
        for number in range(8):
            await store(filled, [row(5_000 + number, occurred_at=START + number * MICROSECONDS_PER_MINUTE)])
            await folder.turn()

    async def remove() -> None:
        for number in range(0, 14, 2):

            async def work(connection: Any, number: int = number) -> None:
                places = [EventPlace(event_id(number), 1)]
                locked = await lock_events(connection, places)
                await delete_events(connection, locked, dialect_name=filled.dialect_name, now=START)

            await filled.write(work, name="a removal")

    await asyncio.gather(ingest(), remove(), mend(filled))
    await fold(filled)
    assert await found_drift(filled) == []


@pytest.mark.parametrize("backend", ["aiomysql"])
async def test_two_do_not_mend_at_once(filled: Database) -> None:
    """What both found would be added twice."""
    first, second = CountMender(filled), CountMender(filled)
    assert await first.begin()
    assert not await second.begin()
    await first.end()
    assert await second.begin()


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_a_period_is_checked_alone(filled: Database) -> None:
    await write(filled, update(event_counts).values(occurrences=event_counts.c.occurrences + 1))
    day = MICROSECONDS_PER_DAY // MICROSECONDS_PER_MINUTE
    drifts = await found_drift(filled, CheckedPeriod(FIRST_MINUTE, FIRST_MINUTE + day))
    in_minutes = [each.minute - FIRST_MINUTE for each in drifts if each.table is SumTable.MINUTES and each.minute]
    assert (min(in_minutes), max(in_minutes)) == (0, 1200)
    assert await found_drift(filled, CheckedPeriod(0, 0)) == []


@EACH_DATABASE
async def test_empty_years_are_passed_over(filled: Database) -> None:
    """One event of 1970 costs no look at each hour since."""
    assert await fetch_next_minute(filled, 0) == 0
    assert await fetch_next_minute(filled, 1) == FIRST_MINUTE
    assert await fetch_next_minute(filled, FIRST_MINUTE + 10 * 1440) is None


@EACH_DATABASE
async def test_the_daily_look_finds_rows_without_sums_and_sums_without_rows(database: Database) -> None:
    """It looks at one hour, drawn among those that hold either."""
    chance = random.Random(1)
    assert await check_random_hour(database, chance) is None
    await store(database, [row(number) for number in range(3)])
    assert await check_random_hour(database, chance) == (FIRST_MINUTE, [])
    await fold(database)
    await write(database, delete(event_counts))
    checked = await check_random_hour(database, chance)
    assert checked is not None
    assert [(each.table, each.event_rows) for each in checked[1]] == [(SumTable.MINUTES, 3), (SumTable.HOURS, -3)]


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_an_hour_that_takes_too_long_is_halved(filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    build: Callable[[int, int], Any] = build_minute_drift

    def limited(since: int, until: int) -> Any:
        asked.append((since, until))
        if until - since > 15:
            raise StorageTimeoutError("a statement took longer than its limit")
        return build(since, until)

    monkeypatch.setattr(count_checks, "build_minute_drift", limited)
    await write(filled, delete(event_counts))
    drifts = await fetch_minute_drift(filled, FIRST_MINUTE, FIRST_MINUTE + 60)
    monkeypatch.undo()
    assert drifts == await fetch_minute_drift(filled, FIRST_MINUTE, FIRST_MINUTE + 60)
    assert len(asked) == 7


@EACH_DATABASE
async def test_checks_enter_their_tables_by_time(filled: Database) -> None:
    """Design, section 2: an hour is read, not the table."""
    statements = (
        build_minute_drift(FIRST_MINUTE, FIRST_MINUTE + 60),
        build_coarser_drift(SumTable.HOURS, FIRST_MINUTE, FIRST_MINUTE + 1440),
        build_coarser_drift(SumTable.DAYS, FIRST_MINUTE, FIRST_MINUTE + 1440),
    )
    for statement in statements:
        used = used_indexes(await explain(filled, statement))
        assert {index for index in used if index.startswith("scan")} <= {"scan of event_count_deltas"}, used
