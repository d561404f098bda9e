"""The registry: which definition holds, and how soon a change is seen (NU1, OP1)."""

import asyncio

import pytest

from mutations.type_registry import SNAPSHOT_SECONDS, DeclaredTypes, TypeKey, TypeRegistry, TypeSnapshot
from storage.engine import Database, Transaction
from storage.errors import StorageError
from storage.severities import Severity
from storage.type_definitions import (
    EventTypeRecord,
    OperationTypeRecord,
    TargetField,
    begin_definition,
    put_event_type,
    put_operation_type,
)
from tests.gateway.execution import observed

NODE = (TargetField("n", "node"),)


class Clock:
    """A clock that is moved by hand."""

    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


async def store(database: Database, *records: EventTypeRecord | OperationTypeRecord) -> None:
    """Store definitions as another process would."""

    async def work(transaction: Transaction) -> None:
        await begin_definition(transaction, dialect_name=database.dialect_name)
        for each in records:
            if isinstance(each, EventTypeRecord):
                await put_event_type(transaction, each, dialect_name=database.dialect_name, now=1)
            else:
                await put_operation_type(transaction, each, dialect_name=database.dialect_name, now=1)

    await database.write(work, name="types")


async def test_another_process_is_followed_within_a_second_at_one_statement(database: Database) -> None:
    clock = Clock()
    registry = TypeRegistry(database, clock=clock)
    async with observed(database) as statements:
        await asyncio.gather(*(registry.current() for _ in range(10)))
        clock.seconds += SNAPSHOT_SECONDS - 0.01
        assert await registry.operation_type("lab", "move") is None
    assert len(statements) == 1
    assert "leases" in statements[0]

    await store(database, EventTypeRecord(None, "status"), OperationTypeRecord("lab", "move", NODE, None))
    assert await registry.operation_type("lab", "move") is None
    clock.seconds += 0.02
    async with observed(database) as statements:
        assert await registry.operation_type("lab", "move") == OperationTypeRecord("lab", "move", NODE, None)
        assert await registry.operation_type("other", "move") is None
        assert await registry.event_type("other", "status") == EventTypeRecord(None, "status")
    assert len(statements) == 3

    clock.seconds += 5
    async with observed(database) as statements:
        await registry.current()
        registry.forget()
        await registry.current()
        await registry.current()
    assert len(statements) == 2


async def test_what_is_forgotten_during_a_look_up_is_looked_up_again(database: Database) -> None:
    """A definition of this process that was answered is known, whatever was under way meanwhile."""
    registry = TypeRegistry(database, clock=Clock())
    unsubscribe = database.observe(lambda _: registry.forget())
    assert await registry.event_type("lab", "status") is None
    unsubscribe()
    await store(database, EventTypeRecord(None, "status"))
    assert await registry.event_type("lab", "status") is not None


async def test_a_store_that_cannot_answer_is_an_error(database: Database) -> None:
    """EV6: nothing is taken for granted, neither at first nor later."""
    clock = Clock()
    registry = TypeRegistry(database, clock=clock)
    await registry.current()

    async def rename(before: str, after: str) -> None:
        async def work(transaction: Transaction) -> None:
            await transaction.exec_driver_sql(f"ALTER TABLE {before} RENAME TO {after}")

        await database.write(work, name="a fault")

    await rename("leases", "gone")
    clock.seconds += 2
    for _ in range(2):
        with pytest.raises(StorageError):
            await registry.current()
    await rename("gone", "leases")
    await registry.current()


def test_own_namespace_beats_every_namespace_as_a_whole() -> None:
    everywhere = EventTypeRecord(None, "status", category="state", required_details=("a",))
    own = EventTypeRecord("lab", "status")
    types = TypeSnapshot(
        [own, everywhere],
        [
            OperationTypeRecord(None, "move", NODE, None),
            OperationTypeRecord("lab", "move", (), None),
        ],
        severity_words={None: {"panic": Severity.CRITICAL, "odd": Severity.INFO}, "lab": {"odd": Severity.ERROR}},
    )
    assert types.event_type("lab", "status") == own
    assert types.event_type("other", "status") == everywhere
    assert types.event_type("other", "Status") is None
    assert types.operation_type("lab", "move") == OperationTypeRecord("lab", "move", (), None)
    assert [types.severity(name, "ODD") for name in ("lab", "other")] == [Severity.ERROR, Severity.INFO]
    assert (types.severity("lab", "Panic"), types.severity("lab", "low")) == (Severity.CRITICAL, Severity.INFO)
    assert types.severity("lab", "nonsense") is None
    assert types.severity_words("other")[-2:] == ["panic", "odd"]


async def test_a_file_beats_the_store_for_its_own_key_only(database: Database) -> None:
    await store(
        database,
        EventTypeRecord(None, "status", description="stored"),
        EventTypeRecord("lab", "status", description="stored"),
    )
    of_file = EventTypeRecord(None, "status", description="file")
    declared = DeclaredTypes(event_types={TypeKey(None, "status"): of_file})
    registry = TypeRegistry(database, declared, clock=Clock())
    found = [await registry.event_type(name, "status") for name in ("other", "lab")]
    assert [each.description for each in found if each is not None] == ["file", "stored"]
