"""Requests: what one request did, over all its events (EV4)."""

from typing import Any

from sqlalchemy import Select, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.conditions import build_condition, build_scope_condition
from storage.dialects import force_index, key_range
from storage.engine import Database
from storage.page_statements import Bound, KeyRange
from storage.plans import Plan, Planner
from storage.records import ObjectRecord, RequestSummary
from storage.scopes import Scope
from storage.selectors import EventField, all_of, equals_any
from storage.tables import event_objects, events, objects
from storage.windows import Windows


async def fetch_request_summary(
    database: Database, request_id: str, *, scope: Scope, namespaces: tuple[str, ...] | None
) -> RequestSummary | None:
    """Sum up the visible events of a request, in some namespaces or in all; None when there are none.

    Looks at no more events than the scan limit, oldest first, and says in `count_is_exact` whether those were all.
    """
    async with database.reading() as connection:
        plan, boundary = await _plan(database, connection, request_id, scope, namespaces)
        first = await _fetch_boundary(database, connection, plan, entries=1)
        if first is None:
            return None
        statement = build_summary(plan, boundary, since=first.occurred_at, dialect_name=database.dialect_name)
        rows = (await connection.execute(statement)).all()
    if not rows:
        return None
    started_at = min(row.started_at for row in rows)
    names = await database.identities.namespace_names({row.namespace_key for row in rows})
    return RequestSummary(
        request_id=request_id,
        namespaces=tuple(sorted(names.values())),
        started_at=started_at,
        duration_ms=max(row.end_ms for row in rows) - (started_at - first.occurred_at) / 1000,
        event_count=sum(row.event_count for row in rows),
        count_is_exact=boundary is None,
        worst_severity=max(row.worst_severity for row in rows),
    )


async def fetch_request_objects(
    database: Database, request_id: str, *, scope: Scope, namespaces: tuple[str, ...] | None, size: int
) -> list[ObjectRecord]:
    """Read the first `size` objects that a request's visible events touched, by (namespace, type, id)."""
    async with database.reading() as connection:
        plan, boundary = await _plan(database, connection, request_id, scope, namespaces)
        if plan.is_empty:
            return []
        statement = build_touched_objects(plan, boundary, size=size, dialect_name=database.dialect_name)
        return [ObjectRecord(*row) for row in (await connection.execute(statement)).all()]


def build_summary(plan: Plan, boundary: Bound | None, *, since: int, dialect_name: str) -> Select[Any]:
    """Ask for count, times and worst severity by namespace; ends are in milliseconds after `since`, which keeps
    their fractions."""
    offset_ms = (events.c.occurred_at - since) / 1000.0
    statement = select(
        events.c.namespace_key,
        func.count().label("event_count"),
        func.min(events.c.occurred_at).label("started_at"),
        func.max(offset_ms + func.coalesce(events.c.duration_ms, 0.0)).label("end_ms"),
        func.max(events.c.severity).label("worst_severity"),
    )
    return _within(statement, plan, boundary, dialect_name).group_by(events.c.namespace_key)


def build_touched_objects(plan: Plan, boundary: Bound | None, *, size: int, dialect_name: str) -> Select[Any]:
    """Ask for the objects that the events of a plan touched."""
    reference = and_(event_objects.c.event_id == events.c.id, event_objects.c.namespace_key == events.c.namespace_key)
    joined = events.join(event_objects, reference).join(objects, objects.c.object_key == event_objects.c.object_key)
    columns = (objects.c.namespace, objects.c.object_type, objects.c.object_id)
    statement = select(*columns).distinct().select_from(joined).order_by(*columns).limit(size)
    return _within(statement, plan, boundary, dialect_name)


async def _plan(
    database: Database,
    connection: AsyncConnection,
    request_id: str,
    scope: Scope,
    namespaces: tuple[str, ...] | None,
) -> tuple[Plan, Bound | None]:
    """Give the plan of a request, and the key up to which the scan limit lets us look; None: to its end."""
    tests = [equals_any(EventField.REQUEST_ID, (request_id,))]
    if namespaces is not None:
        tests.append(equals_any(EventField.NAMESPACE, namespaces))
    planner = Planner(database, connection, scope=scope)
    plan = await planner.plan(all_of(tests))
    return plan, await _fetch_boundary(database, connection, plan, entries=database.options.scan_rows)


async def _fetch_boundary(database: Database, connection: AsyncConnection, plan: Plan, *, entries: int) -> Bound | None:
    if plan.is_empty:
        return None
    return await Windows(database, connection, plan).end(KeyRange(descending=False), entries)


def _within(statement: Select[Any], plan: Plan, boundary: Bound | None, dialect_name: str) -> Select[Any]:
    entered = (events.c[name] == value for name, value in zip(plan.access.columns, plan.prefixes[0], strict=True))
    statement = force_index(statement, events, plan.access.index).where(*entered)
    statement = statement.where(build_condition(plan.residual, dialect_name), build_scope_condition(plan.scope))
    if boundary is None:
        return statement
    return statement.where(key_range((events.c.occurred_at, events.c.id), boundary[:2], "<=", dialect_name))
