"""Archiving in tests: events kept and removed as retention does it, and put back."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from mutations.archives import Archive
from mutations.restoring import Restore, RestoreReport, RestoreSelection
from storage.archive_rows import WholeEvent, fetch_whole_events
from storage.engine import Database
from storage.removals import EventPlace, delete_events, lock_events
from storage.tables import events
from tests.storage.histories import START

LATER = START + 86_400_000_000


async def every_place(database: Database) -> list[EventPlace]:
    """Give what identifies each stored event but the gateway's own."""
    names = await database.identities.namespace_keys(["timeloom"])
    async with database.reading() as connection:
        rows = await connection.execute(select(events.c.id, events.c.namespace_key).order_by(events.c.id))
        return [EventPlace(*row) for row in rows if row[1] != names.get("timeloom")]


async def every_event(database: Database) -> list[WholeEvent]:
    """Give all that is stored, by id, but the gateway's own events."""
    return [event for _, event in await fetch_whole_events(database, await every_place(database))]


async def remove(database: Database, places: Iterable[EventPlace], *, now: int = START) -> None:
    """Delete events as every removal does."""
    wanted = list(places)

    async def work(connection: AsyncConnection) -> None:
        locked = await lock_events(connection, wanted)
        await delete_events(connection, locked, dialect_name=database.dialect_name, now=now)

    await database.write(work, name="a removal")


async def archive(
    database: Database, kept: Archive, places: Iterable[EventPlace] | None = None, *, deleting: bool = True
) -> None:
    """Keep events (all, when none are named), and remove those that are kept."""
    wanted = await every_place(database) if places is None else list(places)
    found = await kept.keep(database, wanted, policy_id="setting:audit", policy_name="audit", run_id="run", now=START)
    if deleting:
        await remove(database, found)


async def restore(
    database: Database, kept: Archive, selection: RestoreSelection | None = None, *, dry_run: bool = False
) -> RestoreReport:
    """Put back what a selection holds, a day later."""
    work = Restore(database, kept, selection or RestoreSelection(), now=LATER)
    await work.choose()
    await work.prepare(lambda _size: None)
    return await work.run(lambda _size: None, actor="ann", dry_run=dry_run)


def as_returned(event: WholeEvent) -> WholeEvent:
    """Give an event as it is after its return: marked, and of another arrival."""
    return event._replace(restored=True, received_at=LATER)
