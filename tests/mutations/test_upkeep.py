"""Upkeep: what nobody needs any more goes after the resend horizon, and nothing else (EV2, P8, L4, L8)."""

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from mutations.upkeep import Upkeep, UpkeepReport
from storage.appends import AppendOutcome, append_batch
from storage.count_checks import SumTable
from storage.counts import CountFolder
from storage.dismissals import fetch_touch
from storage.engine import Database
from storage.errors import PositionExpiredError
from storage.leases import Lease
from storage.operations import OperationState, fetch_operations
from storage.pages import PageRequest, fetch_event_page
from storage.positions import fetch_live_position, require_position, settle_position
from storage.removals import EventPlace, delete_events, lock_events
from storage.scopes import EVERYTHING
from storage.selectors import ObjectReference, TouchesAny
from storage.tables import (
    deleted_ids,
    event_counts,
    event_objects,
    ingest_batches,
    ingest_counts,
    leases,
    operation_targets,
    problem_dismissals,
)
from storage.times import MICROSECONDS_PER_DAY
from tests.mutations.operating import enqueue, move
from tests.storage.histories import START, event_id, key_of, link, row, store

EACH_DATABASE = pytest.mark.parametrize("backend", ["sqlite", "aiomysql"])
DAY = MICROSECONDS_PER_DAY
NOW = START + 100 * DAY
NOTHING = UpkeepReport(0, 0, 0, None, None)
FINAL = (OperationState.COMPLETE, OperationState.ABORT, OperationState.ERROR, OperationState.DELETED)
HORIZON = 30 * DAY


def upkeep(database: Database, *, now: int = NOW, **given: Any) -> Upkeep:
    return Upkeep(database, database, clock=lambda: now, chance=random.Random(1), **given)


async def write(database: Database, *statements: Any) -> None:
    async def work(connection: Any) -> None:
        for statement in statements:
            await connection.execute(statement)

    await database.write(work, name="rows of a test")


async def values(database: Database, statement: Any) -> list[Any]:
    async with database.reading() as connection:
        return list((await connection.execute(statement)).scalars())


async def remove(database: Database, numbers: Sequence[int], *, now: int = NOW) -> None:
    keys = await database.identities.namespace_keys(["default"])

    async def work(connection: Any) -> None:
        places = [EventPlace(event_id(number), keys["default"]) for number in numbers]
        locked = await lock_events(connection, places)
        await delete_events(connection, locked, dialect_name=database.dialect_name, now=now)

    await database.write(work, name="a removal")


@EACH_DATABASE
async def test_deleted_ids_are_forgotten_after_the_resend_horizon(database: Database) -> None:
    """I4: until then a late resend is DUPLICATE with code DELETED, afterwards it is a new event."""
    await store(database, [row(number) for number in range(1, 10)])
    await remove(database, range(1, 6), now=NOW - HORIZON - 1)
    await remove(database, [6], now=NOW - HORIZON)
    report = await upkeep(database, ids_per_chunk=2).turn()
    assert report is not None
    assert report.ids == 5
    outcomes = await append_batch(database, [row(1), row(6), row(7)], received_at=NOW)
    assert outcomes == [AppendOutcome.ACCEPTED, AppendOutcome.DELETED, AppendOutcome.DUPLICATE]


async def batches_of(database: Database, arrivals: Sequence[int]) -> None:
    """A batch of two events for each arrival, with positions in that order."""
    for place, at in enumerate(arrivals):
        await store(database, [row(place * 2), row(place * 2 + 1)], received_at=at)
        await settle_position(database)


@EACH_DATABASE
async def test_batches_without_events_are_forgotten_after_the_resend_horizon(database: Database) -> None:
    """P8: then a position before them is expired; whatever has an event, or is young, or the last one, stays."""
    old, young = NOW - HORIZON - 1, NOW - HORIZON
    await batches_of(database, [old, old, old, old, young, young])
    await remove(database, [0, 1, 2, 3, 5, 6, 7, 8, 9])
    report = await upkeep(database, batches_per_window=1).turn()
    assert report is not None
    assert report.batches == 3
    positions = await values(database, select(ingest_batches.c.position).order_by(ingest_batches.c.position))
    assert positions == [3, 5, 6]
    with pytest.raises(PositionExpiredError):
        await require_position(database, 1)
    for position in (2, 3, 4, 5, 6):
        await require_position(database, position)


@EACH_DATABASE
async def test_the_last_batch_stays_however_old_it_is(database: Database) -> None:
    """P8: otherwise a store without events could not tell a position of its own from one that has expired."""
    await batches_of(database, [START, START])
    await remove(database, range(4))
    report = await upkeep(database).turn()
    assert report is not None
    assert report.batches == 1
    live = await fetch_live_position(database)
    await require_position(database, live)
    with pytest.raises(PositionExpiredError):
        await require_position(database, live - 2)


@pytest.mark.parametrize("backend", ["aiomysql"])
async def test_batches_without_a_position_stay(database: Database) -> None:
    """They are committed and not yet visible in order: a sequencer comes and numbers them."""
    await store(database, [row(1)], received_at=START)
    await remove(database, [1])
    report = await upkeep(database).turn()
    assert report is not None
    assert report.batches == 0


@EACH_DATABASE
async def test_a_round_that_is_broken_off_goes_on_where_it_was(database: Database) -> None:
    await batches_of(database, [START] * 5)
    await remove(database, range(8))
    stop = asyncio.Event()
    stop.set()
    assert await upkeep(database, batches_per_window=2).turn(stop) is None
    assert await values(database, select(ingest_batches.c.position)) == [3, 4, 5]
    # Set back by hand: what lies before the place is not looked at again in this round.
    await write(database, update(ingest_batches).where(ingest_batches.c.position == 3).values(received_at=START - 1))
    report = await upkeep(database, batches_per_window=2).turn()
    assert report is not None
    assert report.batches == 1
    assert await upkeep(database, now=NOW + DAY).turn() is not None
    assert await values(database, select(ingest_batches.c.position)) == [5]


@EACH_DATABASE
async def test_a_round_is_done_once_a_day_by_one_process(database: Database) -> None:
    await store(database, [row(1)])
    other = Lease(database, "upkeep", seconds=30)
    assert await other.acquire()
    assert await upkeep(database).turn() is None
    await other.release()
    assert await upkeep(database).turn() == UpkeepReport(0, 0, 0, START // (60 * 1_000_000), [])
    assert await upkeep(database, now=NOW + DAY - 1).turn() is None
    assert await upkeep(database, now=NOW + DAY).turn() is not None
    assert await upkeep(database, now=NOW - 1).turn() is not None  # the clock went back


@EACH_DATABASE
async def test_who_lost_the_lease_forgets_nothing(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """L4: as after a pause of the process."""
    await store(database, [row(1)])
    await remove(database, [1], now=START)
    late = upkeep(database)
    acquire = late._lease.acquire

    async def acquire_and_lose() -> bool:
        held = await acquire()
        await write(database, update(leases).where(leases.c.name == "upkeep").values(epoch=leases.c.epoch + 1))
        return held

    monkeypatch.setattr(late._lease, "acquire", acquire_and_lose)
    assert await late.turn() is None
    assert await values(database, select(deleted_ids.c.id)) == [event_id(1)]


@EACH_DATABASE
async def test_a_clock_that_runs_ahead_forgets_nothing_before_its_time(database: Database) -> None:
    """The database's clock is asked as well, and the earlier one counts."""
    await write(database, insert(deleted_ids).values(id=event_id(1), namespace_key=1, deleted_at=NOW * 2))
    report = await upkeep(database, now=NOW * 4).turn()
    assert report is not None
    assert report.ids == 0


@EACH_DATABASE
async def test_operations_are_forgotten_long_after_their_end(database: Database) -> None:
    """OP5, OP6: with their targets, chunk by chunk; active ones never, and the events of all of them stay."""
    ends = {"old": NOW - 91 * DAY, "older": NOW - 95 * DAY, "as old as allowed": NOW - 89 * DAY, "young": NOW - DAY}
    made = {name: await enqueue(database, now=START - DAY) for name in (*ends, "queued", "executing")}
    for number, (name, end) in enumerate(ends.items()):
        await move(database, made[name], FINAL[number], now=end)
    await move(database, made["executing"], OperationState.EXECUTING, now=NOW - 95 * DAY)

    async def left() -> set[str]:
        found = await fetch_operations(database, [each.uuid for each in made.values()], scope=EVERYTHING)
        return {name for name, each in made.items() if each.uuid in {record.uuid for record in found}}

    assert (await upkeep(database, operation_age_seconds=-1).turn() or NOTHING).operations == 0
    assert await left() == set(made)
    report = await upkeep(database, now=NOW + DAY, operations_per_chunk=1).turn()
    assert (report or NOTHING).operations == 2
    assert await left() == {"as old as allowed", "young", "queued", "executing"}
    keys = await values(database, select(operation_targets.c.operation_key).order_by(operation_targets.c.operation_key))
    assert keys == [made[name].key for name in ("as old as allowed", "young", "queued", "executing")]
    gone = TouchesAny((ObjectReference("operation", made["older"].uuid, "default"),))
    page = await fetch_event_page(database, selector=gone, scope=EVERYTHING, request=PageRequest(size=10))
    assert [event.event_type for event in page.rows] == ["operation.abort", "operation.queued"]
    # Nothing of the id is left, so that it may be given to another operation.
    assert (await enqueue(database, '{"disk":"d2"}', uuid=made["older"].uuid)).state is OperationState.QUEUED


@EACH_DATABASE
async def test_arrivals_of_days_long_past_are_forgotten(database: Database) -> None:
    """EV10: quotas and eventsToday ask for today."""
    for number, days in enumerate((-301, -300, 100)):
        await store(database, [row(number)], received_at=START + days * DAY)
    await CountFolder(database).turn()
    report = await upkeep(database).turn()
    assert report is not None
    assert report.arrivals == 1
    assert len(await values(database, select(ingest_counts.c.arrival_day))) == 2


@EACH_DATABASE
async def test_counts_of_one_hour_are_compared_with_its_rows(database: Database) -> None:
    """L8: what is found is reported, and left to `timeloom counts rebuild`."""
    await store(database, [row(number) for number in range(3)])
    await CountFolder(database).turn()
    await write(database, delete(event_counts))
    reports: list[UpkeepReport] = []
    await upkeep(database, report=reports.append).turn()
    [report] = reports
    assert report.drifts is not None
    assert [(drift.table, drift.event_rows) for drift in report.drifts] == [
        (SumTable.MINUTES, 3),
        (SumTable.HOURS, -3),
    ]


@EACH_DATABASE
async def test_dismissals_of_events_that_are_gone_are_forgotten(database: Database) -> None:
    """HZ6: in the same round, window after window; those of events that are there stay."""
    vm = link("vm", "vm-1")
    await store(database, [row(number, severity=4, objects=(vm,)) for number in range(1, 6)])
    for number in range(1, 6):
        touch = await fetch_touch(database, vm.object, key_of(number), scope=EVERYTHING)
        assert touch is not None
        given = {"object_key": touch.object_key, **touch.place._asdict(), "dismissed_by": "a", "dismissed_at": NOW}
        await write(database, insert(problem_dismissals).values(**given))
    await write(database, *(delete(event_objects).where(event_objects.c.event_id == event_id(each)) for each in (1, 4)))
    report = await upkeep(database, dismissals_per_window=2).turn()
    assert report is not None
    assert report.dismissals == 2
    assert sorted(await values(database, select(problem_dismissals.c.event_id))) == [event_id(n) for n in (2, 3, 5)]


@EACH_DATABASE
async def test_sums_that_came_to_nothing_are_not_kept(database: Database) -> None:
    """What was there and is gone leaves no row of zeros, in the same fold or a later one."""
    folder = CountFolder(database)
    await store(database, [row(number, event_type="status") for number in range(3)])
    await folder.turn()
    await store(database, [row(9)])
    await remove(database, [0, 1, 2, 9])
    await folder.turn()
    for table in ("event_counts", "event_hour_counts", "event_day_counts"):
        kept = event_counts.metadata.tables[table]
        assert await values(database, select(kept.c.minute)) == []
