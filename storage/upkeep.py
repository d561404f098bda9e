"""Upkeep: rows that are of no use any more go, a chunk at a time: old deleted ids, batches without events, old sums.

Each function is one part of a transaction that began with `lease.require`, and finds its rows by an index.
"""

from collections import defaultdict
from typing import Any, NamedTuple

from sqlalchemy import Select, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.dialects import force_index, key_range
from storage.literals import is_any_id
from storage.removals import IDS_PER_STATEMENT, in_parts
from storage.tables import deleted_ids, events, ingest_batches, ingest_counts, namespaces

_NAMESPACES_PER_STATEMENT = 100


class BatchPlace(NamedTuple):
    """Where looking through the batches goes on: after this one, in the order of arrival."""

    received_at: int
    batch_key: int


BEFORE_ALL = BatchPlace(-1, 0)


class BatchWindow(NamedTuple):
    """What looking at some batches gave: how many went, and where to go on; None: there are no more."""

    deleted: int
    last: BatchPlace | None


async def delete_old_ids(connection: AsyncConnection, *, before: int, limit: int) -> int:
    """Forget the oldest ids that were deleted before an instant (microseconds UTC), at most so many; give how many."""
    by_namespace: dict[int, list[str]] = defaultdict(list)
    for deleted_id, namespace_key in await connection.execute(build_old_ids(before=before, limit=limit)):
        by_namespace[namespace_key].append(deleted_id)
    columns = deleted_ids.c
    count = 0
    for namespace_key, ids in sorted(by_namespace.items()):
        for part in in_parts(sorted(ids), IDS_PER_STATEMENT):
            # Deleted again meanwhile: then its time counts from there.
            statement = delete(deleted_ids).where(
                is_any_id(columns.id, part), columns.namespace_key == namespace_key, columns.deleted_at < before
            )
            count += (await connection.execute(statement)).rowcount
    return count


async def delete_empty_batches(
    connection: AsyncConnection, after: BatchPlace, *, before: int, limit: int, dialect_name: str
) -> BatchWindow:
    """Look at the next batches that arrived before an instant, at most so many, and forget those without events.

    A batch gets no events after its transaction, so one that is found empty stays empty. The batch of the highest
    position stays in any case: `require_position` tells from it that nothing later is missing.
    """
    highest = (await connection.execute(select(func.max(ingest_batches.c.position)))).scalar()
    window = build_batch_window(after, before=before, limit=limit, dialect_name=dialect_name)
    rows = (await connection.execute(window)).all()
    empty = [row.batch_key for row in rows if row.some_event is None and (row.position or highest) != highest]
    if empty:
        await connection.execute(delete(ingest_batches).where(ingest_batches.c.batch_key.in_(empty)))
    last = rows[-1] if len(rows) == limit else None
    return BatchWindow(len(empty), None if last is None else BatchPlace(last.received_at, last.batch_key))


async def delete_old_arrivals(connection: AsyncConnection, *, before_day: int) -> int:
    """Forget how many events arrived on days before this one (days since 1970), and give how many rows went."""
    keys = list((await connection.execute(select(namespaces.c.namespace_key))).scalars())
    columns = ingest_counts.c
    count = 0
    for part in in_parts(sorted(keys), _NAMESPACES_PER_STATEMENT):
        statement = delete(ingest_counts).where(columns.namespace_key.in_(part), columns.arrival_day < before_day)
        count += (await connection.execute(statement)).rowcount
    return count


def build_old_ids(*, before: int, limit: int) -> Select[Any]:
    """Ask for the ids that were deleted first, before an instant."""
    columns = deleted_ids.c
    statement: Select[Any] = force_index(
        select(columns.id, columns.namespace_key), deleted_ids, "ix_deleted_ids_time"
    ).where(columns.deleted_at < before)
    return statement.order_by(columns.deleted_at).limit(limit)


def build_batch_window(after: BatchPlace, *, before: int, limit: int, dialect_name: str) -> Select[Any]:
    """Ask for the next batches in the order of arrival, and for one event of each.

    LIMIT keeps MariaDB from turning the question round and reading the batch of every event there is.
    """
    columns = ingest_batches.c
    some_event = force_index(select(events.c.batch_index), events, "ix_events_batch")
    some_event = some_event.where(events.c.batch_key == columns.batch_key).limit(1).scalar_subquery()
    statement: Select[Any] = force_index(
        select(columns.received_at, columns.batch_key, columns.position, some_event.label("some_event")),
        ingest_batches,
        "ix_ingest_batches_received",
    )
    order = (columns.received_at, columns.batch_key)
    return (
        statement.where(columns.received_at < before, key_range(order, after, ">", dialect_name))
        .order_by(*order)
        .limit(limit)
    )
