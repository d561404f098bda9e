"""Loading: writes a history through the same ingest code as every other batch, and says what became of it."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from gateway.demo.history import FAILED_REQUEST_AGE
from gateway.demo.showcase import CLUSTER_NAMESPACE, FAILED_REQUEST_ID
from mutations.drafts import EventDraft
from mutations.ingest import IngestLimits, IngestOutcome, ingest_events
from storage.cursors import EventOrder
from storage.engine import Database
from storage.pages import PageRequest, fetch_event_page
from storage.scopes import EVERYTHING
from storage.selectors import And, Comparison, EventField, FieldTest, Selector

BATCH_EVENTS = 1_000
_ALL = And(())


@dataclass
class LoadReport:
    """How many events had which outcome, and what was said about the first one that was refused."""

    outcomes: Counter[IngestOutcome] = field(default_factory=Counter)
    first_problem: str | None = None

    @property
    def refused(self) -> int:
        """How many events are neither stored now nor were stored before."""
        return self.outcomes.total() - self.outcomes[IngestOutcome.ACCEPTED] - self.outcomes[IngestOutcome.DUPLICATE]


async def load_history(
    database: Database,
    history: Iterable[EventDraft],
    *,
    clock: Callable[[], int],
    advance: Callable[[int], None],
) -> LoadReport:
    """Write a history in batches and tell `advance` how many more events are through.

    Raises StorageError. What was written until then stays: the same history again brings duplicates.
    """
    report = LoadReport()
    drafts = iter(history)
    while batch := list(itertools.islice(drafts, BATCH_EVENTS)):
        outcome = await ingest_events(
            database, batch, home_namespace=CLUSTER_NAMESPACE, limits=IngestLimits(), clock=clock
        )
        for result in outcome.results:
            report.outcomes[result.outcome] += 1
            if result.message is not None and report.first_problem is None:
                report.first_problem = result.message
        advance(len(batch))
    return report


async def has_events(database: Database) -> bool:
    """Tell whether the store holds any event."""
    page = await fetch_event_page(
        database, selector=_ALL, scope=EVERYTHING, request=PageRequest(size=1), with_extra=False
    )
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
    page = await fetch_event_page(database, selector=selector, scope=EVERYTHING, request=request, with_extra=False)
    return page.records[0].occurred_at + FAILED_REQUEST_AGE if page.records else None
