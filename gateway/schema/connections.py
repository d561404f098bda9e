"""Connections: pages of events and of objects, as clients see them."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from gateway.context import Info
from gateway.schema.counts import Count, Coverage, Listing, count_listings, cover_listings
from gateway.schema.fields import resolved
from gateway.schema.lookahead import event_fields, selects
from gateway.schema.scalars import DateTime
from storage.cursors import EventOrder, ObjectCursor
from storage.event_rows import EventRows
from storage.list_pages import ListPage
from storage.objects import ObjectPage
from storage.pages import EventPage, PageRequest, fetch_event_page, page_cursors
from storage.records import EventRecord, ObjectRecord
from storage.selectors import Selector
from storage.totals import CoverageRecord, TotalRecord

if TYPE_CHECKING:
    from gateway.schema.events import Event
    from gateway.schema.objects import EventObject

EventType = Annotated["Event", strawberry.lazy("gateway.schema.events")]
EVENT_PLACES = ("nodes", "edges.node")
"""Where a connection's selection holds events."""
EventObjectType = Annotated["EventObject", strawberry.lazy("gateway.schema.objects")]


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    """Where a page lies in its list."""

    has_next_page: bool = strawberry.field(
        description=(
            "Paging forward: whether there may be more after this page; true also when it ended at the scan limit. "
            "Paging backward: whether `before` was given."
        )
    )
    has_previous_page: bool = strawberry.field(
        description=(
            "Paging backward: whether there may be more before this page; true also when it ended at the scan limit. "
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


def page_info(page: EventPage | ListPage[Any, Any]) -> PageInfo:
    """Give a page's flags, and its cursors as text."""
    return PageInfo(
        has_next_page=page.has_next,
        has_previous_page=page.has_previous,
        start_cursor=page.start_cursor.to_text() if page.start_cursor else None,
        end_cursor=page.end_cursor.to_text() if page.end_cursor else None,
    )


def page_info_of(root: strawberry.Parent[Any]) -> PageInfo:
    """Give where a connection's page lies."""
    return page_info(root.page)


def nodes_of(root: strawberry.Parent[Any]) -> Any:
    """Give the records of a connection's page."""
    return root.page.records


class EventEdges(Sequence[EventEdge]):
    """The edges of a page, made only when they are asked for one by one."""

    def __init__(self, rows: EventRows, order: EventOrder) -> None:
        self._rows = rows
        self._order = order

    def column(self, name: str) -> Sequence[Any]:
        """Give the cursors or the nodes of all edges."""
        return self._rows if name == "node" else page_cursors(self._rows, self._order)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: Any) -> Any:
        return list(self)[index]

    def __iter__(self) -> Iterator[EventEdge]:
        for cursor, record in zip(self.column("cursor"), self._rows, strict=True):
            yield EventEdge(cursor=cursor, node=_as_is(record))


def _edges(root: "strawberry.Parent[EventConnection]") -> Sequence[EventEdge]:
    return EventEdges(root.page.rows, root.order)


def _nodes(root: "strawberry.Parent[EventConnection]") -> Sequence[EventRecord]:
    return root.page.rows


def _searched_to(root: "strawberry.Parent[EventConnection]") -> DateTime | None:
    return None if root.page.searched_to is None else DateTime(root.page.searched_to)


def _live_position(root: "strawberry.Parent[EventConnection]") -> str:
    return str(root.position)


async def _total_count(root: "strawberry.Parent[EventConnection]", info: Info) -> TotalRecord:
    [total] = await count_listings(info, [root.listing])
    return total


async def _total_counts_of_many(roots: "Sequence[EventConnection]", info: Info) -> list[TotalRecord]:
    return await count_listings(info, [root.listing for root in roots])


async def _coverage(root: "strawberry.Parent[EventConnection]", info: Info) -> CoverageRecord:
    [coverage] = await cover_listings(info, [root.listing])
    return coverage


async def _coverages_of_many(roots: "Sequence[EventConnection]", info: Info) -> list[CoverageRecord]:
    return await cover_listings(info, [root.listing for root in roots])


@strawberry.type(
    description=(
        "A page of a list of events. It may hold fewer events than asked for, even none, while there is more to find: "
        "the scan limit was reached. Go on from its cursor; searchedTo says how far it looked."
    )
)
class EventConnection:
    """A page of events. `position` was fetched when the look-ahead saw livePosition."""

    page: strawberry.Private[EventPage]
    order: strawberry.Private[EventOrder]
    position: strawberry.Private[int | None]
    listing: strawberry.Private[Listing]
    edges: list[EventEdge] = resolved(_edges, "The events with their cursors, in the order of the list.")
    nodes: list[EventType] = resolved(_nodes, "The events alone, in the order of the list.")
    page_info: PageInfo = resolved(page_info_of, "Where this page lies in its list.")
    total_count: Count | None = resolved(
        _total_count,
        "How many events the whole list holds, whatever the page; counted only when asked for.",
        many=_total_counts_of_many,
    )
    coverage: Coverage | None = resolved(
        _coverage,
        "Which period the answer can speak for; looked up only when asked for.",
        many=_coverages_of_many,
    )
    searched_to: DateTime | None = resolved(
        _searched_to, "Set when the page ended at the scan limit: the instant up to which it looked."
    )
    live_position: str = resolved(
        _live_position,
        "The position of the store, taken before the page was read: what is stored later has a later one. Give it as "
        "asOf to read many pages of one unchanging list.",
    )


@strawberry.type(description="An object in a page.")
class EventObjectEdge:
    """An object in a page."""

    cursor: str = strawberry.field(description="The object's place in lists of objects, for `after` and `before`.")
    node: EventObjectType = strawberry.field(description="The object.")


def _object_edges(root: "strawberry.Parent[EventObjectConnection]") -> list[EventObjectEdge]:
    records = root.page.records
    return [EventObjectEdge(cursor=ObjectCursor(*record).to_text(), node=_as_is(record)) for record in records]


@strawberry.type(description="A page of a list of objects, ordered by namespace, objectType and objectId.")
class EventObjectConnection:
    """A page of objects."""

    page: strawberry.Private[ObjectPage]
    edges: list[EventObjectEdge] = resolved(_object_edges, "The objects with their cursors, in the order of the list.")
    nodes: list[EventObjectType] = resolved(nodes_of, "The objects alone, in the order of the list.")
    page_info: PageInfo = resolved(page_info_of, "Where this page lies in its list.")


async def live_position(info: Info) -> int | None:
    """Fetch the present position when the selection asks for it; once for a request."""
    return await info.context.loaders.live_position.load(None) if selects(info, "livePosition") else None


async def event_connection(info: Info, selector: Selector, request: PageRequest) -> EventConnection:
    """Fetch a page of events: its position first, so that it is no later; of the events only what is asked for."""
    context = info.context
    position = await live_position(info)
    fields = event_fields(info, *EVENT_PLACES)
    page = await context.once(
        # With the position: a page that was read before it was asked for would be older than it.
        (selector, request, fields, position),
        lambda: context.page(
            partial(
                fetch_event_page,
                context.database,
                selector=selector,
                scope=context.scope,
                request=request,
                fields=fields,
            )
        ),
    )
    return EventConnection(page=page, order=request.order, position=position, listing=Listing(selector, request.as_of))


def _as_is(record: EventRecord | ObjectRecord) -> Any:
    """A record where the schema has a type that reads records."""
    return record
