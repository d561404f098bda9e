"""Reads by key: GQ2, NU2, NU4, P6, T5, T8 and pages of children, on every backend."""

from collections.abc import Collection, Iterable
from typing import Any

import pytest

from storage.cursors import EventOrder
from storage.engine import Database
from storage.event_rows import EventRows
from storage.identities import AudienceName
from storage.pages import EventPage, PageRequest
from storage.reads import (
    MOST_KEYS,
    fetch_ancestors,
    fetch_child_pages,
    fetch_events,
    fetch_events_by_id,
    fetch_links,
)
from storage.records import EventKey, EventRecord, LinkRecord, ObjectRecord
from storage.scopes import EVERYTHING, Scope
from tests.storage.histories import (
    START,
    cursor_of,
    event_id,
    key_of,
    link,
    row,
    scope_of_audiences,
    scope_of_namespaces,
    store,
)

OLDEST, NEWEST = EventOrder.OLDEST_FIRST, EventOrder.NEWEST_FIRST
ALICE = AudienceName("default", ("alice",), None)


def numbers(records: Iterable[EventRecord]) -> list[int]:
    return [int(record.id.replace("-", ""), 16) for record in records]


class Statements(list[str]):
    """The statements that a database was sent while this was open."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database

    def __enter__(self) -> "Statements":
        self._unsubscribe = self._database.observe(lambda statement: self.append(statement.sql))
        return self

    def __exit__(self, *_: object) -> None:
        self._unsubscribe()


async def test_an_event_comes_back_as_it_was_stored(database: Database) -> None:
    """EV1, EV5, EV6, NU3, SY1: every field, whole or empty."""
    whole = row(
        1,
        namespace="other",
        owner="bob",
        readers=("alice", "carol"),
        event_type="boot ",
        category="state",
        severity=4,
        severity_text="Loud",
        occurred_at=START + 123_456,
        source="host 😀",
        message="schön \U0001f6d1 שלום ",
        extra='{ "b": 1.10, "a": 12345678901234567890, "c" :-0.0,"d": 1e308}',
        duration_ms=0.0,
        success=False,
        actor="a",
        actor_claim="b",
        session_id="c",
        request_id="d",
        correlation_id="e",
        parent_id=event_id(77),
        trace_id="f",
        span_id="g",
        parent_span_id="h",
        registration_id=event_id(78),
        record_count=2**53 - 1,
    )
    await store(database, [whole, row(2)], received_at=START + 5)
    found = await fetch_events(database, [key_of(1, "other"), key_of(2)], scope=EVERYTHING)
    given = whole._asdict()
    kept: dict[str, Any] = {name: given[name] for name in EventRecord._fields if name in given}
    added: dict[str, Any] = {
        "namespace": "other",
        "received_at": START + 5,
        "repeat_count": 1,
        "last_occurred_at": None,
    }
    assert found[key_of(1, "other")] == EventRecord(
        **kept, **added, restored=False, owner="bob", readers=("alice", "carol")
    )
    empty = found[key_of(2)]
    assert {name for name in EventRecord._fields if getattr(empty, name) is None} == {
        *("category", "severity_text", "extra", "duration_ms", "success", "actor", "actor_claim", "session_id"),
        *("request_id", "correlation_id", "parent_id", "trace_id", "span_id", "parent_span_id", "registration_id"),
        *("record_count", "last_occurred_at", "owner", "readers"),
    }


async def test_one_id_in_several_namespaces(database: Database) -> None:
    """N1: each namespace has its own event, and ids are looked up in all of them by name."""
    await store(database, [row(1, namespace=name, message=name) for name in ("zebra", "default", "Alpha")])
    found = await fetch_events_by_id(database, [event_id(1), event_id(2)], scope=EVERYTHING)
    assert {key: [record.namespace for record in records] for key, records in found.items()} == {
        event_id(1): ["Alpha", "default", "zebra"]
    }
    wanted = [key_of(1, "zebra"), key_of(1, "nowhere"), key_of(2, "zebra")]
    assert {
        key: record.message for key, record in (await fetch_events(database, wanted, scope=EVERYTHING)).items()
    } == {key_of(1, "zebra"): "zebra"}
    assert await fetch_events(database, [], scope=EVERYTHING) == {}


async def test_links_stand_by_type_id_and_namespace(database: Database) -> None:
    """P6: by code point, whatever the order they were sent in; an event without objects has none."""
    objects = [
        link("vm", "i-2"),
        link("vm", "I-2", role="target"),
        link("vm", "i-1", namespace="other"),
        link("vm", "i-1", namespace="Other"),
        link("node", "z", role="host"),
        link("node ", "a"),
        link("Node", "a"),
        link("vm", "😀"),
        link("vm", "\uffff"),
    ]
    await store(database, [row(1, objects=tuple(objects)), row(2), row(1, namespace="other", objects=(objects[0],))])
    found = await fetch_links(database, [key_of(1), key_of(2), key_of(3)], scope=EVERYTHING)
    assert found == {
        key_of(1): [
            LinkRecord(None, ObjectRecord("default", "Node", "a")),
            LinkRecord("host", ObjectRecord("default", "node", "z")),
            LinkRecord(None, ObjectRecord("default", "node ", "a")),
            LinkRecord("target", ObjectRecord("default", "vm", "I-2")),
            LinkRecord(None, ObjectRecord("Other", "vm", "i-1")),
            LinkRecord(None, ObjectRecord("other", "vm", "i-1")),
            LinkRecord(None, ObjectRecord("default", "vm", "i-2")),
            LinkRecord(None, ObjectRecord("default", "vm", "\uffff")),
            LinkRecord(None, ObjectRecord("default", "vm", "😀")),
        ],
        key_of(2): [],
        key_of(3): [],
    }


async def ancestors(
    database: Database, number: int, most: int = 100, *, namespace: str = "default", scope: Scope = EVERYTHING
) -> list[int]:
    request = (key_of(number, namespace), most)
    return numbers((await fetch_ancestors(database, [request], scope=scope))[request])


async def test_ancestors_stand_nearest_first_in_their_own_namespace(database: Database) -> None:
    """NU2, T8: parents are looked for in the same namespace only; a parent that is not stored ends the chain."""
    rows = [row(number, parent_id=event_id(number - 1)) for number in range(1, 6)]
    rows += [row(3, namespace="other", parent_id=event_id(2)), row(9), row(10, parent_id=event_id(9))]
    await store(database, rows)
    assert await ancestors(database, 5) == [4, 3, 2, 1]
    assert await ancestors(database, 5, 2) == [4, 3]
    assert await ancestors(database, 5, 0) == []
    assert await ancestors(database, 1) == []
    assert await ancestors(database, 9) == []
    assert await ancestors(database, 10) == [9]
    assert await ancestors(database, 3, namespace="other") == []
    assert await ancestors(database, 5, namespace="nowhere") == []
    assert await ancestors(database, 404) == []


async def test_ancestors_of_many_events_at_once(database: Database) -> None:
    """GQ2: each with its own depth, the same event twice included."""
    await store(database, [row(number, parent_id=event_id(number // 2)) for number in range(1, 16)])
    wanted = [(key_of(number), most) for number in range(1, 16) for most in (1, 2, 5)]
    found = await fetch_ancestors(database, wanted, scope=EVERYTHING)
    expected = {
        (key_of(number), most): [one for one in (number >> 1, number >> 2, number >> 3) if one][:most]
        for number in range(1, 16)
        for most in (1, 2, 5)
    }
    assert {request: numbers(records) for request, records in found.items()} == expected


@pytest.mark.parametrize("most", [1, 2, 3, 100, 1000])
async def test_ancestors_in_a_cycle_end_before_any_event_comes_twice(database: Database, most: int) -> None:
    """T5: the start included: an own parent, a ring of two, a ring below which the start hangs."""
    parents = {1: 1, 2: 3, 3: 2, 4: 2, 5: 4, 6: 8, 7: 6, 8: 7}
    await store(database, [row(number, parent_id=event_id(parent)) for number, parent in parents.items()])
    expected = {1: [], 2: [3], 3: [2], 4: [2, 3], 5: [4, 2, 3], 6: [8, 7], 7: [6, 8], 8: [7, 6]}
    found = await fetch_ancestors(database, [(key_of(number), most) for number in expected], scope=EVERYTHING)
    assert {number: numbers(found[key_of(number), most]) for number in expected} == {
        number: chain[:most] for number, chain in expected.items()
    }


async def test_a_cycle_costs_what_it_holds(database: Database) -> None:
    """T5, GQ2: rings are not read again and again until the depth is reached."""
    parents = {1: 1, 2: 3, 3: 2} | dict.fromkeys(range(4, 204), 2)
    await store(database, [row(number, parent_id=event_id(parent)) for number, parent in parents.items()])
    rows: list[int] = []
    unsubscribe = database.observe(lambda statement: rows.append(statement.rows))
    wanted = [(key_of(number), 1000) for number in range(4, 204)]
    found = await fetch_ancestors(database, wanted, scope=EVERYTHING)
    unsubscribe()
    assert {tuple(numbers(records)) for records in found.values()} == {(2, 3)}
    assert len(found) == 200
    if database.dialect_name == "mariadb":  # SQLite does not tell
        assert rows[-1] == 400


async def test_a_thousand_ancestors_are_read(database: Database) -> None:
    """NU2: as many as a list may give, also where the database would stop counting by itself."""
    await store(database, [row(number, parent_id=event_id(number - 1)) for number in range(1, 1100)])
    for most in (999, 1000):
        assert await ancestors(database, 1099, most) == list(range(1098, 1098 - most, -1))


async def child_page(
    database: Database,
    parent: EventKey,
    *,
    scope: Scope = EVERYTHING,
    fields: Collection[str] | None = None,
    **given: Any,
) -> EventPage:
    values: dict[str, Any] = {"size": 50, "order": OLDEST} | given
    request = PageRequest(**values)
    return (await fetch_child_pages(database, [parent], scope=scope, request=request, fields=fields))[parent]


async def test_children_page_both_ways(database: Database) -> None:
    """EV9, P2: oldest first; pages put together are the whole list, from either end and between two cursors."""
    rows = [row(number, parent_id=event_id(1), occurred_at=START + number // 3) for number in range(2, 12)]
    await store(
        database, [row(1), *rows, row(20, parent_id=event_id(2)), row(30, namespace="other", parent_id=event_id(1))]
    )
    everything = list(range(2, 12))
    whole = await child_page(database, key_of(1))
    assert numbers(whole.records) == everything
    assert (whole.has_next, whole.has_previous) == (False, False)
    for size in (1, 3, 10):
        found: list[int] = []
        page = await child_page(database, key_of(1), size=size)
        found += numbers(page.records)
        while page.has_next:
            page = await child_page(database, key_of(1), size=size, after=page.end_cursor)
            assert page.has_previous
            found += numbers(page.records)
        assert found == everything
        page = await child_page(database, key_of(1), size=size, backward=True)
        found = numbers(page.records)
        while page.has_previous:
            page = await child_page(database, key_of(1), size=size, backward=True, before=page.start_cursor)
            assert page.has_next
            found = numbers(page.records) + found
        assert found == everything
    third, eighth = (cursor_of(whole.records[index], OLDEST) for index in (2, 7))
    between = await child_page(database, key_of(1), size=2, after=third, before=eighth)
    assert (numbers(between.records), between.has_next) == ([5, 6], True)
    between = await child_page(database, key_of(1), size=4, after=third, before=eighth)
    assert (numbers(between.records), between.has_next) == ([5, 6, 7, 8], False)
    between = await child_page(database, key_of(1), size=3, after=third, before=eighth, backward=True)
    assert (numbers(between.records), between.has_previous) == ([6, 7, 8], True)
    newest = await child_page(database, key_of(1), size=2, order=NEWEST)
    assert numbers(newest.records) == [11, 10]


async def test_a_child_page_of_nothing(database: Database) -> None:
    """P1: `first: 0`; parents without children, parents that are not stored, namespaces that are not there."""
    await store(database, [row(1), row(2, parent_id=event_id(1), extra='{"k": 1}'), row(3, parent_id=event_id(99))])
    empty = await child_page(database, key_of(1), size=0)
    assert (empty.records, empty.has_next, empty.end_cursor) == ([], True, None)
    for parent in (key_of(2), key_of(98), key_of(1, "nowhere")):
        assert await child_page(database, parent) == EventPage(EventRows.empty(), False, False, None, None, None)
    assert numbers((await child_page(database, key_of(99))).records) == [3]
    (whole,) = (await child_page(database, key_of(1))).records
    (part,) = (await child_page(database, key_of(1), fields=("message",))).records
    assert (whole.extra, part.extra) == ('{"k": 1}', None)
    assert part.message == whole.message


async def test_relations_of_many_events_take_one_statement_per_200(database: Database) -> None:
    """GQ2: independent of the number of events up to 200, and one more per 200 beyond."""
    parents = range(1, 2 * MOST_KEYS + 2)
    rows = [row(number, objects=(link("vm", f"i-{number}"),)) for number in parents]
    rows += [row(1000 + number, parent_id=event_id(number)) for number in parents]
    await store(database, rows)
    keys = [key_of(number) for number in parents]
    children = [key_of(1000 + number) for number in parents]
    request = PageRequest(size=5, order=OLDEST)
    await fetch_events(database, keys[:1], scope=EVERYTHING)
    for count, most in ((1, 1), (MOST_KEYS, 1), (MOST_KEYS + 1, 2), (2 * MOST_KEYS + 1, 3)):
        with Statements(database) as sent:
            found = await fetch_events(database, keys[:count], scope=EVERYTHING)
        assert (len(found), len(sent)) == (count, most)
        with Statements(database) as sent:
            links = await fetch_links(database, keys[:count], scope=EVERYTHING)
        assert (sum(map(len, links.values())), len(sent)) == (count, most)
        with Statements(database) as sent:
            pages = await fetch_child_pages(database, keys[:count], scope=EVERYTHING, request=request)
        assert (sum(len(page.records) for page in pages.values()), len(sent)) == (count, most)
        with Statements(database) as sent:
            chains = await fetch_ancestors(database, [(key, 7) for key in children[:count]], scope=EVERYTHING)
        assert (sum(map(len, chains.values())), len(sent)) == (count, most)
        assert numbers(pages[key_of(1)].records) == [1001]
        assert numbers(chains[key_of(1001), 7]) == [1]


async def test_what_is_outside_the_scope_is_not_there(database: Database) -> None:
    """NU4, T8: by id, links, children and ancestors; a chain ends at an invisible parent."""
    rows = [
        row(1),
        row(2, parent_id=event_id(1), readers=("alice",), objects=(link("vm", "i-1"),)),
        row(3, parent_id=event_id(2), objects=(link("vm", "i-2"),)),
        row(4, parent_id=event_id(3), readers=("alice",)),
        row(5, parent_id=event_id(4), readers=("alice",)),
        row(3, namespace="other"),
    ]
    await store(database, rows)
    plain = await scope_of_audiences(database, AudienceName("default", None, None))
    alice = await scope_of_audiences(database, ALICE)
    both = Scope(audience_keys=plain.audience_keys | alice.audience_keys)
    default = await scope_of_namespaces(database, "default")
    other = await scope_of_namespaces(database, "other")
    keys = [key_of(number) for number in range(1, 6)]
    visible = {plain: [1, 3], alice: [2, 4, 5], both: [1, 2, 3, 4, 5], default: [1, 2, 3, 4, 5], other: [], Scope(): []}
    for scope, seen in visible.items():
        found = await fetch_events(database, keys, scope=scope)
        assert sorted(numbers(found.values())) == seen
        links = await fetch_links(database, keys, scope=scope)
        assert [number for number in range(1, 6) if links[key_of(number)]] == [one for one in (2, 3) if one in seen]
        pages = await fetch_child_pages(database, keys, scope=scope, request=PageRequest(size=9, order=OLDEST))
        assert [numbers(pages[key].records) for key in keys] == [
            [number + 1] if number + 1 in seen and number < 5 else [] for number in range(1, 6)
        ]
    assert await ancestors(database, 5, scope=default) == [4, 3, 2, 1]
    assert await ancestors(database, 5, scope=both) == [4, 3, 2, 1]
    assert await ancestors(database, 5, scope=alice) == [4]
    assert await ancestors(database, 3, scope=plain) == []
    assert await ancestors(database, 4, scope=plain) == []
    assert await ancestors(database, 5, scope=other) == []
    assert await ancestors(database, 5, scope=Scope()) == []
    seen_ids = await fetch_events_by_id(database, [event_id(3)], scope=other)
    assert [record.namespace for record in seen_ids[event_id(3)]] == ["other"]
