"""Spans: the since, until and buckets arguments of histograms, facets and statistics (F16, H1, H2, H9, H11)."""

from typing import Annotated

import strawberry
from strawberry import UNSET

from gateway.errors import BadUserInputError
from gateway.schema.filter_inputs import EventFilter
from gateway.schema.filters import require_time, to_selector
from gateway.schema.scalars import DateTime
from storage.frames import Frame, FrameTooLongError, frame_of
from storage.selectors import Selector
from storage.times import format_rfc3339

MOST_BUCKETS = 1_000
DEFAULT_BUCKETS = 60

Since = Annotated[DateTime, strawberry.argument(description="Where it begins; rounded down to the width of a bucket.")]
Until = Annotated[
    DateTime, strawberry.argument(description="Where it ends, excluded; rounded up to the width of a bucket.")
]
Buckets = Annotated[
    int,
    strawberry.argument(
        description="How many buckets are wished for, 1 to 1000. The width is the smallest of 1, 5, 15 seconds, 1, 5, "
        "15 minutes, 1, 3, 6, 12 hours, 1, 7 days that gives no more; weeks begin on Monday."
    ),
]


def to_frame(since: int, until: int, buckets: int) -> Frame:
    """Give the buckets that cover a span; raise BadUserInputError when there are none."""
    if not 1 <= buckets <= MOST_BUCKETS:
        raise BadUserInputError(f"buckets is {buckets}: give a number from 1 to {MOST_BUCKETS}")
    start, stop = require_time(since, "since"), require_time(until, "until")
    if start >= stop:
        raise BadUserInputError(
            f"since ({format_rfc3339(start)}) is not before until ({format_rfc3339(stop)}): nothing lies between them"
        )
    try:
        return frame_of(start, stop, buckets=buckets)
    except FrameTooLongError:
        more = ", or for more buckets" if buckets < MOST_BUCKETS else ""
        raise BadUserInputError(f"the period is longer than {buckets} x 7 days: ask for a shorter one{more}") from None


def to_selector_within(
    filter_: EventFilter | None, since: int | None, until: int | None
) -> tuple[Selector, int | None, int | None]:
    """Give the selector of a filter beside since and until arguments, and those (None: not given).

    Raises BadUserInputError for a second range of times in the filter.
    """
    start = require_time(since, "since") if since is not None and since is not UNSET else None
    stop = require_time(until, "until") if until is not None and until is not UNSET else None
    given = filter_ or None
    if given is not None and (start is not None or stop is not None):
        for name in ("since", "until"):
            if getattr(given, name) is not UNSET:
                raise BadUserInputError(
                    f"filter.{name} stands beside the arguments since and until: give the period once, as arguments"
                )
    if start is not None and stop is not None and start > stop:
        raise BadUserInputError(
            f"since ({format_rfc3339(start)}) is after until ({format_rfc3339(stop)}): exchange them"
        )
    return to_selector(given), start, stop
