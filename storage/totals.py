"""Totals: how many events a list holds, and which period the store can speak for."""

from collections.abc import Sequence
from enum import Enum
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Select, func, literal_column, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.conditions import build_scope_condition, require_short_lists
from storage.conjunctions import Conjunction
from storage.counted import build_counted, cut, find_counted, is_counted
from storage.cursors import EventOrder
from storage.dialects import force_index
from storage.engine import Database
from storage.pages import PageRequest, fetch_event_page
from storage.prepared import parameter
from storage.reads import PREPARED_SIZES
from storage.records import EventKey
from storage.retention_runs import fetch_removed_before
from storage.scans import Scan, begin_scan, build_scanned
from storage.scopes import Scope
from storage.selectors import ALL, EventField, Selector, all_of, equals_any, within
from storage.tables import events
from storage.times import MICROSECONDS_PER_MINUTE

_ROUGHEST = 10
"""A share may be wrong by a tenth at most, because the sums know whole minutes."""


class CountKind(Enum):
    """How far a count can be trusted."""

    EXACT = "EXACT"
    ESTIMATE = "ESTIMATE"
    AT_LEAST = "AT_LEAST"


class TotalRecord(NamedTuple):
    """A number of events."""

    value: int
    kind: CountKind


class CoverageKey(NamedTuple):
    """What a period is asked for: the namespaces, and the types of events, that a filter names; None: all."""

    namespaces: frozenset[str] | None
    event_types: frozenset[str] | None


class CoverageRecord(NamedTuple):
    """The times of the oldest and the newest event of a period, in microseconds; None: there is none.

    `retention_removed_before`: by age retention has removed nothing of that time or later; None: it removed nothing.
    """

    oldest_event_at: int | None
    newest_event_at: int | None
    retention_removed_before: int | None = None


async def fetch_total(database: Database, *, selector: Selector, scope: Scope, as_of: int | None = None) -> TotalRecord:
    """Count the events of a selector, those stored up to a position or all.

    Where the sums do not know, events are looked at down to the scan limit; what lies beyond is estimated by how
    the share of what was found goes on. Raises TooManyValuesError, and what `Database.reading` raises.
    """
    require_short_lists(selector)
    async with database.reading() as connection:
        return await _Counter(database, connection, scope).count(selector, as_of)


class _Counter:
    def __init__(self, database: Database, connection: AsyncConnection, scope: Scope) -> None:
        self._database = database
        self._connection = connection
        self._scope = scope

    async def count(self, selector: Selector, as_of: int | None) -> TotalRecord:
        conjunction = Conjunction.of(selector)
        if as_of is not None or not is_counted(conjunction.tests):
            return await self._scan(selector, as_of)
        pieces, rest = cut(conjunction.since, conjunction.until)
        parts = [TotalRecord(await self._sum(conjunction), CountKind.EXACT)] if pieces else []
        parts += [await self._scan(within(selector, *span), None) for span in rest]
        inexact = (part.kind for part in parts if part.kind is not CountKind.EXACT)
        return TotalRecord(sum(part.value for part in parts), next(inexact, CountKind.EXACT))

    async def _sum(self, conjunction: Conjunction) -> int:
        """Count by the sums, whole minutes only."""
        pieces, _ = cut(conjunction.since, conjunction.until)
        counted = await find_counted(self._database, self._connection, conjunction, self._scope)
        statement = build_counted(counted, pieces, number="event_rows")
        return sum(int(row.number or 0) for row in await self._connection.execute(statement))

    async def _scan(self, selector: Selector, as_of: int | None) -> TotalRecord:
        scan = await begin_scan(self._database, self._connection, selector=selector, scope=self._scope, as_of=as_of)
        if scan.plan.is_empty:
            return TotalRecord(0, CountKind.EXACT)
        statement = build_total(scan, dialect_name=self._database.dialect_name)
        found = int((await self._connection.execute(statement)).scalar_one())
        if scan.boundary is None:
            return TotalRecord(found, CountKind.EXACT)
        estimate = await self._estimate(selector, found, scan.boundary.occurred_at) if as_of is None else None
        return TotalRecord(found, CountKind.AT_LEAST) if estimate is None else estimate

    async def _estimate(self, selector: Selector, found: int, searched_to: int) -> TotalRecord | None:
        """Go on with the share that was found among all the events that the sums know of; None: they cannot tell."""
        tests = [test for test in Conjunction.of(selector).tests if is_counted([test])]
        whole = Conjunction.of(all_of(tests))
        whole.since, whole.until = _minutes_around(Conjunction.of(selector))
        minute = searched_to // MICROSECONDS_PER_MINUTE * MICROSECONDS_PER_MINUTE
        seen = Conjunction.of(within(all_of(tests), minute, whole.until))
        last = Conjunction.of(within(all_of(tests), minute, minute + MICROSECONDS_PER_MINUTE))
        seen_number = await self._sum(seen) if found else 0
        if not seen_number or await self._sum(last) * _ROUGHEST > seen_number:
            return None
        share = await self._sum(whole) / seen_number
        return TotalRecord(max(round(found * share), found), CountKind.ESTIMATE)


def _minutes_around(conjunction: Conjunction) -> tuple[int | None, int | None]:
    """Give the whole minutes that hold a conjunction's span."""
    since, until = conjunction.since, conjunction.until
    return (
        None if since is None else since // MICROSECONDS_PER_MINUTE * MICROSECONDS_PER_MINUTE,
        None if until is None else -(-until // MICROSECONDS_PER_MINUTE) * MICROSECONDS_PER_MINUTE,
    )


def build_total(scan: Scan, *, dialect_name: str) -> Select[Any]:
    """Ask for the number of a scan's events, from the index alone where no row has to be tested."""
    return select(func.count()).select_from(build_scanned(scan, (), dialect_name=dialect_name))


async def fetch_child_totals(
    database: Database, parents: Sequence[EventKey], *, scope: Scope
) -> dict[EventKey, TotalRecord]:
    """Count the visible children of events, by one statement that looks at no more than the scan limit."""
    names = await database.identities.namespace_keys({key.namespace for key in parents})
    wanted = [(key, names[key.namespace]) for key in dict.fromkeys(parents) if key.namespace in names]
    totals = dict.fromkeys(parents, TotalRecord(0, CountKind.EXACT))
    if not wanted:
        return totals
    most = max(database.options.scan_rows // len(wanted), 1)
    asked = [(key.id, namespace_key) for key, namespace_key in wanted]
    async with database.reading() as connection:
        for place, number in await _count_children(database, connection, asked, scope, most + 1):
            if place < len(wanted):
                kind = CountKind.EXACT if number <= most else CountKind.AT_LEAST
                totals[wanted[place][0]] = TotalRecord(min(number, most), kind)
    return totals


async def _count_children(
    database: Database, connection: AsyncConnection, parents: Sequence[tuple[str, int]], scope: Scope, limit: int
) -> list[tuple[int, int]]:
    """Run a statement about some parents, which is prepared for a few numbers of them: the last one fills the rest."""
    if not scope.everything:
        built = build_child_totals(parents, scope, limit=limit)
        return [(place, number) for place, number in await connection.execute(built)]
    size = next(size for size in PREPARED_SIZES if size >= len(parents))
    named = [(parameter(f"id_{place}", events.c.id.type), parameter(f"key_{place}")) for place in range(size)]
    statement = database.statements.get(
        ("totals of children", size), lambda: build_child_totals(named, scope, limit=parameter("limit", BigInteger()))
    )
    values: dict[str, Any] = {"limit": limit}
    for place in range(size):
        values[f"id_{place}"], values[f"key_{place}"] = parents[min(place, len(parents) - 1)]
    return [(place, number) for place, number in await database.fetch(connection, statement, values)]


def build_child_totals(parents: Sequence[tuple[Any, Any]], scope: Scope, *, limit: Any) -> Select[Any]:
    """Ask for (place in the list, number) of the children of events by id and namespace key, each up to a limit."""
    branches: list[Select[Any]] = []
    for place, (parent_id, namespace_key) in enumerate(parents):
        children = select(events.c.id).where(
            events.c.parent_id == parent_id, events.c.namespace_key == namespace_key, build_scope_condition(scope)
        )
        children = force_index(children, events, "ix_events_parent").limit(limit)
        columns: tuple[Any, ...] = (literal_column(str(place)).label("place"), func.count().label("number"))
        branches.append(select(*columns).select_from(children.subquery()))
    joined = union_all(*branches).subquery("totals")
    return select(joined.c.place, joined.c.number)


def coverage_key(selector: Selector) -> CoverageKey:
    """Give the namespaces in which every event of a selector lies, and the types that it can have."""
    conjunction = Conjunction.of(selector)
    names = conjunction.namespaces()
    types: frozenset[str] | None = None
    for test in conjunction.lists(EventField.EVENT_TYPE):
        types = frozenset(test.value) if types is None else types & frozenset(test.value)
    return CoverageKey(None if names is None else frozenset(names), types)


async def fetch_coverage(database: Database, key: CoverageKey, *, scope: Scope) -> CoverageRecord:
    """Tell the oldest and the newest event in some namespaces that a scope allows, and what retention removed there.

    Nothing else of a filter matters: an answer that finds nothing speaks for the same period.
    """
    names = key.namespaces
    named = ALL if names is None else equals_any(EventField.NAMESPACE, sorted(names))
    ends: list[int | None] = []
    for order in (EventOrder.OLDEST_FIRST, EventOrder.NEWEST_FIRST):
        request = PageRequest(size=1, order=order)
        page = await fetch_event_page(database, selector=named, scope=scope, request=request, fields=())
        ends.append(page.records[0].occurred_at if page.rows else None)
    visible = await _visible_namespaces(database, names, scope)
    async with database.reading() as connection:
        removed_before = await fetch_removed_before(connection, visible, key.event_types)
    return CoverageRecord(ends[0], ends[1], removed_before if visible != [] else None)


async def _visible_namespaces(database: Database, names: frozenset[str] | None, scope: Scope) -> list[str] | None:
    """Give those of some namespaces that a scope reaches into; None: all that there are."""
    if scope.everything:
        return None if names is None else sorted(names)
    audiences = await database.identities.audiences(scope.audience_keys)
    keys = scope.namespace_keys | {audience.namespace_key for audience in audiences.values()}
    reached = set((await database.identities.namespace_names(keys)).values())
    return sorted(reached if names is None else reached & names)
