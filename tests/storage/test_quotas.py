"""Quotas: events of a namespace per day of arrival; what is beyond is deferred, and costs the others nothing (EV10)."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import func, select

from storage.appends import AppendOutcome, Batch, EventRow, append_batches
from storage.counts import CountFolder
from storage.engine import Database
from storage.groups import append_grouped
from storage.quotas import NO_QUOTAS, ArrivalDay, Quotas, build_arrivals
from storage.tables import deleted_ids, events
from storage.times import MICROSECONDS_PER_DAY
from tests.storage.examined import explain, used_indexes
from tests.storage.histories import START, event_id, row

EACH_DATABASE = pytest.mark.parametrize("backend", ["sqlite", "aiomysql"])
ACCEPTED, DEFERRED = AppendOutcome.ACCEPTED, AppendOutcome.DEFERRED
DUPLICATE, CONFLICT, DELETED = AppendOutcome.DUPLICATE, AppendOutcome.CONFLICT, AppendOutcome.DELETED
THREE = Quotas(None, {"default": 3})


async def append(
    database: Database, *rows: EventRow, quotas: Quotas = THREE, at: int = START
) -> Sequence[AppendOutcome]:
    return await append_batches(database, [Batch(rows, at, quotas)])


async def stored_rows(database: Database) -> int:
    async with database.reading() as connection:
        return int((await connection.execute(select(func.count()).select_from(events))).scalar_one())


@EACH_DATABASE
async def test_what_is_beyond_the_quota_is_deferred_in_the_order_of_the_batch(database: Database) -> None:
    """EV10: for that namespace only; the next day (UTC) begins anew."""
    sent = [row(9), row(8), row(7, namespace="lab"), row(6), row(5), row(4, namespace="lab")]
    assert await append(database, *sent) == [ACCEPTED, ACCEPTED, ACCEPTED, ACCEPTED, DEFERRED, ACCEPTED]
    assert await append(database, row(5), row(3, namespace="lab")) == [DEFERRED, ACCEPTED]
    assert await append(database, row(5), at=START + MICROSECONDS_PER_DAY - 1) == [DEFERRED]
    assert await append(database, row(5), at=START + MICROSECONDS_PER_DAY) == [ACCEPTED]
    assert await stored_rows(database) == 7


@EACH_DATABASE
async def test_only_what_is_stored_counts(database: Database) -> None:
    """EV2, I4: duplicates, conflicts and deleted ids keep their answers, whatever is left of the day."""
    await database.identities.intern_namespaces(["default"])
    keys = await database.identities.namespace_keys(["default"])
    gone = {"id": event_id(50), "namespace_key": keys["default"], "deleted_at": START}

    async def delete_one(connection: Any) -> None:
        await connection.execute(deleted_ids.insert(), gone)

    await database.write(delete_one, name="a deleted id")
    assert await append(database, row(1), row(2), row(1)) == [ACCEPTED, ACCEPTED, DUPLICATE]
    changed = row(2, content_hash=b"x" * 16)
    assert await append(database, row(1), changed, row(50), row(3), row(4)) == [
        *(DUPLICATE, CONFLICT, DELETED, ACCEPTED, DEFERRED)
    ]
    assert await append(database, row(1), changed, row(50), row(4)) == [DUPLICATE, CONFLICT, DELETED, DEFERRED]


@EACH_DATABASE
async def test_a_repeat_of_a_deferred_event_is_deferred_too(database: Database) -> None:
    """I1, SP3: nothing is stored under that id, so nobody may be told that it is there."""
    repeat = row(2, content_hash=b"x" * 16)
    quotas = Quotas(1)
    assert await append(database, row(1), row(2), row(2), repeat, quotas=quotas) == [ACCEPTED, *[DEFERRED] * 3]


@EACH_DATABASE
async def test_arrivals_count_folded_or_not(database: Database) -> None:
    """A quota of 0 takes nothing; a quota of the namespace stands before the general one, also when it is none."""
    assert await append(database, row(1), row(2)) == [ACCEPTED, ACCEPTED]
    assert await CountFolder(database).turn() == 1
    assert await append(database, row(3), row(4)) == [ACCEPTED, DEFERRED]
    assert await append(database, row(4), quotas=Quotas(0)) == [DEFERRED]
    assert await append(database, row(4), quotas=Quotas(0, {"default": None})) == [ACCEPTED]


@EACH_DATABASE
async def test_small_batches_that_come_together_each_keep_their_answers(database: Database) -> None:
    """Decision 18: as if they had come one after the other; who has no quota is not held to another's."""
    batches = [([row(number * 10 + place) for place in range(2)], THREE) for number in range(1, 4)]
    batches.append(([row(99)], NO_QUOTAS))
    answers = await asyncio.gather(
        *(append_grouped(database, rows, received_at=START, quotas=quotas) for rows, quotas in batches)
    )
    assert answers[-1] == [ACCEPTED]
    assert [len(answer) for answer in answers] == [2, 2, 2, 1]
    told = [outcome for answer in answers[:-1] for outcome in answer]
    assert (told.count(ACCEPTED), told.count(DEFERRED)) == (3, 3)
    assert await stored_rows(database) == 4


@EACH_DATABASE
async def test_batches_at_the_same_time_exceed_a_quota_by_what_is_under_way_at_most(database: Database) -> None:
    """Each transaction reads what was committed before it; SQLite has one writer, so that nothing is over there."""
    racing = [append(database, *(row(number * 10 + place) for place in range(2))) for number in range(1, 5)]
    told = [outcome for answer in await asyncio.gather(*racing) for outcome in answer]
    accepted = told.count(ACCEPTED)
    assert accepted == await stored_rows(database)
    assert accepted == 3 if database.dialect_name == "sqlite" else 3 <= accepted <= 8
    assert await append(database, row(99)) == [DEFERRED]


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_without_quotas_nothing_is_asked(database: Database) -> None:
    statements: list[str] = []
    database.observe(lambda event: statements.append(event.sql))
    await append(database, row(1), quotas=NO_QUOTAS)
    await append(database, row(2), quotas=Quotas(None, {"lab": 5}))
    assert not [sql for sql in statements if "ingest_counts" in sql]


@EACH_DATABASE
async def test_arrivals_are_found_by_key(database: Database) -> None:
    """Design, section 2: of the folded sums only those of the day are read."""
    for number in range(40):
        await append(database, row(number, namespace=f"n{number % 8}"), at=START + number * MICROSECONDS_PER_DAY)
    await CountFolder(database).turn()
    used = used_indexes(await explain(database, build_arrivals([ArrivalDay(2, START // MICROSECONDS_PER_DAY)])))
    assert "scan of ingest_counts" not in used
