"""Loading: writes a history through the same ingest code as every other batch, and says what became of it."""

import asyncio
import itertools
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from gateway.context import Clock
from gateway.demo.history import FAILED_REQUEST_AGE
from gateway.demo.operations import Stories, write_operations
from gateway.demo.showcase import CLUSTER_NAMESPACE, FAILED_REQUEST_ID
from gateway.demo.types import define_types
from mutations.drafts import EventDraft
from mutations.ingest import IngestLimits, IngestOutcome, IngestReport, ingest_events
from storage.counts import CountFolder
from storage.cursors import EventOrder
from storage.engine import Database
from storage.errors import StorageError
from storage.pages import PageRequest, fetch_event_page
from storage.registrations import append_registration, find_registration_places
from storage.scopes import EVERYTHING
from storage.selectors import And, Comparison, EventField, FieldTest, Selector

BATCH_EVENTS = 1_000
EVENTS_PER_FOLD = 5 * BATCH_EVENTS
BATCHES_AT_ONCE = 2
"""While the database writes one, the next is told and checked."""
_ALL = And(())


@dataclass
class LoadReport:
    """How many events had which outcome, and what was said about the first one that was refused."""

    outcomes: Counter[IngestOutcome] = field(default_factory=Counter)
    first_problem: str | None = None

    def add(self, stored: IngestReport) -> None:
        """Count what became of one batch."""
        self.outcomes += stored.counts
        if self.refused and self.first_problem is None:
            fine = (IngestOutcome.ACCEPTED, IngestOutcome.DUPLICATE)
            self.first_problem = next(result.message for result in stored.results if result.outcome not in fine)

    @property
    def refused(self) -> int:
        """How many events are neither stored now nor were stored before."""
        return self.outcomes.total() - self.outcomes[IngestOutcome.ACCEPTED] - self.outcomes[IngestOutcome.DUPLICATE]


async def load_history(
    database: Database,
    history: Iterable[EventDraft],
    *,
    clock: Clock,
    advance: Callable[[int], None],
) -> LoadReport:
    """Define its types, write a history in batches, and tell `advance` how many more events are through.

    Raises StorageError. What was written until then stays: the same history again brings duplicates.
    """
    report = LoadReport()
    folder = CountFolder(database)
    writing: deque[asyncio.Task[IngestReport]] = deque()

    async def finish_one() -> None:
        stored = await writing.popleft()
        report.add(stored)
        await write_operations(database, list(stories.give(until=told_until)))
        advance(len(stored.results))
        if report.outcomes.total() % EVENTS_PER_FOLD == 0:
            await _fold(folder)

    await define_types(database, clock=clock)
    drafts = iter(history)
    stories, told_until = Stories(), 0
    try:
        while batch := list(itertools.islice(drafts, BATCH_EVENTS)):
            if len(writing) == BATCHES_AT_ONCE:
                await finish_one()
            await register_sources(database, batch, home_namespace=CLUSTER_NAMESPACE)
            stories.take(batch)
            told_until = batch[-1].timestamp or 0
            writing.append(asyncio.create_task(_ingest(database, batch, clock)))
            # It begins now, not when this function next waits.
            await asyncio.sleep(0)
        while writing:
            await finish_one()
        await write_operations(database, list(stories.give()))
        while await _fold(folder):
            pass
    finally:
        for task in writing:
            task.cancel()
        await asyncio.gather(*writing, return_exceptions=True)
        await _release(folder)
    return report


async def register_sources(database: Database, drafts: Iterable[EventDraft], *, home_namespace: str) -> None:
    """Register the sources of a made-up history under the ids that its events name, in their order."""
    named = {each.registration_id: each for each in reversed(list(drafts)) if each.registration_id is not None}
    known = await find_registration_places(database, named)
    for registration_id, draft in reversed(named.items()):
        if registration_id not in known:
            namespace = draft.namespace or home_namespace
            keys = await database.identities.intern_namespaces([namespace])
            await append_registration(
                database, keys[namespace], draft.source, now=draft.timestamp or 0, registration_id=registration_id
            )


async def _fold(folder: CountFolder) -> int:
    """Add up counts, so that the first server finds that done; where one runs already, it does so itself."""
    try:
        return await folder.turn()
    except StorageError:
        return 0


async def _release(folder: CountFolder) -> None:
    stop = asyncio.Event()
    stop.set()
    await folder.run(stop)


async def _ingest(database: Database, batch: list[EventDraft], clock: Clock) -> IngestReport:
    return await ingest_events(database, batch, home_namespace=CLUSTER_NAMESPACE, limits=IngestLimits(), clock=clock)


async def has_events(database: Database) -> bool:
    """Tell whether the store holds any event."""
    page = await fetch_event_page(database, selector=_ALL, scope=EVERYTHING, request=PageRequest(size=1), fields=())
    return bool(page.records)


async def find_earlier_end(database: Database) -> int | None:
    """Give the end (microseconds since 1970) of the demo history that the store holds; None when it holds none."""
    selector: Selector = And(
        (
            FieldTest(EventField.NAMESPACE, Comparison.IN, (CLUSTER_NAMESPACE,)),
            FieldTest(EventField.REQUEST_ID, Comparison.IN, (FAILED_REQUEST_ID,)),
        )
    )
    request = PageRequest(size=1, order=EventOrder.OLDEST_FIRST)
    page = await fetch_event_page(database, selector=selector, scope=EVERYTHING, request=request, fields=())
    return page.records[0].occurred_at + FAILED_REQUEST_AGE if page.records else None
