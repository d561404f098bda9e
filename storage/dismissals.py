"""Dismissals: errors of an object that somebody has seen to (HZ6), kept by object and event."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Delete, Select, and_, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.conditions import build_scope_condition
from storage.dialects import force_index, insert_replacing, key_range
from storage.engine import Database
from storage.problem_places import Place
from storage.records import EventKey, ObjectRecord
from storage.scopes import Scope
from storage.tables import event_objects, namespaces, objects, problem_dismissals

_KEY = tuple(problem_dismissals.primary_key.columns)


class TouchRecord(NamedTuple):
    """That an event touched an object: where the reference stands, who may see it, and what the event says."""

    object_key: int
    place: Place
    audience_key: int
    severity: int
    success: bool | None


class DismissalPlace(NamedTuple):
    """Where looking through the dismissals goes on: after this one."""

    object_key: int
    occurred_at: int
    event_id: str
    namespace_key: int


FIRST_DISMISSAL = DismissalPlace(-1, -1, "00000000-0000-0000-0000-000000000000", 0)
"""Before all dismissals."""


async def fetch_touch(
    database: Database, touched: ObjectRecord, event: EventKey, *, scope: Scope
) -> TouchRecord | None:
    """Read the reference of an event to an object; None when there is none that the caller may see."""
    async with database.reading() as connection:
        row = (await connection.execute(build_touch(touched, event, scope))).first()
    if row is None:
        return None
    place = Place(row.occurred_at, row.event_id, row.namespace_key)
    return TouchRecord(
        row.object_key, place, row.audience_key, row.severity, None if row.success is None else bool(row.success)
    )


def build_touch(touched: ObjectRecord, event: EventKey, scope: Scope) -> Select[Any]:
    """Ask for the reference of an event to an object."""
    columns = (
        event_objects.c.object_key,
        event_objects.c.occurred_at,
        event_objects.c.event_id,
        event_objects.c.namespace_key,
        event_objects.c.audience_key,
        event_objects.c.severity,
        event_objects.c.success,
    )
    joined = namespaces.join(event_objects, event_objects.c.namespace_key == namespaces.c.namespace_key).join(
        objects, objects.c.object_key == event_objects.c.object_key
    )
    statement: Select[Any] = force_index(select(*columns), event_objects, "ix_event_objects_event")
    return statement.select_from(joined).where(
        namespaces.c.name == event.namespace,
        event_objects.c.event_id == event.id,
        objects.c.namespace == touched.namespace,
        objects.c.object_type == touched.object_type,
        objects.c.object_id == touched.object_id,
        build_scope_condition(scope, event_objects),
    )


async def save_dismissal(
    connection: AsyncConnection,
    touch: TouchRecord,
    *,
    by: str,
    at: int,
    until: int | None,
    reason: str | None,
    dialect_name: str,
) -> None:
    """Write a dismissal, in a transaction of the caller's; another of the same event and object is replaced."""
    row = {
        "object_key": touch.object_key,
        **touch.place._asdict(),
        "dismissed_by": by,
        "dismissed_at": at,
        "dismissed_until": until,
        "reason": reason,
    }
    replaced = ("dismissed_by", "dismissed_at", "dismissed_until", "reason")
    await connection.execute(insert_replacing(problem_dismissals, dialect_name, replaced), row)


class DismissalWindow(NamedTuple):
    """What looking at some dismissals gave: how many went, and where to go on; None: there are no more."""

    deleted: int
    last: DismissalPlace | None


async def delete_lost_dismissals(
    connection: AsyncConnection, after: DismissalPlace, *, limit: int, dialect_name: str
) -> DismissalWindow:
    """Look at the next dismissals, at most so many, and delete those whose event or object is gone.

    A part of a transaction that began with `lease.require`.
    """
    statement = build_dismissal_window(after, limit=limit, dialect_name=dialect_name)
    rows = (await connection.execute(statement)).all()
    lost = [DismissalPlace(*row[:-1]) for row in rows if row.reference is None]
    if lost:
        await connection.execute(build_lost_dismissals(lost))
    return DismissalWindow(len(lost), DismissalPlace(*rows[-1][:-1]) if len(rows) == limit else None)


def build_dismissal_window(after: DismissalPlace, *, limit: int, dialect_name: str) -> Select[Any]:
    """Ask for the next dismissals by key, and for the reference of each."""
    columns = problem_dismissals.c
    reference = force_index(select(event_objects.c.object_key), event_objects, "ix_event_objects_event").where(
        event_objects.c.event_id == columns.event_id,
        event_objects.c.namespace_key == columns.namespace_key,
        event_objects.c.object_key == columns.object_key,
    )
    statement: Select[Any] = select(*_KEY, reference.limit(1).scalar_subquery().label("reference"))
    return statement.where(key_range(_KEY, after, ">", dialect_name)).order_by(*_KEY).limit(limit)


def build_lost_dismissals(places: Sequence[DismissalPlace]) -> Delete:
    """Delete some dismissals by key."""
    each = (and_(*(column == value for column, value in zip(_KEY, place, strict=True))) for place in places)
    return delete(problem_dismissals).where(or_(*each))
