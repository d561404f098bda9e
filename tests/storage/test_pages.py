"""Pages of events: EV3, EV9, L2 and rules P1 to P3 of semantics.md."""

import asyncio
from collections.abc import Callable
from threading import Thread
from typing import Any

import pytest

from storage.cursors import EventCursor, EventOrder
from storage.engine import Database
from storage.event_rows import EventRows
from storage.options import DatabaseOptions
from storage.pages import EventPage, PageRequest, fetch_event_page
from storage.scopes import EVERYTHING, Scope
from storage.selectors import (
    ALL,
    NONE,
    And,
    Comparison,
    EventField,
    FieldTest,
    Not,
    ObjectReference,
    Or,
    Selector,
    TouchesAny,
    TouchesType,
    all_of,
    equals_any,
)
from tests.storage.histories import START, cursor_of, event_id, link, row, store

NEWEST, OLDEST = EventOrder.NEWEST_FIRST, EventOrder.OLDEST_FIRST


async def page(database: Database, selector: Selector = ALL, *, scope: Scope = EVERYTHING, **request: Any) -> EventPage:
    return await fetch_event_page(
        database, selector=selector, scope=scope, request=PageRequest(**({"size": 50} | request))
    )


def messages(found: EventPage) -> list[str]:
    return [record.message for record in found.records]


async def walk(
    database: Database, selector: Selector, *, size: int, order: EventOrder, backward: bool, as_of: int | None = None
) -> list[tuple[str, str]]:
    """Put the pages of a list together, from its start or from its end, in the list's order."""
    keys: list[tuple[str, str]] = []
    cursor: EventCursor | None = None
    for _ in range(10_000):
        ends: dict[str, Any] = {"before": cursor} if backward else {"after": cursor}
        found = await page(database, selector, size=size, order=order, backward=backward, as_of=as_of, **ends)
        part = [(record.id, record.namespace) for record in found.records]
        keys = part + keys if backward else keys + part
        if not (found.has_previous if backward else found.has_next):
            return keys
        cursor = found.start_cursor if backward else found.end_cursor
        assert cursor is not None
    raise AssertionError("the pages never end")


async def test_newest_first_is_the_default_and_oldest_first_its_reverse(database: Database) -> None:
    await store(database, [row(number) for number in (3, 1, 2)])
    assert messages(await page(database)) == ["event 3", "event 2", "event 1"]
    assert messages(await page(database, order=OLDEST)) == ["event 1", "event 2", "event 3"]


async def test_flags_and_cursors_of_forward_and_backward_pages(database: Database) -> None:
    """The flag against the paging direction is true when a cursor was given (contract)."""
    await store(database, [row(number) for number in range(1, 6)])
    first = await page(database, size=2)
    assert (messages(first), first.has_next, first.has_previous) == (["event 5", "event 4"], True, False)
    second = await page(database, size=2, after=first.end_cursor)
    assert (messages(second), second.has_next, second.has_previous) == (["event 3", "event 2"], True, True)
    third = await page(database, size=2, after=second.end_cursor)
    assert (messages(third), third.has_next, third.has_previous) == (["event 1"], False, True)
    back = await page(database, size=2, backward=True, before=third.start_cursor)
    assert (messages(back), back.has_next, back.has_previous) == (["event 3", "event 2"], True, True)
    last = await page(database, size=2, backward=True)
    assert (messages(last), last.has_next, last.has_previous) == (["event 2", "event 1"], False, True)


async def test_both_cursors_bound_the_range_p2(database: Database) -> None:
    await store(database, [row(number) for number in range(1, 8)])
    cursors = {number: EventCursor(NEWEST, START + number, event_id(number), "default") for number in range(1, 8)}
    between = await page(database, size=10, after=cursors[6], before=cursors[2])
    assert messages(between) == ["event 5", "event 4", "event 3"]
    backward = await page(database, size=2, backward=True, after=cursors[6], before=cursors[2])
    assert messages(backward) == ["event 4", "event 3"]


async def test_a_page_of_size_zero_is_empty_p1(database: Database) -> None:
    await store(database, [row(1)])
    found = await page(database, size=0)
    assert (found.records, found.has_next) == ([], True)


async def test_an_empty_store_gives_an_empty_page(database: Database) -> None:
    assert await page(database) == EventPage(EventRows.empty(), False, False, None, None, None)


@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
@pytest.mark.parametrize("order", [NEWEST, OLDEST], ids=["newest", "oldest"])
@pytest.mark.parametrize("size", [1, 7, 50])
async def test_pages_put_together_are_the_whole_with_ties_in_one_microsecond(
    database: Database, order: EventOrder, backward: bool, size: int
) -> None:
    """EV9: 60 events in two microseconds, some ids in three namespaces, whose names sort against their keys."""
    rows = [row(number, occurred_at=START + number % 2) for number in range(1, 61)]
    shared = [
        row(number, occurred_at=START + number % 2, namespace=name)
        for name in ("z", "b", "a")
        for number in range(1, 61, 9)
    ]
    await store(database, rows + shared)
    expected = sorted(
        ((each.occurred_at, each.id, each.audience.namespace) for each in rows + shared), reverse=order is NEWEST
    )
    found = await walk(database, ALL, size=size, order=order, backward=backward)
    assert found == [(identifier, namespace) for _, identifier, namespace in expected]


async def test_events_that_arrive_between_pages_move_nothing(database: Database) -> None:
    """EV9: whoever pages sees each event that was there once, whatever arrives meanwhile."""
    await store(database, [row(number * 10) for number in range(1, 21)])
    seen: list[str] = []
    cursor = None
    for number in range(1, 100):
        found = await page(database, size=3, after=cursor)
        seen += messages(found)
        if not found.has_next:
            break
        cursor = found.end_cursor
        await store(database, [row(1000 + number), row(number * 10 + 205)])
    assert [message for message in seen if int(message.split()[1]) in range(10, 201, 10)] == [
        f"event {number * 10}" for number in range(20, 0, -1)
    ]
    assert len(seen) == len(set(seen))


async def test_a_cursor_whose_event_is_gone_still_works(database: Database) -> None:
    await store(database, [row(number) for number in (1, 2, 4)])
    gone = EventCursor(NEWEST, START + 3, event_id(3), "default")
    assert messages(await page(database, after=gone)) == ["event 2", "event 1"]


SERVED: dict[str, Selector] = {
    "type": equals_any(EventField.EVENT_TYPE, ("mutate", "status")),
    "severity": FieldTest(EventField.SEVERITY, Comparison.GREATER_OR_EQUAL, 3),
    "source": equals_any(EventField.SOURCE, ("host-0",)),
    "actor": equals_any(EventField.ACTOR, ("ann", "bob")),
    "request": equals_any(EventField.REQUEST_ID, ("r1", "r2")),
    "correlation": equals_any(EventField.CORRELATION_ID, ("c1",)),
    "trace": equals_any(EventField.TRACE_ID, ("t1",)),
    "parent": equals_any(EventField.PARENT_ID, (event_id(3), event_id(6))),
    "registration": equals_any(EventField.REGISTRATION_ID, (event_id(900),)),
    "ids": equals_any(EventField.ID, tuple(event_id(number) for number in range(0, 200, 3))),
    "namespaces": equals_any(EventField.NAMESPACE, ("default", "other", "unknown")),
    "object": TouchesAny((ObjectReference("instance", "i1"),)),
    "objects": TouchesAny((ObjectReference("instance", "i1"), ObjectReference("node", "n0"))),
    "object in a namespace": TouchesAny((ObjectReference("instance", "i1", "default"),)),
    "object in a role": TouchesAny((ObjectReference("instance", "i1", None, "target"),)),
    "object and type": And(
        (TouchesAny((ObjectReference("node", "n0"),)), equals_any(EventField.EVENT_TYPE, ("audit",)))
    ),
    "object and severity": And(
        (TouchesAny((ObjectReference("node", "n0"),)), FieldTest(EventField.SEVERITY, Comparison.LESS, 2))
    ),
    "object types": TouchesType(("instance", "node")),
    "category": equals_any(EventField.CATEGORY, ("network",)),
    "message": FieldTest(EventField.MESSAGE, Comparison.CONTAINS, "7"),
    "not": Not(equals_any(EventField.ACTOR, ("ann",))),
    "or": Or((equals_any(EventField.ACTOR, ("ann",)), equals_any(EventField.SOURCE, ("host-2",)))),
    "time": And(
        (
            FieldTest(EventField.TIMESTAMP, Comparison.GREATER_OR_EQUAL, START + 40),
            FieldTest(EventField.TIMESTAMP, Comparison.LESS, START + 160),
        )
    ),
    "nothing": NONE,
}


def mixed_row(number: int) -> Any:
    """A row in which every field that filters name takes several values, null among them."""
    objects = [link("instance", f"i{number % 3}", role="target" if number % 2 else None)]
    if number % 4 == 0:
        objects += [link("node", f"n{number % 8 // 4}"), link("instance", "shared", namespace="other")]
    return row(
        number,
        namespace="other" if number % 10 == 7 else "default",
        owner="ann" if number % 6 == 0 else None,
        event_type=("audit", "mutate", "status")[number % 3],
        severity=number % 6,
        category=(None, "network", "error")[number % 3],
        source=f"host-{number % 4}",
        actor=(None, "ann", "bob", "eve")[number % 4],
        request_id=f"r{number % 7}" if number % 2 else None,
        correlation_id=f"c{number % 5}" if number % 3 else None,
        trace_id=f"t{number % 6}" if number % 5 else None,
        parent_id=event_id(number % 9) if number % 3 == 0 else None,
        registration_id=event_id(900 + number % 2) if number % 4 else None,
        objects=tuple(objects),
    )


@pytest.mark.parametrize("name", SERVED)
async def test_every_kind_of_filter_pages_both_ways(database: Database, name: str) -> None:
    """Each list of a filter, put together from pages of 11 both ways and in both orders, is the filtered whole."""
    await store(database, [mixed_row(number) for number in range(1, 91)])
    whole = [(record.id, record.namespace) for record in (await page(database, SERVED[name], size=1000)).records]
    everything = (await page(database, size=1000)).records
    complement = (await page(database, Not(SERVED[name]), size=1000)).records
    assert len(whole) + len(complement) == len(everything) == 90
    assert {(each.id, each.namespace) for each in complement}.isdisjoint(whole)
    assert whole == sorted(whole, key=lambda key: key[0], reverse=True)
    assert bool(whole) is (name != "nothing")
    for order in (NEWEST, OLDEST):
        for backward in (False, True):
            found = await walk(database, SERVED[name], size=11, order=order, backward=backward)
            assert found == (whole if order is NEWEST else whole[::-1])


async def test_a_short_page_says_how_far_it_looked_and_goes_on(database_url: str) -> None:
    """NU7: a filter that no index serves examines at most the scan limit, in both directions."""
    database = await Database.open(database_url, DatabaseOptions(scan_rows=100))
    try:
        await store(database, [row(number, message="rare" if number == 7 else "common") for number in range(1, 451)])
        rare = FieldTest(EventField.MESSAGE, Comparison.CONTAINS, "rare")
        first = await page(database, rare, size=5)
        assert (first.records, first.has_next, first.searched_to) == ([], True, START + 351)
        assert first.start_cursor is None
        pages, cursor = 1, first.end_cursor
        while True:
            found = await page(database, rare, size=5, after=cursor)
            pages += 1
            if not found.has_next:
                break
            assert not found.records
            cursor = found.end_cursor
        assert (pages, messages(found), found.searched_to) == (5, ["rare"], None)
        backward = await page(database, rare, size=5, backward=True)
        assert (messages(backward), backward.has_previous, backward.searched_to) == (["rare"], True, START + 100)
        assert backward.start_cursor == EventCursor(NEWEST, START + 100, event_id(100), "\U0010ffff")
        assert await walk(database, rare, size=5, order=NEWEST, backward=True) == [(event_id(7), "default")]
    finally:
        await database.close()


async def test_as_of_shows_what_was_stored_up_to_a_position(
    database: Database, sequence: Callable[[Database], Any]
) -> None:
    """EV9: one snapshot over many pages, whatever arrives meanwhile, also with earlier timestamps."""
    await store(database, [row(number * 10) for number in range(1, 31)])
    position = await sequence(database)
    await store(database, [row(number * 10 + 5) for number in range(1, 31)])
    expected = [(event_id(number * 10), "default") for number in range(30, 0, -1)]
    assert await walk(database, ALL, size=4, order=NEWEST, backward=False, as_of=position) == expected
    assert await walk(database, ALL, size=4, order=NEWEST, backward=True, as_of=position) == expected
    later = await sequence(database)
    assert len(await walk(database, ALL, size=50, order=NEWEST, backward=False, as_of=later)) == 60


async def test_a_scope_hides_what_lies_outside_it(database: Database) -> None:
    """EV10: a filter cannot widen what the caller may see."""
    await store(
        database,
        [
            row(1, namespace="a", objects=(link("node", "n"),)),
            row(2, namespace="b", objects=(link("node", "n"),)),
            row(3, namespace="b", readers=("ann",), objects=(link("node", "n"),)),
        ],
    )
    keys = await database.identities.namespace_keys({"a", "b"})
    found = await page(database)
    audiences = {record.message: record for record in found.records}
    assert audiences["event 3"].readers == ("ann",)
    whole_a = Scope(namespace_keys=frozenset({keys["a"]}))
    touches = TouchesAny((ObjectReference("node", "n"),))
    for selector in (ALL, touches, TouchesType(("node",)), equals_any(EventField.EVENT_TYPE, ("audit",))):
        assert messages(await page(database, selector, scope=whole_a)) == ["event 1"]
    by_name = equals_any(EventField.NAMESPACE, ("b",))
    assert messages(await page(database, by_name, scope=whole_a)) == []
    assert messages(await page(database, equals_any(EventField.ID, (event_id(2),)), scope=whole_a)) == []
    assert messages(await page(database, ALL, scope=Scope())) == []


async def test_extra_is_read_only_when_asked_for(database: Database) -> None:
    await store(database, [row(1, extra='{"b":1.10,"a":2}')])
    found = await fetch_event_page(database, selector=ALL, scope=EVERYTHING, request=PageRequest(size=1))
    assert found.records[0].extra == '{"b":1.10,"a":2}'
    without = await fetch_event_page(database, selector=ALL, scope=EVERYTHING, request=PageRequest(size=1), fields=())
    assert without.records[0].extra is None
    assert cursor_of(without.records[0], NEWEST) == found.end_cursor


async def test_many_first_pages_at_once_share_a_small_pool(database_url: str) -> None:
    """A page that looks names up for the first time needs no second connection while it holds its own."""
    writer = await Database.open(database_url)
    await store(writer, [row(number, namespace=f"n{number}") for number in range(1, 21)])
    await writer.close()
    database = await Database.open(database_url, DatabaseOptions(pool_size=1, connect_timeout_seconds=5))
    try:
        named = (equals_any(EventField.NAMESPACE, (f"n{number}",)) for number in range(1, 21))
        found = await asyncio.gather(*(page(database, selector) for selector in named))
        assert [messages(each) for each in found] == [[f"event {number}"] for number in range(1, 21)]
    finally:
        await database.close()


TOUCHES_NODE = TouchesAny((ObjectReference("node", "one", "default"),))


async def test_where_an_object_lies_is_asked_once_and_confirmed_by_the_page_itself_l1(database: Database) -> None:
    await store(database, [row(number, objects=(link("node", "one"),)) for number in (1, 2, 3)])
    assert messages(await page(database, TOUCHES_NODE)) == ["event 3", "event 2", "event 1"]
    sent: list[str] = []
    stop = database.observe(lambda statement: sent.append(statement.sql))
    assert messages(await page(database, TOUCHES_NODE, size=2)) == ["event 3", "event 2"]
    stop()
    assert len(sent) == 1


@pytest.mark.parametrize("size", [1, 50])
async def test_an_object_that_came_to_lie_elsewhere_too_loses_no_event_l1(
    database: Database, database_url: str, size: int
) -> None:
    """Another process writes about the object for other readers: what this one remembers is not all any more."""
    await store(database, [row(number, objects=(link("node", "one"),)) for number in (1, 3)])
    assert len(await page_messages(database, size)) == 2
    elsewhere = await Database.open(database_url)
    await store(elsewhere, [row(number, readers=("alice",), objects=(link("node", "one"),)) for number in (2, 4)])
    await elsewhere.close()
    assert await page_messages(database, size) == ["event 4", "event 3", "event 2", "event 1"]


async def page_messages(database: Database, size: int) -> list[str]:
    """Walk the object's whole timeline."""
    found = await page(database, TOUCHES_NODE, size=size)
    shown = messages(found)
    while found.has_next:
        found = await page(database, TOUCHES_NODE, size=size, after=found.end_cursor)
        shown += messages(found)
    return shown


async def test_an_empty_page_of_a_remembered_object_is_empty(database: Database) -> None:
    await store(database, [row(1, objects=(link("node", "one"),))])
    found = await page(database, TOUCHES_NODE)
    after_all = await page(database, TOUCHES_NODE, after=found.end_cursor)
    assert (messages(found), messages(after_all)) == (["event 1"], [])
    typed = all_of((TOUCHES_NODE, equals_any(EventField.EVENT_TYPE, ("nothing",))))
    assert messages(await page(database, typed)) == []


async def test_an_object_that_comes_to_lie_elsewhere_while_a_page_is_read_loses_no_event_l1(
    database: Database, database_url: str
) -> None:
    """A page before a cursor takes two statements when the cursor's own event fills it; the second confirms no more."""
    await store(database, [row(number, objects=(link("node", "one"),)) for number in range(2, 7)])
    whole = await page(database, TOUCHES_NODE)
    writers: list[Thread] = []

    async def write() -> None:
        elsewhere = await Database.open(database_url)
        await store(elsewhere, [row(1, readers=("alice",), objects=(link("node", "one"),))])
        await elsewhere.close()

    def write_once(_statement: object) -> None:
        if not writers:
            writers.append(Thread(target=asyncio.run, args=(write(),)))
            writers[0].start()
            writers[0].join()

    stop = database.observe(write_once)
    found = await page(database, TOUCHES_NODE, size=3, before=cursor_of(whole.records[3], NEWEST))
    stop()
    assert len(writers) == 1
    assert messages(found) == ["event 6", "event 5", "event 4"]
