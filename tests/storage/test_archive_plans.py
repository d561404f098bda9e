"""What archiving, restoring and folding ask is read by an index, however many events there are (NU8, EV11)."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import appends
from storage.archive_rows import build_folded_into, build_places, build_whole_events, build_whole_links
from storage.engine import Database
from storage.event_rows import read_columns
from storage.folding import build_events_of_repeat, build_parents, build_survivor
from storage.identifiers import uuid_to_bytes
from storage.removals import EventPlace, lock_events
from storage.restores import build_folded_places, build_forgotten_deletions, build_stored_places
from storage.scopes import EVERYTHING
from storage.tables import deleted_ids, folded_ids
from tests.storage.examined import explain, used_indexes
from tests.storage.histories import event_id, link, row, store

EACH_DATABASE = pytest.mark.parametrize("backend", ["sqlite", "aiomysql"])
IDS = [event_id(number) for number in range(20, 40)]
_WANTED = ",".join(f"x'{uuid_to_bytes(each).hex()}'" for each in IDS)

STATEMENTS: dict[str, tuple[Callable[[], Any], set[str]]] = {
    "events": (lambda: build_whole_events(IDS), {"PRIMARY"}),
    "objects of events": (lambda: build_whole_links(IDS), {"ix_event_objects_event", "PRIMARY"}),
    "which are there still": (lambda: build_places(IDS), {"PRIMARY"}),
    "repeats of events": (lambda: build_folded_into(IDS), {"ix_folded_ids_into"}),
    "which are stored": (lambda: build_stored_places(IDS), {"PRIMARY"}),
    "which are folded": (lambda: build_folded_places(IDS), {"PRIMARY"}),
    "deleted ids": (lambda: build_forgotten_deletions(IDS, 1), {"PRIMARY"}),
    "which have children": (lambda: build_parents(IDS), {"ix_events_parent"}),
    "the row of a repeat": (
        lambda: build_events_of_repeat(IDS[0], EVERYTHING, columns=read_columns(None)),
        {"PRIMARY"},
    ),
    "what a batch finds": (lambda: text(appends._LOOKUP.replace(appends._WANTED, _WANTED)), {"PRIMARY"}),
}


@pytest.fixture
async def filled(database: Database) -> Database:
    """Enough rows in every table that an index is worth its while."""
    objects = (link("host", "h"), link("disk", "d"))
    await store(database, [row(number, objects=objects, parent_id=event_id(number + 1)) for number in range(1, 301)])
    many = range(1, 301)

    async def work(connection: AsyncConnection) -> None:
        repeats = [(event_id(1_000 + number), event_id(number)) for number in many]
        names = ("id", "into_id", "namespace_key", "content_hash")
        await connection.execute(
            insert(folded_ids), [dict(zip(names, (*each, 1, bytes(16)), strict=True)) for each in repeats]
        )
        deleted = [{"id": event_id(2_000 + number), "namespace_key": 1, "deleted_at": 1} for number in many]
        await connection.execute(insert(deleted_ids), deleted)
        if database.dialect_name == "mariadb":
            await connection.exec_driver_sql("ANALYZE TABLE events, event_objects, folded_ids, deleted_ids")

    await database.write(work, name="rows")
    return database


def _plain(index: str) -> str:
    return "PRIMARY" if index.startswith("sqlite_autoindex") else index


@EACH_DATABASE
@pytest.mark.parametrize("name", STATEMENTS)
async def test_a_statement_uses_its_index(filled: Database, name: str) -> None:
    """design.md, promises: nothing of a whole table is looked at."""
    build, expected = STATEMENTS[name]
    plan = await explain(filled, build())
    used = {_plain(index) for index in used_indexes(plan) if not index.startswith("scan of <")}
    assert used & expected, used
    assert not {index for index in used if index.startswith("scan")}, used


@EACH_DATABASE
async def test_the_row_that_stays_is_written_by_its_key(filled: Database) -> None:
    """EV11: one row is locked, no other."""

    async def work(connection: AsyncConnection) -> list[Any]:
        return list(await lock_events(connection, [EventPlace(IDS[0], 1), EventPlace(IDS[1], 1)]))

    survivor, repeat = await filled.write(work, name="a look")
    used = {_plain(index) for index in used_indexes(await explain(filled, build_survivor(survivor, [repeat])))}
    assert used == {"PRIMARY"}
