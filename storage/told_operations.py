"""Operations that others have told of, written many at a time and as they are by now: a history brought over."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Select, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.operation_changes import NewOperation
from storage.operations import OperationState
from storage.tables import operation_targets, operations


class ToldOperation(NamedTuple):
    """An operation as it was enqueued, and how far it has come; `updated_at` in microseconds UTC."""

    enqueued: NewOperation
    state: OperationState
    updated_at: int


async def insert_told_operations(connection: AsyncConnection, told: Sequence[ToldOperation]) -> int:
    """Write those of some operations that are not there, in their order, and give how many. No event tells of them."""
    there = await _fetch_keys(connection, told)
    new = [each for each in told if each.enqueued.uuid not in there]
    if not new:
        return 0
    await connection.execute(insert(operations), list(map(_to_row, new)))
    keys = await _fetch_keys(connection, new)
    targets = [row for each in new for row in _to_targets(each, keys[each.enqueued.uuid])]
    if targets:
        await connection.execute(insert(operation_targets), sorted(targets, key=lambda row: row["object_key"]))
    return len(new)


def build_operation_keys(ids: Sequence[str]) -> Select[Any]:
    """Ask which of some operations there are, and for their keys."""
    return select(operations.c.operation_id, operations.c.operation_key).where(operations.c.operation_id.in_(ids))


async def _fetch_keys(connection: AsyncConnection, told: Sequence[ToldOperation]) -> dict[str, int]:
    found = await connection.execute(build_operation_keys([each.enqueued.uuid for each in told]))
    return {row.operation_id: row.operation_key for row in found}


def _to_row(told: ToldOperation) -> dict[str, Any]:
    new = told.enqueued
    return {
        "operation_id": new.uuid,
        "namespace_key": new.audience.namespace_key,
        "audience_key": new.audience.key,
        "operation_type": new.operation_type,
        "state": told.state.value,
        "is_pending": int(told.state.is_pending),
        "created_at": new.created_at,
        "updated_at": told.updated_at,
        "finished_at": None if told.state.is_pending else told.updated_at,
        "request_id": new.request_id,
        "requested_by": new.requested_by,
        "payload": new.payload,
        "content_hash": new.content_hash,
    }


def _to_targets(told: ToldOperation, operation_key: int) -> list[dict[str, Any]]:
    audience = told.enqueued.audience
    return [
        {
            "object_key": object_key,
            "operation_key": operation_key,
            "is_pending": int(told.state.is_pending),
            "namespace_key": audience.namespace_key,
            "audience_key": audience.key,
            **record._asdict(),
        }
        for record, object_key in told.enqueued.targets.items()
    ]
