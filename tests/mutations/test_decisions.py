"""RT1: which policy wins, R1 to R3; pure, in tables and against a naive reading of the requirement."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mutations.decisions import Decision, Rules, Subject
from mutations.policies import Policy, policies_of_settings
from storage.removals import LockedEvent
from tests.storage.histories import event_id

NOW = 1_000_000_000_000
SECOND = 1_000_000


def policy(policy_id: str, age: int | None = 10, **given: Any) -> Policy:
    return Policy(id=policy_id, name=policy_id, max_age_seconds=age, **given)


def locked(age: float = 0.0, **given: Any) -> LockedEvent:
    values: dict[str, Any] = {
        **dict.fromkeys(LockedEvent._fields),
        "id": event_id(1),
        "event_type": "audit",
        "source": "host-1",
        "occurred_at": 0,
        "received_at": NOW - int(age * SECOND),
        "repeat_count": 1,
    }
    return LockedEvent(**(values | given))


SELECTORS: dict[str, Any] = {"selectors": ("severity>=info",)}
OBJECTS: dict[str, Any] = {"object_types": ("node",)}
SOURCES: dict[str, Any] = {"sources": ("host-*",)}
TYPES: dict[str, Any] = {"event_types": ("audit",)}
NAMESPACE: dict[str, Any] = {"namespace": "default"}
HELD = Subject("default", "audit", "host-1", frozenset({"a", "b"}))

CASES: dict[str, tuple[Policy, Policy]] = {
    "selectors before object types": (policy("b", **SELECTORS), policy("a", 20, **OBJECTS)),
    "selectors before all others": (
        policy("b", **SELECTORS),
        policy("a", 20, **OBJECTS, **SOURCES, **TYPES, **NAMESPACE),
    ),
    "object types before sources": (policy("b", **OBJECTS), policy("a", 20, **SOURCES, **TYPES, **NAMESPACE)),
    "sources before event types": (policy("b", **SOURCES), policy("a", 20, **TYPES, **NAMESPACE)),
    "event types before namespace": (policy("b", **TYPES), policy("a", 20, **NAMESPACE)),
    "namespace before nothing": (policy("b", **NAMESPACE), policy("a", 20)),
    "more given beats less of the same": (policy("b", **TYPES, **NAMESPACE), policy("a", 20, **TYPES)),
    "the longer age": (policy("b", 20, **TYPES), policy("a", 10, **TYPES)),
    "for ever is the longest": (policy("b", None, **TYPES), policy("a", 10**9, **TYPES)),
    "the smaller id": (policy("a", **TYPES), policy("b", **TYPES)),
    "a protecting selector beats object types, R3": (policy("b", None, **SELECTORS), policy("a", 1, **OBJECTS)),
}


@pytest.mark.parametrize("order", [1, -1], ids=["as given", "turned round"])
@pytest.mark.parametrize("name", CASES)
def test_the_winner_is_chosen_in_the_order_of_rt1(name: str, order: int) -> None:
    winner, other = CASES[name]
    rules = Rules([winner, other][::order], started_at=NOW)
    assert rules.winner(HELD, "node") == winner


@pytest.mark.parametrize(
    ("given", "subject", "object_type", "holds"),
    [
        ({}, HELD, None, True),
        (SELECTORS, HELD, None, True),
        (SELECTORS, HELD._replace(holding=frozenset({"b"})), None, False),
        (OBJECTS, HELD, "node", True),
        (OBJECTS, HELD, "instance", False),
        (OBJECTS, HELD, None, False),
        ({"sources": ("host-1",)}, HELD, None, True),
        ({"sources": ("host",)}, HELD, None, False),
        ({"sources": ("host*",)}, HELD, None, True),
        ({"sources": ("*",)}, HELD, None, True),
        ({"sources": ("x", "host-1*")}, HELD, None, True),
        ({"event_types": ("status", "audit")}, HELD, None, True),
        ({"event_types": ("status",)}, HELD, None, False),
        ({"namespace": "other"}, HELD, None, False),
        ({"enabled": False}, HELD, None, False),
        ({}, HELD._replace(namespace="timeloom"), None, False),
        ({"event_types": ("audit",)}, HELD._replace(namespace="timeloom"), None, False),
        ({"namespace": "timeloom"}, HELD._replace(namespace="timeloom"), None, True),
        ({"selectors": ("namespace=timeloom",)}, HELD._replace(namespace="timeloom"), None, True),
        ({"selectors": ("namespace!=default",)}, HELD._replace(namespace="timeloom"), None, False),
    ],
)
def test_what_a_policy_holds_for(given: dict[str, Any], subject: Subject, object_type: str | None, holds: bool) -> None:
    """R1; NU5: the gateway's own events only where the namespace is named."""
    rules = Rules([policy("a", **given)], started_at=NOW)
    assert (rules.winner(subject, object_type) is not None) is holds


@pytest.mark.parametrize(
    ("event", "goes"),
    [
        (locked(10), False),
        (locked(10.000001), True),
        (locked(100, occurred_at=NOW - 5 * SECOND), False),
        (locked(100, last_occurred_at=NOW - 5 * SECOND), False),
        (locked(5, occurred_at=0), False),
        (locked(100, occurred_at=NOW + SECOND), False),
    ],
    ids=["just as old", "older", "late timestamp", "late repeat", "a clock in 1970", "in the future"],
)
def test_removed_is_what_is_strictly_older_ev8(event: LockedEvent, goes: bool) -> None:
    decision = Rules([policy("a", 10)], started_at=NOW).decide(event, HELD)
    assert (decision.goes, decision.takes) == (goes, goes)


def test_references_go_one_by_one_and_the_event_with_the_last_r2() -> None:
    node, other = policy("z", 10, **OBJECTS), policy("m", 20, event_types=("audit",))
    rules = Rules([node, other], started_at=NOW)
    partly = rules.decide(locked(15), HELD, ["node", "instance", "node"])
    assert partly == Decision((node, None, node))
    assert (partly.goes, partly.takes) == (False, True)
    wholly = rules.decide(locked(25), HELD, ["node", "instance"])
    assert (wholly.goes, wholly.counts_for) == (True, other)
    assert rules.decide(locked(15), HELD) == Decision((None,))


def test_a_policy_without_age_that_prunes_takes_earlier_registrations_hz4() -> None:
    earlier, present = event_id(7), event_id(8)
    rules = Rules([policy("a", None, prune_registrations=True)], started_at=NOW, earlier_registrations={earlier})
    taken = [rules.decide(locked(0, registration_id=each), HELD).goes for each in (earlier, present, None)]
    assert taken == [True, False, False]


def test_a_blocked_policy_still_wins_and_takes_nothing() -> None:
    """Without an archive nothing goes, not even by the next policy."""
    rules = Rules([policy("a", 1, **TYPES), policy("b", 1)], started_at=NOW, blocked={"a"})
    assert rules.decide(locked(50), HELD) == Decision((None,))


def test_settings_make_policies_by_name_ev8() -> None:
    made = policies_of_settings({"audit": 90, "status": -1, "api-requests": 1})
    assert [(each.id, each.event_types, each.object_types, each.max_age_seconds) for each in made] == [
        ("setting:audit", ("audit",), (), 90),
        ("setting:status", ("status",), (), None),
        ("setting:api-requests", (), ("api-requests",), 1),
    ]


def some(values: Sequence[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), max_size=2, unique=True).map(tuple)


POLICIES = st.lists(
    st.builds(
        Policy,
        id=st.uuids().map(str),
        name=st.just("p"),
        namespace=st.sampled_from([None, "default", "timeloom"]),
        event_types=some(["audit", "status"]),
        object_types=some(["node", "instance"]),
        sources=some(["host-1", "host*", "other"]),
        selectors=st.sampled_from([(), ("severity>=info",), ("namespace=timeloom",)]),
        max_age_seconds=st.sampled_from([None, 10, 20]),
        enabled=st.sampled_from([True, True, True, False]),
    ),
    max_size=6,
    unique_by=lambda each: each.id,
)


def naive_winner(policies: Sequence[Policy], subject: Subject, object_type: str | None) -> Policy | None:
    """The requirement, read word by word."""

    def holds(each: Policy) -> bool:
        sources = [
            subject.source.startswith(one[:-1]) if one[-1] == "*" else subject.source == one for one in each.sources
        ]
        return all(
            (
                each.enabled,
                not each.selectors or each.id in subject.holding,
                not each.object_types or object_type in each.object_types,
                not each.sources or any(sources),
                not each.event_types or subject.event_type in each.event_types,
                each.namespace is None or each.namespace == subject.namespace,
                subject.namespace != "timeloom"
                or each.namespace == "timeloom"
                or (each.namespace is None and "namespace=timeloom" in each.selectors),
            )
        )

    left = [each for each in policies if holds(each)]
    asked: list[Callable[[Policy], object]] = [
        lambda each: bool(each.selectors),
        lambda each: bool(each.object_types),
        lambda each: bool(each.sources),
        lambda each: bool(each.event_types),
        lambda each: each.namespace is not None,
        lambda each: each.max_age_seconds is None,
    ]
    for asks in asked:
        left = [each for each in left if asks(each)] or left
    if left and left[0].max_age_seconds is not None:
        longest = max(each.max_age_seconds or 0 for each in left)
        left = [each for each in left if each.max_age_seconds == longest]
    return min(left, key=lambda each: each.id, default=None)


@settings(max_examples=60)
@given(
    policies=POLICIES,
    namespace=st.sampled_from(["default", "other", "timeloom"]),
    event_type=st.sampled_from(["audit", "status", "else"]),
    source=st.sampled_from(["host-1", "host-2", "nobody"]),
    object_type=st.sampled_from([None, "node", "instance", "else"]),
    data=st.data(),
)
def test_the_winner_is_the_one_of_the_requirement(
    policies: list[Policy], namespace: str, event_type: str, source: str, object_type: str | None, data: st.DataObject
) -> None:
    with_selectors = [each.id for each in policies if each.selectors]
    holding = data.draw(st.sets(st.sampled_from(with_selectors))) if with_selectors else set()
    subject = Subject(namespace, event_type, source, frozenset(holding))
    rules = Rules(policies, started_at=NOW)
    assert [rules.winner(subject, object_type) for _ in range(2)] == [naive_winner(policies, subject, object_type)] * 2
