"""Schedules: at which times of the clock something is done that is done again and again. Pure."""

from typing import NamedTuple

from storage.times import MICROSECONDS_PER_SECOND


class Schedule(NamedTuple):
    """A slot each `interval_seconds`, one of them at `time_of_day_seconds` after midnight UTC."""

    interval_seconds: int
    time_of_day_seconds: int

    def next_slot(self, after: int) -> int:
        """Give the first slot later than a time, both in microseconds UTC.

        `after` is when the last run began. A slot that was missed is given as long as nothing has run since, however
        many were missed: one run makes up for all.
        """
        interval = self.interval_seconds * MICROSECONDS_PER_SECOND
        anchor = self.time_of_day_seconds * MICROSECONDS_PER_SECOND
        return anchor + ((after - anchor) // interval + 1) * interval


def parse_time_of_day(text: str) -> int:
    """Give the seconds after midnight of a text such as `03:00`. Raises ValueError for any other."""
    hours, colon, minutes = text.partition(":")
    if not (colon and all(len(part) == 2 and part.isascii() and part.isdigit() for part in (hours, minutes))):
        raise ValueError("must be a time of the day in UTC such as 03:00")
    if int(hours) > 23 or int(minutes) > 59:
        raise ValueError("must be a time of the day from 00:00 to 23:59")
    return int(hours) * 3600 + int(minutes) * 60
