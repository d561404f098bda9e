"""The demo's history as it is told, before anything is stored."""

import uuid
from collections import Counter
from itertools import pairwise

import orjson
import pytest

from gateway.demo.cluster import Cluster
from gateway.demo.draws import DAY, HOUR, Draws
from gateway.demo.history import FAILED_REQUEST_AGE, SPAN, known_by, tell_history
from gateway.demo.rhythm import Rhythm
from gateway.demo.showcase import BUSY_NODE, FAILED_REQUEST_ID, FAILING_PEER, LOST_NODE
from gateway.demo.sync_log import SyncLog
from gateway.schema.actions import TreeState, find_actions, judge
from gateway.schema.forests import plant
from mutations.drafts import EventDraft
from storage.severities import severity_from_word

UNTIL = 1_795_240_800_000_000
"""2026-11-21T06:00:00Z, a Saturday morning."""
FRIDAY_AFTERNOON = UNTIL - 16 * HOUR
SMALL = 2_000


@pytest.fixture(scope="module")
def history() -> list[EventDraft]:
    """A history of the size that tests load."""
    return list(tell_history(SMALL, seed=1, until=UNTIL))


def of_namespace(history: list[EventDraft], namespace: str) -> list[EventDraft]:
    return [draft for draft in history if draft.namespace == namespace]


def moment(draft: EventDraft) -> int:
    assert draft.timestamp is not None
    return draft.timestamp


def end(draft: EventDraft) -> int:
    """T6: an event lasts from its timestamp to timestamp + duration."""
    return moment(draft) + round((draft.duration_ms or 0) * 1_000)


def state(tree: list[EventDraft]) -> TreeState | None:
    """T9."""
    names = [(str(draft.namespace), str(draft.id)) for draft in tree]
    forest = plant(names, [draft.parent_id for draft in tree])
    return judge(forest, find_actions(forest, [draft.event_type for draft in tree], [draft.success for draft in tree]))


def requests(history: list[EventDraft], namespace: str) -> list[list[EventDraft]]:
    """The events of each request, oldest first."""
    trails: dict[str, list[EventDraft]] = {}
    for draft in of_namespace(history, namespace):
        if draft.request_id:
            trails.setdefault(draft.request_id, []).append(draft)
    return list(trails.values())


def references(draft: EventDraft) -> list[tuple[str, str, str | None]]:
    return [(each.object_type, each.object_id, each.role) for each in draft.objects or ()]


def details(draft: EventDraft) -> dict[str, object]:
    parsed = orjson.loads(draft.extra or "{}")
    assert isinstance(parsed, dict)
    return parsed


@pytest.mark.parametrize("count", [1, 2, 3, 7, 99, 1_000, 12_345])
def test_exactly_so_many_events_come_oldest_first_within_two_weeks(count: int) -> None:
    moments = [moment(draft) for draft in tell_history(count, seed=3, until=UNTIL)]
    assert len(moments) == count
    assert moments == sorted(moments)
    assert moments[0] >= UNTIL - SPAN
    assert moments[-1] <= UNTIL


def test_same_seed_number_and_end_give_the_same_events(history: list[EventDraft]) -> None:
    assert list(tell_history(SMALL, seed=1, until=UNTIL)) == history


@pytest.mark.parametrize(
    ("count", "seed", "until"),
    [(SMALL + 1, 1, UNTIL), (SMALL, 2, UNTIL), (SMALL, 1, UNTIL + HOUR)],
    ids=["another number", "another seed", "another end"],
)
def test_another_history_shares_nothing_but_the_failed_request(
    history: list[EventDraft], count: int, seed: int, until: int
) -> None:
    ids = {draft.id: draft for draft in history}
    common = [draft for draft in tell_history(count, seed=seed, until=until) if draft.id in ids]
    assert all(draft.request_id == FAILED_REQUEST_ID and draft == ids[draft.id] for draft in common)
    assert len(common) == (19 if until == UNTIL else 0)


def test_ids_are_uuidv7_of_the_time_and_all_different(history: list[EventDraft]) -> None:
    assert len({draft.id for draft in history}) == SMALL
    for draft in history:
        parsed = uuid.UUID(draft.id)
        assert (str(parsed), parsed.version, parsed.variant) == (draft.id, 7, uuid.RFC_4122)
        assert parsed.int >> 80 == moment(draft) // 1_000


def test_ids_made_by_chance_sort_by_time_to_the_microsecond() -> None:
    draws = Draws("ids")
    ids = [draws.event_id(UNTIL + step) for step in range(3_000)]
    assert ids == sorted(ids)


def test_parents_come_before_their_children_in_the_same_namespace(history: list[EventDraft]) -> None:
    """NU2: whatever the number of events cuts off, no parent is missing."""
    seen = set()
    for draft in history:
        assert draft.parent_id is None or (draft.namespace, draft.parent_id) in seen
        seen.add((draft.namespace, draft.id))
    assert sum(draft.parent_id is not None for draft in history) > SMALL / 4


def test_each_event_keeps_to_the_limits_of_ingest(history: list[EventDraft]) -> None:
    """At most 100 different objects, at most 255 code points, no severity beside the source's own word."""
    for draft in history:
        named = [(kind, identifier) for kind, identifier, _ in references(draft)]
        assert len(named) == len(set(named)) <= 100
        assert all(len(text) <= 255 for text in (draft.source, draft.actor or "-", *(name for _, name in named)))
        assert draft.severity is None or draft.severity_text is None


def test_the_cluster_writes_every_type_of_its_kind(history: list[EventDraft]) -> None:
    """EV8, OP2: the eight types, operations to their ends, and the six types of objects."""
    cluster = of_namespace(history, "default")
    assert {draft.event_type for draft in cluster} == {
        *("audit", "mutate", "status", "usage", "resources", "prune", "health", "historic"),
        *(
            f"operation.{state}"
            for state in ("queued", "preflight", "executing", "complete", "abort", "deleted", "error")
        ),
    }
    assert {kind for draft in cluster for kind, _, _ in references(draft)} == {
        *("instance", "network", "node", "blob", "operation", "api-requests"),
    }
    sizes = {len(references(draft)) for draft in cluster if draft.event_type.startswith("operation.")}
    assert max(sizes) == 5


def test_requests_to_the_cluster_share_trace_actor_and_root(history: list[EventDraft]) -> None:
    """EV4, EV5: one request is one trace, and touches several objects."""
    trails = requests(history, "default")
    for trail in trails:
        assert len({(draft.trace_id, draft.actor) for draft in trail}) == 1
        assert [draft for draft in trail if draft.parent_id is None] == trail[:1]
        assert {draft.parent_span_id for draft in trail[1:]} <= {trail[0].span_id}
    assert max(len({pair[:2] for draft in trail for pair in references(draft)}) for trail in trails) >= 6


def test_a_request_to_the_cluster_lasts_until_its_answer_and_has_its_outcome(history: list[EventDraft]) -> None:
    """T6, T9: the first event spans the request; without an answer it is still running."""
    states: Counter[tuple[str, TreeState | None]] = Counter()
    for trail in requests(history, "default"):
        _, answered, status = trail[-1].message.partition(" answered ")
        aborted = any(draft.event_type == "operation.abort" for draft in trail)
        states["aborted" if aborted else status[:1], state(trail)] += 1
        if answered:
            assert [end(trail[0]), trail[0].success] == [moment(trail[-1]), status < "4"]
            assert all(draft.success is not None and end(draft) <= end(trail[0]) for draft in trail)
        else:
            assert (trail[0].success, trail[0].duration_ms) == (None, None)
    assert set(states) == {
        ("2", TreeState.COMPLETED),
        ("4", TreeState.FAILED),
        ("5", TreeState.FAILED),
        ("aborted", TreeState.PARTLY_FAILED),
        ("", TreeState.RUNNING),
    }
    assert states["", TreeState.RUNNING] < states["2", TreeState.COMPLETED] / 10


def test_an_operation_takes_as_long_as_it_is_executing(history: list[EventDraft]) -> None:
    """OP2, T6: a step begins when the one before it is over; the outcome hangs below what was executed."""
    by_id = {draft.id: draft for draft in history}
    outcomes = [
        draft
        for draft in of_namespace(history, "default")
        if draft.event_type.removeprefix("operation.") in ("complete", "abort", "deleted", "error")
        and (draft.request_id or draft.message.startswith("blob_replicate"))
    ]
    for draft in outcomes:
        executing = by_id[draft.parent_id]
        assert executing.event_type == "operation.executing"
        assert (end(executing), draft.duration_ms) == (moment(draft), None)
        assert executing.success is draft.success is (draft.event_type == "operation.complete")
    assert {draft.request_id is None for draft in outcomes} == {True, False}


def test_usage_has_keys_with_blanks_and_dots(history: list[EventDraft]) -> None:
    """NU7: paths like those that a hypervisor writes."""
    usages = [draft for draft in history if draft.event_type == "usage"]
    for draft in usages:
        ((mac, counters),) = details(draft)["network usage"].items()  # type: ignore[attr-defined]
        assert mac.startswith("52:54:00:")
        assert set(counters) == {"rx.bytes", "tx.bytes", "rx.errs"}


def test_a_node_goes_down_and_comes_back(history: list[EventDraft]) -> None:
    told = [draft.message for draft in history if draft.event_type == "status" and LOST_NODE in draft.message]
    assert told == [f"{LOST_NODE} is down", f"{LOST_NODE} is up again"] * 2
    lost = [draft for draft in history if draft.message.endswith("is lost: its node is down")]
    assert {draft.severity for draft in lost} == {"ERROR"}


def test_the_failed_request_is_told_whole_at_its_time(history: list[EventDraft]) -> None:
    trail = [draft for draft in history if draft.request_id == FAILED_REQUEST_ID]
    assert len(trail) == 19
    assert moment(trail[0]) == UNTIL - FAILED_REQUEST_AGE
    assert trail[-1].message == "api request: POST /instances answered 500"
    assert trail[0].duration_ms == (moment(trail[-1]) - moment(trail[0])) / 1_000
    assert max(map(end, trail)) == moment(trail[-1])
    tries = [draft for draft in trail if draft.message.startswith("fetching")]
    assert [draft.duration_ms for draft in tries] == [1_520.0, 4_080.5, 9_771.25]
    assert all(end(early) < moment(late) for early, late in pairwise(tries))
    assert state(trail) is TreeState.FAILED


def test_the_sync_log_has_its_types_categories_and_fields(history: list[EventDraft]) -> None:
    """SY1: 13 event types, four categories, four severities; peers as objects, model types as a list."""
    log = of_namespace(history, "library-photos")
    assert {(draft.event_type, draft.category) for draft in log} == {
        ("state_transition", "lifecycle"),
        ("backfill_session_started", "lifecycle"),
        ("backfill_session_completed", "lifecycle"),
        ("backfill_session_failed", "lifecycle"),
        ("catch_up_session_started", "lifecycle"),
        ("catch_up_session_completed", "lifecycle"),
        ("batch_ingestion", "data_flow"),
        ("backfill_request_sent", "data_flow"),
        ("backfill_request_received", "data_flow"),
        ("backfill_response_sent", "data_flow"),
        ("peer_connected", "network"),
        ("peer_disconnected", "network"),
        ("sync_error", "error"),
    }
    assert {draft.severity for draft in log} == {"DEBUG", "INFO", "WARNING", "ERROR"}
    for draft in log:
        assert [(kind, role) for kind, _, role in references(draft)] in ([], [("device", "peer")])
        assert all(name != draft.source for _, name, _ in references(draft))
    batches = [draft for draft in log if draft.event_type == "batch_ingestion"]
    assert all(draft.record_count and draft.duration_ms and draft.category == "data_flow" for draft in batches)
    assert all(isinstance(details(draft)["model_types"], list) for draft in batches)
    started = [draft for draft in log if draft.event_type == "backfill_session_started"]
    assert all(details(draft)["candidates"] for draft in started)
    assert all(draft.correlation_id for draft in log if "session" in draft.event_type)


def test_a_session_lasts_from_its_start_to_its_end(history: list[EventDraft]) -> None:
    """T6: the event that starts it tells how long it took; a batch is over before the session goes on."""
    sessions: dict[str | None, list[EventDraft]] = {}
    for draft in of_namespace(history, "library-photos"):
        if draft.correlation_id:
            sessions.setdefault(draft.correlation_id, []).append(draft)
    told = 0
    for log in sessions.values():
        assert all(end(early) < moment(late) for early, late in pairwise(log) if "_started" not in early.event_type)
        starts = [end(draft) for draft in log if draft.event_type.endswith("_session_started")]
        endings = [draft for draft in log if draft.event_type.endswith(("_session_completed", "_session_failed"))]
        if endings:
            assert starts == [moment(draft) for draft in endings]
        told += len(endings)
    assert told > 20


def test_one_peer_fails_again_and_again(history: list[EventDraft]) -> None:
    failures = Counter(
        name
        for draft in of_namespace(history, "library-photos")
        if draft.event_type == "backfill_session_failed"
        for _, name, _ in references(draft)
    )
    assert failures[FAILING_PEER] >= 3
    assert list(failures) == [FAILING_PEER]


def test_what_the_failing_peer_did_last_failed(history: list[EventDraft]) -> None:
    """HZ6: in a history of any length it is still wrong at the end, and has by far the most errors."""
    errors, last_word = Counter[str](), dict[str, bool]()
    for draft in of_namespace(history, "library-photos"):
        for _, name, _ in references(draft):
            failed = draft.severity == "ERROR"
            errors[name] += failed
            if failed or draft.success:
                last_word[name] = not failed
    (worst, most), (_, second) = errors.most_common(2)
    assert (worst, last_word[worst]) == (FAILING_PEER, False)
    assert most > 2 * second


def test_the_api_server_has_trees_categories_actors_and_audiences(history: list[EventDraft]) -> None:
    """NU1 to NU4: ten categories, endings below their actions, who asked, and for whose eyes."""
    server = of_namespace(history, "nuvla")
    by_id = {draft.id: draft for draft in server}
    assert {draft.category for draft in server} == {
        *("add", "edit", "delete", "action", "state", "alarm", "email", "user", "command", "crud"),
    }
    assert {severity_from_word(draft.severity_text) for draft in server if draft.severity_text} >= {1, 3, 4}
    endings = [draft for draft in server if draft.event_type.endswith((".completed", ".failed"))]
    for draft in endings:
        action, _, ending = draft.event_type.rpartition(".")
        assert by_id[draft.parent_id].event_type == action
        assert draft.success is (ending == "completed")
    assert all("new-state" in details(draft) for draft in server if draft.category == "state")
    assert {bool(draft.actor_claim and draft.session_id) for draft in server} == {True, False}
    private = [draft for draft in server if draft.visible_to is not None]
    assert {tuple(draft.visible_to or ()) for draft in private} >= {(), ("group/operators",)}
    assert all(draft.owner for draft in private)
    assert len(private) < len(server) / 10


def test_a_bulk_action_has_one_child_per_resource(history: list[EventDraft]) -> None:
    """NU2: one top event, one per resource, each with its own ending."""
    top = next(draft for draft in history if draft.event_type == "deployment.bulk-update")
    children = [draft for draft in history if draft.parent_id == top.id and draft.event_type == "deployment.update"]
    assert [references(child)[0] for child in children] == references(top)
    assert len(children) >= 5
    assert max(map(end, children)) < end(top)


def test_an_action_of_the_api_server_lasts_until_its_ending(history: list[EventDraft]) -> None:
    """NU2, T6: the ending is a moment, however late; an action without one is still under way."""
    server = of_namespace(history, "nuvla")
    endings = {draft.parent_id: draft for draft in server if draft.event_type.endswith((".completed", ".failed"))}
    assert {draft.id for draft in server if draft.duration_ms is not None} == set(endings)
    assert all(end(draft) == moment(endings[draft.id]) for draft in server if draft.id in endings)


def test_a_bulk_action_fails_in_part_when_a_part_fails() -> None:
    """T9: as the ending on top says, none, some or all of it."""
    history = list(tell_history(20_000, seed=1, until=UNTIL))
    states: Counter[tuple[bool, TreeState | None]] = Counter()
    for tree in requests(history, "nuvla"):
        if tree[0].event_type == "deployment.bulk-update":
            assert tree[-1].event_type == "deployment.bulk-update.completed"
            states[": 0 of" in tree[-1].message, state(tree)] += 1
    assert set(states) == {(True, TreeState.COMPLETED), (False, TreeState.PARTLY_FAILED)}


STORY_START = UNTIL - DAY
A_MOMENT = 1


def story_of_a_request() -> list[EventDraft]:
    return list(Cluster(Draws("cluster")).reboot_instance(STORY_START))


def test_a_request_is_running_until_its_answer() -> None:
    """T6, T9: at any moment of it only what has begun is known, and nothing lasts into the future."""
    whole = story_of_a_request()
    for draft in whole[1:]:
        at = moment(draft) - A_MOMENT
        known = [draft for _, draft in known_by(at, story_of_a_request())]
        assert [draft.id for draft in known] == [draft.id for draft in whole if moment(draft) <= at]
        assert max(map(end, known)) <= at
        assert known[0].success is known[0].duration_ms is None
        assert state(known) in ((None,) if len(known) == 1 else (TreeState.RUNNING,))
    known = [draft for _, draft in known_by(end(whole[0]), story_of_a_request())]
    assert (known, state(known)) == (whole, TreeState.COMPLETED)


def test_a_batch_is_told_when_it_is_over() -> None:
    (batch,) = SyncLog(Draws("sync log"), failing_from=STORY_START).trickle(STORY_START)
    assert list(known_by(end(batch) - A_MOMENT, [batch])) == []
    assert list(known_by(end(batch), [batch])) == [(moment(batch), batch)]


def test_nothing_lasts_beyond_the_end_of_the_history() -> None:
    """T6: this one ends on a working day, while an action is under way."""
    history = list(tell_history(SMALL, seed=7, until=FRIDAY_AFTERNOON))
    assert max(map(end, history)) <= FRIDAY_AFTERNOON
    running = [draft for draft in of_namespace(history, "nuvla")[-5:] if draft.event_type == "deployment.fetch-logs"]
    assert [(draft.success, draft.duration_ms) for draft in running] == [(None, None)]


def test_edge_agents_have_registrations_agreements_services_and_words(history: list[EventDraft]) -> None:
    """HZ1, HZ3, EV11: severities as words, objects for agreements and services, heartbeats that repeat."""
    edge = of_namespace(history, "edge")
    assert {draft.severity_text for draft in edge} == {"info", "warning", "error", "fatal"}
    assert {draft.category for draft in edge} == {"node", "agreement", "service", "exchange"}
    assert {kind for draft in edge for kind, _, _ in references(draft)} == {"node", "agreement", "service"}
    by_agent: dict[str, set[str | None]] = {}
    for draft in edge:
        if draft.event_type != "node_heartbeat":
            by_agent.setdefault(draft.source, set()).add(draft.registration_id)
    assert max(len(registrations) for registrations in by_agent.values()) >= 2
    heartbeats = [draft for draft in edge if draft.event_type == "node_heartbeat"]
    assert {draft.message for draft in heartbeats} == {"node heartbeat successful"}
    assert {(draft.registration_id, draft.parent_id, draft.correlation_id) for draft in heartbeats} == {(None,) * 3}
    assert len(heartbeats) > len(edge) / 2


def test_one_object_is_far_busier_than_most() -> None:
    touched = Counter(
        (draft.namespace, *each[:2])
        for draft in tell_history(20_000, seed=1, until=UNTIL)
        for each in references(draft)
    )
    ((busiest, most), *_) = touched.most_common(1)
    assert busiest == ("default", "node", BUSY_NODE)
    assert most > 1_500
    assert sum(count < 20 for count in touched.values()) > 1_000


def test_nights_are_quieter_than_days() -> None:
    history = [draft for draft in tell_history(20_000, seed=1, until=UNTIL) if draft.namespace == "nuvla"]
    by_hour = Counter(moment(draft) % DAY // HOUR for draft in history)
    assert 3 * sum(by_hour[hour] for hour in (0, 1, 2, 3)) < sum(by_hour[hour] for hour in (12, 13, 14, 15))


@pytest.mark.parametrize("span", [SPAN, DAY, 7, 1])
def test_rhythm_covers_its_span_in_order(span: int) -> None:
    rhythm = Rhythm(Draws("rhythm"), since=UNTIL - span, until=UNTIL, night=0.2, weekend=0.5)
    moments = [rhythm.at(step / 1_000) for step in range(1_001)]
    assert all(early <= late for early, late in pairwise(moments))
    assert moments[0] == UNTIL - span
    assert UNTIL - span // 100 - 1 <= moments[-1] <= UNTIL
