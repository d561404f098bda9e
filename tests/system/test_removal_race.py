"""Ingest at full speed while a deletion and retention run: nothing that they were not told to take is gone (L4)."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import func, select

from mutations.deletion_worker import DeletionWorker
from mutations.deletions import DeletionRequest, confirm_deletion, preview_deletion
from mutations.drafts import EventDraft, ObjectDraft
from mutations.ingest import IngestLimits, ingest_events
from mutations.policies import Policy
from mutations.retention import RetentionOptions, RetentionRunner
from mutations.selections import Selection
from storage.counts import CountFolder
from storage.deletions import DeletionState, fetch_deletion
from storage.engine import Database
from storage.positions import Sequencer, settle_position
from storage.scopes import EVERYTHING
from storage.selector_text import parse_selector
from storage.tables import event_objects, events
from storage.times import now_micros
from storage.totals import CountKind, TotalRecord, fetch_total
from tests.waiting import wait_until

WRITERS, BATCHES, EVENTS = 4, 45, 21
KEPT, DELETED, RETAINED = "audit", "status", "usage"
POLICY = Policy(id="short", name="short", event_types=(RETAINED,), max_age_seconds=1)


def batch(writer: int, number: int) -> list[EventDraft]:
    """A third of each kind; every object has events of all kinds."""
    return [
        EventDraft(
            event_type=(KEPT, DELETED, RETAINED)[place % 3],
            source=f"writer-{writer}",
            message="it happened",
            id=f"01900000-{writer:04x}-7000-8000-{number:08x}{place:04x}",
            objects=[ObjectDraft("node", f"n{place % 5}"), ObjectDraft("disk", f"d{writer}")],
        )
        for place in range(EVENTS)
    ]


@asynccontextmanager
async def gateway_of(database: Database) -> AsyncIterator[RetentionRunner]:
    """What a gateway does in the background, with small chunks."""
    stop = asyncio.Event()
    runner = RetentionRunner(database, [POLICY], options=RetentionOptions(chunk_events=150))
    worker = DeletionWorker(database, clock=now_micros, chunk_events=100)
    loops = (Sequencer(database).run, CountFolder(database).run, worker.run, runner.run)
    tasks = [asyncio.create_task(loop(stop)) for loop in loops]
    yield runner
    stop.set()
    await asyncio.gather(*tasks)


async def ids_of(database: Database, event_type: str) -> set[str]:
    async with database.reading() as connection:
        return set((await connection.execute(select(events.c.id).where(events.c.event_type == event_type))).scalars())


@pytest.mark.parametrize("backend", ["sqlite", "aiomysql"], indirect=True)
async def test_what_nobody_selected_stays_and_what_was_selected_goes(database: Database) -> None:
    """L4, EV2, EV8, HZ2: up to its bound a deletion takes everything, and nothing that came after it."""
    acknowledged: dict[str, str] = {}
    marks: list[int] = []

    async def write(writer: int) -> None:
        for number in range(BATCHES):
            drafts = batch(writer, number)
            report = await ingest_events(
                database, drafts, home_namespace="default", limits=IngestLimits(), clock=now_micros
            )
            assert {result.outcome.value for result in report.results} == {"ACCEPTED"}
            acknowledged.update({draft.id or "": draft.event_type for draft in drafts})
            marks.append(number)

    async with gateway_of(database) as runner:
        writing = [asyncio.create_task(write(writer)) for writer in range(WRITERS)]
        await wait_until(lambda: len(marks) > WRITERS * BATCHES // 3, seconds=60)
        before = {each for each, kind in acknowledged.items() if kind == DELETED}
        request = DeletionRequest(Selection.of_events(parse_selector(f"event_type={DELETED}")), "{}", "somebody")
        preview = await preview_deletion(database, request, clock=now_micros)
        after = set(acknowledged)
        await confirm_deletion(database, request, preview.id, clock=now_micros)

        async def is_written() -> bool:
            await runner.request("somebody")  # retention, again and again
            return all(task.done() for task in writing)

        await wait_until(is_written, seconds=120)
        await asyncio.gather(*writing)

        async def is_deleted() -> bool:
            record = await fetch_deletion(database, preview.id)
            return record is not None and record.state is DeletionState.DONE

        await wait_until(is_deleted, seconds=60)
    record = await fetch_deletion(database, preview.id)
    assert record is not None
    await remove_what_is_left(database)

    sent = {kind: {each for each, one in acknowledged.items() if one == kind} for kind in (KEPT, DELETED, RETAINED)}
    assert len(acknowledged) == WRITERS * BATCHES * EVENTS
    assert await ids_of(database, KEPT) == sent[KEPT]
    assert await ids_of(database, RETAINED) == set()
    left = await ids_of(database, DELETED)
    assert not left & before
    assert left >= sent[DELETED] - after
    assert record.deleted == record.matched == len(sent[DELETED] - left)
    await require_counts(database, Counter({KEPT: len(sent[KEPT]), DELETED: len(left)}))


async def remove_what_is_left(database: Database) -> None:
    """Number what has no position yet, and run until all that is to go is old enough and gone."""
    await settle_position(database)
    runner = RetentionRunner(database, [POLICY])

    async def is_done() -> bool:
        await runner.request("somebody")
        await runner.turn()
        return not await ids_of(database, RETAINED)

    await wait_until(is_done, seconds=60)


async def require_counts(database: Database, expected: Counter[str]) -> None:
    """What is told without counting is what counting gives, and no reference has lost its event."""
    for kind in (KEPT, DELETED, RETAINED):
        total = await fetch_total(database, selector=parse_selector(f"event_type={kind}"), scope=EVERYTHING)
        assert total == TotalRecord(expected[kind], CountKind.EXACT)
    async with database.reading() as connection:
        references = (await connection.execute(select(func.count()).select_from(event_objects))).scalar_one()
    assert references == 2 * expected.total()
