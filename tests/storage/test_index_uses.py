"""Every index earns its price: each one is used by a statement of today, or is named here with what it waits for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import UniqueConstraint, func, select

from storage import identities, positions
from storage.counts import SUMS
from storage.engine import Database
from storage.identities import AudienceName
from storage.objects import ObjectQuery, ObjectRange, build_objects
from storage.plans import build_object_places
from storage.reads import build_links
from storage.records import ObjectRecord
from storage.scopes import EVERYTHING
from storage.selectors import ObjectReference
from storage.tables import ingest_batches, metadata
from tests.databases import BACKENDS
from tests.storage import test_explain
from tests.storage.examined import explain, used_indexes
from tests.storage.histories import event_id, row, store
from tests.storage.test_pages import mixed_row

COUNTS = {f"ix_{table.name}_minute" for table in SUMS.values()}
"""Held by test_counted.py."""

PAGES = {*test_explain.INDEXES.values(), "ix_events_audience"} - {"PRIMARY"}
"""Held by test_explain.py, which asks for a page by each of them."""

HELD_ELSEWHERE = {
    "ix_event_objects_success": "test_problems.py",
    "ix_object_audiences_audience": "test_problems.py",
    "ix_events_batch": "test_examined.py",
    "ix_ingest_batches_received": "test_examined.py",
    "ix_retention_runs_finished": "test_examined.py",
    "ix_deleted_ids_time": "test_upkeep.py",
    "ix_deletions_state": "test_removal_plans.py",
    "ix_folded_ids_into": "test_removal_plans.py",
    "ix_operation_targets_pending": "test_targets.py",
    "ix_operation_targets_object": "test_objects.py",
    "ix_operation_targets_object_type": "test_objects.py",
    "ix_operation_targets_operation": "test_operation_lists.py",
    "ix_operations_namespace": "test_operation_lists.py",
    "ix_operations_state": "test_operation_lists.py",
    "ix_operations_operation_type": "test_operation_lists.py",
    "ix_operations_finished": "test_operation_lists.py",
    "uq_operations_operation_id": "test_targets.py",
    "uq_registrations_namespace_key_source_generation": "test_registrations.py",
}
"""Indexes whose statements are explained beside what they are for."""

AWAITED: dict[str, str] = {}
"""Indexes without a statement yet. Whoever writes it moves the line below; one that never comes costs its index."""

_DIGEST = identities._digest(AudienceName("n1", None, None))
_FROM_THE_START = ObjectRange(descending=False, start=None, stop=None)


def _objects(dialect_name: str, query: ObjectQuery) -> Any:
    return build_objects(query, _FROM_THE_START, scope=EVERYTHING, limit=10, dialect_name=dialect_name)


def _batches(dialect_name: str) -> Any:
    """On MariaDB the sequencer looks for new batches; on SQLite nobody but `require_position` asks."""
    return positions._WAITING if dialect_name == "mariadb" else select(func.min(ingest_batches.c.position))


USES: dict[str, Callable[[str], Any]] = {
    "uq_namespaces_name": lambda _: identities.build_namespace_keys(["n1", "n2"]),
    "uq_audiences_namespace_key_digest": lambda _: identities.build_audiences([(1, _DIGEST)]),
    "uq_objects_namespace_object_type_object_id": lambda _: identities.build_object_keys(
        [ObjectRecord("n5", "o", "5")]
    ),
    "ix_objects_type": lambda dialect_name: _objects(dialect_name, ObjectQuery(object_type="o")),
    "ix_objects_id": lambda _: build_object_places(EVERYTHING, [ObjectReference("o", "5")]),
    "ix_event_objects_event": lambda _: build_links([event_id(5)], EVERYTHING),
    "uq_ingest_batches_position": lambda dialect_name: _batches(dialect_name),
}


def _index_names() -> set[str]:
    return {str(index.name) for table in metadata.sorted_tables for index in table.indexes} | {
        str(constraint.name)
        for table in metadata.sorted_tables
        for constraint in table.constraints
        if isinstance(constraint, UniqueConstraint)
    }


def test_each_index_is_used_or_waits_for_a_feature() -> None:
    assert sorted([*PAGES, *COUNTS, *USES, *HELD_ELSEWHERE, *AWAITED]) == sorted(_index_names())


def test_the_data_model_tells_of_each_table_and_index() -> None:
    told = (Path(__file__).parents[2] / "docs/data-model.md").read_text(encoding="utf-8")
    siblings = COUNTS - {"ix_event_counts_minute"}
    names = {*metadata.tables, *(name for name in _index_names() if name.startswith("ix_"))} - siblings
    assert sorted(name for name in names if f"`{name}`" not in told) == []


@pytest.fixture(scope="module", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
async def filled(database: Database) -> Database:
    """A store in which an index is worth its while."""
    known = database.identities
    await known.intern_audiences([AudienceName(f"n{number}", None, None) for number in range(200)])
    await known.intern_objects([ObjectRecord(f"n{number % 50}", "o", str(number)) for number in range(400)])
    for start in range(0, 90, 10):
        await store(database, [mixed_row(number) for number in range(start + 1, start + 11)])
    await store(database, [row(number) for number in range(1_000, 1_400)])
    return database


async def test_statements_use_the_index_that_was_made_for_them(filled: Database) -> None:
    if filled.dialect_name == "mariadb":
        await positions.Sequencer(filled).turn()
        async with filled.reading() as connection:
            await connection.exec_driver_sql(
                "ANALYZE TABLE namespaces, audiences, objects, event_objects, ingest_batches"
            )
    used = {name: used_indexes(await explain(filled, build(filled.dialect_name))) for name, build in USES.items()}
    assert {name for name, found in used.items() if not found & _names_of(filled.dialect_name, name)} == set(), used


def _names_of(dialect_name: str, name: str) -> set[str]:
    if dialect_name == "mariadb" or not name.startswith("uq_"):
        return {name}
    return {
        f"sqlite_autoindex_{table.name}_1" for table in metadata.sorted_tables if name.startswith(f"uq_{table.name}_")
    }
