"""Counting what a deletion would take, portion by portion: for its preview, and again before it begins."""

import heapq
import time
from typing import Final, NamedTuple

from storage.deletions import END, SampleKey
from storage.engine import Database
from storage.walks import Portion, Walk

SAMPLE_EVENTS: Final = 10
"""The newest events that go are shown (D2, D7)."""


class DeletionCount(NamedTuple):
    """How far counting has come: events that go, references that do, the newest of the events, where to go on.

    By filter every event counts as one reference: it is the references that tell whether a preview still holds (D1).
    """

    matched: int = 0
    references: int = 0
    sample: tuple[SampleKey, ...] = ()
    place: str | None = None

    @property
    def is_complete(self) -> bool:
        """Whether everything was counted."""
        return self.place == END

    def with_portion(self, portion: Portion) -> "DeletionCount":
        """Add one portion."""
        going = [each for each in portion.found if each.goes]
        newest = heapq.nlargest(
            SAMPLE_EVENTS, going, key=lambda each: (each.occurred_at, each.place.id, each.namespace)
        )
        keys = (SampleKey(each.occurred_at, each.place.id, each.namespace) for each in newest)
        return DeletionCount(
            self.matched + len(going),
            self.references + len(portion.found),
            tuple(heapq.nlargest(SAMPLE_EVENTS, (*self.sample, *keys))),
            portion.next_place or END,
        )


async def count_portion(database: Database, walk: Walk, count: DeletionCount, *, size: int) -> DeletionCount:
    """Count the next portion."""
    return count.with_portion(await walk.fetch(database, count.place, size=size))


async def count_for(
    database: Database, walk: Walk, count: DeletionCount, *, most: int, seconds: float, size: int
) -> DeletionCount:
    """Go on counting until it is complete, or `most` events were met, or the time is over."""
    end = time.monotonic() + seconds
    met = 0
    while not count.is_complete and met < most and time.monotonic() < end:
        before = count.references
        count = await count_portion(database, walk, count, size=min(size, most - met))
        met += count.references - before
    return count
