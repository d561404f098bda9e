"""Changes of operations: enqueued, moved on, and gone after their time; each function is one part of a transaction.

An operation's targets say by themselves whether it is pending, so that "what is pending here?" is one look into an
index: both change in one transaction (OP3).
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Delete, Select, Update, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.dialects import force_index
from storage.identities import AudienceRecord
from storage.operations import OperationRecord, OperationState, operation_columns, to_operation
from storage.records import EventKey, ObjectRecord
from storage.removals import IDS_PER_STATEMENT, in_parts
from storage.tables import deleted_ids, events, namespaces, operation_targets, operations


class NewOperation(NamedTuple):
    """An operation that is QUEUED. `audience` is all readers of its namespace, `targets` has the objects' keys."""

    uuid: str
    audience: AudienceRecord
    operation_type: str
    created_at: int
    request_id: str | None
    requested_by: str | None
    payload: str
    content_hash: bytes
    targets: Mapping[ObjectRecord, int]


class EnqueuedOperation(NamedTuple):
    """An operation that is there, and the hash of what it was enqueued with."""

    record: OperationRecord
    content_hash: bytes


class LockedState(NamedTuple):
    """How far an operation has come that nobody else can move on; `updated_at` in microseconds UTC."""

    state: OperationState
    updated_at: int


async def fetch_enqueued(connection: AsyncConnection, operation_id: str) -> EnqueuedOperation | None:
    """Give the operation that has an id, whoever may see it; None when there is none."""
    row = (await connection.execute(build_enqueued(operation_id))).first()
    return None if row is None else EnqueuedOperation(to_operation(row[:-1]), row[-1])


async def insert_operation(connection: AsyncConnection, new: NewOperation) -> OperationRecord:
    """Write an operation and its targets. One with the same id makes the transaction run again, and be found then."""
    keys = {"namespace_key": new.audience.namespace_key, "audience_key": new.audience.key}
    state = OperationState.QUEUED
    row = {
        **keys,
        "operation_id": new.uuid,
        "operation_type": new.operation_type,
        "state": state.value,
        "is_pending": 1,
        "created_at": new.created_at,
        "updated_at": new.created_at,
        "request_id": new.request_id,
        "requested_by": new.requested_by,
        "payload": new.payload,
        "content_hash": new.content_hash,
    }
    operation_key: int = (await connection.execute(insert(operations), row)).lastrowid
    own = {**keys, "operation_key": operation_key, "is_pending": 1}
    targets = [
        {**own, "object_key": object_key, **record._asdict()}
        for record, object_key in sorted(new.targets.items(), key=lambda item: item[1])
    ]
    if targets:
        await connection.execute(insert(operation_targets), targets)
    return OperationRecord(
        key=operation_key,
        uuid=new.uuid,
        namespace=new.audience.namespace,
        operation_type=new.operation_type,
        state=state,
        is_pending=True,
        created_at=new.created_at,
        updated_at=new.created_at,
        request_id=new.request_id,
        payload=new.payload,
    )


async def lock_operation(connection: AsyncConnection, operation_key: int) -> LockedState | None:
    """Give how far an operation has come, and keep everybody else from moving it; None when it is gone."""
    row = (await connection.execute(build_lock(operation_key))).first()
    return None if row is None else LockedState(OperationState(row.state), row.updated_at)


async def move_operation(connection: AsyncConnection, moved: OperationRecord) -> None:
    """Write the state of an operation that is locked, and tell its targets when it is not pending any more."""
    await connection.execute(build_move(moved))
    if not moved.is_pending:
        await connection.execute(build_released_targets(moved.key))


async def holds_event(connection: AsyncConnection, key: EventKey) -> bool:
    """Whether an event was ever stored; told by whoever does not know whether a COMMIT of theirs took place."""
    return any([(await connection.execute(each)).first() is not None for each in build_traces(key)])


async def delete_finished_operations(connection: AsyncConnection, *, before: int, limit: int) -> int:
    """Delete the operations that were finished first, before an instant (microseconds UTC), at most so many (OP6).

    Gives how many went. What is finished never changes, so that nobody else touches these rows.
    """
    keys = list((await connection.execute(build_finished(before=before, limit=limit))).scalars())
    for part in in_parts(sorted(keys), IDS_PER_STATEMENT):
        await connection.execute(build_deleted_targets(part))
        await connection.execute(build_deleted_operations(part))
    return len(keys)


def build_enqueued(operation_id: str) -> Select[Any]:
    """Ask for an operation by its id, with the hash of its content."""
    columns = operations.c
    return select(*operation_columns(), columns.content_hash).where(columns.operation_id == operation_id)


def build_lock(operation_key: int) -> Select[Any]:
    """Ask for an operation's state and lock its row."""
    columns = operations.c
    return select(columns.state, columns.updated_at).where(columns.operation_key == operation_key).with_for_update()


def build_move(moved: OperationRecord) -> Update:
    """Write an operation's state."""
    values = {"state": moved.state.value, "is_pending": int(moved.is_pending), "updated_at": moved.updated_at}
    if not moved.is_pending:
        values["finished_at"] = moved.updated_at
    return update(operations).where(operations.c.operation_key == moved.key).values(values)


def build_released_targets(operation_key: int) -> Update:
    """Say of an operation's targets that it is not pending any more."""
    return update(operation_targets).where(operation_targets.c.operation_key == operation_key).values(is_pending=0)


def build_traces(key: EventKey) -> tuple[Select[Any], Select[Any]]:
    """Ask for an event by its key, among what is there and among what has been deleted."""
    in_namespace = select(namespaces.c.namespace_key).where(namespaces.c.name == key.namespace).scalar_subquery()
    return (
        select(events.c.namespace_key).where(events.c.id == key.id, events.c.namespace_key == in_namespace),
        select(deleted_ids.c.namespace_key).where(
            deleted_ids.c.id == key.id, deleted_ids.c.namespace_key == in_namespace
        ),
    )


def build_finished(*, before: int, limit: int) -> Select[Any]:
    """Ask for the operations that were finished first, before an instant."""
    columns = operations.c
    statement: Select[Any] = force_index(select(columns.operation_key), operations, "ix_operations_finished")
    return (
        statement.where(columns.finished_at < before).order_by(columns.finished_at, columns.operation_key).limit(limit)
    )


def build_deleted_targets(operation_keys: Sequence[int]) -> Delete:
    """Delete the targets of some operations."""
    return delete(operation_targets).where(operation_targets.c.operation_key.in_(operation_keys))


def build_deleted_operations(operation_keys: Sequence[int]) -> Delete:
    """Delete some operations."""
    return delete(operations).where(operations.c.operation_key.in_(operation_keys))
