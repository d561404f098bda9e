"""The input types of filters, as clients write them. `filters.py` turns them into selectors."""

from typing import Any, cast

import strawberry
from strawberry import UNSET

from gateway.schema.enums import Severity, TextField
from gateway.schema.scalars import JSON, DateTime


def _optional(description: str) -> Any:
    """A field that may be left out; what is left out is UNSET, so that an explicit null can be told apart."""
    return strawberry.field(default=cast(Any, UNSET), description=description)


@strawberry.input(description="An object that an event touched. Namespace or role left out: any namespace, any role.")
class ObjectFilter:
    """An object, as a filter names it."""

    object_type: str = strawberry.field(description="The object's type, such as `instance`.")
    object_id: str = strawberry.field(description="The object's id within its type and namespace.")
    namespace: str | None = _optional("The object's namespace.")
    role: str | None = _optional("The role in which the event touched it, such as `peer`.")


@strawberry.input(
    one_of=True,
    description="How a text compares: exactly one of the tests. By code point, case-sensitive, without wildcards.",
)
class TextTest:
    """A test of a text field."""

    eq: str | None = _optional("The text is this one.")
    in_: list[str] | None = strawberry.field(
        name="in", default=cast(Any, UNSET), description="The text is any of these; an empty list holds for no event."
    )
    prefix: str | None = _optional("The text begins with this; the empty text holds for every text, never for null.")
    contains: str | None = _optional("The text holds this; the empty text holds for every text, never for null.")
    is_null: bool | None = _optional("true: the event does not have the field. false: it has.")


@strawberry.input(description="A test of one text field of an event.")
class FieldPredicate:
    """A field and its test."""

    field: TextField = strawberry.field(description="Which field.")
    test: TextTest = strawberry.field(description="How it compares.")


@strawberry.input(
    one_of=True,
    description=(
        "How a value inside extra compares: exactly one of the tests. Numbers compare exactly and by value (1 equals "
        "1.0), objects without regard to the order of their keys."
    ),
)
class JsonTest:
    """A test of a value inside extra."""

    eq: JSON | None = _optional("The value is this one.")
    in_: list[JSON] | None = strawberry.field(
        name="in", default=cast(Any, UNSET), description="The value is any of these; an empty list holds for no event."
    )
    lt: JSON | None = _optional("The value is a number below this number.")
    lte: JSON | None = _optional("The value is a number, at most this one.")
    gt: JSON | None = _optional("The value is a number above this number.")
    gte: JSON | None = _optional("The value is a number, at least this one.")
    contains: str | None = _optional("The value is a text that holds this one.")
    includes: JSON | None = _optional("The value is a list with this member.")
    exists: bool | None = _optional("true: there is a value at the path, JSON null included. false: there is none.")
    is_null: bool | None = _optional("true: the value is JSON null. false: it is another one, or there is none.")


@strawberry.input(description="A test of one value inside extra.")
class JsonPredicate:
    """A path and its test."""

    path: list[str] = strawberry.field(
        description='The keys that lead to it, through objects only: ["network usage", "52:54:00:01", "rx.bytes"].'
    )
    test: JsonTest = strawberry.field(description="How the value compares.")


@strawberry.input(
    description=(
        "Which events are meant. Every given field must hold; a list means any of its values (an empty one: no event); "
        "and, or, not nest. {} matches all that the caller may see. A field that is null is an error: leave it out, or "
        "use isNull. At most 1000 values in a list. Texts compare by code point, case-sensitive."
    )
)
class EventFilter:
    """A filter, as clients write it."""

    ids: list[strawberry.ID] | None = _optional("The event's id is any of these.")
    namespaces: list[str] | None = _optional("The event's namespace is any of these.")
    event_types: list[str] | None = _optional("eventType is any of these.")
    categories: list[str] | None = _optional("category is any of these.")
    severities: list[Severity] | None = _optional("severity is any of these.")
    min_severity: Severity | None = _optional("severity is this one or worse.")
    sources: list[str] | None = _optional("source is any of these.")
    since: DateTime | None = _optional("timestamp is at or after this instant.")
    until: DateTime | None = _optional("timestamp is before this instant.")
    received_since: DateTime | None = _optional("receivedAt is at or after this instant.")
    received_until: DateTime | None = _optional("receivedAt is before this instant.")
    message_contains: str | None = _optional("message holds this text; a plain substring, no wildcards.")
    request_ids: list[str] | None = _optional("requestId is any of these.")
    correlation_ids: list[str] | None = _optional("correlationId is any of these.")
    parent_ids: list[strawberry.ID] | None = _optional("parentId is any of these.")
    trace_ids: list[str] | None = _optional("traceId is any of these.")
    actors: list[str] | None = _optional("actor is any of these.")
    registration_ids: list[strawberry.ID] | None = _optional("registrationId is any of these.")
    success: bool | None = _optional("success is this value.")
    min_duration_ms: float | None = _optional("durationMs is at least this, in milliseconds.")
    max_duration_ms: float | None = _optional("durationMs is at most this, in milliseconds.")
    objects: list[ObjectFilter] | None = _optional("The event touches any of these objects.")
    object_types: list[str] | None = _optional("The event touches an object of any of these types.")
    fields: list[FieldPredicate] | None = _optional("Tests of text fields; all must hold.")
    extra: list[JsonPredicate] | None = _optional("Tests of values inside extra; all must hold.")
    selectors: list[str] | None = _optional(
        "Selectors as text, `attribute=value` (also ~ for contains, != < <= > >=); all must hold. The attributes are "
        "the names of TextField in snake_case, and id namespace record_count repeat_count parent_span_id timestamp "
        "received_at severity severity_level event_code source_type success duration_ms extra.<key> object.<type> "
        "agreement_id service_url."
    )
    and_: list["EventFilter"] | None = strawberry.field(
        name="and", default=cast(Any, UNSET), description="All of these hold; an empty list holds for every event."
    )
    or_: list["EventFilter"] | None = strawberry.field(
        name="or", default=cast(Any, UNSET), description="Any of these holds; an empty list holds for no event."
    )
    not_: "EventFilter | None" = strawberry.field(
        name="not",
        default=cast(Any, UNSET),
        description="This does not hold: the complement, so `not` of a test on a null field is true.",
    )
