"""Registered types in GraphQL: defined, listed, and what they mean for events that are sent (NU1, OP1, EV2)."""

from pathlib import Path
from typing import Any

import pytest

from gateway.errors import ErrorCode
from mutations.retention import RetentionRunner
from mutations.type_files import parse_source, read_types
from mutations.type_registry import NOTHING_DECLARED, TypeRegistry
from storage.engine import Database
from storage.scopes import Scope
from tests.gateway.execution import NOW, Caller
from tests.gateway.history import event_id
from tests.gateway.serving import post, serve_in_process

FIELDS = """name namespace category subcategory defaultSeverity enabled requiredDetails optionalDetails objectTypes
  maxAgeSeconds keepForever description"""
DEFINE = f"mutation ($input: DefineEventTypeInput!) {{ defineEventType(input: $input) {{ eventType {{ {FIELDS} }} }} }}"
DEFINE_OPERATION = """mutation ($input: DefineOperationTypeInput!) { defineOperationType(input: $input) {
  operationType { name namespace targetFields { field objectType } description } } }"""
INGEST = """mutation ($input: IngestEventsInput!) { ingestEvents(input: $input) {
  accepted rejected discarded results { id outcome code message } problems { index } } }"""
READ = """{ events(orderBy: OLDEST_FIRST, filter: {not: {namespaces: ["timeloom"]}}) {
  nodes { eventType category severity severityText } } }"""
PLAIN: dict[str, Any] = {
    "name": "status",
    "namespace": None,
    "category": None,
    "subcategory": None,
    "defaultSeverity": "INFO",
    "enabled": True,
    "requiredDetails": [],
    "optionalDetails": [],
    "objectTypes": [],
    "maxAgeSeconds": None,
    "keepForever": False,
    "description": None,
}
FULL: dict[str, Any] = {
    "name": "disk.state",
    "namespace": "lab",
    "category": "state",
    "subcategory": "disk",
    "defaultSeverity": "ERROR",
    "enabled": False,
    "requiredDetails": ["serial"],
    "optionalDetails": ["model"],
    "objectTypes": ["disk"],
    "maxAgeSeconds": 86_400,
    "description": "how a disk is",
}
MOVE: dict[str, Any] = {"name": "move", "namespace": "lab", "targetFields": [{"field": "node", "objectType": "node"}]}


async def define(caller: Caller, given: dict[str, Any], **context: Any) -> Any:
    return (await caller.run(DEFINE, {"input": given}, **context)).data["defineEventType"]["eventType"]


@pytest.mark.parametrize("backend", ["sqlite", "aiomysql"])
async def test_types_are_defined_changed_and_listed(database: Database) -> None:
    caller = Caller(database, name="ann")
    context = {"types": TypeRegistry(database)}
    assert await define(caller, {"name": "status"}, **context) == PLAIN
    full = {**FULL, "keepForever": False}
    assert await define(caller, FULL, **context) == full
    nulls = {**dict.fromkeys(FULL), "name": "disk.state", "namespace": "lab"}
    kept = await define(caller, {**nulls, "keepForever": True}, **context)
    assert kept == {**full, "maxAgeSeconds": None, "keepForever": True}
    assert await define(caller, {**nulls, "keepForever": False}, **context) == {**kept, "keepForever": False}
    lists = {"requiredDetails": [], "optionalDetails": ["b", "a", "b"], "objectTypes": []}
    bare = await define(caller, {"name": "disk.state", "namespace": "lab", **lists, "category": ""}, **context)
    assert bare == {**kept, **lists, "optionalDetails": ["b", "a"], "category": None, "keepForever": False}
    own = await define(caller, {"name": "status", "namespace": "other", "enabled": False}, **context)
    made = await caller.run(DEFINE_OPERATION, {"input": MOVE}, **context)
    operation = {**MOVE, "description": None}
    assert made.data["defineOperationType"]["operationType"] == operation

    async def listed(namespace: str | None, **more: Any) -> list[Any]:
        text = f"""query ($namespace: String) {{ eventTypes(namespace: $namespace) {{ {FIELDS} }} operationTypes(
          namespace: $namespace) {{ name namespace targetFields {{ field objectType }} description }} }}"""
        found = (await caller.run(text, {"namespace": namespace}, **context, **more)).data
        return [*found["eventTypes"], *found["operationTypes"]]

    assert await listed(None) == [bare, PLAIN, own, operation]
    assert await listed("lab") == [bare, PLAIN, operation]
    assert await listed("other") == [own]
    assert await listed("nowhere") == [PLAIN]
    # Whoever sees one namespace sees its types, and those of every namespace; `other` is none yet.
    keys = await database.identities.intern_namespaces(["lab"])
    scope = Scope(namespace_keys=frozenset(keys.values()))
    assert await listed(None, scope=scope) == [bare, PLAIN, operation]
    assert await listed("other", scope=scope) == [PLAIN]


async def test_who_may_not_define_and_what_cannot_be_is_told(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "types.toml"
    path.write_text('[[event_types]]\nname = "of_file"\n')
    caller = Caller(database)
    types = TypeRegistry(database, read_types([parse_source(str(path))]))
    for given, expected in (
        ({"name": "a", "namespace": "timeloom"}, "the namespace timeloom is closed to clients"),
        ({"name": "a", "maxAgeSeconds": 0}, "maxAgeSeconds must be 1 or more"),
        ({"name": "a", "maxAgeSeconds": -1}, "maxAgeSeconds must be 1 or more"),
        ({"name": "a", "maxAgeSeconds": 1, "keepForever": True}, "keepForever and maxAgeSeconds exclude each other"),
        ({"name": "a", "requiredDetails": [""]}, "requiredDetails[0] is empty"),
        ({"name": "a", "category": "\ud800"}, "category holds half of a surrogate pair"),
        ({"name": "of_file"}, f"name: of_file is declared by {path} (TIMELOOM_TYPE_REGISTRIES)"),
    ):
        code, text = (await caller.run(DEFINE, {"input": given}, types=types)).error
        assert (code, expected in text) == (ErrorCode.BAD_USER_INPUT, True), text
    reader = Caller(database, rights=("READ", "INGEST", "DELETE", "OPERATE"))
    for document, given in ((DEFINE, {"name": "a"}), (DEFINE, FULL), (DEFINE_OPERATION, MOVE)):
        assert (await reader.run(document, {"input": given})).error[0] is ErrorCode.FORBIDDEN
    answer = await caller.run("{ eventTypes { name } operationTypes { name } }", types=types)
    assert answer.data == {"eventTypes": [{"name": "of_file"}], "operationTypes": []}


TYPES = """
[severity_words]
panic = "critical"

[[event_types]]
name = "off"
enabled = false

[[event_types]]
name = "of_disks"
object_types = ["disk"]
category = "storage"
default_severity = "panic"

[[event_types]]
name = "of_many"
object_types = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"]

[[event_types]]
name = "detailed"
required_details = ["a.b", "ü"]

[[event_types]]
name = "state"
category = "state"
"""
SENT: list[tuple[dict[str, Any], str, str | None, str]] = [
    ({"eventType": "off"}, "DISCARDED", "TYPE_DISABLED", "the event type 'off' is switched off"),
    ({"eventType": "of_disks"}, "DISCARDED", "TYPE_DISABLED", "that touch no object of a type among 'disk'"),
    (
        {"eventType": "of_disks", "objects": [{"objectType": "node", "objectId": "n"}]},
        "DISCARDED",
        "TYPE_DISABLED",
        "switched off for events",
    ),
    ({"eventType": "of_disks", "objects": [{"objectType": "disk", "objectId": "d"}]}, "ACCEPTED", None, ""),
    (
        {
            "eventType": "of_disks",
            "objects": [{"objectType": "disk", "objectId": "d"}],
            "category": "own",
            "severityText": "PANIC",
        },
        "ACCEPTED",
        None,
        "",
    ),
    ({"eventType": "detailed"}, "REJECTED", "MISSING_DETAIL", "extra has no 'a.b', which events of the type"),
    ({"eventType": "detailed", "extra": [1]}, "REJECTED", "MISSING_DETAIL", "extra has no 'a.b'"),
    ({"eventType": "detailed", "extra": {"a.b": 1, "ü": None}}, "REJECTED", "MISSING_DETAIL", "extra has no '\\xfc'"),
    ({"eventType": "detailed", "extra": {"a.b": 0, "ü": "", "more": 1}}, "ACCEPTED", None, ""),
    ({"eventType": "state", "extra": {}}, "REJECTED", "MISSING_DETAIL", "extra has no 'new-state'"),
    ({"eventType": "state", "extra": {"new-state": "ON"}, "severity": "DEBUG"}, "ACCEPTED", None, ""),
    (
        {"eventType": "detailed", "category": "state", "extra": {"a.b": 0, "ü": ""}},
        "REJECTED",
        "MISSING_DETAIL",
        "extra has no 'new-state'",
    ),
    ({"eventType": "unknown", "category": "state"}, "ACCEPTED", None, ""),
    (
        {"eventType": "of_many"},
        "DISCARDED",
        "TYPE_DISABLED",
        "among 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', ...",
    ),
    ({"eventType": "unknown", "severityText": "odd"}, "REJECTED", "UNKNOWN_SEVERITY", "is none of trace, debug, info"),
]
STORED = [
    {"eventType": "of_disks", "category": "storage", "severity": "CRITICAL", "severityText": None},
    {"eventType": "of_disks", "category": "own", "severity": "CRITICAL", "severityText": "PANIC"},
    {"eventType": "detailed", "category": None, "severity": "INFO", "severityText": None},
    {"eventType": "state", "category": "state", "severity": "DEBUG", "severityText": None},
    {"eventType": "unknown", "category": "state", "severity": "INFO", "severityText": None},
]


def sent() -> list[dict[str, Any]]:
    """The events of SENT, with ids in the order of the list."""
    return [
        {"id": event_id(number), "source": "s", "message": "m", "timestamp": "2026-01-01T11:00:00Z", **event}
        for number, (event, *_) in enumerate(SENT, 1)
    ]


@pytest.mark.parametrize("road", ["decoded past GraphQL", "coerced by GraphQL"])
async def test_events_are_judged_by_their_types(database_url: str, tmp_path: Path, road: str) -> None:
    """NU1: the same by both roads into ingest, from a file that the setting names."""
    path = tmp_path / "types.toml"
    path.write_text(TYPES, encoding="utf-8")
    async with serve_in_process(database_url, type_registries=(str(path),)) as client:
        variables: dict[str, Any] = {"input": {"events": sent()}}
        document = INGEST
        if road == "coerced by GraphQL":  # a variable for each event is no batch
            variables = {f"e{number}": event for number, event in enumerate(sent())}
            declared = ", ".join(f"${name}: EventInput!" for name in variables)
            listed = ", ".join(f"${name}" for name in variables)
            document = document.replace("$input: IngestEventsInput!", declared)
            document = document.replace("input: $input", f"input: {{events: [{listed}]}}")
        payload = (await post(client, document, variables)).json()["data"]["ingestEvents"]
        for result, (event, outcome, code, text) in zip(payload["results"], SENT, strict=True):
            assert (result["outcome"], result["code"]) == (outcome, code), event
            assert text in (result["message"] or "")
        assert (payload["accepted"], payload["rejected"], payload["discarded"]) == (5, 6, 4)
        assert [each["id"] for each in payload["results"]] == [event_id(number) for number in range(1, 16)]
        assert len(payload["problems"]) == 10
        nodes = (await post(client, READ)).json()["data"]["events"]["nodes"]
        assert sorted(nodes, key=str) == sorted(STORED, key=str)
        metrics = (await client.get("/metrics")).text
    assert 'timeloom_ingest_outcomes_total{outcome="DISCARDED"} 4.0' in metrics
    assert 'timeloom_events_inserted_total{event_type="of_disks"} 2.0' in metrics
    assert 'timeloom_events_inserted_total{event_type="other"} 1.0' in metrics


async def test_what_was_sent_stays_the_same_event_when_its_type_changes(database: Database) -> None:
    """I2, I3: the content is what was sent; what the registry adds is none of it."""
    caller, types = Caller(database), TypeRegistry(database)
    events = {"input": {"events": [{"id": event_id(1), "eventType": "status", "source": "s", "message": "m"}]}}
    outcomes = []
    for given in ({}, {"category": "a", "defaultSeverity": "ERROR"}, {"enabled": False}, {"enabled": True}):
        await define(caller, {"name": "status", **given}, types=types)
        [result] = (await caller.run(INGEST, events, types=types)).data["ingestEvents"]["results"]
        outcomes.append(result["outcome"])
    assert outcomes == ["ACCEPTED", "DUPLICATE", "DUPLICATE", "DUPLICATE"]


async def test_types_that_nobody_registered_are_refused_when_the_setting_says_so(database: Database) -> None:
    """NU1: but not the gateway's own events."""
    caller, types = Caller(database), TypeRegistry(database, NOTHING_DECLARED, refuses_unknown=True)
    events = [{"id": event_id(1), "eventType": each, "source": "s", "message": "m"} for each in ("status", "other")]
    await define(caller, {"name": "status", "namespace": "default"}, types=types)
    results = (await caller.run(INGEST, {"input": {"events": events}}, types=types)).data["ingestEvents"]["results"]
    assert [(each["outcome"], each["code"]) for each in results] == [
        ("ACCEPTED", None),
        ("REJECTED", "UNKNOWN_EVENT_TYPE"),
    ]
    assert "TIMELOOM_UNKNOWN_EVENT_TYPES = refuse" in results[1]["message"]
    elsewhere = [{**events[0], "namespace": "lab"}]
    [result] = (await caller.run(INGEST, {"input": {"events": elsewhere}}, types=types)).data["ingestEvents"]["results"]
    assert result["code"] == "UNKNOWN_EVENT_TYPE"


async def test_the_age_of_a_type_is_a_policy_that_is_changed_where_the_type_is(database: Database) -> None:
    """RT1: seen among the policies, and as a node; not changed as one."""
    caller = Caller(database)
    runner = RetentionRunner(database, [], clock=lambda: NOW)
    await define(caller, {"name": "a/ü", "namespace": "lab", "maxAgeSeconds": 60})
    shown = "id name namespace eventTypes maxAgeSeconds enabled origin"
    answer = await caller.run(f"{{ retention {{ policies {{ {shown} }} }} }}", retention=runner)
    [policy] = answer.data["retention"]["policies"]
    assert policy == {
        "id": "policy:type:lab/a/ü",
        "name": "a/ü",
        "namespace": "lab",
        "eventTypes": ["a/ü"],
        "maxAgeSeconds": 60,
        "enabled": True,
        "origin": "REGISTRY",
    }
    node = "query ($id: ID!) { node(id: $id) { ... on RetentionPolicy { name origin } } }"
    answer = await caller.run(node, {"id": policy["id"]}, retention=runner)
    assert answer.data["node"] == {"name": "a/ü", "origin": "REGISTRY"}
    for verb in ("update", "delete"):
        name = f"{verb}RetentionPolicy"
        text = f"mutation ($id: ID!) {{ {name}(input: {{id: $id}}) {{ policy {{ id }} }} }}"
        code, message = (await caller.run(text, {"id": policy["id"]}, retention=runner)).error
        assert code is ErrorCode.BAD_USER_INPUT
        assert "change it by defineEventType (maxAgeSeconds, keepForever) or, where a file" in message
