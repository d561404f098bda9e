"""When retention runs (GQ4): slots by the clock, one run for however many were missed."""

import pytest

from mutations.schedules import Schedule, parse_time_of_day
from storage.times import format_rfc3339, parse_rfc3339

DAILY = Schedule(86_400, 3 * 3_600)


@pytest.mark.parametrize(
    ("schedule", "after", "slot"),
    [
        (DAILY, "2026-01-01T02:59:59Z", "2026-01-01T03:00:00"),
        (DAILY, "2026-01-01T03:00:00Z", "2026-01-02T03:00:00"),
        (DAILY, "2026-01-01T12:00:00Z", "2026-01-02T03:00:00"),
        (DAILY, "1970-01-01T00:00:00Z", "1970-01-01T03:00:00"),
        (Schedule(3_600, 900), "2026-01-01T12:14:59Z", "2026-01-01T12:15:00"),
        (Schedule(3_600, 900), "2026-01-01T12:15:00Z", "2026-01-01T13:15:00"),
        (Schedule(7, 0), "1970-01-01T00:00:06Z", "1970-01-01T00:00:07"),
    ],
)
def test_the_next_slot(schedule: Schedule, after: str, slot: str) -> None:
    assert format_rfc3339(schedule.next_slot(parse_rfc3339(after))) == f"{slot}.000000Z"


@pytest.mark.parametrize(("text", "seconds"), [("00:00", 0), ("03:00", 10_800), ("23:59", 86_340)])
def test_times_of_the_day(text: str, seconds: int) -> None:
    assert parse_time_of_day(text) == seconds


@pytest.mark.parametrize("text", ["", "3:00", "03.00", "24:00", "12:60", "ab:cd", "٠٣:٠٠"])
def test_what_is_no_time_of_the_day(text: str) -> None:
    with pytest.raises(ValueError, match="must be a time of the day"):
        parse_time_of_day(text)
