"""A history of operations that is brought over: as they are by now, in their order, and once."""

from storage.engine import Database
from storage.identities import AudienceName
from storage.operation_changes import NewOperation
from storage.operation_lists import fetch_operation_list
from storage.operations import OperationState, fetch_targets
from storage.records import ObjectRecord
from storage.scopes import EVERYTHING
from storage.told_operations import ToldOperation, insert_told_operations
from tests.storage.histories import START, event_id

INSTANCE, NODE = ObjectRecord("default", "instance", "i-1"), ObjectRecord("default", "node", "n-1")
EVERYBODY = AudienceName("default", None, None)


async def tell(database: Database, states: dict[int, OperationState]) -> int:
    audience = (await database.identities.intern_audiences([EVERYBODY]))[EVERYBODY]
    keys = await database.identities.intern_objects([INSTANCE, NODE])
    told = [
        ToldOperation(
            NewOperation(
                uuid=event_id(number),
                audience=audience,
                operation_type="start",
                created_at=START + number,
                request_id=None,
                requested_by="ana",
                payload='{"instance": "i-1"}',
                content_hash=number.to_bytes(16, "big"),
                targets={} if number == 1 else keys,
            ),
            state,
            START + number + 10,
        )
        for number, state in states.items()
    ]
    return await database.write(lambda transaction: insert_told_operations(transaction, told), name="a test")


async def test_operations_are_written_as_they_are_in_their_order_and_once(database: Database) -> None:
    """OP2, O5."""
    assert await tell(database, {}) == 0
    assert await tell(database, {3: OperationState.ERROR, 1: OperationState.QUEUED}) == 2
    later = {1: OperationState.COMPLETE, 2: OperationState.EXECUTING}
    assert await tell(database, later) == 1
    assert await tell(database, later) == 0
    page = await fetch_operation_list(database, scope=EVERYTHING, size=10)
    assert [(each.uuid, each.state, each.is_pending, each.updated_at) for each in page.records] == [
        (event_id(2), OperationState.EXECUTING, True, START + 12),
        (event_id(1), OperationState.QUEUED, True, START + 11),
        (event_id(3), OperationState.ERROR, False, START + 13),
    ]
    found = await fetch_targets(database, [each.key for each in page.records], scope=EVERYTHING)
    assert [set(found[each.key]) for each in page.records] == [{INSTANCE, NODE}, set(), {INSTANCE, NODE}]
