"""Retention on real stores: what goes, what stays, where it goes on (EV8, RT1, HZ4, GQ4)."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text, update

from mutations import turns
from mutations.archives import Archive
from mutations.policies import Policy
from mutations.policy_changes import PolicyChanges
from storage.engine import Database, StatementEvent
from storage.registrations import append_registration
from storage.retention_runs import (
    Progress,
    RunRecord,
    add_progress,
    fetch_removed_before,
    fetch_run,
    fetch_runs,
    fetch_unfinished,
)
from storage.tables import event_objects, events, leases, retention_marks
from tests.databases import MariaServer
from tests.mutations.retained import DAY, Clock, age_policy, carry_out, give_positions, outcomes, runner
from tests.storage.histories import START, link, row, store
from tests.waiting import wait_until

EACH_DATABASE = pytest.mark.parametrize("backend", ["sqlite", "aiomysql"])
"""What is decided does not depend on the driver."""
SQLITE = pytest.mark.parametrize("backend", ["sqlite"])
NODE = (link("node", "n"),)


async def stored_numbers(database: Database) -> list[int]:
    """Give the numbers of the events that are stored, without those of the gateway itself."""
    async with database.reading() as connection:
        rows = await connection.execute(select(events.c.id).where(events.c.source != "timeloom"))
        return sorted(int(each[0].replace("-", ""), 16) for each in rows)


async def references(database: Database) -> set[tuple[int, str]]:
    async with database.reading() as connection:
        rows = await connection.execute(select(event_objects.c.event_id, event_objects.c.object_type))
        return {(int(each[0].replace("-", ""), 16), each[1]) for each in rows}


async def audited(database: Database) -> list[tuple[str, dict[str, Any]]]:
    async with database.reading() as connection:
        rows = await connection.execute(
            select(events.c.event_type, events.c.extra).where(events.c.source == "timeloom").order_by(events.c.id)
        )
        return [(each[0], json.loads(each[1])) for each in rows]


class Interrupting:
    """Ends a run after a chunk, as when the process had gone away then; after that it does nothing."""

    def __init__(self, error: BaseException, before: Callable[[], None] = lambda: None) -> None:
        self.error: BaseException | None = error
        self.finished: list[RunRecord] = []

    def retention_progress(self, before: RunRecord, after: RunRecord) -> None:
        error, self.error = self.error, None
        if error is not None:
            raise error

    def retention_finished(self, run: RunRecord) -> None:
        self.finished.append(run)


class Gone(Exception):
    """The process is gone."""


@EACH_DATABASE
async def test_ages_by_event_type_and_object_type_ev8(database: Database) -> None:
    """Each type of EV8 by name; `api-requests` is the type that is written; a type without policy stays."""
    quarter, month, week = ("audit", "mutate", "health", "historic"), ("usage", "prune"), ("status", "resources")
    ages = dict.fromkeys(quarter, 90) | dict.fromkeys(month, 30) | dict.fromkeys(week, 7)
    rows = [row(place, event_type=name, objects=NODE) for place, name in enumerate(ages, 1)]
    rows += [row(20, event_type="audit", objects=(link("api-requests", "r"),)), row(21, event_type="other")]
    rows.append(row(22, event_type="forever", objects=NODE))
    await store(database, rows)
    policies = [age_policy(name, days) for name, days in ages.items()]
    policies += [age_policy("api-requests", 1, object_types=("api-requests",)), age_policy("forever", None)]
    clock = Clock()
    some = runner(database, *policies, clock=clock)
    left = []
    for days in (1, 7, 30, 90):
        clock.now = START + days * DAY
        run = await carry_out(some, database)
        assert (run.completed, run.events_removed) == (True, 0)
        clock.now += 100
        run = await carry_out(some, database)
        left.append((outcomes(run), await stored_numbers(database)))
    assert left == [
        ({"api-requests": (1, 1)}, [1, 2, 3, 4, 5, 6, 7, 8, 21, 22]),
        (dict.fromkeys(week, (1, 1)), [1, 2, 3, 4, 5, 6, 21, 22]),
        (dict.fromkeys(month, (1, 1)), [1, 2, 3, 4, 21, 22]),
        (dict.fromkeys(quarter, (1, 1)), [21, 22]),
    ]
    assert await references(database) == {(22, "node")}


@SQLITE
async def test_a_late_spool_and_a_clock_in_1970_lose_nothing_ev8(database: Database) -> None:
    """The age counts from the later of timestamp and arrival."""
    await store(database, [row(1, occurred_at=0), row(2, occurred_at=START + 3 * DAY)], received_at=START)
    clock = Clock(START + 7 * DAY)
    some = runner(database, age_policy("audit", 7), clock=clock)
    left = []
    for day in (7, 8, 10, 11):
        clock.now = START + day * DAY + 1
        await carry_out(some, database)
        left.append(await stored_numbers(database))
    assert left == [[2], [2], [], []]


@EACH_DATABASE
async def test_references_go_at_their_own_ages_and_the_event_with_its_last_r2_r3(database: Database) -> None:
    both = (link("node", "n"), link("instance", "i"))
    await store(database, [row(1, objects=both), row(2, objects=both, severity=4), row(3, objects=both[:1])])
    protecting = Policy("b", "errors", selectors=("severity>=error",), max_age_seconds=None)
    policies = [protecting, age_policy("node", 1, object_types=("node",)), age_policy("audit", 3)]
    clock = Clock(START + 2 * DAY)
    some = runner(database, *policies, clock=clock)
    first = await carry_out(some, database)
    assert (outcomes(first), await references(database)) == (
        {"node": (1, 2)},
        {(1, "instance"), (2, "instance"), (2, "node")},
    )
    clock.now = START + 4 * DAY
    second = await carry_out(some, database)
    assert (outcomes(second), await stored_numbers(database)) == ({"audit": (1, 1)}, [2])
    assert sorted(each.policy_name for each in second.outcomes) == ["audit", "errors", "node"]


@EACH_DATABASE
async def test_the_gateways_own_events_stay_unless_they_are_named_nu5(database: Database) -> None:
    await store(database, [row(1, namespace="timeloom"), row(2)])
    clock = Clock(START + 2 * DAY)
    await carry_out(
        runner(database, age_policy("audit", 1), age_policy("all", 1, event_types=()), clock=clock), database
    )
    assert await stored_numbers(database) == [1]
    own = age_policy("own", 1, namespace="timeloom", event_types=("audit",))
    await carry_out(runner(database, own, clock=clock), database)
    assert await stored_numbers(database) == []


def count_reads(database: Database) -> tuple[list[str], Callable[[], None]]:
    """Collect the statements that read events by batch."""
    seen: list[str] = []

    def see(event: StatementEvent) -> None:
        if "events.batch_key IN" in event.sql:
            seen.append(event.sql)

    return seen, database.observe(see)


@EACH_DATABASE
async def test_a_second_run_does_not_read_again_what_it_keeps_gq4(database: Database) -> None:
    """What a mark is for; a policy that changes has everything looked at again."""
    for number in range(1, 6):
        await store(database, [row(number)], received_at=START + number * DAY)
    clock = Clock(START + 8 * DAY)
    kept = Policy("k", "kept", sources=("host-1",), max_age_seconds=None)
    reads, _ = count_reads(database)
    for policies, expected in (((kept,), 1), ((kept,), 0), ((), 1), ((), 0)):
        reads.clear()
        await carry_out(runner(database, age_policy("audit", 4), *policies, clock=clock), database)
        assert len(reads) == expected
    assert await stored_numbers(database) == [4, 5]
    clock.now += DAY
    reads.clear()
    await carry_out(runner(database, age_policy("audit", 4), clock=clock), database)
    assert (len(reads), await stored_numbers(database)) == (1, [5])


@EACH_DATABASE
async def test_what_comes_late_is_found_behind_the_mark(database: Database) -> None:
    await store(database, [row(1)], received_at=START)
    await store(database, [row(2)], received_at=START + 2 * DAY)
    clock = Clock(START + 4 * DAY)
    some = runner(database, age_policy("audit", 1), clock=clock)
    await carry_out(some, database)
    assert await stored_numbers(database) == []
    await store(database, [row(3)], received_at=START + DAY)
    run = await carry_out(some, database)
    assert (run.events_removed, await stored_numbers(database)) == (1, [])


@EACH_DATABASE
@pytest.mark.parametrize("chunk", [1, 3])
async def test_a_run_that_was_left_is_gone_on_with_by_the_same_cutoff(database: Database, chunk: int) -> None:
    """A crash between two chunks: nothing is counted twice or not at all."""
    for number in range(1, 8):
        await store(database, [row(number, objects=NODE)], received_at=START + number)
    clock = Clock(START + DAY + 6)
    broken = runner(database, age_policy("audit", 1), clock=clock, chunk_events=chunk, observer=Interrupting(Gone()))
    await give_positions(database)
    asked = await broken.request("somebody")
    with pytest.raises(Gone):
        await broken.turn()
    assert len(await stored_numbers(database)) == 7 - chunk
    clock.now += DAY  # who goes on does so by the time at which the run began
    again = runner(database, age_policy("audit", 1), clock=clock, chunk_events=chunk)
    assert (await again.request("another")).run_id == asked.run_id
    assert await again.turn()
    run = await fetch_run(database, asked.run_id)
    assert run is not None
    assert (run.completed, run.events_removed, run.references_removed) == (True, 5, 5)
    assert (await stored_numbers(database), await again.turn()) == ([6, 7], False)


@SQLITE
async def test_a_run_ends_with_its_time_and_the_next_goes_on(database: Database) -> None:
    for number in range(1, 4):
        await store(database, [row(number)], received_at=START + number)
    clock = Clock(START + 2 * DAY)
    run = await carry_out(runner(database, age_policy("audit", 1), clock=clock, budget_seconds=-1), database)
    assert (run.completed, run.events_removed, run.finished_at) == (False, 0, clock.now)
    run = await carry_out(runner(database, age_policy("audit", 1), clock=clock), database)
    assert (run.completed, run.events_removed) == (True, 3)


@EACH_DATABASE
async def test_who_lost_the_lease_writes_nothing(database: Database) -> None:
    for number in range(1, 4):
        await store(database, [row(number)], received_at=START + number)
    clock = Clock(START + 2 * DAY)
    await give_positions(database)
    some = runner(database, age_policy("audit", 1), clock=clock, chunk_events=1)
    run = await some.request("somebody")
    original = some._lease.require

    async def require(connection: Any) -> None:
        # Somebody takes over between two chunks: the first is done, the second must not be.
        if len(await stored_numbers(database)) == 2:
            await connection.execute(update(leases).where(leases.c.name == "retention").values(owner="another"))
        await original(connection)

    some._lease.require = require  # type: ignore[method-assign]
    assert not await some.turn()
    found = await fetch_run(database, run.run_id)
    assert found is not None
    assert (found.events_removed, found.finished_at) == (1, None)
    assert await stored_numbers(database) == [2, 3]


async def mixed_history(database: Database) -> None:
    """Events of every kind of decision: several references, classes, registrations, namespaces, sources."""
    names = ("node", "instance", "api-requests")
    keys = await database.identities.intern_namespaces(["default"])
    ids = [
        (await append_registration(database, keys["default"], "host-1", now=START + number)).uuid for number in range(3)
    ]
    for number in range(1, 61):
        chosen = [name for bit, name in enumerate(names) if number >> bit & 1]
        given = row(
            number,
            event_type=("audit", "status", "usage")[number % 3],
            severity=number % 5,
            namespace=("default", "timeloom", "third")[number % 7 % 3],
            source=f"host-{number % 4}",
            registration_id=ids[number % 3] if number % 4 == 1 else None,
            objects=tuple(link(name, str(number % 5)) for name in chosen),
        )
        await store(database, [given], received_at=START + number * DAY // 4)


MIXED = (
    age_policy("audit", 6),
    age_policy("status", 2),
    age_policy("usage", 4),
    age_policy("api-requests", 1, object_types=("api-requests",)),
    age_policy("pruned", None, sources=("host-1",), prune_registrations=True),
    age_policy("errors", 9, selectors=("severity>=error",)),
    age_policy("nodes", 3, selectors=("object.node~1",), object_types=("node",)),
)


@EACH_DATABASE
async def test_a_dry_run_says_what_the_run_removes_r4(database: Database) -> None:
    """Policy by policy, also when several of them take parts of one event; nothing but its row is written."""
    await mixed_history(database)
    await give_positions(database)
    before = (await stored_numbers(database), await references(database))
    clock = Clock(START + 14 * DAY)
    some = runner(database, *MIXED, clock=clock, chunk_events=7)
    preview = await some.preview("somebody")
    assert (preview.completed, preview.dry_run, preview.requested_by) == (True, True, "somebody")
    assert (await stored_numbers(database), await references(database)) == before
    async with database.reading() as connection:
        assert (await connection.execute(select(retention_marks.c.mark))).all() == []
    run = await carry_out(some, database)
    assert run.outcomes == preview.outcomes
    assert len(outcomes(run)) == len(MIXED)
    after = await some.preview("somebody")
    assert (outcomes(after), len(after.outcomes)) == ({}, len(MIXED))


@EACH_DATABASE
async def test_registrations_are_pruned_by_policy_hz4(database: Database) -> None:
    """What belongs to an earlier registration of a matching source goes whatever its age; all else stays."""
    keys = await database.identities.intern_namespaces(["default"])
    made = {
        name: [(await append_registration(database, keys["default"], name, now=START)).uuid for _ in range(3)]
        for name in ("host-1", "host-2")
    }
    rows = [row(number, source="host-1", registration_id=made["host-1"][number - 1]) for number in (1, 2, 3)]
    rows += [row(4, source="host-1"), row(5, source="host-2", registration_id=made["host-2"][0])]
    await store(database, rows)
    clock = Clock(START + 1)
    run = await carry_out(
        runner(database, age_policy("p", None, sources=("host-1*",), prune_registrations=True), clock=clock), database
    )
    assert (outcomes(run), await stored_numbers(database)) == ({"p": (2, 0)}, [3, 4, 5])


@EACH_DATABASE
async def test_a_run_leaves_an_event_that_tells_of_it(database: Database) -> None:
    await store(database, [row(1, objects=NODE)])
    clock = Clock(START + 2 * DAY)
    run = await carry_out(runner(database, age_policy("audit", 1), age_policy("usage", 1), clock=clock), database)
    assert await audited(database) == [
        (
            "prune",
            {
                "run": run.run_id,
                "completed": True,
                "error": None,
                "seconds": 0.0,
                "events": 1,
                "references": 1,
                "archived": 0,
                "folded": 0,
                "policies": {
                    "setting:audit": {"name": "audit", "events": 1, "references": 1},
                    "setting:usage": {"name": "usage", "events": 0, "references": 0},
                },
            },
        )
    ]
    async with database.reading() as connection:
        removed = [await fetch_removed_before(connection, None, types) for types in (None, ["audit"], ["usage"])]
    assert removed == [START + DAY, START + DAY, None]


@SQLITE
async def test_it_runs_by_its_schedule_once_for_all_slots_that_were_missed(database: Database) -> None:
    """GQ4: 03:00; a new store waits for its first slot; a clock that is set back is followed."""
    clock = Clock(START)
    some = runner(database, clock=clock)
    assert not await some.turn()
    assert await some.next_run_at() == START + 3 * DAY // 24
    began = []
    for hours in (2, 3, 4, 26, 27, 127, 128, -48, -21, -20):
        clock.now = START + hours * DAY // 24
        if await some.turn():
            began.append(hours)
    assert began == [3, 27, 127, -21]
    runs = await fetch_runs(database, size=10)
    assert {(run.requested_by, run.completed) for run in runs} == {(None, True)}


@SQLITE
async def test_how_late_it_is(database: Database) -> None:
    """GQ4: since when a run is due, and how far what was not looked at lies beyond its limit."""
    for day in range(4):
        await store(database, [row(day + 1)], received_at=START + day * DAY)
    clock = Clock(START)
    some = runner(database, age_policy("audit", 1), clock=clock)
    await some.turn()
    clock.now = START + DAY * 5 // 4
    assert await some.lateness() == (27 * 3_600, 0)
    assert await some.turn()
    assert await some.lateness() == (0, 0)
    clock.now = START + 4 * DAY
    assert await some.lateness() == (45 * 3_600, 2 * 86_400)


@EACH_DATABASE
async def test_a_policy_that_is_changed_meanwhile_holds_at_once(database: Database) -> None:
    """Whoever protects events does not have to wait for the run to end."""
    for number in range(1, 5):
        await store(database, [row(number)], received_at=START + number)
    await give_positions(database)
    clock = Clock(START + 2 * DAY)
    changes = PolicyChanges(database, actor="ann", clock=clock, has_archive=False)
    policy = await changes.create({"name": "short", "max_age_seconds": 60})
    some = runner(database, clock=clock, chunk_events=1)
    original, done = some._lease.require, False

    async def require(connection: Any) -> None:
        nonlocal done
        if not done and len(await stored_numbers(database)) == 2 and database.dialect_name == "mariadb":
            done = True
            await changes.update(policy.id, {"max_age_seconds": None})
        await original(connection)

    some._lease.require = require  # type: ignore[method-assign]
    if database.dialect_name == "sqlite":  # one writer: it changes between two chunks
        observer = Interrupting(Gone())
        some = runner(database, clock=clock, chunk_events=2, observer=observer)
        run = await some.request("somebody")
        with pytest.raises(Gone):
            await some.turn()
        await changes.update(policy.id, {"max_age_seconds": None})
    else:
        run = await some.request("somebody")
    assert await some.turn()
    found = await fetch_run(database, run.run_id)
    assert found is not None
    assert (found.completed, found.events_removed, await stored_numbers(database)) == (True, 2, [3, 4])


@SQLITE
async def test_events_are_archived_before_they_go_nu8(database: Database, tmp_path: Path) -> None:
    await store(database, [row(1, objects=NODE), row(2, event_type="status")])
    clock = Clock(START + 2 * DAY)
    policies = (age_policy("audit", 1, archive=True), age_policy("status", 1))
    run = await carry_out(runner(database, *policies, clock=clock), database)
    assert (run.error, outcomes(run), await stored_numbers(database)) == (
        "nothing was removed by audit: archive is set there, and TIMELOOM_ARCHIVE_URL says nowhere where to",
        {"status": (1, 0)},
        [1],
    )
    archive = Archive(str(tmp_path))
    run = await carry_out(runner(database, *policies, clock=clock, archive=archive), database)
    assert (run.error, outcomes(run), run.archived, await stored_numbers(database)) == (None, {"audit": (1, 1)}, 1, [])
    [file] = archive.files()
    assert file.manifest is not None
    assert (file.manifest.run, file.manifest.policy.name, file.manifest.counts.events) == (run.run_id, "audit", 1)


@SQLITE
async def test_nothing_goes_as_long_as_the_archive_cannot_be_written(database: Database, tmp_path: Path) -> None:
    await store(database, [row(1)])
    (tmp_path / "file").write_text("no directory")
    archive = Archive(str(tmp_path / "file"))
    clock = Clock(START + 2 * DAY)
    run = await carry_out(
        runner(database, age_policy("audit", 1, archive=True), clock=clock, archive=archive), database
    )
    assert (run.completed, await stored_numbers(database)) == (False, [1])
    assert "TIMELOOM_ARCHIVE_URL" in (run.error or "")


@SQLITE
async def test_a_clock_that_is_ahead_of_the_database_removes_nothing(database: Database) -> None:
    await store(database, [row(1)])
    clock = Clock(START + 20_000 * DAY)
    run = await carry_out(runner(database, age_policy("audit", 1), clock=clock, max_ahead_seconds=600), database)
    assert (run.completed, await stored_numbers(database)) == (False, [1])
    assert "ahead of the database's" in (run.error or "")


@SQLITE
async def test_a_dry_run_whose_gateway_went_away_is_ended(database: Database) -> None:
    clock = Clock()
    some = runner(database, clock=clock)
    some._count = lambda run: wait_until(lambda: False)  # type: ignore[method-assign]
    run = await some.preview("somebody")
    assert run.finished_at is None
    clock.now += DAY
    assert not await runner(database, clock=clock).turn()
    assert await fetch_unfinished(database) == []
    for task in some._previews:
        task.cancel()


@pytest.mark.parametrize("backend", ["aiomysql"])
async def test_a_chunk_locks_no_more_than_its_rows(
    database: Database, mariadb_server: MariaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows locked per chunk, as InnoDB counts them: events, references and their index entries of one chunk."""
    for batch in range(8):
        rows = [row(batch * 100 + number, objects=NODE) for number in range(1, 101)]
        await store(database, rows, received_at=START + batch)
    await give_positions(database)
    clock = Clock(START + 2 * DAY)
    some = runner(database, age_policy("audit", 1), clock=clock, chunk_events=50)
    locked: list[int] = []

    async def counted(transaction: Any, run_id: str, progress: Progress) -> RunRecord:
        thread = (await transaction.execute(text("SELECT CONNECTION_ID()"))).scalar_one()
        sql = f"SELECT trx_rows_locked FROM information_schema.innodb_trx WHERE trx_mysql_thread_id = {thread}"
        if progress.outcomes[0].events:
            locked.append(mariadb_server.execute(sql)[0][0])
        return await add_progress(transaction, run_id, progress)

    monkeypatch.setattr(turns, "add_progress", counted)
    await some.request("somebody")
    assert await some.turn()
    assert (await stored_numbers(database), len(locked)) == ([], 16)
    # The event by its key, its reference by that and by the index of events; the lease; what stands beside them.
    assert max(locked) <= 50 * 3 + 20
