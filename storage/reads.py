"""Reads by key: events, their references, children and ancestors, many at a time for the dataloaders (GQ2)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import CTE, Select, and_, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.conditions import build_scope_condition
from storage.dialects import UuidText
from storage.engine import Database
from storage.page_statements import EVENT_COLUMNS, KeyRange, build_children
from storage.pages import EventPage, PageRequest, keep_between, to_bound, to_page, to_records
from storage.records import EventKey, EventRecord, LinkRecord, ObjectRecord
from storage.scopes import Scope
from storage.tables import event_objects, events, objects

MOST_KEYS = 200
"""The most keys that one statement asks for; more are asked for in several (GQ2)."""


async def fetch_events(database: Database, keys: Sequence[EventKey], *, scope: Scope) -> dict[EventKey, EventRecord]:
    """Read the events of these keys that are stored and visible."""
    wanted = set(keys)
    found = await fetch_events_by_id(database, [key.id for key in keys], scope=scope)
    return {record.key: record for records in found.values() for record in records if record.key in wanted}


async def fetch_events_by_id(database: Database, ids: Iterable[str], *, scope: Scope) -> dict[str, list[EventRecord]]:
    """Read the visible events of these ids in all namespaces, each id's by the name of the namespace."""
    found: dict[str, list[EventRecord]] = defaultdict(list)
    async with database.reading() as connection:
        for chunk in _chunks(sorted(set(ids))):
            rows = (await connection.execute(build_events_by_id(chunk, scope))).all()
            for record in await to_records(database.identities, rows, connection):
                found[record.id].append(record)
    for records in found.values():
        records.sort(key=lambda record: record.namespace)
    return dict(found)


async def fetch_links(
    database: Database, keys: Sequence[EventKey], *, scope: Scope
) -> dict[EventKey, list[LinkRecord]]:
    """Read which objects each event touched, by (type, id, namespace) (P6)."""
    links: dict[EventKey, list[LinkRecord]] = {key: [] for key in keys}
    by_key = {number: name for name, number in (await _namespace_keys(database, keys)).items()}
    async with database.reading() as connection:
        for chunk in _chunks(sorted({key.id for key in keys})):
            for row in (await connection.execute(build_links(chunk, scope))).all():
                key = EventKey(by_key.get(row.namespace_key, ""), row.event_id)
                if key in links:
                    linked = ObjectRecord(row.namespace, row.object_type, row.object_id)
                    links[key].append(LinkRecord(row.role, linked))
    for each in links.values():
        each.sort(key=lambda link: (link.object.object_type, link.object.object_id, link.object.namespace))
    return links


async def fetch_ancestors(
    database: Database, requests: Sequence[tuple[EventKey, int]], *, scope: Scope
) -> dict[tuple[EventKey, int], list[EventRecord]]:
    """Read each event's ancestors, nearest first, at most as many as asked for.

    The chain ends where a parent is not stored or not visible, and before any event would come twice, the start
    included (T5).
    """
    chains: dict[tuple[EventKey, int], list[EventRecord]] = {}
    names = await _namespace_keys(database, [key for key, _ in requests])
    async with database.reading() as connection:
        for chunk in _chunks(list(requests)):
            wanted = [(key, depth) for key, depth in chunk if depth > 0 and key.namespace in names]
            if wanted:
                await _fetch_chains(database, connection, wanted, names, scope, chains)
    return {request: chains.get(request, []) for request in requests}


async def fetch_child_pages(
    database: Database, parents: Sequence[EventKey], *, scope: Scope, request: PageRequest, with_extra: bool = True
) -> dict[EventKey, EventPage]:
    """Read the same page of each event's children, one statement for up to MOST_KEYS parents."""
    found: dict[EventKey, list[EventRecord]] = defaultdict(list)
    names = await _namespace_keys(database, parents)
    wanted = [(key.id, names[key.namespace]) for key in dict.fromkeys(parents) if key.namespace in names]
    keys = KeyRange(request.descending, to_bound(request.start), to_bound(request.stop))
    async with database.reading() as connection:
        for chunk in _chunks(wanted):
            # One more tells whether the list goes on, and one more is the cursor's own event.
            statement = build_children(
                chunk,
                keys,
                scope=scope,
                limit=request.size + 2,
                with_extra=with_extra,
                dialect_name=database.dialect_name,
            )
            rows = (await connection.execute(statement)).all()
            for record in await to_records(database.identities, rows, connection):
                found[EventKey(record.namespace, record.parent_id or "")].append(record)
    return {key: to_page(request, keep_between(request, found[key]), None) for key in parents}


async def _fetch_chains(
    database: Database,
    connection: AsyncConnection,
    requests: Sequence[tuple[EventKey, int]],
    names: dict[str, int],
    scope: Scope,
    chains: dict[tuple[EventKey, int], list[EventRecord]],
) -> None:
    deepest: dict[tuple[str, int], int] = {}
    for key, depth in requests:
        start = (key.id, names[key.namespace])
        deepest[start] = max(depth, deepest.get(start, 0))
    rows = (await connection.execute(build_ancestors(deepest, scope))).all()
    records = await to_records(database.identities, [row[2:] for row in rows], connection)
    found: dict[EventKey, list[tuple[int, EventRecord]]] = defaultdict(list)
    for row, record in zip(rows, records, strict=True):
        found[EventKey(record.namespace, row.start_id)].append((row.depth, record))
    for key, depth in requests:
        chain = sorted(found[key], key=lambda entry: entry[0])
        chains[key, depth] = [record for _, record in chain[:depth]]


def build_events_by_id(ids: Sequence[str], scope: Scope) -> Select[Any]:
    """Ask for the events of some ids, in whatever namespaces."""
    return select(*EVENT_COLUMNS).where(events.c.id.in_(ids), build_scope_condition(scope))


def build_links(ids: Sequence[str], scope: Scope) -> Select[Any]:
    """Ask for the references of some events, with the objects' identities."""
    columns = (event_objects.c.event_id, event_objects.c.namespace_key, event_objects.c.role)
    identity = (objects.c.namespace, objects.c.object_type, objects.c.object_id)
    joined = event_objects.join(objects, objects.c.object_key == event_objects.c.object_key)
    statement = select(*columns, *identity).select_from(joined)
    return statement.where(event_objects.c.event_id.in_(ids), build_scope_condition(scope, event_objects))


def build_ancestors(starts: dict[tuple[str, int], int], scope: Scope) -> Select[Any]:
    """Ask for the chains of parents above some events, each to its own depth, by one recursive statement.

    No chain comes back to its start; a cycle above it goes round until the depth is reached, over keys alone, and each
    event is read once, at its nearest depth (T5).
    """
    chain = _build_chain(starts, scope)
    key = (chain.c.start_id, chain.c.id, chain.c.namespace_key)
    nearest = select(*key, func.min(chain.c.depth).label("depth")).group_by(*key).subquery("nearest")
    joined = nearest.join(events, and_(events.c.id == nearest.c.id, events.c.namespace_key == nearest.c.namespace_key))
    statement = select(nearest.c.start_id, nearest.c.depth, *EVENT_COLUMNS).select_from(joined)
    return statement.where(build_scope_condition(scope))


def _build_chain(starts: dict[tuple[str, int], int], scope: Scope) -> CTE:
    seeds = or_(
        *(
            and_(events.c.id == literal(identifier, UuidText), events.c.namespace_key == namespace_key)
            for identifier, namespace_key in starts
        )
    )
    most = max(starts.values())
    first = select(
        events.c.id.label("start_id"),
        events.c.parent_id.label("id"),
        events.c.namespace_key,
        literal(1).label("depth"),
    ).where(seeds, events.c.parent_id != events.c.id, build_scope_condition(scope))
    chain = first.cte("chain", recursive=True)
    parent = events.alias("parent")
    further = (
        select(chain.c.start_id, parent.c.parent_id, chain.c.namespace_key, chain.c.depth + 1)
        .join(parent, and_(parent.c.id == chain.c.id, parent.c.namespace_key == chain.c.namespace_key))
        .where(chain.c.depth < most, parent.c.parent_id != chain.c.start_id, build_scope_condition(scope, parent))
    )
    return chain.union_all(further)


async def _namespace_keys(database: Database, keys: Iterable[EventKey]) -> dict[str, int]:
    return await database.identities.namespace_keys({key.namespace for key in keys})


def _chunks(values: Sequence[Any]) -> list[Sequence[Any]]:
    return [values[start : start + MOST_KEYS] for start in range(0, len(values), MOST_KEYS)]
