"""Query: the root fields for reading."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import strawberry
from strawberry import UNSET

from gateway.context import Info
from gateway.errors import BadUserInputError
from gateway.loaders import EventsKey
from gateway.schema.connections import EventConnection, EventObjectConnection, event_connection
from gateway.schema.deletions import (
    Deletion,
    DeletionConnection,
    fetch_deletion_list,
    find_deletion,
    find_deletion_by_node_id,
)
from gateway.schema.enums import EventOrder
from gateway.schema.event_types import EventTypeDefinition, fetch_event_types
from gateway.schema.events import Event, find_event, find_event_of_repeat
from gateway.schema.facets import Facet, fetch_facet_panel
from gateway.schema.fields import (
    After,
    AsOf,
    Before,
    EventNamespace,
    Filter,
    First,
    Last,
    NamespaceArgument,
    OrderBy,
    resolved,
)
from gateway.schema.filters import to_selector
from gateway.schema.histograms import Histogram, fetch_histogram_panel
from gateway.schema.lookahead import event_fields
from gateway.schema.namespaces import NamespaceUsage, fetch_namespaces
from gateway.schema.node_ids import parse_event_id, parse_object_node_id
from gateway.schema.nodes import Node
from gateway.schema.objects import EventObject
from gateway.schema.operation_types import OperationTypeDefinition, fetch_operation_types
from gateway.schema.operations import (
    Operation,
    OperationConnection,
    fetch_operation_connection,
    find_operation,
    find_operation_by_node_id,
)
from gateway.schema.paging import event_page_request, given_cursor, page_size, resolve_as_of
from gateway.schema.problems import ProblemConnection, fetch_problem_list, find_problem
from gateway.schema.registrations import RegistrationConnection, fetch_registration_list, find_registration
from gateway.schema.requests import RequestTrail, fetch_request_trail
from gateway.schema.retention import POLICY, RetentionStatus, fetch_retention, find_policy, find_run
from gateway.schema.server import ServerInfo, server_info
from gateway.schema.statistics import Statistics, fetch_statistics_panel
from gateway.schema.texts import require_text, require_text_or_none
from gateway.schema.trees import EventTree, fetch_causation, fetch_correlation, fetch_trace
from storage.cursors import ObjectCursor
from storage.identifiers import parse_uuid
from storage.objects import fetch_object_page
from storage.records import EventKey, EventRecord, ObjectRecord

_FINDERS: dict[str, Callable[[Info, str], Awaitable[Any]]] = {
    "registration": find_registration,
    "deletion": find_deletion,
    "operation": find_operation,
    "retentionRun": find_run,
}
"""Who finds a node by its UUID, for node ids that are a kind and a UUID."""


async def _node(
    info: Info,
    id: Annotated[strawberry.ID, strawberry.argument(description="A node id.")],  # noqa: A002
) -> Any:
    record = parse_object_node_id(id)
    if record is not None:
        return record
    kind, colon, rest = id.partition(":")
    if kind == "problem":
        return await find_problem(info, id)
    if kind == POLICY:
        return await find_policy(info, id)
    if colon:
        uuid = parse_uuid(rest)
        return await _FINDERS[kind](info, uuid) if kind in _FINDERS and uuid is not None else None
    return await _find_event(info, id)


async def _event(
    info: Info,
    id: Annotated[strawberry.ID, strawberry.argument(description="The event's id.")],  # noqa: A002
    namespace: EventNamespace = UNSET,
) -> EventRecord | None:
    if not namespace:
        return await _find_event(info, id) if namespace in (None, UNSET) else None
    event_id = parse_event_id(id)
    if event_id is None:
        return None
    key = EventsKey(EventKey(require_text(namespace, "namespace"), event_id), event_fields(info, ""))
    found = await info.context.loaders.events_by_key.load(key)
    return found or await find_event_of_repeat(info.context, key.event, fields=key.fields)


async def _find_event(info: Info, node_id: str) -> EventRecord | None:
    event_id = parse_event_id(node_id)
    return None if event_id is None else await find_event(info.context, event_id, fields=event_fields(info, ""))


async def _events(
    info: Info,
    filter: Filter = UNSET,  # noqa: A002 - the contract's name
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
    order_by: OrderBy = EventOrder.NEWEST_FIRST,
    as_of: AsOf = UNSET,
) -> EventConnection:
    selector = to_selector(filter or None)
    position = await resolve_as_of(info.context, as_of)
    request = event_page_request(first=first, after=after, last=last, before=before, order=order_by, as_of=position)
    return await event_connection(info, selector, request)


def _object(
    info: Info,
    object_type: Annotated[str, strawberry.argument(description="What kind of thing it is.")],
    object_id: Annotated[str, strawberry.argument(description="Its id within its type and namespace.")],
    namespace: Annotated[
        str | None, strawberry.argument(description="Its namespace; left out: the caller's home namespace.")
    ] = UNSET,
) -> ObjectRecord:
    home = info.context.home_namespace if namespace in (None, UNSET) else namespace
    if home is None:
        raise BadUserInputError("namespace is missing, and you have no home namespace: name the object's namespace")
    return ObjectRecord(
        require_text(home, "namespace"), require_text(object_type, "objectType"), require_text(object_id, "objectId")
    )


async def _objects(
    info: Info,
    namespace: NamespaceArgument = UNSET,
    object_type: Annotated[str | None, strawberry.argument(description="Only objects of this type.")] = UNSET,
    id_prefix: Annotated[
        str | None, strawberry.argument(description="Only objects whose objectId begins with this.")
    ] = UNSET,
    has_pending_operations: Annotated[
        bool | None,
        strawberry.argument(
            description=(
                "true: only objects that a pending operation targets, also where no event has touched them; false: "
                "only those that none does; left out or null: either."
            )
        ),
    ] = UNSET,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> EventObjectConnection:
    size, backward = page_size(first, last)
    page = await fetch_object_page(
        info.context.database,
        scope=info.context.scope,
        namespace=require_text_or_none(namespace, "namespace"),
        object_type=require_text_or_none(object_type, "objectType"),
        id_prefix=require_text_or_none(id_prefix, "idPrefix"),
        has_pending=None if has_pending_operations is UNSET else has_pending_operations,
        size=size,
        after=given_cursor(ObjectCursor.from_text, after, "after"),
        before=given_cursor(ObjectCursor.from_text, before, "before"),
        backward=backward,
    )
    return EventObjectConnection(page=page)


async def _request(
    info: Info,
    request_id: Annotated[str, strawberry.argument(description="The requestId of its events.")],
    namespace: NamespaceArgument = UNSET,
) -> RequestTrail | None:
    return await fetch_request_trail(info, request_id, require_text_or_none(namespace, "namespace"))


@strawberry.type(description="What can be read. What the caller may not see does not exist.")
class Query:
    """The root of queries."""

    node: Node | None = resolved(
        _node,
        "Whatever has this node id; null when there is nothing, or the id is malformed. Two namespaces may hold one "
        "UUID: the home namespace's event is given, else that of the first by name; `event` with its namespace is "
        "exact.",
    )
    event: Event | None = resolved(_event, "One event by its id; null when it is not there, or the id is malformed.")
    events: EventConnection | None = resolved(_events, "Events by filter.")
    object: EventObject | None = resolved(
        _object, "One object by its identity. It is always there: without visible events its timeline is empty."
    )
    objects: EventObjectConnection | None = resolved(
        _objects, "Objects that visible events have touched, or (when asked for) that pending operations target."
    )
    correlation: EventTree | None = resolved(
        fetch_correlation,
        "The events of a correlation as trees; null when no visible event belongs to it.",
    )
    causation: EventTree | None = resolved(
        fetch_causation,
        "The whole tree that an event belongs to by parents; null when the event is not there, or the id is malformed.",
    )
    trace: EventTree | None = resolved(
        fetch_trace, "The events of a trace as trees; null when no visible event belongs to it."
    )
    request: RequestTrail | None = resolved(
        _request, "Everything that one request did; null when no visible event belongs to it."
    )
    histogram: Histogram | None = resolved(
        fetch_histogram_panel, "How many events there are over time, altogether or by the values of a field."
    )
    facets: list[Facet] | None = resolved(fetch_facet_panel, "The most frequent values of some fields.")
    statistics: Statistics | None = resolved(
        fetch_statistics_panel, "Records and durations over time, altogether or by the values of a field."
    )
    operation: Operation | None = resolved(
        find_operation_by_node_id, "One operation by its id; null when it is not there, or the id is malformed."
    )
    operations: OperationConnection | None = resolved(
        fetch_operation_connection,
        "Operations, the one enqueued last first. A page may hold fewer than asked for, even none, while there is "
        "more to find: the scan limit was reached. Go on from its cursor.",
    )
    deletion: Deletion | None = resolved(
        find_deletion_by_node_id, "One deletion by its id; null when it is not there, or the id is malformed."
    )
    deletions: DeletionConnection | None = resolved(
        fetch_deletion_list, "What was asked to be deleted, newest first: previews, deletions, and what came of them."
    )
    problems: ProblemConnection | None = resolved(
        fetch_problem_list,
        "Open problems, newest error first: of each object the last error that no later success or dismissal has "
        "closed.",
    )
    retention: RetentionStatus | None = resolved(
        fetch_retention, "What is kept for how long, and how it is seen to; needs ADMIN in every namespace."
    )
    registrations: RegistrationConnection | None = resolved(
        fetch_registration_list, "Registrations of sources, newest first."
    )
    event_types: list[EventTypeDefinition] | None = resolved(
        fetch_event_types, "What is registered about types of events, by name."
    )
    operation_types: list[OperationTypeDefinition] | None = resolved(
        fetch_operation_types, "Which types of operations there are, by name."
    )
    namespaces: list[NamespaceUsage] | None = resolved(
        fetch_namespaces, "The namespaces that the caller may see, by name."
    )
    server: ServerInfo | None = resolved(server_info, "Which server this is.")
