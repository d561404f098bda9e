"""Operations: enqueued with their targets, moved on, each time with an event; whatever is lost or races (OP1, OP2)."""

import asyncio
import itertools
from typing import Any

import pytest
from sqlalchemy import func, select

import mutations.operations
from mutations.errors import ConflictError, InvalidInputError, NotFoundError
from mutations.limits import IngestLimits
from storage.cursors import EventOrder
from storage.engine import Database
from storage.operation_changes import lock_operation
from storage.operations import PENDING_STATES, OperationRecord, OperationState, fetch_operations, fetch_targets
from storage.pages import PageRequest, fetch_event_page
from storage.reads import fetch_links
from storage.records import EventRecord, LinkRecord, ObjectRecord
from storage.scopes import EVERYTHING
from storage.selectors import ObjectReference, TouchesAny
from storage.severities import Severity
from storage.tables import events, operation_targets, operations
from storage.type_definitions import OperationTypeRecord, TargetField
from tests.databases import MARIADB_DRIVERS, MariaServer
from tests.mutations.operating import enqueue, move
from tests.proxies import DatabaseProxy
from tests.storage.histories import START, event_id

EACH_DATABASE = pytest.mark.parametrize("backend", ["sqlite", "aiomysql"])
DISK, NODE = ObjectRecord("default", "disk", "d1"), ObjectRecord("default", "node", "n1")
State = OperationState


async def stored(database: Database, operation: OperationRecord) -> OperationRecord:
    [record] = await fetch_operations(database, [operation.uuid], scope=EVERYTHING)
    return record


async def targets_of(database: Database, operation: OperationRecord) -> list[ObjectRecord]:
    return (await fetch_targets(database, [operation.key], scope=EVERYTHING))[operation.key]


async def counts(database: Database) -> tuple[int, ...]:
    """How many operations, targets, pending targets and events there are."""
    async with database.reading() as connection:
        found = [
            (await connection.execute(select(func.count()).select_from(table))).scalar_one()
            for table in (operations, operation_targets, events)
        ]
        pending = select(func.count()).where(operation_targets.c.is_pending == 1)
        return (*found[:2], (await connection.execute(pending)).scalar_one(), found[2])


async def timeline(database: Database, target: ObjectRecord) -> list[EventRecord]:
    """The events of an object, oldest first."""
    reference = ObjectReference(target.object_type, target.object_id, target.namespace)
    request = PageRequest(size=100, order=EventOrder.OLDEST_FIRST)
    page = await fetch_event_page(database, selector=TouchesAny((reference,)), scope=EVERYTHING, request=request)
    return list(page.rows)


def own_object(operation: OperationRecord) -> ObjectRecord:
    return ObjectRecord(operation.namespace, "operation", operation.uuid)


@EACH_DATABASE
async def test_an_operation_is_stored_with_its_targets_and_an_event(database: Database) -> None:
    """OP1, O6: targets come from the declaration and the payload; its own timeline and theirs show it."""
    payload = '{"size":1.10,"node":"n1","disk":"d1","other":{"deep":[1]}}'
    operation = await enqueue(database, payload, request_id="req-1", uuid=event_id(7))
    assert operation == OperationRecord(
        operation.key, event_id(7), "default", "resize", State.QUEUED, True, START, START, "req-1", payload
    )
    assert await stored(database, operation) == operation
    assert await targets_of(database, operation) == [DISK, NODE]
    [event] = await timeline(database, own_object(operation))
    assert [await timeline(database, each) for each in (DISK, NODE)] == [[event], [event]]
    assert (event.event_type, event.category, event.severity) == ("operation.queued", "action", Severity.INFO)
    assert (event.source, event.actor, event.request_id) == ("timeloom", "ada", "req-1")
    assert (event.message, event.occurred_at, event.received_at) == ("resize: QUEUED", START, START)
    assert event.extra == '{"from":null,"operation-type":"resize","state":"QUEUED"}'
    assert (event.success, event.duration_ms, event.owner, event.readers) == (None, None, None, None)
    links = await fetch_links(database, [event.key], scope=EVERYTHING)
    assert links[event.key] == [
        LinkRecord("target", DISK),
        LinkRecord("target", NODE),
        LinkRecord(None, own_object(operation)),
    ]
    assert (await enqueue(database)).key > operation.key


TWO_FIELDS = OperationTypeRecord("default", "copy", (TargetField("from", "disk"), TargetField("to", "disk")), None)


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_targets_are_what_the_fields_hold(database: Database) -> None:
    """OP1, O4: missing and null fields are skipped; two fields with one value and type make one target."""
    expected: dict[str, list[str]] = {
        "{}": [],
        '{"disk":"d1"}': [],
        '{"from":null,"to":null}': [],
        '{"from":"a"}': ["a"],
        '{"to":"a","from":null}': ["a"],
        '{"from":"b","to":"a"}': ["a", "b"],
        '{"from":"a","to":"a"}': ["a"],
        '{"from":"\\u00e4\\"","to":"ä\\""}': ['ä"'],
        '{"from":"' + "x" * 255 + '"}': ["x" * 255],
    }
    for payload, ids in expected.items():
        operation = await enqueue(database, payload, operation_type=TWO_FIELDS)
        assert [target.object_id for target in await targets_of(database, operation)] == ids, payload
    # An operation may work on another one, and be told of its own id.
    of_operation = OperationTypeRecord(None, "retry", (TargetField("of", "operation"),), None)
    own = await enqueue(database, f'{{"of":"{event_id(9)}"}}', operation_type=of_operation, uuid=event_id(9))
    assert await targets_of(database, own) == [own_object(own)]
    assert len(await timeline(database, own_object(own))) == 1


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "number": ({"payload": '{"disk":1}'}, "payload.disk is no text: in operations of the type resize it holds the id"),
    "boolean": ({"payload": '{"disk":"d1","node":true}'}, "payload.node is no text"),
    "list": ({"payload": '{"disk":["d1"]}'}, "payload.disk is no text"),
    "object": ({"payload": '{"disk":{}}'}, "payload.disk is no text"),
    "empty id": ({"payload": '{"disk":""}'}, "payload.disk is empty"),
    "long id": ({"payload": '{"disk":"' + "x" * 256 + '"}'}, "payload.disk has 256 characters, more than the 255"),
    "a list as payload": ({"payload": "[]"}, "payload is no JSON object"),
    "null as payload": ({"payload": "null"}, "payload is no JSON object"),
    "a text as payload": ({"payload": '"{"'}, "payload is no JSON object"),
    "no JSON": ({"payload": "{"}, "payload holds what is no JSON by RFC 8259"),
    "key twice": ({"payload": '{"disk":"d1","disk":"d1"}'}, "payload holds a key that comes twice"),
    "NUL": ({"payload": '{"disk":"\\u0000"}'}, "payload holds the character NUL"),
    "too deep": ({"payload": '{"a":' * 31 + "1" + "}" * 31}, "payload holds more than TIMELOOM_MAX_EXTRA_DEPTH = 30"),
    "too large": ({"limits": IngestLimits(max_extra_bytes=12)}, "payload has 13 bytes, more than TIMELOOM_MAX_EXTRA"),
    "closed namespace": ({"namespace": "timeloom"}, "the namespace timeloom is closed to clients"),
    "bad namespace": ({"namespace": "a b"}, "namespace 'a b' is not made of"),
    "empty request": ({"request_id": ""}, "requestId is empty"),
    "long request": ({"request_id": "x" * 256}, "requestId has 256 characters"),
}


@EACH_DATABASE
async def test_what_cannot_be_an_operation_is_refused_and_nothing_is_written(database: Database) -> None:
    """O4: the error names the field or the argument."""
    for name, (given, expected) in REFUSED.items():
        with pytest.raises(InvalidInputError) as raised:
            await enqueue(database, **given)
        assert str(raised.value).startswith(expected), name
    assert await counts(database) == (0, 0, 0, 0)


@EACH_DATABASE
async def test_the_same_operation_again_is_given_as_it_is_now(database: Database) -> None:
    """O3: nothing is written; with another type, namespace or payload it is CONFLICT."""
    uuid = event_id(7)
    racing = [enqueue(database, uuid=uuid, request_id=f"req-{number}", now=START + number) for number in range(6)]
    first, *others = await asyncio.gather(*racing)
    assert others == [first] * 5
    assert await counts(database) == (1, 1, 1, 1)
    moved = await move(database, first, State.EXECUTING)
    assert await enqueue(database, '{ "disk": "d1" }', uuid=uuid, now=START + 9) == moved
    other: list[dict[str, Any]] = [
        {"payload": '{"disk":"d2"}'},
        {"payload": '{"disk":"d1","size":1}'},
        {"namespace": "other"},
        {"operation_type": TWO_FIELDS},
    ]
    for given in other:
        with pytest.raises(ConflictError, match=f"uuid {uuid} belongs to another operation"):
            await enqueue(database, uuid=uuid, **given)
    assert await counts(database) == (1, 1, 1, 2)


ALLOWED = {
    *itertools.combinations(PENDING_STATES, 2),
    *itertools.product(PENDING_STATES, [State.COMPLETE, State.ABORT, State.DELETED, State.ERROR]),
}


async def enqueue_in(database: Database, state: OperationState) -> OperationRecord:
    """An operation that is in a state."""
    operation = await enqueue(database)
    return operation if state is State.QUEUED else await move(database, operation, state)


@EACH_DATABASE
async def test_moves_go_forward_and_end(database: Database) -> None:
    """O1, O2, O9: every pair of states; a move that is not allowed names the present state and changes nothing."""
    for start in State:
        operation = await enqueue_in(database, start)
        before = await counts(database)
        assert await move(database, operation, start) == operation
        for end in set(State) - {start}:
            if (start, end) not in ALLOWED:
                with pytest.raises(ConflictError, match=f"the operation is {start.value}, "):
                    await move(database, operation, end)
        assert await stored(database, operation) == operation
        assert await counts(database) == before
    for start, end in ALLOWED:
        operation = await enqueue_in(database, start)
        before = await counts(database)
        moved = await move(database, operation, end, now=START + 5_000_000)
        expected = operation._replace(state=end, is_pending=end.is_pending, updated_at=START + 5_000_000)
        assert moved == expected == await stored(database, operation)
        released = 0 if end.is_pending else 1
        assert await counts(database) == (before[0], before[1], before[2] - released, before[3] + 1)


@EACH_DATABASE
async def test_a_move_may_say_from_where(database: Database) -> None:
    """O9, O10: `expectedState` is the present one, or it is CONFLICT; also for whoever repeats somebody else's move."""
    operation = await enqueue(database)
    executing = await move(database, operation, State.EXECUTING, expected_state=State.QUEUED)
    for state in (State.EXECUTING, State.COMPLETE):
        with pytest.raises(ConflictError, match="the operation is EXECUTING, not QUEUED"):
            await move(database, operation, state, expected_state=State.QUEUED)
    assert await move(database, operation, State.EXECUTING, expected_state=State.EXECUTING) == executing
    with pytest.raises(NotFoundError, match=f"there is no operation {event_id(99)}"):
        await move(database, operation._replace(uuid=event_id(99)), State.COMPLETE)


@EACH_DATABASE
async def test_each_move_is_an_event_of_the_operation_and_its_targets(database: Database) -> None:
    """OP2, O6: in the order of the moves, whatever the clock does; a final one says how it ended and what it took."""
    operation = await enqueue(database, request_id="req-1")
    await move(database, operation, State.PREFLIGHT, now=START - 1)
    await move(database, operation, State.EXECUTING, now=START, message="begun on n1")
    await move(database, operation, State.COMPLETE, now=START + 2_500)
    failed, given_up = await enqueue(database, "{}"), await enqueue(database, "{}")
    await move(database, failed, State.ERROR, message="")
    await move(database, given_up, State.ABORT, message="not needed")
    events_of = await timeline(database, own_object(operation))
    assert await timeline(database, DISK) == events_of
    assert [
        (each.event_type, each.message, each.occurred_at - START, each.success, each.duration_ms) for each in events_of
    ] == [
        ("operation.queued", "resize: QUEUED", 0, None, None),
        ("operation.preflight", "resize: QUEUED -> PREFLIGHT", 1, None, None),
        ("operation.executing", "begun on n1", 2, None, None),
        ("operation.complete", "resize: EXECUTING -> COMPLETE", 2_500, True, 2.5),
    ]
    assert {(each.severity, each.request_id) for each in events_of} == {(Severity.INFO, "req-1")}
    assert [each.actor for each in events_of] == ["ada", "bob", "bob", "bob"]
    assert events_of[3].extra == '{"from":"EXECUTING","operation-type":"resize","state":"COMPLETE"}'
    ends = [(await timeline(database, own_object(each)))[-1] for each in (failed, given_up)]
    assert [(end.message, end.severity, end.success, end.duration_ms) for end in ends] == [
        ("resize: QUEUED -> ERROR", Severity.ERROR, False, 1000.0),
        ("not needed", Severity.INFO, None, 1000.0),
    ]


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_a_message_that_events_cannot_have_is_refused(database: Database) -> None:
    operation = await enqueue(database)
    limits = IngestLimits(max_message_bytes=8)
    refused = {
        "ä" * 5: "message has 10 bytes, more than TIMELOOM_MAX_MESSAGE_BYTES = 8",
        "a\0": "message holds the cha",
    }
    for message, expected in (refused | {"\ud800": "message holds a lone", "x" * 9: "message has 9 char"}).items():
        with pytest.raises(InvalidInputError) as raised:
            await move(database, operation, State.EXECUTING, message=message, limits=limits)
        assert str(raised.value).startswith(expected)
    assert (await stored(database, operation)).state is State.QUEUED
    assert (await move(database, operation, State.EXECUTING, message="ä" * 4, limits=limits)).state is State.EXECUTING


@EACH_DATABASE
async def test_of_racing_moves_one_wins(database: Database) -> None:
    """O2: the others are told the present state, and nothing of theirs is written."""
    ends = (State.COMPLETE, State.ABORT, State.DELETED, State.ERROR)
    for _ in range(5):
        operation = await enqueue(database)
        before = await counts(database)
        racing = [move(database, operation, end) for end in ends]
        outcomes = await asyncio.gather(*racing, return_exceptions=True)
        [won] = [each for each in outcomes if isinstance(each, OperationRecord)]
        assert won == await stored(database, operation)
        refused = {str(each) for each in outcomes if isinstance(each, ConflictError)}
        assert refused == {f"the operation is {won.state.value}, which is final: enqueue another one"}
        assert await counts(database) == (before[0], before[1], before[2] - 1, before[3] + 1)
    operation = await enqueue(database)
    claims = [move(database, operation, State.EXECUTING, expected_state=State.QUEUED) for _ in range(4)]
    outcomes = await asyncio.gather(*claims, return_exceptions=True)
    assert [type(each) for each in outcomes].count(ConflictError) == 3
    assert len(await timeline(database, own_object(operation))) == 2


@pytest.mark.parametrize("driver", MARIADB_DRIVERS[:1])
async def test_an_answer_that_is_lost_changes_nothing(
    driver: str, new_database_url: Any, mariadb_server: MariaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """L4, O3: the transaction runs again, finds its own COMMIT, and answers what holds, with one event for each."""
    url = new_database_url(driver)
    async with DatabaseProxy(mariadb_server.port) as proxy:
        lossy = await Database.open(url.replace(f":{mariadb_server.port}/", f":{proxy.port}/"))
        database = await Database.open(url)
        await enqueue(lossy)  # whatever is interned has been
        proxy.cut_after_commit()
        operation = await enqueue(lossy)
        assert operation == await stored(database, operation)
        proxy.cut_after_commit()
        executing = await move(lossy, operation, State.EXECUTING, expected_state=State.QUEUED)
        assert executing == await stored(database, operation)
        runs: list[Any] = []

        async def lock_after_others(*given: Any) -> Any:
            runs.append(given)
            if len(runs) == 2:
                monkeypatch.setattr(mutations.operations, "lock_operation", lock_operation)
                await move(database, other, State.COMPLETE)
            return await lock_operation(*given)

        other = await enqueue(lossy)
        monkeypatch.setattr(mutations.operations, "lock_operation", lock_after_others)
        proxy.cut_after_commit()
        moved = await move(lossy, other, State.EXECUTING, expected_state=State.QUEUED)
        assert (moved, moved.state) == (await stored(database, other), State.COMPLETE)
        types = [each.event_type for each in await timeline(database, own_object(other))]
        assert types == ["operation.queued", "operation.executing", "operation.complete"]
        assert [len(await timeline(database, own_object(each))) for each in (operation, other)] == [2, 3]
        await lossy.close()
        await database.close()
