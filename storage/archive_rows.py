"""Archive rows: whole events as they are stored, read by key (NU8)."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.appends import EventRow
from storage.dialects import force_index, keep_join_order
from storage.identities import AudienceName, AudienceRecord, Identities
from storage.literals import is_any_id
from storage.records import LinkRecord, ObjectRecord
from storage.removals import EventPlace, in_parts
from storage.tables import event_objects, events, folded_ids, objects

if TYPE_CHECKING:
    from storage.engine import Database

IDS_PER_STATEMENT = 200
"""An event may hold a megabyte: so many of them are in memory at the same time."""


class FoldedRepeat(NamedTuple):
    """The id of an event that was folded into another one, and what decides whether a resend of it is the same."""

    id: str
    content_hash: bytes


class WholeEvent(NamedTuple):
    """All that is stored of one event. Times are microseconds UTC; `folded` by id."""

    row: EventRow
    received_at: int
    repeat_count: int
    last_occurred_at: int | None
    restored: bool
    folded: tuple[FoldedRepeat, ...]


_ROW_COLUMNS = tuple(name for name in EventRow._fields if name not in ("id_given", "audience", "objects"))
_READ_COLUMNS = (
    *("namespace_key", "audience_key", "received_at", "repeat_count", "last_occurred_at", "restored"),
    *_ROW_COLUMNS,
)
_TRUTH = {None: None, 0: False, 1: True}


async def fetch_whole_events(
    database: "Database", places: Collection[EventPlace], *, with_folded: bool = True
) -> list[tuple[EventPlace, WholeEvent]]:
    """Read those of some events that are stored, with their references and what was folded into them, by id.

    `with_folded` false leaves out what was folded into them, which may be many. Each event is read in several
    statements: one that goes in between, of which only a part was there, is left out.
    """
    async with database.reading() as connection:
        found = await read_whole_events(connection, database.identities, places, with_folded=with_folded)
        stored: set[EventPlace] = set()
        for ids in in_parts(sorted({place.id for place, _ in found}), IDS_PER_STATEMENT):
            stored.update(EventPlace(*row) for row in await connection.execute(build_places(ids)))
    return [(place, event) for place, event in found if place in stored]


async def read_whole_events(
    connection: AsyncConnection, identities: Identities, places: Collection[EventPlace], *, with_folded: bool = True
) -> list[tuple[EventPlace, WholeEvent]]:
    """Read the same on a connection of the caller's, inside a transaction or not."""
    wanted = set(places)
    found: list[tuple[EventPlace, WholeEvent]] = []
    for ids in in_parts(sorted({place.id for place in wanted}), IDS_PER_STATEMENT):
        rows = [row for row in await connection.execute(build_whole_events(ids)) if _place_of(row) in wanted]
        links = await _fetch_links(connection, ids)
        into = [row.id for row in rows if row.repeat_count > 1 and with_folded]
        folded = await _fetch_folded(connection, into) if into else {}
        audiences = await identities.audiences({row.audience_key for row in rows}, connection)
        for row in rows:
            place = _place_of(row)
            event = _to_whole(row, audiences[row.audience_key], links.get(place, ()), folded.get(place, ()))
            found.append((place, event))
    return found


def _place_of(row: Any) -> EventPlace:
    return EventPlace(row.id, row.namespace_key)


async def _fetch_links(connection: AsyncConnection, ids: Sequence[str]) -> dict[EventPlace, list[LinkRecord]]:
    found: dict[EventPlace, list[LinkRecord]] = defaultdict(list)
    for event_id, namespace_key, role, *identity in await connection.execute(build_whole_links(ids)):
        found[EventPlace(event_id, namespace_key)].append(LinkRecord(role, ObjectRecord(*identity)))
    return found


async def _fetch_folded(connection: AsyncConnection, into: Sequence[str]) -> dict[EventPlace, list[FoldedRepeat]]:
    found: dict[EventPlace, list[FoldedRepeat]] = defaultdict(list)
    for into_id, namespace_key, event_id, content_hash in await connection.execute(build_folded_into(into)):
        found[EventPlace(into_id, namespace_key)].append(FoldedRepeat(event_id, content_hash))
    return found


def _to_whole(
    row: Any, audience: AudienceRecord, links: Iterable[LinkRecord], folded: Iterable[FoldedRepeat]
) -> WholeEvent:
    values = {name: getattr(row, name) for name in _ROW_COLUMNS}
    values |= {
        "id_given": True,
        "audience": AudienceName(audience.namespace, audience.readers, audience.owner),
        "success": _TRUTH[row.success],
        "objects": tuple(sorted(links, key=_link_order)),
    }
    return WholeEvent(
        EventRow(**values),
        row.received_at,
        row.repeat_count,
        row.last_occurred_at,
        row.restored == 1,
        tuple(sorted(folded)),
    )


def _link_order(link: LinkRecord) -> tuple[str, str, str]:
    # P6; an event touches an object once, so that roles are never compared.
    return link.object.object_type, link.object.object_id, link.object.namespace


def build_whole_events(ids: Sequence[str]) -> Select[Any]:
    """Ask for all columns of events by id."""
    columns = (events.c[name] for name in _READ_COLUMNS)
    statement: Select[Any] = force_index(select(*columns), events, "PRIMARY")
    return statement.where(is_any_id(events.c.id, ids)).order_by(events.c.id)


def build_places(ids: Sequence[str]) -> Select[Any]:
    """Ask which events are stored, by id."""
    statement: Select[Any] = force_index(select(events.c.id, events.c.namespace_key), events, "PRIMARY")
    return statement.where(is_any_id(events.c.id, ids))


def build_whole_links(ids: Sequence[str]) -> Select[Any]:
    """Ask for the references of events by id, with the objects' identities."""
    columns = (event_objects.c.event_id, event_objects.c.namespace_key, event_objects.c.role)
    identity = (objects.c.namespace, objects.c.object_type, objects.c.object_id)
    joined = event_objects.join(objects, objects.c.object_key == event_objects.c.object_key)
    statement: Select[Any] = force_index(select(*columns, *identity), event_objects, "ix_event_objects_event")
    return keep_join_order(statement.select_from(joined)).where(is_any_id(event_objects.c.event_id, ids))  # type: ignore[no-any-return]


def build_folded_into(into_ids: Sequence[str]) -> Select[Any]:
    """Ask for the repeats that were folded into events."""
    columns = folded_ids.c
    return select(columns.into_id, columns.namespace_key, columns.id, columns.content_hash).where(
        is_any_id(columns.into_id, into_ids)
    )
