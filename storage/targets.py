"""Targets: the operations of objects, read for many objects at once (OP3, OP4, GQ2).

An operation stands in the namespace of its objects, in the audience of all that namespace's readers.
"""

from collections.abc import Awaitable, Callable, Sequence
from itertools import chain, repeat
from typing import Any, NamedTuple

from sqlalchemy import CompoundSelect, Integer, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import ColumnElement

from storage.conditions import build_scope_condition
from storage.cursors import OperationCursor
from storage.dialects import force_index, keep_join_order, union_of_limited
from storage.engine import Database
from storage.identities import build_object_condition
from storage.list_pages import to_list_page
from storage.operations import OperationPage, OperationRecord, operation_columns, operation_cursor, to_operation
from storage.prepared import parameter
from storage.reads import MOST_KEYS, PREPARED_SIZES
from storage.records import ObjectRecord
from storage.scopes import EVERYTHING, Scope
from storage.tables import objects, operation_targets, operations

_IDENTITY = (objects.c.namespace, objects.c.object_type, objects.c.object_id)


class OperationRequest(NamedTuple):
    """Which page of an object's operations: `size` of them between two cursors, from the start or (backward) the end.

    `pending_only`: of those that are pending.
    """

    size: int
    after: OperationCursor | None = None
    before: OperationCursor | None = None
    backward: bool = False
    pending_only: bool = False


class OperationEnds(NamedTuple):
    """Where a page ends, as a statement says it: how many to read, and the keys of the cursors."""

    limit: Any
    after: Any
    before: Any

    @classmethod
    def of(cls, request: OperationRequest) -> "OperationEnds":
        """Give the ends of a page; one more is read, which tells whether the list goes on."""
        return cls(request.size + 1, request.after and request.after.key, request.before and request.before.key)


async def fetch_pending(
    database: Database, wanted: Sequence[ObjectRecord], *, scope: Scope
) -> dict[ObjectRecord, bool]:
    """Tell of each object whether any visible pending operation targets it, whatever later ones did (OP3).

    One statement for up to MOST_KEYS objects, which sees them all at one instant. When the store cannot answer it
    raises what `Database.reading` raises: nobody is told false for not knowing.
    """

    async def fetch(connection: AsyncConnection, some: Sequence[ObjectRecord]) -> list[Sequence[Any]]:
        return list(await connection.execute(build_pending(some, scope)))

    pending = {ObjectRecord(*row) for row in await _fetch_rows(database, wanted, scope, fetch)}
    return {record: record in pending for record in wanted}


async def fetch_latest_operations(
    database: Database, wanted: Sequence[ObjectRecord], *, scope: Scope
) -> dict[ObjectRecord, OperationRecord | None]:
    """Read of each object the visible operation that was enqueued last, whatever moved last (OP4, O5)."""

    async def fetch(connection: AsyncConnection, some: Sequence[ObjectRecord]) -> list[Sequence[Any]]:
        return list(await connection.execute(build_latest_operations(some, scope)))

    rows = await _fetch_rows(database, wanted, scope, fetch)
    latest = {ObjectRecord(*row[:3]): to_operation(row[3:]) for row in rows}
    return {record: latest.get(record) for record in wanted}


async def fetch_operation_pages(
    database: Database, wanted: Sequence[ObjectRecord], *, scope: Scope, request: OperationRequest
) -> dict[ObjectRecord, OperationPage]:
    """Read the same page of each object's visible operations, the one enqueued last first (OP4, O5)."""

    async def fetch(connection: AsyncConnection, some: Sequence[ObjectRecord]) -> list[Sequence[Any]]:
        if scope.everything:
            return await _fetch_prepared(database, connection, some, request)
        ends = OperationEnds.of(request)
        pages = build_operation_pages(some, request, ends, scope=scope, dialect_name=database.dialect_name)
        return list(await connection.execute(pages))

    found: dict[ObjectRecord, list[OperationRecord]] = {record: [] for record in wanted}
    for row in await _fetch_rows(database, wanted, scope, fetch):
        found[ObjectRecord(*row[:3])].append(to_operation(row[3:]))
    pages: dict[ObjectRecord, OperationPage] = {}
    for record, of_object in found.items():
        of_object.sort(reverse=not request.backward)
        pages[record] = to_list_page(
            of_object,
            size=request.size,
            cursor_of=operation_cursor,
            after=request.after,
            before=request.before,
            backward=request.backward,
        )
    return pages


def build_pending(wanted: Sequence[ObjectRecord], scope: Scope) -> Select[Any]:
    """Ask which of some objects a pending operation targets."""
    return select(*_IDENTITY).where(build_object_condition(wanted), build_pending_condition(scope))


def build_pending_condition(scope: Scope) -> ColumnElement[bool]:
    """Make the condition on a row of `objects` that a visible pending operation targets the object.

    LIMIT keeps MariaDB from turning the question round and reading every pending operation there is.
    """
    target = _targets_of_object(scope, pending_only=True)
    return target.limit(1).scalar_subquery().is_not(None)


def build_latest_operations(wanted: Sequence[ObjectRecord], scope: Scope) -> Select[Any]:
    """Ask for the last operation of each of some objects."""
    last = _targets_of_object(scope, pending_only=False).order_by(operation_targets.c.operation_key.desc()).limit(1)
    latest = select(*_IDENTITY, last.scalar_subquery().label("operation_key")).where(build_object_condition(wanted))
    return _join_operations(latest)


def build_operation_pages(
    wanted: Sequence[Sequence[Any]], request: OperationRequest, ends: OperationEnds, *, scope: Scope, dialect_name: str
) -> Select[Any]:
    """Ask for one operation more than the page holds, of each of some objects, by namespace, type and id."""
    key = operation_targets.c.operation_key
    branches: list[Select[Any]] = []
    for identity in wanted:
        branch = _targets_of_object(scope, pending_only=request.pending_only).add_columns(*_IDENTITY)
        branch = branch.where(*(column == value for column, value in zip(_IDENTITY, identity, strict=True)))
        if request.after is not None:
            branch = branch.where(key < ends.after)
        if request.before is not None:
            branch = branch.where(key > ends.before)
        branches.append(branch.order_by(key.asc() if request.backward else key.desc()).limit(ends.limit))
    return _join_operations(union_of_limited(branches, dialect_name))


def _targets_of_object(scope: Scope, *, pending_only: bool) -> Select[Any]:
    """Ask for the keys of the visible operations of the object in the row around, from an index alone."""
    columns = operation_targets.c
    index = "ix_operation_targets_pending" if pending_only else "PRIMARY"
    statement: Select[Any] = force_index(select(columns.operation_key), operation_targets, index)
    statement = statement.where(columns.object_key == objects.c.object_key)
    if pending_only:
        statement = statement.where(columns.is_pending == 1)
    return statement if scope.everything else statement.where(_is_visible(scope))


def _is_visible(scope: Scope) -> ColumnElement[bool]:
    """Whether the operation may be seen, asked of its own row: SQLite prefers an index that holds all it is asked."""
    seen = select(operations.c.operation_key).where(
        operations.c.operation_key == operation_targets.c.operation_key, build_scope_condition(scope, operations)
    )
    return seen.limit(1).scalar_subquery().is_not(None)


def _join_operations(keys: Select[Any] | CompoundSelect[Any]) -> Select[Any]:
    """Ask for the operations of rows of an object's identity and `operation_key`."""
    page = keys.subquery("page")
    joined = page.join(operations, operations.c.operation_key == page.c.operation_key)
    identity = (page.c.namespace, page.c.object_type, page.c.object_id)
    statement: Select[Any] = keep_join_order(select(*identity, *operation_columns()).select_from(joined))
    return statement


async def _fetch_rows(
    database: Database,
    wanted: Sequence[ObjectRecord],
    scope: Scope,
    fetch: Callable[[AsyncConnection, Sequence[ObjectRecord]], Awaitable[list[Sequence[Any]]]],
) -> list[Sequence[Any]]:
    """Fetch rows about those objects in whose namespaces the scope shows anything, up to MOST_KEYS at a time.

    The others' operations are not looked at: there may be very many of them, and time would tell.
    """
    reached = await database.identities.reached_namespaces(scope)
    asked = list(dict.fromkeys(wanted))
    if reached is not None:
        keys = await database.identities.namespace_keys(record.namespace for record in asked)
        asked = [record for record in asked if keys.get(record.namespace) in reached]
    rows: list[Sequence[Any]] = []
    if asked:
        async with database.reading() as connection:
            for start in range(0, len(asked), MOST_KEYS):
                rows += await fetch(connection, asked[start : start + MOST_KEYS])
    return rows


_NOBODY = ObjectRecord("", "", "")
"""No object has this identity: it fills the places of a statement that nobody needs."""


async def _fetch_prepared(
    database: Database, connection: AsyncConnection, wanted: Sequence[ObjectRecord], request: OperationRequest
) -> list[Sequence[Any]]:
    """Fetch pages for whoever sees everything by a statement that is prepared for a few numbers of objects."""
    size = next(size for size in PREPARED_SIZES if size >= len(wanted))
    names = [[f"{name}_{place}" for name in ObjectRecord._fields] for place in range(size)]
    given = (request.after is not None, request.before is not None, request.backward, request.pending_only)
    statement = database.statements.get(
        ("operation pages", size, *given),
        lambda: build_operation_pages(
            [[parameter(name) for name in some] for some in names],
            request,
            OperationEnds(parameter("limit", Integer), parameter("after"), parameter("before")),
            scope=EVERYTHING,
            dialect_name=database.dialect_name,
        ),
    )
    filled = chain(wanted, repeat(_NOBODY, size - len(wanted)))
    values = {
        name: value
        for some, record in zip(names, filled, strict=True)
        for name, value in zip(some, record, strict=True)
    }
    return list(await database.fetch(connection, statement, values | OperationEnds.of(request)._asdict()))
