"""Which index serves which filter (design.md, section 2), shown by the databases' own plans and counters (L2, NU7)."""

from typing import Any

import pytest

from storage.cursors import EventCursor, EventOrder
from storage.engine import Database
from storage.event_rows import read_columns
from storage.page_statements import (
    Bound,
    KeyRange,
    build_boundary,
    build_children,
    build_entry_counts,
    build_event_page,
)
from storage.pages import PageRequest, fetch_event_page
from storage.plans import Planner
from storage.reads import build_ancestors, build_events_by_id, build_links
from storage.scopes import EVERYTHING, Scope
from storage.selectors import (
    ALL,
    Comparison,
    EventField,
    FieldTest,
    ObjectReference,
    Selector,
    TouchesAny,
    TouchesType,
    all_of,
    equals_any,
)
from tests.storage.examined import explain, measure, open_counted, used_indexes
from tests.storage.histories import START, event_id, link, row, store
from tests.storage.test_pages import SERVED, mixed_row

INDEXES = {
    "type": "ix_events_event_type",
    "severity": "ix_events_severity",
    "source": "ix_events_source",
    "actor": "ix_events_actor",
    "request": "ix_events_request",
    "correlation": "ix_events_correlation",
    "trace": "ix_events_trace",
    "parent": "ix_events_parent",
    "registration": "ix_events_registration",
    "ids": "PRIMARY",
    "namespaces": "ix_events_namespace",
    "object": "PRIMARY",
    "objects": "PRIMARY",
    "object in a namespace": "PRIMARY",
    "object in a role": "PRIMARY",
    "object and type": "ix_event_objects_event_type",
    "object and severity": "ix_event_objects_severity",
    "object types": "ix_event_objects_object_type",
    "category": "ix_events_time",
    "message": "ix_events_time",
    "not": "ix_events_time",
    "or": "ix_events_time",
    "time": "ix_events_time",
}
EACH_DATABASE = pytest.mark.parametrize("backend", ["sqlite", "aiomysql"])
"""A plan does not depend on the driver."""
EVERY_COLUMN = read_columns(None)
MIDDLE = KeyRange(descending=True, start=Bound(START + 60, event_id(60), inclusive=True))


async def plan_of(database: Database, selector: Selector, scope: Scope = EVERYTHING) -> Any:
    async with database.reading() as connection:
        return await Planner(database, connection, scope=scope).plan(selector)


@pytest.fixture
async def mixed(database: Database) -> Database:
    """A store with every kind of row, and enough of them that an index is worth its while."""
    await store(database, [mixed_row(number) for number in range(1, 91)])
    return database


@EACH_DATABASE
async def test_a_page_is_chosen_from_its_index(mixed: Database) -> None:
    """The page's keys come from the index of the table, its rows by primary key; nothing is scanned."""
    for name, index in INDEXES.items():
        plan = await plan_of(mixed, SERVED[name])
        assert (name, plan.access.index) == (name, index)
        statement = build_event_page(
            plan, MIDDLE, limit=8, as_of=None, columns=EVERY_COLUMN, dialect_name=mixed.dialect_name
        )
        used = used_indexes(await explain(mixed, statement))
        assert index in {_plain(each) for each in used}, (name, used)
        assert not {each for each in used if each.startswith("scan")}, name
        if plan.tests_rows:
            offsets = [999] * len(plan.prefixes)
            boundary = build_boundary(plan, MIDDLE, offsets=offsets, dialect_name=mixed.dialect_name)
            entries = build_entry_counts(plan, MIDDLE, dialect_name=mixed.dialect_name)
            for each in (boundary, entries):
                assert (name, {_plain(one) for one in used_indexes(await explain(mixed, each))}) == (name, {index})


def _plain(index: str) -> str:
    return "PRIMARY" if index.startswith("sqlite_autoindex") or index == "PRIMARY" else index


async def test_a_reader_of_some_audiences_reads_by_audience(mixed: Database) -> None:
    """A statement examines only rows that its caller may see."""
    audience_keys = {row.key for row in (await mixed.identities.audiences(range(1, 10))).values()}
    plan = await plan_of(mixed, ALL, Scope(audience_keys=frozenset(audience_keys)))
    assert (plan.access.index, plan.tests_rows) == ("ix_events_audience", False)
    statement = build_event_page(
        plan, MIDDLE, limit=8, as_of=None, columns=EVERY_COLUMN, dialect_name=mixed.dialect_name
    )
    used = used_indexes(await explain(mixed, statement))
    assert "ix_events_audience" in used
    assert not {index for index in used if index.startswith("scan")}


@EACH_DATABASE
@pytest.mark.parametrize("kind", ["events by id", "links", "children", "ancestors"])
async def test_relations_are_read_by_key(mixed: Database, kind: str) -> None:
    """GQ2: what dataloaders ask for comes from keys."""
    ids = [event_id(number) for number in range(1, 60)]
    keys = [(identifier, 1) for identifier in ids]
    statement = {
        "events by id": lambda: build_events_by_id(ids, EVERYTHING, columns=EVERY_COLUMN),
        "links": lambda: build_links(ids, EVERYTHING),
        "children": lambda: build_children(
            keys, MIDDLE, scope=EVERYTHING, limit=8, columns=EVERY_COLUMN, dialect_name=mixed.dialect_name
        ),
        "ancestors": lambda: build_ancestors(dict.fromkeys(keys, 5), EVERYTHING, columns=EVERY_COLUMN),
    }[kind]()
    used = used_indexes(await explain(mixed, statement))
    assert not {index for index in used if index.startswith("scan")}


async def refresh_statistics(database: Database) -> None:
    """Do at once what InnoDB does by itself some seconds after a tenth of a table has changed."""
    if database.dialect_name == "mariadb":
        async with database.reading() as connection:
            await connection.exec_driver_sql("ANALYZE TABLE events, event_objects")


DENSE = 3_000


@pytest.fixture
async def dense(database_url: str) -> Any:
    """A store in which every filter of SERVED_WHOLLY has many matches, read over one counted connection."""
    counted = await open_counted(database_url)
    rows = [
        row(
            number,
            event_type="rare" if number % 300 == 0 else "common",
            severity=4 if number % 2 else 1,
            actor="ann",
            request_id="r",
            correlation_id="c",
            trace_id="t",
            parent_id=event_id(1),
            registration_id=event_id(2),
            occurred_at=START + (number if number > DENSE // 2 else 0),
            objects=(link("node", "big"), link("instance", f"i{number}")),
        )
        for number in range(1, DENSE + 1)
    ]
    for start in range(0, len(rows), 1000):
        await store(counted, rows[start : start + 1000])
    await refresh_statistics(counted)
    yield counted
    await counted.close()


SERVED_WHOLLY: dict[str, Selector] = {
    "none": ALL,
    "namespace": equals_any(EventField.NAMESPACE, ("default",)),
    "type": equals_any(EventField.EVENT_TYPE, ("common",)),
    "rare type": equals_any(EventField.EVENT_TYPE, ("rare",)),
    "severities": FieldTest(EventField.SEVERITY, Comparison.GREATER_OR_EQUAL, 1),
    "source": equals_any(EventField.SOURCE, ("host-1",)),
    "actor": equals_any(EventField.ACTOR, ("ann", "bob")),
    "request": equals_any(EventField.REQUEST_ID, ("r",)),
    "correlation": equals_any(EventField.CORRELATION_ID, ("c",)),
    "trace": equals_any(EventField.TRACE_ID, ("t",)),
    "parent": equals_any(EventField.PARENT_ID, (event_id(1),)),
    "registration": equals_any(EventField.REGISTRATION_ID, (event_id(2),)),
    "object": TouchesAny((ObjectReference("node", "big"),)),
    "object and type": all_of(
        [TouchesAny((ObjectReference("node", "big"),)), equals_any(EventField.EVENT_TYPE, ("common",))]
    ),
    "object type": TouchesType(("node",)),
}


@pytest.mark.parametrize("name", SERVED_WHOLLY)
async def test_a_page_examines_what_it_shows(dense: Database, name: str) -> None:
    """L2: about the page size and a small constant, on page 1, in the middle, and among 1500 events of one time."""
    branches = {"severities": 5, "actor": 2}.get(name, 1)
    for after in (None, START + 2_000, START):
        cursor = after and EventCursor(EventOrder.NEWEST_FIRST, after, event_id(after - START or 700), "default")
        async with measure(dense) as examined:
            request = PageRequest(size=50, after=cursor or None)
            found = await fetch_event_page(dense, selector=SERVED_WHOLLY[name], scope=EVERYTHING, request=request)
        assert len(found.records) == (50 if name != "rare type" else {None: 10, START + 2_000: 6, START: 2}[after])
        assert examined.rows <= 51 * (branches + 1) + 60


async def test_a_filter_that_no_index_serves_examines_the_scan_limit_at_most(database_url: str) -> None:
    """No query may run away, whatever it asks for."""
    counted = await open_counted(database_url, scan_rows=500)
    try:
        for start in range(0, 3000, 1000):
            await store(counted, [row(start + number) for number in range(1, 1001)])
        await refresh_statistics(counted)
        selector = all_of(
            [
                FieldTest(EventField.MESSAGE, Comparison.CONTAINS, "no such text"),
                equals_any(EventField.SOURCE, ("host-1",)),
            ]
        )
        async with measure(counted) as examined:
            found = await fetch_event_page(counted, selector=selector, scope=EVERYTHING, request=PageRequest(size=50))
        assert (found.records, found.searched_to) == ([], START + 2501)
        # Once to find the window's end on the index alone, once to test the rows.
        assert examined.rows <= 2 * 500 + 60
    finally:
        await counted.close()


async def test_a_remembered_place_is_confirmed_by_the_index_l1(mixed: Database) -> None:
    """The condition is looked up once for a page, in the index of an object's places."""
    await store(mixed, [row(number, objects=(link("node", "one"),)) for number in range(200, 260)])
    selector = TouchesAny((ObjectReference("node", "one", "default"),))
    async with mixed.reading() as connection:
        places = await Planner(mixed, connection, scope=EVERYTHING).plan(selector)
        mixed.places.put(selector.objects[0], places.prefixes[0][:2])
        plan = await Planner(mixed, connection, scope=EVERYTHING, remembering=True).plan(selector)
    assert plan.place_is_remembered
    statement = build_event_page(
        plan, MIDDLE, limit=8, as_of=None, columns=EVERY_COLUMN, dialect_name=mixed.dialect_name
    )
    shown = await explain(mixed, statement)
    assert {_plain(index) for index in used_indexes(shown)} <= {"PRIMARY"}
