"""The events of trees: NU2, L3, rules T3, T7, T8 of semantics.md, limits and costs, on every backend."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pytest

from storage.engine import Database
from storage.event_rows import read_columns
from storage.identities import AudienceName
from storage.options import DatabaseOptions
from storage.scopes import EVERYTHING, Scope
from storage.selectors import EventField
from storage.trees import (
    TREE_FIELDS,
    TreeEvents,
    build_generation,
    fetch_tree_by_field,
    fetch_tree_by_parents,
)
from tests.storage.examined import explain, measure, open_counted, used_indexes
from tests.storage.histories import (
    START,
    event_id,
    key_of,
    row,
    scope_of_audiences,
    scope_of_namespaces,
    store,
)

EVERYBODY = AudienceName("default", None, None)


def numbers(found: TreeEvents | None) -> list[int]:
    assert found is not None
    return [int(one.replace("-", ""), 16) for one in found.rows.column("id")] if found.rows else []


async def correlated(
    database: Database,
    value: str = "c",
    *,
    namespace: str | None = None,
    scope: Scope = EVERYTHING,
    most: int = 100,
) -> TreeEvents:
    return await fetch_tree_by_field(
        database, EventField.CORRELATION_ID, value, namespace=namespace, scope=scope, most=most, fields=()
    )


async def related(
    database: Database, number: int, *, namespace: str = "default", scope: Scope = EVERYTHING, most: int = 100
) -> TreeEvents | None:
    return await fetch_tree_by_parents(database, key_of(number, namespace), scope=scope, most=most, fields=())


async def store_parents(database: Database, parents: Mapping[int, int | None], **given: object) -> None:
    """Store events with these parents."""
    rows = [
        row(number, parent_id=None if parent is None else event_id(parent), **given)
        for number, parent in parents.items()
    ]
    for start in range(0, len(rows), 1000):
        await store(database, rows[start : start + 1000])


@pytest.mark.parametrize("field", [EventField.CORRELATION_ID, EventField.TRACE_ID])
async def test_events_that_share_an_id_come_oldest_first(database: Database, field: EventField) -> None:
    """EV5, GQ1, T8: of all namespaces or of one; ties of a microsecond by id, then by namespace."""
    rows = [row(number, occurred_at=START + number // 2, **{field.value: "c"}) for number in (5, 2, 3)]
    rows += [row(3, namespace="lab", occurred_at=START + 1, **{field.value: "c"}), row(9), row(8, request_id="c")]
    await store(database, rows)

    async def keys(namespace: str | None) -> list[tuple[str, str]]:
        found = await fetch_tree_by_field(database, field, "c", namespace=namespace, scope=EVERYTHING, most=9)
        assert not found.is_truncated
        return [(record.namespace, record.id) for record in found.rows]

    assert await keys(None) == [
        (name, event_id(n)) for name, n in (("default", 2), ("default", 3), ("lab", 3), ("default", 5))
    ]
    assert await keys("lab") == [("lab", event_id(3))]
    assert await keys("nowhere") == []


@pytest.mark.parametrize(
    ("most", "expected", "is_truncated"), [(1, [1], True), (3, [1, 2, 3], True), (4, [1, 2, 3, 4], False)]
)
async def test_of_too_many_events_that_share_an_id_the_oldest_are_kept(
    database: Database, most: int, expected: list[int], is_truncated: bool
) -> None:
    """L3: and the tree says that there are more."""
    await store(database, [row(number, correlation_id="c") for number in range(1, 5)])
    found = await correlated(database, most=most)
    assert (numbers(found), found.is_truncated) == (expected, is_truncated)


async def test_only_what_is_visible_is_in_a_tree_of_a_shared_id(database: Database) -> None:
    """NU4: as if the rest were not stored, also when it comes to the limit."""
    await store(database, [row(n, correlation_id="c", readers=("alice",) if n % 2 else None) for n in range(1, 7)])
    await store(database, [row(7, correlation_id="hidden", readers=("alice",))])
    bob = await scope_of_audiences(database, EVERYBODY)
    for most in (3, 100):
        found = await correlated(database, scope=bob, most=most)
        assert (numbers(found), found.is_truncated) == ([2, 4, 6], False)
    assert await correlated(database, "hidden", scope=bob) == await correlated(database, "unknown", scope=bob)
    assert numbers(await correlated(database, scope=Scope())) == []


async def test_a_tree_of_a_shared_id_ends_at_the_scan_limit(database_url: str) -> None:
    """No query may run away: what was found by then is shown, as truncated."""
    database = await Database.open(database_url, DatabaseOptions(scan_rows=1000))
    try:
        rows = [row(number, correlation_id="c", namespace="lab" if number > 5 else "default") for number in range(2000)]
        await store(database, rows[:1000])
        await store(database, [*rows[1000:], row(2001, correlation_id="c")])
        found = await correlated(database, namespace="default")
        assert (numbers(found), found.is_truncated) == ([0, 1, 2, 3, 4, 5], True)
    finally:
        await database.close()


async def test_a_tree_by_parents_is_the_same_from_each_of_its_events(database: Database) -> None:
    """NU2, T7, T8: up to its top and down to its leaves; neighbours below a missing parent are other trees."""
    parents = {1: None, 2: 1, 3: 1, 4: 2, 5: 4, 6: 99, 7: 99, 8: 6, 9: None}
    await store_parents(database, parents)
    await store_parents(database, {2: None, 10: 3, 4: 2}, namespace="lab")
    for number in (1, 2, 3, 4, 5):
        assert numbers(await related(database, number)) == [1, 2, 3, 4, 5]
    assert [numbers(await related(database, number)) for number in (6, 8, 7, 9)] == [[6, 8], [6, 8], [7], [9]]
    assert [numbers(await related(database, number, namespace="lab")) for number in (2, 4, 10)] == [
        [2, 4],
        [2, 4],
        [10],
    ]


async def test_an_event_that_is_not_there_has_no_tree(database: Database) -> None:
    """P7: not stored, in another namespace, or not visible."""
    await store(database, [row(1), row(2, readers=("alice",))])
    bob = await scope_of_audiences(database, EVERYBODY)
    assert await related(database, 3) is None
    assert await related(database, 1, namespace="lab") is None
    assert await related(database, 2, scope=bob) is None
    assert await related(database, 1, scope=Scope()) is None


async def test_a_hidden_event_parts_a_tree(database: Database) -> None:
    """NU4, T7: what stands above and below it are trees of their own, as if it had never been stored."""
    parents = {1: None, 2: 1, 3: 2, 4: 3, 5: 1, 6: 5}
    hidden = (2, 6)
    await store(
        database,
        [
            row(n, parent_id=parent and event_id(parent), readers=("alice",) if n in hidden else None)
            for n, parent in parents.items()
        ],
    )
    lab = [row(7, namespace="lab", parent_id=event_id(1))]
    await store(database, lab)
    for scope in (
        await scope_of_audiences(database, EVERYBODY),
        await scope_of_audiences(database, EVERYBODY, AudienceName("lab", None, None)),
    ):
        assert [numbers(await related(database, n, scope=scope)) for n in (1, 5, 3, 4)] == [
            [1, 5],
            [1, 5],
            [3, 4],
            [3, 4],
        ]
        found = await related(database, 1, scope=scope, most=2)
        assert found is not None
        assert (numbers(found), found.is_truncated) == ([1, 5], False)
    everything = await scope_of_namespaces(database, "default")
    assert numbers(await related(database, 4, scope=everything)) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("ring", [1, 2, 3, 5])
async def test_the_tree_of_a_cycle_holds_each_event_once(database: Database, ring: int) -> None:
    """T2, T5, L3, I9: asked from the ring and from its tails."""
    parents: dict[int, int | None] = {number: number % ring + 1 for number in range(1, ring + 1)}
    parents |= {10: 1, 11: 10, 12: 10, 20: ring, 21: 20}
    await store_parents(database, parents)
    for number in parents:
        assert numbers(await related(database, number)) == sorted(parents)
    exact = await related(database, 21, most=len(parents))
    assert exact is not None
    assert not exact.is_truncated
    short = await related(database, 21, most=len(parents) - 1)
    assert short is not None
    assert (len(short.rows), short.is_truncated) == (len(parents) - 1, True)


TRUNCATED: list[tuple[int, int, list[int], bool]] = [
    (5, 1, [5], True),
    (5, 2, [4, 5], True),
    (5, 3, [3, 4, 5], True),
    (5, 5, [1, 2, 3, 4, 5], True),
    (5, 6, [1, 2, 3, 4, 5, 10], True),
    (5, 7, [1, 2, 3, 4, 5, 10, 11], True),
    (5, 8, [1, 2, 3, 4, 5, 10, 11, 12], False),
    (1, 1, [1], True),
    (1, 3, [1, 2, 10], True),
    (12, 4, [1, 10, 11, 12], True),
]


@pytest.mark.parametrize(("number", "most", "expected", "is_truncated"), TRUNCATED, ids=str)
async def test_of_a_tree_that_is_too_large_the_line_above_the_event_is_kept(
    database: Database, number: int, most: int, expected: list[int], is_truncated: bool
) -> None:
    """L3: the event itself is always there, then its ancestors, then what is nearest below these, oldest first."""
    await store_parents(database, {1: None, 2: 1, 3: 2, 4: 3, 5: 4, 10: 1, 11: 10, 12: 11})
    found = await related(database, number, most=most)
    assert found is not None
    assert (numbers(found), found.is_truncated) == (expected, is_truncated)


async def test_ancestors_are_kept_by_nearness_whatever_their_ids(database: Database) -> None:
    """L3: neither ids nor times say who is above whom."""
    line = [7, 2, 9, 4, 1, 8, 3]
    await store_parents(database, dict(zip(line, [None, *line], strict=False)))
    for most in range(1, len(line)):
        found = await related(database, line[-1], most=most)
        assert found is not None
        assert (numbers(found), found.is_truncated) == (sorted(line[-most:]), True)


CHAIN = 2_000


async def test_a_long_chain_is_read_up_and_down(database: Database) -> None:
    """NU2, GQ2: 500 generations by one statement on the way up, one by one on the way down."""
    await store_parents(database, {number: number - 1 or None for number in range(1, CHAIN + 1)})
    statements: list[str] = []
    unsubscribe = database.observe(lambda statement: statements.append(statement.sql))
    for number, expected in ((1, CHAIN + 1), (CHAIN, 1 + CHAIN // 500 + 1), (CHAIN // 2, 1 + 2 + CHAIN // 2 + 1)):
        assert numbers(await related(database, number, most=CHAIN)) == list(range(1, CHAIN + 1))
        statements.clear()
        found = await related(database, number, most=CHAIN)
        assert found is not None
        assert not found.is_truncated
        assert len(statements) == expected
    top_cut = await related(database, CHAIN, most=700)
    unsubscribe()
    assert top_cut is not None
    assert (numbers(top_cut), top_cut.is_truncated) == (list(range(CHAIN - 699, CHAIN + 1)), True)


async def test_a_ring_longer_than_one_statement_climbs_is_read_once(database: Database) -> None:
    """T5: it is noticed where it closes, wherever the climb began."""
    await store_parents(database, {number: number % 1200 + 1 for number in range(1, 1201)} | {1201: 700})
    for number in (1, 700, 1201):
        found = await related(database, number, most=1201)
        assert found is not None
        assert (numbers(found), found.is_truncated) == (list(range(1, 1202)), False)


WIDTH = 3_000


@pytest.fixture
async def wide(database_url: str) -> AsyncIterator[Database]:
    """An event with 3000 children, of which each has one too, among others; read over one counted connection."""
    counted = await open_counted(database_url)
    children = dict.fromkeys(range(2, WIDTH + 2), 1)
    grandchildren = {number + WIDTH: number for number in children}
    await store_parents(counted, {1: None, **children, **grandchildren, 20_000: None, 20_001: 20_000})
    if counted.dialect_name == "mariadb":
        async with counted.reading() as connection:
            await connection.exec_driver_sql("ANALYZE TABLE events")
    yield counted
    await counted.close()


async def test_a_generation_is_one_statement_however_wide(wide: Database) -> None:
    """GQ2: three generations; what is more than may be shown is not read."""
    await related(wide, 20_001)  # names are known from now on
    statements: list[str] = []
    wide.observe(lambda statement: statements.append(statement.sql))
    found = await related(wide, 1, most=2 * WIDTH + 1)
    assert found is not None
    assert (numbers(found), found.is_truncated) == (list(range(1, 2 * WIDTH + 2)), False)
    assert len(statements) == 4
    async with measure(wide) as examined:
        found = await related(wide, 1, most=10)
    assert found is not None
    assert (numbers(found), found.is_truncated) == (list(range(1, 11)), True)
    assert examined.rows <= 60


async def test_a_generation_is_found_by_the_index_of_parents(wide: Database) -> None:
    """L2: its keys come from that index alone, its rows by primary key, however many parents and whoever asks."""
    scopes = (
        EVERYTHING,
        await scope_of_audiences(wide, EVERYBODY, AudienceName("lab", None, None)),
        await scope_of_namespaces(wide, "default", "lab"),
    )
    for scope in scopes:
        for width in (1, 2, 200, WIDTH):
            statement = build_generation(
                [event_id(number) for number in range(1, width + 1)],
                namespace_key=1,
                scope=scope,
                limit=101,
                columns=read_columns(TREE_FIELDS),
            )
            plan = await explain(wide, statement)
            assert {_plain(index) for index in used_indexes(plan)} == {"ix_events_parent", "PRIMARY"}
            assert _enters_the_index_alone(plan)


def _plain(index: str) -> str:
    return "PRIMARY" if index.startswith("sqlite_autoindex") else index


def _enters_the_index_alone(plan: list[dict[str, Any]]) -> bool:
    """Whether the index of parents is entered, not walked through, and no row is looked at beside it."""
    if "detail" in plan[0]:
        return "SEARCH events USING COVERING INDEX ix_events_parent (parent_id=?)" in [row["detail"] for row in plan]
    [row] = [row for row in plan if row["key"] == "ix_events_parent"]
    return row["type"] in ("ref", "range") and "Using index" in row["Extra"] and "filesort" not in row["Extra"]


async def test_only_the_fields_asked_for_are_read(database: Database) -> None:
    """GQ2: and what the tree itself needs."""
    await store(database, [row(1, correlation_id="c"), row(2, parent_id=event_id(1))])
    shared = await fetch_tree_by_field(
        database, EventField.CORRELATION_ID, "c", namespace=None, scope=EVERYTHING, most=5, fields=("actor",)
    )
    family = await fetch_tree_by_parents(database, key_of(1), scope=EVERYTHING, most=5, fields=("actor",))
    assert family is not None
    expected: Sequence[str] = read_columns({*TREE_FIELDS, "actor"})
    assert shared.rows.columns == family.rows.columns == expected
    whole = await fetch_tree_by_parents(database, key_of(1), scope=EVERYTHING, most=5)
    assert whole is not None
    assert [record.message for record in whole.rows] == ["event 1", "event 2"]
