"""Tallies: occurrences counted from a scan, by bucket and by value, several questions by as few scans as can be.

The panels of a page ask about the same events: rows are read once for all of them, by one statement that groups by
everything that is asked. Only where that would give too many groups each question has a statement of its own.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, case, func, literal, select, true
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from storage.conditions import build_membership
from storage.dialects import whole_quotient
from storage.engine import Database
from storage.frames import Frame
from storage.groupings import GroupField, GroupValue, name_values, rank
from storage.page_statements import Bound, KeyRange
from storage.scans import GroupedScan, Scan, begin_scan, build_scanned, halve_scan
from storage.scopes import Scope
from storage.selectors import Selector, within
from storage.windows import Windows

MOST_GROUPS = 20_000
"""Groups that a statement may give."""
_FEW_COMBINATIONS = frozenset(
    {
        None,
        GroupField.EVENT_TYPE,
        GroupField.CATEGORY,
        GroupField.SEVERITY,
        GroupField.SUCCESS,
        GroupField.NAMESPACE,
    }
)
"""Fields of which an event's values go with each other; there may be as many sources and actors as events."""

_IN_VAIN = 10
"""A tenth of what a scan looked at may have been in vain for a question that shares it."""
_NAMED_LATER = frozenset({GroupField.SEVERITY, GroupField.NAMESPACE})
"""Fields whose values are numbers in the database, in another order than their names."""

_FIRST = -1
"""Before all times."""
_FIRST_ID = "00000000-0000-0000-0000-000000000000"

OTHERS = object()
"""Stands for all values that were not told apart."""


class Tally(NamedTuple):
    """A question about the events of a selector in a span of microseconds (None: no end).

    How many occurrences are there in each bucket of `frame` (None: all in bucket 0) of each value of `group`? At least
    the `most` largest values are told apart.
    """

    selector: Selector
    since: int | None
    until: int | None
    group: GroupField | None
    most: int
    frame: Frame | None = None


class TallyRecord(NamedTuple):
    """Occurrences by (bucket, value), the value `OTHERS` perhaps among them; `searched_to`: where the scan ended."""

    numbers: Mapping[tuple[int, Any], int]
    searched_to: int | None


async def fetch_tallies(database: Database, tallies: Sequence[Tally], *, scope: Scope) -> dict[Tally, TallyRecord]:
    """Answer questions; those about the same selector and spans that overlap share one scan.

    Raises TooManyValuesError, and what `Database.reading` raises.
    """
    found: dict[Tally, TallyRecord] = {}
    for together in _sharing(dict.fromkeys(tallies)):
        found |= await _Reader(database, scope).read(together)
    return found


def _sharing(tallies: Iterable[Tally]) -> list[list[Tally]]:
    """Put those together whose spans overlap, selector by selector."""
    by_selector: dict[Selector, list[Tally]] = {}
    for tally in tallies:
        by_selector.setdefault(tally.selector, []).append(tally)
    return [group for same in by_selector.values() for group in _overlapping(same)]


def _overlapping(tallies: Sequence[Tally]) -> list[list[Tally]]:
    first, *others = sorted(tallies, key=lambda tally: _FIRST if tally.since is None else tally.since)
    groups, until = [[first]], first.until
    for tally in others:
        if until is None or tally.since is None or tally.since < until:
            groups[-1].append(tally)
            until = None if until is None or tally.until is None else max(until, tally.until)
        else:
            groups.append([tally])
            until = tally.until
    return groups


class _Reader:
    """Reads scans. It holds no connection while it asks for another."""

    def __init__(self, database: Database, scope: Scope) -> None:
        self._database = database
        self._scope = scope

    async def read(self, tallies: Sequence[Tally]) -> dict[Tally, TallyRecord]:
        """Answer questions about one selector from one scan."""
        starts, ends = [tally.since for tally in tallies], [tally.until for tally in tallies]
        since = None if None in starts else min(start for start in starts if start is not None)
        until = None if None in ends else max(end for end in ends if end is not None)
        selector = within(tallies[0].selector, since, until)
        async with self._database.reading() as connection:
            scan = await begin_scan(self._database, connection, selector=selector, scope=self._scope)
            if scan.plan.is_empty:
                return dict.fromkeys(tallies, TallyRecord({}, None))
            late = await self._find_late(connection, scan, set(ends) - {until})
            served = [tally for tally in tallies if tally.until not in late]
            together = [tally for tally in served if _goes_together(tally, scan)]
        # Where many rows have to be tested, it is worth while to do it in two halves at the same time.
        parts = halve_scan(scan) if scan.plan.tests_rows else [scan]
        found = await self._read_together(scan, parts, together)
        for tally in served:
            if tally not in found:
                async with self._database.reading() as connection:
                    found[tally] = await self._read_alone(connection, _narrow(scan, tally), tally)
        for tally in tallies:
            if tally not in found:
                found |= await self.read([tally])
        return found

    async def _find_late(self, connection: AsyncConnection, scan: Scan, ends: Iterable[int | None]) -> set[int | None]:
        """Give those ends of spans behind which a good part of what a scan looked at lies: in vain for such a span."""
        late: set[int | None] = set()
        if scan.boundary is None:
            return late
        windows = Windows(self._database, connection, scan.plan)
        in_vain = self._database.options.scan_rows // _IN_VAIN
        for end in ends:
            if end is not None:
                behind = KeyRange(descending=True, stop=Bound(end, _FIRST_ID, inclusive=True))
                if await windows.end(behind, in_vain) is not None:
                    late.add(end)
        return late

    async def _read_together(
        self, scan: Scan, parts: Sequence[Scan], tallies: Sequence[Tally]
    ) -> dict[Tally, TallyRecord]:
        """Give nothing for a single question, which has cheaper statements, and when there are too many groups."""
        if len(tallies) < 2:
            return {}
        rows = list(chain.from_iterable(await asyncio.gather(*(self._read_part(part, tallies) for part in parts))))
        if len(rows) > MOST_GROUPS:
            return {}
        found: dict[Tally, TallyRecord] = {}
        async with self._database.reading() as connection:
            for place, tally in enumerate(tallies):
                bucket, value, inside = 1 + 3 * place, 2 + 3 * place, 3 + 3 * place
                names = await self._name(connection, tally.group, (row[value] for row in rows if row[inside]))
                numbers: Counter[tuple[int, GroupValue]] = Counter()
                for row in rows:
                    if row[inside]:
                        numbers[row[bucket], names[row[value]]] += int(row[0])
                found[tally] = TallyRecord(numbers, searched_to_of(scan, tally))
        return found

    async def _read_part(self, part: Scan, tallies: Sequence[Tally]) -> Sequence[Any]:
        statement = build_together(part, tallies, self._database.dialect_name)
        async with self._database.reading() as connection:
            rows: Sequence[Any] = (await connection.execute(statement)).all()
        return rows

    async def _read_alone(self, connection: AsyncConnection, scan: Scan, tally: Tally) -> TallyRecord:
        if scan.plan.is_empty:
            return TallyRecord({}, None)
        source = GroupedScan(scan, tally.group, ("repeat_count",), dialect_name=self._database.dialect_name)
        searched_to = searched_to_of(scan, tally)
        if tally.frame is None:
            top, rest = await read_top(self._database, connection, source, tally.group, tally.most)
            return TallyRecord(
                {**{(0, value): number for value, number in top.values()}, (0, OTHERS): rest}, searched_to
            )
        rows = (await connection.execute(build_buckets(source, tally.frame))).all()
        if len(rows) > MOST_GROUPS:
            few, _ = await read_top(self._database, connection, source, tally.group, tally.most)
            rows = (await connection.execute(build_buckets_of_few(source, tally.frame, list(few)))).all()
        names = await self._name(connection, tally.group, (row.value for row in rows if not row.is_other))
        return TallyRecord(
            {(row.bucket, OTHERS if row.is_other else names[row.value]): int(row.number) for row in rows}, searched_to
        )

    async def _name(
        self, connection: AsyncConnection, group: GroupField | None, values: Iterable[Any]
    ) -> Mapping[Any, GroupValue]:
        if group is None:
            return {None: None}
        return await name_values(self._database, connection, group.value, values)


def _goes_together(tally: Tally, scan: Scan) -> bool:
    """Whether a question can be grouped with others: its events stand once, and there will be few combinations.

    Where rows have to be tested few of them pass, mostly; where an index answers, as many as the scan may look at.
    """
    return tally.group is not GroupField.OBJECT_TYPE and (scan.plan.tests_rows or tally.group in _FEW_COMBINATIONS)


def _narrow(scan: Scan, tally: Tally) -> Scan:
    """Narrow a scan to the span of one question."""
    since = [at for at in (scan.plan.since, tally.since) if at is not None]
    until = [at for at in (scan.plan.until, tally.until) if at is not None]
    plan = replace(scan.plan, since=max(since, default=None), until=min(until, default=None))
    return replace(scan, plan=plan)


def searched_to_of(scan: Scan, tally: Tally) -> int | None:
    """Tell where the scan limit ended a scan within the span of a question; None: it did not."""
    ended = scan.searched_to
    return None if ended is None or (tally.since is not None and ended < tally.since) else ended


async def read_top(
    database: Database, connection: AsyncConnection, source: GroupedScan, group: GroupField | None, most: int
) -> tuple[dict[Any, tuple[GroupValue, int]], int]:
    """Give the most frequent values of a scan as stored, with their names and numbers, and the sum of all others."""
    limit = MOST_GROUPS if group in _NAMED_LATER else most
    rows = (await connection.execute(build_top(source, limit))).all()
    column = "" if group is None else group.value
    names = await name_values(database, connection, column, (row.value for row in rows))
    ranked = sorted(rows, key=lambda row: rank(names[row.value], row.number))[:most]
    top = {row.value: (names[row.value], int(row.number)) for row in ranked}
    everything = int(rows[0].everything) if rows else 0
    return top, everything - sum(number for _, number in top.values())


def build_together(scan: Scan, tallies: Sequence[Tally], dialect_name: str) -> Select[Any]:
    """Ask for a number and then (bucket, value, inside) for each question, by everything that is asked together.

    `inside`: whether events of this group lie within the span of the question.
    """
    names = dict.fromkeys(tally.group.value for tally in tallies if tally.group is not None)
    scanned = build_scanned(scan, ("repeat_count", *names), dialect_name=dialect_name)
    keys: list[ColumnElement[Any]] = []
    for place, tally in enumerate(tallies):
        value: ColumnElement[Any] = literal(None) if tally.group is None else scanned.c[tally.group.value]
        inside = case((_is_within(scanned, tally), 1), else_=0)
        bucket = literal(0) if tally.frame is None else case((inside == 1, _bucket(scanned, tally.frame)))
        keys += [bucket.label(f"bucket_{place}"), value.label(f"value_{place}"), inside.label(f"inside_{place}")]
    number = func.sum(scanned.c.repeat_count).label("number")
    return select(number, *keys).group_by(*(key.name for key in keys)).limit(MOST_GROUPS + 1)


def _is_within(scanned: FromClause, tally: Tally) -> ColumnElement[bool]:
    tests: list[ColumnElement[bool]] = [true()]
    if tally.since is not None:
        tests.append(scanned.c.occurred_at >= tally.since)
    if tally.until is not None:
        tests.append(scanned.c.occurred_at < tally.until)
    return and_(*tests)


def build_buckets(source: GroupedScan, frame: Frame) -> Select[Any]:
    """Ask for (bucket, value, is_other, number) of a scan; no value is told with others."""
    keys = (_bucket(source.table, frame).label("bucket"), source.value.label("value"))
    grouped = select(*keys, literal(0).label("is_other"), _occurrences(source))
    return grouped.group_by("bucket", "value").limit(MOST_GROUPS + 1)


def build_buckets_of_few(source: GroupedScan, frame: Frame, values: Sequence[Any]) -> Select[Any]:
    """Ask for (bucket, value, is_other, number) of a scan; values that are not among those few are told together."""
    value, is_other = told_apart(source.value, values)
    keys = (_bucket(source.table, frame).label("bucket"), value.label("value"), is_other.label("is_other"))
    return select(*keys, _occurrences(source)).group_by("bucket", "value", "is_other")


def told_apart(column: ColumnElement[Any], values: Sequence[Any]) -> tuple[ColumnElement[Any], ColumnElement[int]]:
    """Give a value, null unless it is one of a few, and whether it is none of them (1 or 0)."""
    is_one = build_membership(column, values)
    return case((is_one, column)), case((is_one, 0), else_=1)


def build_top(source: GroupedScan, most: int) -> Select[Any]:
    """Ask for the most frequent values of a scan (value, number), and the number of `everything`."""
    groups = select(source.value.label("value"), _occurrences(source)).group_by(source.value).subquery("groups")
    everything = func.sum(groups.c.number).over().label("everything")
    ordered = (groups.c.number.desc(), groups.c.value.is_(None), groups.c.value)
    return select(groups.c.value, groups.c.number, everything).order_by(*ordered).limit(most)


def _bucket(table: FromClause, frame: Frame) -> ColumnElement[Any]:
    return whole_quotient(table.c.occurred_at - frame.origin, frame.width)


def _occurrences(source: GroupedScan) -> ColumnElement[Any]:
    return func.sum(source.table.c.repeat_count).label("number")
