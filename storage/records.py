"""Records: the plain values that leave storage."""

from typing import NamedTuple


class EventRecord(NamedTuple):
    """One stored event. Times are microseconds UTC, durations milliseconds, `severity` a rank, `extra` JSON text."""

    id: str
    namespace: str
    event_type: str
    category: str | None
    severity: int
    severity_text: str | None
    occurred_at: int
    received_at: int
    source: str
    message: str
    extra: str | None
    duration_ms: float | None
    success: bool | None
    actor: str | None
    actor_claim: str | None
    session_id: str | None
    request_id: str | None
    correlation_id: str | None
    parent_id: str | None
    trace_id: str | None
    span_id: str | None
    parent_span_id: str | None
    registration_id: str | None
    record_count: int | None
    repeat_count: int
    last_occurred_at: int | None
    restored: bool
    owner: str | None
    readers: tuple[str, ...] | None

    @property
    def key(self) -> "EventKey":
        """What identifies the event."""
        return EventKey(self.namespace, self.id)


class EventKey(NamedTuple):
    """An event's identity: its id is unique within its namespace."""

    namespace: str
    id: str


class ObjectRecord(NamedTuple):
    """An object's identity."""

    namespace: str
    object_type: str
    object_id: str


class LinkRecord(NamedTuple):
    """That an event touched an object, and in which role."""

    role: str | None
    object: ObjectRecord


class ObjectSpan(NamedTuple):
    """The first and the last visible event of an object, in microseconds; None when there is none."""

    first_event_at: int | None
    last_event_at: int | None


class RequestSummary(NamedTuple):
    """What one request did, in short; only its first events, when `count_is_exact` is false.

    `started_at` in microseconds; `duration_ms` from there to the latest end (time + duration) of an event (T6).
    """

    request_id: str
    namespaces: tuple[str, ...]
    started_at: int
    duration_ms: float
    event_count: int
    count_is_exact: bool
    worst_severity: int


class NamespaceRecord(NamedTuple):
    """What a namespace holds: rows by the counts, the oldest event, and how many arrived today (UTC)."""

    name: str
    event_count: int
    oldest_event_at: int | None
    events_today: int
