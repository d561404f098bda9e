"""Operation: work on objects that was asked for, and how far it has come (OP1, OP2)."""

from typing import Any

import strawberry

from gateway.schema.connections import PageInfo, page_info
from gateway.schema.enums import OperationState
from gateway.schema.fields import resolved, stored
from gateway.schema.nodes import Node
from gateway.schema.scalars import JSON, DateTime
from storage.cursors import OperationCursor
from storage.operations import OperationPage, OperationRecord

_KIND = "operation"


def _node_id(root: strawberry.Parent[OperationRecord]) -> strawberry.ID:
    return strawberry.ID(f"{_KIND}:{root.uuid}")


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
    return [OperationEdge(cursor=OperationCursor(record.key).to_text(), node=record) for record in records]


def _nodes(root: "strawberry.Parent[OperationConnection]") -> list[OperationRecord]:
    return root.page.records


def _page_info(root: "strawberry.Parent[OperationConnection]") -> PageInfo:
    return page_info(root.page)


@strawberry.type(description="A page of a list of operations, the one enqueued last first.")
class OperationConnection:
    """A page of operations."""

    page: strawberry.Private[OperationPage]
    edges: list[OperationEdge] = resolved(_edges, "The operations with their cursors, in the order of the list.")
    nodes: list[Operation] = resolved(_nodes, "The operations alone, in the order of the list.")
    page_info: PageInfo = resolved(_page_info, "Where this page lies in its list.")
