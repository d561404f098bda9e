"""Types of the demo: each system's registry, defined in its namespace, and the cluster's types of operations."""

from gateway.context import Clock
from gateway.demo.operations import OPERATION_TYPES
from gateway.demo.showcase import API_NAMESPACE, CLUSTER_NAMESPACE, EDGE_NAMESPACE, SYNC_NAMESPACE
from mutations.type_files import parse_source, read_types
from storage.engine import Database, Transaction
from storage.type_definitions import (
    begin_definition,
    put_event_type,
    put_operation_type,
    read_event_types,
    read_operation_types,
)

REGISTRIES = {
    CLUSTER_NAMESPACE: "shaken-fist",
    SYNC_NAMESPACE: "spacedrive",
    API_NAMESPACE: "nuvla",
    EDGE_NAMESPACE: "open-horizon",
}
"""The shipped registry of each system."""


async def define_types(database: Database, *, clock: Clock) -> None:
    """Define the types of the four systems, in one transaction; those that are there stay as they are."""
    declared = read_types(parse_source(f"{namespace}={name}") for namespace, name in REGISTRIES.items())
    dialect_name, now = database.dialect_name, clock()

    async def work(transaction: Transaction) -> None:
        await begin_definition(transaction, dialect_name=dialect_name)
        events = {(each.namespace, each.name) for each in await read_event_types(transaction)}
        for record in declared.event_types.values():
            if (record.namespace, record.name) not in events:
                await put_event_type(transaction, record, dialect_name=dialect_name, now=now)
        operations = {(each.namespace, each.name) for each in await read_operation_types(transaction)}
        for each in OPERATION_TYPES:
            if (each.namespace, each.name) not in operations:
                await put_operation_type(transaction, each, dialect_name=dialect_name, now=now)

    await database.write(work, name="types of the demo")
