"""What removing costs: every statement by an index, and locks on a chunk alone (design.md, promises)."""

import asyncio
import json
from typing import Any

import pytest
from sqlalchemy import insert, text

import storage.removals
from mutations.selections import Selection, prune_parts
from storage.cursors import IdCursor
from storage.deletions import (
    DeletionRecord,
    DeletionState,
    build_change,
    build_deletion,
    build_deletion_page,
    build_expiry,
    build_unfinished,
)
from storage.engine import Database
from storage.identifiers import new_event_id
from storage.plans import Planner
from storage.records import ObjectRecord
from storage.removals import (
    EventPlace,
    build_deleted_events,
    build_deleted_pairs,
    build_deleted_references,
    build_deleted_repeats,
    build_locked_events,
    build_locked_references,
    build_remembered_repeats,
    delete_references,
    lock_events,
    lock_references,
)
from storage.scopes import EVERYTHING
from storage.selectors import ALL
from storage.tables import deletions, folded_ids
from storage.walks import EventWalk, ObjectWalk, build_reference_counts
from tests.databases import MariaServer
from tests.mutations.deleting import Deleter, of_type
from tests.storage.examined import explain, used_indexes
from tests.storage.histories import START, event_id, link, row, store

EACH_DATABASE = pytest.mark.parametrize("backend", ["sqlite", "aiomysql"], indirect=True)
IDS = [event_id(number) for number in range(20, 40)]


@pytest.fixture
async def filled(database: Database) -> Database:
    """Enough events, references, folded repeats and deletions that an index is worth its while."""
    objects = (link("host", "h"), link("host", "x"))
    await store(database, [row(number, objects=objects) for number in range(1, 301)])
    repeats = [
        {"id": event_id(1_000 + number), "namespace_key": 1, "into_id": event_id(number), "content_hash": bytes(16)}
        for number in range(1, 301)
    ]
    past = [
        {column.name: getattr(DELETION, column.name, None) for column in deletions.columns}
        | {"deletion_id": new_event_id(), "state": "DONE", "sample": "[]"}
        for _ in range(100)
    ]

    async def fill(connection: Any) -> None:
        await connection.execute(insert(folded_ids), repeats)
        await connection.execute(insert(deletions), past)

    await database.write(fill, name="a history")
    return database


DELETION = DeletionRecord(event_id(7), "events", DeletionState.RUNNING, "ada", None, "{}", "{}", 1)


@EACH_DATABASE
async def test_what_is_removed_is_found_by_key(filled: Database) -> None:
    """EV7, GQ3: no statement scans."""
    dialect = filled.dialect_name
    selection = Selection.of_events(of_type("audit"))
    of_object = await Selection.of_object(ObjectRecord("default", "host", "h")).walk(filled, 10)
    assert isinstance(of_object, ObjectWalk)
    place = json.dumps([1, START + 20, event_id(20), 1])
    walk = EventWalk(selection.parts, selection.scope, 10)
    statements: dict[str, tuple[Any, str]] = {
        "events": (build_locked_events(IDS), "PRIMARY"),
        "selected events": (build_locked_events(IDS, walk.build_condition(0, dialect)), "PRIMARY"),
        "references": (build_locked_references(IDS), "ix_event_objects_event"),
        "reference counts": (build_reference_counts(IDS), "ix_event_objects_event"),
        "deleted references": (build_deleted_references(IDS, 1), "ix_event_objects_event"),
        "single references": (build_deleted_pairs([(each, 1) for each in IDS], 1), "ix_event_objects_event"),
        "deleted events": (build_deleted_events(IDS, 1), "PRIMARY"),
        "deleted repeats": (build_deleted_repeats(IDS, 1), "ix_folded_ids_into"),
        "remembered repeats": (
            build_remembered_repeats(IDS, 1, now=1, dialect_name=dialect).select,
            "ix_folded_ids_into",
        ),
        "references of an object": (of_object.build_references(place, limit=8, dialect_name=dialect), "PRIMARY"),
    }
    for name, (statement, expected) in statements.items():
        used = await _used(filled, statement)
        assert expected in used, (name, used)
        # The names of namespaces are few.
        assert not {index for index in used if index.startswith("scan")} - {"scan of namespaces"}, (name, used)


async def _used(database: Database, statement: Any) -> set[str]:
    used = used_indexes(await explain(database, statement))
    return {"PRIMARY" if index.startswith("sqlite_autoindex") else index for index in used}


@EACH_DATABASE
async def test_deletions_and_registrations_are_read_by_their_indexes(filled: Database) -> None:
    """P5, HZ3: deletions by id, or by state and id; of registrations fifty a part, each entered by itself."""
    dialect = filled.dialect_name
    states = (DeletionState.EXPIRED, DeletionState.DONE)

    def page(states: Any) -> Any:
        cursor = IdCursor("d", new_event_id())
        return build_deletion_page(
            states, now=1, after=cursor, before=None, backward=False, limit=5, dialect_name=dialect
        )

    by_state = {"ix_deletions_state", "PRIMARY"}
    assert await _used(filled, build_deletion(DELETION.id)) <= {"PRIMARY"}
    assert await _used(filled, page(None)) == {"PRIMARY"}
    assert await _used(filled, page(states)) == by_state
    assert await _used(filled, build_unfinished(dialect)) == by_state
    assert await _used(filled, build_change(DELETION, DELETION)) <= by_state
    assert await _used(filled, build_expiry(1)) == {"ix_deletions_state"}
    parts = prune_parts([new_event_id() for _ in range(120)])
    async with filled.reading() as connection:
        plans = [await Planner(filled, connection, scope=EVERYTHING).plan(part) for part in parts]
    assert [(plan.access.index, len(plan.prefixes)) for plan in plans] == [
        ("ix_events_registration", size) for size in (50, 50, 20)
    ]


@EACH_DATABASE
async def test_references_to_many_objects_go_by_one_statement(database: Database) -> None:
    """EV8: each request is an object of its own; a statement for each would take longer than a write may."""
    numbers = range(1, 101)
    shared = [link("host", "h"), link("host", "x")]
    rows = [row(each, objects=(link("api-requests", str(each)), *shared), namespace=f"n{each % 2}") for each in numbers]
    await store(database, rows)
    keys = await database.identities.namespace_keys(["n0", "n1"])
    places = [EventPlace(event_id(each), keys[f"n{each % 2}"]) for each in numbers]
    statements: list[str] = []

    async def work(connection: Any) -> tuple[int, list[str]]:
        references = await lock_references(connection, await lock_events(connection, places))
        going = [each for some in references.values() for each in some if each.object_type == "api-requests"]
        # One reference to an object that all the others keep.
        going += [next(each for each in references[places[0]] if each.object_type == "host")]
        forget = database.observe(lambda event: statements.append(event.sql))
        count = await delete_references(connection, going)
        forget()
        left = await lock_references(connection, await lock_events(connection, places))
        return count, sorted(each.object_type for some in left.values() for each in some)

    assert await database.write(work, name="references") == (101, ["host"] * 199)
    assert len(statements) == 2


@pytest.mark.parametrize("backend", ["aiomysql"], indirect=True)
async def test_a_chunk_locks_its_own_rows_and_no_more(
    database: Database, mariadb_server: MariaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Design, promises: what a transaction of a chunk has locked before its COMMIT, as InnoDB counts."""
    objects = (link("host", "h"), link("host", "x"))
    await store(database, [row(number, objects=objects) for number in range(1, 301)])
    locked: list[int] = []
    append = storage.removals.append_deltas

    async def look(connection: Any, changes: Any) -> None:
        await append(connection, changes)
        thread = (await connection.execute(text("SELECT CONNECTION_ID()"))).scalar_one()
        sql = f"SELECT trx_rows_locked FROM information_schema.innodb_trx WHERE trx_mysql_thread_id = {thread}"
        locked.extend(row[0] for row in await asyncio.to_thread(mariadb_server.execute, sql))

    monkeypatch.setattr(storage.removals, "append_deltas", look)
    deleter = Deleter(database, chunk_events=100)
    assert (await deleter.delete(ALL)).deleted == 300
    # Six chunks of fifty events and their hundred references, which is a chunk; of references sometimes the entry in
    # an index as well; one row of the lease, one of the deletion.
    assert len(locked) == 6
    assert max(locked) <= 2 + 50 + 2 * 100
