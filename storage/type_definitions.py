"""Stored definitions of types: rows of `event_types` and `operation_types`, and a number that each change raises."""

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Select, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.dialects import insert_adding, insert_replacing
from storage.severities import Severity
from storage.tables import event_types, leases, operation_types

if TYPE_CHECKING:
    from storage.engine import Database

FOR_EVER = -1
"""As the age of a type: its events are kept for ever."""

_EVERY_NAMESPACE = ""
_VERSION = "type definitions"
"""The row of `leases` whose `high_water` is the number of the last change."""
_KEY = ("namespace", "name")
_EVENT_LISTS = ("required_details", "optional_details", "object_types")


class EventTypeRecord(NamedTuple):
    """A type of events; `namespace` None: in every namespace, empty `object_types`: enabled whatever they touch.

    `max_age_seconds` None: none of its own, FOR_EVER: for ever.
    """

    namespace: str | None
    name: str
    category: str | None = None
    subcategory: str | None = None
    default_severity: Severity = Severity.INFO
    enabled: bool = True
    required_details: tuple[str, ...] = ()
    optional_details: tuple[str, ...] = ()
    object_types: tuple[str, ...] = ()
    max_age_seconds: int | None = None
    description: str | None = None


class TargetField(NamedTuple):
    """That a field of the payload holds the id of an object of a type: a target (OP1)."""

    field: str
    object_type: str


class OperationTypeRecord(NamedTuple):
    """A type of operations: what its payloads' fields name; `namespace` None: in every namespace."""

    namespace: str | None
    name: str
    target_fields: tuple[TargetField, ...] = ()
    description: str | None = None


class TypeAge(NamedTuple):
    """How long events of a type are kept; `max_age_seconds` may be FOR_EVER."""

    namespace: str | None
    name: str
    max_age_seconds: int


async def fetch_types_version(database: "Database") -> int:
    """Give the number of the last change of any definition; 0: there was none."""
    async with database.reading() as connection:
        return (await connection.execute(build_types_version())).scalar_one_or_none() or 0


async def begin_definition(connection: AsyncConnection, *, dialect_name: str) -> None:
    """Let one transaction at a time change definitions, and raise their number: first of all, so that others wait."""
    raised = {"name": _VERSION, "owner": "", "epoch": 0, "expires_at": 0, "high_water": 1}
    await connection.execute(insert_adding(leases, dialect_name, ("high_water",)), raised)


async def read_event_types(connection: AsyncConnection) -> list[EventTypeRecord]:
    """Give every stored type of events, by namespace and name."""
    return [_to_event_type(row) for row in await connection.execute(_select(event_types, EventTypeRecord._fields))]


async def read_operation_types(connection: AsyncConnection) -> list[OperationTypeRecord]:
    """Give every stored type of operations, by namespace and name."""
    statement = _select(operation_types, OperationTypeRecord._fields)
    return [_to_operation_type(row) for row in await connection.execute(statement)]


async def read_type_ages(connection: AsyncConnection) -> list[TypeAge]:
    """Give the ages that stored types of events have, by namespace and name."""
    statement = _select(event_types, TypeAge._fields).where(event_types.c.max_age_seconds.is_not(None))
    return [TypeAge(namespace or None, name, age) for namespace, name, age in await connection.execute(statement)]


async def find_event_type(connection: AsyncConnection, namespace: str | None, name: str) -> EventTypeRecord | None:
    """Give the stored type of events with this key; None: there is none."""
    statement = build_type(event_types, EventTypeRecord._fields, namespace, name)
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else _to_event_type(row)


async def find_operation_type(
    connection: AsyncConnection, namespace: str | None, name: str
) -> OperationTypeRecord | None:
    """Give the stored type of operations with this key; None: there is none."""
    statement = build_type(operation_types, OperationTypeRecord._fields, namespace, name)
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else _to_operation_type(row)


async def put_event_type(connection: AsyncConnection, record: EventTypeRecord, *, dialect_name: str, now: int) -> None:
    """Store a type of events in place of the one with its key; `now` in microseconds UTC."""
    values = record._asdict() | {"default_severity": int(record.default_severity), "enabled": int(record.enabled)}
    for name in _EVENT_LISTS:
        values[name] = _to_text(values[name])
    await _put(connection, event_types, values, dialect_name=dialect_name, now=now)


async def put_operation_type(
    connection: AsyncConnection, record: OperationTypeRecord, *, dialect_name: str, now: int
) -> None:
    """Store a type of operations in place of the one with its key; `now` in microseconds UTC."""
    values = record._asdict() | {"target_fields": _to_text(record.target_fields)}
    await _put(connection, operation_types, values, dialect_name=dialect_name, now=now)


def build_types_version() -> Select[Any]:
    """Ask for the number of the last change."""
    return select(leases.c.high_water).where(leases.c.name == _VERSION)


def build_type(table: Table, names: tuple[str, ...], namespace: str | None, name: str) -> Select[Any]:
    """Ask for one definition by its key."""
    key = (table.c.namespace == (namespace or _EVERY_NAMESPACE), table.c.name == name)
    return select(*[table.c[each] for each in names]).where(*key)


def _select(table: Table, names: tuple[str, ...]) -> Select[Any]:
    return select(*[table.c[each] for each in names]).order_by(table.c.namespace, table.c.name)


async def _put(
    connection: AsyncConnection, table: Table, values: dict[str, Any], *, dialect_name: str, now: int
) -> None:
    row = values | {"namespace": values["namespace"] or _EVERY_NAMESPACE, "created_at": now, "updated_at": now}
    replaced = [name for name in row if name not in (*_KEY, "created_at")]
    await connection.execute(insert_replacing(table, dialect_name, replaced), row)


def _to_event_type(row: Any) -> EventTypeRecord:
    values = dict(row._mapping)
    for name in _EVENT_LISTS:
        values[name] = tuple(json.loads(values[name]))
    values["namespace"] = values["namespace"] or None
    values["default_severity"] = Severity(values["default_severity"])
    values["enabled"] = bool(values["enabled"])
    return EventTypeRecord(**values)


def _to_operation_type(row: Any) -> OperationTypeRecord:
    values = dict(row._mapping)
    values["namespace"] = values["namespace"] or None
    values["target_fields"] = tuple(TargetField(*pair) for pair in json.loads(values["target_fields"]))
    return OperationTypeRecord(**values)


def _to_text(values: Any) -> str:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))
