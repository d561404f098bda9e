"""Removals: how events and references leave the store, a chunk at a time, each chunk in one transaction.

Whoever removes anything (deletes, forgetting an object, retention, folding) does it in this order, inside a transaction
that began with `lease.require`: lock the events in id order, look at them again, look at their references by a locking
read, decide, delete. Two transactions that each take another last reference of an event would otherwise leave it
without any, for ever (design.md, promises). Ingest never adds a reference to an event that is there, so that nothing
but another removal can come in between.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Delete, Select, Table, delete, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.connections import SHOWN_SQL
from storage.dialects import driver_insert, force_index, insert_replacing
from storage.identifiers import uuid_to_bytes
from storage.literals import insert_statements, is_any_id, is_any_pair
from storage.tables import deleted_ids, event_count_deltas, event_objects, events, folded_ids
from storage.times import MICROSECONDS_PER_MINUTE

_T = TypeVar("_T")

IDS_PER_STATEMENT = 1_000
"""The list of one statement: short enough for any packet, long enough that round trips do not count."""
_DELTA_COLUMNS = ("audience_key", "minute", "event_type", "severity", "success", "event_rows", "occurrences")
_DELETED_COLUMNS = ("id", "namespace_key", "deleted_at")


class EventPlace(NamedTuple):
    """What identifies an event in storage."""

    id: str
    namespace_key: int


class LockedEvent(NamedTuple):
    """What is known of an event whose row this transaction has locked. Times are microseconds UTC."""

    id: str
    namespace_key: int
    audience_key: int
    event_type: str
    source: str
    severity: int
    success: int | None
    occurred_at: int
    received_at: int
    last_occurred_at: int | None
    repeat_count: int
    registration_id: str | None

    @property
    def place(self) -> EventPlace:
        """What identifies it."""
        return EventPlace(self.id, self.namespace_key)

    @property
    def aged_from(self) -> int:
        """From when its age counts: the latest of its own time, that of its last repeat, and its arrival (EV8)."""
        return max(self.occurred_at, self.received_at, self.last_occurred_at or 0)


class Reference(NamedTuple):
    """That an event touches an object, by the key of its row."""

    object_key: int
    audience_key: int
    occurred_at: int
    event_id: str
    namespace_key: int
    object_type: str

    @property
    def place(self) -> EventPlace:
        """What identifies its event."""
        return EventPlace(self.event_id, self.namespace_key)


class Removed(NamedTuple):
    """How many rows went: `events`, and `references` of these or of events that stay."""

    events: int = 0
    references: int = 0

    def __add__(self, other: object) -> "Removed":
        """Add up two counts."""
        if not isinstance(other, Removed):
            return NotImplemented
        return Removed(self.events + other.events, self.references + other.references)


async def lock_events(
    connection: AsyncConnection, places: Collection[EventPlace], *, condition: ColumnElement[bool] | None = None
) -> list[LockedEvent]:
    """Lock those of some events that are still there and for which `condition` still holds; give them by id."""
    wanted = set(places)
    locked: list[LockedEvent] = []
    for ids in in_parts(sorted({place.id for place in wanted}), IDS_PER_STATEMENT):
        rows = await connection.execute(build_locked_events(ids, condition))
        locked += (event for event in map(LockedEvent._make, rows) if event.place in wanted)
    return locked


async def lock_references(
    connection: AsyncConnection, locked: Sequence[LockedEvent]
) -> dict[EventPlace, list[Reference]]:
    """Lock and give all references of some events, which are locked; events without any are left out."""
    wanted = {event.place for event in locked}
    found: dict[EventPlace, list[Reference]] = defaultdict(list)
    for ids in in_parts(sorted({place.id for place in wanted}), IDS_PER_STATEMENT):
        for row in await connection.execute(build_locked_references(ids)):
            reference = Reference._make(row)
            if reference.place in wanted:
                found[reference.place].append(reference)
    return dict(found)


async def delete_references(connection: AsyncConnection, references: Iterable[Reference]) -> int:
    """Delete single references of locked events and give how many went; their events stay."""
    pairs: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for reference in references:
        pairs[reference.namespace_key].append((reference.event_id, reference.object_key))
    count = 0
    for namespace_key, some in sorted(pairs.items()):
        for part in in_parts(sorted(some), IDS_PER_STATEMENT):
            count += (await connection.execute(build_deleted_pairs(part, namespace_key))).rowcount
    return count


async def delete_events(
    connection: AsyncConnection, locked: Sequence[LockedEvent], *, dialect_name: str, now: int
) -> Removed:
    """Delete locked events with all their references, take them off the counts and remember their ids.

    `now` (microseconds UTC) is when they were deleted: from then on the horizon counts within which a late resend
    answers DUPLICATE with code DELETED.
    """
    if not locked:
        return Removed()
    references = 0
    for namespace_key, some in _by_namespace(locked):
        for ids in in_parts([event.id for event in some], IDS_PER_STATEMENT):
            references += (await connection.execute(build_deleted_references(ids, namespace_key))).rowcount
            await connection.execute(build_deleted_events(ids, namespace_key))
        folded = [event.id for event in some if event.repeat_count > 1]
        for ids in in_parts(folded, IDS_PER_STATEMENT):
            await connection.execute(build_remembered_repeats(ids, namespace_key, now=now, dialect_name=dialect_name))
            await connection.execute(build_deleted_repeats(ids, namespace_key))
    await _remember(connection, locked, now=now)
    await append_deltas(connection, [(event, -1, -event.repeat_count) for event in locked])
    return Removed(len(locked), references)


async def append_deltas(connection: AsyncConnection, changes: Iterable[tuple[LockedEvent, int, int]]) -> None:
    """Append what changes in the counts: rows and occurrences at the minute of each event's time."""
    event_rows: Counter[tuple[Any, ...]] = Counter()
    occurrences: Counter[tuple[Any, ...]] = Counter()
    for event, more_rows, more_occurrences in changes:
        minute = event.occurred_at // MICROSECONDS_PER_MINUTE
        success = -1 if event.success is None else event.success
        key = (event.audience_key, minute, event.event_type, event.severity, success)
        event_rows[key] += more_rows
        occurrences[key] += more_occurrences
    deltas = [
        (*key, event_rows[key], occurrences[key]) for key in sorted(event_rows) if event_rows[key] or occurrences[key]
    ]
    await _insert(connection, event_count_deltas, _DELTA_COLUMNS, deltas)


async def _remember(connection: AsyncConnection, locked: Sequence[LockedEvent], *, now: int) -> None:
    rows = [(uuid_to_bytes(event.id), event.namespace_key, now) for event in locked]
    await _insert(connection, deleted_ids, _DELETED_COLUMNS, rows, replaced=("deleted_at",))


async def _insert(
    connection: AsyncConnection,
    table: Table,
    columns: tuple[str, ...],
    rows: list[tuple[Any, ...]],
    *,
    replaced: tuple[str, ...] = (),
) -> None:
    """Insert many rows past SQLAlchemy's treatment of parameters, which costs more than the rows do."""
    if not rows:
        return
    dialect = connection.dialect
    if dialect.name == "sqlite":
        insertion = insert_replacing(table, "sqlite", replaced) if replaced else insert(table)
        template = str(insertion.compile(dialect=dialect, column_keys=list(columns)))
        await connection.exec_driver_sql(template, rows)
        return
    template = driver_insert(table, columns, dialect)
    suffix = "".join(f" ON DUPLICATE KEY UPDATE {name} = VALUES({name})" for name in replaced)
    prefix = template.partition("VALUES")[0] + "VALUES "
    for statement in insert_statements(prefix, rows, suffix):
        await connection.exec_driver_sql(statement, execution_options={SHOWN_SQL: template})


def build_locked_events(ids: Sequence[str], condition: ColumnElement[bool] | None = None) -> Select[Any]:
    """Ask for events by id, in id order, and lock them."""
    columns = [events.c[name] for name in LockedEvent._fields]
    statement: Select[Any] = force_index(select(*columns), events, "PRIMARY").where(is_any_id(events.c.id, ids))
    if condition is not None:
        statement = statement.where(condition)
    return statement.order_by(events.c.id).with_for_update()


def build_locked_references(ids: Sequence[str]) -> Select[Any]:
    """Ask for the references of events by id, and lock them."""
    columns = [event_objects.c[name] for name in Reference._fields]
    statement: Select[Any] = force_index(select(*columns), event_objects, "ix_event_objects_event")
    return statement.where(is_any_id(event_objects.c.event_id, ids)).with_for_update()


def build_deleted_references(ids: Sequence[str], namespace_key: int) -> Delete:
    """Delete references by their events."""
    columns = event_objects.c
    return delete(event_objects).where(is_any_id(columns.event_id, ids), columns.namespace_key == namespace_key)


def build_deleted_pairs(pairs: Sequence[tuple[str, int]], namespace_key: int) -> Delete:
    """Delete references by event and object; the others of these events stay."""
    columns = event_objects.c
    ids = list(dict.fromkeys(event_id for event_id, _ in pairs))
    return build_deleted_references(ids, namespace_key).where(is_any_pair(columns.event_id, columns.object_key, pairs))


def build_deleted_events(ids: Sequence[str], namespace_key: int) -> Delete:
    """Delete events by key."""
    return delete(events).where(is_any_id(events.c.id, ids), events.c.namespace_key == namespace_key)


def build_remembered_repeats(into_ids: Sequence[str], namespace_key: int, *, now: int, dialect_name: str) -> Any:
    """Remember the repeats that were folded into some events as deleted."""
    repeats = select(folded_ids.c.id, folded_ids.c.namespace_key, literal(now)).where(
        is_any_id(folded_ids.c.into_id, into_ids), folded_ids.c.namespace_key == namespace_key
    )
    names = ["id", "namespace_key", "deleted_at"]
    return insert_replacing(deleted_ids, dialect_name, ("deleted_at",), source=repeats, names=names)


def build_deleted_repeats(into_ids: Sequence[str], namespace_key: int) -> Delete:
    """Forget the repeats that were folded into some events."""
    columns = folded_ids.c
    return delete(folded_ids).where(is_any_id(columns.into_id, into_ids), columns.namespace_key == namespace_key)


def in_parts(values: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    """Give values in parts of at most `size`."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def _by_namespace(locked: Sequence[LockedEvent]) -> list[tuple[int, list[LockedEvent]]]:
    found: dict[int, list[LockedEvent]] = defaultdict(list)
    for event in locked:
        found[event.namespace_key].append(event)
    return sorted(found.items())
