"""Stored retention policies: the rows of `retention_policies` as they are; what they mean is told by mutations."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.tables import retention_policies
from storage.type_definitions import TypeAge, read_type_ages

if TYPE_CHECKING:
    from storage.engine import Database


class PolicyRecord(NamedTuple):
    """One stored policy. Empty tuples: any; `max_age_seconds` None: for ever; times are microseconds UTC."""

    policy_id: str
    name: str
    namespace: str | None
    event_types: tuple[str, ...]
    object_types: tuple[str, ...]
    sources: tuple[str, ...]
    selectors: tuple[str, ...]
    max_age_seconds: int | None
    archive: bool
    prune_registrations: bool
    compact_repeats: bool
    enabled: bool
    created_at: int
    updated_at: int


class StoredPolicies(NamedTuple):
    """All that the store says of how long events are kept: policies by id, ages of event types by their keys."""

    policies: list[PolicyRecord]
    ages: list[TypeAge]


_LISTS = ("event_types", "object_types", "sources", "selectors")
_FLAGS = ("archive", "prune_registrations", "compact_repeats", "enabled")


async def fetch_policies(database: "Database") -> list[PolicyRecord]:
    """Give every stored policy, by id."""
    async with database.reading() as connection:
        return await read_policies(connection)


async def fetch_stored_policies(database: "Database") -> StoredPolicies:
    """Give every stored policy, and the ages of event types."""
    async with database.reading() as connection:
        return await read_stored_policies(connection)


async def read_stored_policies(connection: AsyncConnection) -> StoredPolicies:
    """Give every stored policy, and the ages of event types, on a connection of the caller's."""
    return StoredPolicies(await read_policies(connection), await read_type_ages(connection))


async def read_policies(connection: AsyncConnection) -> list[PolicyRecord]:
    """Give every stored policy, by id, on a connection of the caller's."""
    columns = [retention_policies.c[name] for name in PolicyRecord._fields]
    rows = await connection.execute(select(*columns).order_by(retention_policies.c.policy_id))
    return [_to_record(row) for row in rows]


async def lock_policy(connection: AsyncConnection, policy_id: str) -> PolicyRecord | None:
    """Lock a policy and give it as it is; None: it is not there."""
    columns = [retention_policies.c[name] for name in PolicyRecord._fields]
    statement = select(*columns).where(retention_policies.c.policy_id == policy_id).with_for_update()
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else _to_record(row)


async def insert_policy(connection: AsyncConnection, policy: PolicyRecord) -> None:
    """Store a new policy."""
    await connection.execute(insert(retention_policies), _to_values(policy))


async def replace_policy(connection: AsyncConnection, policy: PolicyRecord) -> bool:
    """Put a policy in the place of the one with its id; give whether that is there."""
    statement = update(retention_policies).where(retention_policies.c.policy_id == policy.policy_id)
    return (await connection.execute(statement.values(_to_values(policy)))).rowcount == 1


async def delete_policy(connection: AsyncConnection, policy_id: str) -> bool:
    """Delete a policy; give whether it was there."""
    statement = delete(retention_policies).where(retention_policies.c.policy_id == policy_id)
    return (await connection.execute(statement)).rowcount == 1


def _to_values(policy: PolicyRecord) -> dict[str, Any]:
    values = policy._asdict()
    for name in _LISTS:
        values[name] = _to_text(values[name])
    for name in _FLAGS:
        values[name] = int(values[name])
    return values


def _to_record(row: Any) -> PolicyRecord:
    values = dict(row._mapping)
    for name in _LISTS:
        values[name] = tuple(json.loads(values[name]))
    for name in _FLAGS:
        values[name] = bool(values[name])
    return PolicyRecord(**values)


def _to_text(values: Sequence[str]) -> str:
    return json.dumps(list(values), ensure_ascii=False, separators=(",", ":"))
