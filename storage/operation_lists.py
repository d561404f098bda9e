"""Lists of operations: the one enqueued last first, by namespace, states and types, within the scan limit (P5, O7)."""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Select, and_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import ColumnElement

from storage.conditions import build_scope_condition
from storage.cursors import OperationCursor
from storage.dialects import force_index, keep_join_order, union_of_limited, untaken
from storage.engine import Database
from storage.list_pages import to_list_page
from storage.operations import (
    OperationPage,
    OperationRecord,
    OperationState,
    operation_columns,
    operation_cursor,
    to_operation,
)
from storage.pages import SMALLEST_WINDOW, WINDOW_GROWTH
from storage.scopes import Scope
from storage.tables import operations

_Value = TypeVar("_Value")

MOST_BRANCHES = 64
"""More values than this are not entered one by one, but tested on what another index gives."""


class OperationQuery(NamedTuple):
    """Which operations: those of a namespace, in one of some states, of one of some types; None: any."""

    namespace_key: int | None = None
    states: tuple[OperationState, ...] | None = None
    operation_types: tuple[str, ...] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no operation can be meant (O7)."""
        return self.states == () or self.operation_types == ()


class KeySpan(NamedTuple):
    """The part of a list that is read, by operation_key, both ends inclusive; `descending`: newest first."""

    descending: bool
    low: int | None
    high: int | None

    def cut(self, boundary: int) -> "KeySpan":
        """Give what lies before a boundary in the direction of the scan, with it."""
        return self._replace(low=boundary) if self.descending else self._replace(high=boundary)

    def after(self, boundary: int) -> "KeySpan":
        """Give what lies behind a boundary."""
        return self._replace(high=boundary - 1) if self.descending else self._replace(low=boundary + 1)


class Access(NamedTuple):
    """How a list is read: an index, the conditions that enter it once each, and what is tested on each entry."""

    index_name: str
    prefixes: tuple[ColumnElement[bool] | None, ...]
    tests: tuple[ColumnElement[bool], ...]


_ALL: tuple[ColumnElement[bool] | None, ...] = (None,)


async def fetch_operation_list(
    database: Database,
    *,
    scope: Scope,
    namespace: str | None = None,
    states: Sequence[OperationState] | None = None,
    operation_types: Sequence[str] | None = None,
    size: int,
    after: OperationCursor | None = None,
    before: OperationCursor | None = None,
    backward: bool = False,
) -> OperationPage:
    """Read one page of the operations that a scope shows; never examines more than the scan limit.

    A page that ended there may hold fewer operations than asked for while there is more to find: go on from its cursor.
    """
    found: list[OperationRecord] = []
    boundary: int | None = None
    namespace_key: int | None = None
    if namespace is not None:
        namespace_key = (await database.identities.namespace_keys([namespace])).get(namespace)
    query = OperationQuery(namespace_key, _distinct(states), _distinct(operation_types))
    if not (query.is_empty or scope.is_empty or (namespace is not None and namespace_key is None)):
        span = KeySpan(
            not backward, None if before is None else before.key + 1, None if after is None else after.key - 1
        )
        async with database.reading() as connection:
            found, boundary = await _collect(database, connection, choose_access(query, scope), span, size + 1)
    cut = None if boundary is None else OperationCursor(boundary)
    return to_list_page(
        found, size=size, cursor_of=operation_cursor, after=after, before=before, backward=backward, boundary=cut
    )


def choose_access(query: OperationQuery, scope: Scope) -> Access:
    """Choose the index of a list: that of the states, else of the types, else of the namespace, else all are walked."""
    columns = operations.c
    states = None if query.states is None else tuple(state.value for state in query.states)
    namespace_keys = None if query.namespace_key is None else (query.namespace_key,)
    tests: list[ColumnElement[bool]] = []
    index_name, prefixes = "PRIMARY", _ALL
    for name, column, values in (
        ("ix_operations_state", columns.state, states),
        ("ix_operations_operation_type", columns.operation_type, query.operation_types),
        ("ix_operations_namespace", columns.namespace_key, namespace_keys),
    ):
        if values is None:
            continue
        if prefixes is _ALL and len(values) <= MOST_BRANCHES:
            index_name, prefixes = name, tuple(column == value for value in values)
        else:
            tests.append(column.in_(values))
    if not scope.everything:
        tests.append(build_scope_condition(scope, operations))
    return Access(index_name, prefixes, tuple(tests))


def build_operation_page(access: Access, span: KeySpan, *, limit: int, dialect_name: str) -> Select[Any]:
    """Ask for the first operations of a list, in the direction of the scan: of each branch, and then of all."""
    branches = [_build_branch(access, prefix, span).limit(limit) for prefix in access.prefixes]
    if len(branches) == 1:
        [found] = branches
        return found.with_only_columns(*operation_columns())
    keys = union_of_limited(branches, dialect_name).subquery("found")
    joined = keys.join(operations, operations.c.operation_key == keys.c.operation_key)
    statement: Select[Any] = keep_join_order(select(*operation_columns()).select_from(joined))
    return statement.order_by(_order(keys.c.operation_key, span)).limit(limit)


def build_operation_boundaries(access: Access, span: KeySpan, *, entries: int, dialect_name: str) -> Select[Any]:
    """Ask for the operation up to which an equal share of so many entries lies, in each branch that has as many."""
    share = max(entries // len(access.prefixes), 1)
    bare = access._replace(tests=())
    branches = [_build_branch(bare, prefix, span).limit(1).offset(share - 1) for prefix in access.prefixes]
    if len(branches) == 1:
        return branches[0]
    return select(union_of_limited(branches, dialect_name).subquery("boundaries"))


async def _collect(
    database: Database, connection: AsyncConnection, access: Access, span: KeySpan, limit: int
) -> tuple[list[OperationRecord], int | None]:
    """Read operations in growing windows, as pages.py does events; the key tells where the scan limit ended it."""
    found: list[OperationRecord] = []
    left, window = database.options.scan_rows, max(SMALLEST_WINDOW, WINDOW_GROWTH * limit)
    dialect_name = database.dialect_name
    while True:
        window = min(window, left)
        boundary = None
        # Where nothing is tested behind the index, what is read is what is given.
        if access.tests:
            statement = build_operation_boundaries(access, span, entries=window, dialect_name=dialect_name)
            ends = (await connection.execute(statement)).scalars().all()
            boundary = (max if span.descending else min)(ends, default=None)
        part = span if boundary is None else span.cut(boundary)
        statement = build_operation_page(access, part, limit=limit - len(found), dialect_name=dialect_name)
        found += [to_operation(row) for row in await connection.execute(statement)]
        left -= window
        if len(found) >= limit or boundary is None:
            return found, None
        if left <= 0:
            return found, boundary
        span = span.after(boundary)
        window *= WINDOW_GROWTH


def _build_branch(access: Access, prefix: ColumnElement[bool] | None, span: KeySpan) -> Select[Any]:
    key = operations.c.operation_key
    statement: Select[Any] = force_index(select(key), operations, access.index_name)
    if prefix is not None:
        statement = statement.where(prefix)
    if span.low is not None:
        statement = statement.where(key >= span.low)
    if span.high is not None:
        statement = statement.where(key <= span.high)
    if access.tests:
        statement = statement.where(untaken(and_(*access.tests)))
    return statement.order_by(_order(key, span))


def _order(column: ColumnElement[Any], span: KeySpan) -> ColumnElement[Any]:
    return column.desc() if span.descending else column.asc()


def _distinct(values: Sequence[_Value] | None) -> tuple[_Value, ...] | None:
    return None if values is None else tuple(dict.fromkeys(values))
