"""Aggregates: how many events there are by time and by value, from the sums where they know, else from a scan.

The numbers are occurrences: an event that repeats were folded into counts as many times (H7).
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from storage.conditions import require_short_lists
from storage.conjunctions import Conjunction
from storage.counted import Counted, Piece, build_counted, cut, find_counted, is_counted
from storage.engine import Database
from storage.frames import Frame
from storage.groupings import COUNTED_FIELDS, GroupField, GroupValue, name_values, rank
from storage.scopes import Scope
from storage.selectors import Selector, within
from storage.tallies import MOST_GROUPS, OTHERS, Tally, TallyRecord, fetch_tallies
from storage.times import MICROSECONDS_PER_MINUTE

MOST_SERIES = 20
"""Series of a histogram or of statistics; what is left goes into one more (H5)."""

Tallier = Callable[[Sequence[Tally]], Awaitable[Sequence[TallyRecord]]]
"""Answers questions about scans, in their order: `fetch_tallies`, or whoever collects those of several panels."""
_Numbers = Counter[tuple[int, Any]]


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


async def fetch_histogram(
    database: Database,
    *,
    selector: Selector,
    scope: Scope,
    frame: Frame,
    group: GroupField | None,
    tallier: Tallier | None = None,
) -> HistogramRecord:
    """Count the occurrences in each bucket of a frame, by a field or all together.

    Raises TooManyValuesError for a list in the selector that is too long, and what `Database.reading` raises.
    """
    reader = _Reader(database, selector, scope, tallier)
    numbers, searched_to = await reader.by_bucket(frame, group)
    return _to_histogram(numbers, frame, searched_to, is_grouped=group is not None)


async def fetch_facets(
    database: Database,
    *,
    selector: Selector,
    scope: Scope,
    span: tuple[int | None, int | None] = (None, None),
    fields: Sequence[GroupField],
    top: int,
    tallier: Tallier | None = None,
) -> list[FacetRecord]:
    """Give the `top` most frequent values of each field, within a span of microseconds.

    Raises what `fetch_histogram` raises.
    """
    reader = _Reader(database, selector, scope, tallier)
    found = await reader.by_value(span, list(dict.fromkeys(fields)), top)
    return [_to_facet(field, *found[field], top=top) for field in fields]


class _Reader:
    """Adds up occurrences from sums, and from scans of what the sums do not know."""

    def __init__(self, database: Database, selector: Selector, scope: Scope, tallier: Tallier | None) -> None:
        require_short_lists(selector)
        self._database = database
        self._selector = selector
        self._scope = scope
        self._tallier = tallier or self._tally

    async def by_bucket(self, frame: Frame, group: GroupField | None) -> tuple[_Numbers, int | None]:
        """Give the numbers of a histogram, and how far was looked."""
        conjunction = Conjunction.of(within(self._selector, frame.since, frame.end))
        minutes = frame.width // MICROSECONDS_PER_MINUTE
        group_is_counted = group is None or group in COUNTED_FIELDS
        tally = Tally(self._selector, frame.since, frame.end, group, MOST_SERIES, frame)
        if not (minutes and group_is_counted and is_counted(conjunction.tests)):
            [found] = await self._tallier([tally])
            return Counter(found.numbers), found.searched_to
        pieces, rest = cut(conjunction.since, conjunction.until, coarsest=minutes)
        bucket = (frame.origin // MICROSECONDS_PER_MINUTE, minutes)
        columns = () if group is None else (group.value,)
        numbers = Counter() if not pieces else await self._sum_by_bucket(conjunction, pieces, columns, bucket)
        ends = [tally._replace(since=since, until=until) for since, until in rest]
        return _joined(numbers, await self._tally(ends))

    async def by_value(
        self, span: tuple[int | None, int | None], fields: Sequence[GroupField], top: int
    ) -> dict[GroupField, tuple[_Numbers, int | None]]:
        """Give the numbers of facets, and how far was looked for each."""
        conjunction = Conjunction.of(within(self._selector, *span))
        counted = [field for field in fields if field in COUNTED_FIELDS] if is_counted(conjunction.tests) else []
        found: dict[GroupField, tuple[_Numbers, int | None]] = {}
        if counted:
            pieces, rest = cut(conjunction.since, conjunction.until)
            ends = [Tally(self._selector, *end, field, MOST_GROUPS) for field in counted for end in rest]
            sums, records = await asyncio.gather(
                self._sum_by_value(conjunction, pieces, [field.value for field in counted]), self._tally(ends)
            )
            of_ends = list(zip(ends, records, strict=True))
            for field, numbers in zip(counted, sums, strict=True):
                found[field] = _joined(numbers, [record for tally, record in of_ends if tally.group is field])
        others = [Tally(self._selector, *span, field, top) for field in fields if field not in found]
        for tally, record in zip(others, await self._tallier(others), strict=True):
            assert tally.group is not None
            found[tally.group] = (Counter(record.numbers), record.searched_to)
        return found

    async def _tally(self, tallies: Sequence[Tally]) -> Sequence[TallyRecord]:
        found = await fetch_tallies(self._database, tallies, scope=self._scope)
        return [found[tally] for tally in tallies]

    async def _sum_by_bucket(
        self, conjunction: Conjunction, pieces: Sequence[Piece], columns: Sequence[str], bucket: tuple[int, int]
    ) -> _Numbers:
        """Read sums; where there are too many groups, the largest values by buckets and all others together."""
        async with self._database.reading() as connection:
            counted = await find_counted(self._database, connection, conjunction, self._scope)
            rows = await self._read_sums(connection, counted, pieces, columns, bucket, limit=MOST_GROUPS + 1)
            if not columns:
                return _by_value(rows, None, {None: None})
            if len(rows) <= MOST_GROUPS:
                names = await name_values(self._database, connection, columns[0], (row[1] for row in rows))
                return _by_value(rows, 1, names)
            return await self._sum_of_few(connection, counted, pieces, columns, bucket)

    async def _sum_of_few(
        self,
        connection: AsyncConnection,
        counted: Counted,
        pieces: Sequence[Piece],
        columns: Sequence[str],
        bucket: tuple[int, int],
    ) -> _Numbers:
        """Tell only the largest values apart: their buckets are asked for, and the buckets of all together."""
        rows = await self._read_sums(connection, counted, pieces, columns, None)
        names = await name_values(self._database, connection, columns[0], (row[1] for row in rows))
        top = _ranked(_totals(_by_value(rows, 1, names)))[:MOST_SERIES]
        few = [value for value, name in names.items() if name in top]
        numbers = _by_value(await self._read_sums(connection, counted, pieces, columns, bucket, only=few), 1, names)
        others = _by_value(await self._read_sums(connection, counted, pieces, (), bucket), None, {None: OTHERS})
        for (place, _), number in list(numbers.items()):
            others[place, OTHERS] -= number
        numbers.update(others)
        return numbers

    async def _read_sums(
        self,
        connection: AsyncConnection,
        counted: Counted,
        pieces: Sequence[Piece],
        columns: Sequence[str],
        bucket: tuple[int, int] | None,
        *,
        only: Sequence[Any] | None = None,
        limit: int | None = None,
    ) -> Sequence[Any]:
        statement = build_counted(
            counted, pieces, number="occurrences", groups=columns, bucket=bucket, only=only, limit=limit
        )
        rows: Sequence[Any] = (await connection.execute(statement)).all()
        return rows

    async def _sum_by_value(
        self, conjunction: Conjunction, pieces: Sequence[Piece], columns: Sequence[str]
    ) -> list[_Numbers]:
        """Read sums by one statement; give the numbers by each column."""
        if not pieces:
            return [Counter() for _ in columns]
        async with self._database.reading() as connection:
            counted = await find_counted(self._database, connection, conjunction, self._scope)
            rows = await self._read_sums(connection, counted, pieces, columns, None)
            return [
                _by_value(rows, at, await name_values(self._database, connection, column, (row[at] for row in rows)))
                for at, column in enumerate(columns, start=1)
            ]


def _by_value(rows: Iterable[Any], place: int | None, names: Mapping[Any, Any]) -> _Numbers:
    """Add up rows (bucket, ..., number) by bucket and by the value at a place; without one, by bucket alone."""
    numbers: _Numbers = Counter()
    for row in rows:
        numbers[row.bucket or 0, names[None if place is None else row[place]]] += int(row.number or 0)
    return numbers


def _joined(numbers: _Numbers, records: Sequence[TallyRecord]) -> tuple[_Numbers, int | None]:
    """Add what was found in scans; where several of them ended early, the latest end counts."""
    for record in records:
        numbers.update(record.numbers)
    ends = [record.searched_to for record in records if record.searched_to is not None]
    return numbers, max(ends, default=None)


def _to_histogram(numbers: _Numbers, frame: Frame, searched_to: int | None, *, is_grouped: bool) -> HistogramRecord:
    totals = _totals(numbers)
    ranked = _ranked(totals) if is_grouped else [None]
    places = {value: place for place, value in enumerate(ranked[:MOST_SERIES])}
    series = [SeriesRecord(value, False, [0] * frame.count) for value in places]
    if totals.keys() - places.keys():
        series.append(SeriesRecord(None, True, [0] * frame.count))
    for (bucket, value), number in numbers.items():
        if value in totals:
            series[places.get(value, -1)].counts[bucket] += number
    return HistogramRecord(series, sum(totals.values()), searched_to)


def _to_facet(field: GroupField, numbers: _Numbers, searched_to: int | None, *, top: int) -> FacetRecord:
    totals = _totals(numbers)
    values = [(value, totals[value]) for value in _ranked(totals)[:top]]
    return FacetRecord(field, values, sum(totals.values()) - sum(number for _, number in values), searched_to)


def _totals(numbers: _Numbers) -> Counter[Any]:
    """Add up all buckets; what does not occur is left out."""
    totals: Counter[Any] = Counter()
    for (_, value), number in numbers.items():
        totals[value] += number
    return +totals


def _ranked(totals: Mapping[Any, int]) -> list[GroupValue]:
    return sorted((value for value in totals if value is not OTHERS), key=lambda value: rank(value, totals[value]))
