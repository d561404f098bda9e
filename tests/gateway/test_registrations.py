"""registerSource and registrations in GraphQL, and what ingest makes of a registrationId (HZ3, D5, N2, P5, P7)."""

from typing import Any

import pytest

from gateway.context import GrantRecord, ViewerRecord
from gateway.errors import ErrorCode
from storage.engine import Database
from storage.registrations import fetch_earlier_registrations
from storage.scopes import Scope
from tests.gateway.execution import Caller

EACH_DATABASE = pytest.mark.parametrize("backend", ["sqlite", "aiomysql"])
REGISTER = """mutation ($input: RegisterSourceInput!) {
  registerSource(input: $input) { registration { id uuid namespace source startedAt endedAt isCurrent } }
}"""
INGEST = """mutation ($events: [EventInput!]!) {
  ingestEvents(input: {events: $events}) { results { outcome code message } }
}"""
NOW = "2026-01-01T12:00:00.000000Z"


@pytest.fixture
def caller(database: Database) -> Caller:
    """Somebody who asks a gateway without events, whose clock stands still."""
    return Caller(database)


async def register(caller: Caller, source: str = "node-1", **given: Any) -> dict[str, Any]:
    answer = await caller.run(REGISTER, {"input": {"source": source} | given})
    registration: dict[str, Any] = answer.data["registerSource"]["registration"]
    return registration


async def ingest(caller: Caller, registration_id: str, source: str = "node-1", **given: Any) -> tuple[Any, ...]:
    event = {"eventType": "audit", "source": source, "message": "m", "registrationId": registration_id} | given
    [result] = (await caller.run(INGEST, {"events": [event]})).data["ingestEvents"]["results"]
    return result["outcome"], result["code"], result["message"]


@EACH_DATABASE
async def test_no_event_is_lost_or_kept_because_of_clock_seconds(caller: Caller) -> None:
    """HZ3: two registrations and their events within one microsecond; which is whose is told by the id alone."""
    first = await register(caller)
    assert await ingest(caller, first["id"], message="of the first") == ("ACCEPTED", None, None)
    second = await register(caller, namespace=None)
    assert await ingest(caller, second["uuid"], message="of the second") == ("ACCEPTED", None, None)
    # What the source had in its spool when it began anew still belongs to the registration before.
    assert await ingest(caller, first["uuid"].upper(), message="late") == ("ACCEPTED", None, None)
    assert (first["startedAt"], second["startedAt"], second["isCurrent"]) == (NOW, NOW, True)
    key = (await caller.database.identities.namespace_keys(["default"]))["default"]
    earlier = await fetch_earlier_registrations(caller.database, key, "node-1")
    assert earlier == [first["uuid"]]
    query = "query ($ids: [ID!]) { events(filter: {registrationIds: $ids}) { nodes { message } } }"
    found = [node["message"] for node in (await caller.run(query, {"ids": earlier})).data["events"]["nodes"]]
    assert sorted(found) == ["late", "of the first"]


@EACH_DATABASE
async def test_a_registration_of_another_source_or_namespace_is_unknown(caller: Caller) -> None:
    """D5: and what is wrong with it is told in words that help, without saying whose it is."""
    known = (await register(caller))["uuid"]
    strange = "00000000-0000-7000-8000-000000000009"
    cases = ((known, "node-2", "default"), (known, "node-1", "lab"), (strange, "node-1", "default"))
    for registration_id, source, namespace in cases:
        outcome, code, message = await ingest(caller, registration_id, source, namespace=namespace)
        assert (outcome, code) == ("REJECTED", "UNKNOWN_REGISTRATION")
        assert message == (
            f"registrationId {registration_id} is no registration of the source '{source}' in the namespace "
            f"{namespace}: send the id that registerSource gave for both, or leave it out"
        )
    # What was not found is looked for again: it may have been registered by another gateway meanwhile.
    outcome, _, _ = await ingest(caller, (await register(caller, "node-2"))["uuid"], "node-2")
    assert outcome == "ACCEPTED"


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_batches_without_registrations_cost_no_look_up_and_known_ones_neither(caller: Caller) -> None:
    known = (await register(caller))["uuid"]
    event = {"eventType": "audit", "source": "node-1", "message": "m"}
    for registration in ({}, {"registrationId": known}):
        answer = await caller.run(INGEST, {"events": [event | registration]})
        assert not [sql for sql in answer.statements if "FROM registrations" in sql]
    strange = {"registrationId": "00000000-0000-7000-8000-000000000009"}
    answer = await caller.run(INGEST, {"events": [event | strange] * 3})
    assert len([sql for sql in answer.statements if "FROM registrations" in sql]) == 1


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_a_source_that_events_cannot_have_is_refused(caller: Caller) -> None:
    """The limits of ingest; `timeloom` is closed to clients."""
    expected = {
        ("", "default"): "source is empty: leave it out, or give it a value",
        ("x" * 256, "default"): "source has 256 characters, more than the 255 that it may have",
        ("a\0b", "default"): "source holds the character NUL",
        ("node-1", "timeloom"): "the namespace timeloom is closed to clients",
        ("node-1", "no name"): "namespace 'no name' is not made of 1 to 64 of A-Z a-z 0-9 . _ -",
    }
    for (source, namespace), message in expected.items():
        answer = await caller.run(REGISTER, {"input": {"source": source, "namespace": namespace}})
        assert answer.error == (ErrorCode.BAD_USER_INPUT, message)
    homeless = Caller(caller.database, home_namespace=None)
    code, message = (await homeless.run(REGISTER, {"input": {"source": "node-1"}})).error
    assert (code, message[:21]) == (ErrorCode.BAD_USER_INPUT, "namespace is missing,")
    assert (await register(caller, "x" * 255))["source"] == "x" * 255


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_registering_needs_the_right_to_ingest(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    viewer = ViewerRecord("reader", "default", (GrantRecord(None, "READ"), GrantRecord("lab", "INGEST")))
    make_context = caller._context
    monkeypatch.setattr(caller, "_context", lambda *given: _with_viewer(make_context(*given), viewer))
    code, message = (await caller.run(REGISTER, {"input": {"source": "node-1"}})).error
    assert (code, message) == (
        ErrorCode.FORBIDDEN,
        "this needs the right INGEST in the namespace default, which you do not have",
    )
    assert (await register(caller, namespace="lab"))["namespace"] == "lab"


def _with_viewer(context: Any, viewer: ViewerRecord) -> Any:
    context.viewer = viewer
    return context


@EACH_DATABASE
async def test_registrations_are_nodes_and_pages(caller: Caller) -> None:
    """P5, P7, EV9: newest first; what is not there or not visible is null."""
    ids = [(await register(caller))["id"] for _ in range(3)]
    query = "query ($id: ID!) { node(id: $id) { id ... on Registration { endedAt isCurrent } } }"
    node = (await caller.run(query, {"id": ids[0]})).data["node"]
    assert node == {"id": ids[0], "endedAt": NOW, "isCurrent": False}
    hidden = await caller.run(query, {"id": ids[0]}, scope=Scope(namespace_keys=frozenset({99})))
    assert hidden.data == {"node": None}
    for nothing in ("registration:", "registration:00000000-0000-7000-8000-000000000009", f"policies:{ids[0]}"):
        assert (await caller.run(query, {"id": nothing})).data == {"node": None}
    page = "query ($after: String) { registrations(first: 2, after: $after) { nodes { id } pageInfo { endCursor } } }"
    first = (await caller.run(page)).data["registrations"]
    assert [node["id"] for node in first["nodes"]] == ids[:0:-1]
    rest = (await caller.run(page, {"after": first["pageInfo"]["endCursor"]})).data["registrations"]
    assert [node["id"] for node in rest["nodes"]] == ids[:1]
    back = "query ($before: String) { registrations(last: 2, before: $before) { nodes { id } } }"
    before = rest["pageInfo"]["endCursor"]
    assert (await caller.run(back, {"before": before})).data["registrations"]["nodes"] == first["nodes"]
    wrong = await caller.run("query ($after: String) { events(after: $after) { nodes { id } } }", {"after": before})
    assert wrong.error == (
        ErrorCode.BAD_USER_INPUT,
        "after: this cursor belongs to a list of registrations, not of events",
    )
