"""Frames: the widths of histograms, and where their buckets lie (H1, H2)."""

from datetime import UTC, datetime

import pytest

from storage.frames import WIDTHS, FrameTooLongError, frame_of
from storage.times import LATEST, format_rfc3339, parse_rfc3339


def at(text: str) -> int:
    return parse_rfc3339(text)


@pytest.mark.parametrize(
    ("since", "until", "buckets", "expected"),
    [
        ("2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z", 60, ("2026-01-01T00:00:00", "2026-01-01T00:01:00", 1, 60)),
        (
            "2026-01-01T00:00:00Z",
            "2026-01-01T00:01:00.000001Z",
            60,
            ("2026-01-01T00:00:00", "2026-01-01T00:01:05", 5, 13),
        ),
        ("2026-01-01T00:00:00.9Z", "2026-01-01T00:00:01.1Z", 2, ("2026-01-01T00:00:00", "2026-01-01T00:00:02", 1, 2)),
        ("2026-01-01T00:00:00.9Z", "2026-01-01T00:00:01.1Z", 1, ("2026-01-01T00:00:00", "2026-01-01T00:00:05", 5, 1)),
        ("2026-01-01T10:59:00Z", "2026-01-01T12:01:00Z", 3, ("2026-01-01T10:00:00", "2026-01-01T13:00:00", 3600, 3)),
        ("2026-01-01T23:00:00Z", "2026-01-02T01:00:00Z", 1, ("2025-12-29T00:00:00", "2026-01-05T00:00:00", 604_800, 1)),
        ("2026-01-04T23:59:59Z", "2026-01-05T00:00:01Z", 1, None),
        ("1970-01-01T00:00:00Z", "1970-01-06T00:00:00Z", 2, ("1970-01-01T00:00:00", "1970-01-12T00:00:00", 604_800, 2)),
    ],
)
def test_the_smallest_width_that_gives_no_more_buckets_than_wished(since, until, buckets, expected) -> None:
    """H1: rounded to whole buckets. H2: weeks begin on Monday; the first week of 1970 is cut where time begins."""
    if expected is None:
        with pytest.raises(FrameTooLongError):
            frame_of(at(since), at(until), buckets=buckets)
        return
    frame = frame_of(at(since), at(until), buckets=buckets)
    assert (
        format_rfc3339(frame.since)[:19],
        format_rfc3339(frame.until)[:19],
        frame.width // 1_000_000,
        frame.count,
    ) == expected


def test_a_frame_ends_where_time_ends() -> None:
    frame = frame_of(LATEST - 1, LATEST, buckets=1)
    assert (frame.until, frame.end) == (LATEST, LATEST + 1)


def test_weeks_begin_on_monday() -> None:
    frame = frame_of(at("2026-01-01T00:00:00Z"), at("2026-03-01T00:00:00Z"), buckets=10)
    assert frame.width == WIDTHS[-1]
    assert datetime.fromtimestamp(frame.since / 1_000_000, UTC).strftime("%A") == "Monday"
