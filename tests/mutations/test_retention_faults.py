"""Retention when something goes wrong: lost answers, clocks that differ, policies changed in the middle (GQ4, L4)."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from mutations import turns
from mutations.archives import Archive
from mutations.policy_changes import PolicyChanges
from mutations.retention import SCHEDULE_MARK, RetentionOptions, RetentionRunner
from mutations.schedules import Schedule
from mutations.type_changes import TypeChanges
from mutations.type_registry import TypeKey, TypeRegistry
from storage.engine import Database, Transaction
from storage.marks import Mark, save_mark
from storage.retention_runs import RunRecord, fetch_run
from storage.servers import fetch_database_time
from storage.times import MICROSECONDS_PER_SECOND
from tests.mutations.retained import DAY, Clock, age_policy, carry_out, give_positions, runner
from tests.mutations.test_retention import stored_numbers
from tests.proxies import DatabaseProxy
from tests.storage.histories import START, row, store

MARIADB = pytest.mark.parametrize("backend", ["aiomysql"])


@pytest.fixture
async def proxy(database_url: str) -> AsyncIterator[DatabaseProxy]:
    port = make_url(database_url).port
    assert port is not None
    async with DatabaseProxy(port) as proxy:
        yield proxy


@pytest.fixture
async def behind_proxy(database_url: str, proxy: DatabaseProxy) -> AsyncIterator[Database]:
    url = make_url(database_url).set(port=proxy.port)
    database = await Database.open(url.render_as_string(hide_password=False))
    yield database
    await database.close()


@MARIADB
async def test_an_answer_to_commit_that_is_lost_counts_nothing_twice(
    behind_proxy: Database, proxy: DatabaseProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither asking for a run nor a chunk: what was archived is counted with what went."""
    await store(behind_proxy, [row(1), row(2)])
    await give_positions(behind_proxy)
    clock = Clock(START + 3 * DAY)
    archive = Archive(str(tmp_path / "archive"))
    some = runner(behind_proxy, age_policy("audit", 1, archive=True), clock=clock, archive=archive)
    proxy.cut_after_commit()
    asked = await some.request("ann")
    original, tries = turns._Chunk.run, 0

    async def run(chunk: Any, transaction: Transaction) -> RunRecord:
        nonlocal tries
        tries += 1
        if tries == 1:
            proxy.cut_after_commit()
        return await original(chunk, transaction)

    monkeypatch.setattr(turns._Chunk, "run", run)
    assert await some.turn()
    done = await fetch_run(behind_proxy, asked.run_id)
    assert done is not None
    assert (tries, done.events_removed, done.archived, done.completed) == (2, 2, 2, True)


@pytest.mark.parametrize("backend", ["sqlite", "aiomysql"])
async def test_a_run_begun_by_a_clock_that_is_ahead_removes_nothing_wherever_it_is_carried_out(
    database: Database,
) -> None:
    now = await fetch_database_time(database)
    await store(database, [row(1, occurred_at=now)], received_at=now)
    ahead, right = (
        runner(database, age_policy("audit", 90), clock=Clock(time), max_ahead_seconds=600)
        for time in (now + 400 * DAY, now)
    )
    # As a gateway would have asked that knew no other clock.
    ahead.options = ahead.options._replace(max_ahead_seconds=None)
    asked = await ahead.request("ann")
    run = await carry_out(right, database)
    assert (run.run_id, run.completed, await stored_numbers(database)) == (asked.run_id, False, [1])
    assert "ahead of the database's" in (run.error or "")


@MARIADB
@pytest.mark.parametrize("kind", ["policy", "age of a type"])
async def test_a_policy_that_was_changed_holds_from_its_answer_on(
    database: Database, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The change waits for the chunk that is being removed by the policy as it was."""
    await store(database, [row(1)])
    clock = Clock(START + 3 * DAY)
    changes = PolicyChanges(database, actor="ann", clock=clock, has_archive=False)
    types = TypeChanges(database, TypeRegistry(database), actor="ann", clock=clock)
    if kind == "policy":
        policy = await changes.create({"name": "short", "max_age_seconds": 60})
    else:
        await types.define_event_type(TypeKey(None, "audit"), {"max_age_seconds": 60})
    original, told = turns._Chunk.run, []
    changing: list[asyncio.Task[None]] = []

    async def change() -> None:
        if kind == "policy":
            await changes.update(policy.id, {"max_age_seconds": None})
        else:
            await types.define_event_type(TypeKey(None, "audit"), {"keep_forever": True})
        told.append("changed")

    async def run(chunk: Any, transaction: Transaction) -> RunRecord:
        changing.append(asyncio.create_task(change()))
        await asyncio.wait(changing, timeout=0.2)
        record = await original(chunk, transaction)
        told.append(f"removed {record.events_removed}")
        return record

    monkeypatch.setattr(turns._Chunk, "run", run)
    await carry_out(runner(database, clock=clock), database)
    await asyncio.gather(*changing)
    assert told == ["removed 1", "changed"]


@MARIADB
async def test_gateways_whose_clocks_differ_begin_a_slot_once(database: Database) -> None:
    """One that is behind must not take the last run's time for a clock that was set back."""
    now = await fetch_database_time(database)
    time_of_day = now // MICROSECONDS_PER_SECOND % 86_400
    gateways = [
        RetentionRunner(
            database,
            (),
            clock=Clock(now + seconds * MICROSECONDS_PER_SECOND),
            options=RetentionOptions(schedule=Schedule(86_400, time_of_day), max_ahead_seconds=600),
        )
        for seconds in (0, -30, 30)
    ]

    async def ran_yesterday(transaction: Transaction) -> None:
        yesterday = Mark(now - DAY, 0, 0)
        await save_mark(transaction, SCHEDULE_MARK, yesterday, dialect_name=database.dialect_name, now=now)

    await database.write(ran_yesterday, name="the schedule of retention")
    assert [await each.turn() for each in (*gateways, *gateways)] == [True, *[False] * 5]
