"""Restores: whole events put back under their ids (NU8).

What comes back is marked as restored, ages from its return, and counts like any other event; nothing of it counts as an
arrival, so that it uses up no quota.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any

from sqlalchemy import Delete, Select, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.archive_rows import IDS_PER_STATEMENT, WholeEvent
from storage.connections import SHOWN_SQL
from storage.dialects import driver_insert
from storage.identifiers import uuid_to_bytes
from storage.identities import AudienceName, AudienceRecord
from storage.json_values import spell_keys
from storage.leases import take_turns
from storage.literals import insert_statements, is_any_id
from storage.positions import next_position
from storage.records import ObjectRecord
from storage.removals import EventPlace, in_parts
from storage.tables import deleted_ids, event_count_deltas, event_objects, events, folded_ids, ingest_batches
from storage.times import MICROSECONDS_PER_MINUTE

if TYPE_CHECKING:
    from storage.engine import Database


class RestoreOutcome(Enum):
    """What became of an event on its way back."""

    RESTORED = "stored again"
    PRESENT = "its id is stored, by itself or folded into another event: left alone"


async def append_restored(
    database: "Database", restored: Sequence[WholeEvent], *, received_at: int
) -> list[RestoreOutcome]:
    """Put events back in one transaction and give what became of each, in order.

    `received_at` (microseconds UTC) is when they came back: their age counts from there. An id that is stored is left
    alone; one that was deleted is no longer remembered as such. No event must come twice. Raises StorageError.
    """
    if not restored:
        return []
    identities = database.identities
    audiences = await identities.intern_audiences({event.row.audience for event in restored})
    seen_by = {(link.object, audiences[event.row.audience].key) for event in restored for link in event.row.objects}
    object_keys = await identities.intern_objects({record for record, _ in seen_by}, seen_by=seen_by)
    work = _Return(database, restored, received_at, audiences=audiences, object_keys=object_keys)
    return await database.write(work.run, name="restored events")


async def find_present(database: "Database", restored: Sequence[WholeEvent]) -> list[bool]:
    """Tell of each of some events whether its id is stored already; nothing is written."""
    keys = await database.identities.namespace_keys({event.row.audience.namespace for event in restored})
    async with database.reading() as connection:
        stored = await _fetch_stored(connection, [event.row.id for event in restored])
    return [EventPlace(event.row.id, keys.get(event.row.audience.namespace, -1)) in stored for event in restored]


async def _fetch_stored(connection: AsyncConnection, ids: Collection[str]) -> dict[EventPlace, int | None]:
    """Give which of these ids are stored, with their batch; None for those that were folded."""
    found: dict[EventPlace, int | None] = {}
    for part in in_parts(sorted(set(ids)), IDS_PER_STATEMENT):
        # Events first: one that is folded between the two looks is met by the second, not by neither.
        for event_id, namespace_key, batch_key in await connection.execute(build_stored_places(part)):
            found[EventPlace(event_id, namespace_key)] = batch_key
        for event_id, namespace_key in await connection.execute(build_folded_places(part)):
            found.setdefault(EventPlace(event_id, namespace_key), None)
    return found


class _Return:
    """Events on their way back; `run` may be called several times."""

    def __init__(
        self,
        database: "Database",
        restored: Sequence[WholeEvent],
        received_at: int,
        *,
        audiences: dict[AudienceName, AudienceRecord],
        object_keys: dict[ObjectRecord, int],
    ) -> None:
        self._database = database
        self._received_at = received_at
        self._object_keys = object_keys
        self._events = [(event, audiences[event.row.audience]) for event in restored]
        self._places = [EventPlace(event.row.id, audience.namespace_key) for event, audience in self._events]
        self._own_batch_keys: set[int] = set()

    async def run(self, connection: AsyncConnection) -> list[RestoreOutcome]:
        """Write the events whose ids are not stored."""
        # Of two restores one could bring an event back by itself, the other as a repeat of another event.
        await take_turns(connection, "restore", dialect_name=self._database.dialect_name)
        ids = [place.id for place in self._places]
        stored = await _fetch_stored(
            connection, [*ids, *(each.id for event, _ in self._events for each in event.folded)]
        )
        # What a try before has stored, whose COMMIT was not answered, has come back.
        own = {place for place, batch_key in stored.items() if batch_key in self._own_batch_keys}
        new = [index for index, place in enumerate(self._places) if place not in stored]
        if new:
            await self._insert(connection, sorted(new, key=self._places.__getitem__), stored)
        return [
            RestoreOutcome.RESTORED if place not in stored or place in own else RestoreOutcome.PRESENT
            for place in self._places
        ]

    async def _insert(self, connection: AsyncConnection, new: Sequence[int], stored: Collection[EventPlace]) -> None:
        batch: dict[str, Any] = {"received_at": self._received_at, "event_count": len(new)}
        if self._database.dialect_name == "sqlite":
            batch["position"] = await next_position(connection)
        batch_key = (await connection.execute(insert(ingest_batches), batch)).lastrowid
        taken = {*stored, *(self._places[index] for index in new)}
        returning = [self._without_strays(index, taken) for index in new]
        namespace_keys = [self._places[index].namespace_key for index in new]
        audience_keys = [self._events[index][1].key for index in new]
        keys = list(zip(returning, namespace_keys, audience_keys, strict=True))
        await self._insert_rows(
            connection, events, [self._event_values(*key, batch_key, at) for at, key in enumerate(keys)]
        )
        await self._insert_rows(
            connection, event_objects, sorted(values for key in keys for values in self._reference_values(*key))
        )
        folded = sorted(
            (uuid_to_bytes(each.id), namespace_key, uuid_to_bytes(event.row.id), each.content_hash)
            for event, namespace_key, _ in keys
            for each in event.folded
        )
        await self._insert_rows(connection, folded_ids, folded)
        await _append_deltas(connection, returning, audience_keys)
        await self._forget_deleted(connection, keys)
        if self._database.dialect_name == "mariadb":
            self._own_batch_keys.add(batch_key)

    def _without_strays(self, index: int, taken: set[EventPlace]) -> WholeEvent:
        """Leave out repeats that are stored already, and those of another event that returns too: none counts twice."""
        event, audience = self._events[index]
        kept = tuple(each for each in event.folded if EventPlace(each.id, audience.namespace_key) not in taken)
        taken.update(EventPlace(each.id, audience.namespace_key) for each in kept)
        fewer = len(event.folded) - len(kept)
        return event._replace(folded=kept, repeat_count=event.repeat_count - fewer) if fewer else event

    async def _insert_rows(self, connection: AsyncConnection, table: Any, values: list[tuple[Any, ...]]) -> None:
        if not values:
            return
        template = driver_insert(table, tuple(column.name for column in table.columns), connection.dialect)
        if self._database.dialect_name == "sqlite":
            await connection.exec_driver_sql(template, values)
            return
        prefix = template.partition("VALUES")[0] + "VALUES "
        for statement in insert_statements(prefix, values):
            await connection.exec_driver_sql(statement, execution_options={SHOWN_SQL: template})

    def _event_values(
        self, event: WholeEvent, namespace_key: int, audience_key: int, batch_key: int, batch_index: int
    ) -> tuple[Any, ...]:
        row = event.row
        values = row._asdict() | {
            "namespace_key": namespace_key,
            "audience_key": audience_key,
            "received_at": self._received_at,
            "repeat_count": event.repeat_count,
            "last_occurred_at": event.last_occurred_at,
            "restored": 1,
            "extra": None if row.extra is None else spell_keys(row.extra),
            "batch_key": batch_key,
            "batch_index": batch_index,
        }
        for name in ("id", "parent_id", "registration_id"):
            values[name] = None if values[name] is None else uuid_to_bytes(values[name])
        return tuple(values[column.name] for column in events.columns)

    def _reference_values(self, event: WholeEvent, namespace_key: int, audience_key: int) -> list[tuple[Any, ...]]:
        row = event.row
        return [
            (
                self._object_keys[link.object],
                audience_key,
                row.occurred_at,
                uuid_to_bytes(row.id),
                namespace_key,
                link.object.object_type,
                row.event_type,
                row.severity,
                link.role,
                None if row.success is None else int(row.success),
            )
            for link in row.objects
        ]

    async def _forget_deleted(self, connection: AsyncConnection, keys: Sequence[tuple[WholeEvent, int, int]]) -> None:
        by_namespace: dict[int, list[str]] = defaultdict(list)
        for event, namespace_key, _ in keys:
            by_namespace[namespace_key] += [event.row.id, *(each.id for each in event.folded)]
        for namespace_key, ids in sorted(by_namespace.items()):
            for part in in_parts(sorted(ids), IDS_PER_STATEMENT):
                await connection.execute(build_forgotten_deletions(part, namespace_key))


async def _append_deltas(
    connection: AsyncConnection, returning: Sequence[WholeEvent], audience_keys: Sequence[int]
) -> None:
    """Append what comes back to the counts: each a row, with as many occurrences as were folded into it."""
    counts: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0])
    for event, audience_key in zip(returning, audience_keys, strict=True):
        row = event.row
        success = -1 if row.success is None else int(row.success)
        key = (audience_key, row.occurred_at // MICROSECONDS_PER_MINUTE, row.event_type, row.severity, success)
        counts[key][0] += 1
        counts[key][1] += event.repeat_count
    names = ("audience_key", "minute", "event_type", "severity", "success", "event_rows", "occurrences")
    rows = [dict(zip(names, (*key, *counted), strict=True)) for key, counted in sorted(counts.items())]
    await connection.execute(insert(event_count_deltas), rows)


def build_stored_places(ids: Sequence[str]) -> Select[Any]:
    """Ask which ids are stored as events, and in which batches."""
    return select(events.c.id, events.c.namespace_key, events.c.batch_key).where(is_any_id(events.c.id, ids))


def build_folded_places(ids: Sequence[str]) -> Select[Any]:
    """Ask which ids are folded into other events."""
    return select(folded_ids.c.id, folded_ids.c.namespace_key).where(is_any_id(folded_ids.c.id, ids))


def build_forgotten_deletions(ids: Sequence[str], namespace_key: int) -> Delete:
    """Forget that some ids were deleted."""
    return delete(deleted_ids).where(is_any_id(deleted_ids.c.id, ids), deleted_ids.c.namespace_key == namespace_key)
