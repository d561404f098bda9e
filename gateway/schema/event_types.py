"""Types of events: the registry as clients see it, and how one is defined (NU1)."""

from typing import Annotated, Any

import strawberry
from strawberry import UNSET

from gateway.context import Info
from gateway.schema.enums import Severity
from gateway.schema.fields import resolved, stored
from gateway.schema.scalars import BigInt
from gateway.schema.texts import require_text, require_text_or_none
from gateway.schema.type_lists import HoldsIn, visible_types
from gateway.viewers import require_right
from mutations.type_changes import TypeChanges
from mutations.type_registry import TypeKey
from storage.type_definitions import FOR_EVER, EventTypeRecord


def _max_age(root: strawberry.Parent[EventTypeRecord]) -> BigInt | None:
    age = root.max_age_seconds
    return None if age is None or age == FOR_EVER else BigInt(age)


def _keep_forever(root: strawberry.Parent[EventTypeRecord]) -> bool:
    return root.max_age_seconds == FOR_EVER


@strawberry.type(
    description=(
        "What is registered about a type of events. One for the event's namespace holds instead of one for every "
        "namespace, as a whole."
    )
)
class EventTypeDefinition:
    """A registered type; the source of its fields is an EventTypeRecord."""

    name: str = stored("The events' eventType.")
    namespace: str | None = stored("The namespace in which it holds; null: in every one.")
    category: str | None = stored("The category of events that are sent without one.")
    subcategory: str | None = stored("A finer kind, for people.")
    default_severity: Severity = stored("The severity of events that are sent without one.")
    enabled: bool = stored("Whether such events are stored; else they are DISCARDED.")
    required_details: list[str] = stored(
        "Keys that `extra` must have, with values that are not null; else the event is REJECTED. Where the category is "
        "`state`, new-state is needed too."
    )
    optional_details: list[str] = stored("Keys that `extra` may have, for people. Others may be there as well.")
    object_types: list[str] = stored(
        "Only events that touch an object of one of these types are stored, the others are DISCARDED; empty: all are."
    )
    max_age_seconds: BigInt | None = resolved(
        _max_age, "How long events of it are kept, as a retention policy; null: none of its own, or for ever."
    )
    keep_forever: bool = resolved(_keep_forever, "Whether events of it are kept for ever, as a retention policy.")
    description: str | None = stored("What it means, for people.")


async def fetch_event_types(info: Info, namespace: HoldsIn = UNSET) -> list[EventTypeRecord]:
    """Give the registered types of events, by name."""
    types = await info.context.types.current()
    return await visible_types(info.context, types.event_types, require_text_or_none(namespace, "namespace"))


def _optional(description: str) -> Any:
    return strawberry.field(default=UNSET, description=f"{description} Null is the same as left out.")


@strawberry.input(
    description=(
        "A type of events to define, or to change: what is left out stays as it is, and is the default when the type "
        "is new."
    )
)
class DefineEventTypeInput:
    """The input of defineEventType."""

    name: str = strawberry.field(description="The events' eventType; at most 64 code points.")
    namespace: str | None = _optional("The namespace in which it holds; left out: every one, which needs ADMIN in all.")
    category: str | None = _optional("The category of events without one; an empty text takes it away.")
    subcategory: str | None = _optional("A finer kind, for people; an empty text takes it away.")
    default_severity: Severity | None = _optional("The severity of events without one. New: INFO.")
    enabled: bool | None = _optional("Whether such events are stored. New: true.")
    required_details: list[str] | None = _optional("Keys that `extra` must have, not null. New: none.")
    optional_details: list[str] | None = _optional("Keys that `extra` may have, for people. New: none.")
    object_types: list[str] | None = _optional("Store only events that touch such an object; empty: all. New: all.")
    max_age_seconds: int | None = _optional("How long events of it are kept; at least 1. New: none of its own.")
    keep_forever: bool | None = _optional(
        "True: its events are kept for ever; not together with maxAgeSeconds. False: takes a true from before away."
    )
    description: str | None = _optional("What it means; at most 2,000 code points; an empty text takes it away.")


@strawberry.type(description="The type as it is now.")
class DefineEventTypePayload:
    """The answer to defineEventType."""

    event_type: EventTypeDefinition | None = strawberry.field(description="The type.")


_TEXTS = ("category", "subcategory", "description")
_LISTS = ("required_details", "optional_details", "object_types")
_PLAIN = ("default_severity", "enabled", "max_age_seconds", "keep_forever")


async def define_event_type(
    info: Info,
    input: Annotated[DefineEventTypeInput, strawberry.argument(description="The type.")],  # noqa: A002
) -> DefineEventTypePayload:
    """Define a type of events; the right ADMIN is needed in its namespace."""
    context = info.context
    key = TypeKey(require_text_or_none(input.namespace, "namespace"), require_text(input.name, "name"))
    changes: dict[str, Any] = {}
    for name in (*_TEXTS, *_LISTS, *_PLAIN):
        value = getattr(input, name)
        if value is None or value is UNSET:
            continue
        if name in _TEXTS:
            value = require_text(value, name)
        if name in _LISTS:
            value = tuple(dict.fromkeys(require_text(each, name) for each in value))
        changes[name] = value
    require_right(context.viewer, "ADMIN", namespace=key.namespace)
    registry = TypeChanges(context.database, context.types, actor=context.viewer.name, clock=context.clock)
    record: Any = await registry.define_event_type(key, changes)
    return DefineEventTypePayload(event_type=record)
