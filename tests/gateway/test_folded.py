"""An id that was folded into another event still answers, with the row it is in (EV11)."""

import pytest
from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.engine import Database
from storage.tables import events, folded_ids
from tests.gateway.execution import Caller
from tests.storage.histories import START, event_id, row, store

ASKED = """query ($id: ID!, $namespace: String) {
  event(id: $id, namespace: $namespace) { id repeatCount lastTimestamp }
  node(id: $id) { id }
}"""


@pytest.fixture
async def caller(database: Database) -> Caller:
    """Event 1 with one repeat, which was event 2."""
    await store(database, [row(1), row(3, namespace="payments")])

    async def work(connection: AsyncConnection) -> None:
        folded = {"id": event_id(2), "namespace_key": 1, "into_id": event_id(1), "content_hash": bytes(16)}
        await connection.execute(insert(folded_ids).values(folded))
        counted = update(events).where(events.c.id == event_id(1))
        await connection.execute(counted.values(repeat_count=2, last_occurred_at=START + 2))

    await database.write(work, name="a repeat")
    return Caller(database)


@pytest.mark.parametrize("backend", ["sqlite", "aiomysql"])
@pytest.mark.parametrize("namespace", ["default", None])
async def test_a_folded_id_gives_the_row_it_is_in(caller: Caller, namespace: str | None) -> None:
    answer = await caller.run(ASKED, {"id": event_id(2), "namespace": namespace})
    row_of_both = {"id": event_id(1), "repeatCount": 2, "lastTimestamp": "2026-01-01T00:00:00.000002Z"}
    assert answer.data == {"event": row_of_both, "node": {"id": event_id(1)}}


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_what_is_not_there_is_looked_for_once_more_and_what_is_there_is_not(caller: Caller) -> None:
    answer = await caller.run(ASKED, {"id": event_id(2), "namespace": "payments"})
    assert answer.data["event"] is None
    answer = await caller.run(ASKED, {"id": event_id(9), "namespace": None})
    assert answer.data == {"event": None, "node": None}
    answer = await caller.run(ASKED, {"id": event_id(3), "namespace": "payments"})
    assert answer.data["event"]["id"] == event_id(3)
    assert not [sql for sql in answer.statements if "folded_ids" in sql]
