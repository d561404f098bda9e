"""Small histories for tests: rows with defaults, appended as ingest appends them."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.appends import AppendOutcome, EventRow, append_batch
from storage.cursors import EventCursor, EventOrder
from storage.engine import Database
from storage.identities import AudienceName
from storage.operations import OperationRecord, OperationState
from storage.records import EventKey, EventRecord, LinkRecord, ObjectRecord
from storage.scopes import Scope
from storage.tables import operation_targets, operations

START = 1_767_225_600_000_000
"""2026-01-01T00:00:00Z in microseconds."""


def event_id(number: int) -> str:
    """Give an id whose order is the order of the numbers."""
    return str(uuid.UUID(int=number))


def link(object_type: str, object_id: str, *, namespace: str = "default", role: str | None = None) -> LinkRecord:
    """Name an object that an event touches."""
    return LinkRecord(role, ObjectRecord(namespace, object_type, object_id))


def row(number: int, **given: Any) -> EventRow:
    """Make the row of event `number`; `namespace`, `owner`, `readers` make its audience."""
    audience = AudienceName(given.pop("namespace", "default"), given.pop("readers", None), given.pop("owner", None))
    values: dict[str, Any] = dict.fromkeys(EventRow._fields)
    values |= {
        "id": event_id(number),
        "id_given": True,
        "audience": audience,
        "event_type": "audit",
        "severity": 1,
        "occurred_at": START + number,
        "source": "host-1",
        "message": f"event {number}",
        "objects": (),
        "content_hash": number.to_bytes(16, "big"),
    }
    return EventRow(**(values | given))


async def store(database: Database, rows: Sequence[EventRow], *, received_at: int = START) -> None:
    """Append rows that are new."""
    outcomes = await append_batch(database, rows, received_at=received_at)
    assert set(outcomes) <= {AppendOutcome.ACCEPTED}


def operation(
    number: int, state: OperationState = OperationState.QUEUED, *, namespace: str = "default"
) -> OperationRecord:
    """Make operation `number`, as far as it has come; numbers are keys too, so that they grow with time."""
    return OperationRecord(
        key=number,
        uuid=event_id(number),
        namespace=namespace,
        operation_type="vm.work",
        state=state,
        is_pending=state.is_pending,
        created_at=START + number,
        updated_at=START + number,
        request_id=None,
        payload=f'{{"number": {number}}}',
    )


async def store_operations(
    database: Database, targets: Mapping[OperationRecord, Sequence[ObjectRecord]]
) -> dict[ObjectRecord, int]:
    """Write operations with what they target, in the audience of all readers; give the keys of the objects."""
    named = [AudienceName(one.namespace, None, None) for one in targets]
    audiences = await database.identities.intern_audiences(named)
    keys = await database.identities.intern_objects(one for some in targets.values() for one in some)
    rows: list[dict[str, Any]] = []
    target_rows: list[dict[str, Any]] = []
    for one, some in targets.items():
        audience = audiences[AudienceName(one.namespace, None, None)]
        place = {"namespace_key": audience.namespace_key, "audience_key": audience.key, "is_pending": one.is_pending}
        rows.append(
            {
                **place,
                "operation_key": one.key,
                "operation_id": one.uuid,
                "operation_type": one.operation_type,
                "state": one.state.value,
                "created_at": one.created_at,
                "updated_at": one.updated_at,
                "finished_at": None if one.is_pending else one.updated_at,
                "request_id": one.request_id,
                "payload": one.payload,
                "content_hash": one.key.to_bytes(16, "big"),
            }
        )
        target_rows += [
            {**place, **each._asdict(), "object_key": keys[each], "operation_key": one.key} for each in some
        ]

    async def work(connection: AsyncConnection) -> None:
        await connection.execute(insert(operations), rows)
        if target_rows:
            await connection.execute(insert(operation_targets), target_rows)

    await database.write(work, name="operations")
    return keys


def key_of(number: int, namespace: str = "default") -> EventKey:
    """Give the key of event `number`."""
    return EventKey(namespace, event_id(number))


def cursor_of(record: EventRecord, order: EventOrder) -> EventCursor:
    """Give the cursor of an event in a list of that order."""
    return EventCursor(order, record.occurred_at, record.id, record.namespace)


async def scope_of_namespaces(database: Database, *names: str) -> Scope:
    """What a reader of whole namespaces may see."""
    return Scope(namespace_keys=frozenset((await database.identities.namespace_keys(names)).values()))


async def scope_of_audiences(database: Database, *names: AudienceName) -> Scope:
    """What a reader may see who belongs to single audiences."""
    known = await database.identities.intern_audiences(names)
    return Scope(audience_keys=frozenset(record.key for record in known.values()))
