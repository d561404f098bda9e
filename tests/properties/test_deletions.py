"""What a filter shows is what deleting with it removes (GQ3, HZ2): generated filters, on both databases."""

from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from sqlalchemy import text

from mutations.deletion_worker import DeletionWorker
from storage.engine import Database
from tests.gateway.execution import NOW, Caller
from tests.properties.conftest import EVENTS
from tests.properties.strategies import FILTERS, Filter

EXAMPLES = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
KEPT = ("events", "event_objects", "deleted_ids", "event_count_deltas")

SHOWN = "query ($filter: EventFilter) { events(filter: $filter, first: 1000) { nodes { id namespace } } }"
DELETE = """mutation ($input: DeleteEventsInput!) { deleteEvents(input: $input) { deletion {
  id state matched deleted sample { id namespace } } } }"""


@pytest.fixture
async def deleter(caller: Caller) -> Caller:
    """Somebody who may have the events back after each deletion."""
    await _write(caller.database, [f"CREATE TABLE kept_{name} AS SELECT * FROM {name}" for name in KEPT])
    return caller


async def _write(database: Database, statements: list[str]) -> None:
    async def work(connection: Any) -> None:
        for statement in statements:
            await connection.execute(text(statement))

    await database.write(work, name="what was kept")


async def put_back(database: Database) -> None:
    """Put back what was deleted."""
    emptied = [f"DELETE FROM {name}" for name in (*KEPT, "deletions")]
    await _write(database, emptied + [f"INSERT INTO {name} SELECT * FROM kept_{name}" for name in KEPT])


async def shown(caller: Caller, filter_: Filter) -> list[tuple[str, str]]:
    """The events that a filter shows, newest first, without the gateway's own."""
    answer = await caller.run(SHOWN, {"filter": filter_})
    nodes = answer.data["events"]["nodes"]
    return [(node["namespace"], node["id"]) for node in nodes if node["namespace"] != "timeloom"]


async def delete(caller: Caller, filter_: Filter, **given_: Any) -> Any:
    variables = {"input": {"filter": filter_, "matchEverything": True, **given_}}
    return (await caller.run(DELETE, variables)).data["deleteEvents"]["deletion"]


def without_empty_lists(filter_: Filter) -> Filter:
    """The filter without what a delete refuses."""
    kept: Filter = {}
    for name, value in filter_.items():
        if name == "not":
            kept[name] = without_empty_lists(value)
        elif name in ("and", "or"):
            kept |= {name: [without_empty_lists(one) for one in value]} if value else {}
        elif name in ("fields", "extra"):
            kept |= {name: [one | ({"test": {"in": ["a"]}} if one["test"] == {"in": []} else {}) for one in value]}
        else:
            kept[name] = value
    return {name: value for name, value in kept.items() if value != []}


@EXAMPLES
@given(filter_=FILTERS.map(without_empty_lists))
@example(filter_={})
@example(filter_={"not": {"objectTypes": ["instance"]}})
@example(filter_={"selectors": ["object.instance!=i-1"]})
async def test_what_a_filter_shows_is_what_deleting_with_it_removes(deleter: Caller, filter_: Filter) -> None:
    """GQ3, F5: the number, the sample and the effect are those of the list; the rest stays as it was."""
    everything, chosen = await shown(deleter, {}), await shown(deleter, filter_)
    assert len(everything) == len(EVENTS)
    preview = await delete(deleter, filter_)
    assert (preview["state"], preview["matched"]) == ("PREVIEWED", len(chosen))
    assert [(one["namespace"], one["id"]) for one in preview["sample"]] == chosen[:10]
    await delete(deleter, filter_, dryRun=False, confirmation=preview["id"])
    worker = DeletionWorker(deleter.database, clock=lambda: NOW, chunk_events=25)
    while await worker.turn():
        pass
    await worker.release()
    assert await shown(deleter, {}) == [key for key in everything if key not in chosen]
    await put_back(deleter.database)
