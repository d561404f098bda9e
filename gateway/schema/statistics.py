"""Statistics: records and durations over time (requirements SY1, and "why is it slow")."""

from functools import partial

import strawberry
from strawberry import UNSET

from gateway.context import Info
from gateway.schema.enums import CountKind
from gateway.schema.fields import Filter, stored
from gateway.schema.histograms import GroupBy, bucket_ms, kind_of
from gateway.schema.scalars import LARGEST_BIG_INT, BigInt, DateTime
from gateway.schema.spans import DEFAULT_BUCKETS, Buckets, Since, Until, to_frame, to_selector_within
from storage.frames import Frame
from storage.statistics import PointRecord, StatisticsSeriesRecord, fetch_statistics
from storage.times import MICROSECONDS_PER_SECOND


@strawberry.type(
    description="What happened in one bucket. Percentiles are durations that were measured (nearest rank)."
)
class StatisticsPoint:
    """A bucket."""

    count: BigInt = stored("Occurrences: an event that repeats were folded into counts them all.")
    record_sum: BigInt = stored("The sum of recordCount; 9007199254740991 stands for more, too.")
    records_per_second: float | None = stored(
        "The sum of recordCount by the seconds of the bucket; null when no event tells of records."
    )
    duration_p50_ms: float | None = stored(
        "Half of the durations are no longer; null without any.", name="durationP50Ms"
    )
    duration_p95_ms: float | None = stored("95 of 100 durations are no longer; null without any.", name="durationP95Ms")
    duration_max_ms: float | None = stored("The longest duration; null without any.")


@strawberry.type(description="The points of one value, bucket by bucket.")
class StatisticsSeries:
    """A series."""

    value: str | None = stored(
        "The value; null: events without the field, or all events when there is no groupBy, or `other`."
    )
    other: bool = stored("Whether it stands for all values without a series of their own.")
    points: list[StatisticsPoint] = stored("One point for each bucket.")


@strawberry.type(description="Records and durations over time; since, until and bucketMs say what was used.")
class Statistics:
    """Statistics."""

    since: DateTime = stored("Where the first bucket begins.")
    until: DateTime = stored("Where the last bucket ends.")
    bucket_ms: float = stored("How long a bucket is, in milliseconds.")
    series: list[StatisticsSeries] = stored(
        "The largest count first, then by value; of values only those that occur. Without groupBy: one."
    )
    kind: CountKind = stored("How far the numbers can be trusted; AT_LEAST: durations are those that were seen.")
    searched_to: DateTime | None = stored(
        "Set when the scan limit was reached: earlier buckets were not looked at, this one only in part."
    )


async def fetch_statistics_panel(
    info: Info,
    since: Since,
    until: Until,
    filter: Filter = UNSET,  # noqa: A002 - the contract's name
    buckets: Buckets = DEFAULT_BUCKETS,
    group_by: GroupBy = UNSET,
) -> Statistics:
    """Sum up by time. Raises BadUserInputError."""
    selector, _, _ = to_selector_within(filter or None, since, until)
    frame = to_frame(since, until, buckets)
    context = info.context
    found = await context.panel(
        partial(
            fetch_statistics,
            context.database,
            selector=selector,
            scope=context.scope,
            frame=frame,
            group=group_by or None,
        )
    )
    return Statistics(
        since=DateTime(frame.since),
        until=DateTime(frame.until),
        bucket_ms=bucket_ms(frame),
        series=[_to_series(series, frame) for series in found.series],
        kind=kind_of(found.searched_to),
        searched_to=None if found.searched_to is None else DateTime(found.searched_to),
    )


def _to_series(series: StatisticsSeriesRecord, frame: Frame) -> StatisticsSeries:
    seconds = frame.width / MICROSECONDS_PER_SECOND
    return StatisticsSeries(
        value=series.value, other=series.is_other, points=[_to_point(point, seconds) for point in series.points]
    )


def _to_point(point: PointRecord, seconds: float) -> StatisticsPoint:
    return StatisticsPoint(
        count=BigInt(point.occurrences),
        record_sum=BigInt(min(point.records or 0, LARGEST_BIG_INT)),
        records_per_second=None if point.records is None else point.records / seconds,
        duration_p50_ms=point.p50_ms,
        duration_p95_ms=point.p95_ms,
        duration_max_ms=point.max_ms,
    )
