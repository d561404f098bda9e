"""Selector: one immutable value that says which events are meant.

Queries, deletes, retention policies and the `attribute=value` text all come to this value, and `conditions.py` turns
it into SQL in one place: so what a query shows is what a delete with the same filter removes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any


class EventField(Enum):
    """What of an event can be compared. The value is the attribute name that selector text uses."""

    ID = "id"
    NAMESPACE = "namespace"
    EVENT_TYPE = "event_type"
    CATEGORY = "category"
    SEVERITY = "severity"
    SEVERITY_TEXT = "severity_text"
    TIMESTAMP = "timestamp"
    RECEIVED_AT = "received_at"
    SOURCE = "source"
    MESSAGE = "message"
    DURATION_MS = "duration_ms"
    SUCCESS = "success"
    ACTOR = "actor"
    ACTOR_CLAIM = "actor_claim"
    SESSION_ID = "session_id"
    REQUEST_ID = "request_id"
    CORRELATION_ID = "correlation_id"
    PARENT_ID = "parent_id"
    TRACE_ID = "trace_id"
    SPAN_ID = "span_id"
    PARENT_SPAN_ID = "parent_span_id"
    REGISTRATION_ID = "registration_id"
    OWNER = "owner"
    RECORD_COUNT = "record_count"
    REPEAT_COUNT = "repeat_count"


UUID_FIELDS = frozenset({EventField.ID, EventField.PARENT_ID, EventField.REGISTRATION_ID})
"""Fields kept as 16 bytes; tests see their lower-case text (rule F18)."""


class Comparison(Enum):
    """How a field is compared. IN also serves equality, with one value."""

    IN = "in"
    LESS = "<"
    LESS_OR_EQUAL = "<="
    GREATER = ">"
    GREATER_OR_EQUAL = ">="
    CONTAINS = "contains"
    PREFIX = "prefix"
    IS_NULL = "is null"


@dataclass(frozen=True, slots=True)
class And:
    """All parts hold; without parts: every event."""

    parts: tuple["Selector", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any part holds; without parts: no event."""

    parts: tuple["Selector", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The complement: true wherever the part is not true, nulls included."""

    part: "Selector"


@dataclass(frozen=True, slots=True)
class FieldTest:
    """A field compared with a value.

    `value` is a tuple for IN (texts; ints for severity, times in microseconds, counts; bools for success; floats for
    durations; canonical texts for ids), one such value for orderings, a text for CONTAINS and PREFIX, None for IS_NULL.
    """

    field: EventField
    comparison: Comparison
    value: Any


@dataclass(frozen=True, slots=True)
class ObjectReference:
    """An object as a filter names it; namespace or role None: any."""

    object_type: str
    object_id: str
    namespace: str | None = None
    role: str | None = None


@dataclass(frozen=True, slots=True)
class TouchesAny:
    """The event touches any of the objects."""

    objects: tuple[ObjectReference, ...]


@dataclass(frozen=True, slots=True)
class TouchesType:
    """The event touches an object of any of the types."""

    object_types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TouchesId:
    """The event touches an object of the type whose id compares, by IN or CONTAINS (`object.<type>~...`)."""

    object_type: str
    comparison: Comparison
    value: Any


class JsonComparison(Enum):
    """How a value inside `extra` is compared (rules F8 to F12, F20)."""

    IN = "in"
    LESS = "<"
    LESS_OR_EQUAL = "<="
    GREATER = ">"
    GREATER_OR_EQUAL = ">="
    CONTAINS = "contains"
    INCLUDES = "includes"
    EXISTS = "exists"
    IS_NULL = "is null"


@dataclass(frozen=True, slots=True)
class JsonTest:
    """A value inside `extra`, found by a path of keys through objects only.

    `value` is a tuple of JSON texts for IN, a JSON text for INCLUDES, a JSON number's text for orderings, a plain text
    for CONTAINS, None for EXISTS and IS_NULL. JSON texts keep the digits of numbers, so that numbers compare exactly.
    """

    path: tuple[str, ...]
    comparison: JsonComparison
    value: Any


Selector = And | Or | Not | FieldTest | TouchesAny | TouchesType | TouchesId | JsonTest

ALL = And(())
"""Every event."""
NONE = Or(())
"""No event."""


def all_of(parts: Iterable[Selector]) -> Selector:
    """Join parts by AND, flattened; a single part stands for itself."""
    flat: list[Selector] = []
    for part in parts:
        if isinstance(part, And):
            flat.extend(part.parts)
        else:
            flat.append(part)
    return flat[0] if len(flat) == 1 else And(tuple(flat))


def equals_any(field: EventField, values: Iterable[Any]) -> FieldTest:
    """Make the test that a field has one of the values; without values it holds for no event."""
    return FieldTest(field, Comparison.IN, tuple(values))


def within(selector: Selector, since: int | None, until: int | None) -> Selector:
    """Narrow a selector to a span of time in microseconds, `until` excluded; None: no end."""
    tests = [selector]
    if since is not None:
        tests.append(FieldTest(EventField.TIMESTAMP, Comparison.GREATER_OR_EQUAL, since))
    if until is not None:
        tests.append(FieldTest(EventField.TIMESTAMP, Comparison.LESS, until))
    return all_of(tests)
