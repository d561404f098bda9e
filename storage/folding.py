"""Folding: repeats of an event become one row that says how often it happened (EV11).

The ids of the repeats are kept in `folded_ids`: whoever asks for one gets the row it is in, whoever sends it again gets
DUPLICATE or CONFLICT as before. Rows move in the counts, occurrences only change their minute.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Select, and_, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.conditions import build_scope_condition
from storage.dialects import force_index
from storage.event_rows import read_columns
from storage.literals import is_any_id
from storage.page_statements import event_columns
from storage.pages import to_event_rows
from storage.records import EventRecord
from storage.removals import (
    IDS_PER_STATEMENT,
    EventPlace,
    LockedEvent,
    append_deltas,
    build_deleted_events,
    build_deleted_references,
    in_parts,
)
from storage.scopes import Scope
from storage.tables import events, folded_ids

if TYPE_CHECKING:
    from storage.engine import Database


class Repeat(NamedTuple):
    """A locked event that goes into another one, and what decides whether a resend of it is the same."""

    event: LockedEvent
    content_hash: bytes


class Fold(NamedTuple):
    """A locked event that stays, and its repeats, each of which happened once and goes."""

    survivor: LockedEvent
    repeats: Sequence[Repeat]


async def read_parents(connection: AsyncConnection, places: Collection[EventPlace]) -> set[EventPlace]:
    """Give those of some events that have children."""
    wanted = set(places)
    found: set[EventPlace] = set()
    for ids in in_parts(sorted({place.id for place in wanted}), IDS_PER_STATEMENT):
        found.update(EventPlace(*row) for row in await connection.execute(build_parents(ids)))
    return found & wanted


async def fold_events(connection: AsyncConnection, folds: Sequence[Fold]) -> int:
    """Fold repeats, inside a transaction that has locked all of them, and give how many went."""
    for survivor, repeats in folds:
        await connection.execute(build_survivor(survivor, [repeat.event for repeat in repeats]))
    gone = [(repeat.event, fold.survivor, repeat.content_hash) for fold in folds for repeat in fold.repeats]
    by_namespace: dict[int, list[str]] = defaultdict(list)
    for event, _, _ in gone:
        by_namespace[event.namespace_key].append(event.id)
    for namespace_key, some in sorted(by_namespace.items()):
        for ids in in_parts(sorted(some), IDS_PER_STATEMENT):
            await connection.execute(build_deleted_references(ids, namespace_key))
            await connection.execute(build_deleted_events(ids, namespace_key))
    rows = [
        {
            "id": event.id,
            "namespace_key": event.namespace_key,
            "into_id": survivor.id,
            "content_hash": content_hash,
        }
        for event, survivor, content_hash in sorted(gone)
    ]
    for part in in_parts(rows, IDS_PER_STATEMENT):
        await connection.execute(insert(folded_ids), list(part))
    await append_deltas(connection, _changes(folds))
    return len(gone)


def _changes(folds: Iterable[Fold]) -> Iterable[tuple[LockedEvent, int, int]]:
    for survivor, repeats in folds:
        yield survivor, 0, len(repeats)
        for repeat in repeats:
            yield repeat.event, -1, -1


async def fetch_events_of_repeat(
    database: "Database", event_id: str, *, scope: Scope, fields: Collection[str] | None = None
) -> list[EventRecord]:
    """Read the visible events into which an event of this id was folded, in all namespaces; of each only `fields`."""
    columns = read_columns(fields)
    async with database.reading() as connection:
        rows = [
            tuple(row) for row in await connection.execute(build_events_of_repeat(event_id, scope, columns=columns))
        ]
        return list(await to_event_rows(database, columns, rows, connection))


def build_parents(ids: Sequence[str]) -> Select[Any]:
    """Ask which events have children, by id."""
    columns = events.c
    statement: Select[Any] = force_index(select(columns.parent_id, columns.namespace_key), events, "ix_events_parent")
    return statement.where(is_any_id(columns.parent_id, ids)).distinct()


def build_survivor(survivor: LockedEvent, repeats: Sequence[LockedEvent]) -> Any:
    """Add repeats to the event that stays: how often, when last, and the latest arrival of all."""
    everything = [survivor, *repeats]
    return (
        update(events)
        .where(events.c.id == survivor.id, events.c.namespace_key == survivor.namespace_key)
        .values(
            repeat_count=survivor.repeat_count + len(repeats),
            last_occurred_at=max(max(each.occurred_at, each.last_occurred_at or 0) for each in everything),
            received_at=max(each.received_at for each in everything),
        )
    )


def build_events_of_repeat(event_id: str, scope: Scope, *, columns: Sequence[str]) -> Select[Any]:
    """Ask for the events into which the events of an id were folded."""
    same = and_(events.c.id == folded_ids.c.into_id, events.c.namespace_key == folded_ids.c.namespace_key)
    statement = select(*event_columns(columns)).select_from(folded_ids.join(events, same))
    return statement.where(folded_ids.c.id == event_id, build_scope_condition(scope))
