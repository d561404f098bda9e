"""kill -9 of a gateway in the middle of a deletion: nothing is half gone, and whoever comes next ends it (L4, L7)."""

from collections.abc import Callable

import pytest
from sqlalchemy import func, select, update

from storage.deletions import DeletionRecord, DeletionState, fetch_deletion
from storage.engine import Database
from storage.tables import deleted_ids, event_objects, events, leases
from tests.processes import GatewayProcess
from tests.storage.histories import link, row, store
from tests.waiting import wait_until

EVENTS = 400
DELETE = """mutation ($dryRun: Boolean!, $confirmation: ID) {
  deleteEvents(input: {filter: {eventTypes: ["audit"]}, dryRun: $dryRun, confirmation: $confirmation}) {
    deletion { id matched }
  }
}"""


async def _counts(database: Database) -> tuple[int, int, int]:
    """Events that are left, references that are, ids that are remembered."""
    async with database.reading() as connection:
        left = select(func.count()).select_from(events).where(events.c.event_type == "audit")
        others = (select(func.count()).select_from(table) for table in (event_objects, deleted_ids))
        statements = (left, *others)
        found = [int((await connection.execute(statement)).scalar_one()) for statement in statements]
    return found[0], found[1], found[2]


@pytest.mark.parametrize("backend", ["aiomysql"], indirect=True)
async def test_a_killed_gateway_leaves_a_deletion_that_another_ends(
    database: Database, database_url: str, gateway_process: Callable[..., GatewayProcess]
) -> None:
    """Every chunk is whole, the row says how many are gone, and all that was shown is gone in the end; told once."""
    await store(database, [row(number, objects=(link("host", "h"),)) for number in range(1, EVENTS + 1)])
    gateway = gateway_process(database_url, settings={"TIMELOOM_REMOVAL_CHUNK_EVENTS": "10"})
    shown = gateway.execute(DELETE, {"dryRun": True})["deleteEvents"]["deletion"]
    assert shown["matched"] == EVENTS
    gateway.execute(DELETE, {"dryRun": False, "confirmation": shown["id"]})
    deletion_id = shown["id"].removeprefix("deletion:")

    async def has_begun() -> bool:
        return (await _record(database, deletion_id)).deleted > 20

    async def is_whole() -> bool:
        gone = (await _record(database, deletion_id)).deleted
        return await _counts(database) == (EVENTS - gone, EVENTS - gone, gone)

    async def is_done() -> bool:
        return (await _record(database, deletion_id)).state is DeletionState.DONE

    await wait_until(has_begun, seconds=30)
    gateway.kill()
    # A COMMIT that the server had received may come through after the kill.
    await wait_until(is_whole)
    assert (await _record(database, deletion_id)).deleted < EVENTS
    # The time of the lease has passed.
    await database.execute_alone(update(leases).where(leases.c.name == "deletions").values(expires_at=1))
    gateway.start()
    await wait_until(is_done, seconds=60)
    assert await _counts(database) == (0, 0, EVENTS)
    told = gateway.execute('{ events(filter: {namespaces: ["timeloom"]}) { nodes { message } } }')
    assert told == {"events": {"nodes": [{"message": f"deleted {EVENTS} events"}]}}


async def _record(database: Database, deletion_id: str) -> DeletionRecord:
    record = await fetch_deletion(database, deletion_id)
    assert record is not None
    return record
