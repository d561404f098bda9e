"""Lists of operations: their order, what they hold, how little they examine; and the plans of every statement."""

from typing import Any

import pytest

from storage.cursors import OperationCursor
from storage.engine import Database
from storage.identities import AudienceName
from storage.operation_changes import (
    NewOperation,
    build_deleted_operations,
    build_deleted_targets,
    build_enqueued,
    build_finished,
    build_lock,
    build_move,
    build_released_targets,
    build_traces,
    insert_operation,
    move_operation,
)
from storage.operation_lists import (
    MOST_BRANCHES,
    KeySpan,
    OperationQuery,
    build_operation_boundaries,
    build_operation_page,
    choose_access,
    fetch_operation_list,
)
from storage.operations import (
    OperationPage,
    OperationRecord,
    OperationState,
    build_operations,
    build_targets,
    fetch_operations,
    fetch_targets,
)
from storage.options import DatabaseOptions
from storage.records import EventKey, ObjectRecord
from storage.scopes import EVERYTHING, Scope
from storage.told_operations import build_operation_keys
from tests.storage.examined import explain, measure, used_indexes, walked_tables
from tests.storage.histories import START, event_id, scope_of_audiences, scope_of_namespaces

EACH_DATABASE = pytest.mark.parametrize("backend", ["sqlite", "aiomysql"])
STATES, TYPES, NAMESPACES = list(OperationState), ["boot", "copy", "resize"], ["default", "other"]


async def fill(database: Database, count: int) -> list[OperationRecord]:
    """Operations of every state, type and namespace, each with a target of its own and one that all of them have."""
    names = [AudienceName(namespace, None, None) for namespace in NAMESPACES]
    audiences = await database.identities.intern_audiences(names)
    kinds = [(number % 2, number % 3, number % 7) for number in range(count)]
    targets = [
        [ObjectRecord(NAMESPACES[n % 2], "node", f"n{n}"), ObjectRecord(NAMESPACES[n % 2], "disk", "d")]
        for n in range(count)
    ]
    keys = await database.identities.intern_objects({each for some in targets for each in some})

    async def work(connection: Any) -> list[OperationRecord]:
        made = []
        for number, (namespace, kind, state) in enumerate(kinds):
            new = NewOperation(
                uuid=event_id(number),
                audience=audiences[names[namespace]],
                operation_type=TYPES[kind],
                created_at=START + number,
                request_id=None,
                requested_by=None,
                payload="{}",
                content_hash=bytes(16),
                targets={each: keys[each] for each in targets[number]},
            )
            record = await insert_operation(connection, new)
            moved = record._replace(state=STATES[state], is_pending=STATES[state].is_pending)
            if moved != record:
                await move_operation(connection, moved)
            made.append(moved)
        return made

    return await database.write(work, name="operations")


async def page(database: Database, scope: Scope = EVERYTHING, size: int = 100, **given: Any) -> OperationPage:
    return await fetch_operation_list(database, scope=scope, size=size, **given)


QUERIES: dict[str, dict[str, Any]] = {
    "all": {},
    "namespace": {"namespace": "other"},
    "a state": {"states": [OperationState.COMPLETE]},
    "states": {"states": [OperationState.ERROR, OperationState.QUEUED, OperationState.ERROR]},
    "a type": {"operation_types": ["copy"]},
    "types": {"operation_types": ["copy", "boot"]},
    "types and a namespace": {"operation_types": ["copy", "boot"], "namespace": "default"},
    "everything given": {"states": STATES[:3], "operation_types": ["copy", "nothing"], "namespace": "default"},
    "many types": {"operation_types": ["copy", *(f"t{number}" for number in range(MOST_BRANCHES))]},
    "no state": {"states": []},
    "no type": {"operation_types": []},
    "an unknown namespace": {"namespace": "nowhere"},
}


def expected(made: list[OperationRecord], given: dict[str, Any]) -> list[OperationRecord]:
    """What a list holds, newest first."""
    return [
        each
        for each in reversed(made)
        if given.get("namespace") in (None, each.namespace)
        and ("states" not in given or each.state in given["states"])
        and ("operation_types" not in given or each.operation_type in given["operation_types"])
    ]


@EACH_DATABASE
async def test_lists_hold_what_is_asked_for_newest_first(database: Database) -> None:
    """P5, O5, O7: every combination, whole and page by page in both directions, for every scope."""
    made = await fill(database, 84)
    scopes: dict[Scope, list[str]] = {
        EVERYTHING: NAMESPACES,
        await scope_of_namespaces(database, "other"): ["other"],
        await scope_of_audiences(database, AudienceName("default", None, None)): ["default"],
        Scope(): [],
    }
    for scope, namespaces in scopes.items():
        visible = [each for each in made if each.namespace in namespaces]
        for given in QUERIES.values():
            assert (await page(database, scope, **given)).records == expected(visible, given)
        assert (
            await fetch_operations(database, [each.uuid for each in made[:2]], scope=scope)
            == visible[: len(namespaces)]
        )
        targets = await fetch_targets(database, [each.key for each in made[:2]], scope=scope)
        assert {key: [target.object_id for target in some] for key, some in targets.items()} == {
            each.key: ["d", f"n{number}"] if each in visible else [] for number, each in enumerate(made[:2])
        }
    for given in QUERIES.values():
        whole = expected(made, given)
        for backward in (False, True):
            found: list[OperationRecord] = []
            one = await page(database, size=10, backward=backward, **given)
            while True:
                found = [*one.records, *found] if backward else [*found, *one.records]
                if not (one.has_previous if backward else one.has_next):
                    break
                cursor: dict[str, Any] = {"before": one.start_cursor} if backward else {"after": one.end_cursor}
                one = await page(database, size=10, backward=backward, **cursor, **given)
            assert found == whole
    between: dict[str, Any] = {"after": OperationCursor(made[50].key), "before": OperationCursor(made[40].key)}
    for backward in (False, True):
        one = await page(database, backward=backward, **between)
        assert (one.records, one.has_next, one.has_previous) == (made[49:40:-1], backward, not backward)


@EACH_DATABASE
async def test_a_list_ends_at_the_scan_limit_and_goes_on(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Design, no query may run away: a page that ended early has a cursor; nothing is missed or given twice."""
    monkeypatch.setattr("storage.operation_lists.SMALLEST_WINDOW", 4)
    database = await Database.open(database_url, DatabaseOptions(pool_size=1, scan_rows=30))
    made = await fill(database, 300)
    rare = {"namespace": "default", "states": [OperationState.ERROR, OperationState.ABORT]}
    only = await scope_of_namespaces(database, "other")
    for scope, given in ((EVERYTHING, rare), (only, {"operation_types": ["copy", "boot"]}), (only, {})):
        whole = [each for each in expected(made, given) if scope.everything or each.namespace == "other"]
        for backward in (False, True):
            found: list[OperationRecord] = []
            cursor: dict[str, Any] = {}
            goes_on = True
            while goes_on:
                async with measure(database) as examined:
                    one = await page(database, scope, size=50, backward=backward, **cursor, **given)
                # The entries up to the boundary, the same tested, and what is given with its key and its namespace.
                assert examined.rows <= 30 * 2 + 4 * len(one.records) + 5
                assert len(one.records) <= 30
                found = [*one.records, *found] if backward else [*found, *one.records]
                goes_on = one.has_previous if backward else one.has_next
                cursor = {"before": one.start_cursor} if backward else {"after": one.end_cursor}
            assert found == whole
    await database.close()


def _plain(index: str) -> str:
    return "PRIMARY" if index.startswith(("sqlite_autoindex", "uq_")) else index


@EACH_DATABASE
async def test_every_statement_goes_by_its_index(database: Database) -> None:
    """Design, section 2: no statement reads operations or targets that it does not ask for."""
    made = await fill(database, 210)
    scope, dialect = await scope_of_namespaces(database, "other"), database.dialect_name
    [other] = scope.namespace_keys
    keys = [each.key for each in made[:5]]
    span = KeySpan(True, made[20].key, made[150].key)
    traces = build_traces(EventKey("default", event_id(1)))
    two = (OperationState.QUEUED, OperationState.ERROR)
    lists = {
        "PRIMARY": OperationQuery(),
        "ix_operations_namespace": OperationQuery(other),
        "ix_operations_state": OperationQuery(other, two, ("copy",)),
        "ix_operations_operation_type": OperationQuery(other, None, ("copy", "boot")),
    }
    statements: list[tuple[Any, set[str]]] = [
        (build_operations([event_id(1), event_id(2)], scope), {"PRIMARY"}),
        (build_targets(keys, scope), {"ix_operation_targets_operation"}),
        (build_operation_keys([event_id(1), event_id(2)]), {"PRIMARY"}),
        (build_enqueued(event_id(1)), {"PRIMARY"}),
        (build_lock(keys[0]), {"PRIMARY"}),
        (build_move(made[0]), {"PRIMARY"}),
        (build_released_targets(keys[0]), {"ix_operation_targets_operation"}),
        (build_finished(before=START + 50, limit=10), {"ix_operations_finished"}),
        (build_deleted_targets(keys), {"ix_operation_targets_operation"}),
        (build_deleted_operations(keys), {"PRIMARY"}),
        *((trace, {"PRIMARY"}) for trace in traces),
    ]
    for index, query in lists.items():
        for who in (EVERYTHING, scope):
            access = choose_access(query, who)
            chosen = build_operation_page(access, span, limit=10, dialect_name=dialect)
            statements.append((chosen, {index}))
            boundaries = build_operation_boundaries(access, span, entries=40, dialect_name=dialect)
            statements.append((boundaries, {index}))
    for number, (statement, wanted) in enumerate(statements):
        plan = await explain(database, statement)
        used = {_plain(each) for each in used_indexes(plan)}
        assert wanted <= used <= {*wanted, "PRIMARY", "scan of namespaces"}, (number, used)
        assert walked_tables(plan) <= {"namespaces"}, (number, plan)
