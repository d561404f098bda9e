"""Event: reads storage's EventRecord as it is. Only relations have resolvers, and those go through the loaders."""

import math
from collections.abc import Awaitable, Collection, Sequence
from typing import Annotated, Any

import strawberry
from strawberry import UNSET

from gateway.context import Info, RequestContext
from gateway.loaders import AncestorsKey, ChildrenKey, EventsKey
from gateway.schema.connections import EVENT_PLACES, EventConnection, live_position
from gateway.schema.counts import Listing
from gateway.schema.enums import EventOrder, Severity
from gateway.schema.fields import After, Before, First, Last, resolved, stored
from gateway.schema.lookahead import event_fields
from gateway.schema.nodes import Node
from gateway.schema.objects import EventObjectLink
from gateway.schema.paging import event_page_request, require_size
from gateway.schema.scalars import JSON, BigInt, DateTime
from storage.columns import column_of
from storage.folding import fetch_events_of_repeat
from storage.reads import fetch_events_by_id
from storage.records import EventKey, EventRecord, LinkRecord
from storage.selectors import EventField, all_of, equals_any

_MILLISECONDS_PER_SECOND = 1_000


async def _objects(root: strawberry.Parent[EventRecord], info: Info) -> list[LinkRecord]:
    return await info.context.loaders.links_by_event.load(root.key)


async def _objects_of_many(roots: Sequence[EventRecord], info: Info) -> list[list[LinkRecord]]:
    return await info.context.loaders.links_by_event.load_many(event_keys(roots))


def _records_per_second(root: strawberry.Parent[EventRecord]) -> float | None:
    return _rate(root.record_count, root.duration_ms)


def _records_per_second_of_many(roots: Sequence[EventRecord], _info: Info) -> list[float | None]:
    return list(map(_rate, column_of(roots, "record_count"), column_of(roots, "duration_ms")))


def _rate(records: int | None, duration_ms: float | None) -> float | None:
    if records is None or not duration_ms:
        return None
    rate = records / duration_ms * _MILLISECONDS_PER_SECOND
    return rate if math.isfinite(rate) else None


def _parent(root: strawberry.Parent[EventRecord], info: Info) -> Awaitable[EventRecord | None] | None:
    if root.parent_id is None:
        return None
    # Parents are looked for in the same namespace only (T8).
    key = EventsKey(EventKey(root.namespace, root.parent_id), event_fields(info, ""))
    return info.context.loaders.events_by_key.load(key)


async def _parents_of_many(roots: Sequence[EventRecord], info: Info) -> list[EventRecord | None]:
    fields = event_fields(info, "")
    places = list(zip(column_of(roots, "namespace"), column_of(roots, "parent_id"), strict=True))
    keys = dict.fromkeys(EventsKey(EventKey(*place), fields) for place in places if place[1] is not None)
    found = await info.context.loaders.events_by_key.load_many(keys)
    parents = {key.event: record for key, record in zip(keys, found, strict=True)}
    return [parents.get(EventKey(*place)) for place in places]


async def _children(
    root: strawberry.Parent[EventRecord],
    info: Info,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> EventConnection:
    [children] = await _children_of_many([root], info, first, after, last, before)
    return children


async def _children_of_many(
    roots: Sequence[EventRecord],
    info: Info,
    first: int | None = UNSET,
    after: str | None = UNSET,
    last: int | None = UNSET,
    before: str | None = UNSET,
) -> list[EventConnection]:
    request = event_page_request(first=first, after=after, last=last, before=before, order=EventOrder.OLDEST_FIRST)
    position = await live_position(info)
    fields = event_fields(info, *EVENT_PLACES)
    keys = [ChildrenKey(key, request, fields, position) for key in event_keys(roots)]
    pages = await info.context.loaders.children_by_event.load_many(keys)
    return [
        EventConnection(page=page, order=request.order, position=position, listing=_listing_of_children(key.parent))
        for key, page in zip(keys, pages, strict=True)
    ]


def _listing_of_children(parent: EventKey) -> Listing:
    of_parent = equals_any(EventField.PARENT_ID, (parent.id,))
    in_namespace = equals_any(EventField.NAMESPACE, (parent.namespace,))
    return Listing(all_of((of_parent, in_namespace)), parent=parent)


async def _ancestors(
    root: strawberry.Parent[EventRecord],
    info: Info,
    first: Annotated[int, strawberry.argument(description="How many at most: 0 to 1000.")] = 100,
) -> list[EventRecord]:
    [ancestors] = await _ancestors_of_many([root], info, first)
    return ancestors


async def _ancestors_of_many(roots: Sequence[EventRecord], info: Info, first: int = 100) -> list[list[EventRecord]]:
    most, fields = require_size(first, "first"), event_fields(info, "")
    keys = (AncestorsKey(key, most, fields) for key in event_keys(roots))
    return await info.context.loaders.ancestors_by_event.load_many(keys)


def event_keys(events: Sequence[EventRecord]) -> list[EventKey]:
    """Give what identifies each of some events."""
    return list(map(EventKey, column_of(events, "namespace"), column_of(events, "id")))


async def find_event(context: RequestContext, event_id: str, *, fields: Collection[str]) -> EventRecord | None:
    """Fetch an event whose namespace nobody named: the home namespace's, else that of the first by name (N1)."""
    by_id = await fetch_events_by_id(context.database, [event_id], scope=context.scope, fields=fields)
    found = by_id.get(event_id) or await _fetch_by_repeat(context, event_id, fields=fields)
    return min(found, key=lambda record: (record.namespace != context.home_namespace, record.namespace), default=None)


async def find_event_of_repeat(
    context: RequestContext, key: EventKey, *, fields: Collection[str]
) -> EventRecord | None:
    """Fetch the event into which one that is not there by itself was folded, in the namespace of the key (EV11)."""
    found = await _fetch_by_repeat(context, key.id, fields=fields)
    return next((record for record in found if record.namespace == key.namespace), None)


async def _fetch_by_repeat(context: RequestContext, event_id: str, *, fields: Collection[str]) -> list[EventRecord]:
    return await fetch_events_of_repeat(context.database, event_id, scope=context.scope, fields=fields)


@strawberry.type(description="Something that happened, as its source told it. Events do not change.")
class Event(Node):
    """An event; the source of its fields is an EventRecord."""

    id: strawberry.ID = stored("Unique within its namespace; a UUIDv7 when the gateway or the emitter made it.")
    namespace: str = stored("The namespace it belongs to: counts, quotas and access are per namespace.")
    event_type: str = stored("What kind of event it is, such as `audit` or `instance.create`.")
    category: str | None = stored("A coarser kind, such as `lifecycle` or `action`.")
    severity: Severity = stored("How bad it is.")
    severity_text: str | None = stored("The source's own word for the severity, when it sent one.")
    occurred_at: DateTime = stored("When it happened, by its source.", name="timestamp")
    received_at: DateTime = stored("When it was stored, by the gateway.")
    source: str = stored("The host, device or daemon that sent it.")
    message: str = stored("What happened, in words.")
    extra: JSON | None = stored("Free-form details, as they were sent: key order and digits included.")
    duration_ms: float | None = stored("How long it took, in milliseconds.")
    success: bool | None = stored("Whether it succeeded, where that can be said.")
    actor: str | None = stored("Who caused it.")
    actor_claim: str | None = stored("The role or claim under which the actor acted.")
    session_id: str | None = stored("The session it belongs to.")
    request_id: str | None = stored("The request it belongs to; see Query.request.")
    correlation_id: str | None = stored("What ties it to events of other sources.")
    parent_id: strawberry.ID | None = stored("The id of the event that caused it, in the same namespace.")
    trace_id: str | None = stored("The OpenTelemetry trace it belongs to.")
    span_id: str | None = stored("The OpenTelemetry span it belongs to.")
    parent_span_id: str | None = stored("The span above that one.")
    registration_id: strawberry.ID | None = stored("The registration of its source under which it was sent.")
    owner: str | None = stored("Who may always see it; null for those who may not know.")
    readers: list[str] | None = stored(
        "Who may see it beside owner and administrators; null: all readers of the namespace, and for those who "
        "may not know.",
        name="visibleTo",
    )
    record_count: BigInt | None = stored("How many records an aggregated event stands for.")
    records_per_second: float | None = resolved(
        _records_per_second,
        "Its recordCount divided by the seconds of its durationMs; null without either, or when that is 0.",
        many=_records_per_second_of_many,
        needs=("record_count", "duration_ms"),
    )
    repeat_count: int = stored("1, or how many repeats were folded into it.")
    last_occurred_at: DateTime | None = stored("The timestamp of the last repeat.", name="lastTimestamp")
    restored: bool = stored("Whether it came back from the archive.")
    objects: list[EventObjectLink] = resolved(
        _objects,
        "What it touched, ordered by objectType, objectId and namespace of the object.",
        many=_objects_of_many,
    )
    parent: "Event | None" = resolved(
        _parent,
        "The event that caused it; null although parentId is set: it is not stored, or not visible.",
        many=_parents_of_many,
        needs=("parent_id",),
    )
    children: EventConnection | None = resolved(
        _children, "The events that it caused, oldest first.", many=_children_of_many
    )
    ancestors: "list[Event] | None" = resolved(
        _ancestors,
        "Its parent, the parent's parent and so on, nearest first; ends before any event would come twice.",
        many=_ancestors_of_many,
    )

    @classmethod
    def is_type_of(cls, value: Any, _info: Any) -> bool:
        """Tell GraphQL which of the nodes are events."""
        return isinstance(value, EventRecord)
