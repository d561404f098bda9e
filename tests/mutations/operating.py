"""Operations of tests: types with their targets, and how they are enqueued and moved on."""

from typing import Any

from mutations.limits import IngestLimits
from mutations.operations import enqueue_operation, transition_operation
from storage.engine import Database
from storage.operations import OperationRecord, OperationState
from storage.type_definitions import OperationTypeRecord, TargetField
from tests.storage.histories import START

RESIZE = OperationTypeRecord(None, "resize", (TargetField("disk", "disk"), TargetField("node", "node")), None)
"""Works on a disk and a node."""


async def enqueue(database: Database, payload: str = '{"disk":"d1"}', **given: Any) -> OperationRecord:
    """Enqueue an operation, at START unless a `now` is given."""
    now = given.pop("now", START)
    values: dict[str, Any] = {
        "operation_type": RESIZE,
        "namespace": "default",
        "actor": "ada",
        "limits": IngestLimits(),
    } | given
    return await enqueue_operation(database, payload=payload, clock=lambda: now, **values)


async def move(database: Database, operation: OperationRecord, state: OperationState, **given: Any) -> OperationRecord:
    """Move an operation on, a second after START unless a `now` is given."""
    now = given.pop("now", START + 1_000_000)
    values: dict[str, Any] = {"actor": "bob", "limits": IngestLimits()} | given
    return await transition_operation(database, operation.uuid, state, clock=lambda: now, **values)
