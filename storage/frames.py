"""Frames: a span of time cut into buckets of one of a few widths, aligned to UTC (rules H1, H2)."""

from dataclasses import dataclass

from storage.times import (
    EARLIEST,
    LATEST,
    MICROSECONDS_PER_DAY,
    MICROSECONDS_PER_MINUTE,
    MICROSECONDS_PER_SECOND,
)

_HOUR = 60 * MICROSECONDS_PER_MINUTE
_WEEK = 7 * MICROSECONDS_PER_DAY
WIDTHS = (
    *(seconds * MICROSECONDS_PER_SECOND for seconds in (1, 5, 15)),
    *(minutes * MICROSECONDS_PER_MINUTE for minutes in (1, 5, 15)),
    *(hours * _HOUR for hours in (1, 3, 6, 12)),
    MICROSECONDS_PER_DAY,
    _WEEK,
)
"""The widths that a bucket may have, in microseconds."""
_FIRST_MONDAY = 4 * MICROSECONDS_PER_DAY
"""1970-01-05: weeks begin on Monday (H2)."""


class FrameTooLongError(ValueError):
    """A span of time that is too long for so many buckets, even when each is a week."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Buckets side by side: times in microseconds, the last bucket ends before `until`.

    `origin` is where the first bucket would begin; `since` is that, too, unless it lies before 1970.
    """

    origin: int
    width: int
    count: int

    @property
    def since(self) -> int:
        """The first instant."""
        return max(self.origin, EARLIEST)

    @property
    def until(self) -> int:
        """The first instant beyond; at most the last that there is."""
        return min(self.origin + self.count * self.width, LATEST)

    @property
    def end(self) -> int:
        """The first instant beyond the last bucket, whether or not it can be told as a time."""
        return self.origin + self.count * self.width


def frame_of(since: int, until: int, *, buckets: int) -> Frame:
    """Give the frame around a span (`since` < `until`) with the smallest width that takes no more than `buckets`.

    Raises FrameTooLongError.
    """
    for width in WIDTHS:
        anchor = _FIRST_MONDAY if width == _WEEK else 0
        first = (since - anchor) // width
        beyond = -((anchor - until) // width)
        if beyond - first <= buckets:
            return Frame(first * width + anchor, width, beyond - first)
    raise FrameTooLongError
