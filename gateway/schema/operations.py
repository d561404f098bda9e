"""Operation: work on objects that was asked for, and how far it has come (OP1, OP2)."""

from collections.abc import Sequence
from typing import Annotated, Any

import strawberry
from strawberry import UNSET

from gateway.context import Info, RequestContext
from gateway.errors import BadUserInputError
from gateway.schema.connections import (
    EventConnection,
    EventObjectType,
    PageInfo,
    event_connection,
    nodes_of,
    page_info_of,
)
from gateway.schema.enums import EventOrder, OperationState
from gateway.schema.fields import After, Before, First, Last, NamespaceArgument, resolved, stored
from gateway.schema.node_ids import parse_kind_id
from gateway.schema.nodes import Node
from gateway.schema.paging import event_page_request, given_cursor, page_size
from gateway.schema.scalars import JSON, DateTime
from gateway.schema.texts import require_names, require_text, require_text_or_none
from gateway.viewers import require_right
from mutations.errors import NotFoundError
from mutations.operations import OBJECT_TYPE, enqueue_operation, transition_operation
from storage.cursors import OperationCursor
from storage.operation_lists import fetch_operation_list
from storage.operations import OperationPage, OperationRecord, fetch_operations, operation_cursor
from storage.records import ObjectRecord
from storage.selectors import ObjectReference, TouchesAny
from storage.type_definitions import OperationTypeRecord

_KIND = "operation"
_NAMED_TYPES = 10
"""How many types an error names, at most."""


def _node_id(root: strawberry.Parent[OperationRecord]) -> strawberry.ID:
    return strawberry.ID(f"{_KIND}:{root.uuid}")


async def _targets(root: strawberry.Parent[OperationRecord], info: Info) -> list[ObjectRecord]:
    return await info.context.loaders.targets_by_operation.load(root.key)


async def _targets_of_many(roots: Sequence[OperationRecord], info: Info) -> list[list[ObjectRecord]]:
    return await info.context.loaders.targets_by_operation.load_many(root.key for root in roots)


async def _events(
    root: strawberry.Parent[OperationRecord],
    info: Info,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> EventConnection:
    selector = TouchesAny((ObjectReference(OBJECT_TYPE, root.uuid, root.namespace),))
    request = event_page_request(first=first, after=after, last=last, before=before, order=EventOrder.OLDEST_FIRST)
    return await event_connection(info, selector, request)


@strawberry.type(description="Work on objects that was asked for, and how far it has come.")
class Operation(Node):
    """An operation; the source of its fields is an OperationRecord."""

    id: strawberry.ID = resolved(_node_id, "The node id, `operation:...`.")
    uuid: strawberry.ID = stored("Its UUID; the node id does as well wherever an operation is named.")
    namespace: str = stored("Its namespace; its targets are objects of the same one.")
    operation_type: str = stored("Its type, which declares what the fields of its payload name.")
    state: OperationState = stored("How far it has come.")
    is_pending: bool = stored("Whether work is still to be done: QUEUED, PREFLIGHT or EXECUTING.")
    created_at: DateTime = stored("When it was enqueued, by the gateway's clock.")
    updated_at: DateTime = stored("When it last came into another state; for a finished one, when it was finished.")
    request_id: str | None = stored("The request that asked for it, as whoever enqueued it said.")
    payload: JSON | None = stored("What is to be done, as it was sent: key order and digits included.")
    targets: list[EventObjectType] = resolved(
        _targets,
        "What it works on, ordered by objectType and objectId: found in its payload when it was enqueued.",
        many=_targets_of_many,
    )
    events: EventConnection | None = resolved(
        _events,
        "The events that tell of it, oldest first: that it was enqueued, each move, and whatever else touches the "
        "object (`operation`, uuid). A statement of its own for each operation: in a list of operations ask for few.",
    )

    @classmethod
    def is_type_of(cls, value: Any, _info: Any) -> bool:
        """Tell GraphQL which of the nodes are operations."""
        return isinstance(value, OperationRecord)


@strawberry.type(description="An operation in a page.")
class OperationEdge:
    """An operation in a page."""

    cursor: str = strawberry.field(
        description="The operation's place in lists of operations, for `after` and `before`."
    )
    node: Operation = strawberry.field(description="The operation.")


def _edges(root: "strawberry.Parent[OperationConnection]") -> list[OperationEdge]:
    records: list[Any] = root.page.records
    return [OperationEdge(cursor=operation_cursor(record).to_text(), node=record) for record in records]


@strawberry.type(description="A page of a list of operations, the one enqueued last first.")
class OperationConnection:
    """A page of operations."""

    page: strawberry.Private[OperationPage]
    edges: list[OperationEdge] = resolved(_edges, "The operations with their cursors, in the order of the list.")
    nodes: list[Operation] = resolved(nodes_of, "The operations alone, in the order of the list.")
    page_info: PageInfo = resolved(page_info_of, "Where this page lies in its list.")


def _optional(description: str) -> Any:
    return strawberry.field(default=UNSET, description=description)


@strawberry.input(description="What is to be done, of which type.")
class EnqueueOperationInput:
    """The input of enqueueOperation."""

    operation_type: str = strawberry.field(
        description="A type that defineOperationType or a registry declares, for its namespace or for every one."
    )
    payload: JSON = strawberry.field(
        description="A JSON object. The fields that its type declares hold the id of an object each, or null; at most "
        "as large and as deep as extra may be (settings)."
    )
    namespace: str | None = _optional(
        "Its namespace, and that of its targets; left out or null: the caller's home namespace."
    )
    uuid: strawberry.ID | None = _optional(
        "A UUID. Sending again without enqueuing twice needs it; without one every send is a new operation."
    )
    request_id: str | None = _optional("The request that asks for it; its events carry it. At most 255 code points.")


@strawberry.type(description="The operation that was enqueued.")
class EnqueueOperationPayload:
    """The answer to enqueueOperation."""

    operation: Operation | None = strawberry.field(
        description="The operation; when its uuid had been sent before, as it is now."
    )


@strawberry.input(description="Which operation came into which state.")
class TransitionOperationInput:
    """The input of transitionOperation."""

    id: strawberry.ID = strawberry.field(description="The operation's id: its node id or its UUID.")
    state: OperationState = strawberry.field(description="The state that it came into.")
    expected_state: OperationState | None = _optional(
        "The state that it must be in; CONFLICT with the present state when it is in another. With it, of many who "
        "would begin the same operation only one does."
    )
    message: str | None = _optional(
        "What the event says, in words; left out, null or empty: the type and both states. As long as an event's."
    )


@strawberry.type(description="The operation as it is now.")
class TransitionOperationPayload:
    """The answer to transitionOperation."""

    operation: Operation | None = strawberry.field(description="The operation.")


async def find_operation(info: Info, operation_id: str) -> OperationRecord | None:
    """Give an operation by its UUID; None when there is none that the caller may see (P7)."""
    context = info.context

    async def find() -> list[OperationRecord]:
        return await fetch_operations(context.database, [operation_id], scope=context.scope)

    return next(iter(await context.once(("operation", operation_id), find)), None)


async def find_operation_by_node_id(
    info: Info,
    id: Annotated[strawberry.ID, strawberry.argument(description="The operation's id.")],  # noqa: A002 - the contract's name
) -> OperationRecord | None:
    """Give an operation by its node id or UUID."""
    operation_id = parse_kind_id(id, _KIND)
    return None if operation_id is None else await find_operation(info, operation_id)


async def fetch_operation_connection(
    info: Info,
    namespace: NamespaceArgument = UNSET,
    states: Annotated[
        list[OperationState] | None,
        strawberry.argument(
            description="Only operations in one of these states; left out: in any; an empty list: none."
        ),
    ] = UNSET,
    operation_types: Annotated[
        list[str] | None,
        strawberry.argument(
            description="Only operations of one of these types; left out: of any; an empty list: none."
        ),
    ] = UNSET,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> OperationConnection:
    """Give a page of operations, the one enqueued last first (P5, O7)."""
    context = info.context
    size, backward = page_size(first, last)
    page = await fetch_operation_list(
        context.database,
        scope=context.scope,
        namespace=require_text_or_none(namespace, "namespace"),
        states=None if states is UNSET else states,
        operation_types=require_names(operation_types, "operationTypes"),
        size=size,
        after=given_cursor(OperationCursor.from_text, after, "after"),
        before=given_cursor(OperationCursor.from_text, before, "before"),
        backward=backward,
    )
    return OperationConnection(page=page)


async def enqueue(
    info: Info,
    input: Annotated[EnqueueOperationInput, strawberry.argument(description="The operation.")],  # noqa: A002 - the contract's name
) -> EnqueueOperationPayload:
    """Enqueue an operation; the right OPERATE is needed in its namespace."""
    context = info.context
    namespace = context.home_namespace if input.namespace in (None, UNSET) else input.namespace
    if namespace is None:
        raise BadUserInputError("input.namespace is missing, and you have no home namespace: name it")
    require_right(context.viewer, "OPERATE", namespace=require_text(namespace, "input.namespace"))
    record: Any = await enqueue_operation(
        context.database,
        operation_type=await _operation_type(context, namespace, require_text(input.operation_type, "operationType")),
        namespace=namespace,
        payload=str(input.payload),
        uuid=None if input.uuid in (None, UNSET) else _require_id(input.uuid, "input.uuid"),
        request_id=None if input.request_id is UNSET else input.request_id,
        actor=context.viewer.name,
        clock=context.clock,
        limits=context.ingest_limits,
    )
    return EnqueueOperationPayload(operation=record)


async def transition(
    info: Info,
    input: Annotated[TransitionOperationInput, strawberry.argument(description="The move.")],  # noqa: A002 - the contract's name
) -> TransitionOperationPayload:
    """Move an operation on; the right OPERATE is needed in its namespace."""
    context = info.context
    operation_id = _require_id(input.id, "input.id")
    present = await find_operation(info, operation_id)
    if present is None:
        raise NotFoundError(f"there is no operation {operation_id}")
    require_right(context.viewer, "OPERATE", namespace=present.namespace)
    record: Any = await transition_operation(
        context.database,
        operation_id,
        input.state,
        expected_state=None if input.expected_state is UNSET else input.expected_state,
        message=None if input.message is UNSET else input.message,
        actor=context.viewer.name,
        clock=context.clock,
        limits=context.ingest_limits,
    )
    return TransitionOperationPayload(operation=record)


async def _operation_type(context: RequestContext, namespace: str, name: str) -> OperationTypeRecord:
    """Give the declaration that holds for a type of operations. Raises BadUserInputError that says which there are."""
    types = await context.types.current()
    found = types.operation_type(namespace, name)
    if found is not None:
        return found
    names = sorted({each.name for each in types.operation_types if each.namespace in (None, namespace)})
    some = ", ".join(names[:_NAMED_TYPES]) + (", ..." if len(names) > _NAMED_TYPES else "")
    raise BadUserInputError(
        f"input.operationType {name[:64]} is not declared in the namespace {namespace}, where there "
        f"{'is ' + some if some else 'is none'}: defineOperationType declares one"
    )


def _require_id(text: str | None, path: str) -> str:
    operation_id = parse_kind_id(text or "", _KIND)
    if operation_id is None:
        raise BadUserInputError(f"{path} is no id of an operation: give a UUID, or the node id operation:...")
    return operation_id
