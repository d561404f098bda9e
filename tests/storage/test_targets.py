"""Operations of objects: OP3, OP4, O5, GQ2, NU4 and what their statements are read from, on every backend."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import product
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.cursors import OperationCursor
from storage.engine import Database
from storage.errors import StorageError
from storage.identities import AudienceName
from storage.operations import OperationPage, OperationRecord, OperationState, build_operations
from storage.records import ObjectRecord
from storage.scopes import EVERYTHING, Scope
from storage.targets import (
    OperationEnds,
    OperationRequest,
    build_latest_operations,
    build_operation_pages,
    build_pending,
    fetch_latest_operations,
    fetch_operation_pages,
    fetch_pending,
)
from tests.storage.examined import explain, measure, open_counted, used_indexes, walked_tables
from tests.storage.histories import event_id, operation, scope_of_audiences, scope_of_namespaces, store_operations

QUEUED, EXECUTING = OperationState.QUEUED, OperationState.EXECUTING
COMPLETE, ERROR, ABORT = OperationState.COMPLETE, OperationState.ERROR, OperationState.ABORT

CASES: dict[str, tuple[list[OperationState], bool]] = {
    "none": ([], False),
    "one active": ([QUEUED], True),
    "one terminal": ([COMPLETE], False),
    "earlier active and later terminal": ([EXECUTING, COMPLETE], True),
    "many terminal": ([COMPLETE, ERROR, ABORT, COMPLETE], False),
}
"""The five cases of OP3, and whether something is pending."""


def vm(name: str, namespace: str = "default") -> ObjectRecord:
    return ObjectRecord(namespace, "vm", name)


async def store_cases(database: Database) -> dict[str, list[OperationRecord]]:
    """Write the operations of each case on an object of its name, each second operation on a further one too."""
    made: dict[str, list[OperationRecord]] = {}
    number = 0
    for name, (states, _) in CASES.items():
        made[name] = []
        for state in states:
            number += 1
            made[name].append(operation(number, state))
    both = {one: [vm(name), vm("further")][: 1 + one.key % 2] for name, some in made.items() for one in some}
    await store_operations(database, both)
    return made


async def test_the_five_cases_of_op3(database: Database) -> None:
    """OP3, OP4, O5: true if any active operation targets the object, whatever later ones did."""
    made = await store_cases(database)
    wanted = [vm(name) for name in CASES]
    pending = await fetch_pending(database, wanted, scope=EVERYTHING)
    assert {record.object_id: answer for record, answer in pending.items()} == {
        "none": False,
        "one active": True,
        "one terminal": False,
        "earlier active and later terminal": True,
        "many terminal": False,
    }
    latest = await fetch_latest_operations(database, wanted, scope=EVERYTHING)
    assert latest == {vm(name): some[-1] if some else None for name, some in made.items()}
    for pending_only in (False, True):
        request = OperationRequest(10, pending_only=pending_only)
        pages = await fetch_operation_pages(database, wanted, scope=EVERYTHING, request=request)
        assert {record.object_id: page.records for record, page in pages.items()} == {
            name: [one for one in reversed(some) if one.is_pending or not pending_only] for name, some in made.items()
        }


async def test_what_the_store_cannot_answer_is_an_error(database: Database) -> None:
    """OP3: never false. The object's row is there, its operations cannot be read."""
    await store_cases(database)
    await rename(database, "operation_targets", "unreadable")
    try:
        with pytest.raises(StorageError):
            await fetch_pending(database, [vm("none")], scope=EVERYTHING)
        with pytest.raises(StorageError):
            await fetch_latest_operations(database, [vm("none")], scope=EVERYTHING)
    finally:
        await rename(database, "unreadable", "operation_targets")


async def rename(database: Database, table: str, name: str) -> None:
    async def work(connection: AsyncConnection) -> None:
        await connection.execute(text(f"ALTER TABLE {table} RENAME TO {name}"))

    await database.write(work, name="a table's name")


async def test_pages_of_many_objects(database: Database) -> None:
    """OP4, P2, O5: the same page of each, the one enqueued last first, between cursors and in both directions."""
    some = [operation(number, COMPLETE if number % 3 else QUEUED) for number in range(1, 31)]
    targets = {one: [vm(f"{one.key % 2}"), vm("every")] for one in some}
    await store_operations(database, targets)
    wanted = [vm("0"), vm("1"), vm("every"), vm("unknown")]
    ends = [None, OperationCursor(25), OperationCursor(4)]
    flags = (False, True)
    for after, before, size, backward, pending_only in product(ends, ends, (0, 3, 40), flags, flags):
        request = OperationRequest(size, after, before, backward, pending_only)
        pages = await fetch_operation_pages(database, wanted, scope=EVERYTHING, request=request)
        for record in wanted:
            listed = [
                one
                for one in reversed(some)
                if record in targets[one]
                and (one.is_pending or not pending_only)
                and (after is None or one.key < after.key)
                and (before is None or one.key > before.key)
            ]
            assert pages[record] == page_of(listed, request), (record, request)


def page_of(listed: list[OperationRecord], request: OperationRequest) -> OperationPage:
    """The page of a whole list, as the contract has it."""
    goes_on = len(listed) > request.size
    shown = listed[len(listed) - request.size :] if request.backward and goes_on else listed[: request.size]
    ends = (OperationCursor(shown[0].key), OperationCursor(shown[-1].key)) if shown else (None, None)
    if request.backward:
        return OperationPage(shown, request.before is not None, goes_on, *ends)
    return OperationPage(shown, goes_on, request.after is not None, *ends)


async def test_what_may_not_be_seen_is_not_there(database: Database) -> None:
    """NU4: in none of the answers, whether by namespace or by audience; nor does it cover what may be seen."""
    await store_operations(
        database,
        {
            operation(1): [vm("1")],
            operation(2, COMPLETE): [vm("1")],
            operation(3, namespace="lab"): [vm("1", "lab"), vm("2", "lab")],
        },
    )
    wanted = [vm("1"), vm("1", "lab"), vm("2", "lab"), vm("1", "unknown")]
    default, lab = [await scope_of_namespaces(database, name) for name in ("default", "lab")]
    plain = await scope_of_audiences(database, AudienceName("lab", None, None))
    others = await scope_of_audiences(database, AudienceName("lab", ("alice",), None))
    seen: dict[Scope, list[list[int]]] = {
        EVERYTHING: [[2, 1], [3], [3], []],
        default: [[2, 1], [], [], []],
        lab: [[], [3], [3], []],
        plain: [[], [3], [3], []],
        others: [[], [], [], []],
        Scope(): [[], [], [], []],
    }
    for scope, expected in seen.items():
        pages = await fetch_operation_pages(database, wanted, scope=scope, request=OperationRequest(5))
        assert [[one.key for one in pages[record].records] for record in wanted] == expected
        waiting = OperationRequest(5, pending_only=True)
        pages = await fetch_operation_pages(database, wanted, scope=scope, request=waiting)
        assert [[one.key for one in pages[record].records] for record in wanted] == [
            [key for key in keys if key != 2] for keys in expected
        ]
        latest = await fetch_latest_operations(database, wanted, scope=scope)
        assert [one and one.key for one in latest.values()] == [keys[0] if keys else None for keys in expected]
        pending = await fetch_pending(database, wanted, scope=scope)
        assert list(pending.values()) == [bool(keys) for keys in expected]
    assert await fetch_pending(database, [], scope=EVERYTHING) == {}


READS: dict[str, Any] = {
    "pending": fetch_pending,
    "latest": fetch_latest_operations,
    "pages": lambda database, wanted, scope: fetch_operation_pages(
        database, wanted, scope=scope, request=OperationRequest(2)
    ),
    "pages of pending ones": lambda database, wanted, scope: fetch_operation_pages(
        database, wanted, scope=scope, request=OperationRequest(2, pending_only=True)
    ),
}


async def test_reads_take_one_statement_per_200_objects_and_no_long_way(database_url: str) -> None:
    """GQ2, OP4: an object of hundreds of operations costs no more than one of ten; asked by whoever sees what."""
    database = await open_counted(database_url)
    try:
        long = vm("long")
        # The pending one is the oldest, behind all the finished ones.
        history = {operation(number, COMPLETE if number > 1 else QUEUED): [long] for number in range(1, 301)}
        history[operation(3_000, namespace="lab")] = [vm("long", "lab")]
        short = [vm(f"{number:03d}") for number in range(200)]
        history |= {operation(2_000 + place, COMPLETE): [record] for place, record in enumerate(short)}
        await store_operations(database, history)
        await refresh_statistics(database)
        default, lab = [await scope_of_namespaces(database, name) for name in ("default", "lab")]
        plain = await scope_of_audiences(database, AudienceName("default", None, None))
        for scope, (name, read) in product((EVERYTHING, default, plain, lab), READS.items()):
            await read(database, [long], scope=scope)  # what is looked up once
            async with measure(database) as examined, sending(database) as sent:
                await read(database, [long], scope=scope)
            assert (len(sent), examined.rows <= 20) == (0 if scope is lab else 1, True), (name, examined.rows)
        for count, statements in ((200, 1), (201, 2)):
            for read in READS.values():
                async with sending(database) as sent:
                    assert len(await read(database, [long, *short][:count], scope=EVERYTHING)) == count
                assert len(sent) == statements
    finally:
        await database.close()


@asynccontextmanager
async def sending(database: Database) -> AsyncIterator[list[str]]:
    """Collect the statements that are sent inside."""
    sent: list[str] = []
    unsubscribe = database.observe(lambda statement: sent.append(statement.sql))
    yield sent
    unsubscribe()


async def refresh_statistics(database: Database) -> None:
    """Do at once what InnoDB does by itself some seconds after a tenth of a table has changed."""
    if database.dialect_name == "mariadb":
        async with database.reading() as connection:
            await connection.exec_driver_sql("ANALYZE TABLE operations, operation_targets, objects, namespaces")


async def test_targets_are_read_by_their_indexes(database: Database) -> None:
    """OP3, OP4: by the object, and pending ones by what is pending, even where the object has many finished ones."""
    records = [vm(f"{number:03d}") for number in range(60)]
    some = {operation(number, COMPLETE if number % 9 else QUEUED): records[number % 7 :: 7] for number in range(1, 400)}
    await store_operations(database, some)
    await refresh_statistics(database)
    audience = await scope_of_audiences(database, AudienceName("default", None, None))
    by_uuid = used_indexes(await explain(database, build_operations([event_id(7), event_id(8)], audience)))
    assert by_uuid & {"uq_operations_operation_id", "sqlite_autoindex_operations_1"}
    for scope in (EVERYTHING, audience):
        for pending_only in (False, True):
            request = OperationRequest(5, OperationCursor(200), pending_only=pending_only)
            pages = build_operation_pages(
                records[:3], request, OperationEnds.of(request), scope=scope, dialect_name=database.dialect_name
            )
            plan = await explain(database, pages)
            assert ("ix_operation_targets_pending" in used_indexes(plan)) is pending_only, plan
            assert not walked_tables(plan), plan
        plan = await explain(database, build_pending(records, scope))
        assert "ix_operation_targets_pending" in used_indexes(plan)
        assert not walked_tables(plan), plan
        plan = await explain(database, build_latest_operations(records, scope))
        assert not {each for each in used_indexes(plan) if each.startswith("ix_operation_targets")}, plan
        assert not walked_tables(plan), plan
