"""Filters become SQL: NU6, SY2 and rules F1, F5, F12 to F14, F18, F22, F23 of semantics.md, on every backend."""

import pytest
from sqlalchemy import select

from storage.conditions import MAX_LIST_VALUES, build_condition, require_short_lists
from storage.engine import Database
from storage.errors import TooManyValuesError
from storage.selector_text import parse_selector
from storage.selectors import (
    ALL,
    NONE,
    And,
    Comparison,
    EventField,
    FieldTest,
    JsonComparison,
    JsonTest,
    Not,
    ObjectReference,
    Or,
    Selector,
    TouchesAny,
    TouchesId,
    TouchesType,
    all_of,
    equals_any,
)
from storage.tables import events
from tests.storage.histories import START, event_id, link, row, store

IN, CONTAINS, PREFIX, IS_NULL = Comparison.IN, Comparison.CONTAINS, Comparison.PREFIX, Comparison.IS_NULL
ONE, TWO = "0190b2c4-0000-7000-8000-00000000abcd", "ffffffff-0000-7000-8000-00000000abce"


async def numbers_of(database: Database, selector: Selector) -> list[int]:
    """Which of the stored events a selector means, by number."""
    condition = build_condition(selector, database.dialect_name)
    async with database.reading() as connection:
        found = (await connection.execute(select(events.c.id).where(condition).order_by(events.c.id))).scalars()
        return [int(identifier.replace("-", ""), 16) for identifier in found]


async def require_found(database: Database, expected: dict[Selector, list[int]], everything: set[int]) -> None:
    """Each selector means just the events expected, and its negation just the others."""
    for selector, numbers in expected.items():
        assert await numbers_of(database, selector) == numbers, selector
        assert await numbers_of(database, Not(selector)) == sorted(everything - set(numbers)), Not(selector)


async def test_texts_compare_by_code_point(database: Database) -> None:
    """Contract: case-sensitive, by code point, plain substrings; F13, F22: the empty needle is in every text."""
    actors = ["ab", "Ab", "ab ", "a%b", "a_b", "größe 😀 x", "", None, "a\\b'\"", "e\u0301"]
    await store(database, [row(number, actor=actor) for number, actor in enumerate(actors)])

    def actor(comparison: Comparison, value: object) -> FieldTest:
        return FieldTest(EventField.ACTOR, comparison, value)

    given = [number for number, text in enumerate(actors) if text is not None]
    await require_found(
        database,
        {
            actor(IN, ("ab",)): [0],
            actor(IN, ("ab", "Ab", "nobody")): [0, 1],
            actor(IN, ("ab ",)): [2],
            actor(IN, ("",)): [6],
            actor(IN, ()): [],
            actor(IN, ("é",)): [],
            actor(CONTAINS, "%"): [3],
            actor(CONTAINS, "_"): [4],
            actor(CONTAINS, "a%b"): [3],
            actor(CONTAINS, "B"): [],
            actor(CONTAINS, "b "): [2],
            actor(CONTAINS, "öß"): [5],
            actor(CONTAINS, "OSS"): [],
            actor(CONTAINS, "😀"): [5],
            actor(CONTAINS, "\\b'\""): [8],
            actor(CONTAINS, ""): given,
            actor(PREFIX, ""): given,
            actor(PREFIX, "a"): [0, 2, 3, 4, 8],
            actor(PREFIX, "ab"): [0, 2],
            actor(PREFIX, "ab "): [2],
            actor(PREFIX, "ab  "): [],
            actor(PREFIX, "a%"): [3],
            actor(PREFIX, "größe 😀"): [5],
            actor(PREFIX, "größe 😀 x"): [5],
            actor(PREFIX, "größe 😁"): [],
            actor(PREFIX, "b"): [],
            actor(IS_NULL, None): [7],
        },
        set(range(len(actors))),
    )


ATTRIBUTES = [
    ("event_type", "boot"),
    ("category", "state"),
    ("severity_text", "loud"),
    ("source", "edge-9"),
    ("message", "unlike any other"),
    ("actor", "alice"),
    ("actor_claim", "admin"),
    ("session_id", "s-1"),
    ("request_id", "r-1"),
    ("correlation_id", "c-1"),
    ("trace_id", "t-1"),
    ("span_id", "sp-1"),
    ("parent_span_id", "sp-0"),
    ("owner", "bob"),
    ("namespace", "other"),
]


async def test_each_text_attribute_reads_its_own_column(database: Database) -> None:
    """F5, F6, NU6: =, !=, contains, prefix and null on every text field, those kept elsewhere included."""
    rows = [row(0), *(row(number, **{name: text}) for number, (name, text) in enumerate(ATTRIBUTES, 1))]
    await store(database, rows)
    everything = set(range(len(rows)))
    for number, (name, text) in enumerate(ATTRIBUTES, 1):
        field = EventField(name)
        expected: dict[Selector, list[int]] = {
            parse_selector(f"{name}={text}"): [number],
            parse_selector(f"{name}~{text[1:]}"): [number],
            FieldTest(field, PREFIX, text[:-1]): [number],
        }
        if name in ("event_type", "source", "message", "namespace"):
            expected[FieldTest(field, IS_NULL, None)] = []
        else:
            expected[FieldTest(field, IS_NULL, None)] = sorted(everything - {number})
        await require_found(database, expected, everything)


async def test_ids_compare_as_lower_case_text(database: Database) -> None:
    """F14, F18, F21: = takes any case, contains and prefix run on the lower-case text."""
    rows = [row(0, parent_id=ONE), row(1, parent_id=TWO), row(2, registration_id=ONE), row(3)]
    await store(database, rows)
    await require_found(
        database,
        {
            parse_selector(f"parent_id={ONE.upper()}"): [0],
            parse_selector(f"registration_id={ONE}"): [2],
            parse_selector(f"id={event_id(3)}"): [3],
            FieldTest(EventField.PARENT_ID, IN, (ONE, TWO)): [0, 1],
            FieldTest(EventField.PARENT_ID, IN, ()): [],
            FieldTest(EventField.PARENT_ID, CONTAINS, "-8000-"): [0, 1],
            FieldTest(EventField.PARENT_ID, CONTAINS, "abcd"): [0],
            FieldTest(EventField.PARENT_ID, CONTAINS, "ABCD"): [],
            FieldTest(EventField.PARENT_ID, CONTAINS, ""): [0, 1],
            FieldTest(EventField.PARENT_ID, PREFIX, "0190b2c4-0"): [0],
            FieldTest(EventField.PARENT_ID, PREFIX, "0190B2C4"): [],
            FieldTest(EventField.PARENT_ID, PREFIX, ""): [0, 1],
            FieldTest(EventField.PARENT_ID, IS_NULL, None): [2, 3],
            FieldTest(EventField.REGISTRATION_ID, PREFIX, "0190"): [2],
            FieldTest(EventField.REGISTRATION_ID, IS_NULL, None): [0, 1, 3],
            FieldTest(EventField.ID, CONTAINS, "0003"): [3],
            FieldTest(EventField.ID, PREFIX, "0000"): [0, 1, 2, 3],
        },
        {0, 1, 2, 3},
    )


async def test_numbers_times_severities_and_flags(database: Database) -> None:
    """F1 (ends inclusive), F2, F7, EV6 (a duration of 0 is 0, not null), HZ1."""
    rows = [
        row(0, duration_ms=0.0, success=True, severity=0, record_count=0),
        row(1, duration_ms=1.5, success=False, severity=4, record_count=2**53 - 1),
        row(2, duration_ms=1e300, severity=5),
        row(3, record_count=7),
    ]
    await store(database, rows, received_at=START + 60_000_000)
    everything = {0, 1, 2, 3}
    texts = {
        "duration_ms=0": [0],
        "duration_ms!=0": [1, 2, 3],
        "duration_ms<=1.5": [0, 1],
        "duration_ms<1.5": [0],
        "duration_ms>=1.50": [1, 2],
        "duration_ms>1e300": [],
        "duration_ms>=1e300": [2],
        "duration_ms<99999999999999999999": [0, 1],
        "record_count=0": [0],
        "record_count=9007199254740991": [1],
        "record_count>6.5": [1, 3],
        "record_count=7.0": [3],
        "record_count=7.5": [],
        "repeat_count=1": [0, 1, 2, 3],
        "repeat_count>1": [],
        "success=true": [0],
        "success=FALSE": [1],
        "success!=true": [1, 2, 3],
        "severity=error": [1],
        "severity>=error": [1, 2],
        "severity<info": [0],
        "severity!=fatal": [0, 1, 3],
        "severity_level<=1": [0, 3],
        "timestamp=2026-01-01T00:00:00.000002Z": [2],
        "timestamp<2026-01-01T00:00:00.000002Z": [0, 1],
        "timestamp>=2026-01-01T01:00:00.000002+01:00": [2, 3],
        "received_at=2026-01-01T00:01:00Z": [0, 1, 2, 3],
        "received_at<=2026-01-01T00:00:59.999999Z": [],
    }
    await require_found(database, {parse_selector(text): numbers for text, numbers in texts.items()}, everything)
    nulls: dict[Selector, list[int]] = {
        FieldTest(EventField.DURATION_MS, IS_NULL, None): [3],
        FieldTest(EventField.SUCCESS, IS_NULL, None): [2, 3],
        FieldTest(EventField.RECORD_COUNT, IS_NULL, None): [2],
        equals_any(EventField.SUCCESS, [True, False]): [0, 1],
        equals_any(EventField.SEVERITY, [0, 5]): [0, 2],
        equals_any(EventField.SEVERITY, []): [],
        equals_any(EventField.TIMESTAMP, [START, START + 3]): [0, 3],
    }
    await require_found(database, nulls, everything)


async def test_objects_by_name_type_part_of_the_id_and_role(database: Database) -> None:
    """F5, F6, HZ1, NU6: touches; namespace or role left out: any."""
    rows = [
        row(0, objects=(link("vm", "i-1", role="target"), link("node", "n-1"))),
        row(1, objects=(link("vm", "i-1", role="source"), link("vm", "i-2", role="target"))),
        row(2, objects=(link("vm", "i-1", namespace="other"),)),
        row(3, objects=(link("VM", "i-1"), link("node", "i-1 "))),
        row(4),
        row(0, namespace="other", id=event_id(5), objects=(link("vm", "i-2", namespace="other"),)),
    ]
    await store(database, rows)

    def touches(*references: ObjectReference) -> TouchesAny:
        return TouchesAny(references)

    await require_found(
        database,
        {
            touches(ObjectReference("vm", "i-1")): [0, 1, 2],
            touches(ObjectReference("vm", "i-1", namespace="default")): [0, 1],
            touches(ObjectReference("vm", "i-1", namespace="other")): [2],
            touches(ObjectReference("vm", "i-1", role="target")): [0],
            touches(ObjectReference("vm", "i-2", role="target")): [1],
            touches(ObjectReference("vm", "i-1", namespace="other", role="target")): [],
            touches(ObjectReference("vm", "i-2"), ObjectReference("node", "n-1")): [0, 1, 5],
            touches(ObjectReference("node", "i-1")): [],
            touches(): [],
            TouchesType(("vm",)): [0, 1, 2, 5],
            TouchesType(("node", "VM")): [0, 3],
            TouchesType(("v",)): [],
            TouchesType(()): [],
            TouchesId("vm", CONTAINS, "-2"): [1, 5],
            TouchesId("vm", CONTAINS, ""): [0, 1, 2, 5],
            TouchesId("node", CONTAINS, "i-1"): [3],
            TouchesId("vm", PREFIX, "i-"): [0, 1, 2, 5],
            TouchesId("vm", IN, ("i-2", "i-3")): [1, 5],
            parse_selector("object.vm=i-2"): [1, 5],
            parse_selector("object.vm!=i-2"): [0, 2, 3, 4],
            parse_selector("object.vm~I-"): [],
            And((TouchesType(("vm",)), TouchesType(("node",)))): [0],
            And((touches(ObjectReference("vm", "i-1")), touches(ObjectReference("vm", "i-2")))): [1],
        },
        {0, 1, 2, 3, 4, 5},
    )


async def test_and_or_not_nest_and_negation_is_complement(database: Database) -> None:
    """Contract: a null equals nothing, so `not` of a test on it is true; F5, F12: an empty list means nothing."""
    rows = [row(0, actor="a", category="x"), row(1, actor="a"), row(2, category="x"), row(3)]
    await store(database, rows)
    actor, category = equals_any(EventField.ACTOR, ["a"]), equals_any(EventField.CATEGORY, ["x"])
    await require_found(
        database,
        {
            ALL: [0, 1, 2, 3],
            NONE: [],
            Not(ALL): [],
            Not(NONE): [0, 1, 2, 3],
            And((actor, category)): [0],
            Or((actor, category)): [0, 1, 2],
            And((actor, Not(category))): [1],
            Or((Not(actor), Not(category))): [1, 2, 3],
            Not(Or((actor, Not(category)))): [2],
            And((Or((actor, NONE)), Or((ALL, category)))): [0, 1],
            Or((And((actor, NONE)), And(()))): [0, 1, 2, 3],
            Not(Not(Not(actor))): [2, 3],
        },
        {0, 1, 2, 3},
    )


EVERY_KIND: dict[str, Selector] = {
    "text": equals_any(EventField.ACTOR, [f"actor-{number}" for number in range(MAX_LIST_VALUES)]),
    "owner": equals_any(EventField.OWNER, [f"owner-{number}" for number in range(MAX_LIST_VALUES)]),
    "id": equals_any(EventField.ID, [event_id(number) for number in range(MAX_LIST_VALUES)]),
    "objects": TouchesAny(tuple(ObjectReference("vm", f"i-{number}", "default", "r") for number in range(1000))),
    "objects of many types": TouchesAny(tuple(ObjectReference(f"type-{number}", "i") for number in range(1000))),
    "types": TouchesType(tuple(f"type-{number}" for number in range(MAX_LIST_VALUES))),
    "or": Or(tuple(FieldTest(EventField.MESSAGE, CONTAINS, f"x{number}") for number in range(MAX_LIST_VALUES))),
    "and": And(tuple(Not(FieldTest(EventField.MESSAGE, CONTAINS, f"y{number}")) for number in range(MAX_LIST_VALUES))),
    "json numbers": JsonTest(("k",), JsonComparison.IN, tuple(map(str, range(MAX_LIST_VALUES)))),
    "json texts": JsonTest(("k",), JsonComparison.IN, tuple(f'"{number}"' for number in range(MAX_LIST_VALUES))),
}


async def test_the_longest_lists_are_served(database: Database) -> None:
    """F23: a list may hold 1000 values, of every kind."""
    await store(database, [row(7, actor="actor-7", owner="owner-7", message="x7", extra='{"k": 7}'), row(1000)])
    for name, selector in EVERY_KIND.items():
        require_short_lists(selector)
        found = await numbers_of(database, selector)
        expected = {"and": [7, 1000]} | {kind: [7] for kind in ("text", "owner", "id", "or", "json numbers")}
        assert found == expected.get(name, []), name


@pytest.mark.parametrize(
    "selector",
    [
        equals_any(EventField.ACTOR, map(str, range(1001))),
        TouchesAny((ObjectReference("vm", "i-1"),) * 1001),
        TouchesType(("vm",) * 1001),
        JsonTest(("k",), JsonComparison.IN, ("1",) * 1001),
        JsonTest(("k",), JsonComparison.IN, (f"[{','.join(['1'] * 1000)}]",)),
        JsonTest(("k",), JsonComparison.INCLUDES, f'{{"a": [{",".join(["1"] * 999)}]}}'),
        Or((ALL,) * 1001),
        And((ALL,) * 1001),
        Not(Or((ALL, And((equals_any(EventField.ACTOR, map(str, range(1001))),))))),
    ],
    ids=["texts", "objects", "types", "json values", "a long json list", "a long json member", "or", "and", "nested"],
)
def test_longer_lists_are_refused(selector: Selector) -> None:
    """F23: what is inside JSON lists and objects counts as well, because it is compared one by one."""
    with pytest.raises(TooManyValuesError, match="a list in a filter holds 1001 values; the most is 1000"):
        require_short_lists(selector)


def test_parts_of_parts_are_joined_flat() -> None:
    """A filter's fields, `and` and `selectors` all must hold."""
    actor, category = equals_any(EventField.ACTOR, ["a"]), equals_any(EventField.CATEGORY, ["x"])
    assert all_of([actor]) == actor
    assert all_of([]) == ALL
    assert all_of([ALL, And((actor, category)), NONE]) == And((actor, category, NONE))
