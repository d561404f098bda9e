"""Connections: pages of events and of objects, as clients see them."""

from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from gateway.context import Info
from gateway.schema.enums import CountKind
from gateway.schema.lookahead import selects
from gateway.schema.scalars import BigInt, DateTime
from storage.cursors import EventCursor, EventOrder, ObjectCursor
from storage.pages import EventPage, PageRequest, fetch_event_page
from storage.reads import ObjectPage
from storage.records import EventRecord, ObjectRecord
from storage.selectors import Selector

if TYPE_CHECKING:
    from gateway.schema.events import Event
    from gateway.schema.objects import EventObject

EventType = Annotated["Event", strawberry.lazy("gateway.schema.events")]
EventObjectType = Annotated["EventObject", strawberry.lazy("gateway.schema.objects")]


@strawberry.type(description="A number of things, and how far the number can be trusted.")
class Count:
    """A count."""

    value: BigInt = strawberry.field(description="The number.")
    kind: CountKind = strawberry.field(description="Whether the number is exact.")


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    """Where a page lies in its list."""

    has_next_page: bool = strawberry.field(
        description=(
            "Paging forward: whether there may be more after this page; true also when the page ended at the scan limit. "
            "Paging backward: whether `before` was given."
        )
    )
    has_previous_page: bool = strawberry.field(
        description=(
            "Paging backward: whether there may be more before this page; true also when the page ended at the scan limit. "
            "Paging forward: whether `after` was given."
        )
    )
    start_cursor: str | None = strawberry.field(
        description="Pass it as `before` to go on backward. Set whenever there is more to find that way."
    )
    end_cursor: str | None = strawberry.field(
        description="Pass it as `after` to go on forward. Set whenever there is more to find that way."
    )


@strawberry.type(description="An event in a page.")
class EventEdge:
    """An event in a page."""

    cursor: str = strawberry.field(description="The event's place in lists of this order, for `after` and `before`.")
    node: EventType = strawberry.field(description="The event.")


@strawberry.type(
    description=(
        "A page of a list of events. It may hold fewer events than asked for, even none, while there is more to find: the "
        "scan limit was reached. Go on from its cursor; searchedTo says how far it looked."
    )
)
class EventConnection:
    """A page of events."""

    page: strawberry.Private[EventPage]
    order: strawberry.Private[EventOrder]
    position: strawberry.Private[int | None]

    @strawberry.field(description="The events with their cursors, in the order of the list.")
    def edges(self) -> list[EventEdge]:
        """Build the edges, only when they are asked for: cursors cost time."""
        order = self.order
        return [
            EventEdge(
                cursor=EventCursor(order, record.occurred_at, record.id, record.namespace).to_text(),
                node=_as_is(record),
            )
            for record in self.page.records
        ]

    @strawberry.field(graphql_type=list[EventType], description="The events alone, in the order of the list.")
    def nodes(self) -> list[EventRecord]:
        """Give the records: Event reads them as they are."""
        return self.page.records

    @strawberry.field(description="Where this page lies in its list.")
    def page_info(self) -> PageInfo:
        """Give flags and cursors."""
        return _page_info(self.page)

    @strawberry.field(
        graphql_type=DateTime | None,
        description="Set when the page ended at the scan limit: the instant up to which it looked.",
    )
    def searched_to(self) -> int | None:
        """Give the instant in microseconds."""
        return self.page.searched_to

    @strawberry.field(
        graphql_type=str,
        description=(
            "The position of the store, taken before the page was read: what is stored later has a later one. Give it as "
            "asOf to read many pages of one unchanging list."
        ),
    )
    def live_position(self) -> str:
        """Give the position; it was fetched because the look-ahead saw this field."""
        return str(self.position)


@strawberry.type(description="An object in a page.")
class EventObjectEdge:
    """An object in a page."""

    cursor: str = strawberry.field(description="The object's place in lists of objects, for `after` and `before`.")
    node: EventObjectType = strawberry.field(description="The object.")


@strawberry.type(description="A page of a list of objects, ordered by namespace, objectType and objectId.")
class EventObjectConnection:
    """A page of objects."""

    page: strawberry.Private[ObjectPage]

    @strawberry.field(description="The objects with their cursors, in the order of the list.")
    def edges(self) -> list[EventObjectEdge]:
        """Build the edges."""
        return [
            EventObjectEdge(cursor=ObjectCursor(*record).to_text(), node=_as_is(record)) for record in self.page.records
        ]

    @strawberry.field(graphql_type=list[EventObjectType], description="The objects alone, in the order of the list.")
    def nodes(self) -> list[ObjectRecord]:
        """Give the records: EventObject reads them as they are."""
        return self.page.records

    @strawberry.field(description="Where this page lies in its list.")
    def page_info(self) -> PageInfo:
        """Give flags and cursors."""
        return _page_info(self.page)


async def live_position(info: Info) -> int | None:
    """Fetch the present position when the selection asks for it; once for a request."""
    return await info.context.loaders.live_position.load(None) if selects(info, "livePosition") else None


async def event_connection(info: Info, selector: Selector, request: PageRequest) -> EventConnection:
    """Fetch a page of events: the position first, so that it is no later than the page; `extra` only when it is asked for."""
    context = info.context
    position = await live_position(info)
    page = await fetch_event_page(
        context.database,
        selector=selector,
        scope=context.scope,
        request=request,
        with_extra=selects(info, "nodes.extra") or selects(info, "edges.node.extra"),
    )
    return EventConnection(page=page, order=request.order, position=position)


def _page_info(page: EventPage | ObjectPage) -> PageInfo:
    return PageInfo(
        has_next_page=page.has_next,
        has_previous_page=page.has_previous,
        start_cursor=page.start_cursor.to_text() if page.start_cursor else None,
        end_cursor=page.end_cursor.to_text() if page.end_cursor else None,
    )


def _as_is(record: EventRecord | ObjectRecord) -> Any:
    """A record where the schema has a type that reads records."""
    return record
