"""Objects: rule P5, first and last events (GQ2, NU4), the scan limit (design.md), on every backend."""

from itertools import product

import pytest

from storage.cursors import ObjectCursor
from storage.engine import Database
from storage.identities import AudienceName
from storage.objects import (
    ObjectPage,
    ObjectQuery,
    ObjectRange,
    build_object_boundary,
    build_objects,
    fetch_object_page,
    fetch_object_spans,
)
from storage.operations import OperationRecord, OperationState
from storage.options import DatabaseOptions
from storage.records import ObjectRecord, ObjectSpan
from storage.scopes import EVERYTHING, Scope
from tests.storage.examined import explain, measure, open_counted, used_indexes
from tests.storage.histories import (
    START,
    link,
    operation,
    row,
    scope_of_audiences,
    scope_of_namespaces,
    store,
    store_operations,
)

OBJECTS = [
    ObjectRecord(namespace, object_type, object_id)
    for namespace, object_type, object_id in product(
        ("Default", "default", "other"), ("node", "vm"), ("", "a", "a b", "ab", "abc", "b", "😀", "😀x", "\U0010ffff")
    )
    if object_id
]


async def page(
    database: Database,
    namespace: str | None = None,
    object_type: str | None = None,
    id_prefix: str | None = None,
    *,
    has_pending: bool | None = None,
    scope: Scope = EVERYTHING,
    size: int = 100,
    after: ObjectCursor | None = None,
    before: ObjectCursor | None = None,
    backward: bool = False,
) -> ObjectPage:
    return await fetch_object_page(
        database,
        scope=scope,
        namespace=namespace,
        object_type=object_type,
        id_prefix=id_prefix,
        has_pending=has_pending,
        size=size,
        after=after,
        before=before,
        backward=backward,
    )


async def store_objects(database: Database, objects: list[ObjectRecord]) -> None:
    """One event for every ten objects."""
    chunks = [objects[start : start + 10] for start in range(0, len(objects), 10)]
    await store(
        database,
        [
            row(number, objects=tuple(link(one.object_type, one.object_id, namespace=one.namespace) for one in chunk))
            for number, chunk in enumerate(chunks)
        ],
    )


def selected(namespace: str | None, object_type: str | None, id_prefix: str | None) -> list[ObjectRecord]:
    """What a list holds, in its order: code points decide."""
    return sorted(
        one
        for one in OBJECTS
        if namespace in (None, one.namespace)
        and object_type in (None, one.object_type)
        and one.object_id.startswith(id_prefix or "")
    )


async def test_each_combination_of_filters_pages_both_ways(database: Database) -> None:
    """P5, EV9: by (namespace, type, id); pages put together are the whole list."""
    await store_objects(database, OBJECTS[::-1])
    for namespace, object_type, id_prefix in product(
        (None, "default", "nowhere"), (None, "vm", "VM"), (None, "", "a", "ab", "😀", "\U0010ffff", "abcd")
    ):
        wanted = selected(namespace, object_type, id_prefix)
        forward: list[ObjectRecord] = []
        found = await page(database, namespace, object_type, id_prefix, size=7)
        assert not found.has_previous
        forward += found.records
        while found.has_next:
            found = await page(database, namespace, object_type, id_prefix, size=7, after=found.end_cursor)
            assert found.has_previous
            forward += found.records
        assert forward == wanted, (namespace, object_type, id_prefix)
        found = await page(database, namespace, object_type, id_prefix, size=7, backward=True)
        backward = found.records
        while found.has_previous:
            before = found.start_cursor
            found = await page(database, namespace, object_type, id_prefix, size=7, before=before, backward=True)
            assert found.has_next
            backward = found.records + backward
        assert backward == wanted, (namespace, object_type, id_prefix)


@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
async def test_both_cursors_bound_a_page_under_every_filter(database: Database, backward: bool) -> None:
    """P2, P3: a cursor belongs to the kind of list, not to its filter: one of an object outside of it works too."""
    await store_objects(database, OBJECTS)
    ends = [
        ObjectCursor("Default", "vm", "b"),
        ObjectCursor("default", "a", ""),
        ObjectCursor("default", "vm", "ab"),
        ObjectCursor("other", "node", "😀"),
        ObjectCursor("zzz", "z", "z"),
    ]
    for after, before in [(None, end) for end in ends] + [(end, None) for end in ends] + [(ends[0], ends[3])]:
        for namespace, object_type, id_prefix in product((None, "default"), (None, "vm"), (None, "a")):
            wanted = [
                one
                for one in selected(namespace, object_type, id_prefix)
                if (after is None or one > (after.namespace, after.object_type, after.object_id))
                and (before is None or one < (before.namespace, before.object_type, before.object_id))
            ]
            found = await page(
                database, namespace, object_type, id_prefix, size=3, after=after, before=before, backward=backward
            )
            case = (after, before, namespace, object_type, id_prefix)
            assert found.records == (wanted[-3:] if backward else wanted[:3]), case
            goes_on = found.has_previous if backward else found.has_next
            assert goes_on is (len(wanted) > 3), case


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("\ud7ff", ["\ud7ff", "\ud7ffa"]),
        ("\uffff", ["\uffff", "\uffffa"]),
        ("\U0010ffff", ["\U0010ffff", "\U0010ffff\U0010ffff"]),
        ("a\U0010ffff", ["a\U0010ffff", "a\U0010ffffz"]),
        ("x", ["x", "x ", "x\x01", "x%", "x_"]),
        ("x%", ["x%"]),
        ("x_", ["x_"]),
        ("x ", ["x "]),
        ("X", []),
        ("\ue000", ["\ue000"]),
    ],
    ids=ascii,
)
async def test_an_id_prefix_is_compared_by_code_point(database: Database, prefix: str, expected: list[str]) -> None:
    """Contract (plain text, no wildcards): at the gap of the surrogates, at the last code point, with blanks."""
    ids = ["\ud7ff", "\ud7ffa", "\ue000", "\uffff", "\uffffa", "\U00010000", "\U0010ffff", "\U0010ffff\U0010ffff"]
    ids += ["a\U0010ffff", "a\U0010ffffz", "b", "x", "x ", "x%", "x_", "x\x01"]
    await store_objects(database, [ObjectRecord("default", "vm", one) for one in ids])
    for namespace, object_type in (("default", "vm"), (None, "vm"), ("default", None), (None, None)):
        found = await page(database, namespace, object_type, prefix)
        assert sorted(one.object_id for one in found.records) == sorted(expected)


async def test_a_page_of_no_objects(database: Database) -> None:
    """P1: `first: 0` is an empty page that says whether there is more."""
    assert await page(database) == ObjectPage([], False, False, None, None)
    await store_objects(database, OBJECTS[:1])
    assert await page(database, size=0) == ObjectPage([], True, False, None, None)
    assert await page(database, size=0, backward=True) == ObjectPage([], False, True, None, None)


async def test_an_object_without_events_is_not_listed(database: Database) -> None:
    """Contract: what the caller may not see does not exist; an identity alone is nothing to list."""
    await database.identities.intern_objects([ObjectRecord("default", "vm", "left over")])
    await store_objects(database, [ObjectRecord("default", "vm", "used")])
    assert (await page(database)).records == [ObjectRecord("default", "vm", "used")]


async def test_only_objects_of_visible_events_are_listed(database: Database) -> None:
    """NU4: an object that only others' events touch is not there; its own namespace does not matter."""
    rows = [
        row(1, objects=(link("vm", "1"), link("vm", "2"))),
        row(2, readers=("alice",), objects=(link("vm", "2"), link("vm", "3"))),
        row(3, namespace="other", objects=(link("vm", "4"), link("vm", "5", namespace="other"))),
    ]
    await store(database, rows)
    plain = await scope_of_audiences(database, AudienceName("default", None, None))
    alice = await scope_of_audiences(database, AudienceName("default", ("alice",), None))
    default = await scope_of_namespaces(database, "default")
    other = await scope_of_namespaces(database, "other")
    visible = {plain: "12", alice: "23", default: "123", other: "45", Scope(): "", EVERYTHING: "12345"}
    for scope, ids in visible.items():
        for backward in (False, True):
            found = await page(database, scope=scope, backward=backward)
            assert "".join(one.object_id for one in found.records) == ids
            found = await page(database, object_type="vm", id_prefix="4", scope=scope, backward=backward)
            assert "".join(one.object_id for one in found.records) == ("4" if "4" in ids else "")


@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
async def test_the_scan_limit_makes_pages_short_and_loses_nothing(database_url: str, backward: bool) -> None:
    """Design ("no query may run away"), contract: go on from the cursor, which is set even when a page is empty."""
    database = await Database.open(database_url, DatabaseOptions(scan_rows=10))
    try:
        unused = [ObjectRecord("default", "vm", f"{number:03d}") for number in range(60)]
        await database.identities.intern_objects(unused)
        used = [unused[number] for number in (0, 1, 2, 29, 45, 59)]
        await store_objects(database, used)
        found: list[list[ObjectRecord]] = []
        cursor: ObjectCursor | None = None
        goes_on = True
        while goes_on:
            after, before = (None, cursor) if backward else (cursor, None)
            part = await page(database, "default", "vm", size=2, after=after, before=before, backward=backward)
            found.append(part.records)
            cursor = part.start_cursor if backward else part.end_cursor
            goes_on = part.has_previous if backward else part.has_next
            assert len(found) < 20
        assert [] in found
        assert sorted(one for part in found for one in part) == used
    finally:
        await database.close()


PENDING = OBJECTS[::3]
"""Objects that pending operations target; every second of them is touched by no event."""


async def store_pending(database: Database) -> None:
    """Two pending operations and a finished one on each of PENDING, a finished one on the others."""
    await store_objects(database, [one for one in OBJECTS if one not in PENDING[::2]])
    targets: dict[OperationRecord, list[ObjectRecord]] = {}
    for place, namespace in enumerate(("Default", "default", "other")):
        of_namespace = [one for one in OBJECTS if one.namespace == namespace]
        for number, state in ((1, OperationState.QUEUED), (2, OperationState.EXECUTING), (3, OperationState.COMPLETE)):
            wanted = [one for one in of_namespace if not state.is_pending or one in PENDING]
            targets[operation(10 * place + number, state, namespace=namespace)] = wanted
    await store_operations(database, targets)


async def test_objects_by_whether_something_is_pending(database: Database) -> None:
    """OP4, P5: in SQL, together with every other filter, in both directions; several operations are one object."""
    await store_pending(database)
    for has_pending, namespace, object_type, id_prefix in product(
        (True, False), (None, "default", "nowhere"), (None, "vm"), (None, "a", "😀")
    ):
        wanted = [one for one in selected(namespace, object_type, id_prefix) if (one in PENDING) is has_pending]
        for backward in (False, True):
            found: list[ObjectRecord] = []
            cursor: ObjectCursor | None = None
            goes_on = True
            while goes_on:
                after, before = (None, cursor) if backward else (cursor, None)
                part = await page(
                    database,
                    namespace,
                    object_type,
                    id_prefix,
                    has_pending=has_pending,
                    size=5,
                    after=after,
                    before=before,
                    backward=backward,
                )
                found = part.records + found if backward else found + part.records
                cursor = part.start_cursor if backward else part.end_cursor
                goes_on = part.has_previous if backward else part.has_next
            assert found == wanted, (has_pending, namespace, object_type, id_prefix, backward)
    ends = (ObjectCursor("Default", "vm", "b"), ObjectCursor("other", "node", "😀"))
    between = [one for one in sorted(PENDING) if ("Default", "vm", "b") < one < ("other", "node", "😀")]
    assert (await page(database, has_pending=True, after=ends[0], before=ends[1])).records == between
    touched = [one for one in OBJECTS if one not in PENDING[::2]]
    assert (await page(database)).records == sorted(touched)


async def test_operations_that_may_not_be_seen_make_nothing_pending(database: Database) -> None:
    """NU4: an object is listed, or kept off the list, by the operations that the caller may see alone."""
    await store_objects(database, [ObjectRecord("default", "vm", "1"), ObjectRecord("default", "vm", "2")])
    await store_operations(
        database,
        {
            operation(1): [ObjectRecord("default", "vm", "1")],
            operation(2, namespace="other"): [ObjectRecord("other", "vm", "3")],
        },
    )
    default, other = [await scope_of_namespaces(database, name) for name in ("default", "other")]
    plain = await scope_of_audiences(database, AudienceName("default", None, None))
    alice = await scope_of_audiences(database, AudienceName("default", ("alice",), None))
    await store(database, [row(900, readers=("alice",), objects=(link("vm", "1"), link("vm", "2")))])
    seen = {EVERYTHING: ("13", "2"), default: ("1", "2"), plain: ("1", "2"), other: ("3", ""), alice: ("", "12")}
    seen[Scope()] = ("", "")
    for scope, expected in seen.items():
        for has_pending, ids in zip((True, False), expected, strict=True):
            for backward in (False, True):
                found = await page(database, has_pending=has_pending, scope=scope, backward=backward)
                assert "".join(one.object_id for one in found.records) == ids, (scope, has_pending)


async def refresh_statistics(database: Database) -> None:
    """Do at once what InnoDB does by itself some seconds after a tenth of a table has changed."""
    if database.dialect_name == "mariadb":
        async with database.reading() as connection:
            await connection.exec_driver_sql("ANALYZE TABLE objects, event_objects, operations, operation_targets")


async def test_few_pending_objects_among_many_cost_few_entries(database_url: str) -> None:
    """OP4, design ("no query may run away"): they come from the targets that are pending, by index."""
    database = await open_counted(database_url, scan_rows=200)
    try:
        many = [ObjectRecord("default", "vm", f"{number:04d}") for number in range(600)]
        await store_objects(database, many)
        finished = {operation(number, OperationState.COMPLETE): many[number::10] for number in range(10)}
        await store_operations(database, finished | {operation(10): many[5::60]})
        await refresh_statistics(database)
        keys = ObjectRange(descending=False, start=ObjectCursor(*many[9]), stop=None)
        for namespace, object_type in product((None, "default"), (None, "vm")):
            async with measure(database) as examined:
                found = await page(database, namespace, object_type, has_pending=True)
            assert (found.records, found.has_next, examined.rows <= 40) == (many[5::60], False, True), examined.rows
            query = ObjectQuery(namespace, object_type, has_pending=True)
            by_type = "ix_operation_targets_object_type" if object_type else "ix_operation_targets_object"
            fitting = {by_type} if namespace is None else {by_type, "ix_operation_targets_object"}
            for statement in (
                build_objects(query, keys, scope=EVERYTHING, limit=5, dialect_name=database.dialect_name),
                build_object_boundary(query, keys, entries=5, dialect_name=database.dialect_name),
            ):
                assert used_indexes(await explain(database, statement)) <= fitting
        without = build_objects(
            ObjectQuery(has_pending=False), keys, scope=EVERYTHING, limit=5, dialect_name=database.dialect_name
        )
        used = used_indexes(await explain(database, without))
        assert "ix_operation_targets_pending" in used
        assert not {index for index in used if index.startswith("scan")}
        # One object with more of them than the scan limit: the list goes on behind it.
        await store_operations(database, {operation(number): [many[7]] for number in range(20, 320)})
        found = await page(database, has_pending=True, size=2)
        assert (found.records, found.has_next) == ([many[5], many[7]], True)
        found = await page(database, has_pending=True, after=found.end_cursor)
        assert (found.records, found.has_next) == (many[65::60], False)
    finally:
        await database.close()


async def test_first_and_last_events_over_all_visible_audiences(database: Database) -> None:
    """GQ2, NU4: spans of many objects, each from the events that the caller may see."""
    rows = [
        row(1, objects=(link("vm", "1"),)),
        row(2, readers=("alice",), objects=(link("vm", "1"), link("vm", "2"))),
        row(3, readers=("bob",), objects=(link("vm", "1"),)),
        row(4, namespace="other", objects=(link("vm", "1"), link("vm", "1", namespace="other"))),
        row(5, objects=(link("VM", "1"), link("vm", "1 "))),
    ]
    await store(database, rows)
    one, two = ObjectRecord("default", "vm", "1"), ObjectRecord("default", "vm", "2")
    foreign, unknown = ObjectRecord("other", "vm", "1"), ObjectRecord("default", "vm", "3")
    wanted = [one, two, foreign, unknown, one]
    plain = await scope_of_audiences(database, AudienceName("default", None, None))
    alice = await scope_of_audiences(database, AudienceName("default", ("alice",), None))
    both = Scope(audience_keys=plain.audience_keys | alice.audience_keys)
    default = await scope_of_namespaces(database, "default")
    expected: dict[Scope, list[tuple[int, int] | None]] = {
        EVERYTHING: [(1, 4), (2, 2), (4, 4), None],
        default: [(1, 3), (2, 2), None, None],
        plain: [(1, 1), None, None, None],
        both: [(1, 2), (2, 2), None, None],
        Scope(): [None, None, None, None],
    }
    for scope, spans in expected.items():
        found = await fetch_object_spans(database, wanted, scope=scope)
        assert found == {
            record: ObjectSpan(None, None) if span is None else ObjectSpan(START + span[0], START + span[1])
            for record, span in zip(wanted, spans, strict=False)
        }
    assert await fetch_object_spans(database, [], scope=EVERYTHING) == {}


async def test_spans_take_one_statement_per_200_objects(database: Database) -> None:
    """GQ2."""
    objects = [ObjectRecord("default", "vm", f"{number:04d}") for number in range(401)]
    await store_objects(database, objects)
    for count, statements in ((1, 1), (200, 1), (201, 2), (401, 3)):
        sent: list[str] = []
        unsubscribe = database.observe(lambda statement, sent=sent: sent.append(statement.sql))  # type: ignore[misc]
        found = await fetch_object_spans(database, objects[:count], scope=EVERYTHING)
        unsubscribe()
        assert (len(found), len(sent)) == (count, statements)
        last = objects[count - 1]
        assert found[last] == ObjectSpan(START + (count - 1) // 10, START + (count - 1) // 10)
