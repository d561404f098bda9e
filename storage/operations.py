"""Operations: work on objects that was asked for, and how far it has come (OP1, OP2)."""

from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Select, select
from sqlalchemy.sql.elements import ColumnElement

from storage.conditions import build_scope_condition
from storage.cursors import OperationCursor
from storage.list_pages import ListPage
from storage.records import ObjectRecord
from storage.scopes import Scope
from storage.tables import namespaces, operation_targets, operations

if TYPE_CHECKING:
    from storage.engine import Database


class OperationState(Enum):
    """How far an operation has come; the first three are pending, the others final (OP2)."""

    QUEUED = "QUEUED"
    PREFLIGHT = "PREFLIGHT"
    EXECUTING = "EXECUTING"
    COMPLETE = "COMPLETE"
    ABORT = "ABORT"
    DELETED = "DELETED"
    ERROR = "ERROR"

    @property
    def is_pending(self) -> bool:
        """Whether work is still to be done."""
        return self in PENDING_STATES


PENDING_STATES = (OperationState.QUEUED, OperationState.PREFLIGHT, OperationState.EXECUTING)


class OperationRecord(NamedTuple):
    """One operation. Times are microseconds UTC, `payload` is JSON text; `key` grows with each one enqueued (O5)."""

    key: int
    uuid: str
    namespace: str
    operation_type: str
    state: OperationState
    is_pending: bool
    created_at: int
    updated_at: int
    request_id: str | None
    payload: str


OperationPage = ListPage[OperationRecord, OperationCursor]
"""A page of operations, the one enqueued last first (P5, O5)."""


async def fetch_operations(database: "Database", ids: Sequence[str], *, scope: Scope) -> list[OperationRecord]:
    """Give those of some operations that a scope shows, by their UUIDs, in no order."""
    async with database.reading() as connection:
        return [to_operation(row) for row in await connection.execute(build_operations(ids, scope))]


async def fetch_targets(
    database: "Database", operation_keys: Sequence[int], *, scope: Scope
) -> dict[int, list[ObjectRecord]]:
    """Give what each of some operations works on, by (type, id, namespace) as an event's objects are (P6)."""
    found: dict[int, list[ObjectRecord]] = {key: [] for key in operation_keys}
    async with database.reading() as connection:
        for key, *names in await connection.execute(build_targets(operation_keys, scope)):
            found[key].append(ObjectRecord(*names))
    for targets in found.values():
        targets.sort(key=lambda target: (target.object_type, target.object_id, target.namespace))
    return found


def build_operations(ids: Sequence[str], scope: Scope) -> Select[Any]:
    """Ask for operations by their UUIDs."""
    return select(*operation_columns()).where(
        operations.c.operation_id.in_(ids), build_scope_condition(scope, operations)
    )


def build_targets(operation_keys: Sequence[int], scope: Scope) -> Select[Any]:
    """Ask for the targets of some operations."""
    columns = operation_targets.c
    return select(columns.operation_key, columns.namespace, columns.object_type, columns.object_id).where(
        columns.operation_key.in_(operation_keys), build_scope_condition(scope, operation_targets)
    )


def operation_columns() -> tuple[ColumnElement[Any], ...]:
    """Give what a statement selects from `operations`, for `to_operation`."""
    columns = operations.c
    # Not a join: MariaDB would like to begin with the few namespaces, and then sort all operations.
    named = select(namespaces.c.name).where(namespaces.c.namespace_key == columns.namespace_key)
    return (
        columns.operation_key,
        columns.operation_id,
        named.correlate(operations).scalar_subquery().label("namespace"),
        columns.operation_type,
        columns.state,
        columns.is_pending,
        columns.created_at,
        columns.updated_at,
        columns.request_id,
        columns.payload,
    )


def to_operation(row: Sequence[Any]) -> OperationRecord:
    """Make the record of a row of `operation_columns`."""
    key, uuid, namespace, operation_type, state, is_pending, *rest = row
    return OperationRecord(key, uuid, namespace, operation_type, OperationState(state), bool(is_pending), *rest)


def operation_cursor(record: OperationRecord) -> OperationCursor:
    """Give an operation's place in lists of operations."""
    return OperationCursor(record.key)
