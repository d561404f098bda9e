"""Objects: the identities that events touched, or pending operations target; when they were first and last touched."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Select, Table, and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import ColumnElement

from storage.conditions import build_scope_condition
from storage.cursors import ObjectCursor
from storage.dialects import force_index, key_range
from storage.engine import Database
from storage.list_pages import ListPage, to_list_page
from storage.pages import SMALLEST_WINDOW, WINDOW_GROWTH
from storage.records import ObjectRecord, ObjectSpan
from storage.scopes import Scope
from storage.tables import audiences, event_objects, object_audiences, objects, operation_targets
from storage.targets import build_pending_condition

MOST_OBJECTS = 200
"""The most objects that one statement asks for; more are asked for in several (GQ2)."""


ObjectPage = ListPage[ObjectRecord, ObjectCursor]
"""A page of objects by (namespace, type, id)."""


class ObjectQuery(NamedTuple):
    """Which objects: those of a namespace, a type, an id that begins so, with or without pending operations; None: any.

    Objects with pending operations come from the targets of these, so that ten among a million cost ten entries.
    """

    namespace: str | None = None
    object_type: str | None = None
    id_prefix: str | None = None
    has_pending: bool | None = None


class ObjectRange(NamedTuple):
    """The part of the list that is read, both ends exclusive unless `includes_stop`."""

    descending: bool
    start: ObjectCursor | None
    stop: ObjectCursor | None
    includes_stop: bool = False


async def fetch_object_page(
    database: Database,
    *,
    scope: Scope,
    namespace: str | None,
    object_type: str | None,
    id_prefix: str | None,
    has_pending: bool | None = None,
    size: int,
    after: ObjectCursor | None = None,
    before: ObjectCursor | None = None,
    backward: bool = False,
) -> ObjectPage:
    """Read one page of the objects that a visible event touches; never examines more than the scan limit.

    `has_pending` true: of those that a visible pending operation targets, whether an event touches them or not; false:
    of those that events touch and no such operation targets (OP4). All pending operations of the object at the scan
    limit are examined.
    """
    query = ObjectQuery(namespace, object_type, id_prefix, has_pending)
    start, stop = (before, after) if backward else (after, before)
    keys = ObjectRange(backward, start, stop)
    async with database.reading() as connection:
        found, boundary = await _collect(database, connection, query, keys, scope, size + 1)
    return to_list_page(
        found,
        size=size,
        cursor_of=lambda record: ObjectCursor(*record),
        after=after,
        before=before,
        backward=backward,
        boundary=boundary,
    )


async def fetch_object_spans(
    database: Database, wanted: Sequence[ObjectRecord], *, scope: Scope
) -> dict[ObjectRecord, ObjectSpan]:
    """Read the times of each object's first and last visible event, one statement for up to MOST_OBJECTS objects."""
    spans: dict[ObjectRecord, ObjectSpan] = {}
    distinct = list(dict.fromkeys(wanted))
    async with database.reading() as connection:
        for start in range(0, len(distinct), MOST_OBJECTS):
            statement = build_object_spans(distinct[start : start + MOST_OBJECTS], scope)
            for row in (await connection.execute(statement)).all():
                record = ObjectRecord(row.namespace, row.object_type, row.object_id)
                spans[record] = _join_spans(spans.get(record), ObjectSpan(row.first_at, row.last_at))
    return {record: spans.get(record, ObjectSpan(None, None)) for record in distinct}


def build_object_spans(wanted: Sequence[ObjectRecord], scope: Scope) -> Select[Any]:
    """Ask for the first and last reference of objects, audience by audience, from the ends of the index alone."""
    identity = (objects.c.namespace, objects.c.object_type, objects.c.object_id)
    named = or_(*(and_(*(column == value for column, value in zip(identity, one, strict=True))) for one in wanted))
    joined = objects.join(object_audiences, object_audiences.c.object_key == objects.c.object_key)
    if not scope.everything:
        joined = joined.join(audiences, audiences.c.audience_key == object_audiences.c.audience_key)
    reference = event_objects.alias("reference")
    times = select(reference.c.occurred_at).where(
        reference.c.object_key == object_audiences.c.object_key,
        reference.c.audience_key == object_audiences.c.audience_key,
    )
    first = times.order_by(reference.c.occurred_at).limit(1).scalar_subquery()
    last = times.order_by(reference.c.occurred_at.desc()).limit(1).scalar_subquery()
    statement = select(*identity, first.label("first_at"), last.label("last_at")).select_from(joined)
    return statement.where(named, build_scope_condition(scope, audiences))


def build_objects(query: ObjectQuery, keys: ObjectRange, *, scope: Scope, limit: int, dialect_name: str) -> Select[Any]:
    """Ask for the first objects of a list, in the direction of the scan."""
    statement = _build_entries(query, keys, dialect_name).limit(limit)
    if query.id_prefix:
        object_id = _entries_table(query).c.object_id
        statement = statement.where(func.substr(object_id, 1, len(query.id_prefix)) == query.id_prefix)
    if query.has_pending:
        # Several operations of one object are one entry of the list.
        return statement.where(build_scope_condition(scope, operation_targets)).distinct()
    if query.has_pending is None:
        return statement.where(_is_touched(scope))
    return statement.where(_is_touched(scope), ~build_pending_condition(scope))


def _is_touched(scope: Scope) -> ColumnElement[bool]:
    """Whether a visible event touches the object, asked audience by audience: what is hidden is not even counted.

    LIMIT keeps MariaDB from turning the question round and reading every reference there is.
    """
    if scope.everything:
        found = select(event_objects.c.object_key).where(event_objects.c.object_key == objects.c.object_key)
    else:
        reference = exists().where(
            event_objects.c.object_key == object_audiences.c.object_key,
            event_objects.c.audience_key == object_audiences.c.audience_key,
        )
        found = select(object_audiences.c.object_key).where(
            object_audiences.c.object_key == objects.c.object_key,
            audiences.c.audience_key == object_audiences.c.audience_key,
            build_scope_condition(scope, audiences),
            reference,
        )
        found = force_index(found, audiences, "PRIMARY")
    return found.limit(1).scalar_subquery().is_not(None)


def build_object_boundary(query: ObjectQuery, keys: ObjectRange, *, entries: int, dialect_name: str) -> Select[Any]:
    """Ask for the object up to which `entries` index entries lie; no row when fewer are left.

    Each pending operation of an object is an entry; all of the last object's belong to it.
    """
    return _build_entries(query, keys, dialect_name).limit(1).offset(entries - 1)


async def _collect(
    database: Database,
    connection: AsyncConnection,
    query: ObjectQuery,
    keys: ObjectRange,
    scope: Scope,
    limit: int,
) -> tuple[list[ObjectRecord], ObjectCursor | None]:
    """Read objects in growing windows, as pages.py does events; the cursor tells where the scan limit ended it."""
    found: list[ObjectRecord] = []
    left, window = database.options.scan_rows, max(SMALLEST_WINDOW, WINDOW_GROWTH * limit)
    dialect_name = database.dialect_name
    while True:
        window = min(window, left)
        statement = build_object_boundary(query, keys, entries=window, dialect_name=dialect_name)
        row = (await connection.execute(statement)).first()
        boundary = None if row is None else ObjectCursor(*row)
        part = keys if boundary is None else keys._replace(stop=boundary, includes_stop=True)
        statement = build_objects(query, part, scope=scope, limit=limit - len(found), dialect_name=dialect_name)
        found += [ObjectRecord(*row) for row in (await connection.execute(statement)).all()]
        left -= window
        if len(found) >= limit or boundary is None:
            return found, None
        if left <= 0:
            return found, boundary
        keys = keys._replace(start=boundary)
        window *= WINDOW_GROWTH


def _entries_table(query: ObjectQuery) -> Table:
    return operation_targets if query.has_pending else objects


def _build_entries(query: ObjectQuery, keys: ObjectRange, dialect_name: str) -> Select[Any]:
    source = _entries_table(query)
    columns = (source.c.namespace, source.c.object_type, source.c.object_id)
    fixed = (query.namespace, query.object_type, None)
    free = [place for place, value in enumerate(fixed) if value is None]
    statement = select(*columns).where(*(columns[i] == fixed[i] for i in range(3) if fixed[i] is not None))
    by_type = query.namespace is None and query.object_type is not None
    if query.has_pending:
        statement = statement.where(operation_targets.c.is_pending == 1)
        index = f"ix_operation_targets_object{'_type' if by_type else ''}"
        statement = force_index(statement, operation_targets, index)
    elif by_type:
        statement = force_index(statement, objects, "ix_objects_type")
    for cursor, comparison in _ends(keys):
        values = (cursor.namespace, cursor.object_type, cursor.object_id)
        statement = statement.where(_beyond(columns, values, fixed, comparison, dialect_name))
    if query.id_prefix and len(free) == 1:
        statement = statement.where(*_prefix_range(columns[2], query.id_prefix))
    ordered = [columns[place] for place in free]
    return statement.order_by(*(column.desc() if keys.descending else column.asc() for column in ordered))


def _beyond(
    columns: Sequence[ColumnElement[str]],
    values: Sequence[str],
    fixed: Sequence[str | None],
    comparison: str,
    dialect_name: str,
) -> ColumnElement[bool]:
    """Compare with a cursor by the columns that are free; a fixed one decides by itself when it differs."""
    kept_columns: list[ColumnElement[str]] = []
    kept_values: list[str] = []
    for column, value, given in zip(columns, values, fixed, strict=True):
        if given is None:
            kept_columns.append(column)
            kept_values.append(value)
        elif given != value:
            is_beyond = given < value if comparison[0] == "<" else given > value
            comparison = f"{comparison[0]}=" if is_beyond else comparison[0]
            break
    if not kept_columns:
        return columns[0].is_not(None) if comparison.endswith("=") else columns[0].is_(None)
    return key_range(kept_columns, kept_values, comparison, dialect_name)


def _ends(keys: ObjectRange) -> list[tuple[ObjectCursor, str]]:
    beyond, up_to = ("<", ">") if keys.descending else (">", "<")
    ends: list[tuple[ObjectCursor, str]] = []
    if keys.start is not None:
        ends.append((keys.start, beyond))
    if keys.stop is not None:
        ends.append((keys.stop, f"{up_to}=" if keys.includes_stop else up_to))
    return ends


def _prefix_range(object_id: ColumnElement[str], prefix: str) -> list[ColumnElement[bool]]:
    """Bound the ids that begin so, for the index; the exact test stands beside it."""
    following = _following_text(prefix)
    bounds = [object_id >= prefix]
    return bounds if following is None else [*bounds, object_id < following]


def _following_text(prefix: str) -> str | None:
    """Give the first text after all that begin so; None when there is none."""
    trimmed = prefix.rstrip("\U0010ffff")
    if not trimmed:
        return None
    code = ord(trimmed[-1]) + 1
    return trimmed[:-1] + chr(0xE000 if 0xD800 <= code <= 0xDFFF else code)


def _join_spans(known: ObjectSpan | None, other: ObjectSpan) -> ObjectSpan:
    firsts = [span.first_event_at for span in (known, other) if span and span.first_event_at is not None]
    lasts = [span.last_event_at for span in (known, other) if span and span.last_event_at is not None]
    return ObjectSpan(min(firsts, default=None), max(lasts, default=None))
