"""The root fields for reading, over the small history, on every database: pages, look-ups and relations."""

import asyncio
from collections.abc import Callable
from functools import reduce
from operator import getitem
from threading import Thread
from typing import Any

import pytest

from gateway.errors import ErrorCode
from gateway.schema.node_ids import object_node_id
from mutations.ingest import IngestLimits, ingest_events
from storage.cursors import EventCursor, EventOrder, ObjectCursor
from storage.engine import Database, StatementEvent
from storage.options import DatabaseOptions
from storage.records import ObjectRecord
from tests.gateway.execution import Caller
from tests.gateway.history import RECEIVED, event, event_id, give_positions, write_history

ALL = [("lab", 8), ("lab", 4), *(("default", number) for number in (7, 6, 5, 4, 3, 2, 1))]
"""The history, newest first."""


def keys(nodes: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """Name events by namespace and number."""
    return [(node["namespace"], int(node["id"][-12:], 16)) for node in nodes]


async def events(caller: Caller, arguments: str = "") -> list[tuple[str, int]]:
    """List the events that a call of `events` gives."""
    call = f"events({arguments})" if arguments else "events"
    return keys((await caller.run(f"{{ {call} {{ nodes {{ namespace id }} }} }}")).data["events"]["nodes"])


async def test_events_are_listed_newest_first_or_oldest_first(caller: Caller) -> None:
    """Ties of a microsecond are ordered by id."""
    assert await events(caller) == ALL
    assert await events(caller, "orderBy: OLDEST_FIRST") == ALL[::-1]
    assert await events(caller, "filter: null, first: null, after: null, last: null, before: null, asOf: null") == ALL


async def test_every_field_of_an_event_comes_back_as_it_was_sent(caller: Caller) -> None:
    """EV3, EV4, EV5, NU2, NU3, NU7, SY1."""
    fields = (
        "id namespace eventType category severity severityText timestamp receivedAt source message extra durationMs "
        "success actor actorClaim sessionId requestId correlationId parentId traceId spanId parentSpanId "
        "registrationId owner visibleTo recordCount repeatCount lastTimestamp restored"
    )
    first = (await caller.run(f'{{ event(id: "{event_id(1)}") {{ {fields} }} }}')).data["event"]
    assert first == {
        "id": event_id(1),
        "namespace": "default",
        "eventType": "instance.create",
        "category": "action",
        "severity": "INFO",
        "severityText": None,
        "timestamp": "2026-01-01T10:00:00.000001Z",
        "receivedAt": "2026-01-01T11:00:00.000000Z",
        "source": "host-1",
        "message": "instance i-1 is created",
        "extra": {"size": 1.1, "network usage": {"52:54:00:01": {"rx.bytes": 9007199254740993}}, "tags": ["a", 1]},
        "durationMs": 1500.25,
        "success": True,
        "actor": "alice",
        "actorClaim": "admin",
        "sessionId": "s-1",
        "requestId": "req-1",
        "correlationId": "corr-1",
        "parentId": None,
        "traceId": "t-1",
        "spanId": "sp-1",
        "parentSpanId": None,
        "registrationId": None,
        "owner": None,
        "visibleTo": None,
        "recordCount": None,
        "repeatCount": 1,
        "lastTimestamp": None,
        "restored": False,
    }
    others = "severity severityText durationMs success registrationId owner visibleTo recordCount"
    ids = ", ".join(f'"{event_id(number)}"' for number in (2, 3, 4, 5, 7))
    answer = await caller.run(
        f'{{ events(filter: {{namespaces: "default", ids: [{ids}]}}) {{ nodes {{ {others} }} }} }}'
    )
    heartbeat, audit, status, failed, attach = answer.data["events"]["nodes"]
    assert (attach["severity"], attach["durationMs"], attach["success"]) == ("NOTICE", 0.0, None)  # EV6
    assert (failed["severity"], failed["severityText"], failed["success"]) == ("ERROR", "high", False)
    assert status["registrationId"] == event_id(99)
    assert (audit["owner"], audit["visibleTo"]) == ("bob", ["alice", "carol"])
    assert heartbeat["recordCount"] == 9007199254740991


async def test_records_per_second_are_reckoned_from_count_and_duration(database: Database) -> None:
    """SY5: how fast a batch was; null where it cannot be said."""
    told: list[tuple[dict[str, Any], float | None]] = [
        ({"record_count": 900, "duration_ms": 450.0}, 2_000.0),
        ({"record_count": 0, "duration_ms": 5.0}, 0.0),
        ({"record_count": 5}, None),
        ({"duration_ms": 5.0}, None),
        ({"record_count": 5, "duration_ms": 0.0}, None),
        ({"record_count": 2**53 - 1, "duration_ms": 5e-324}, None),
    ]
    drafts = [
        event(number, f"10:00:0{number}", "batch", "stored", **fields)
        for number, (fields, _) in enumerate(told, start=1)
    ]
    limits = IngestLimits()
    await ingest_events(database, drafts, home_namespace="default", limits=limits, clock=lambda: RECEIVED)
    caller = Caller(database)
    page = (await caller.run("{ events(orderBy: OLDEST_FIRST) { nodes { recordsPerSecond } } }")).data["events"]
    assert [node["recordsPerSecond"] for node in page["nodes"]] == [rate for _, rate in told]
    one = (await caller.run(f'{{ event(id: "{event_id(1)}") {{ recordsPerSecond }} }}')).data["event"]
    assert one == {"recordsPerSecond": 2_000.0}


async def test_extra_goes_out_with_its_keys_and_digits_as_they_came_in(caller: Caller) -> None:
    answer = await caller.run(f'{{ event(id: "{event_id(1)}") {{ extra }} }}')
    stored = b'{"size":1.10,"network usage":{"52:54:00:01":{"rx.bytes":9007199254740993}},"tags":["a",1]}'
    assert answer.body == b'{"event":{"extra":' + stored + b"}}"


@pytest.mark.parametrize("selection", ["nodes { message }", "edges { node { message } }"])
async def test_extra_is_fetched_only_when_it_is_asked_for(caller: Caller, selection: str) -> None:
    without = await caller.run(f"{{ events {{ {selection} }} }}")
    assert not [sql for sql in without.statements if "events.extra" in sql]
    fragment = "fragment E on Event { ... on Event { extra } }"
    asked = await caller.run(f"{{ events {{ {selection.replace('message', '...E')} }} }} {fragment}")
    assert [sql for sql in asked.statements if "events.extra" in sql]
    assert b'"extra":{' in asked.body


async def test_pages_forward_and_backward_fit_together(caller: Caller) -> None:
    """EV9."""
    selection = "nodes { namespace id } edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"

    async def page(arguments: str) -> dict[str, Any]:
        found: dict[str, Any] = (await caller.run(f"{{ events({arguments}) {{ {selection} }} }}")).data["events"]
        return found

    first = await page("first: 4")
    assert keys(first["nodes"]) == ALL[:4]
    cursors = [edge["cursor"] for edge in first["edges"]]
    assert first["pageInfo"] == {
        "hasNextPage": True,
        "hasPreviousPage": False,
        "startCursor": cursors[0],
        "endCursor": cursors[-1],
    }
    second = await page(f'first: 10, after: "{cursors[-1]}"')
    assert keys(second["nodes"]) == ALL[4:]
    assert (second["pageInfo"]["hasNextPage"], second["pageInfo"]["hasPreviousPage"]) == (False, True)
    back = await page(f'last: 2, before: "{second["pageInfo"]["startCursor"]}"')
    assert keys(back["nodes"]) == ALL[2:4]
    assert (back["pageInfo"]["hasNextPage"], back["pageInfo"]["hasPreviousPage"]) == (True, True)
    end = await page("last: 3")
    assert keys(end["nodes"]) == ALL[-3:]
    # P2: both cursors bound the range, whatever the direction.
    between = await page(f'first: 10, after: "{cursors[0]}", before: "{cursors[3]}"')
    assert keys(between["nodes"]) == ALL[1:3]
    between = await page(f'last: 1, after: "{cursors[0]}", before: "{cursors[3]}"')
    assert keys(between["nodes"]) == ALL[2:3]


async def test_cursors_of_events_and_timelines_are_one_kind_p3(caller: Caller) -> None:
    timeline = 'object(objectType: "instance", objectId: "i-1") { timeline(first: 1) { pageInfo { endCursor } } }'
    cursor = (await caller.run(f"{{ {timeline} }}")).data["object"]["timeline"]["pageInfo"]["endCursor"]
    assert await events(caller, f'first: 1, after: "{cursor}"') == [("default", 1)]


async def test_a_page_of_nothing_p1(caller: Caller) -> None:
    answer = await caller.run("{ events(first: 0) { nodes { id } edges { cursor } } }")
    assert answer.data == {"events": {"nodes": [], "edges": []}}


ORDERED = EventCursor(EventOrder.OLDEST_FIRST, 1, event_id(1), "default").to_text()
OBJECTS = ObjectCursor("default", "instance", "i-1").to_text()
NO_CURSOR = "this is no cursor: pass endCursor, startCursor or an edge's cursor exactly as it was given"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("first: -1", "first is -1: give a number from 0 to 1000"),
        ("last: -5", "last is -5: give a number from 0 to 1000"),
        ("first: 1001", "first is 1001, the maximum is 1000: ask for less and page on from the cursor"),
        ("last: 1001", "last is 1001, the maximum is 1000: ask for less and page on from the cursor"),
        (
            "first: 1, last: 1",
            "first and last exclude each other: give first to page forward, last to page backward",
        ),
        ('after: ""', f"after: {NO_CURSOR}"),
        ('before: "xyz"', f"before: {NO_CURSOR}"),
        (f'after: "{OBJECTS}"', "after: this cursor belongs to a list of objects, not of events"),
        (
            f'after: "{ORDERED}"',
            "after: this cursor belongs to a list in the other order; this list is NEWEST_FIRST: start again without a "
            "cursor, or ask in the cursor's order",
        ),
        ('asOf: ""', "asOf is no position: pass a livePosition exactly as it was given"),
        ('asOf: "soon"', "asOf is no position: pass a livePosition exactly as it was given"),
        ('asOf: "-1"', "asOf is no position: pass a livePosition exactly as it was given"),
        ('asOf: "1.5"', "asOf is no position: pass a livePosition exactly as it was given"),
        ('asOf: "9223372036854775808"', "asOf is no position: pass a livePosition exactly as it was given"),
        ('asOf: "²"', "asOf is no position: pass a livePosition exactly as it was given"),
        ('asOf: "4000"', "4000 is no position of this store: pass a livePosition exactly as this store gave it"),
    ],
)
async def test_what_is_wrong_with_a_page_is_told_p1_p2_p3_p8(caller: Caller, arguments: str, message: str) -> None:
    for field in (f"events({arguments})", f'object(objectType: "a", objectId: "b") {{ timeline({arguments})'):
        closing = " }" if "timeline" in field else ""
        answer = await caller.run(f"{{ {field} {{ nodes {{ id }} }} {closing}}}")
        assert answer.error == (ErrorCode.BAD_USER_INPUT, message)


async def test_as_of_shows_what_was_stored_up_to_a_position(caller: Caller) -> None:
    position = (await caller.run("{ events(first: 1) { livePosition } }")).data["events"]["livePosition"]
    late = '{eventType: "audit", source: "s", message: "late", timestamp: "2026-01-01T10:00:02.5Z"}'
    stored = await caller.run(f"mutation {{ ingestEvents(input: {{events: [{late}]}}) {{ accepted }} }}")
    assert stored.data == {"ingestEvents": {"accepted": 1}}
    await give_positions(caller.database)
    assert len(await events(caller)) == len(ALL) + 1
    assert await events(caller, f'asOf: "{position}"') == ALL
    now = (await caller.run("{ events(first: 1) { livePosition } }")).data["events"]["livePosition"]
    assert int(now) == int(position) + 1
    assert len(await events(caller, f'asOf: "{now}"')) == len(ALL) + 1


async def test_the_position_is_fetched_once_and_only_when_asked_for(caller: Caller) -> None:
    without = await caller.run("{ events { nodes { id } } }")
    asked = await caller.run(
        "{ a: events { livePosition } b: events { livePosition nodes { children { livePosition } } } }"
    )
    assert not [sql for sql in without.statements if "high_water" in sql]
    assert len([sql for sql in asked.statements if "high_water" in sql]) == 1
    positions = {asked.data["a"]["livePosition"], asked.data["b"]["livePosition"]}
    positions |= {node["children"]["livePosition"] for node in asked.data["b"]["nodes"]}
    assert positions == {"1"}


@pytest.mark.parametrize(
    ("field", "path"),
    [
        ("events(first: 1) { nodes { id } %s }", ()),
        (f'event(id: "{event_id(7)}") {{ children {{ nodes {{ id }} %s }} }}', ("children",)),
    ],
    ids=["events", "children"],
)
async def test_no_page_is_older_than_the_position_beside_it(
    new_database_url: Callable[[str], str], field: str, path: tuple[str, ...]
) -> None:
    """Who goes on from a position misses nothing: the same page, read before the position was, is not taken again."""
    url = new_database_url("sqlite")
    # The only connection is given in turn, to the page without a position first.
    database = await Database.open(url, DatabaseOptions(pool_size=1))
    await write_history(database)
    late = event(9, "10:00:09", "audit", "late", parent_id=event_id(7))
    writers: list[Thread] = []

    async def write() -> None:
        elsewhere = await Database.open(url)
        limits = IngestLimits()
        await ingest_events(elsewhere, [late], home_namespace="default", limits=limits, clock=lambda: RECEIVED)
        await elsewhere.close()

    def write_once(statement: StatementEvent) -> None:
        if "AS page" in statement.sql and not writers:
            writers.append(Thread(target=asyncio.run, args=(write(),)))
            writers[0].start()
            writers[0].join()

    stop = database.observe(write_once)
    data = (await Caller(database).run(f"{{ a: {field % ''} b: {field % 'livePosition'} }}")).data
    stop()
    await database.close()
    before, after = (reduce(getitem, path, data[key]) for key in ("a", "b"))
    assert len(writers) == 1
    assert event_id(9) not in [node["id"] for node in before["nodes"]]
    assert (after["nodes"], after["livePosition"]) == ([{"id": event_id(9)}], "2")


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        ("{}", ALL),
        ('{namespaces: "lab"}', [("lab", 8), ("lab", 4)]),
        ('{namespaces: "unheard of"}', []),
        (f'{{ids: "{event_id(4)}"}}', [("lab", 4), ("default", 4)]),
        ('{requestIds: "req-1", namespaces: "default"}', [("default", 3), ("default", 2), ("default", 1)]),
        ('{messageContains: "100% of _"}', [("default", 3)]),
        ('{messageContains: "😀"}', [("default", 3)]),
        ("{success: false}", [("default", 3)]),
        ("{minSeverity: NOTICE}", [("default", 3), ("default", 2)]),
        ("{minDurationMs: 0, maxDurationMs: 1000}", [("default", 3), ("default", 2)]),  # F1
        ('{objects: {objectType: "instance", objectId: "i-1"}}', [("lab", 8), ("default", 2), ("default", 1)]),
        ('{objects: {objectType: "instance", objectId: "i-1", namespace: "lab"}}', [("lab", 8)]),
        ('{objectTypes: ["device", "node"]}', [("lab", 8), ("default", 1)]),
        ('{extra: {path: "size", test: {eq: 1.1}}}', [("default", 1)]),  # F9
        ('{extra: {path: "size", test: {eq: "1.10"}}}', [("default", 3)]),
        (
            '{extra: {path: ["network usage", "52:54:00:01", "rx.bytes"], test: {eq: 9007199254740993}}}',
            [("default", 1)],
        ),
        ('{extra: {path: ["network usage", "52:54:00:01", "rx.bytes"], test: {eq: 9007199254740992}}}', []),
        ('{selectors: ["severity>=error", "source=host-1"]}', [("default", 3)]),
        ('{since: "2026-01-01T10:00:01Z", until: "2026-01-01T10:00:02Z"}', [("default", 4), ("default", 3)]),
    ],
)
async def test_filters_reach_the_database(caller: Caller, filter_: str, expected: list[tuple[str, int]]) -> None:
    """NU6, SY2; tests/properties holds filters against an independent reading of the rules."""
    assert await events(caller, f"filter: {filter_}") == expected


async def test_an_event_by_its_id_n1(caller: Caller) -> None:
    """Two namespaces hold one UUID: the home namespace's event, else the first by name."""
    four = f'event(id: "{event_id(4)}"'
    selection = "{ namespace message }"
    in_lab, in_none = f'{four}, namespace: "lab")', f'{four}, namespace: "x")'
    document = f"{{ home: {four}) {selection} lab: {in_lab} {selection} no: {in_none} {selection} }}"
    answer = await caller.run(document)
    assert answer.data == {
        "home": {"namespace": "default", "message": "all is well"},
        "lab": {"namespace": "lab", "message": "the same id elsewhere"},
        "no": None,
    }
    elsewhere = Caller(caller.database, home_namespace="lab")
    assert (await elsewhere.run(f"{{ {four}) {selection} }}")).data["event"]["namespace"] == "lab"
    nowhere = Caller(caller.database, home_namespace=None)
    assert (await nowhere.run(f"{{ {four}) {selection} }}")).data["event"]["namespace"] == "default"
    upper = f'{{ event(id: "{event_id(11).upper()}") {{ id }} node(id: "{event_id(8).upper()}") {{ id }} }}'
    assert (await caller.run(upper)).data == {"event": None, "node": {"id": event_id(8)}}


@pytest.mark.parametrize("malformed", ["", "x", "object:xyz", f"operation:{event_id(1)}", event_id(77), "\ud800"])
async def test_look_ups_that_find_nothing_answer_null_p7(caller: Caller, malformed: str) -> None:
    answer = await caller.run("query ($id: ID!) { node(id: $id) { id } event(id: $id) { id } }", {"id": malformed})
    assert answer.data == {"node": None, "event": None}


async def test_nodes_are_read_again_by_their_ids(caller: Caller) -> None:
    thing = object_node_id(ObjectRecord("default", "instance", "i-1"))
    selection = "__typename id ... on EventObject { objectId } ... on Event { message }"
    document = f'{{ a: node(id: "{thing}") {{ {selection} }} b: node(id: "{event_id(7)}") {{ {selection} }} }}'
    assert (await caller.run(document)).data == {
        "a": {"__typename": "EventObject", "id": thing, "objectId": "i-1"},
        "b": {"__typename": "Event", "id": event_id(7), "message": "still here"},
    }


async def test_the_relations_of_an_event(caller: Caller) -> None:
    """NU2; P6: objects are ordered by (objectType, objectId, namespace); T5: a cycle ends before a repeat."""
    document = """
      query ($ids: [ID!]) {
        events(filter: {ids: $ids, namespaces: "default"}, orderBy: OLDEST_FIRST) {
          nodes {
            objects { role object { namespace objectType objectId } }
            parent { id namespace }
            children { nodes { id namespace } }
            ancestors { id namespace }
          }
        }
      }
    """
    answer = await caller.run(document, {"ids": [event_id(number) for number in (1, 2, 3, 5, 6)]})
    one, two, three, orphan, cycle = answer.data["events"]["nodes"]
    assert [(link["role"], *link["object"].values()) for link in two["objects"]] == [
        (None, "default", "instance", "i-1"),
        (None, "default", "volume", "v-1"),
    ]
    assert [link["role"] for link in one["objects"]] == [None, "host"]
    assert (one["parent"], keys([two["parent"]]), orphan["parent"]) == (None, [("default", 1)], None)
    assert keys([cycle["parent"]]) == [("default", 6)]
    assert [keys(node["children"]["nodes"]) for node in (one, two, three)] == [[("default", 2)], [("default", 3)], []]
    assert keys(three["ancestors"]) == [("default", 2), ("default", 1)]
    assert keys(cycle["ancestors"]) == []
    assert (orphan["ancestors"], orphan["objects"]) == ([], [])


async def test_arguments_of_relations(caller: Caller) -> None:
    document = f"""{{ event(id: "{event_id(3)}") {{
      nearest: ancestors(first: 1) {{ id }} none: ancestors(first: 0) {{ id }} wrong: ancestors(first: 1001) {{ id }}
      parent {{
        children(last: 1) {{ pageInfo {{ hasPreviousPage }} nodes {{ id }} }}
        foreign: children(after: "") {{ nodes {{ id }} }}
      }}
    }} }}"""
    answer = await caller.run(document)
    assert set(answer.errors) == {
        (ErrorCode.BAD_USER_INPUT, "first is 1001, the maximum is 1000: ask for less and page on from the cursor"),
        (ErrorCode.BAD_USER_INPUT, f"after: {NO_CURSOR}"),
    }
    assert b'"nearest":[{"id":"%s"}],"none":[],"wrong":null' % event_id(2).encode() in answer.body
    assert (
        b'"children":{"pageInfo":{"hasPreviousPage":false},"nodes":[{"id":"%s"}]}' % event_id(3).encode() in answer.body
    )


async def test_an_object_always_answers(caller: Caller) -> None:
    document = """{
      known: object(objectType: "instance", objectId: "i-1") { ...F }
      elsewhere: object(objectType: "instance", objectId: "i-1", namespace: "lab") { ...F }
      unknown: object(objectType: "instance", objectId: "i-1 ", namespace: "no such") { ...F }
    }
    fragment F on EventObject {
      namespace objectType objectId firstEventAt lastEventAt timeline { nodes { namespace id } }
    }"""
    data = (await caller.run(document)).data
    assert keys(data["known"].pop("timeline")["nodes"]) == [("default", 2), ("default", 1)]
    assert data["known"] == {
        "namespace": "default",
        "objectType": "instance",
        "objectId": "i-1",
        "firstEventAt": "2026-01-01T10:00:00.000001Z",
        "lastEventAt": "2026-01-01T10:00:00.500000Z",
    }
    assert keys(data["elsewhere"]["timeline"]["nodes"]) == [("lab", 8)]
    assert data["unknown"] == {
        "namespace": "no such",
        "objectType": "instance",
        "objectId": "i-1 ",
        "firstEventAt": None,
        "lastEventAt": None,
        "timeline": {"nodes": []},
    }


async def test_a_timeline_takes_a_filter_and_an_order(caller: Caller) -> None:
    """EV3."""
    document = """{ object(objectType: "volume", objectId: "v-1") {
      types: timeline(filter: {eventTypes: "volume.attach"}) { nodes { namespace id } }
      oldest: timeline(orderBy: OLDEST_FIRST) { nodes { namespace id } }
      nothing: timeline(filter: {or: []}) { nodes { namespace id } }
      wrong: timeline(filter: {actors: null}) { nodes { namespace id } }
    } }"""
    answer = await caller.run(document)
    assert answer.error == (ErrorCode.BAD_USER_INPUT, "filter.actors is null: leave it out, or use isNull")
    assert b'"types":{"nodes":[{"namespace":"default","id":"%s"}]}' % event_id(2).encode() in answer.body
    assert answer.body.index(event_id(2).encode(), answer.body.index(b"oldest")) < answer.body.index(
        event_id(3).encode(), answer.body.index(b"oldest")
    )
    assert b'"nothing":{"nodes":[]},"wrong":null' in answer.body


async def test_an_object_without_a_namespace_needs_a_home(caller: Caller) -> None:
    answer = await Caller(caller.database, home_namespace=None).run('{ object(objectType: "a", objectId: "b") { id } }')
    assert answer.error == (
        ErrorCode.BAD_USER_INPUT,
        "namespace is missing, and you have no home namespace: name the object's namespace",
    )


async def test_objects_are_listed_by_namespace_type_and_id_p5(caller: Caller) -> None:
    selection = "nodes { namespace objectType objectId } edges { cursor } pageInfo { hasNextPage endCursor }"

    async def page(arguments: str) -> tuple[list[tuple[str, ...]], dict[str, Any]]:
        found = (await caller.run(f"{{ objects{arguments} {{ {selection} }} }}")).data["objects"]
        return [tuple(node.values()) for node in found["nodes"]], found

    everything = [
        ("default", "instance", "i-1"),
        ("default", "node", "n-1"),
        ("default", "volume", "v-1"),
        ("lab", "device", "d-2"),
        ("lab", "instance", "i-1"),
    ]
    assert (await page(""))[0] == everything
    assert (await page('(namespace: "lab")'))[0] == everything[3:]
    assert (await page('(objectType: "instance")'))[0] == [everything[0], everything[4]]
    assert (await page('(idPrefix: "i-", namespace: "default")'))[0] == everything[:1]
    assert (await page('(idPrefix: "%")'))[0] == []
    first, found = await page("(first: 2)")
    assert first == everything[:2]
    assert found["pageInfo"] == {"hasNextPage": True, "endCursor": found["edges"][1]["cursor"]}
    assert (await page(f'(first: 5, after: "{found["pageInfo"]["endCursor"]}")'))[0] == everything[2:]
    assert (await page(f'(last: 1, before: "{found["edges"][1]["cursor"]}")'))[0] == everything[:1]
    wrong = await caller.run(f'{{ objects(after: "{ORDERED}") {{ nodes {{ id }} }} }}')
    assert wrong.error == (ErrorCode.BAD_USER_INPUT, "after: this cursor belongs to a list of events, not of objects")


async def test_a_request_as_a_whole_ev4(caller: Caller) -> None:
    """T6: it ends at the latest (timestamp + durationMs); T10: the end is cut to microseconds."""
    fields = """requestId namespaces startedAt endedAt durationMs worstSeverity eventCount { value kind }
      objects { namespace objectType objectId } events { nodes { namespace id } }"""
    document = f"""{{ all: request(requestId: "req-1") {{ {fields} }}
      one: request(requestId: "req-1", namespace: "default") {{ {fields} }}
      none: request(requestId: "req-2") {{ {fields} }}
      elsewhere: request(requestId: "req-1", namespace: "no such") {{ {fields} }} }}"""
    data = (await caller.run(document)).data
    assert (data["none"], data["elsewhere"]) == (None, None)
    one = data["one"]
    assert keys(one.pop("events")["nodes"]) == [("default", 1), ("default", 2), ("default", 3)]
    assert [item["objectId"] for item in one.pop("objects")] == ["i-1", "n-1", "v-1"]
    assert one == {
        "requestId": "req-1",
        "namespaces": ["default"],
        "startedAt": "2026-01-01T10:00:00.000001Z",
        "endedAt": "2026-01-01T10:00:02.000000Z",
        "durationMs": 1999.999,
        "worstSeverity": "ERROR",
        "eventCount": {"value": 3, "kind": "EXACT"},
    }
    assert (data["all"]["namespaces"], data["all"]["eventCount"]["value"]) == (["default", "lab"], 4)
    assert data["all"]["endedAt"] == "2026-01-01T10:00:06.000000Z"
    assert keys(data["all"]["events"]["nodes"])[-1] == ("lab", 8)


async def test_the_objects_of_a_request_are_limited(caller: Caller) -> None:
    document = (
        '{ request(requestId: "req-1") { few: objects(first: 1) { objectId } wrong: objects(first: -1) { objectId } } }'
    )
    answer = await caller.run(document)
    assert answer.error == (ErrorCode.BAD_USER_INPUT, "first is -1: give a number from 0 to 1000")
    assert answer.body == b'{"request":{"few":[{"objectId":"i-1"}],"wrong":null}}'


async def test_namespaces_say_what_they_hold_ev10(caller: Caller) -> None:
    answer = await caller.run("{ namespaces { name eventCount { value kind } oldestEventAt eventsToday } }")
    assert answer.data["namespaces"] == [
        {
            "name": "default",
            "eventCount": {"value": 7, "kind": "EXACT"},
            "oldestEventAt": "2026-01-01T10:00:00.000001Z",
            "eventsToday": 7,
        },
        {
            "name": "lab",
            "eventCount": {"value": 2, "kind": "EXACT"},
            "oldestEventAt": "2026-01-01T10:00:05.000000Z",
            "eventsToday": 2,
        },
    ]


async def test_the_server_describes_itself(caller: Caller) -> None:
    document = """{ server { version databaseDialect schemaRevision now ingestFields
      viewer { name homeNamespace grants { namespace right } } } }"""
    server = (await caller.run(document)).data["server"]
    assert server["version"]
    assert server["databaseDialect"] == caller.database.dialect_name
    assert server["schemaRevision"]
    assert server["now"] == "2026-01-01T12:00:00.000000Z"
    assert server["ingestFields"][:4] == ["eventType", "source", "message", "objects"]
    assert "parentSpanId" in server["ingestFields"]
    assert server["viewer"] == {
        "name": "anonymous",
        "homeNamespace": "default",
        "grants": [{"namespace": None, "right": right} for right in ("READ", "INGEST", "DELETE", "OPERATE", "ADMIN")],
    }


async def test_half_a_surrogate_pair_is_refused_wherever_a_text_is_taken(caller: Caller) -> None:
    document = """query ($t: String!) {
      a: object(objectType: $t, objectId: "x") { id }
      b: objects(idPrefix: $t) { nodes { id } }
      c: request(requestId: $t) { requestId }
    }"""
    answer = await caller.run(document, '{"t": "\\ud800"}')
    assert [code for code, _ in answer.errors] == [ErrorCode.BAD_USER_INPUT] * 3
    assert sorted(message.split(" ", 1)[0] for _, message in answer.errors) == ["idPrefix", "objectType", "requestId"]
