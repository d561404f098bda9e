"""Histogram: how many events there are over time, altogether or by the values of a field (GQ1)."""

from functools import partial
from typing import Annotated

import strawberry
from strawberry import UNSET

from gateway.context import Info
from gateway.schema.counts import Count
from gateway.schema.enums import CountKind, GroupField
from gateway.schema.fields import Filter, stored
from gateway.schema.scalars import BigInt, DateTime
from gateway.schema.spans import DEFAULT_BUCKETS, Buckets, Since, Until, to_frame, to_selector_within
from storage.aggregates import HistogramRecord, SeriesRecord, fetch_histogram
from storage.frames import Frame
from storage.times import MICROSECONDS_PER_MILLISECOND

GroupBy = Annotated[
    GroupField | None,
    strawberry.argument(
        description="A series for each value of this field: the 20 largest, and one for all others. Left out: one."
    ),
]


@strawberry.type(description="The counts of one value, bucket by bucket.")
class HistogramSeries:
    """A series; the source of its fields is a SeriesRecord."""

    value: str | None = stored(
        "The value; null: events without the field, or all events when there is no groupBy, or `other`."
    )
    is_other: bool = stored("Whether it stands for all values without a series of their own.", name="other")
    counts: list[BigInt] = stored("Occurrences in each bucket: an event that repeats were folded into counts them all.")


@strawberry.type(
    description=(
        "Occurrences over time. since, until and bucketMs say what was used: the period is rounded to whole buckets, "
        "and the counts cover all of it."
    )
)
class Histogram:
    """A histogram."""

    since: DateTime = stored("Where the first bucket begins.")
    until: DateTime = stored("Where the last bucket ends.")
    bucket_ms: float = stored("How long a bucket is, in milliseconds.")
    series: list[HistogramSeries] = stored(
        "The largest first, then by value; of values only those that occur. Without groupBy: one, of zeros perhaps."
    )
    total: Count = stored(
        "The sum of all series. By OBJECT_TYPE an event counts once for each of its types, so this is more than there "
        "are events."
    )
    searched_to: DateTime | None = stored(
        "Set when the scan limit was reached: earlier buckets were not looked at, this one only in part."
    )


async def fetch_histogram_panel(
    info: Info,
    since: Since,
    until: Until,
    filter: Filter = UNSET,  # noqa: A002 - the contract's name
    buckets: Buckets = DEFAULT_BUCKETS,
    group_by: GroupBy = UNSET,
) -> Histogram:
    """Count by time. Raises BadUserInputError."""
    selector, _, _ = to_selector_within(filter or None, since, until)
    frame = to_frame(since, until, buckets)
    context = info.context
    found = await context.panel(
        partial(
            fetch_histogram,
            context.database,
            selector=selector,
            scope=context.scope,
            frame=frame,
            group=group_by or None,
            tallier=context.loaders.tally,
        )
    )
    return _to_histogram(found, frame)


def _to_histogram(found: HistogramRecord, frame: Frame) -> Histogram:
    return Histogram(
        since=DateTime(frame.since),
        until=DateTime(frame.until),
        bucket_ms=bucket_ms(frame),
        series=[_to_series(series) for series in found.series],
        total=Count(value=BigInt(found.total), kind=kind_of(found.searched_to)),
        searched_to=None if found.searched_to is None else DateTime(found.searched_to),
    )


def _to_series(series: SeriesRecord) -> HistogramSeries:
    return HistogramSeries(
        value=series.value, is_other=series.is_other, counts=[BigInt(count) for count in series.counts]
    )


def bucket_ms(frame: Frame) -> float:
    """Give the width of a frame's buckets in milliseconds."""
    return frame.width / MICROSECONDS_PER_MILLISECOND


def kind_of(searched_to: int | None) -> CountKind:
    """Tell how far counts can be trusted whose scan ended there; None: it did not end."""
    return CountKind.EXACT if searched_to is None else CountKind.AT_LEAST
