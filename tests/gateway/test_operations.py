"""Operations in GraphQL: enqueued, moved, read; what is refused, and by whom it may be done (OP1, OP2, OP5, P5, P7)."""

from typing import Any

import pytest

from gateway.errors import ErrorCode
from gateway.execution import Executor
from gateway.metrics import Metrics
from storage.scopes import Scope
from tests.gateway.execution import SCHEMA, Caller
from tests.gateway.history import event_id
from tests.storage.histories import scope_of_namespaces

EACH_DATABASE = pytest.mark.parametrize("backend", ["sqlite", "aiomysql"])
ENQUEUE = """mutation ($input: EnqueueOperationInput!) {
  enqueueOperation(input: $input) { operation {
    id uuid namespace operationType state isPending requestId payload targets { objectType objectId } } } }"""
TRANSITION = """mutation ($input: TransitionOperationInput!) {
  transitionOperation(input: $input) { operation { id state isPending } } }"""
LIST = """query ($states: [OperationState!], $types: [String!], $namespace: String, $after: String, $before: String,
    $first: Int, $last: Int) {
  operations(states: $states, operationTypes: $types, namespace: $namespace, after: $after, before: $before,
    first: $first, last: $last) { nodes { uuid } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""
RESIZE: dict[str, Any] = {"operationType": "instance.resize", "payload": {"instance": "i-1", "node": None}}


async def enqueue(caller: Caller, **given: Any) -> dict[str, Any]:
    answer = await caller.run(ENQUEUE, {"input": RESIZE | given})
    operation: dict[str, Any] = answer.data["enqueueOperation"]["operation"]
    return operation


async def transition(caller: Caller, operation: dict[str, Any], state: str, **given: Any) -> dict[str, Any]:
    answer = await caller.run(TRANSITION, {"input": {"id": operation["id"], "state": state} | given})
    moved: dict[str, Any] = answer.data["transitionOperation"]["operation"]
    return moved


async def listed(caller: Caller, scope: Scope | None = None, **variables: Any) -> list[int]:
    """The numbers of the operations in a list."""
    context = {} if scope is None else {"scope": scope}
    answer = await caller.run(LIST, variables, **context)
    return [int(node["uuid"][-12:], 16) for node in answer.data["operations"]["nodes"]]


@EACH_DATABASE
async def test_an_operation_goes_its_way(caller: Caller) -> None:
    """OP1, OP2, OP5, N2: its events and its targets' timelines show all of it, one by one."""
    operation = await enqueue(caller, uuid=f"operation:{event_id(305).upper()}", requestId="req-9")
    assert operation == {
        "id": f"operation:{event_id(305)}",
        "uuid": event_id(305),
        "namespace": "default",
        "operationType": "instance.resize",
        "state": "QUEUED",
        "isPending": True,
        "requestId": "req-9",
        "payload": {"instance": "i-1", "node": None},
        "targets": [{"objectType": "instance", "objectId": "i-1"}],
    }
    assert await enqueue(caller, uuid=event_id(305)) == operation
    assert await transition(caller, operation, "EXECUTING", expectedState="QUEUED", message="begun") == {
        "id": operation["id"],
        "state": "EXECUTING",
        "isPending": True,
    }
    done = await transition(caller, {"id": operation["uuid"].upper()}, "COMPLETE", message=None, expectedState=None)
    assert (done["state"], done["isPending"]) == ("COMPLETE", False)
    assert await enqueue(caller, uuid=event_id(305)) == operation | {"state": "COMPLETE", "isPending": False}
    document = """query ($id: ID!, $uuid: String!) {
      node(id: $id) { ... on Operation { ...F } } operation(id: $id) { ...F }
      object(objectType: "instance", objectId: "i-1") { timeline(first: 3) { nodes { message actor requestId } } }
      event: events(filter: {objects: [{objectType: "operation", objectId: $uuid}]}) { nodes { message } }
    }
    fragment F on Operation { state events(first: 2) { nodes { message } pageInfo { hasNextPage } } }"""
    data = (await caller.run(document, {"id": operation["id"], "uuid": operation["uuid"]})).data
    messages = ["instance.resize: QUEUED", "begun", "instance.resize: EXECUTING -> COMPLETE"]
    assert (
        data["node"]
        == data["operation"]
        == {
            "state": "COMPLETE",
            "events": {"nodes": [{"message": each} for each in messages[:2]], "pageInfo": {"hasNextPage": True}},
        }
    )
    told = {"actor": "anonymous", "requestId": "req-9"}
    assert data["object"]["timeline"]["nodes"] == [{"message": each} | told for each in reversed(messages)]
    assert data["event"]["nodes"] == [{"message": each} for each in reversed(messages)]


@EACH_DATABASE
async def test_operations_are_listed_newest_first(caller: Caller) -> None:
    """P5, O7, F23: filters, pages in both directions, scopes; their cursors are of their own kind."""
    assert await listed(caller) == await listed(caller, states=None, types=None) == [304, 303, 302, 301]
    assert await listed(caller, states=["COMPLETE", "ERROR"]) == [303, 302]
    assert await listed(caller, types=["instance.resize"], namespace="default") == [302, 301]
    assert await listed(caller, types=["volume.copy", "nothing"], states=["ERROR"]) == [303]
    empty: list[dict[str, Any]] = [{"states": []}, {"types": []}, {"namespace": "nowhere"}, {"first": 0}]
    for nothing in empty:
        assert await listed(caller, **nothing) == []
    lab = await scope_of_namespaces(caller.database, "lab")
    assert (await listed(caller, lab), await listed(caller, Scope())) == ([304], [])
    assert await listed(caller, lab, namespace="default") == []
    first = (await caller.run(LIST, {"first": 3})).data["operations"]["pageInfo"]
    assert (first["hasNextPage"], first["hasPreviousPage"]) == (True, False)
    assert await listed(caller, first=3, after=first["endCursor"]) == [301]
    assert await listed(caller, last=2, before=first["endCursor"]) == [304, 303]
    cursor = (await caller.run("{ events { pageInfo { endCursor } } }")).data["events"]["pageInfo"]["endCursor"]
    refused = await caller.run(LIST, {"after": cursor})
    assert refused.error == (
        ErrorCode.BAD_USER_INPUT,
        "after: this cursor belongs to a list of events, not of operations",
    )
    many = await caller.run(LIST, {"types": ["x"] * 1001})
    assert many.error == (ErrorCode.QUERY_TOO_COMPLEX, "operationTypes holds 1001 values, the most is 1000")
    document = "query ($id: ID!) { operation(id: $id) { uuid } node(id: $id) { id } }"
    for number, scope in ((301, lab), (399, None)):
        answer = await caller.run(
            document, {"id": f"operation:{event_id(number)}"}, **({"scope": scope} if scope else {})
        )
        assert answer.data == {"operation": None, "node": None}
    for malformed in ("", "operation:", "deletion:" + event_id(301), "operation:x"):
        assert (await caller.run(document, {"id": malformed})).data == {"operation": None, "node": None}


@EACH_DATABASE
@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "stock"])
async def test_what_a_page_works_on_costs_one_statement(caller: Caller, compiled: bool) -> None:
    """GQ2: whatever the size of the page."""
    caller.executor = Executor(SCHEMA, Metrics(), compiled=compiled)
    for number in range(20):
        await enqueue(caller, payload={"instance": f"i-{number}", "node": "n-1"})
    document = "query ($size: Int) { operations(first: $size) { nodes { uuid targets { objectType objectId } } } }"
    for size in (1, 20):
        answer = await caller.run(document, {"size": size})
        assert len(answer.statements) == 2
        names = [[each["objectId"] for each in node["targets"]] for node in answer.data["operations"]["nodes"]]
        assert names == [[f"i-{number}", "n-1"] for number in range(19, 19 - size, -1)]
        assert answer.batches == [("targets_by_operation", size)]


@pytest.mark.parametrize("backend", ["sqlite"])
@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "stock"])
async def test_each_mutation_of_a_document_shows_what_is_there_after_it(caller: Caller, compiled: bool) -> None:
    """OP3: nothing is told of an object that was read before the change; never false for what is pending."""
    caller.executor = Executor(SCHEMA, Metrics(), compiled=compiled)
    document = """
    mutation ($first: EnqueueOperationInput!, $done: TransitionOperationInput!, $second: EnqueueOperationInput!) {
      first: enqueueOperation(input: $first) { operation { ...F } }
      done: transitionOperation(input: $done) { operation { ...F } }
      second: enqueueOperation(input: $second) { operation { ...F } }
    }
    fragment F on Operation {
      targets { hasPendingOperations latestOperation { state } operations { nodes { state } } } events { nodes { id } }
    }"""
    given = RESIZE | {"payload": {"instance": "i-9"}}
    variables = {
        "first": given | {"uuid": event_id(305)},
        "done": {"id": event_id(305), "state": "COMPLETE"},
        "second": given | {"uuid": event_id(306)},
    }
    data = (await caller.run(document, variables)).data
    told = [(step["operation"]["targets"], len(step["operation"]["events"]["nodes"])) for step in data.values()]
    assert told == [
        ([{"hasPendingOperations": pending, "latestOperation": states[0], "operations": {"nodes": states}}], events)
        for pending, states, events in (
            (True, [{"state": "QUEUED"}], 1),
            (False, [{"state": "COMPLETE"}], 2),
            (True, [{"state": "QUEUED"}, {"state": "COMPLETE"}], 1),
        )
    ]


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_what_is_wrong_is_said_and_nothing_is_written(caller: Caller) -> None:
    """O2, O4, O10: unknown types, payloads of the wrong shape, moves out of a final state, ids of nothing."""
    refused: list[tuple[dict[str, Any], ErrorCode, str]] = [
        (
            {"operationType": "nothing"},
            ErrorCode.BAD_USER_INPUT,
            "input.operationType nothing is not declared in the namespace default, where there is instance.resize, "
            "volume.copy: defineOperationType declares one",
        ),
        (
            {"operationType": "volume.copy", "namespace": "lab"},
            ErrorCode.BAD_USER_INPUT,
            "input.operationType volume.copy is not declared in the namespace lab, where there is instance.resize: "
            "defineOperationType declares one",
        ),
        (
            {"payload": {"instance": 7}},
            ErrorCode.BAD_USER_INPUT,
            "payload.instance is no text: in operations of the type instance.resize it holds the id of an object of "
            "the type instance, or null",
        ),
        (
            {"payload": ["i-1"]},
            ErrorCode.BAD_USER_INPUT,
            'payload is no JSON object: its fields name what the operation works on, {"field": ...}',
        ),
        (
            {"uuid": "deletion:x"},
            ErrorCode.BAD_USER_INPUT,
            "input.uuid is no id of an operation: give a UUID, or the node id operation:...",
        ),
        (
            {"uuid": event_id(301)},
            ErrorCode.CONFLICT,
            f"uuid {event_id(301)} belongs to another operation, with another type, namespace or payload: "
            "leave it out for a new one, or send what was first sent with it",
        ),
    ]
    count = "{ events(first: 0) { totalCount { value } } operations { nodes { state } } }"
    before = (await caller.run(count)).data
    for given, code, message in refused:
        assert (await caller.run(ENQUEUE, {"input": RESIZE | given})).error == (code, message)
    moves: list[tuple[str, str, ErrorCode, str]] = [
        (event_id(302), "ERROR", ErrorCode.CONFLICT, "the operation is COMPLETE, which is final: enqueue another one"),
        (event_id(301), "QUEUED", ErrorCode.CONFLICT, "the operation is EXECUTING, from where it cannot go back to"),
        (event_id(399), "ERROR", ErrorCode.NOT_FOUND, f"there is no operation {event_id(399)}"),
        ("x", "ERROR", ErrorCode.BAD_USER_INPUT, "input.id is no id of an operation: give a UUID, or the node id"),
    ]
    for operation_id, state, code, message in moves:
        error = (await caller.run(TRANSITION, {"input": {"id": operation_id, "state": state}})).error
        assert (error[0], error[1][: len(message)]) == (code, message)
    assert (await caller.run(count)).data == before
    homeless = Caller(caller.database, home_namespace=None, declared=caller.declared)
    assert (await homeless.run(ENQUEUE, {"input": RESIZE})).error[1].startswith("input.namespace is missing")
    none = Caller(caller.database)
    assert "where there is none: defineOperationType" in (await none.run(ENQUEUE, {"input": RESIZE})).error[1]


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_operations_need_the_right_to_operate(caller: Caller) -> None:
    """In the operation's namespace; what may not be seen is not there either."""
    caller.rights = ("READ", "INGEST", "DELETE", "ADMIN")
    forbidden = (ErrorCode.FORBIDDEN, "this needs the right OPERATE in the namespace lab, which you do not have")
    assert (await caller.run(ENQUEUE, {"input": RESIZE | {"namespace": "lab"}})).error == forbidden
    move = {"input": {"id": event_id(304), "state": "COMPLETE"}}
    assert (await caller.run(TRANSITION, move)).error == forbidden
    caller.rights = ("OPERATE",)
    hidden = await caller.run(TRANSITION, move, scope=await scope_of_namespaces(caller.database, "default"))
    assert hidden.error == (ErrorCode.NOT_FOUND, f"there is no operation {event_id(304)}")
    assert (await caller.run(TRANSITION, move)).errors == []
