"""Statistics: records and durations by time and by value, from a scan: the sums know neither of them.

Every number counts an event that repeats were folded into as many times. A percentile is the smallest duration that at
least so many per cent of the durations do not exceed (nearest rank), so that it is one that was really measured.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, case, func, literal, null, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import ColumnElement

from storage.aggregates import MOST_SERIES
from storage.conditions import require_short_lists
from storage.dialects import whole_quotient
from storage.engine import Database
from storage.frames import Frame
from storage.groupings import GroupField, GroupValue, name_values, rank
from storage.scans import GroupedScan, begin_scan
from storage.scopes import Scope
from storage.selectors import Selector, within
from storage.tallies import read_top, told_apart

_COLUMNS = ("repeat_count", "record_count", "duration_ms")


class PointRecord(NamedTuple):
    """One bucket: occurrences, records (None: no event tells of any), and durations in milliseconds (None: none)."""

    occurrences: int = 0
    records: int | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    max_ms: float | None = None


class StatisticsSeriesRecord(NamedTuple):
    """The buckets of one value; `is_other`: of all values that have no series."""

    value: GroupValue
    is_other: bool
    points: list[PointRecord]


class StatisticsRecord(NamedTuple):
    """Statistics; `searched_to` in microseconds: how far was looked when the scan limit ended it."""

    series: list[StatisticsSeriesRecord]
    searched_to: int | None


async def fetch_statistics(
    database: Database, *, selector: Selector, scope: Scope, frame: Frame, group: GroupField | None
) -> StatisticsRecord:
    """Sum up records and durations in each bucket of a frame, by a field or all together.

    Raises TooManyValuesError for a list in the selector that is too long, and what `Database.reading` raises.
    """
    require_short_lists(selector)
    async with database.reading() as connection:
        scan = await begin_scan(database, connection, selector=within(selector, frame.since, frame.end), scope=scope)
        if scan.plan.is_empty:
            return _to_statistics([], {}, frame, group, None)
        source = GroupedScan(scan, group, _COLUMNS, dialect_name=database.dialect_name)
        few = None
        if group is not None:
            top, _ = await read_top(database, connection, source, group, MOST_SERIES)
            few = list(top)
        rows = (await connection.execute(build_statistics(source, frame, few))).all()
        names = await _names(database, connection, group, rows)
    return _to_statistics(rows, names, frame, group, scan.searched_to)


async def _names(
    database: Database, connection: AsyncConnection, group: GroupField | None, rows: Sequence[Any]
) -> dict[Any, GroupValue]:
    if group is None:
        return {None: None}
    values = [row.value for row in rows if not row.is_other]
    return {**await name_values(database, connection, group.value, values)}


def build_statistics(source: GroupedScan, frame: Frame, few: Sequence[Any] | None) -> Select[Any]:
    """Ask for the numbers of each bucket and value; of values that are not among a `few` together (None: of all)."""
    table = source.table
    bucket = whole_quotient(table.c.occurred_at - frame.origin, frame.width)
    value: ColumnElement[Any] = null()
    is_other: ColumnElement[Any] = literal(0)
    if few is not None:
        value, is_other = told_apart(source.value, few)
    keyed = select(
        bucket.label("bucket"),
        value.label("value"),
        is_other.label("is_other"),
        *(table.c[name] for name in _COLUMNS),
        case((table.c.duration_ms.is_not(None), table.c.repeat_count), else_=0).label("timed"),
    ).subquery("keyed")
    keys = (keyed.c.bucket, keyed.c.value, keyed.c.is_other)
    below = func.sum(keyed.c.timed).over(partition_by=keys, order_by=keyed.c.duration_ms)
    ranked = select(
        keyed, below.label("below"), func.sum(keyed.c.timed).over(partition_by=keys).label("durations")
    ).subquery("ranked")
    return _build_points(ranked)


def _build_points(ranked: Any) -> Select[Any]:
    keys = (ranked.c.bucket, ranked.c.value, ranked.c.is_other)

    def percentile(percent: int) -> ColumnElement[Any]:
        reached = and_(ranked.c.timed > 0, ranked.c.below * 100 >= ranked.c.durations * percent)
        return func.min(case((reached, ranked.c.duration_ms)))

    return select(
        *keys,
        func.sum(ranked.c.repeat_count).label("number"),
        # Not as integers, whose sum SQLite refuses above 64 bits; exact up to 2**53, the largest that clients can read.
        func.sum(ranked.c.record_count * 1.0 * ranked.c.repeat_count).label("records"),
        percentile(50).label("p50_ms"),
        percentile(95).label("p95_ms"),
        func.max(ranked.c.duration_ms).label("max_ms"),
    ).group_by(*keys)


def _to_statistics(
    rows: Sequence[Any],
    names: dict[Any, GroupValue],
    frame: Frame,
    group: GroupField | None,
    searched_to: int | None,
) -> StatisticsRecord:
    by_value: dict[tuple[bool, GroupValue], list[PointRecord]] = {}
    if group is None:
        by_value[False, None] = [PointRecord()] * frame.count
    for row in rows:
        key = (True, None) if row.is_other else (False, names[row.value])
        points = by_value.setdefault(key, [PointRecord()] * frame.count)
        records = None if row.records is None else int(row.records)
        points[row.bucket] = PointRecord(int(row.number), records, row.p50_ms, row.p95_ms, row.max_ms)

    def order(series: StatisticsSeriesRecord) -> tuple[Any, ...]:
        return (series.is_other, *rank(series.value, sum(point.occurrences for point in series.points)))

    series = [StatisticsSeriesRecord(value, is_other, points) for (is_other, value), points in by_value.items()]
    return StatisticsRecord(sorted(series, key=order), searched_to)
