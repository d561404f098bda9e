"""Groups: small batches that come at the same time share a transaction, and nothing else (EV2, L1)."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from storage import groups
from storage.appends import AppendOutcome, Batch, EventRow, append_batches
from storage.engine import Database, StatementEvent
from storage.errors import StorageError, StorageUnavailableError
from storage.groups import append_grouped
from storage.tables import event_count_deltas, events, ingest_batches
from tests.storage.histories import START, event_id, link, row, store
from tests.waiting import wait_until

ACCEPTED, DUPLICATE, CONFLICT = AppendOutcome.ACCEPTED, AppendOutcome.DUPLICATE, AppendOutcome.CONFLICT
OTHER = b"other content 16"


async def _append(database: Database, *rows: EventRow, received_at: int = START) -> list[AppendOutcome]:
    return await append_grouped(database, rows, received_at=received_at)


async def _together(database: Database, *batches: Sequence[EventRow]) -> list[Any]:
    """Append batches at the same moment, so that the first group takes them all."""
    return await asyncio.gather(*(_append(database, *batch) for batch in batches), return_exceptions=True)


async def _rows(database: Database, statement: Any) -> list[tuple[Any, ...]]:
    async with database.reading() as connection:
        return [tuple(each) for each in await connection.execute(statement)]


def _inserts(seen: Sequence[StatementEvent], table: str) -> int:
    return sum(each.sql.startswith(f"INSERT INTO {table} ") for each in seen)


async def test_batches_of_one_moment_are_one_transaction(database: Database) -> None:
    """Each caller gets the outcomes of its own rows, in their order."""
    await store(database, [row(3, objects=(link("node", "n"),))])
    seen: list[StatementEvent] = []
    database.observe(seen.append)
    outcomes = await _together(
        database,
        [row(1, objects=(link("node", "n"),)), row(2)],
        [],
        [
            row(3, content_hash=OTHER),
            row(4),
            row(3, objects=(link("node", "n"),), content_hash=(3).to_bytes(16, "big")),
        ],
        *([row(number)] for number in range(5, 21)),
    )
    assert outcomes == [[ACCEPTED, ACCEPTED], [], [CONFLICT, ACCEPTED, DUPLICATE], *([[ACCEPTED]] * 16)]
    assert [_inserts(seen, table) for table in ("ingest_batches", "events", "event_objects")] == [1, 1, 1]
    assert await _rows(database, select(func.count()).select_from(events)) == [(20,)]
    assert sorted(await _rows(database, select(ingest_batches.c.event_count))) == [(1,), (19,)]
    assert await _rows(database, select(func.sum(event_count_deltas.c.event_rows))) == [(20,)]


async def test_a_batch_that_comes_alone_waits_for_nobody(database: Database) -> None:
    assert await _append(database, row(1)) == [ACCEPTED]
    assert await _append(database, row(1)) == [DUPLICATE]
    assert await _rows(database, select(func.count()).select_from(ingest_batches)) == [(1,)]


async def test_the_first_of_equal_ids_in_two_batches_decides(database: Database) -> None:
    """EV2: as if the batches had come one after the other."""
    outcomes = await _together(database, [row(1)], [row(1), row(2)], [row(1, content_hash=OTHER), row(2)])
    assert outcomes == [[ACCEPTED], [DUPLICATE, ACCEPTED], [CONFLICT, DUPLICATE]]


async def test_rows_keep_when_their_own_batch_arrived(database: Database) -> None:
    day = 86_400_000_000
    arrivals = {1: START + 7, 2: START + day, 3: START}
    await asyncio.gather(*(_append(database, row(number), received_at=at) for number, at in arrivals.items()))
    stored = select(events.c.id, events.c.received_at).order_by(events.c.id)
    assert await _rows(database, stored) == [(event_id(number), at) for number, at in arrivals.items()]
    assert await _rows(database, select(ingest_batches.c.received_at)) == [(START,)]  # the earliest
    deltas = select(event_count_deltas.c.arrival_day, event_count_deltas.c.event_rows)
    assert sorted(await _rows(database, deltas)) == [(START // day, 2), (START // day + 1, 1)]


@pytest.mark.parametrize("name", ["x" * 65, "\ud800"], ids=["too long for its column", "lone surrogate"])
async def test_a_batch_that_the_database_refuses_costs_the_others_nothing(name: str, database: Database) -> None:
    """Validation lets neither pass; should it ever, only that batch fails."""
    good = [[row(number)] for number in range(1, 8)]
    outcomes = await _together(database, *good[:3], [row(99, event_type=name), row(98)], *good[3:])
    refused = outcomes.pop(3)
    if database.dialect_name == "sqlite" and len(name) == 65:
        assert refused == [ACCEPTED, ACCEPTED]  # it knows no lengths
    else:
        assert isinstance(refused, (StorageError, UnicodeEncodeError))
        assert await _rows(database, select(func.count()).select_from(events)) == [(7,)]
    assert outcomes == [[ACCEPTED]] * 7


async def test_a_database_that_is_gone_is_told_to_everybody_at_once(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trying each batch alone would only make all of them wait."""
    nowhere = (
        database.url.set(port=1) if database.dialect_name == "mariadb" else database.url.set(database=str(tmp_path))
    )
    gone = await Database.open(nowhere.render_as_string(hide_password=False), check_revision=False)
    tries: list[int] = []

    async def counted(database: Database, batches: Sequence[Batch]) -> list[AppendOutcome]:
        tries.append(len(batches))
        return await append_batches(database, batches)

    monkeypatch.setattr(groups, "append_batches", counted)
    outcomes = await _together(gone, [row(1)], [row(2)], [row(3)])
    assert [type(each) for each in outcomes] == [StorageUnavailableError] * 3
    assert tries == [3]
    await gone.close()


class _Held:
    """Transactions of a database that begin and then wait to be let go."""

    def __init__(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go = asyncio.Event()
        self.begun = 0
        write = database.write

        async def held(work: Any, *, name: str) -> Any:
            self.begun += 1
            await self.go.wait()
            return await write(work, name=name)

        monkeypatch.setattr(database, "write", held)


@pytest.fixture
async def held(database: Database, monkeypatch: pytest.MonkeyPatch) -> _Held:
    """The names are known already, so that every write is one of events."""
    await store(database, [row(1)])
    return _Held(database, monkeypatch)


async def test_batches_that_come_meanwhile_are_the_next_group(database: Database, held: _Held) -> None:
    at_once = groups._GROUPS_AT_ONCE[database.dialect_name]
    first = []
    for number in range(at_once):
        first.append(asyncio.create_task(_append(database, row(10 + number))))
        await wait_until(lambda: held.begun == len(first))
    later = [asyncio.create_task(_append(database, row(number))) for number in range(20, 30)]
    await asyncio.sleep(0)
    assert held.begun == at_once
    held.go.set()
    assert await asyncio.gather(*first, *later) == [[ACCEPTED]] * (at_once + 10)
    # Where two groups go at once, the next may have its batch before the second of them has.
    counts = select(ingest_batches.c.event_count).order_by(ingest_batches.c.event_count)
    assert await _rows(database, counts) == [(1,)] * (1 + at_once) + [(10,)]


async def test_who_is_cancelled_while_waiting_has_stored_nothing(database: Database, held: _Held) -> None:
    first = [asyncio.create_task(_append(database, row(10 + n))) for n in range(3)]
    await wait_until(lambda: held.begun == 1)
    others = []
    if database.dialect_name == "mariadb":
        others = [asyncio.create_task(_append(database, row(15)))]
        await wait_until(lambda: held.begun == 2)
    waiting = [asyncio.create_task(_append(database, row(number))) for number in (20, 21, 22)]
    await asyncio.sleep(0)
    waiting[1].cancel()
    held.go.set()
    results = await asyncio.gather(*first, *others, *waiting, return_exceptions=True)
    assert isinstance(results.pop(-2), asyncio.CancelledError)
    assert results == [[ACCEPTED]] * (5 + len(others))
    assert await _rows(database, select(events.c.id).where(events.c.id == event_id(21))) == []


async def test_who_is_cancelled_in_the_middle_takes_nobody_along(database: Database, held: _Held) -> None:
    """The transaction is carried through, so that no doubt is left that could be avoided."""
    group = [asyncio.create_task(_append(database, row(number))) for number in (10, 11, 12)]
    await wait_until(lambda: held.begun == 1)
    group[0].cancel()
    held.go.set()
    results = await asyncio.gather(*group, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert results[1:] == [[ACCEPTED], [ACCEPTED]]
    assert await _append(database, row(10)) == [DUPLICATE]


async def test_large_batches_go_alone_and_groups_stay_within_their_limit(database: Database) -> None:
    """A group's statements and locks stay small, whatever comes at once."""
    large = [row(number, message="m" * 60_000) for number in (1, 2)]
    middling = [[row(number, message="m" * 60_000)] for number in range(10, 30)]
    outcomes = await _together(database, large, *middling)
    assert outcomes == [[ACCEPTED, ACCEPTED], *([[ACCEPTED]] * 20)]
    sizes = sorted(size for (size,) in await _rows(database, select(ingest_batches.c.event_count)))
    assert sizes == ([2, 4, 16] if database.dialect_name == "sqlite" else sizes)
    assert max(sizes) == 16
    assert sum(sizes) == 22


async def test_batches_from_many_callers_are_stored_once(database: Database) -> None:
    """EV2: exactly one ACCEPTED for each id, whoever meets whom in a group."""

    async def call(caller: int) -> list[AppendOutcome]:
        return [(await _append(database, row(1 + (caller + step) % 20)))[0] for step in range(20)]

    outcomes = [each for caller in await asyncio.gather(*(call(number) for number in range(12))) for each in caller]
    assert outcomes.count(ACCEPTED) == 20
    assert outcomes.count(DUPLICATE) == 12 * 20 - 20
    assert await _rows(database, select(func.count()).select_from(events)) == [(20,)]
