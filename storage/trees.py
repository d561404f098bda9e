"""Trees: the events that belong together, by an id that they share or by parents; so many at most (L3)."""

from collections.abc import Collection, Sequence
from itertools import chain, repeat
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Select, and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.conditions import build_scope_condition
from storage.cursors import EventOrder
from storage.dialects import force_index, keep_join_order, untaken
from storage.engine import Database
from storage.event_rows import EventRows, read_columns
from storage.page_statements import event_columns
from storage.pages import PageRequest, fetch_event_page, to_event_rows
from storage.prepared import parameter
from storage.reads import PREPARED_SIZES, build_ancestors, build_events_by_id
from storage.records import EventKey
from storage.scopes import Scope
from storage.selectors import EventField, all_of, equals_any
from storage.tables import events

TREE_FIELDS = frozenset({"parent_id", "event_type", "severity", "duration_ms", "success"})
"""What a tree needs to know of each event, beside what every row begins with."""

_ANCESTORS_PER_STATEMENT = 500
"""Generations that one recursive statement climbs; MariaDB ends one after 1000 without a word."""
_EVENT_ID = itemgetter(1)
_PLACE = itemgetter(2, 1)

_Row = tuple[Any, ...]


class TreeEvents(NamedTuple):
    """The events of a tree by (timestamp, id, namespace); `is_truncated`: there are, or may be, more of them."""

    rows: EventRows
    is_truncated: bool


async def fetch_tree_by_field(
    database: Database,
    field: EventField,
    value: str,
    *,
    namespace: str | None,
    scope: Scope,
    most: int,
    fields: Collection[str] | None = None,
) -> TreeEvents:
    """Read the visible events whose field has this value, in one namespace or (None) in all; the oldest `most`.

    Looks at no more events than the scan limit: with fewer than `most` found by then, the tree is truncated too.
    """
    tests = [equals_any(field, (value,))]
    if namespace is not None:
        tests.append(equals_any(EventField.NAMESPACE, (namespace,)))
    page = await fetch_event_page(
        database,
        selector=all_of(tests),
        scope=scope,
        request=PageRequest(size=most, order=EventOrder.OLDEST_FIRST),
        fields=_with_tree_fields(fields),
    )
    return TreeEvents(page.rows, page.has_next)


async def fetch_tree_by_parents(
    database: Database, event: EventKey, *, scope: Scope, most: int, fields: Collection[str] | None = None
) -> TreeEvents | None:
    """Read the tree that an event belongs to by parents that are stored, visible and in its namespace (T7, T8).

    None when the event itself is not there. Of a tree of more than `most` events: the event, those above it, then
    those that are nearest below these. One statement finds up to 500 generations above, one each generation below.
    """
    names = await database.identities.namespace_keys((event.namespace,))
    if event.namespace not in names:
        return None
    async with database.reading() as connection:
        family = _Family(
            database,
            connection,
            namespace_key=names[event.namespace],
            scope=scope,
            columns=read_columns(_with_tree_fields(fields)),
            most=most,
        )
        return await family.read(event.id)


class _Family:
    """Finds the events of one tree: up to its top, then down, a generation at a time."""

    def __init__(
        self,
        database: Database,
        connection: AsyncConnection,
        *,
        namespace_key: int,
        scope: Scope,
        columns: tuple[str, ...],
        most: int,
    ) -> None:
        self._database = database
        self._connection = connection
        self._namespace_key = namespace_key
        self._scope = scope
        self._columns = columns
        self._most = most
        self._parent_id = columns.index("parent_id")

    async def read(self, event_id: str) -> TreeEvents | None:
        line = await self._climb(event_id)
        if not line:
            return None
        found, is_truncated = line[: self._most], len(line) > self._most
        if not is_truncated:
            is_truncated = await self._descend(found)
        found.sort(key=_PLACE)
        return TreeEvents(await to_event_rows(self._database, self._columns, found, self._connection), is_truncated)

    async def _climb(self, event_id: str) -> list[_Row]:
        """Give the event and what stands above it, nearest first; one more than asked for when there are more."""
        line = await self._fetch_event(event_id)
        known = set(map(_EVENT_ID, line))
        while line and line[-1][self._parent_id] is not None and len(line) <= self._most:
            generations = min(_ANCESTORS_PER_STATEMENT, self._most + 1 - len(line))
            above = await self._fetch_ancestors(_EVENT_ID(line[-1]), generations)
            new = [row for row in above if _EVENT_ID(row) not in known]
            line += new
            known.update(map(_EVENT_ID, new))
            if len(new) < generations:
                break
        return line

    async def _descend(self, found: list[_Row]) -> bool:
        """Add what is below the events found so far, and say whether there is more than may be added."""
        known = set(map(_EVENT_ID, found))
        generation, met_again = list(known), len(found)
        while generation:
            left = self._most - len(found)
            # Those of the line above the event are children too, and are there already.
            children = await self._fetch_children(generation, limit=left + met_again + 1)
            new = sorted((row for row in children if _EVENT_ID(row) not in known), key=_PLACE)
            found += new[:left]
            if len(new) > left:
                return True
            generation, met_again = list(map(_EVENT_ID, new)), 0
            known.update(generation)
        return False

    async def _fetch_event(self, event_id: str) -> list[_Row]:
        statement = build_events_by_id([event_id], self._scope, columns=self._columns)
        return await self._execute(statement.where(events.c.namespace_key == self._namespace_key))

    async def _fetch_ancestors(self, event_id: str, generations: int) -> list[_Row]:
        starts = {(event_id, self._namespace_key): generations}
        rows = await self._execute(build_ancestors(starts, self._scope, columns=self._columns))
        # Before the event's columns stand the start's id and the distance from it.
        return [row[2:] for row in sorted(rows, key=itemgetter(1))]

    async def _fetch_children(self, parent_ids: Sequence[str], *, limit: int) -> list[_Row]:
        size = next((size for size in PREPARED_SIZES if size >= len(parent_ids)), None)
        if size is None or not self._scope.everything:
            return await self._execute(
                build_generation(
                    parent_ids,
                    namespace_key=self._namespace_key,
                    scope=self._scope,
                    limit=limit,
                    columns=self._columns,
                )
            )
        prepared = self._database.statements.get(
            ("generation of a tree", size, self._columns),
            lambda: build_generation(
                [parameter(f"parent_{place}", events.c.parent_id.type) for place in range(size)],
                namespace_key=parameter("namespace_key", events.c.namespace_key.type),
                scope=self._scope,
                limit=parameter("limit", BigInteger()),
                columns=self._columns,
            ),
        )
        filled = chain(parent_ids, repeat(parent_ids[-1], size - len(parent_ids)))
        values = {f"parent_{place}": parent_id for place, parent_id in enumerate(filled)}
        return await self._database.fetch(
            self._connection, prepared, {**values, "namespace_key": self._namespace_key, "limit": limit}
        )

    async def _execute(self, statement: Select[Any]) -> list[_Row]:
        return [tuple(row) for row in await self._connection.execute(statement)]


def build_generation(
    parent_ids: Sequence[Any], *, namespace_key: Any, scope: Scope, limit: Any, columns: Sequence[str]
) -> Select[Any]:
    """Ask for the first `limit` children of some events of a namespace, by parent, timestamp and id; in any order.

    The index alone says which they are; only their rows are read.
    """
    keys: Select[Any] = select(events.c.occurred_at, events.c.id, events.c.namespace_key).where(
        events.c.parent_id.in_(parent_ids),
        untaken(and_(events.c.namespace_key == namespace_key, build_scope_condition(scope))),
    )
    keys = force_index(keys, events, "ix_events_parent")
    found = keys.order_by(events.c.parent_id, events.c.occurred_at, events.c.id).limit(limit).subquery("generation")
    joined = found.join(events, and_(events.c.id == found.c.id, events.c.namespace_key == found.c.namespace_key))
    statement: Select[Any] = keep_join_order(select(*event_columns(columns)).select_from(joined))
    return statement


def _with_tree_fields(fields: Collection[str] | None) -> Collection[str] | None:
    return None if fields is None else TREE_FIELDS.union(fields)
