"""Deleting in tests: the requests, a worker that is driven turn by turn, and what is left of a store."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select, update

from mutations.deletion_worker import DeletionWorker
from mutations.deletions import DeletionRequest, cancel_deletion, confirm_deletion, preview_deletion
from mutations.selections import Selection
from storage.counts import CountFolder
from storage.cursors import EventOrder
from storage.deletions import DeletionRecord, fetch_deletion
from storage.engine import Database
from storage.pages import PageRequest, fetch_event_page
from storage.positions import Sequencer, fetch_live_position
from storage.records import EventRecord
from storage.scopes import EVERYTHING
from storage.selectors import ALL, EventField, Selector, equals_any
from storage.tables import deleted_ids, event_objects, leases
from tests.storage.histories import START

OWN = equals_any(EventField.NAMESPACE, ("timeloom",))


def of_type(name: str) -> Selector:
    """Select the events of a type."""
    return equals_any(EventField.EVENT_TYPE, (name,))


def request(selector: Selector | Selection = ALL, *, by: str = "ada", reason: str | None = None) -> DeletionRequest:
    """Ask for a deletion, as `by`."""
    selection = selector if isinstance(selector, Selection) else Selection.of_events(selector)
    return DeletionRequest(selection, '{"eventTypes": ["audit"]}', by, reason)


@dataclass
class Deleter:
    """Somebody who deletes, and a worker of chunks so small that there are several."""

    database: Database
    now: int = START
    chunk_events: int = 10
    worker: DeletionWorker = field(init=False)

    def __post_init__(self) -> None:
        self.worker = self.new_worker()

    def clock(self) -> int:
        """Give the time."""
        return self.now

    def new_worker(self) -> DeletionWorker:
        """Make the worker of another process."""
        return DeletionWorker(self.database, clock=self.clock, chunk_events=self.chunk_events)

    async def preview(self, selector: Selector | Selection = ALL, **given: Any) -> DeletionRecord:
        """Preview, with every batch visible."""
        await sequence(self.database)
        return await preview_deletion(self.database, request(selector, **given), clock=self.clock)

    async def confirm(
        self, deletion_id: str | None, selector: Selector | Selection = ALL, **given: Any
    ) -> DeletionRecord:
        """Confirm."""
        return await confirm_deletion(self.database, request(selector, **given), deletion_id, clock=self.clock)

    async def cancel(self, deletion_id: str) -> DeletionRecord:
        """Cancel, as somebody else."""
        return await cancel_deletion(self.database, deletion_id, cancelled_by="bob", clock=self.clock)

    async def work(self) -> None:
        """Let the worker do all that there is."""
        while await self.worker.turn():
            pass

    async def delete(self, selector: Selector | Selection = ALL, **given: Any) -> DeletionRecord:
        """Preview, confirm and carry out."""
        preview = await self.preview(selector, **given)
        await self.confirm(preview.id, selector, **given)
        await self.work()
        return await self.get(preview.id)

    async def get(self, deletion_id: str) -> DeletionRecord:
        """Give the deletion as its row says."""
        found = await fetch_deletion(self.database, deletion_id)
        assert found is not None
        return found

    async def take_over(self) -> None:
        """Let another process take over, as when this one has been gone for the time of its lease."""
        await self.database.execute_alone(update(leases).where(leases.c.name == "deletions").values(expires_at=1))
        self.worker = self.new_worker()


async def sequence(database: Database) -> int:
    """Let every batch have its position, and give the live position."""
    if database.dialect_name == "mariadb":
        sequencer = Sequencer(database)
        while not sequencer.leads:
            await sequencer.turn()
        await sequencer.turn()
        stop = asyncio.Event()
        stop.set()
        await sequencer.run(stop)
    return await fetch_live_position(database)


async def stored(database: Database, selector: Selector = ALL) -> list[EventRecord]:
    """Give the events that are stored, oldest first."""
    page = await fetch_event_page(
        database, selector=selector, scope=EVERYTHING, request=PageRequest(size=1000, order=EventOrder.OLDEST_FIRST)
    )
    return page.records


async def numbers(database: Database, selector: Selector = ALL) -> list[int]:
    """Give the numbers of the stored events of `tests.storage.histories`, without the gateway's own."""
    events = await stored(database, selector)
    return [int(event.id[-12:], 16) for event in events if event.namespace != "timeloom"]


async def references(database: Database) -> list[tuple[int, int]]:
    """Give all references, as object key and number of the event."""
    async with database.reading() as connection:
        rows = await connection.execute(select(event_objects.c.object_key, event_objects.c.event_id))
        return sorted((row[0], int(row[1][-12:], 16)) for row in rows)


async def remembered(database: Database) -> list[int]:
    """Give the numbers of the events whose ids are remembered as deleted."""
    async with database.reading() as connection:
        return sorted(int(row[0][-12:], 16) for row in await connection.execute(select(deleted_ids.c.id)))


async def fold(database: Database) -> None:
    """Fold what waits into the counts."""
    folder = CountFolder(database)
    while await folder.turn():
        pass
