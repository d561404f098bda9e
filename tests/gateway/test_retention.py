"""Retention in GraphQL: policies, runs, what is refused, what a period covers (RT1, HZ4, R2, R4, L8)."""

import uuid
from typing import Any

import pytest
from sqlalchemy import func, select

from gateway.errors import ErrorCode
from gateway.metrics import Metrics
from gateway.retention import build_retention, setting_policies
from gateway.settings import Settings
from mutations.archives import Archive
from mutations.retention import RetentionRunner
from mutations.type_registry import NOTHING_DECLARED
from storage.engine import Database
from storage.tables import events, retention_policies
from tests.gateway.execution import NOW, Answer, Caller
from tests.mutations.retained import DAY, age_policy, give_positions
from tests.storage.histories import link, row, store

EACH_DATABASE = pytest.mark.parametrize("backend", ["sqlite", "aiomysql"])
SQLITE = pytest.mark.parametrize("backend", ["sqlite"])
POLICY = """id name namespace eventTypes objectTypes sources selectors maxAgeSeconds archive pruneRegistrations
  compactRepeats enabled origin"""


def _document(verb: str) -> str:
    name = f"{verb}RetentionPolicy"
    of_type = f"{name[0].upper()}{name[1:]}Input"
    return f"mutation ($input: {of_type}!) {{ changed: {name}(input: $input) {{ policy {{ {POLICY} }} }} }}"


CREATE = _document("create")
UPDATE = _document("update")
DELETE = _document("delete")
RUN = """mutation ($dryRun: Boolean!) { runRetention(input: {dryRun: $dryRun}) { run {
  id dryRun startedAt finishedAt completed eventsRemoved referencesRemoved archived folded error
  byPolicy { policyId policyName events references } } } }"""
FULL = {
    "name": "everything",
    "namespace": "lab",
    "eventTypes": ["audit"],
    "objectTypes": ["node"],
    "sources": ["host-*"],
    "selectors": ["severity<warning"],
    "maxAgeSeconds": 60,
    "archive": True,
    "pruneRegistrations": True,
    "compactRepeats": True,
    "enabled": False,
}


@pytest.fixture
def caller(database: Database) -> Caller:
    return Caller(database, name="ann")


async def changed(caller: Caller, document: str, given: dict[str, Any], **context: Any) -> dict[str, Any]:
    answer = await caller.run(document, {"input": given}, **context)
    policy: dict[str, Any] = answer.data["changed"]["policy"]
    return policy


@EACH_DATABASE
async def test_a_policy_is_made_read_changed_and_deleted(caller: Caller) -> None:
    """HZ4; each change is an event of our own that says who, what it was and what it is."""
    made = await changed(caller, CREATE, FULL)
    assert made == {**FULL, "id": made["id"], "origin": "API"}
    assert made["id"].startswith("policy:")
    query = f"""query ($id: ID!) {{
      node(id: $id) {{ id ... on RetentionPolicy {{ {POLICY} }} }}
      retention {{ policies {{ id }} }}
    }}"""
    read = (await caller.run(query, {"id": made["id"]})).data
    assert read == {"node": made, "retention": {"policies": [{"id": made["id"]}]}}
    renamed = await changed(caller, UPDATE, {"id": made["id"], "name": "new", "eventTypes": [], "keepForever": True})
    assert renamed == {**made, "name": "new", "eventTypes": [], "maxAgeSeconds": None}
    assert await changed(caller, DELETE, {"id": made["id"].removeprefix("policy:").upper()}) == renamed
    gone = await caller.run(query, {"id": made["id"]})
    assert gone.data == {"node": None, "retention": {"policies": []}}
    trail = """{ events(filter: {namespaces: ["timeloom"]}, orderBy: OLDEST_FIRST) {
      nodes { eventType actor message extra } } }"""
    nodes = (await caller.run(trail)).data["events"]["nodes"]
    assert [(node["eventType"], node["actor"], node["message"]) for node in nodes] == [
        ("retention-policy", "ann", "retention policy everything was created"),
        ("retention-policy", "ann", "retention policy new was changed"),
        ("retention-policy", "ann", "retention policy new was deleted"),
    ]
    assert [(node["extra"]["before"] or {}).get("name") for node in nodes] == [None, "everything", "new"]
    assert [(node["extra"]["after"] or {}).get("max_age_seconds") for node in nodes] == [60, None, None]


DEFAULTS: dict[str, Any] = {
    "namespace": None,
    "eventTypes": [],
    "objectTypes": [],
    "sources": [],
    "selectors": [],
    "maxAgeSeconds": None,
    "archive": False,
    "pruneRegistrations": False,
    "compactRepeats": False,
    "enabled": True,
    "origin": "API",
}


@SQLITE
async def test_null_is_the_same_as_left_out(caller: Caller) -> None:
    """Each optional input of each mutation, one at a time: nothing comes of it. Flags with a default refuse null."""
    optional = ("namespace", "eventTypes", "objectTypes", "sources", "selectors", "maxAgeSeconds")
    for name in (None, *optional):
        made = await changed(caller, CREATE, {"name": "p"} if name is None else {"name": "p", name: None})
        assert {**made, "id": None, "name": None} == {**DEFAULTS, "id": None, "name": None}
    for name in ("archive", "pruneRegistrations", "compactRepeats", "enabled"):
        refused = await caller.run(CREATE, {"input": {"name": "p", name: None}})
        assert "not to be None" in refused.error[1]  # graphql-core's; the server gives it the code BAD_USER_INPUT
    made = await changed(caller, CREATE, FULL)
    for name in (*FULL, "keepForever"):
        if name != "namespace":
            assert await changed(caller, UPDATE, {"id": made["id"], name: None}) == made
    refused = await caller.run("mutation { runRetention(input: {dryRun: null}) { run { id } } }")
    assert "not to be None" in refused.error[1]
    async with caller.database.reading() as connection:
        changes = select(func.count()).where(events.c.event_type == "retention-policy")
        assert (await connection.execute(changes)).scalar_one() == len(optional) + 2


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no name": ({"name": ""}, "name is empty: leave it out, or give it a value"),
    "a namespace that is none": ({"namespace": "a b"}, "namespace 'a b' is not made of 1 to 64 of A-Z a-z 0-9 . _ -"),
    "a star in the middle": (
        {"sources": ["a", "h*t"]},
        "sources[1]: * stands at the end only, for sources that begin so",
    ),
    "an empty type": ({"eventTypes": [""]}, "eventTypes[0] is empty: leave it out, or give it a value"),
    "no selector": (
        {"selectors": ["severity"]},
        "selectors[0]: selector 'severity' has no operator: write attribute=value, or use ~ != < <= > >=",
    ),
    "no age": (
        {"maxAgeSeconds": 0},
        "maxAgeSeconds must be 1 or more; leave it out, or say keepForever, to keep for ever",
    ),
    "no archive": ({"archive": True}, "archive: there is nowhere to archive to, set TIMELOOM_ARCHIVE_URL first"),
}


@SQLITE
@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_no_policy_is_refused(caller: Caller, name: str) -> None:
    given, text = REFUSED[name]
    assert (await caller.run(CREATE, {"input": {"name": "p"} | given})).error == (ErrorCode.BAD_USER_INPUT, text)
    made = await changed(caller, CREATE, {"name": "p"})
    if "namespace" not in given:
        refused = await caller.run(UPDATE, {"input": {"id": made["id"]} | given})
        assert refused.error == (ErrorCode.BAD_USER_INPUT, text)
    async with caller.database.reading() as connection:
        assert (await connection.execute(select(retention_policies.c.name))).all() == [("p",)]


@SQLITE
async def test_an_empty_list_makes_no_policy_for_everything(caller: Caller) -> None:
    """Of a list that came out empty nobody can tell whether all is meant; to widen a policy later it says so."""
    for name in ("eventTypes", "objectTypes", "sources", "selectors"):
        refused = await caller.run(CREATE, {"input": {"name": "p", "maxAgeSeconds": 1, name: []}})
        text = f"{name} is an empty list: leave it out when all of them are meant"
        assert refused.error == (ErrorCode.BAD_USER_INPUT, text)
    async with caller.database.reading() as connection:
        assert (await connection.execute(select(retention_policies.c.name))).all() == []


@SQLITE
async def test_which_changes_are_refused(caller: Caller) -> None:
    runner = build_retention(
        Settings(), caller.database, declared=NOTHING_DECLARED, clock=lambda: NOW, observer=Metrics()
    )
    made = await changed(caller, CREATE, {"name": "p"})
    setting, other = "policy:setting:api-requests", uuid.uuid4()
    cases = [
        (UPDATE, {"id": made["id"], "maxAgeSeconds": 5, "keepForever": True}, ErrorCode.BAD_USER_INPUT, "exclude each"),
        (UPDATE, {"id": "policy:1"}, ErrorCode.BAD_USER_INPUT, "is no id of a retention policy"),
        (DELETE, {"id": setting}, ErrorCode.BAD_USER_INPUT, "TIMELOOM_MAX_API_REQUESTS_EVENT_AGE_SECONDS"),
        (DELETE, {"id": "policy:setting:\ud800"}, ErrorCode.BAD_USER_INPUT, "is no id of a retention policy"),
        (UPDATE, {"id": setting, "name": "x"}, ErrorCode.BAD_USER_INPUT, "this policy is a setting"),
        (DELETE, {"id": f"policy:{other}"}, ErrorCode.NOT_FOUND, "there is no retention policy"),
    ]
    for document, given, code, text in cases:
        found = (await caller.run(document, {"input": given}, retention=runner)).error
        assert (found[0], text in found[1]) == (code, True), found
    reader = Caller(caller.database, rights=("READ", "INGEST", "DELETE"))
    for document, given in ((CREATE, {"name": "p"}), (UPDATE, {"id": made["id"]}), (DELETE, {"id": made["id"]})):
        assert (await reader.run(document, {"input": given})).error[0] is ErrorCode.FORBIDDEN
    for document in ("{ retention { nextRunAt } }", "mutation { runRetention(input: {}) { run { id } } }"):
        assert (await reader.run(document)).error[0] is ErrorCode.FORBIDDEN


def test_policies_of_settings_ev8() -> None:
    """By name, with the ages of the requirement; -1 is never."""
    given = Settings(max_usage_event_age_seconds=-1)
    ages = {each.name: each.max_age_seconds and each.max_age_seconds // 86_400 for each in setting_policies(given)}
    assert ages == {
        "audit": 90,
        "mutate": 90,
        "health": 90,
        "historic": 90,
        "usage": None,
        "prune": 30,
        "status": 7,
        "resources": 7,
        "api-requests": 1,
    }


async def run_retention(caller: Caller, runner: RetentionRunner, *, dry_run: bool) -> dict[str, Any]:
    answer: Answer = await caller.run(RUN, {"dryRun": dry_run}, retention=runner)
    run: dict[str, Any] = answer.data["runRetention"]["run"]
    return run


@EACH_DATABASE
async def test_a_run_is_previewed_asked_for_and_followed(caller: Caller) -> None:
    """GQ4, R2, R4: by policy, with zeros; what is asked for twice is one run; a node; the newest first."""
    await store(caller.database, [row(1, objects=(link("node", "n"),), occurred_at=0)], received_at=NOW - 3 * DAY)
    await give_positions(caller.database)
    policies = (age_policy("audit", 2), age_policy("usage", 1))
    runner = RetentionRunner(caller.database, policies, clock=lambda: NOW)
    preview = await run_retention(caller, runner, dry_run=True)
    by_policy = [
        {"policyId": "policy:setting:audit", "policyName": "audit", "events": 1, "references": 1},
        {"policyId": "policy:setting:usage", "policyName": "usage", "events": 0, "references": 0},
    ]
    now = "2026-01-01T12:00:00.000000Z"
    counted = {
        "startedAt": now,
        "finishedAt": now,
        "completed": True,
        "eventsRemoved": 1,
        "referencesRemoved": 1,
        "archived": 0,
        "folded": 0,
        "error": None,
        "byPolicy": by_policy,
    }
    assert preview == {**counted, "id": preview["id"], "dryRun": True}
    asked = await run_retention(caller, runner, dry_run=False)
    assert (asked["finishedAt"], asked["completed"], asked["eventsRemoved"]) == (None, False, 0)
    assert await run_retention(caller, runner, dry_run=False) == asked
    assert await runner.turn()
    query = """query ($id: ID!) { node(id: $id) { ... on RetentionRun { eventsRemoved completed } }
      retention { lastRun { id } nextRunAt runs { id } newest: runs(first: 1) { id } } }"""
    assert (await caller.run(query, {"id": asked["id"]}, retention=runner)).data == {
        "node": {"eventsRemoved": 1, "completed": True},
        "retention": {
            "lastRun": {"id": asked["id"]},
            "nextRunAt": None,
            "runs": [{"id": asked["id"]}, {"id": preview["id"]}],
            "newest": [{"id": asked["id"]}],
        },
    }
    coverage = """query ($types: [String!], $names: [String!]) {
      events(filter: {eventTypes: $types, namespaces: $names}) { coverage { retentionRemovedBefore } } }"""
    found = []
    for types, names in ((["audit"], ["default"]), (["usage"], ["default"]), (["audit"], ["elsewhere"])):
        answer = await caller.run(coverage, {"types": types, "names": names})
        found.append(answer.data["events"]["coverage"]["retentionRemovedBefore"])
    # L8: what may have gone from there; a policy without a namespace may have taken it from any.
    assert found == ["2025-12-30T12:00:00.000000Z", None, "2025-12-30T12:00:00.000000Z"]


@SQLITE
async def test_a_policy_with_an_archive_needs_one(caller: Caller, tmp_path: Any) -> None:
    runner = RetentionRunner(caller.database, (), clock=lambda: NOW, archive=Archive(str(tmp_path)))
    made = await changed(caller, CREATE, {"name": "p", "archive": True}, retention=runner)
    assert made["archive"] is True
