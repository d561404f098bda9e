"""Null in an input is the same as leaving it out: nothing is deleted, changed or archived otherwise (contract).

Every mutation of the schema, every optional field of its input, one at a time; a mutation that is new must be added.
"""

import asyncio
import re
import shutil
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest
from graphql import GraphQLInputObjectType, GraphQLNonNull, GraphQLObjectType, get_named_type

from gateway.errors import ErrorCode
from mutations.deletion_worker import DeletionWorker
from mutations.retention import RetentionRunner
from storage.engine import Database
from storage.revisions import migrate
from storage.times import MICROSECONDS_PER_DAY
from tests.gateway.execution import EXECUTOR, NOW, Caller
from tests.gateway.operations import DECLARED

MUTATIONS = cast("GraphQLObjectType", EXECUTOR.graphql_schema.type_map["Mutation"])
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
EVENT_ID = "01900000-0000-7000-8000-00000000000a"
FILTER = {"eventTypes": ["status"]}
OBJECT = {"objectType": "node", "objectId": "n1"}
SOURCE = {"source": "host-1"}
POLICY: dict[str, Any] = {
    "name": "policy",
    "namespace": "default",
    "eventTypes": ["status"],
    "objectTypes": ["node"],
    "sources": ["host-*"],
    "selectors": ["severity<error"],
    "maxAgeSeconds": 86_400,
}
OPERATION: dict[str, Any] = {"operationType": "instance.resize", "payload": {"instance": "i-1", "node": None}}
EVENT: dict[str, Any] = {
    "id": EVENT_ID,
    "eventType": "audit",
    "source": "host-1",
    "message": "it happened",
    "timestamp": "2026-01-01T11:00:00Z",
    "namespace": "default",
    "severity": "ERROR",
    "objects": [OBJECT],
}

EVENT_TYPE: dict[str, Any] = {
    "namespace": "lab",
    "category": "state",
    "subcategory": "disk",
    "defaultSeverity": "ERROR",
    "requiredDetails": ["a"],
    "optionalDetails": ["b"],
    "objectTypes": ["node"],
}
TARGET_FIELD = {"field": "node", "objectType": "node"}

_OTHER_EACH_TIME = {"leases", "retention_marks"}
"""Their names or numbers come from new ids and from the database's clock."""

Seeds = dict[str, str]
"""Ids of what is in the store, by what they are for."""
Input = Callable[[Seeds], dict[str, Any]]

CALLS: dict[str, list[Input]] = {
    "ingestEvents": [lambda _: {"events": [EVENT]}],
    "deleteEvents": [
        lambda _: {"filter": FILTER, "reason": "because"},
        lambda seeds: {"filter": FILTER, "dryRun": False, "confirmation": seeds["deleteEvents"], "reason": "because"},
    ],
    "forgetObject": [
        lambda _: {**OBJECT, "namespace": "default", "reason": "because"},
        lambda seeds: {**OBJECT, "dryRun": False, "confirmation": seeds["forgetObject"], "reason": "because"},
    ],
    "pruneRegistrations": [
        lambda _: {**SOURCE, "namespace": "default", "reason": "because"},
        lambda seeds: {**SOURCE, "dryRun": False, "confirmation": seeds["pruneRegistrations"], "reason": "because"},
    ],
    "cancelDeletion": [lambda seeds: {"id": seeds["deleteEvents"]}],
    "createRetentionPolicy": [lambda _: POLICY],
    "updateRetentionPolicy": [
        lambda seeds: {"id": seeds["policy"], **{name: POLICY[name] for name in POLICY if name != "namespace"}},
        lambda seeds: {"id": seeds["policy"], "keepForever": True, "compactRepeats": True},
    ],
    "deleteRetentionPolicy": [lambda seeds: {"id": seeds["policy"]}],
    "runRetention": [lambda _: {"dryRun": False}],
    "registerSource": [lambda _: {**SOURCE, "namespace": "default"}],
    "dismissProblem": [lambda seeds: {"id": seeds["problem"], "until": "2026-01-02T00:00:00Z", "reason": "because"}],
    "enqueueOperation": [
        lambda seeds: {**OPERATION, "namespace": "default", "uuid": seeds["operation"], "requestId": "req-1"},
        lambda _: {**OPERATION, "namespace": "default", "uuid": EVENT_ID, "requestId": "req-1"},
    ],
    "transitionOperation": [
        lambda seeds: {"id": seeds["operation"], "state": "ERROR", "expectedState": "QUEUED", "message": "given up"},
    ],
    "defineEventType": [
        lambda _: {"name": "status", "enabled": False, "description": "what it means"},
        lambda _: {"name": "kept", **EVENT_TYPE, "maxAgeSeconds": 60},
        lambda _: {"name": "kept", **EVENT_TYPE, "keepForever": True},
    ],
    "defineOperationType": [
        lambda _: {"name": "move", "namespace": "lab", "description": "moves", "targetFields": [TARGET_FIELD]}
    ],
}
"""An input of each mutation that does something, with most of what is optional; the home namespace is `default`."""


def input_fields(name: str) -> dict[str, Any]:
    """The fields of a mutation's input, by name, with their types."""
    argument = cast("GraphQLInputObjectType", get_named_type(MUTATIONS.fields[name].args["input"].type))
    return {field: one.type for field, one in argument.fields.items()}


def event_fields() -> list[str]:
    """The fields of an event that may be left out."""
    event = cast("GraphQLInputObjectType", get_named_type(input_fields("ingestEvents")["events"]))
    return [field for field, one in event.fields.items() if not isinstance(one.type, GraphQLNonNull)]


OPTIONAL = [
    pytest.param(name, place, field, id=f"{name}-{place}-{field}")
    for name in MUTATIONS.fields
    for place, _ in enumerate(CALLS.get(name, ()))
    for field, kind in input_fields(name).items()
    if not isinstance(kind, GraphQLNonNull)
]


def document(name: str) -> str:
    kind = MUTATIONS.fields[name].args["input"].type
    return f"mutation ($input: {kind}) {{ {name}(input: $input) {{ __typename }} }}"


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Seeds]:
    """A store with something for every mutation, and previews that can be confirmed."""
    path: Path = tmp_path_factory.mktemp("null") / "timeloom.db"
    migrate(f"sqlite+aiosqlite:///{path}")
    return path, asyncio.run(fill(f"sqlite+aiosqlite:///{path}"))


async def fill(url: str) -> Seeds:
    """Store what the mutations work on, and give its ids."""
    database = await Database.open(url)
    caller = Caller(database, now=NOW - 60_000_000, declared=DECLARED)
    seeds: Seeds = {}

    async def ask(name: str, given: Mapping[str, Any], shown: str) -> Any:
        kind = MUTATIONS.fields[name].args["input"].type
        text = f"mutation ($input: {kind}) {{ {name}(input: $input) {{ {shown} }} }}"
        return (await caller.run(text, {"input": given})).data[name]

    first = (await ask("registerSource", SOURCE, "registration { id }"))["registration"]["id"]
    await ask("registerSource", SOURCE, "registration { id }")
    events = [
        {**EVENT, "id": None, "eventType": "status", "registrationId": first},
        {**EVENT, "id": None, "objects": [{"objectType": "disk", "objectId": "d1"}]},
        {**EVENT, "id": None, "namespace": "other", "eventType": "status"},
    ]
    assert (await ask("ingestEvents", {"events": events}, "accepted")) == {"accepted": 3}
    for name, given in (("deleteEvents", {"filter": FILTER}), ("forgetObject", OBJECT), ("pruneRegistrations", SOURCE)):
        seeds[name] = (await ask(name, given, "deletion { id }"))["deletion"]["id"]
    found = await caller.run("{ problems { nodes { id } } }")
    seeds["problem"] = found.data["problems"]["nodes"][0]["id"]
    made = await ask("createRetentionPolicy", {"name": "kept", "maxAgeSeconds": 864_000}, "policy { id }")
    seeds["policy"] = made["policy"]["id"]
    queued = await ask("enqueueOperation", {**OPERATION, "requestId": "req-1"}, "operation { id }")
    seeds["operation"] = queued["operation"]["id"]
    await database.close()
    return seeds


@pytest.fixture
def run(seeded: tuple[Path, Seeds], tmp_path: Path) -> Callable[..., Awaitable[tuple[Any, Any]]]:
    """`await run(name, input)`: what a mutation answers, and what is in a fresh store when all it began has ended."""

    stores: list[Path] = []

    async def once(name: str, given: Mapping[str, Any]) -> tuple[Any, Any]:
        path = tmp_path / f"{len(stores)}.db"
        stores.append(path)
        shutil.copyfile(seeded[0], path)
        database = await Database.open(f"sqlite+aiosqlite:///{path}")
        runner = RetentionRunner(database, [], clock=lambda: NOW + 9 * MICROSECONDS_PER_DAY)
        answer = await Caller(database, declared=DECLARED).run(document(name), {"input": given}, retention=runner)
        worker = DeletionWorker(database, clock=lambda: NOW)
        while await worker.turn():
            pass
        if "Retention" in name:
            await runner.request("somebody")
            await runner.turn()
        await database.close()
        return (answer.body, answer.errors), contents(path, seeded[1])

    return once


def contents(path: Path, seeds: Seeds) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of a store; what was made by this run has other ids each time."""
    known = {text.rpartition(":")[2] for text in seeds.values()} | {EVENT_ID}

    def plain(value: Any) -> Any:
        if isinstance(value, bytes):
            digits = value.hex()
            text = f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
            return text if text in known else "new"
        if isinstance(value, str):
            return UUID.sub(lambda found: found[0] if found[0] in known else "new", value)
        return value

    with closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: sorted((tuple(map(plain, row)) for row in connection.execute(f"SELECT * FROM {name}")), key=repr)
            for name in names
            if name not in _OTHER_EACH_TIME
        }


def test_every_mutation_is_covered() -> None:
    """A new mutation needs an input here."""
    assert CALLS.keys() == MUTATIONS.fields.keys()


@pytest.mark.parametrize(("name", "place", "field"), OPTIONAL)
async def test_null_does_what_leaving_out_does(
    name: str, place: int, field: str, seeded: tuple[Path, Seeds], run: Callable[..., Awaitable[tuple[Any, Any]]]
) -> None:
    """GQ3, L4, HZ2: the answer, and every row of every table."""
    given = CALLS[name][place](seeded[1])
    without = {key: value for key, value in given.items() if key != field}
    answer, stored = await run(name, {**without, field: None})
    assert (answer, stored) == await run(name, without)


async def test_null_in_an_event_is_no_content(seeded: tuple[Path, Seeds], tmp_path: Path) -> None:
    """EV2, I2: sent once without a field and once with null, it is the same event."""
    path = tmp_path / "timeloom.db"
    shutil.copyfile(seeded[0], path)
    database = await Database.open(f"sqlite+aiosqlite:///{path}")
    text = "mutation ($input: IngestEventsInput!) { ingestEvents(input: $input) { results { outcome } } }"
    for number, field in enumerate(event_fields()):
        given = {**EVENT, "id": f"01900000-0000-7000-8000-{number:012x}"}
        without = {key: value for key, value in given.items() if key != field}
        sent = [without, {**without, field: None}]
        answer = (await Caller(database).run(text, {"input": {"events": sent}})).data["ingestEvents"]["results"]
        # Without an id each is a new event.
        second = "ACCEPTED" if field == "id" else "DUPLICATE"
        assert [each["outcome"] for each in answer] == ["ACCEPTED", second], field
    await database.close()


async def test_null_in_a_flag_or_in_a_filter_is_refused(seeded: tuple[Path, Seeds], tmp_path: Path) -> None:
    """L4: null cannot mean false, and never widens what a delete takes (contract)."""
    path = tmp_path / "timeloom.db"
    shutil.copyfile(seeded[0], path)
    database = await Database.open(f"sqlite+aiosqlite:///{path}")
    caller, before = Caller(database), contents(path, seeded[1])
    for name, calls in CALLS.items():
        for field, kind in input_fields(name).items():
            if isinstance(kind, GraphQLNonNull):
                answer = await caller.run(document(name), {"input": {**calls[-1](seeded[1]), field: None}})
                assert answer.errors, (name, field)
    fields = cast("GraphQLInputObjectType", get_named_type(input_fields("deleteEvents")["filter"]))
    for field in fields.fields:
        for given in ({**FILTER, field: None}, {"and": [{**FILTER, field: None}]}):
            answer = await caller.run(document("deleteEvents"), {"input": {"filter": given}})
            assert [code for code, _ in answer.errors] == [ErrorCode.BAD_USER_INPUT], given
    assert contents(path, seeded[1]) == before
    await database.close()
