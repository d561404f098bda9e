"""Walks: what a deletion selects, met portion by portion in the order of an index, up to a position.

A walk finds candidates and gives the place from where it goes on; what is found is looked at again, locked, by whoever
removes it (`remove`, inside a chunk's transaction, see storage/removals.py).
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, exists, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.conditions import build_condition, build_scope_condition
from storage.cursors import EventCursor, EventOrder
from storage.dialects import force_index, keep_join_order, key_range
from storage.identities import build_object_keys
from storage.literals import is_any_id
from storage.page_statements import build_batch_condition
from storage.pages import PageRequest, fetch_event_page
from storage.records import ObjectRecord
from storage.removals import (
    IDS_PER_STATEMENT,
    EventPlace,
    Removed,
    delete_events,
    delete_references,
    in_parts,
    lock_events,
    lock_references,
)
from storage.scopes import Scope
from storage.selectors import Selector
from storage.tables import event_objects, events

if TYPE_CHECKING:
    from storage.engine import Database

_REFERENCE_KEY = ("audience_key", "occurred_at", "event_id", "namespace_key")


class FoundEvent(NamedTuple):
    """An event that a walk met; `goes`: it goes as a whole, not just a reference of it.

    `weight`: 1, or how many repeats were folded into it, whose ids go with it.
    """

    occurred_at: int
    namespace: str
    place: EventPlace
    weight: int
    goes: bool
    audience_key: int


class Portion(NamedTuple):
    """What a walk met in one step; `next_place` None: there is no more.

    `place_after` gives where to go on behind an event of it.
    """

    found: list[FoundEvent]
    next_place: str | None
    place_after: Callable[[FoundEvent], str]

    def split(self, references: Mapping[EventPlace, int], limit: int) -> tuple["Portion", "Portion | None"]:
        """Give the start of it that fits a chunk, and the rest.

        At most `limit` events, repeats counted, and as many references; one event always fits.
        """
        events_left = references_left = limit
        for index, each in enumerate(self.found):
            events_left -= each.weight
            references_left -= references.get(each.place, 0)
            if index and (events_left < 0 or references_left < 0):
                head = self._replace(found=self.found[:index], next_place=self.place_after(self.found[index - 1]))
                return head, self._replace(found=self.found[index:])
        return self, None


@dataclass(frozen=True, slots=True)
class EventWalk:
    """The events of selectors that exclude each other, one selector after the other, oldest first."""

    parts: tuple[Selector, ...]
    scope: Scope
    bound: int
    """The position up to which events are meant."""

    async def fetch(self, database: "Database", place: str | None, *, size: int) -> Portion:
        """Read the next portion; it may be empty while there is more, where the scan limit was reached."""
        part, text = (0, None) if place is None else json.loads(place)
        place_after = partial(_after_event, part)
        if part >= len(self.parts):
            return Portion([], None, place_after)
        cursor = None if text is None else EventCursor.from_text(text, EventOrder.OLDEST_FIRST)
        request = PageRequest(size=size, order=EventOrder.OLDEST_FIRST, after=cursor, as_of=self.bound)
        page = await fetch_event_page(
            database, selector=self.parts[part], scope=self.scope, request=request, fields={"repeat_count"}
        )
        rows = page.rows
        keys = await database.identities.namespace_keys(set(rows.column("namespace")))
        columns = [rows.column(name) for name in ("occurred_at", "namespace", "id", "repeat_count", "audience_key")]
        found = [
            FoundEvent(occurred_at, name, EventPlace(event_id, keys[name]), weight, True, audience_key)
            for occurred_at, name, event_id, weight, audience_key in zip(*columns, strict=True)
        ]
        next_place = json.dumps([part + 1, None]) if part + 1 < len(self.parts) else None
        if page.has_next and page.end_cursor is not None:
            next_place = json.dumps([part, page.end_cursor.to_text()])
        return Portion(found, next_place, place_after)

    async def remove(
        self, connection: AsyncConnection, place: str | None, portion: Portion, *, dialect_name: str, now: int
    ) -> Removed:
        """Remove those events of a portion, which was fetched from `place`, that are still selected."""
        if not portion.found:
            return Removed()
        part = 0 if place is None else json.loads(place)[0]
        condition = self.build_condition(part, dialect_name)
        locked = await lock_events(connection, [each.place for each in portion.found], condition=condition)
        return await delete_events(connection, locked, dialect_name=dialect_name, now=now)

    def build_condition(self, part: int, dialect_name: str) -> ColumnElement[bool]:
        """Make the condition that an event belongs to a part of what is selected."""
        return and_(
            build_condition(self.parts[part], dialect_name),
            build_scope_condition(self.scope),
            build_batch_condition(self.bound),
        )


@dataclass(frozen=True, slots=True)
class ObjectWalk:
    """The references to one object, by their key. An event goes with its last reference (EV7)."""

    object_key: int | None
    """None: there is no such object."""
    scope: Scope
    bound: int
    """The position up to which events are meant."""
    spared_namespace_key: int | None = None
    """The namespace whose events keep their references."""

    async def fetch(self, database: "Database", place: str | None, *, size: int) -> Portion:
        """Read the next portion: events that touch the object."""
        if self.object_key is None:
            return Portion([], None, _after_reference)
        statement = self.build_references(place, limit=size + 1, dialect_name=database.dialect_name)
        async with database.reading() as connection:
            rows = (await connection.execute(statement)).all()
        names = await database.identities.namespace_names(row.namespace_key for row in rows)
        found = [
            FoundEvent(
                row.occurred_at,
                names[row.namespace_key],
                EventPlace(row.event_id, row.namespace_key),
                row.repeat_count,
                not row.has_others,
                row.audience_key,
            )
            for row in rows[:size]
        ]
        return Portion(found, _after_reference(found[-1]) if len(rows) > size else None, _after_reference)

    async def remove(
        self, connection: AsyncConnection, _place: str | None, portion: Portion, *, dialect_name: str, now: int
    ) -> Removed:
        """Remove the references of a portion, and the events that have no others left."""
        condition = and_(build_scope_condition(self.scope), build_batch_condition(self.bound))
        locked = await lock_events(connection, [each.place for each in portion.found], condition=condition)
        references = await lock_references(connection, locked)
        leaving, last = [], []
        for event in locked:
            own = [each for each in references.get(event.place, ()) if each.object_key == self.object_key]
            if own and len(own) == len(references[event.place]):
                last.append(event)
            else:
                leaving += own
        removed = Removed(references=await delete_references(connection, leaving))
        return removed + await delete_events(connection, last, dialect_name=dialect_name, now=now)

    def build_references(self, place: str | None, *, limit: int, dialect_name: str) -> Select[Any]:
        """Ask for the first references behind a place, and whether their events have others."""
        source = event_objects.alias("place")
        row = and_(events.c.id == source.c.event_id, events.c.namespace_key == source.c.namespace_key)
        key = [source.c[name] for name in _REFERENCE_KEY]
        other = event_objects.alias("other")
        others = exists().where(
            other.c.event_id == source.c.event_id,
            other.c.namespace_key == source.c.namespace_key,
            other.c.object_key != source.c.object_key,
        )
        statement: Select[Any] = select(*key, events.c.repeat_count, others.label("has_others"))
        statement = keep_join_order(statement.select_from(source.join(events, row)))
        statement = force_index(statement, source, "PRIMARY").where(
            source.c.object_key == self.object_key,
            build_scope_condition(self.scope, source),
            build_batch_condition(self.bound),
        )
        if self.spared_namespace_key is not None:
            statement = statement.where(source.c.namespace_key != self.spared_namespace_key)
        if place is not None:
            statement = statement.where(key_range(key, json.loads(place), ">", dialect_name))
        return statement.order_by(*key).limit(limit)


Walk = EventWalk | ObjectWalk


async def fetch_object_key(database: "Database", record: ObjectRecord) -> int | None:
    """Give the key of an object, None when nothing has ever touched it; nothing is interned."""
    async with database.reading() as connection:
        row = (await connection.execute(build_object_keys([record]))).first()
    return None if row is None else int(row.object_key)


async def fetch_reference_counts(database: "Database", places: Iterable[EventPlace]) -> dict[EventPlace, int]:
    """Give how many references each of some events has; events without any are left out."""
    wanted = set(places)
    found: dict[EventPlace, int] = {}
    async with database.reading() as connection:
        for ids in in_parts(sorted({place.id for place in wanted}), IDS_PER_STATEMENT):
            for *key, count in await connection.execute(build_reference_counts(ids)):
                found[EventPlace(*key)] = count
    return {place: count for place, count in found.items() if place in wanted}


def build_reference_counts(ids: Sequence[str]) -> Select[Any]:
    """Ask for the number of references of events, from their index alone."""
    columns = event_objects.c
    statement: Select[Any] = select(columns.event_id, columns.namespace_key, func.count())
    statement = force_index(statement, event_objects, "ix_event_objects_event").where(is_any_id(columns.event_id, ids))
    grouped: Select[Any] = statement.group_by(columns.event_id, columns.namespace_key)
    return grouped


def _after_event(part: int, event: FoundEvent) -> str:
    cursor = EventCursor(EventOrder.OLDEST_FIRST, event.occurred_at, event.place.id, event.namespace)
    return json.dumps([part, cursor.to_text()])


def _after_reference(event: FoundEvent) -> str:
    return json.dumps([event.audience_key, event.occurred_at, event.place.id, event.place.namespace_key])
