"""The input types of ingest, as clients write them, and the way from them to drafts.

Batches that are one whole variable never come here: `gateway/decoding.py` makes their drafts from the request's text.
"""

from dataclasses import fields
from typing import Any, cast

import strawberry
from strawberry import UNSET

from gateway.schema.enums import Severity
from gateway.schema.scalars import JSON, BigInt, DateTime
from mutations.drafts import EventDraft, ObjectDraft


def _optional(description: str) -> Any:
    return strawberry.field(default=cast(Any, UNSET), description=f"{description} Null is the same as left out.")


@strawberry.input(
    description=(
        "An object that an event touched. The same object twice with the same role makes one reference; with another "
        "role the event is REJECTED."
    )
)
class EventObjectInput:
    """An object, as sent."""

    object_type: str = strawberry.field(description="What kind of thing it is; at most 64 code points.")
    object_id: str = strawberry.field(description="Its id within its type and namespace; at most 255 code points.")
    namespace: str | None = _optional("The object's namespace; left out: the event's.")
    role: str | None = _optional("The role in which the event touched it; at most 64 code points.")


@strawberry.input(
    description=(
        "An event to store. Only eventType, source and message are needed. Texts that are given must not be empty "
        "(message may be), nor hold NUL. What is wrong with one event is an outcome of that event and costs its "
        "siblings nothing."
    )
)
class EventInput:
    """An event, as sent."""

    event_type: str = strawberry.field(description="What kind of event it is; at most 64 code points.")
    source: str = strawberry.field(description="The host, device or daemon that sends it; at most 255 code points.")
    message: str = strawberry.field(description="What happened, in words; at most 65,536 bytes of UTF-8 (a setting).")
    objects: list[EventObjectInput] | None = _optional("What it touched; at most 100 (a setting).")
    id: strawberry.ID | None = _optional(
        "A UUID. Sending again without storing twice needs it; without one every send is a new event."
    )
    timestamp: DateTime | None = _optional("When it happened; left out: now. At most 10 minutes ahead (a setting).")
    namespace: str | None = _optional(
        "Its namespace, 1 to 64 of A-Z a-z 0-9 . _ -; left out: the caller's home namespace."
    )
    category: str | None = _optional(
        "A coarser kind; at most 64 code points. Left out: what the registry says of its type."
    )
    severity: Severity | None = _optional(
        "How bad it is; left out: the default of its type in the registry, else INFO."
    )
    severity_text: str | None = _optional("The source's own word for the severity; not together with severity.")
    extra: JSON | None = _optional("Free-form details; at most 1 MiB and 30 levels (settings).")
    duration_ms: float | None = _optional("How long it took, in milliseconds; not negative.")
    success: bool | None = _optional("Whether it succeeded.")
    actor: str | None = _optional("Who caused it; at most 255 code points.")
    actor_claim: str | None = _optional("The role or claim under which the actor acted; at most 255 code points.")
    session_id: str | None = _optional("The session it belongs to; at most 255 code points.")
    request_id: str | None = _optional("The request it belongs to; at most 255 code points.")
    correlation_id: str | None = _optional("What ties it to events of other sources; at most 255 code points.")
    parent_id: strawberry.ID | None = _optional("The id of the event that caused it, in the same namespace.")
    trace_id: str | None = _optional("The OpenTelemetry trace it belongs to; at most 255 code points.")
    span_id: str | None = _optional("The OpenTelemetry span it belongs to; at most 255 code points.")
    parent_span_id: str | None = _optional("The span above that one; at most 255 code points.")
    registration_id: strawberry.ID | None = _optional("The registration of its source under which it is sent.")
    record_count: BigInt | None = _optional("How many records an aggregated event stands for.")
    owner: str | None = _optional("Who may always see it; at most 255 code points.")
    visible_to: list[str] | None = _optional(
        "Who may see it: left out, all readers of the namespace; given, also empty, only those named, the owner, and "
        "who holds ADMIN in the namespace. At most 255 code points each."
    )


@strawberry.input(description="A batch of events: stored in one transaction.")
class IngestEventsInput:
    """A batch, as sent."""

    events: list[EventInput] = strawberry.field(description="The events, at most 5,000 (a setting).")


def to_draft(given: EventInput) -> EventDraft:
    """Give the draft of an event: what was left out, or null, is None there."""
    values = {name: _given(getattr(given, name)) for name in _PLAIN_FIELDS}
    objects = _given(given.objects)
    severity = _given(given.severity)
    extra = _given(given.extra)
    return EventDraft(
        **values,
        extra=None if extra is None else str(extra),
        objects=None if objects is None else [_to_object_draft(item) for item in objects],
        severity=None if severity is None else severity.name,
    )


def ingest_field_names() -> tuple[str, ...]:
    """Give the names of EventInput's fields as clients write them."""
    return _INGEST_FIELD_NAMES


def _to_object_draft(given: EventObjectInput) -> ObjectDraft:
    return ObjectDraft(
        object_type=given.object_type,
        object_id=given.object_id,
        namespace=_given(given.namespace),
        role=_given(given.role),
    )


def _given(value: Any) -> Any:
    return None if value is UNSET else value


_CONVERTED = frozenset({"objects", "severity", "extra"})
_PLAIN_FIELDS = tuple(field.name for field in fields(EventInput) if field.name not in _CONVERTED)


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


_INGEST_FIELD_NAMES = tuple(_camel_case(field.name) for field in fields(EventInput))
