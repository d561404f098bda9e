"""Repeats become one row with a count, and nothing that anything refers to does (EV11)."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mutations.archives import Archive
from mutations.compaction import Compaction, _Folder
from mutations.policies import Policy
from mutations.restoring import RestoreReport
from mutations.retention import RetentionOptions, RetentionRunner
from storage.appends import AppendOutcome, EventRow, append_batch
from storage.archive_rows import WholeEvent, read_whole_events
from storage.counts import CountFolder
from storage.engine import Database
from storage.errors import StorageUnavailableError
from storage.folding import fetch_events_of_repeat
from storage.positions import Sequencer
from storage.removals import delete_references, lock_events, lock_references
from storage.retention_runs import RunRecord, fetch_runs
from storage.scopes import EVERYTHING
from storage.tables import (
    deleted_ids,
    event_count_deltas,
    event_day_counts,
    event_objects,
    folded_ids,
    retention_runs,
)
from storage.times import MICROSECONDS_PER_DAY, MICROSECONDS_PER_MINUTE
from tests.mutations.archiving import archive, as_returned, every_event, every_place, remove, restore
from tests.storage.histories import START, event_id, link, row, store

EACH_DATABASE = pytest.mark.parametrize("backend", ["sqlite", "aiomysql"])
ON_SQLITE = pytest.mark.parametrize("backend", ["sqlite"])
HORIZON_DAYS = 30
NOW = START + (HORIZON_DAYS + 2) * MICROSECONDS_PER_DAY
COMPACT = Policy(id="compact", name="compact", event_types=("health",), compact_repeats=True)


def beat(number: int, minute: int | None = None, **given: Any) -> EventRow:
    """A heartbeat; `minute` of the day, by its number when left out."""
    values: dict[str, Any] = {"event_type": "health", "message": "alive", "objects": (link("node", "n-1"),)}
    at = START + (number if minute is None else minute) * MICROSECONDS_PER_MINUTE
    return row(number, **(values | {"occurred_at": at} | given))


async def compact(
    database: Database, *policies: Policy, now: int = NOW, chunk: int | None = None, into: Archive | None = None
) -> RunRecord:
    """Let retention run once, by these policies alone, and give the run."""
    if database.dialect_name == "mariadb":
        sequencer = Sequencer(database)
        await sequencer.turn()
        await sequencer._lease.release()
    runner = RetentionRunner(
        database,
        policies or (COMPACT,),
        clock=lambda: now,
        options=RetentionOptions(chunk_events=chunk),
        archive=into,
        phases=[Compaction(resend_horizon_seconds=HORIZON_DAYS * 86_400).turn],
    )
    await runner.request("ann")
    assert await runner.turn()
    [run, *_] = await fetch_runs(database, size=1)
    assert run.completed
    return run


def outline(found: list[WholeEvent]) -> list[tuple[str, int]]:
    """Id and count of each event."""
    return [(event.row.id, event.repeat_count) for event in found]


async def day_sums(database: Database) -> dict[int, tuple[int, int]]:
    """Rows and occurrences by day, of heartbeats, folded or waiting."""
    await CountFolder(database).turn()
    found: dict[int, tuple[int, int]] = {}
    for table in (event_day_counts, event_count_deltas):
        sums = (func.sum(table.c.event_rows), func.sum(table.c.occurrences))
        statement = select(table.c.minute, *sums).where(table.c.event_type == "health").group_by(table.c.minute)
        async with database.reading() as connection:
            for minute, rows, occurrences in await connection.execute(statement):
                known = found.get(minute // 1_440, (0, 0))
                found[minute // 1_440] = (known[0] + int(rows), known[1] + int(occurrences))
    return found


async def count(database: Database, table: Any) -> int:
    async with database.reading() as connection:
        return int((await connection.execute(select(func.count()).select_from(table))).scalar_one())


@EACH_DATABASE
async def test_the_heartbeats_of_a_day_become_one_row(database: Database) -> None:
    """EV11: the earliest stays with how many, when last, and the latest arrival; sums of the day stay the same."""
    first_day = [beat(number) for number in range(1, 6)]
    await store(database, first_day[::-1], received_at=START + 10)
    await store(
        database, [beat(6), beat(7, 1_440), beat(8, 1_441), beat(9, message="not well")], received_at=START + 20
    )
    day = START // MICROSECONDS_PER_DAY
    before = await day_sums(database)
    assert before == {day: (7, 7), day + 1: (2, 2)}
    run = await compact(database)
    assert (run.folded, run.events_removed) == (6, 0)
    [first, other_day, other] = await every_event(database)
    assert outline([first, other_day, other]) == [(event_id(1), 6), (event_id(7), 2), (event_id(9), 1)]
    assert first.row == first_day[0]
    assert (first.received_at, first.last_occurred_at) == (START + 20, START + 6 * MICROSECONDS_PER_MINUTE)
    assert [each.id for each in first.folded] == [event_id(number) for number in range(2, 7)]
    assert await day_sums(database) == {day: (2, 7), day + 1: (1, 2)}
    assert (await count(database, event_objects), await count(database, deleted_ids)) == (3, 0)
    assert (await compact(database)).folded == 0


LEFT_ALONE: dict[str, Callable[[int, int], list[EventRow]]] = {
    "parent": lambda a, b: [beat(a), beat(b, parent_id=event_id(999))],
    "child": lambda a, b: [beat(a), beat(b), row(b + 1, parent_id=event_id(b))],
    "child of the earliest": lambda a, b: [beat(a), beat(b), row(b + 1, parent_id=event_id(a))],
    "correlation": lambda a, b: [beat(a, correlation_id="c"), beat(b, correlation_id="c")],
    "request": lambda a, b: [beat(a, request_id="r"), beat(b, request_id="r")],
    "trace": lambda a, b: [beat(a, trace_id="t"), beat(b, trace_id="t")],
    "registration": lambda a, b: [beat(a, registration_id=event_id(9)), beat(b, registration_id=event_id(9))],
    "message": lambda a, b: [beat(a), beat(b, message="alive ")],
    "extra": lambda a, b: [beat(a, extra='{"n":1.0}'), beat(b, extra='{"n":1.00}')],
    "duration": lambda a, b: [beat(a, duration_ms=0.0), beat(b)],
    "success": lambda a, b: [beat(a, success=True), beat(b)],
    "span": lambda a, b: [beat(a, span_id="s"), beat(b)],
    "namespace": lambda a, b: [beat(a), beat(b, namespace="payments")],
    "readers": lambda a, b: [beat(a, readers=()), beat(b)],
    "objects": lambda a, b: [beat(a), beat(b, objects=(link("node", "n-2"),))],
    "role": lambda a, b: [beat(a), beat(b, objects=(link("node", "n-1", role="host"),))],
    "no objects": lambda a, b: [beat(a), beat(b, objects=())],
    "day": lambda a, b: [beat(a, 1_439), beat(b, 1_440)],
    "age": lambda a, b: [beat(a, 2 * 1_440), beat(b, 2 * 1_440 + 1)],
    "policy": lambda a, b: [beat(a, event_type="audit"), beat(b, event_type="audit")],
    "policy of a reference": lambda a, b: [beat(n, objects=(link("node", "n"), link("disk", "d"))) for n in (a, b)],
}


@EACH_DATABASE
async def test_what_is_left_alone(database: Database) -> None:
    """EV11: whatever refers to an event, whatever differs, whatever is too young, whatever another policy decides."""
    rows = [
        each._replace(source=reason)
        for number, reason in enumerate(LEFT_ALONE)
        for each in LEFT_ALONE[reason](number * 10 + 1, number * 10 + 2)
    ]
    await store(database, rows)
    await store(database, [beat(500), beat(501, source="host-2")])
    await store(database, [beat(502, source="host-3"), beat(503, source="host-3")], received_at=NOW)
    before = await every_event(database)
    keep_disks = Policy(id="disks", name="disks", object_types=("disk",))
    assert (await compact(database, COMPACT, keep_disks)).folded == 0
    assert await every_event(database) == before


@EACH_DATABASE
async def test_an_id_that_was_folded_is_still_known(database: Database) -> None:
    """EV11, EV2: it answers with the row it is in; a resend is DUPLICATE, with other content CONFLICT."""
    await store(database, [beat(1), beat(2), beat(3)])
    await compact(database)
    [found] = await fetch_events_of_repeat(database, event_id(3), scope=EVERYTHING, fields=("message",))
    assert (found.id, found.message) == (event_id(1), "alive")
    resent = [beat(2), beat(3, content_hash=b"x" * 16), beat(1), beat(4)]
    assert await append_batch(database, resent, received_at=NOW) == [
        *(AppendOutcome.DUPLICATE, AppendOutcome.CONFLICT),
        *(AppendOutcome.DUPLICATE, AppendOutcome.ACCEPTED),
    ]


@EACH_DATABASE
async def test_deleting_the_row_that_stays_deletes_all_that_is_in_it(database: Database) -> None:
    """EV11: and their ids are remembered like any deleted id."""
    await store(database, [beat(1), beat(2), beat(3)])
    await compact(database)
    await remove(database, await every_place(database), now=NOW)
    assert (await count(database, folded_ids), await count(database, deleted_ids)) == (0, 3)
    assert set((await day_sums(database)).values()) <= {(0, 0)}
    assert await append_batch(database, [beat(2)], received_at=NOW) == [AppendOutcome.DELETED]


@ON_SQLITE
async def test_later_portions_fold_into_rows_of_earlier_ones(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """EV11: also an earlier event that comes late, as long as nothing was folded into the later one."""
    monkeypatch.setattr("mutations.compaction._PORTION_EVENTS", 1)
    await store(database, [beat(5)], received_at=START + 1)
    await store(database, [beat(3)], received_at=START + 2)
    await store(database, [beat(7)], received_at=START + 3)
    await store(database, [beat(1)], received_at=START + 4)
    assert (await compact(database)).folded == 2
    # 5 went into 3, and 7 after it; 1 is earlier than a row that has repeats, and stays by itself.
    assert outline(await every_event(database)) == [(event_id(1), 1), (event_id(3), 3)]


@ON_SQLITE
async def test_few_whole_events_are_in_memory_at_the_same_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NU8: each may hold a megabyte, at the look and in a chunk."""
    read, sizes = read_whole_events, []

    async def look(connection: Any, identities: Any, places: Any, **given: Any) -> Any:
        sizes.append(len(places))
        return await read(connection, identities, places, **given)

    monkeypatch.setattr("mutations.compaction.read_whole_events", look)
    monkeypatch.setattr("storage.archive_rows.read_whole_events", look)
    await store(database, [beat(number) for number in range(1, 451)])
    assert (await compact(database)).folded == 449
    assert sizes == [200, 200, 50] * 2


@ON_SQLITE
async def test_a_row_with_repeats_is_never_folded_into_another(database: Database) -> None:
    """EV11: no chains, so that every folded id names the row it is in."""
    await store(database, [beat(2), beat(3)])
    await compact(database)
    await store(database, [beat(1), beat(4)], received_at=START)
    assert (await compact(database, COMPACT, Policy(id="other", name="other"))).folded == 1
    assert outline(await every_event(database)) == [(event_id(1), 1), (event_id(2), 3)]


@EACH_DATABASE
async def test_what_was_decided_is_decided_again_about_locked_rows(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """EV11: a child, a deletion and a forgotten object that come between the look and the chunk."""
    await store(database, [beat(number) for number in range(1, 6)])
    write = _Folder._write
    places = await every_place(database)

    async def forget_a_node(connection: AsyncConnection) -> None:
        references = await lock_references(connection, await lock_events(connection, [places[2]]))
        await delete_references(connection, references[places[2]])

    async def write_late(self: _Folder, *arguments: Any) -> None:
        monkeypatch.setattr(_Folder, "_write", write)
        await remove(database, [places[1]])
        await database.write(forget_a_node, name="an object that is forgotten")
        await store(database, [row(50, parent_id=event_id(4))])
        await write(self, *arguments)

    monkeypatch.setattr(_Folder, "_write", write_late)
    assert (await compact(database)).folded == 1
    assert outline(await every_event(database)) == [
        *((event_id(1), 2), (event_id(3), 1), (event_id(4), 1), (event_id(50), 1)),
    ]


@EACH_DATABASE
async def test_a_run_that_broke_off_between_chunks_is_gone_on_with(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """EV11, GQ4: whoever gets the lease folds the rest; the run's row says how many in all."""
    await store(database, [beat(number) for number in range(1, 7)])
    write, turns = _Folder._write, iter(range(10))

    async def write_once(self: _Folder, *arguments: Any) -> None:
        if next(turns) == 1:
            raise StorageUnavailableError("gone")
        await write(self, *arguments)

    with monkeypatch.context() as broken:
        broken.setattr(_Folder, "_write", write_once)
        with pytest.raises(StorageUnavailableError):
            await compact(database, chunk=2)
    assert outline(await every_event(database))[0] == (event_id(1), 3)
    assert (await compact(database, chunk=2)).folded == 5
    assert outline(await every_event(database)) == [(event_id(1), 6)]
    assert await count(database, retention_runs) == 1


@EACH_DATABASE
async def test_repeats_are_archived_before_they_are_folded(database: Database, tmp_path: Path) -> None:
    """NU8, EV11: where the policy archives; without an archive nothing is folded. All come back as the one row."""
    archiving = replace(COMPACT, archive=True)
    await store(database, [beat(number) for number in range(1, 5)])
    assert (await compact(database, archiving)).folded == 0
    kept = Archive(str(tmp_path))
    run = await compact(database, archiving, into=kept)
    assert (run.folded, run.archived) == (3, 3)
    [file] = kept.files()
    assert file.manifest is not None
    assert file.manifest.counts.events == 3
    before = await every_event(database)
    assert outline(before) == [(event_id(1), 4)]
    assert await restore(database, kept) == RestoreReport(files=1, present=3)
    await archive(database, kept)
    assert (await restore(database, kept)).restored == 1
    assert await every_event(database) == [as_returned(event) for event in before]
