"""Stored definitions of types: what is put is given back, and each change has a number (NU1, OP1)."""

from storage.engine import Database, Transaction
from storage.severities import Severity
from storage.tables import event_types, operation_types
from storage.type_definitions import (
    FOR_EVER,
    EventTypeRecord,
    OperationTypeRecord,
    TargetField,
    TypeAge,
    begin_definition,
    build_type,
    build_types_version,
    fetch_types_version,
    find_event_type,
    find_operation_type,
    put_event_type,
    put_operation_type,
    read_event_types,
    read_operation_types,
    read_type_ages,
)
from tests.storage.examined import explain, used_indexes

PLAIN = EventTypeRecord(None, "status")
FULL = EventTypeRecord(
    namespace="lab",
    name="größe",
    category="state",
    subcategory="disk",
    default_severity=Severity.ERROR,
    enabled=False,
    required_details=("new-state", "a,b"),
    optional_details=("ü",),
    object_types=("node",),
    max_age_seconds=86_400,
    description="what it means",
)
MOVE = OperationTypeRecord("lab", "move", (TargetField("node_uuid", "node"), TargetField("disk", "disk")), None)


async def test_definitions_are_given_back_as_they_were_put(database: Database) -> None:
    dialect_name = database.dialect_name
    assert await fetch_types_version(database) == 0

    async def work(transaction: Transaction) -> None:
        await begin_definition(transaction, dialect_name=dialect_name)
        for each in (PLAIN, FULL, FULL._replace(namespace="other", max_age_seconds=FOR_EVER)):
            await put_event_type(transaction, each, dialect_name=dialect_name, now=1)
        await put_operation_type(transaction, MOVE, dialect_name=dialect_name, now=1)

    await database.write(work, name="types")
    changed = FULL._replace(enabled=True, category=None, max_age_seconds=None)
    described = MOVE._replace(target_fields=(), description="moves")

    async def change(transaction: Transaction) -> None:
        await begin_definition(transaction, dialect_name=dialect_name)
        await put_event_type(transaction, changed, dialect_name=dialect_name, now=2)
        await put_operation_type(transaction, described, dialect_name=dialect_name, now=2)

    async with database.reading() as connection:
        assert await read_operation_types(connection) == [MOVE]
        assert await read_type_ages(connection) == [
            TypeAge("lab", "größe", 86_400),
            TypeAge("other", "größe", FOR_EVER),
        ]
        assert await find_event_type(connection, None, "größe") is None
    await database.write(change, name="types")
    assert await fetch_types_version(database) == 2
    async with database.reading() as connection:
        assert [each.namespace for each in await read_event_types(connection)] == [None, "lab", "other"]
        assert await find_event_type(connection, None, "status") == PLAIN
        assert await find_event_type(connection, "lab", "größe") == changed
        assert await find_operation_type(connection, "lab", "move") == described
        assert await find_operation_type(connection, None, "move") is None


async def test_one_definition_and_the_number_are_found_by_key(database: Database) -> None:
    for statement in (
        build_types_version(),
        build_type(event_types, EventTypeRecord._fields, "lab", "move"),
        build_type(operation_types, OperationTypeRecord._fields, None, "move"),
    ):
        assert not {each for each in used_indexes(await explain(database, statement)) if each.startswith("scan")}
