"""History: the events that the bench stores and reads; the same for the same number of events and start.

Every event touches two objects: the big one, which has the whole history, and a node, which has a thousand of them.
"""

import random
from collections.abc import Iterator
from typing import Any

import msgspec
import orjson

from mutations.drafts import EventDraft, ObjectDraft
from storage.times import MICROSECONDS_PER_DAY, format_rfc3339

NAMESPACE = "default"
BIG_OBJECT = ("instance", "everything")
SMALL_OBJECT = ("node", "node-0")
EVENTS_PER_NODE = 1_000

_SEED = 20_261_122
_DAYS = 30
_EVENTS_PER_REQUEST = 5
EVENT_TYPES = ("audit", "mutate", "status", "usage", "resources", "health", "state_transition", "sync_error")
_SEVERITIES = ("DEBUG", "INFO", "INFO", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL")


class History:
    """A number of events, spread evenly over thirty days up to an instant, and batches that come after them."""

    def __init__(self, events: int, *, end: int) -> None:
        """`end`: microseconds since 1970."""
        self.events = events
        self.nodes = max(1, events // EVENTS_PER_NODE)
        # Never a whole second: orjson, which writes the floor's times, would leave the zeros out.
        self._start = (end - _DAYS * MICROSECONDS_PER_DAY) // 1_000_000 * 1_000_000 + 1
        self._step = max(1_000, _DAYS * MICROSECONDS_PER_DAY // events // 1_000 * 1_000)
        self._random = random.Random(_SEED)
        self._next = events

    @property
    def period(self) -> tuple[str, str]:
        """The instants from which and up to which its events are; the batches after it come later."""
        return format_rfc3339(self._start), format_rfc3339(self._start + self.events * self._step)

    def at(self, index: int) -> int:
        """Give when an event happened, in microseconds."""
        return self._start + index * self._step

    def drafts(self) -> Iterator[EventDraft]:
        """Give the events, oldest first."""
        return (self._draft(index) for index in range(self.events))

    def batch(self, size: int) -> list[EventDraft]:
        """Give the next events after the history."""
        first, self._next = self._next, self._next + size
        return [self._draft(index) for index in range(first, self._next)]

    def with_new_ids(self, batch: list[EventDraft]) -> list[EventDraft]:
        """Give the same events under other ids."""
        return [msgspec.structs.replace(each, id=self._id(each.timestamp or 0)) for each in batch]

    def _draft(self, index: int) -> EventDraft:
        draw = self._random
        at = self._start + min(index, self.events) * self._step + max(0, index - self.events) * 10
        node = index % self.nodes
        extra = {
            "attempt": draw.randrange(1, 9),
            "zone": f"zone-{draw.randrange(4)}",
            "image": f"base-{node}:12.{index % 90}",
            "memory": {"used": draw.randrange(10**9), "limit": 8 * 2**30},
            "labels": ["nightly", "batch"],
        }
        host = f"host-{draw.randrange(50)}.example.net"
        return EventDraft(
            id=self._id(at),
            namespace=NAMESPACE,
            timestamp=at,
            event_type=draw.choice(EVENT_TYPES),
            category="lifecycle",
            severity=draw.choice(_SEVERITIES),
            source=host,
            message=f"step {index} of node-{node} finished on {host} after {draw.randrange(1, 9)} tries",
            extra=orjson.dumps(extra).decode(),
            duration_ms=draw.randrange(1, 1_000_000) / 1_000,
            success=draw.random() < 0.95,
            actor=f"user-{draw.randrange(200)}",
            request_id=f"request-{index // _EVENTS_PER_REQUEST}",
            correlation_id=f"job-{index // 50}",
            objects=[
                ObjectDraft(object_type=BIG_OBJECT[0], object_id=BIG_OBJECT[1]),
                ObjectDraft(object_type="node", object_id=f"node-{node}", role="runs on"),
            ],
        )

    def _id(self, at: int) -> str:
        """Make a UUIDv7 (RFC 9562) of a time in microseconds."""
        bits = self._random.getrandbits(74)
        value = (at // 1_000) << 80 | 7 << 76 | (bits >> 62) << 64 | 2 << 62 | bits & (1 << 62) - 1
        digits = f"{value:032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def to_input(draft: EventDraft) -> dict[str, Any]:
    """Give an event as a client sends it."""
    given: dict[str, Any] = _without_nulls(msgspec.to_builtins(draft))
    given["timestamp"] = format_rfc3339(given["timestamp"])
    given["extra"] = orjson.Fragment(given["extra"])
    return given


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(each) for name, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_without_nulls(each) for each in value]
    return value
