"""Operations with fixed ids on the objects of the small history, written without events; and their types."""

from mutations.type_registry import DeclaredTypes, TypeKey
from storage.engine import Database, Transaction
from storage.identities import AudienceName
from storage.operation_changes import NewOperation, insert_operation, move_operation
from storage.operations import OperationState
from storage.records import ObjectRecord
from storage.type_definitions import EventTypeRecord, OperationTypeRecord, TargetField
from tests.gateway.history import at, event_id

RESIZE = OperationTypeRecord(
    None, "instance.resize", (TargetField("instance", "instance"), TargetField("node", "node")), "more or less of it"
)
COPY = OperationTypeRecord("default", "volume.copy", (TargetField("from", "volume"), TargetField("to", "volume")), None)
DISK = EventTypeRecord(None, "disk.state", "state", required_details=("serial",), max_age_seconds=86_400)
DECLARED = DeclaredTypes(
    event_types={TypeKey(DISK.namespace, DISK.name): DISK},
    operation_types={TypeKey(each.namespace, each.name): each for each in (RESIZE, COPY)},
)
"""The types of operations, and one of events, as files declare them: that costs no statement."""

_INSTANCE, _NODE = ObjectRecord("default", "instance", "i-1"), ObjectRecord("default", "node", "n-1")
_VOLUME, _ELSEWHERE = ObjectRecord("default", "volume", "v-1"), ObjectRecord("lab", "instance", "i-1")
_OPERATIONS = (
    (301, RESIZE, OperationState.EXECUTING, (_INSTANCE, _NODE), '{"instance":"i-1", "node":"n-1", "size":1.10}'),
    (302, RESIZE, OperationState.COMPLETE, (_INSTANCE,), '{"instance":"i-1"}'),
    (303, COPY, OperationState.ERROR, (_VOLUME,), '{"from":"v-1","to":null}'),
    (304, RESIZE, OperationState.QUEUED, (_ELSEWHERE,), '{"instance":"i-1"}'),
)


async def write_operations(database: Database) -> None:
    """Store operations 301 to 304: the first is still EXECUTING, though a later one on the same instance is done."""
    for number, operation_type, state, targets, payload in _OPERATIONS:
        name = AudienceName(targets[0].namespace, None, None)
        new = NewOperation(
            uuid=event_id(number),
            audience=(await database.identities.intern_audiences([name]))[name],
            operation_type=operation_type.name,
            created_at=at("10:30:00") + number,
            request_id="req-1",
            requested_by="alice",
            payload=payload,
            content_hash=bytes(16),
            targets=await database.identities.intern_objects(targets),
        )

        async def work(transaction: Transaction, new: NewOperation = new, state: OperationState = state) -> None:
            record = await insert_operation(transaction, new)
            if state is not record.state:
                moved_at = record.created_at + 1_000_000
                moved = record._replace(state=state, is_pending=state.is_pending, updated_at=moved_at)
                await move_operation(transaction, moved)

        await database.write(work, name="an operation")
