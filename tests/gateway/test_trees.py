"""`correlation`, `causation` and `trace` over every database: shape, flags, state, limits, cost (GQ1, L3, NU2, EV5)."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

from gateway.errors import ErrorCode
from gateway.execution import Executor
from gateway.metrics import Metrics
from mutations.drafts import EventDraft, ObjectDraft
from mutations.ingest import IngestLimits, IngestOutcome, ingest_events
from storage.engine import Database
from storage.identities import AudienceName
from storage.options import DatabaseOptions
from storage.scopes import Scope
from tests.gateway.execution import DOCUMENTS, SCHEMA, BatchRecorder, Caller
from tests.gateway.history import RECEIVED, event_id
from tests.gateway.serving import post, serve_in_process

LIMITS = IngestLimits(max_batch_events=20_000)
SHAPE = "entries { depth parentId childCount isOrphan isCycle event { namespace id } } rootCount truncated state"
EVERYTHING_OF_IT = """
    rootCount startedAt endedAt durationMs worstSeverity state truncated
    entries {
      depth parentId childCount isOrphan isCycle offsetMs gapMs state elapsedMs
      event {
        id namespace eventType severity timestamp message extra durationMs success parentId
        objects { role object { objectType objectId } } parent { id } ancestors { id } children { nodes { id } }
      }
    }
"""
FIELDS = {
    "correlation": 'correlation(correlationId: "c")',
    "causation": f'causation(eventId: "{event_id(1)}")',
    "trace": 'trace(traceId: "t")',
}


def draft(number: int, parent: int | None = None, *, at: int | None = None, **given: Any) -> EventDraft:
    """Event `number`, at so many milliseconds, caused by event `parent`; of correlation `c` and trace `t`."""
    milliseconds = number if at is None else at
    return EventDraft(
        **({"event_type": "audit", "correlation_id": "c", "trace_id": "t"} | given),
        id=event_id(number),
        source="host-1",
        message=f"event {number}",
        timestamp=RECEIVED + milliseconds * 1000,
        parent_id=None if parent is None else event_id(parent),
    )


async def send(database: Database, *drafts: EventDraft) -> None:
    """Store some events."""
    report = await ingest_events(database, drafts, home_namespace="default", limits=LIMITS, clock=lambda: RECEIVED)
    assert {result.outcome for result in report.results} == {IngestOutcome.ACCEPTED}


async def ask(caller: Caller, call: str, selection: str = SHAPE, **context: Any) -> Any:
    """Give the tree that a root field answers."""
    answer = await caller.run(f"{{ tree: {call} {{ {selection} }} }}", **context)
    return answer.data["tree"]


def outline(tree: dict[str, Any]) -> list[str]:
    """Draw a tree: a line for each entry, indented by its depth, with its flags."""
    return [f"{'  ' * entry['depth']}{_number(entry['event']['id'])}{_flags(entry)}" for entry in tree["entries"]]


def _number(identifier: str) -> int:
    return int(identifier[-12:], 16)


def _flags(entry: dict[str, Any]) -> str:
    return f"{' orphan' if entry['isOrphan'] else ''}{' cycle' if entry['isCycle'] else ''}"


def require_consistent(tree: dict[str, Any]) -> None:
    """Check what must hold of every tree: T1, T4, counts that fit the entries, each event once."""
    entries = tree["entries"]
    line: list[dict[str, Any]] = []
    children: dict[str, list[str]] = {}
    for entry in entries:
        assert entry["depth"] <= len(line)
        del line[entry["depth"] :]
        above = line[-1]["event"]["id"] if line else None
        assert entry["parentId"] == above
        children.setdefault(str(above), []).append(entry["event"]["id"])
        assert not (entry["depth"] and (entry["isOrphan"] or entry["isCycle"]))
        line.append(entry)
    assert tree["rootCount"] == len([entry for entry in entries if entry["depth"] == 0])
    if len({entry["event"]["namespace"] for entry in entries}) == 1:
        for entry in entries:
            assert entry["childCount"] == len(children.get(entry["event"]["id"], []))
    keys = [(entry["event"]["namespace"], entry["event"]["id"]) for entry in entries]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("call", FIELDS.values(), ids=FIELDS)
async def test_a_bulk_action_is_followed_from_its_start_to_its_end(database: Database, call: str) -> None:
    """NU2, T9: one event on top, one for each resource, endings that arrive late and find their place."""
    caller = Caller(database)
    steps: list[tuple[list[EventDraft], list[str], str | None]] = [
        ([draft(1, event_type="vm.bulk-start")], ["1"], None),
        (
            [draft(number, 1, event_type="vm.start") for number in (2, 3, 4)],
            ["1", "  2", "  3", "  4"],
            None,
        ),
        (
            [draft(9, 3, event_type="vm.start.completed", success=True)],
            ["1", "  2", "  3", "    9", "  4"],
            "RUNNING",
        ),
        (
            [draft(7, 2, event_type="vm.start.completed"), draft(8, 4, event_type="vm.start.completed")],
            ["1", "  2", "    7", "  3", "    9", "  4", "    8"],
            "RUNNING",
        ),
        (
            [draft(20, 1, event_type="vm.bulk-start.completed")],
            ["1", "  2", "    7", "  3", "    9", "  4", "    8", "  20"],
            "COMPLETED",
        ),
        (
            # A resource that was late for the start too: stored after the end of the whole, timed before it.
            [draft(5, 1, event_type="vm.start"), draft(6, 5, event_type="vm.start.failed", severity="ERROR")],
            ["1", "  2", "    7", "  3", "    9", "  4", "    8", "  5", "    6", "  20"],
            "PARTLY_FAILED",
        ),
        (
            [draft(21, 1, event_type="vm.bulk-start.failed")],
            ["1", "  2", "    7", "  3", "    9", "  4", "    8", "  5", "    6", "  20", "  21"],
            "FAILED",
        ),
    ]
    for drafts, expected, state in steps:
        await send(database, *drafts)
        tree = await ask(caller, call)
        require_consistent(tree)
        assert (outline(tree), tree["state"], tree["rootCount"]) == (expected, state, 1)
    assert await ask(caller, call, "worstSeverity") == {"worstSeverity": "ERROR"}


async def test_each_action_of_a_batch_has_its_state_and_duration(database: Database) -> None:
    """NU2: one batch has the top event and a child for each resource; endings that arrive later attach by parent."""
    caller = Caller(database)
    call, selection = f'causation(eventId: "{event_id(3)}")', "state durationMs entries { state elapsedMs }"
    starts = [draft(number, 1, event_type="vm.start") for number in (2, 3, 4)]
    await send(database, draft(1, event_type="vm.bulk-start"), *starts)
    begun = await ask(caller, call, selection)
    assert (begun["state"], begun["durationMs"]) == (None, 3)
    assert begun["entries"] == [{"state": "RUNNING", "elapsedMs": None}] * 4
    await send(
        database,
        draft(50, 2, event_type="vm.start.completed"),
        draft(70, 3, event_type="vm.start.failed", duration_ms=0.5),
        draft(4_000, 3, event_type="vm.start.completed"),
    )
    ended = await ask(caller, call, selection)
    assert (ended["state"], ended["durationMs"]) == ("RUNNING", 3_999)
    assert [(entry["state"], entry["elapsedMs"]) for entry in ended["entries"]] == [
        ("RUNNING", None),
        ("COMPLETED", 48),
        (None, None),
        ("COMPLETED", 3_997),
        (None, 0.5),
        (None, None),
        ("RUNNING", None),
    ]


async def test_gaps_stand_between_events_of_one_type(database: Database) -> None:
    """SY5: what a session waits for between its batches."""
    batches = [
        draft(number, at=at, event_type=kind, duration_ms=took)
        for number, (kind, at, took) in enumerate(
            [("batch", 0, 10.001), ("start", 1, 900), ("batch", 30, 100), ("batch", 50, 5), ("batch", 200, None)],
            start=1,
        )
    ]
    await send(database, *batches)
    tree = await ask(Caller(database), FIELDS["correlation"], "entries { gapMs offsetMs }")
    assert [entry["gapMs"] for entry in tree["entries"]] == [None, None, 19.999, 0, 70]


async def test_a_parent_may_arrive_later_than_its_child(database: Database) -> None:
    """NU2, T3, T7: until then the children are orphans, and trees of their own to `causation`."""
    caller = Caller(database)
    await send(database, draft(2, 1), draft(3, 2), draft(4, 1))
    before = await ask(caller, FIELDS["correlation"])
    require_consistent(before)
    assert outline(before) == ["2 orphan", "  3", "4 orphan"]
    assert outline(await ask(caller, f'causation(eventId: "{event_id(3)}")')) == ["2 orphan", "  3"]
    assert await ask(caller, FIELDS["causation"]) is None
    await send(database, draft(1, at=9))
    for call in FIELDS.values():
        after = await ask(caller, call)
        require_consistent(after)
        assert (outline(after), after["rootCount"]) == (["1", "  2", "    3", "  4"], 1)


async def test_a_parent_of_another_correlation_is_missing_from_the_tree(database: Database) -> None:
    """T3, T4: stored and visible, not in this tree; the event's own parentId tells the rest."""
    caller = Caller(database)
    await send(database, draft(1, correlation_id="other", trace_id="other"), draft(2, 1), draft(3, 2))
    for call in (FIELDS["correlation"], FIELDS["trace"]):
        tree = await ask(caller, call, f"{SHAPE} own: entries {{ event {{ parentId parent {{ id }} }} }}")
        assert outline(tree) == ["2 orphan", "  3"]
        assert tree["own"][0]["event"] == {"parentId": event_id(1), "parent": {"id": event_id(1)}}
    assert outline(await ask(caller, FIELDS["causation"])) == ["1", "  2", "    3"]


async def test_what_is_hidden_is_as_if_it_had_never_been_stored(
    backend: str, new_database_url: Callable[[str], str]
) -> None:
    """NU4, L3, T7: a hidden parent is a missing one: the same bytes in each field, relations and counts included."""
    visible = [draft(2, 1), draft(3, 2), draft(5, 4, success=True), draft(6, 2, duration_ms=1.5)]
    secret: dict[str, Any] = {"visible_to": ["alice"], "event_type": "secret", "severity": "CRITICAL"}
    hidden = [draft(1, **secret), draft(4, 3, success=False, **secret), draft(7, 2, at=99, duration_ms=1e9, **secret)]
    with_hidden = await Database.open(new_database_url(backend))
    without = await Database.open(new_database_url(backend))
    try:
        await send(with_hidden, *hidden, *visible)
        await send(without, *visible)
        calls = [*FIELDS.values(), *(f'causation(eventId: "{event_id(number)}")' for number in range(2, 8))]
        for call in calls:
            bodies = []
            for database in (with_hidden, without):
                scope = await scope_of_everybody(database)
                for most in (10_000, 3):
                    document = f"{{ tree: {call} {{ {EVERYTHING_OF_IT} }} }}"
                    answer = await Caller(database).run(document, scope=scope, max_tree_events=most)
                    assert answer.errors == []
                    bodies.append(answer.body)
            assert bodies[:2] == bodies[2:]
        scope = await scope_of_everybody(with_hidden)
        seen = await ask(Caller(with_hidden), FIELDS["correlation"], scope=scope)
        assert outline(seen) == ["2 orphan", "  3", "  6", "5 orphan"]
        assert seen["state"] == "RUNNING"
        assert await ask(Caller(with_hidden), FIELDS["causation"], scope=scope) is None
        everything = await ask(Caller(with_hidden), FIELDS["causation"])
        assert outline(everything) == ["1", "  2", "    3", "      4", "        5", "    6", "    7"]
    finally:
        await with_hidden.close()
        await without.close()


async def scope_of_everybody(database: Database) -> Scope:
    """What somebody sees who is named nowhere."""
    name = AudienceName("default", None, None)
    return Scope(audience_keys=frozenset({(await database.identities.intern_audiences([name]))[name].key}))


CYCLES: dict[str, tuple[dict[int, int], list[str]]] = {
    "one": ({1: 1, 2: 1, 3: 2}, ["1 cycle", "  2", "    3"]),
    "two": ({1: 2, 2: 1, 3: 1, 4: 2}, ["1 cycle", "  2", "    4", "  3"]),
    "three": ({1: 3, 2: 1, 3: 2, 4: 2, 5: 3, 6: 1}, ["1 cycle", "  2", "    3", "      5", "    4", "  6"]),
}


@pytest.mark.parametrize(("parents", "expected"), CYCLES.values(), ids=CYCLES)
async def test_a_cycle_is_shown_and_cut(database: Database, parents: dict[int, int], expected: list[str]) -> None:
    """T2, L3, I9: the same from each of its events, in all three trees."""
    caller = Caller(database)
    await send(database, *(draft(number, parent) for number, parent in parents.items()))
    by_parents = [f'causation(eventId: "{event_id(number)}")' for number in parents]
    for call in (*FIELDS.values(), *by_parents):
        tree = await ask(caller, call)
        require_consistent(tree)
        assert (outline(tree), tree["rootCount"]) == (expected, 1)


async def test_two_namespaces_may_hold_the_same_ids(database: Database) -> None:
    """T8, N1: trees over both keep them apart; causation takes the home namespace, else the first by name."""
    await send(
        database,
        *(draft(number, parent, namespace="lab") for number, parent in ((1, None), (2, 1), (3, 2))),
        *(draft(number, parent, namespace="attic") for number, parent in ((1, 2), (2, None), (3, 9))),
    )
    at_home = Caller(database, home_namespace="lab")
    tree = await ask(at_home, FIELDS["correlation"])
    require_consistent(tree)
    places = [(entry["depth"], entry["event"]["namespace"], _number(entry["event"]["id"])) for entry in tree["entries"]]
    # Two roots of one time and one id would stand by the name of their namespace.
    assert places == [
        *((0, "lab", 1), (1, "lab", 2), (2, "lab", 3)),
        *((0, "attic", 2), (1, "attic", 1), (0, "attic", 3)),
    ]
    assert [entry["isOrphan"] for entry in tree["entries"]] == [False] * 5 + [True]
    assert [entry["childCount"] for entry in tree["entries"]] == [1, 1, 0, 1, 0, 0]
    lab, attic = ["1", "  2", "    3"], ["2", "  1", "3 orphan"]
    assert outline(await ask(at_home, 'trace(traceId: "t", namespace: "lab")')) == lab
    assert outline(await ask(at_home, 'correlation(correlationId: "c", namespace: "attic")')) == attic
    assert outline(await ask(at_home, FIELDS["causation"])) == lab
    assert outline(await ask(at_home, f'causation(eventId: "{event_id(1)}", namespace: "attic")')) == attic[:2]
    assert outline(await ask(Caller(database), FIELDS["causation"])) == attic[:2]


@pytest.mark.parametrize(
    "call",
    [
        'correlation(correlationId: "nobody")',
        'correlation(correlationId: "")',
        'correlation(correlationId: "C")',
        'correlation(correlationId: "c", namespace: "nowhere")',
        'correlation(correlationId: "c", namespace: "")',
        'trace(traceId: "nobody")',
        'trace(traceId: "t", namespace: "nowhere")',
        f'causation(eventId: "{event_id(404)}")',
        f'causation(eventId: "{event_id(1)}", namespace: "nowhere")',
        f'causation(eventId: "{event_id(1)}", namespace: "")',
        'causation(eventId: "no id")',
        'causation(eventId: "")',
    ],
)
async def test_what_is_unknown_or_malformed_is_null(database: Database, call: str) -> None:
    """P7."""
    await send(database, draft(1))
    assert await ask(Caller(database), call) is None


async def test_an_event_id_may_be_written_in_capitals_and_a_namespace_may_be_null(database: Database) -> None:
    """F14."""
    await send(database, draft(0xABCDEF, at=1))
    for call in (
        f'causation(eventId: "{event_id(0xABCDEF).upper()}", namespace: null)',
        'correlation(correlationId: "c", namespace: null)',
    ):
        assert outline(await ask(Caller(database), call)) == [str(0xABCDEF)]


@pytest.mark.parametrize(
    "call",
    [
        "correlation(correlationId: $text)",
        "trace(traceId: $text)",
        'trace(traceId: "t", namespace: $text)',
        f'causation(eventId: "{event_id(1)}", namespace: $text)',
    ],
)
async def test_half_a_surrogate_is_refused(database: Database, call: str) -> None:
    answer = await Caller(database).run(f"query($text: String!) {{ {call} {{ rootCount }} }}", {"text": "\ud800"})
    assert answer.error[0] is ErrorCode.BAD_USER_INPUT


@pytest.mark.parametrize("durations", [(1.0001, 20.57, None, 0.0), (10.57, None, 0.0, None), (None, 20.0, 0.57, 1.5)])
async def test_times_are_those_of_the_whole_tree(database: Database, durations: Sequence[float | None]) -> None:
    """T6, T10, EV6: the end may be that of any event, fractions stay; the same as the request's own."""
    first, second, third, fourth = durations
    caller = Caller(database)
    await send(
        database,
        draft(1, at=10, request_id="r", duration_ms=first),
        draft(2, 1, at=0, request_id="r", duration_ms=second),
        draft(3, 1, at=20, request_id="r", duration_ms=third),
        draft(4, 3, at=4, request_id="r", duration_ms=fourth, severity="WARNING"),
    )
    fields = "startedAt endedAt durationMs worstSeverity"
    expected = {
        "startedAt": "2026-01-01T11:00:00.000000Z",
        "endedAt": "2026-01-01T11:00:00.020570Z",
        "durationMs": 20.57,
        "worstSeverity": "WARNING",
    }
    for call in ('request(requestId: "r")', *FIELDS.values()):
        assert await ask(caller, call, fields) == expected
    tree = await ask(caller, FIELDS["trace"], "entries { offsetMs event { id } }")
    assert [(_number(entry["event"]["id"]), entry["offsetMs"]) for entry in tree["entries"]] == [
        (1, 10.0),
        (2, 0.0),
        (3, 20.0),
        (4, 4.0),
    ]


@pytest.mark.parametrize("most", [1, 2, 3, 4, 5, 6])
async def test_a_tree_is_truncated_at_its_limit(database: Database, most: int) -> None:
    """L3: the oldest events of a correlation; of a cause the event itself, those above it, then what is near."""
    caller = Caller(database)
    await send(database, draft(1), draft(2, 1), draft(3, 2), draft(4, 3), draft(5, 1))
    for call in (FIELDS["correlation"], FIELDS["trace"]):
        tree = await ask(caller, call, max_tree_events=most)
        require_consistent(tree)
        expected = ["1", "  2", "    3", "      4", "  5"][: min(most, 5)]
        assert (outline(tree), tree["truncated"]) == (expected, most < 5)
    from_below = {
        1: ["4 orphan"],
        2: ["3 orphan", "  4"],
        3: ["2 orphan", "  3", "    4"],
        4: ["1", "  2", "    3", "      4"],
    }
    tree = await ask(caller, f'causation(eventId: "{event_id(4)}")', max_tree_events=most)
    require_consistent(tree)
    whole = ["1", "  2", "    3", "      4", "  5"]
    assert (outline(tree), tree["truncated"]) == (from_below.get(most, whole), most < 5)


async def test_a_tree_that_the_scan_limit_ends_before_its_first_event_is_empty_and_truncated(database_url: str) -> None:
    """P7, L8: nobody knows whether there is one, so it is neither null nor complete."""
    database = await Database.open(database_url, DatabaseOptions(scan_rows=1000))
    try:
        await send(database, *(draft(number, namespace="lab") for number in range(1001)))
        assert await ask(
            Caller(database), 'correlation(correlationId: "c", namespace: "default")', EVERYTHING_OF_IT
        ) == {
            **dict.fromkeys(("startedAt", "endedAt", "durationMs", "worstSeverity", "state")),
            "rootCount": 0,
            "truncated": True,
            "entries": [],
        }
    finally:
        await database.close()


async def test_the_limit_is_a_setting(database: Database, database_url: str) -> None:
    """L3: TIMELOOM_MAX_TREE_EVENTS."""
    await send(database, draft(1), draft(2, 1), draft(3, 1))
    async with serve_in_process(database_url, max_tree_events=2) as client:
        answer = await post(client, f"{{ tree: {FIELDS['correlation']} {{ {SHAPE} }} }}")
    tree = answer.json()["data"]["tree"]
    assert (outline(tree), tree["truncated"]) == (["1", "  2"], True)


async def test_deep_and_wide_trees(database: Database) -> None:
    """L3, T1: a chain of 2000 and an event with 3000 children, as an outline and from end to end."""
    caller = Caller(database)
    chain = [draft(number, number - 1 or None) for number in range(1, 2001)]
    fan = [draft(number, 10_000 if number > 10_000 else None, correlation_id="w") for number in range(10_000, 13_001)]
    await send(database, *chain, *fan)
    for call in (FIELDS["correlation"], FIELDS["causation"], f'causation(eventId: "{event_id(2000)}")'):
        tree = await ask(caller, call)
        require_consistent(tree)
        assert [entry["depth"] for entry in tree["entries"]] == list(range(2000))
        assert [_number(entry["event"]["id"]) for entry in tree["entries"]] == list(range(1, 2001))
    for call in ('correlation(correlationId: "w")', f'causation(eventId: "{event_id(12_345)}")'):
        tree = await ask(caller, call)
        require_consistent(tree)
        assert [_number(entry["event"]["id"]) for entry in tree["entries"]] == list(range(10_000, 13_001))
        assert tree["entries"][0]["childCount"] == 3000
        assert not tree["truncated"]


@pytest.mark.parametrize("call", FIELDS.values(), ids=FIELDS)
async def test_relations_of_entries_cost_one_statement_per_200_events(database: Database, call: str) -> None:
    """GQ2: whatever the number of events; a tree of more generations costs one more for each."""
    caller = Caller(database)
    relations = "objects { role object { objectId } } parent { message } ancestors(first: 2) { id }"
    selection = f"entries {{ event {{ message {relations} }} }}"
    sent, counts = 1, {}
    await send(database, draft(1))
    for size in (2, 200, 201, 400, 401):
        new = range(sent + 1, size + 1)
        await send(database, *(with_thing(number) for number in new))
        sent = size
        await ask(caller, call, selection)  # names are known from now on
        answer = await caller.run(f"{{ tree: {call} {{ {selection} }} }}")
        counts[size] = len(answer.statements)
        entries = answer.data["tree"]["entries"]
        assert [entry["event"]["message"] for entry in entries] == [f"event {n}" for n in range(1, size + 1)]
        assert [entry["event"]["objects"] for entry in entries[1:]] == [
            [{"role": None, "object": {"objectId": f"thing-{n}"}}] for n in range(2, size + 1)
        ]
        assert {entry["event"]["parent"]["message"] for entry in entries[1:]} == {"event 1"}
    base = counts[2]
    # The parent is one key for all; it and what nobody has above the root take one statement each.
    assert counts == {2: base, 200: base, 201: base + 2, 400: base + 2, 401: base + 4}


def with_thing(number: int) -> EventDraft:
    child = draft(number, 1)
    child.objects = [ObjectDraft("thing", f"thing-{number}")]
    return child


@pytest.mark.parametrize("call", FIELDS.values(), ids=FIELDS)
async def test_only_what_is_asked_for_is_fetched(database: Database, call: str) -> None:
    """GQ2: texts of the events only when the selection holds them, through fragments too."""
    caller = Caller(database)
    await send(database, draft(1, extra='{"n": 1.10}'))
    without = await caller.run(f"{{ tree: {call} {{ state entries {{ offsetMs event {{ id }} }} }} }}")
    assert not [sql for sql in without.statements if "events.extra" in sql or "events.message" in sql]
    fragment = "fragment E on EventTree { entries { event { ...D } } } fragment D on Event { extra }"
    asked = await caller.run(f"{{ tree: {call} {{ ...E }} }} {fragment}")
    assert asked.body == b'{"tree":{"entries":[{"event":{"extra":{"n":1.10}}}]}}'


@pytest.mark.parametrize("call", FIELDS.values(), ids=FIELDS)
async def test_both_executors_give_the_same(database: Database, call: str) -> None:
    """L1: a tree goes through compiled, and stock execution has nothing to add."""
    parents = {1: None, 2: 1, 3: 1, 4: 2, 5: 3, 6: 99, 7: 7, 8: 9, 9: 8}
    await send(database, *(draft(number, parent, success=number != 4) for number, parent in parents.items()))
    metrics = Metrics()
    bodies = []
    for executor in (Executor(SCHEMA, metrics), Executor(SCHEMA, metrics, compiled=False)):
        prepared = DOCUMENTS.prepare(f"{{ tree: {call} {{ {EVERYTHING_OF_IT} again: entries {{ depth }} }} }}")
        context = Caller(database)._context(BatchRecorder(), {})
        result = await executor.execute(prepared, prepared.operation(None), variables={}, context=context)
        bodies.append(executor.answer(result, request_id="r").body)
    assert bodies[0] == bodies[1]
    assert b'"errors"' not in bodies[0]
    assert not list(stock_executions(metrics))


def stock_executions(metrics: Metrics) -> Iterable[str]:
    return [
        line for line in metrics.render().decode().splitlines() if line.startswith("timeloom_stock_executions_total{")
    ]
