"""Definitions: what is left out stays, nobody's change is lost, and ages are policies of retention (NU1, OP1, RT1)."""

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import select
from sqlalchemy.engine import make_url

from gateway.demo.history import tell_history
from mutations.errors import InvalidInputError
from mutations.limits import IngestLimits
from mutations.policies import PolicyOrigin
from mutations.type_changes import TypeChanges
from mutations.type_files import SHIPPED_REGISTRIES, parse_source, read_types
from mutations.type_registry import TypeKey, TypeRegistry, TypeSnapshot
from mutations.validation import EventValidator
from storage.engine import Database
from storage.severities import Severity
from storage.tables import events
from storage.type_definitions import FOR_EVER, EventTypeRecord, OperationTypeRecord, TargetField
from tests.mutations.retained import DAY, Clock, age_policy, carry_out, outcomes, runner
from tests.mutations.test_retention import stored_numbers
from tests.proxies import DatabaseProxy
from tests.storage.histories import START, row, store

EVERYWHERE = TypeKey(None, "status")
LAB = TypeKey("lab", "status")


def changes(database: Database, registry: TypeRegistry | None = None) -> TypeChanges:
    return TypeChanges(database, registry or TypeRegistry(database), actor="ann", clock=lambda: START)


async def told(database: Database) -> list[tuple[str, str, Any]]:
    """What was written about definitions, in no order."""
    columns = [events.c.event_type, events.c.message, events.c.extra]
    async with database.reading() as connection:
        found = await connection.execute(select(*columns).where(events.c.category == "audit"))
        return [(kind, message, orjson.loads(extra)) for kind, message, extra in found]


async def test_what_is_left_out_stays_and_each_change_is_told(database: Database) -> None:
    registry = TypeRegistry(database)
    some = changes(database, registry)
    assert await some.define_event_type(EVERYWHERE, {}) == EventTypeRecord(None, "status")
    given = {"category": "state", "required_details": ("a",), "default_severity": Severity.ERROR, "enabled": False}
    full = EventTypeRecord("lab", "status", "state", None, Severity.ERROR, False, ("a",))
    assert await some.define_event_type(LAB, given) == full
    assert await registry.event_type("lab", "status") == full
    assert await registry.event_type("other", "status") == EventTypeRecord(None, "status")
    changed = await some.define_event_type(LAB, {"category": "", "description": "what it means", "enabled": True})
    assert changed == full._replace(category=None, description="what it means", enabled=True)
    assert await some.define_event_type(LAB, {"enabled": True}) == changed

    kept = {"field": "node", "object_type": "node"}
    moved = await some.define_operation_type(TypeKey("lab", "move"), (TargetField(**kept),), description="moves")
    assert moved == OperationTypeRecord("lab", "move", (TargetField(**kept),), "moves")
    assert await registry.operation_type("lab", "move") == moved
    for description, expected in ((None, "moves"), ("", None)):
        bare = await some.define_operation_type(TypeKey("lab", "move"), (), description=description)
        assert bare == OperationTypeRecord("lab", "move", (), expected)

    found = await told(database)
    assert sorted((kind, message) for kind, message, _ in found) == [
        ("event-type", "event type status of every namespace was defined"),
        ("event-type", "event type status of the namespace lab was changed"),
        ("event-type", "event type status of the namespace lab was defined"),
        ("operation-type", "operation type move of the namespace lab was changed"),
        ("operation-type", "operation type move of the namespace lab was changed"),
        ("operation-type", "operation type move of the namespace lab was defined"),
    ]
    [extra] = [extra for kind, message, extra in found if kind == "event-type" and "changed" in message]
    assert (extra["before"]["category"], extra["after"]["category"]) == ("state", None)
    assert extra["after"]["default_severity"] == "ERROR"


async def test_those_who_define_at_the_same_time_lose_nothing(database: Database) -> None:
    """One after the other, whether the type is new or not."""
    given: list[dict[str, Any]] = [
        {"category": "state"},
        {"subcategory": "disk"},
        {"required_details": ("a",)},
        {"object_types": ("node",)},
        {"max_age_seconds": 60},
        {"description": "what it means"},
    ]
    some = [changes(database) for _ in given]
    await asyncio.gather(*(one.define_event_type(LAB, each) for one, each in zip(some, given, strict=True)))
    expected = EventTypeRecord("lab", "status", "state", "disk", required_details=("a",), object_types=("node",))
    expected = expected._replace(max_age_seconds=60, description="what it means")
    assert await TypeRegistry(database).event_type("lab", "status") == expected
    assert len(await told(database)) == len(given)


@pytest.mark.parametrize("backend", ["aiomysql"])
async def test_an_answer_to_commit_that_is_lost_defines_once(database_url: str) -> None:
    url = make_url(database_url)
    assert url.port is not None
    async with DatabaseProxy(url.port) as proxy:
        database = await Database.open(url.set(port=proxy.port).render_as_string(hide_password=False))
        some = changes(database)
        await some.define_event_type(EVERYWHERE, {})
        proxy.cut_after_commit()
        assert await some.define_event_type(LAB, {"enabled": False}) == EventTypeRecord("lab", "status", enabled=False)
        assert len(await told(database)) == 2
        await database.close()


BAD: list[tuple[TypeKey, dict[str, Any], str]] = [
    (TypeKey("timeloom", "a"), {}, "the namespace timeloom is closed to clients"),
    (TypeKey("a b", "a"), {}, "namespace 'a b' is not made of"),
    (TypeKey(None, ""), {}, "name is empty"),
    (TypeKey(None, "x" * 65), {}, "name has 65 characters"),
    (LAB, {"category": "x" * 65}, "category has 65 characters"),
    (LAB, {"required_details": ("a", "")}, "requiredDetails[1] is empty"),
    (LAB, {"optional_details": ("x" * 256,)}, "optionalDetails[0] has 256 characters"),
    (LAB, {"object_types": ("x",) * 1_001}, "objectTypes has 1001 values, the most is 1000"),
    (LAB, {"description": "x" * 2_001}, "description has 2001 characters"),
    (LAB, {"max_age_seconds": 0}, "maxAgeSeconds must be 1 or more; say keepForever to keep for ever"),
    (LAB, {"max_age_seconds": FOR_EVER}, "maxAgeSeconds must be 1 or more"),
    (LAB, {"max_age_seconds": 1, "keep_forever": True}, "keepForever and maxAgeSeconds exclude each other"),
]


async def test_what_cannot_be_is_refused_and_nothing_is_written(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "types.toml"
    path.write_text('[[event_types]]\nname = "status"\n[[operation_types]]\nname = "move"')
    some = changes(database, TypeRegistry(database, read_types([parse_source(f"lab={path}")])))
    for key, given, expected in BAD:
        with pytest.raises(InvalidInputError) as raised:
            await changes(database).define_event_type(key, given)
        assert str(raised.value).startswith(expected)
    for fields, expected in {
        (("", "node"),): "targetFields[0].field is empty",
        (("a", "x" * 65),): "targetFields[0].objectType has 65 characters",
        (("a", "node"), ("a", "disk")): "targetFields[1]: the field a stands there twice",
        tuple((str(number), "node") for number in range(101)): "targetFields has 101 fields, the most is 100",
    }.items():
        with pytest.raises(InvalidInputError) as raised:
            await some.define_operation_type(
                TypeKey(None, "move"), tuple(map(TargetField._make, fields)), description=None
            )
        assert str(raised.value).startswith(expected)
    with pytest.raises(InvalidInputError, match=rf"status is declared by {path} \(TIMELOOM_TYPE_REGISTRIES\)"):
        await some.define_event_type(LAB, {"enabled": False})
    with pytest.raises(InvalidInputError, match=rf"move is declared by {path}"):
        await some.define_operation_type(TypeKey("lab", "move"), (), description=None)
    assert await told(database) == []
    await some.define_event_type(EVERYWHERE, {})


async def test_ages_of_types_are_policies_of_their_own_rt1(database: Database, tmp_path: Path) -> None:
    """Against settings the longer age wins, or that of a namespace; what is stored of a type that is off gets old."""
    path = tmp_path / "types.toml"
    path.write_text('[[event_types]]\nname = "usage"\nmax_age_seconds = 172800\n')
    declared = read_types([parse_source(f"lab={path}")])
    some = changes(database, TypeRegistry(database))
    given: dict[TypeKey, dict[str, Any]] = {
        TypeKey(None, "audit"): {"max_age_seconds": 86_400},
        TypeKey("lab", "audit"): {"max_age_seconds": 3 * 86_400},
        TypeKey("lab", "usage"): {"keep_forever": True},
        TypeKey(None, "off"): {"max_age_seconds": 86_400, "enabled": False},
        TypeKey(None, "kept"): {"keep_forever": True},
        TypeKey(None, "plain"): {"category": "state"},
    }
    for key, each in given.items():
        await some.define_event_type(key, each)
    rows = [row(1), row(2, namespace="lab"), row(3, namespace="lab", event_type="usage")]
    rows += [row(4, event_type="off"), row(5, event_type="kept"), row(6, event_type="plain")]
    await store(database, rows)
    clock = Clock(START + 2 * DAY + 100)
    settings = [age_policy("audit", 5), age_policy("kept", 1)]
    one = runner(database, *settings, declared=declared, clock=clock)
    policies = {each.id: each.max_age_seconds for each in await one.policies() if each.origin is PolicyOrigin.REGISTRY}
    assert policies == {
        "type:/audit": 86_400,
        "type:lab/audit": 3 * 86_400,
        "type:lab/usage": 172_800,
        "type:/off": 86_400,
        "type:/kept": None,
    }
    # The declared age of usage beats the stored one; the setting's age of audit is longer than the type's.
    assert outcomes(await carry_out(one, database)) == {"usage": (1, 0), "off": (1, 0)}
    assert await numbers(database) == [1, 2, 5, 6]
    clock.now += 2 * DAY
    await carry_out(one, database)
    assert await numbers(database) == [1, 5, 6]
    await some.define_event_type(TypeKey("default", "audit"), {"max_age_seconds": 60})
    await carry_out(one, database)
    assert await numbers(database) == [5, 6]


async def numbers(database: Database) -> list[int]:
    """Those of the events that are left, but for what the gateway wrote itself."""
    return [number for number in await stored_numbers(database) if number < 100]


def test_the_demo_is_valid_with_every_shipped_registry() -> None:
    """NU1, SY1: nothing of it is rejected or discarded, whether they hold everywhere or where they belong."""
    places = {"nuvla": "nuvla", "open-horizon": "edge", "shaken-fist": "default", "spacedrive": "library-photos"}
    assert set(places) == set(SHIPPED_REGISTRIES)
    known = set()
    for entries in (SHIPPED_REGISTRIES, [f"{place}={name}" for name, place in places.items()]):
        declared = read_types(map(parse_source, entries))
        types = TypeSnapshot(declared.event_types.values(), severity_words=declared.severity_words)
        validator = EventValidator(home_namespace="default", limits=IngestLimits(), received_at=START, types=types)
        for draft in tell_history(3_000, seed=1, until=START):
            stored = validator.to_row(draft)
            if types.event_type(str(draft.namespace), draft.event_type) is not None:
                known.add(draft.event_type)
            else:
                assert draft.event_type.startswith("operation.")
            assert stored.category == draft.category or draft.category is None
    assert len(known) > 50
