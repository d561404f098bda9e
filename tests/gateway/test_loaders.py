"""GQ2: a page with relations costs a number of statements that does not depend on its size up to 200 keys."""

from dataclasses import replace
from uuid import UUID

import pytest

from gateway.execution import Executor
from gateway.metrics import Metrics
from mutations.drafts import EventDraft, ObjectDraft
from mutations.ingest import IngestLimits, ingest_events
from storage.engine import Database
from storage.operations import OperationState
from storage.records import ObjectRecord
from tests.gateway.execution import EXECUTOR, SCHEMA, Answer, Caller
from tests.gateway.history import RECEIVED, event_id
from tests.storage.histories import operation, store_operations

EVENTS = 450
RELATIONS = {
    "objects": "objects { role object { objectId } }",
    "parent": "parent { message }",
    "children": "children(first: 2) { nodes { message } }",
    "ancestors": "ancestors(first: 3) { message }",
    "spans": "objects { object { firstEventAt lastEventAt } }",
    "operations": """objects { object { hasPendingOperations latestOperation { uuid state payload }
      operations(first: 2) { nodes { uuid state payload } } pendingOperations(first: 2) { nodes { uuid } } } }""",
    "totals": "alias: children(first: 0) { totalCount { value } }",
}
DEPENDING = {"spans": 1, "operations": 4, "totals": 1}
"""How much is asked about the answer of another relation."""


@pytest.fixture
async def chain(database: Database) -> Caller:
    """450 events, each caused by the one before, each with an object of its own; every third has operations."""
    drafts = [
        EventDraft(
            id=event_id(number),
            event_type="audit",
            source="host-1",
            message=f"event {number}",
            timestamp=RECEIVED + number,
            parent_id=event_id(number - 1),
            objects=[ObjectDraft("thing", f"thing-{number}")],
        )
        for number in range(1, EVENTS + 1)
    ]
    await ingest_events(database, drafts, home_namespace="default", limits=IngestLimits(), clock=lambda: RECEIVED)
    operations = [operation(number) for number in range(3, EVENTS + 1, 3)]
    operations += [operation(EVENTS + number, OperationState.COMPLETE) for number in range(6, EVENTS + 1, 6)]
    await store_operations(
        database, {one: [ObjectRecord("default", "thing", f"thing-{one.key % EVENTS or EVENTS}")] for one in operations}
    )
    return Caller(database)


async def ask(caller: Caller, size: int, selection: str, *, executor: Executor = EXECUTOR) -> Answer:
    document = f"{{ events(first: {size}) {{ nodes {{ {selection} }} }} }}"
    answer = await replace(caller, executor=executor).run(document)
    assert len(answer.data["events"]["nodes"]) == size
    return answer


async def test_a_page_with_all_relations_costs_the_same_up_to_200_events_gq2(chain: Caller) -> None:
    """GQ2, OP4."""
    everything = " ".join((*list(RELATIONS.values())[:4], RELATIONS["spans"], RELATIONS["operations"]))
    await ask(chain, 1, everything)  # names of namespaces and audiences are known from now on
    one, many, full = [await ask(chain, size, everything) for size in (1, 20, 200)]
    assert len(one.statements) == len(many.statements) == len(full.statements)
    more, most = [await ask(chain, size, everything) for size in (201, 400)]
    assert len(more.statements) == len(most.statements) == len(full.statements) + 9


@pytest.mark.parametrize("relation", RELATIONS)
async def test_each_relation_costs_one_statement_for_200_keys_gq2(chain: Caller, relation: str) -> None:
    await ask(chain, 1, RELATIONS[relation])
    page = len((await ask(chain, 1, "message")).statements)
    questions = 1 + DEPENDING.get(relation, 0)
    for size, statements in ((1, 1), (200, 1), (201, 2), (400, 2), (401, 3)):
        assert len((await ask(chain, size, RELATIONS[relation])).statements) == page + questions * statements


async def test_stock_execution_counts_the_children_of_a_page_together_too(chain: Caller) -> None:
    """Each list asks by itself there; their questions come together nevertheless."""
    stock = Executor(SCHEMA, Metrics(), compiled=False)
    few, many = [await ask(chain, size, RELATIONS["totals"], executor=stock) for size in (3, 200)]
    assert len(few.statements) == len(many.statements)
    assert (few.batches, many.batches[-1]) == (
        [("children_by_event", 3), ("totals_by_parent", 3)],
        ("totals_by_parent", 200),
    )


async def test_what_the_loaders_give_belongs_to_each_event(chain: Caller) -> None:
    """Over the edge of a chunk too."""
    answer = await ask(chain, 450, " ".join(("message", *RELATIONS.values())))
    for place, node in enumerate(answer.data["events"]["nodes"]):
        number = EVENTS - place
        assert node["message"] == f"event {number}"
        assert node["objects"][0]["object"]["objectId"] == f"thing-{number}"
        assert node["objects"][0]["object"]["firstEventAt"] == node["objects"][0]["object"]["lastEventAt"]
        waiting, finished = number % 3 == 0, number % 6 == 0
        keys = [EVENTS + number] * finished + [number] * waiting
        found = node["objects"][0]["object"]
        assert found["hasPendingOperations"] is waiting
        assert [one["payload"] for one in found["operations"]["nodes"]] == [{"number": key} for key in keys]
        assert (found["latestOperation"] or {}).get("payload") == ({"number": keys[0]} if keys else None)
        assert [one["uuid"] for one in found["pendingOperations"]["nodes"]] == [str(UUID(int=number))] * waiting
        assert node["parent"] == ({"message": f"event {number - 1}"} if number > 1 else None)
        children = [{"message": f"event {number + 1}"}] if number < EVENTS else []
        assert node["alias"]["totalCount"] == {"value": len(children)}
        assert node["children"]["nodes"] == children
        assert [item["message"] for item in node["ancestors"]] == [
            f"event {earlier}" for earlier in range(number - 1, max(number - 4, 0), -1)
        ]


async def test_batches_are_reported_with_their_sizes_gq7(chain: Caller) -> None:
    answer = await ask(chain, 450, f"{RELATIONS['objects']} {RELATIONS['children']}")
    assert sorted(answer.batches) == [
        ("children_by_event", 50),
        ("children_by_event", 200),
        ("children_by_event", 200),
        ("links_by_event", 50),
        ("links_by_event", 200),
        ("links_by_event", 200),
    ]


async def test_children_asked_with_several_arguments_are_batched_by_argument(chain: Caller) -> None:
    selection = "a: children(first: 1) { nodes { message } } b: children(last: 1) { nodes { message } }"
    await ask(chain, 1, selection)
    one, many = await ask(chain, 1, selection), await ask(chain, 150, selection)
    assert len(one.statements) == len(many.statements)
    assert all(node["a"] == node["b"] for node in many.data["events"]["nodes"])


async def test_one_key_is_loaded_once_in_a_request(chain: Caller) -> None:
    """The parent of both aliases is one look-up, and so is an object's span for both of its ends."""
    answer = await ask(chain, 3, "a: parent { message } b: parent { message }")
    assert answer.batches == [("events_by_key", 3)]
    spans = await ask(chain, 3, RELATIONS["spans"])
    assert spans.batches == [("links_by_event", 3), ("spans_by_object", 3)]
