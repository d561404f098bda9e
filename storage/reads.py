"""Reads by key: events, their references, children and ancestors, many at a time for the dataloaders (GQ2)."""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from functools import partial
from itertools import chain, repeat
from operator import itemgetter
from typing import Any

from sqlalchemy import CTE, Select, and_, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.conditions import build_scope_condition
from storage.dialects import UuidText
from storage.engine import Database
from storage.event_rows import EventRows, read_columns
from storage.page_statements import KeyRange, build_children, event_columns
from storage.pages import EventPage, PageRequest, keep_between, to_bound, to_event_rows, to_page
from storage.prepared import parameter
from storage.records import EventKey, EventRecord, LinkRecord, ObjectRecord
from storage.scopes import Scope
from storage.tables import event_objects, events, objects

MOST_KEYS = 200
"""The most keys that one statement asks for; more are asked for in several (GQ2)."""
PREPARED_SIZES = (1, 2, 5, 10, 20, 50, 100, MOST_KEYS)
"""The numbers of keys for which statements are prepared."""


async def fetch_events(
    database: Database, keys: Sequence[EventKey], *, scope: Scope, fields: Collection[str] | None = None
) -> dict[EventKey, EventRecord]:
    """Read the events of these keys that are stored and visible; of each only `fields` (None: all)."""
    wanted = set(keys)
    found = await fetch_events_by_id(database, [key.id for key in keys], scope=scope, fields=fields)
    return {record.key: record for records in found.values() for record in records if record.key in wanted}


async def fetch_events_by_id(
    database: Database, ids: Iterable[str], *, scope: Scope, fields: Collection[str] | None = None
) -> dict[str, list[EventRecord]]:
    """Read the visible events of these ids in all namespaces, each id's by the name of the namespace."""
    found: dict[str, list[EventRecord]] = defaultdict(list)
    columns = read_columns(fields)
    async with database.reading() as connection:
        for chunk in _chunks(sorted(set(ids))):
            rows = await _fetch_by_ids(
                database,
                connection,
                chunk,
                scope=scope,
                shape=("events by id", columns),
                build=partial(build_events_by_id, columns=columns),
            )
            for record in await to_event_rows(database, columns, rows, connection):
                found[record.id].append(record)
    for records in found.values():
        records.sort(key=lambda record: record.namespace)
    return dict(found)


async def fetch_links(
    database: Database, keys: Sequence[EventKey], *, scope: Scope
) -> dict[EventKey, list[LinkRecord]]:
    """Read which objects each event touched, by (type, id, namespace) (P6)."""
    names = await _namespace_keys(database, keys)
    found: dict[tuple[str, int | None], list[tuple[Any, ...]]] = {
        (key.id, names.get(key.namespace)): [] for key in keys
    }
    async with database.reading() as connection:
        for chunk in _chunks(sorted({key.id for key in keys})):
            rows = await _fetch_by_ids(database, connection, chunk, scope=scope, shape="links", build=build_links)
            for event_id, namespace_key, role, namespace, object_type, object_id in rows:
                of_event = found.get((event_id, namespace_key))
                if of_event is not None:
                    of_event.append((object_type, object_id, namespace, role))
    return {key: _to_links(found[key.id, names.get(key.namespace)]) for key in keys}


def _to_links(found: list[tuple[Any, ...]]) -> list[LinkRecord]:
    # An event touches an object once, so that roles are never compared.
    found.sort()
    return [
        LinkRecord(role, ObjectRecord(namespace, object_type, object_id))
        for object_type, object_id, namespace, role in found
    ]


async def fetch_ancestors(
    database: Database,
    requests: Sequence[tuple[EventKey, int]],
    *,
    scope: Scope,
    fields: Collection[str] | None = None,
) -> dict[tuple[EventKey, int], list[EventRecord]]:
    """Read each event's ancestors, nearest first, at most as many as asked for; of each only `fields` (None: all).

    The chain ends where a parent is not stored or not visible, and before any event would come twice, the start
    included (T5).
    """
    chains: dict[tuple[EventKey, int], list[EventRecord]] = {}
    names = await _namespace_keys(database, [key for key, _ in requests])
    columns = read_columns(fields)
    async with database.reading() as connection:
        for chunk in _chunks(list(requests)):
            wanted = [(key, depth) for key, depth in chunk if depth > 0 and key.namespace in names]
            if wanted:
                chains.update(await _fetch_chains(database, connection, wanted, names, scope, columns))
    return {request: chains.get(request, []) for request in requests}


async def fetch_child_pages(
    database: Database,
    parents: Sequence[EventKey],
    *,
    scope: Scope,
    request: PageRequest,
    fields: Collection[str] | None = None,
) -> dict[EventKey, EventPage]:
    """Read the same page of each event's children, one statement for up to MOST_KEYS parents."""
    names = await _namespace_keys(database, parents)
    wanted = [(key.id, names[key.namespace]) for key in dict.fromkeys(parents) if key.namespace in names]
    keys = KeyRange(request.descending, to_bound(request.start), to_bound(request.stop))
    columns = read_columns(None if fields is None else {*fields, "parent_id"})
    parent_id = columns.index("parent_id")
    found: dict[EventKey, list[tuple[Any, ...]]] = defaultdict(list)
    everything = EventRows(columns, [], {})
    async with database.reading() as connection:
        for chunk in _chunks(wanted):
            # One more tells whether the list goes on, and one more is the cursor's own event.
            statement = build_children(
                chunk,
                keys,
                scope=scope,
                limit=request.size + 2,
                columns=columns,
                dialect_name=database.dialect_name,
            )
            rows = [tuple(row) for row in await connection.execute(statement)]
            everything = everything.joined(await to_event_rows(database, columns, rows, connection))
    for row in everything.rows:
        found[EventKey(everything.namespace(row), row[parent_id])].append(row)
    pages = {key: keep_between(request, everything.with_rows(found[key])) for key in parents}
    return {key: to_page(request, kept, None) for key, kept in pages.items()}


async def _fetch_by_ids(
    database: Database,
    connection: AsyncConnection,
    ids: Sequence[str],
    *,
    scope: Scope,
    shape: Hashable,
    build: Callable[[Sequence[Any], Scope], Select[Any]],
) -> list[tuple[Any, ...]]:
    """Run a statement about some ids, which is prepared for a few numbers of them: the last id fills the rest."""
    if not scope.everything:
        return [tuple(row) for row in await connection.execute(build(ids, scope))]
    size = next(size for size in PREPARED_SIZES if size >= len(ids))
    statement = database.statements.get((shape, size), lambda: build(_id_parameters(size), scope))
    filled = chain(ids, repeat(ids[-1], size - len(ids)))
    return await database.fetch(connection, statement, {f"id_{place}": one for place, one in enumerate(filled)})


def _id_parameters(count: int) -> list[Any]:
    return [parameter(f"id_{place}", events.c.id.type) for place in range(count)]


async def _fetch_chains(
    database: Database,
    connection: AsyncConnection,
    requests: Sequence[tuple[EventKey, int]],
    names: dict[str, int],
    scope: Scope,
    columns: tuple[str, ...],
) -> dict[tuple[EventKey, int], list[EventRecord]]:
    deepest: dict[tuple[str, int], int] = {}
    for key, depth in requests:
        start = (key.id, names[key.namespace])
        deepest[start] = max(depth, deepest.get(start, 0))
    rows = (await connection.execute(build_ancestors(deepest, scope, columns=columns))).all()
    records = await to_event_rows(database, columns, [tuple(row[2:]) for row in rows], connection)
    found: dict[EventKey, list[tuple[int, EventRecord]]] = defaultdict(list)
    for (start_id, depth, *_), record in zip(rows, records, strict=True):
        found[EventKey(record.namespace, start_id)].append((depth, record))
    chains: dict[tuple[EventKey, int], list[EventRecord]] = {}
    for key, depth in requests:
        chain_above = sorted(found[key], key=itemgetter(0))
        chains[key, depth] = [record for _, record in chain_above[:depth]]
    return chains


def build_events_by_id(ids: Sequence[Any], scope: Scope, *, columns: Sequence[str]) -> Select[Any]:
    """Ask for the events of some ids, in whatever namespaces."""
    return select(*event_columns(columns)).where(events.c.id.in_(ids), build_scope_condition(scope))


def build_links(ids: Sequence[Any], scope: Scope) -> Select[Any]:
    """Ask for the references of some events, with the objects' identities."""
    columns = (event_objects.c.event_id, event_objects.c.namespace_key, event_objects.c.role)
    identity = (objects.c.namespace, objects.c.object_type, objects.c.object_id)
    joined = event_objects.join(objects, objects.c.object_key == event_objects.c.object_key)
    statement = select(*columns, *identity).select_from(joined)
    return statement.where(event_objects.c.event_id.in_(ids), build_scope_condition(scope, event_objects))


def build_ancestors(starts: dict[tuple[str, int], int], scope: Scope, *, columns: Sequence[str]) -> Select[Any]:
    """Ask for the chains of parents above some events, each to its own depth, by one recursive statement.

    No chain comes back to its start; a cycle above it goes round until the depth is reached, over keys alone, and each
    event is read once, at its nearest depth (T5).
    """
    chain = _build_chain(starts, scope)
    key = (chain.c.start_id, chain.c.id, chain.c.namespace_key)
    nearest = select(*key, func.min(chain.c.depth).label("depth")).group_by(*key).subquery("nearest")
    joined = nearest.join(events, and_(events.c.id == nearest.c.id, events.c.namespace_key == nearest.c.namespace_key))
    statement = select(nearest.c.start_id, nearest.c.depth, *event_columns(columns)).select_from(joined)
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
