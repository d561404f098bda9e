"""Operations of objects through the schema: OP3, OP4, O5, O8; what their statements do is tested in tests/storage."""

import pytest

from gateway.errors import ErrorCode
from mutations.deletion_worker import DeletionWorker
from storage.engine import Database
from storage.operations import OperationState
from storage.records import ObjectRecord
from tests.gateway.execution import Caller
from tests.storage.histories import event_id, link, operation, row, store, store_operations
from tests.storage.test_targets import CASES, rename, store_cases

EACH_DATABASE = pytest.mark.parametrize("backend", ["sqlite", "aiomysql"], indirect=True)
SQLITE = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)

ANSWERS = "objectId hasPendingOperations latestOperation { uuid state } pendingOperations { nodes { state } }"


@EACH_DATABASE
async def test_the_five_cases_of_op3_through_the_schema(database: Database) -> None:
    """OP3, OP4: in a list and for one object; an object without events is listed where it has pending operations."""
    await store_cases(database)
    await store(database, [row(1, objects=tuple(link("vm", name) for name in CASES))])
    caller = Caller(database)
    found = (await caller.run(f"{{ objects {{ nodes {{ {ANSWERS} operations {{ nodes {{ state }} }} }} }} }}")).data
    told = {node["objectId"]: node for node in found["objects"]["nodes"]}
    assert {name: node["hasPendingOperations"] for name, node in told.items()} == {
        "none": False,
        "one active": True,
        "one terminal": False,
        "earlier active and later terminal": True,
        "many terminal": False,
    }
    for name, (states, _) in CASES.items():
        node = told[name]
        newest_first = [state.value for state in reversed(states)]
        assert [one["state"] for one in node["operations"]["nodes"]] == newest_first
        assert [one["state"] for one in node["pendingOperations"]["nodes"]] == [
            state.value for state in reversed(states) if state.is_pending
        ]
        assert (node["latestOperation"] or {}).get("state") == (newest_first[0] if states else None)
        one = await caller.run(f'{{ object(objectType: "vm", objectId: "{name}") {{ hasPendingOperations }} }}')
        assert one.data["object"] == {"hasPendingOperations": node["hasPendingOperations"]}
    listed = """query ($pending: Boolean) { objects(hasPendingOperations: $pending) { nodes { objectId } } }"""
    ids = {
        pending: [
            node["objectId"] for node in (await caller.run(listed, {"pending": pending})).data["objects"]["nodes"]
        ]
        for pending in (True, False, None)
    }
    assert ids == {
        True: ["earlier active and later terminal", "further", "one active"],
        False: ["many terminal", "none", "one terminal"],
        None: sorted(CASES),
    }


@SQLITE
async def test_what_the_store_cannot_answer_is_null_with_an_error(database: Database) -> None:
    """OP3: never false; the rest of the answer stays."""
    await store_cases(database)
    await rename(database, "operation_targets", "unreadable")
    document = (
        '{ object(objectType: "vm", objectId: "none") { objectId hasPendingOperations latestOperation { uuid } } }'
    )
    answer = await Caller(database).run(document)
    assert answer.body == b'{"object":{"objectId":"none","hasPendingOperations":null,"latestOperation":null}}'
    assert len(answer.errors) == 2


@SQLITE
async def test_pages_of_operations_by_cursor(database: Database) -> None:
    """P1 to P3, P5, O5: cursors of operations belong to their lists alone, and both sizes exclude each other."""
    vm = ObjectRecord("default", "vm", "1")
    await store_operations(database, {operation(number): [vm] for number in range(1, 6)})
    caller = Caller(database)

    async def ask(arguments: str) -> str:
        page = (
            f"operations({arguments}) {{ edges {{ cursor node {{ id }} }} pageInfo {{ hasNextPage hasPreviousPage }} }}"
        )
        answer = await caller.run(f'{{ object(objectType: "vm", objectId: "1") {{ {page} }} }}')
        if answer.errors:
            return answer.error[1]
        found = answer.data["object"]["operations"]
        keys = [int(edge["node"]["id"][-1]) for edge in found["edges"]]
        cursors.update(zip(keys, (edge["cursor"] for edge in found["edges"]), strict=True))
        return f"{keys} {found['pageInfo']['hasNextPage']} {found['pageInfo']['hasPreviousPage']}"

    cursors: dict[int, str] = {}
    assert await ask("first: 2") == "[5, 4] True False"
    assert await ask(f'first: 2, after: "{cursors[4]}"') == "[3, 2] True True"
    assert await ask("last: 2") == "[2, 1] False True"
    assert await ask(f'last: 9, before: "{cursors[4]}"') == "[5] True False"
    assert "exclude each other" in await ask("first: 1, last: 1")
    assert "first is 1001" in await ask("first: 1001")
    assert "after: this is no cursor" in await ask('after: "x"')
    document = "query ($after: String) { objects(hasPendingOperations: true, after: $after) { nodes { id } } }"
    answer = await caller.run(document, {"after": cursors[4]})
    assert answer.error == (
        ErrorCode.BAD_USER_INPUT,
        "after: this cursor belongs to a list of operations, not of objects",
    )


@EACH_DATABASE
async def test_forgetting_an_object_leaves_its_operations_alone(database: Database) -> None:
    """O8: what is still to be done on it stays known, and finished operations stay its history."""
    vm = ObjectRecord("default", "vm", "1")
    await store(database, [row(1, objects=(link("vm", "1"),)), row(2, objects=(link("vm", "1"), link("vm", "2")))])
    await store_operations(database, {operation(1): [vm], operation(2, OperationState.ERROR): [vm]})
    caller = Caller(database, name="ada")
    document = "mutation ($input: ForgetObjectInput!) { forgetObject(input: $input) { deletion { id } } }"
    given = {"objectType": "vm", "objectId": "1"}
    shown = await caller.run(document, {"input": given})
    confirmation = shown.data["forgetObject"]["deletion"]["id"]
    await caller.run(document, {"input": {**given, "dryRun": False, "confirmation": confirmation}})
    worker = DeletionWorker(database, clock=lambda: caller.now)
    while await worker.turn():
        pass
    await worker.release()
    answer = await caller.run(
        """{ object(objectType: "vm", objectId: "1") { timeline { nodes { id } } hasPendingOperations
          operations { nodes { uuid } } } objects(hasPendingOperations: true) { nodes { objectId } } }"""
    )
    assert answer.data["object"] == {
        "timeline": {"nodes": []},
        "hasPendingOperations": True,
        "operations": {"nodes": [{"uuid": event_id(2)}, {"uuid": event_id(1)}]},
    }
    assert answer.data["objects"]["nodes"] == [{"objectId": "1"}]
