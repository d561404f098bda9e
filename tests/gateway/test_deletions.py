"""Deletions through the schema: how they are asked, refused and shown; what they do is tested in tests/mutations."""

from typing import Any

import pytest

from gateway.errors import ErrorCode
from mutations.deletion_worker import DeletionWorker
from storage.engine import Database
from storage.positions import settle_position
from storage.registrations import append_registration
from tests.gateway.execution import NOW, Caller
from tests.storage.histories import event_id, link, row, store

EACH_DATABASE = pytest.mark.parametrize("backend", ["sqlite", "aiomysql"], indirect=True)
SQLITE = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)

FIELDS = """id state matched deleted sample { id message } requestedBy reason filter createdAt startedAt finishedAt
  expiresAt error"""
DELETE = f"mutation ($input: DeleteEventsInput!) {{ deleteEvents(input: $input) {{ deletion {{ {FIELDS} }} }} }}"
FORGET = (
    f"mutation ($input: ForgetObjectInput!) {{ forgetObject(input: $input) {{ references deletion {{ {FIELDS} }} }} }}"
)
PRUNE = (
    f"mutation ($input: PruneRegistrationsInput!) {{ pruneRegistrations(input: $input) {{ deletion {{ {FIELDS} }} }} }}"
)
CANCEL = f"mutation ($input: CancelDeletionInput!) {{ cancelDeletion(input: $input) {{ deletion {{ {FIELDS} }} }} }}"
STALE, REQUIRED, BAD = ErrorCode.CONFIRMATION_STALE, ErrorCode.CONFIRMATION_REQUIRED, ErrorCode.BAD_USER_INPUT


@pytest.fixture
async def caller(database: Database) -> Caller:
    """Somebody who asks a store of twelve events, nine of them audits."""
    rows = [
        row(number, event_type="audit" if number < 10 else "status", objects=(link("host", "h"),))
        for number in range(1, 13)
    ]
    await store(database, rows)
    return Caller(database, name="ada")


async def ask(caller: Caller, document: str, **given: Any) -> dict[str, Any]:
    """Send a mutation and give its payload."""
    [payload] = (await caller.run(document, {"input": given})).data.values()
    found: dict[str, Any] = payload
    return found


async def refusal(caller: Caller, document: str, **given: Any) -> tuple[ErrorCode, str]:
    """Send a mutation and give its error."""
    return (await caller.run(document, {"input": given})).error


async def work(caller: Caller) -> None:
    """Do what waits in the background."""
    worker = DeletionWorker(caller.database, clock=lambda: caller.now)
    while await worker.turn():
        pass
    await worker.release()


async def count(caller: Caller, **filter_: Any) -> int:
    """Count the events of a filter."""
    answer = await caller.run(
        "query ($filter: EventFilter) { events(filter: $filter) { totalCount { value } } }", {"filter": filter_}
    )
    value: int = answer.data["events"]["totalCount"]["value"]
    return value


@EACH_DATABASE
async def test_a_deletion_is_shown_confirmed_and_followed(caller: Caller) -> None:
    """GQ3, HZ2, L4: the whole way, as a client goes it."""
    chosen = {"eventTypes": ["audit"], "since": "2026-01-01T01:00:00+01:00"}
    shown = (await ask(caller, DELETE, filter=chosen, reason="why"))["deletion"]
    assert shown["id"].startswith("deletion:")
    assert shown | {"id": ""} == {
        "id": "",
        "state": "PREVIEWED",
        "matched": 9,
        "deleted": 0,
        "sample": [{"id": event_id(number), "message": f"event {number}"} for number in range(9, 0, -1)],
        "requestedBy": "ada",
        "reason": "why",
        "filter": {"eventTypes": ["audit"], "since": "2026-01-01T00:00:00.000000Z"},
        "createdAt": "2026-01-01T12:00:00.000000Z",
        "startedAt": None,
        "finishedAt": None,
        "expiresAt": "2026-01-01T12:15:00.000000Z",
        "error": None,
    }
    confirmed = {"filter": chosen, "dryRun": False, "confirmation": shown["id"], "reason": ""}
    queued = (await ask(caller, DELETE, **confirmed))["deletion"]
    assert (queued["state"], queued["id"], queued["reason"]) == ("QUEUED", shown["id"], "why")
    code, text = await refusal(caller, DELETE, **confirmed)
    assert (code, "has been used already, its deletion is QUEUED" in text) == (STALE, True)
    await work(caller)
    document = f"""query ($id: ID!) {{
      deletion(id: $id) {{ {FIELDS} }}
      node(id: $id) {{ ... on Deletion {{ {FIELDS} }} }}
      deletions {{ nodes {{ {FIELDS} }} edges {{ cursor node {{ state }} }} }}
    }}"""
    found = (await caller.run(document, {"id": shown["id"]})).data
    assert found["deletion"] == found["node"] == found["deletions"]["nodes"][0]
    assert (found["deletion"]["state"], found["deletion"]["deleted"]) == ("DONE", 9)
    # No copy of what was deleted is kept.
    assert found["deletion"]["sample"] == []
    assert await count(caller, namespaces=["default"]) == 3


@EACH_DATABASE
async def test_deletions_are_listed_by_state_newest_first(caller: Caller) -> None:
    """P5: by pages, in both directions; a preview is EXPIRED by the clock."""
    ids = [(await ask(caller, DELETE, filter={"eventTypes": [name]}))["deletion"]["id"] for name in ("audit", "x", "y")]
    await ask(caller, CANCEL, id=ids[1])
    document = """query ($states: [DeletionState!], $first: Int, $after: String, $last: Int) {
      deletions(states: $states, first: $first, after: $after, last: $last) { nodes { id state }
        pageInfo { hasNextPage hasPreviousPage endCursor } } }"""

    async def listed(**given: Any) -> Any:
        page = (await caller.run(document, given)).data["deletions"]
        return [(ids.index(node["id"]), node["state"]) for node in page["nodes"]], page["pageInfo"]

    everything, _ = await listed()
    assert everything == [(2, "PREVIEWED"), (1, "CANCELLED"), (0, "PREVIEWED")]
    first, info = await listed(first=1)
    assert (first, info["hasNextPage"]) == ([(2, "PREVIEWED")], True)
    rest, info = await listed(first=5, after=info["endCursor"])
    assert (rest, info["hasNextPage"], info["hasPreviousPage"]) == ([(1, "CANCELLED"), (0, "PREVIEWED")], False, True)
    assert (await listed(last=1))[0] == [(0, "PREVIEWED")]
    assert (await listed(states=["PREVIEWED"]))[0] == [(2, "PREVIEWED"), (0, "PREVIEWED")]
    assert (await listed(states=[]))[0] == []
    caller.now += 15 * 60 * 1_000_000
    assert (await listed(states=["PREVIEWED"]))[0] == []
    assert (await listed(states=["EXPIRED", "CANCELLED"]))[0] == [(2, "EXPIRED"), (1, "CANCELLED"), (0, "EXPIRED")]
    await work(caller)
    assert (await listed(states=["EXPIRED"]))[0] == [(2, "EXPIRED"), (0, "EXPIRED")]


@SQLITE
async def test_what_nobody_can_have_meant_is_refused(caller: Caller) -> None:
    """F12, F17, D3: empty filters and lists, nulls, ids of nothing; and nothing is deleted."""
    everything: tuple[dict[str, Any], ...] = (
        {},
        {"and": [{}]},
        {"or": [{"eventTypes": ["audit"]}, {}]},
        {"not": {"not": {}}},
        {"eventTypes": ["audit"], "and": [{"or": [{}]}]},
        {"messageContains": ""},
        {"and": [{"minSeverity": "DEBUG", "messageContains": ""}]},
        {"or": [{"eventTypes": ["audit"]}, {"minSeverity": "DEBUG"}]},
    )
    for filter_ in everything:
        code, text = await refusal(caller, DELETE, filter=filter_)
        assert (code, "matchEverything" in text) == (BAD, True), filter_
    narrowed = {"eventTypes": ["audit"], "messageContains": "", "and": [{"minSeverity": "DEBUG"}]}
    assert (await ask(caller, DELETE, filter=narrowed))["deletion"]["state"] == "PREVIEWED"
    empty_lists: tuple[tuple[dict[str, Any], str], ...] = (
        ({"eventTypes": []}, "filter.eventTypes"),
        ({"not": {"or": []}}, "filter.not.or"),
        ({"and": []}, "filter.and"),
        ({"and": [{"fields": [{"field": "ACTOR", "test": {"in": []}}]}]}, "filter.and[0].fields[0].test.in"),
    )
    for filter_, path in empty_lists:
        for allowed in (False, True):
            code, text = await refusal(caller, DELETE, filter=filter_, matchEverything=allowed)
            assert (code, text.split(" ", 1)[0]) == (BAD, path)
    assert (await refusal(caller, DELETE, filter={"actors": None}))[0] is BAD
    assert (await refusal(caller, DELETE, filter={"selectors": ["message ?"]}))[0] is BAD
    audits = {"filter": {"eventTypes": ["audit"]}}
    assert (await refusal(caller, DELETE, **audits, dryRun=False))[0] is REQUIRED
    assert (await refusal(caller, DELETE, **audits, dryRun=False, confirmation="x"))[0] is BAD
    assert (await refusal(caller, DELETE, **audits, dryRun=False, confirmation=event_id(1)))[0] is STALE
    assert (await refusal(caller, DELETE, **audits, confirmation=event_id(1)))[0] is BAD
    assert (await refusal(caller, DELETE, **audits, reason="r" * 1001))[0] is BAD
    assert (await refusal(caller, CANCEL, id=event_id(1)))[0] is ErrorCode.NOT_FOUND
    assert (await refusal(caller, CANCEL, id="x"))[0] is BAD
    assert (await ask(caller, DELETE, filter={}, matchEverything=True))["deletion"]["matched"] == 12
    assert await count(caller) == 12


@SQLITE
async def test_rights_are_asked_for(caller: Caller) -> None:
    """NU5: delete only with the delete right; the gateway's own events only with ADMIN; what one may not see is not."""
    audits = {"filter": {"eventTypes": ["audit"]}}
    own = {"filter": {"namespaces": ["timeloom"]}}
    shown = (await ask(caller, DELETE, **audits))["deletion"]
    reader = Caller(caller.database, rights=("READ",))
    deleter = Caller(caller.database, rights=("READ", "DELETE"))
    for document, given in (
        (DELETE, audits),
        (FORGET, {"objectType": "host", "objectId": "h"}),
        (PRUNE, {"source": "s"}),
        (CANCEL, {"id": shown["id"]}),
    ):
        assert (await refusal(reader, document, **given))[0] is ErrorCode.FORBIDDEN
    assert (await refusal(deleter, DELETE, **own))[0] is ErrorCode.FORBIDDEN
    assert (await ask(caller, DELETE, **own))["deletion"]["matched"] == 0
    found = "query ($id: ID!) { deletion(id: $id) { id } deletions { nodes { id } } }"
    assert (await reader.run(found, {"id": shown["id"]})).data == {"deletion": None, "deletions": {"nodes": []}}
    assert (await deleter.run(found, {"id": shown["id"]})).data["deletion"] == {"id": shown["id"]}


@EACH_DATABASE
async def test_an_object_is_forgotten_through_the_schema_ev7(caller: Caller) -> None:
    """D1: references are told; events with others stay."""
    await store(caller.database, [row(20, objects=(link("host", "h"), link("host", "other")))])
    given = {"objectType": "host", "objectId": "h"}
    payload = await ask(caller, FORGET, **given)
    assert (payload["references"], payload["deletion"]["matched"]) == (13, 12)
    assert payload["deletion"]["filter"] == {"object": {"namespace": "default", "objectType": "host", "objectId": "h"}}
    confirmation = payload["deletion"]["id"]
    assert (await refusal(caller, FORGET, **given, namespace="x", dryRun=False, confirmation=confirmation))[0] is STALE
    await ask(caller, FORGET, **given, dryRun=False, confirmation=confirmation)
    await work(caller)
    assert await count(caller, namespaces=["default"]) == 1
    for name, value in (("objectType", ""), ("objectId", ""), ("objectId", "h" * 256), ("namespace", "")):
        assert (await refusal(caller, FORGET, **{**given, name: value}))[0] is BAD
    nothing = await ask(caller, FORGET, objectType="host", objectId="unknown")
    assert (nothing["references"], nothing["deletion"]["state"]) == (0, "PREVIEWED")


@EACH_DATABASE
async def test_earlier_registrations_are_pruned_through_the_schema_hz3(caller: Caller) -> None:
    """D5, D7: what belongs to earlier registrations goes, by id alone; what was previewed goes."""
    database = caller.database
    [key] = (await database.identities.intern_namespaces(["default"])).values()
    first, second = [(await append_registration(database, key, "s", now=NOW)).uuid for _ in range(2)]
    given = [(30, first), (31, second), (32, None), (33, first)]
    await store(database, [row(number, source="s", registration_id=one) for number, one in given])
    shown = (await ask(caller, PRUNE, source="s"))["deletion"]
    assert (shown["matched"], [one["id"] for one in shown["sample"]]) == (2, [event_id(33), event_id(30)])
    assert shown["filter"] == {"registrations": {"namespace": "default", "source": "s"}}
    await append_registration(database, key, "s", now=NOW)
    await ask(caller, PRUNE, source="s", dryRun=False, confirmation=shown["id"])
    await work(caller)
    assert await count(caller, sources=["s"]) == 2
    assert (await ask(caller, PRUNE, source="s"))["deletion"]["matched"] == 1
    assert (await ask(caller, PRUNE, source="unknown"))["deletion"]["matched"] == 0
    assert (await refusal(caller, PRUNE, source="s", namespace="timeloom"))[0] is BAD


@SQLITE
@pytest.mark.parametrize(
    ("document", "given", "optional"),
    [
        (DELETE, {"filter": {"eventTypes": ["audit"]}}, ("confirmation", "reason")),
        (FORGET, {"objectType": "host", "objectId": "h"}, ("namespace", "confirmation", "reason")),
        (PRUNE, {"source": "s"}, ("namespace", "confirmation", "reason")),
    ],
    ids=["delete", "forget", "prune"],
)
async def test_null_is_left_out(
    caller: Caller, document: str, given: dict[str, Any], optional: tuple[str, ...]
) -> None:
    """Each optional input null, one at a time: the same as without it; flags take no null."""
    await settle_position(caller.database)

    def same(payload: dict[str, Any]) -> Any:
        return payload["deletion"] | {"id": None}

    expected = same(await ask(caller, document, **given))
    for name in optional:
        assert same(await ask(caller, document, **given, **{name: None})) == expected
    assert (await refusal(caller, document, **given, dryRun=False, confirmation=None))[0] is REQUIRED
    for flag in ("dryRun", "matchEverything"):
        answer = await caller.run(document, {"input": {**given, flag: None}})
        assert answer.errors, flag
    assert await count(caller) == 12
