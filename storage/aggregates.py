"""Aggregates: how many events there are by time and by value, from the sums where they know, else from a scan.

The numbers are occurrences: an event that repeats were folded into counts as many times (H7).
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Select, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import ColumnElement

from storage.conditions import require_short_lists
from storage.conjunctions import Conjunction
from storage.counted import build_counted, cut, find_counted, is_counted
from storage.dialects import whole_quotient
from storage.engine import Database
from storage.frames import Frame
from storage.groupings import COUNTED_COLUMNS, GroupField, GroupValue, name_values, value_order
from storage.scans import GroupedScan, Scan, begin_scan, build_scanned
from storage.scopes import Scope
from storage.selectors import Selector, within
from storage.times import MICROSECONDS_PER_MINUTE

MOST_SERIES = 20
"""Series of a histogram or of statistics; what is left goes into one more (H5)."""
MOST_GROUPS = 20_000
"""Rows that a statement about groups may give; when there are more, only the largest groups are told apart."""
_TOLD_TOGETHER = (
    GroupField.EVENT_TYPE,
    GroupField.CATEGORY,
    GroupField.SEVERITY,
    GroupField.SUCCESS,
    GroupField.NAMESPACE,
)
"""Fields of which an event's values go with each other, so that one statement can count all their combinations."""


class SeriesRecord(NamedTuple):
    """The numbers of one value, bucket by bucket; `is_other`: of all values that have no series."""

    value: GroupValue
    is_other: bool
    counts: list[int]


class HistogramRecord(NamedTuple):
    """A histogram; `searched_to` in microseconds: how far was looked when the scan limit ended it."""

    series: list[SeriesRecord]
    total: int
    searched_to: int | None


class FacetRecord(NamedTuple):
    """The most frequent values of a field, and how often all others occur together."""

    field: GroupField
    values: list[tuple[GroupValue, int]]
    other_count: int
    searched_to: int | None


_OTHER = object()
"""Stands for all values that were not told apart."""


async def fetch_histogram(
    database: Database, *, selector: Selector, scope: Scope, frame: Frame, group: GroupField | None
) -> HistogramRecord:
    """Count the occurrences in each bucket of a frame, by a field or all together.

    Raises TooManyValuesError for a list in the selector that is too long, and what `Database.reading` raises.
    """
    require_short_lists(selector)
    async with database.reading() as connection:
        reader = _HistogramReader(database, connection, scope, frame, group)
        await reader.read(within(selector, frame.since, frame.end))
    return reader.histogram()


async def fetch_facets(
    database: Database, *, selector: Selector, scope: Scope, fields: Sequence[GroupField], top: int
) -> list[FacetRecord]:
    """Give the `top` most frequent values of each field. Raises what `fetch_histogram` raises."""
    require_short_lists(selector)
    async with database.reading() as connection:
        reader = _FacetReader(database, connection, scope, top)
        found = await reader.read(selector, list(dict.fromkeys(fields)))
    return [found[field] for field in fields]


class _HistogramReader:
    """Adds up occurrences by bucket and value."""

    def __init__(
        self,
        database: Database,
        connection: AsyncConnection,
        scope: Scope,
        frame: Frame,
        group: GroupField | None,
    ) -> None:
        self._database = database
        self._connection = connection
        self._scope = scope
        self._frame = frame
        self._group = group
        self._numbers: Counter[tuple[int, Any]] = Counter()
        self._searched_to: int | None = None

    async def read(self, selector: Selector) -> None:
        conjunction = Conjunction.of(selector)
        minutes = self._frame.width // MICROSECONDS_PER_MINUTE
        group_is_counted = self._group is None or self._group in COUNTED_COLUMNS
        if not (minutes and group_is_counted and is_counted(conjunction.tests)):
            await self._scan(selector)
            return
        pieces, rest = cut(conjunction.since, conjunction.until, coarsest=minutes)
        if pieces:
            counted = await find_counted(self._database, self._connection, conjunction, self._scope)
            columns = () if self._group is None else (COUNTED_COLUMNS[self._group],)
            bucket = (self._frame.origin // MICROSECONDS_PER_MINUTE, minutes)
            statement = build_counted(counted, pieces, number="occurrences", groups=columns, bucket=bucket)
            await self._add((await self._connection.execute(statement)).all(), columns)
        for span in rest:
            await self._scan(within(selector, *span))

    async def _scan(self, selector: Selector) -> None:
        database, connection, group = self._database, self._connection, self._group
        scan = await begin_scan(database, connection, selector=selector, scope=self._scope)
        if scan.plan.is_empty:
            return
        self._searched_to = scan.searched_to
        source = GroupedScan(scan, group, ("repeat_count",), dialect_name=database.dialect_name)
        columns = () if group is None else (group.value,)
        rows = (await connection.execute(build_buckets(source, self._frame, grouped=group is not None))).all()
        if len(rows) > MOST_GROUPS:
            top = (await connection.execute(build_top(source, MOST_SERIES))).all()
            statement = build_buckets_of_few(source, self._frame, [row.value for row in top])
            rows = (await connection.execute(statement)).all()
        await self._add(rows, columns)

    async def _add(self, rows: Sequence[Any], columns: Sequence[str]) -> None:
        names = {}
        if columns:
            values = (row[1] for row in rows)
            names = {**await name_values(self._database, self._connection, columns[0], values)}
        for row in rows:
            if row.number:
                value = _OTHER if len(row) > 3 and row.is_other else names[row[1]] if columns else None
                self._numbers[row.bucket, value] += int(row.number)

    def histogram(self) -> HistogramRecord:
        totals: Counter[Any] = Counter()
        for (_, value), number in self._numbers.items():
            totals[value] += number
        ranked = sorted((value for value in totals if value is not _OTHER), key=lambda one: rank(one, totals[one]))
        places: dict[Any, int] = {value: place for place, value in enumerate(ranked[:MOST_SERIES])}
        if self._group is None:
            places = {None: 0}
        series = [SeriesRecord(value, False, [0] * self._frame.count) for value in places]
        if len(totals) > len(series) and totals:
            series.append(SeriesRecord(None, True, [0] * self._frame.count))
        for (bucket, value), number in self._numbers.items():
            series[places.get(value, -1)].counts[bucket] += number
        return HistogramRecord(series, sum(totals.values()), self._searched_to)


class _FacetReader:
    """Finds the most frequent values of fields."""

    def __init__(self, database: Database, connection: AsyncConnection, scope: Scope, top: int) -> None:
        self._database = database
        self._connection = connection
        self._scope = scope
        self._top = top

    async def read(self, selector: Selector, fields: Sequence[GroupField]) -> dict[GroupField, FacetRecord]:
        conjunction = Conjunction.of(selector)
        counted = [field for field in fields if field in COUNTED_COLUMNS] if is_counted(conjunction.tests) else []
        found = await self._read_counted(selector, conjunction, counted) if counted else {}
        others = [field for field in fields if field not in found]
        if others:
            scan = await begin_scan(self._database, self._connection, selector=selector, scope=self._scope)
            found |= await self._read_scanned(scan, others)
        return found

    async def _read_counted(
        self, selector: Selector, conjunction: Conjunction, fields: Sequence[GroupField]
    ) -> dict[GroupField, FacetRecord]:
        numbers: dict[GroupField, Counter[GroupValue]] = {field: Counter() for field in fields}
        searched_to = None
        pieces, rest = cut(conjunction.since, conjunction.until)
        if pieces:
            counted = await find_counted(self._database, self._connection, conjunction, self._scope)
            columns = [COUNTED_COLUMNS[field] for field in fields]
            statement = build_counted(counted, pieces, number="occurrences", groups=columns)
            await self._add(
                (await self._connection.execute(statement)).all(), dict(zip(fields, columns, strict=True)), numbers
            )
        for span in rest:
            scan = await begin_scan(
                self._database, self._connection, selector=within(selector, *span), scope=self._scope
            )
            await self._add_scanned(scan, fields, numbers)
            searched_to = scan.searched_to or searched_to
        return {field: self._to_facet(field, numbers[field], searched_to) for field in fields}

    async def _read_scanned(self, scan: Scan, fields: Sequence[GroupField]) -> dict[GroupField, FacetRecord]:
        together = [field for field in fields if field in _TOLD_TOGETHER]
        numbers: dict[GroupField, Counter[GroupValue]] = {field: Counter() for field in together}
        if together:
            await self._add_scanned(scan, together, numbers)
        found = {field: self._to_facet(field, numbers[field], scan.searched_to) for field in together}
        for field in fields:
            if field not in found:
                found[field] = await self._read_top(scan, field)
        return found

    async def _add_scanned(
        self, scan: Scan, fields: Sequence[GroupField], numbers: dict[GroupField, Counter[GroupValue]]
    ) -> None:
        if scan.plan.is_empty:
            return
        columns = {field: field.value for field in fields}
        statement = build_combinations(scan, list(columns.values()), dialect_name=self._database.dialect_name)
        await self._add((await self._connection.execute(statement)).all(), columns, numbers)

    async def _add(
        self,
        rows: Sequence[Any],
        columns: dict[GroupField, str],
        numbers: dict[GroupField, Counter[GroupValue]],
    ) -> None:
        for place, (field, column) in enumerate(columns.items(), start=1):
            names = await name_values(self._database, self._connection, column, (row[place] for row in rows))
            of_field = numbers[field]
            for row in rows:
                of_field[names[row[place]]] += int(row.number)

    async def _read_top(self, scan: Scan, field: GroupField) -> FacetRecord:
        """Let the database choose: there may be as many values as events."""
        if scan.plan.is_empty:
            return FacetRecord(field, [], 0, None)
        source = GroupedScan(scan, field, ("repeat_count",), dialect_name=self._database.dialect_name)
        rows = (await self._connection.execute(build_top(source, self._top))).all()
        values = [(row.value, int(row.number)) for row in rows]
        everything = int(rows[0].everything) if rows else 0
        return FacetRecord(field, values, everything - sum(number for _, number in values), scan.searched_to)

    def _to_facet(self, field: GroupField, numbers: Counter[GroupValue], searched_to: int | None) -> FacetRecord:
        ranked = sorted((each for each in numbers.items() if each[1]), key=lambda each: rank(*each))
        others = sum(number for _, number in ranked[self._top :])
        return FacetRecord(field, ranked[: self._top], others, searched_to)


def rank(value: GroupValue, number: int) -> tuple[Any, ...]:
    """Order values by their numbers, largest first, then by value (H5, H6)."""
    return (-number, *value_order(value))


def build_buckets(source: GroupedScan, frame: Frame, *, grouped: bool) -> Select[Any]:
    """Ask for (bucket, value, number) of a scan, or (bucket, number) when it is not grouped."""
    keys = (_bucket(source, frame), *((source.value.label("value"),) if grouped else ()))
    return select(*keys, _occurrences(source)).group_by(*keys).limit(MOST_GROUPS + 1)


def build_buckets_of_few(source: GroupedScan, frame: Frame, values: Sequence[Any]) -> Select[Any]:
    """Ask for (bucket, value, is_other, number) of a scan; values that are not among those few are told together."""
    value, is_other = told_apart(source.value, values)
    keys = (_bucket(source, frame), value.label("value"), is_other.label("is_other"))
    return select(*keys, _occurrences(source)).group_by(*keys)


def told_apart(column: ColumnElement[Any], values: Sequence[Any]) -> tuple[ColumnElement[Any], ColumnElement[int]]:
    """Give a value, null unless it is one of a few, and whether it is none of them (1 or 0)."""
    is_one = or_(column.in_([value for value in values if value is not None]), *([column.is_(None)] * (None in values)))
    return case((is_one, column)), case((is_one, 0), else_=1)


def build_top(source: GroupedScan, top: int) -> Select[Any]:
    """Ask for the most frequent values of a scan (value, number), and the number of `everything`."""
    groups = select(source.value.label("value"), _occurrences(source)).group_by(source.value).subquery("groups")
    everything = func.sum(groups.c.number).over().label("everything")
    ordered = (groups.c.number.desc(), groups.c.value.is_(None), groups.c.value)
    return select(groups.c.value, groups.c.number, everything).order_by(*ordered).limit(top)


def build_combinations(scan: Scan, columns: Sequence[str], *, dialect_name: str) -> Select[Any]:
    """Ask for (0, values ..., number) of all combinations of values of some columns."""
    scanned = build_scanned(scan, ("repeat_count", *columns), dialect_name=dialect_name)
    keys = [scanned.c[name] for name in columns]
    number = func.sum(scanned.c.repeat_count).label("number")
    return select(func.min(0).label("bucket"), *keys, number).group_by(*keys)


def _bucket(source: GroupedScan, frame: Frame) -> ColumnElement[Any]:
    return whole_quotient(source.table.c.occurred_at - frame.origin, frame.width).label("bucket")


def _occurrences(source: GroupedScan) -> ColumnElement[Any]:
    return func.sum(source.table.c.repeat_count).label("number")
