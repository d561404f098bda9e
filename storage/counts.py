"""Counts: how many events there are, without counting them.

Each ingest transaction appends what it adds (`event_count_deltas`); in the background the holder of the lease `counts`
folds these into the tables of sums. A reader adds both, in one statement, so that it never sees an event twice or not
at all. One row per key that every writer updates would deadlock (design.md, data model).
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import ColumnElement, Subquery, Table, case, delete, func, literal, or_, select, true, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.dialects import insert_adding
from storage.errors import StorageError
from storage.leases import Lease, LeaseLostError
from storage.records import NamespaceRecord
from storage.removals import in_parts
from storage.scopes import Scope
from storage.tables import (
    audience_counts,
    audiences,
    event_count_deltas,
    event_counts,
    event_day_counts,
    event_hour_counts,
    events,
    ingest_counts,
    namespaces,
)
from storage.times import MICROSECONDS_PER_DAY

if TYPE_CHECKING:
    from storage.engine import Database

SUMS = {1: event_counts, 60: event_hour_counts, 24 * 60: event_day_counts}
"""The tables that hold the same sums, by the minutes that one of their rows covers."""

_TICK_SECONDS = 1.0
_LEASE_SECONDS = 10.0
_DELTAS_PER_FOLD = 5_000
_MINUTES_PER_STATEMENT = 500


class CountFolder:
    """Folds deltas into sums as long as this process holds the lease; otherwise waits to take over."""

    def __init__(self, database: "Database", *, tick_seconds: float = _TICK_SECONDS) -> None:
        self._database = database
        self._tick_seconds = tick_seconds
        self._lease = Lease(database, "counts", seconds=_LEASE_SECONDS)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then release the lease. Errors of the database end nothing: it tries again."""
        while not stop.is_set():
            folded = 0
            try:
                folded = await self.turn()
            except StorageError:
                self._lease.held = False
            if folded < _DELTAS_PER_FOLD:
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), self._tick_seconds)
        with suppress(StorageError):
            await self._lease.release()

    async def turn(self) -> int:
        """Fold what is waiting, at most one transaction of it, and give how many deltas that were."""
        async with self._database.reading() as connection:
            waiting = (await connection.execute(select(event_count_deltas.c.delta_key).limit(1))).first()
        if waiting is None:
            return 0
        if not self._lease.held and not await self._lease.acquire():
            return 0
        try:
            return await self._database.write(self._fold, name="counts")
        except LeaseLostError:
            self._lease.held = False
            return 0

    async def _fold(self, connection: AsyncConnection) -> int:
        # First of all the lease: who lost it writes nothing, and two folders never meet below.
        await self._lease.require(connection)
        deltas = (await connection.execute(_OLDEST_DELTAS)).all()
        if not deltas:
            return 0
        sums = _Sums(deltas)
        dialect_name = self._database.dialect_name
        for table, added, rows in (
            *((table, ("event_rows", "occurrences"), sums.by_time(minutes)) for minutes, table in SUMS.items()),
            (audience_counts, ("event_rows", "occurrences"), sums.by_audience()),
            (ingest_counts, ("event_rows",), sums.by_arrival()),
        ):
            if rows:
                await connection.execute(insert_adding(table, dialect_name, added), rows)
        for minutes, table in SUMS.items():
            await delete_zeros(connection, table, sums.lessened(minutes))
        keys = [delta.delta_key for delta in deltas]
        # By key, not "up to": an ingest transaction that is still open may hold a lower one.
        for start in range(0, len(keys), 1000):
            chunk = keys[start : start + 1000]
            await connection.execute(delete(event_count_deltas).where(event_count_deltas.c.delta_key.in_(chunk)))
        return len(keys)


async def delete_zeros(connection: AsyncConnection, table: Table, minutes: Mapping[int, Collection[int]]) -> None:
    """Delete the sums that have come to nothing, in some minutes of each audience (by key)."""
    columns = table.c
    for audience_key, some in sorted(minutes.items()):
        for part in in_parts(sorted(some), _MINUTES_PER_STATEMENT):
            of_minutes = (columns.audience_key == audience_key, columns.minute.in_(part))
            await connection.execute(
                delete(table).where(*of_minutes, columns.event_rows == 0, columns.occurrences == 0)
            )


class _Sums:
    """Deltas added up by the keys of the three tables; the rows come in key order."""

    def __init__(self, deltas: Sequence[Any]) -> None:
        self._deltas = deltas

    def by_time(self, minutes: int) -> list[dict[str, Any]]:
        names = ("audience_key", "minute", "event_type", "severity", "success")
        keyed = (
            (
                (each.audience_key, each.minute - each.minute % minutes, each.event_type, each.severity, each.success),
                each,
            )
            for each in self._deltas
        )
        return self._rows(names, keyed)

    def lessened(self, minutes: int) -> dict[int, set[int]]:
        """Give, by audience, when something was taken away: there a sum may have come to nothing."""
        found: dict[int, set[int]] = defaultdict(set)
        for each in self._deltas:
            if each.event_rows < 0 or each.occurrences < 0:
                found[each.audience_key].add(each.minute - each.minute % minutes)
        return found

    def by_audience(self) -> list[dict[str, Any]]:
        return self._rows(("audience_key",), (((each.audience_key,), each) for each in self._deltas))

    def by_arrival(self) -> list[dict[str, Any]]:
        arrived = [each for each in self._deltas if each.arrival_day is not None]
        keyed = (((each.namespace_key, each.arrival_day, each.audience_key), each) for each in arrived)
        rows = self._rows(("namespace_key", "arrival_day", "audience_key"), keyed)
        for row in rows:
            del row["occurrences"]
        return rows

    @staticmethod
    def _rows(names: Sequence[str], keyed: Iterable[tuple[tuple[Any, ...], Any]]) -> list[dict[str, Any]]:
        event_rows: Counter[tuple[Any, ...]] = Counter()
        occurrences: Counter[tuple[Any, ...]] = Counter()
        for key, delta in keyed:
            event_rows[key] += delta.event_rows
            occurrences[key] += delta.occurrences
        return [
            {**dict(zip(names, key, strict=True)), "event_rows": event_rows[key], "occurrences": occurrences[key]}
            for key in sorted(event_rows)
        ]


class _Usage(NamedTuple):
    """What the counts say about a namespace, within a scope."""

    namespace_key: int
    name: str
    event_count: int
    events_today: int


async def fetch_event_rows(database: "Database") -> int:
    """Give the number of events in the store, by the counts."""
    parts = union_all(select(audience_counts.c.event_rows), select(event_count_deltas.c.event_rows)).subquery()
    async with database.reading() as connection:
        total = (await connection.execute(select(func.sum(parts.c.event_rows)))).scalar()
    return int(total or 0)


async def fetch_waiting_deltas(database: "Database", *, most: int) -> int:
    """Give how many deltas wait to be folded, at most so many."""
    waiting = select(event_count_deltas.c.delta_key).limit(most).subquery()
    async with database.reading() as connection:
        return int((await connection.execute(select(func.count()).select_from(waiting))).scalar_one())


async def fetch_namespace_usage(database: "Database", scope: Scope, *, now: int) -> list[NamespaceRecord]:
    """Give each namespace that has events in the scope, by name; `now` (microseconds) says which UTC day is today.

    Only what the scope shows is counted. Namespaces without visible events are left out.
    """
    if scope.is_empty:
        return []
    usages = await _fetch_usages(database, scope, today=now // MICROSECONDS_PER_DAY)
    oldest = await _fetch_oldest(database, scope, [usage.namespace_key for usage in usages])
    return [
        NamespaceRecord(usage.name, usage.event_count, oldest.get(usage.namespace_key), usage.events_today)
        for usage in usages
    ]


async def _fetch_usages(database: "Database", scope: Scope, *, today: int) -> list[_Usage]:
    parts = _counted_parts(today)
    event_rows = func.sum(parts.c.event_rows)
    statement = (
        select(audiences.c.namespace_key, namespaces.c.name, event_rows, func.sum(parts.c.arrived_today))
        .select_from(parts)
        .join(audiences, audiences.c.audience_key == parts.c.audience_key)
        .join(namespaces, namespaces.c.namespace_key == audiences.c.namespace_key)
        .where(_audience_visible(scope))
        .group_by(audiences.c.namespace_key, namespaces.c.name)
        .having(event_rows > 0)
        .order_by(namespaces.c.name)
    )
    async with database.reading() as connection:
        result = await connection.execute(statement)
    return [_Usage(key, name, int(rows), int(arrived)) for key, name, rows, arrived in result]


def _counted_parts(today: int) -> Subquery:
    """Sums and deltas side by side: rows in the store, and rows that arrived today."""
    deltas = event_count_deltas.c
    arrived = case((deltas.arrival_day == today, deltas.event_rows), else_=0)
    return union_all(
        select(audience_counts.c.audience_key, audience_counts.c.event_rows, literal(0).label("arrived_today")),
        select(ingest_counts.c.audience_key, literal(0), ingest_counts.c.event_rows).where(
            ingest_counts.c.arrival_day == today
        ),
        select(deltas.audience_key, deltas.event_rows, arrived),
    ).subquery("parts")


def _audience_visible(scope: Scope) -> ColumnElement[bool]:
    if scope.everything:
        return true()
    return or_(
        audiences.c.namespace_key.in_(sorted(scope.namespace_keys)),
        audiences.c.audience_key.in_(sorted(scope.audience_keys)),
    )


async def _fetch_oldest(database: "Database", scope: Scope, namespace_keys: Sequence[int]) -> dict[int, int]:
    """Give each namespace's oldest visible event: one look into an index per namespace or audience."""
    whole = [key for key in namespace_keys if scope.everything or key in scope.namespace_keys]
    parts = [("namespace_key", key, key) for key in whole]
    if rest := set(namespace_keys).difference(whole):
        known = await database.identities.audiences(scope.audience_keys)
        parts += [
            ("audience_key", each.key, each.namespace_key) for each in known.values() if each.namespace_key in rest
        ]
    oldest: dict[int, int] = {}
    branches = database.options.union_branches
    for start in range(0, len(parts), branches):
        looks = [
            select(literal(namespace_key), func.min(events.c.occurred_at)).where(events.c[column] == key)
            for column, key, namespace_key in parts[start : start + branches]
        ]
        async with database.reading() as connection:
            for namespace_key, occurred_at in await connection.execute(union_all(*looks)):
                if occurred_at is not None:
                    oldest[namespace_key] = min(occurred_at, oldest.get(namespace_key, occurred_at))
    return oldest


_OLDEST_DELTAS = (
    select(event_count_deltas, audiences.c.namespace_key)
    .join(audiences, audiences.c.audience_key == event_count_deltas.c.audience_key)
    .order_by(event_count_deltas.c.delta_key)
    .limit(_DELTAS_PER_FOLD)
)
