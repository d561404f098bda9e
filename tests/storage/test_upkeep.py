"""Upkeep finds what goes by its indexes, and reads no more than it asks for (design, section 2)."""

import pytest
from sqlalchemy import insert

from storage.engine import Database
from storage.tables import deleted_ids
from storage.upkeep import BEFORE_ALL, build_batch_window, build_old_ids
from tests.storage.examined import explain, used_indexes
from tests.storage.histories import START, event_id, row, store


@pytest.mark.parametrize("backend", ["sqlite", "aiomysql"])
async def test_old_ids_and_empty_batches_are_found_by_index(database: Database) -> None:
    """No anti-join over the whole table: one look into the index of events for each batch of the window."""
    for number in range(30):
        await store(database, [row(number)], received_at=START + number)
    ids = [{"id": event_id(number), "namespace_key": 1, "deleted_at": START + number} for number in range(30)]

    async def work(connection: object) -> None:
        await connection.execute(insert(deleted_ids), ids)  # type: ignore[attr-defined]

    await database.write(work, name="deleted ids")
    old = used_indexes(await explain(database, build_old_ids(before=START + 10, limit=5)))
    assert old == {"ix_deleted_ids_time"}
    window = build_batch_window(BEFORE_ALL, before=START + 10, limit=5, dialect_name=database.dialect_name)
    assert used_indexes(await explain(database, window)) == {"ix_ingest_batches_received", "ix_events_batch"}
