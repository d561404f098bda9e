"""Registration: each time a source begins anew, it may say so and get an id for its events (HZ3)."""

from functools import partial
from typing import Annotated, Any

import strawberry
from strawberry import UNSET

from gateway.context import Info
from gateway.errors import BadUserInputError
from gateway.schema.connections import PageInfo, nodes_of, page_info_of
from gateway.schema.fields import After, Before, First, Last, NamespaceArgument, resolved, stored
from gateway.schema.nodes import Node
from gateway.schema.paging import given_cursor, page_size
from gateway.schema.scalars import DateTime
from gateway.schema.texts import require_text, require_text_or_none
from gateway.viewers import require_right
from mutations.registrations import register_source
from storage.cursors import IdCursor
from storage.registrations import (
    CURSOR_KIND,
    RegistrationPage,
    RegistrationRecord,
    fetch_registration_page,
    fetch_registrations,
    reaches_namespace,
    registration_cursor,
)

_KIND = "registration"


def _node_id(root: strawberry.Parent[RegistrationRecord]) -> strawberry.ID:
    return strawberry.ID(f"{_KIND}:{root.uuid}")


@strawberry.type(
    description="A source says that it begins anew. Its events carry the uuid of its registration as registrationId."
)
class Registration(Node):
    """A registration; the source of its fields is a RegistrationRecord."""

    id: strawberry.ID = resolved(_node_id, "The node id, `registration:...`.")
    uuid: strawberry.ID = stored("What the source sends as registrationId; the node id does as well.")
    namespace: str = stored("The namespace of its events.")
    source: str = stored("The source that registered.")
    started_at: DateTime = stored("When it was registered, by the gateway's clock; nothing is decided by it.")
    ended_at: DateTime | None = stored("When the next one of the same source began; null for the present one.")
    is_current: bool = stored(
        "Whether it is the present one. All others are earlier ones: pruneRegistrations is for them."
    )

    @classmethod
    def is_type_of(cls, value: Any, _info: Any) -> bool:
        """Tell GraphQL which of the nodes are registrations."""
        return isinstance(value, RegistrationRecord)


@strawberry.type(description="A registration in a page.")
class RegistrationEdge:
    """A registration in a page."""

    cursor: str = strawberry.field(
        description="The registration's place in lists of registrations, for `after` and `before`."
    )
    node: Registration = strawberry.field(description="The registration.")


def _edges(root: "strawberry.Parent[RegistrationConnection]") -> list[RegistrationEdge]:
    records: list[Any] = root.page.records
    return [RegistrationEdge(cursor=registration_cursor(record).to_text(), node=record) for record in records]


@strawberry.type(description="A page of a list of registrations, newest first.")
class RegistrationConnection:
    """A page of registrations."""

    page: strawberry.Private[RegistrationPage]
    edges: list[RegistrationEdge] = resolved(_edges, "The registrations with their cursors, in the order of the list.")
    nodes: list[Registration] = resolved(nodes_of, "The registrations alone, in the order of the list.")
    page_info: PageInfo = resolved(page_info_of, "Where this page lies in its list.")


async def fetch_registration_list(
    info: Info,
    source: Annotated[str | None, strawberry.argument(description="Only registrations of this source.")] = UNSET,
    namespace: NamespaceArgument = UNSET,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> RegistrationConnection:
    """Give a page of registrations, newest first (P5)."""
    size, backward = page_size(first, last)
    read = partial(IdCursor.from_text, kind=CURSOR_KIND)
    page = await fetch_registration_page(
        info.context.database,
        scope=info.context.scope,
        namespace=require_text_or_none(namespace, "namespace"),
        source=require_text_or_none(source, "source"),
        size=size,
        after=given_cursor(read, after, "after"),
        before=given_cursor(read, before, "before"),
        backward=backward,
    )
    return RegistrationConnection(page=page)


async def find_registration(info: Info, registration_id: str) -> RegistrationRecord | None:
    """Give a registration by its id; None when there is none that the caller may see (P7)."""
    context = info.context
    for record in await fetch_registrations(context.database, [registration_id]):
        if await reaches_namespace(context.database, context.scope, record.namespace_key):
            return record
    return None


@strawberry.input(description="Which source begins anew.")
class RegisterSourceInput:
    """The input of registerSource."""

    source: str = strawberry.field(description="The source, as its events name it: 1 to 255 characters.")
    namespace: str | None = strawberry.field(
        default=UNSET, description="The namespace of its events; left out or null: the caller's home namespace."
    )


@strawberry.type(description="The registration that has begun.")
class RegisterSourcePayload:
    """The answer to registerSource."""

    registration: Registration | None = strawberry.field(description="The registration.")


async def begin_registration(
    info: Info,
    input: Annotated[RegisterSourceInput, strawberry.argument(description="The source.")],  # noqa: A002
) -> RegisterSourcePayload:
    """Begin a registration of a source; the right INGEST is needed in its namespace."""
    context = info.context
    namespace = context.home_namespace if input.namespace in (None, UNSET) else input.namespace
    if namespace is None:
        raise BadUserInputError("namespace is missing, and you have no home namespace: name the source's namespace")
    source = require_text(input.source, "source")
    require_right(context.viewer, "INGEST", namespace=require_text(namespace, "namespace"))
    record: Any = await register_source(context.database, source, namespace=namespace, clock=context.clock)
    return RegisterSourcePayload(registration=record)
