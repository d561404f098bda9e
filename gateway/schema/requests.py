"""RequestTrail: everything that one request did (EV4)."""

from typing import Annotated

import strawberry
from strawberry import UNSET

from gateway.context import Info
from gateway.schema.connections import EventConnection, event_connection
from gateway.schema.counts import Count
from gateway.schema.enums import CountKind, EventOrder, Severity
from gateway.schema.fields import After, Before, First, Last, resolved, stored
from gateway.schema.objects import EventObject
from gateway.schema.paging import event_page_request, require_size
from gateway.schema.scalars import BigInt, DateTime
from gateway.schema.texts import require_text
from storage.records import ObjectRecord
from storage.requests import fetch_request_objects, fetch_request_summary
from storage.selectors import EventField, Selector, all_of, equals_any
from storage.times import add_milliseconds


async def _events(
    root: "strawberry.Parent[RequestTrail]",
    info: Info,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> EventConnection:
    request = event_page_request(first=first, after=after, last=last, before=before, order=EventOrder.OLDEST_FIRST)
    return await event_connection(info, root.selector, request)


async def _objects(
    root: "strawberry.Parent[RequestTrail]",
    info: Info,
    first: Annotated[int, strawberry.argument(description="How many at most: 0 to 1000.")] = 100,
) -> list[ObjectRecord]:
    context = info.context
    size = require_size(first, "first")
    return await context.once(
        ("objects of a request", root.request_id, root.asked_namespaces, size),
        lambda: fetch_request_objects(
            context.database, root.request_id, scope=context.scope, namespaces=root.asked_namespaces, size=size
        ),
    )


@strawberry.type(description="Everything that one request did.")
class RequestTrail:
    """One request."""

    asked_namespaces: strawberry.Private[tuple[str, ...] | None]
    request_id: str = stored("The request's id.")
    namespaces: list[str] = stored("The namespaces that its events belong to, by name.")
    started_at: DateTime = stored("Its earliest timestamp.")
    ended_at: DateTime = stored("The latest timestamp + durationMs of its events, cut to microseconds.")
    duration_ms: float = stored("From its start to its end, in milliseconds, with fractions.")
    event_count: Count | None = stored("How many events it has.")
    worst_severity: Severity = stored("The worst severity of its events.")
    events: EventConnection | None = resolved(_events, "Its events, oldest first.")
    objects: list[EventObject] | None = resolved(
        _objects, "The objects that its events touched, ordered by namespace, objectType and objectId."
    )

    @property
    def selector(self) -> Selector:
        """Which events the request has."""
        of_request = equals_any(EventField.REQUEST_ID, (self.request_id,))
        if self.asked_namespaces is None:
            return of_request
        return all_of((of_request, equals_any(EventField.NAMESPACE, self.asked_namespaces)))


async def fetch_request_trail(info: Info, request_id: str, namespace: str | None) -> RequestTrail | None:
    """Give the trail of a request; None when no visible event belongs to it (P7)."""
    require_text(request_id, "requestId")
    namespaces = None if namespace is None else (require_text(namespace, "namespace"),)
    summary = await fetch_request_summary(
        info.context.database, request_id, scope=info.context.scope, namespaces=namespaces
    )
    if summary is None:
        return None
    return RequestTrail(
        asked_namespaces=namespaces,
        request_id=request_id,
        namespaces=list(summary.namespaces),
        started_at=DateTime(summary.started_at),
        ended_at=DateTime(add_milliseconds(summary.started_at, summary.duration_ms)),
        duration_ms=summary.duration_ms,
        event_count=Count(
            value=BigInt(summary.event_count), kind=CountKind.EXACT if summary.count_is_exact else CountKind.AT_LEAST
        ),
        worst_severity=Severity(summary.worst_severity),
    )
