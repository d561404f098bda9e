"""EventObject and EventObjectLink: what an event touched. They read storage's records as they are."""

from collections.abc import Sequence
from typing import Any

import strawberry
from strawberry import UNSET

from gateway.context import Info
from gateway.loaders import OperationsKey
from gateway.schema.connections import EventConnection, event_connection
from gateway.schema.enums import EventOrder
from gateway.schema.fields import After, AsOf, Before, Filter, First, Last, OrderBy, resolved, stored
from gateway.schema.filters import to_selector
from gateway.schema.node_ids import object_node_id
from gateway.schema.nodes import Node
from gateway.schema.operations import Operation, OperationConnection
from gateway.schema.paging import event_page_request, given_cursor, page_size, resolve_as_of
from gateway.schema.problems import ProblemConnection, problems_of_objects
from gateway.schema.scalars import DateTime
from storage.cursors import OperationCursor
from storage.operations import OperationRecord
from storage.records import ObjectRecord
from storage.selectors import ObjectReference, TouchesAny, all_of
from storage.targets import OperationRequest


def _node_id(root: strawberry.Parent[ObjectRecord]) -> strawberry.ID:
    return strawberry.ID(object_node_id(root))


async def _timeline(
    root: strawberry.Parent[ObjectRecord],
    info: Info,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
    filter: Filter = UNSET,  # noqa: A002 - the argument's name in the contract
    order_by: OrderBy = EventOrder.NEWEST_FIRST,
    as_of: AsOf = UNSET,
) -> EventConnection:
    reference = ObjectReference(root.object_type, root.object_id, root.namespace)
    selector = all_of((TouchesAny((reference,)), to_selector(filter or None)))
    request = event_page_request(
        first=first,
        after=after,
        last=last,
        before=before,
        order=order_by,
        as_of=await resolve_as_of(info.context, as_of),
    )
    return await event_connection(info, selector, request)


async def _first_event_at(root: strawberry.Parent[ObjectRecord], info: Info) -> DateTime | None:
    return (await info.context.loaders.spans_by_object.load(root)).first_event_at  # type: ignore[return-value]


async def _first_of_many(roots: Sequence[ObjectRecord], info: Info) -> list[int | None]:
    return [span.first_event_at for span in await info.context.loaders.spans_by_object.load_many(roots)]


async def _last_event_at(root: strawberry.Parent[ObjectRecord], info: Info) -> DateTime | None:
    return (await info.context.loaders.spans_by_object.load(root)).last_event_at  # type: ignore[return-value]


async def _last_of_many(roots: Sequence[ObjectRecord], info: Info) -> list[int | None]:
    return [span.last_event_at for span in await info.context.loaders.spans_by_object.load_many(roots)]


async def _has_pending(root: strawberry.Parent[ObjectRecord], info: Info) -> bool:
    return await info.context.loaders.pending_by_object.load(root)


async def _pending_of_many(roots: Sequence[ObjectRecord], info: Info) -> list[bool]:
    return await info.context.loaders.pending_by_object.load_many(roots)


async def _latest_operation(root: strawberry.Parent[ObjectRecord], info: Info) -> OperationRecord | None:
    return await info.context.loaders.latest_operation_by_object.load(root)


async def _latest_of_many(roots: Sequence[ObjectRecord], info: Info) -> list[OperationRecord | None]:
    return await info.context.loaders.latest_operation_by_object.load_many(roots)


def _paged_operations(description: str, *, pending_only: bool) -> Any:
    """A field with a page of an object's operations."""

    async def of_many(
        roots: Sequence[ObjectRecord],
        info: Info,
        first: int | None = UNSET,
        after: str | None = UNSET,
        last: int | None = UNSET,
        before: str | None = UNSET,
    ) -> list[OperationConnection]:
        size, backward = page_size(first, last)
        read = OperationCursor.from_text
        ends = (given_cursor(read, after, "after"), given_cursor(read, before, "before"))
        request = OperationRequest(size, *ends, backward, pending_only)
        keys = [OperationsKey(root, request) for root in roots]
        pages = await info.context.loaders.operations_by_object.load_many(keys)
        return [OperationConnection(page=page) for page in pages]

    async def of_one(
        root: strawberry.Parent[ObjectRecord],
        info: Info,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> OperationConnection:
        [connection] = await of_many([root], info, first, after, last, before)
        return connection

    return resolved(of_one, description, many=of_many)


async def _problems(
    root: strawberry.Parent[ObjectRecord],
    info: Info,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> ProblemConnection:
    [connection] = await problems_of_objects([root], info, first, after, last, before)
    return connection


@strawberry.type(description="What an event touched. Its identity is (namespace, objectType, objectId).")
class EventObject(Node):
    """An object; the source of its fields is an ObjectRecord."""

    id: strawberry.ID = resolved(_node_id, "The node id, `object:...`; it holds the whole identity.")
    namespace: str = stored("The object's namespace; most often that of the events that touch it.")
    object_type: str = stored("What kind of thing it is, such as `instance`.")
    object_id: str = stored("Its id within its type and namespace.")
    timeline: EventConnection | None = resolved(
        _timeline,
        "The events that touched it. A statement of its own for each object: in a list of objects ask for few.",
    )
    first_event_at: DateTime | None = resolved(
        _first_event_at, "The timestamp of its first visible event; null without any.", many=_first_of_many
    )
    last_event_at: DateTime | None = resolved(
        _last_event_at, "The timestamp of its last visible event; null without any.", many=_last_of_many
    )

    has_pending_operations: bool | None = resolved(
        _has_pending,
        "Whether any pending operation targets it, whatever later ones did. When that cannot be told it is null, with "
        "an error, and never false.",
        many=_pending_of_many,
    )
    latest_operation: Operation | None = resolved(
        _latest_operation,
        "The operation on it that was enqueued last, in any state, whatever moved last; null without any.",
        many=_latest_of_many,
    )
    pending_operations: OperationConnection | None = _paged_operations(
        "The pending operations that target it, the one enqueued last first.", pending_only=True
    )
    operations: OperationConnection | None = _paged_operations(
        "All operations that target it, the one enqueued last first.", pending_only=False
    )

    problems: ProblemConnection | None = resolved(
        _problems,
        "Its open problem, if it has one: its last error of at least WARNING that no later success or dismissal "
        "has closed.",
        many=problems_of_objects,
    )

    @classmethod
    def is_type_of(cls, value: Any, _info: Any) -> bool:
        """Tell GraphQL which of the nodes are objects."""
        return isinstance(value, ObjectRecord)


@strawberry.type(
    description="That an event touched an object. The link carries the role; the object is an identity of its own."
)
class EventObjectLink:
    """A link; the source of its fields is a LinkRecord."""

    role: str | None = stored("The role in which the event touched the object, such as `peer`.")
    object: EventObject = stored("The object.")
