"""Drafts: events as a caller sent them, before anything is checked or filled in."""

import msgspec


class ObjectDraft(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """An object that an event touched, as sent."""

    object_type: str
    object_id: str
    namespace: str | None = None
    role: str | None = None


class EventDraft(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """An event as sent: None stands for what was left out (contract: null = left out).

    `timestamp` is in microseconds since 1970 and may lie outside the range that is stored; `severity` is the name of a
    severity; `extra` is JSON text as sent; `record_count` is a number, or a text of digits, or whatever else the sender
    wrote as a number or a text.
    """

    event_type: str
    source: str
    message: str
    objects: list[ObjectDraft] | None = None
    id: str | None = None
    timestamp: int | None = None
    namespace: str | None = None
    category: str | None = None
    severity: str | None = None
    severity_text: str | None = None
    extra: str | None = None
    duration_ms: float | None = None
    success: bool | None = None
    actor: str | None = None
    actor_claim: str | None = None
    session_id: str | None = None
    request_id: str | None = None
    correlation_id: str | None = None
    parent_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    registration_id: str | None = None
    record_count: int | float | str | None = None
    owner: str | None = None
    visible_to: list[str] | None = None
