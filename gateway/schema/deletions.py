"""Deletions as clients see them: shown first, confirmed by what was shown, followed and cancelled (L4)."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

import msgspec
import strawberry
from strawberry import UNSET

from gateway.context import Info, RequestContext
from gateway.errors import BadUserInputError, ForbiddenError
from gateway.loaders import EventsKey
from gateway.schema.connections import EventType, PageInfo, nodes_of, page_info_of
from gateway.schema.deletion_filters import filter_text, require_deletable
from gateway.schema.enums import DeletionState
from gateway.schema.fields import After, Before, First, Last, resolved, stored
from gateway.schema.filter_inputs import EventFilter
from gateway.schema.filters import to_selector
from gateway.schema.lookahead import event_fields
from gateway.schema.node_ids import parse_kind_id
from gateway.schema.nodes import Node
from gateway.schema.paging import given_cursor, page_size
from gateway.schema.scalars import JSON, BigInt, DateTime
from gateway.schema.texts import require_text
from gateway.viewers import require_right
from mutations.deletion_counts import SAMPLE_EVENTS
from mutations.deletions import (
    MOST_REASON_CHARACTERS,
    DeletionRequest,
    cancel_deletion,
    confirm_deletion,
    preview_deletion,
)
from mutations.registrations import require_source
from mutations.selections import Selection, names_own_namespace, require_object
from mutations.validation import OWN_NAMESPACE
from storage.cursors import IdCursor
from storage.deletions import (
    CURSOR_KIND,
    DeletionPage,
    DeletionRecord,
    deletion_cursor,
    fetch_deletion,
    fetch_deletion_page,
)
from storage.records import EventKey, EventRecord, ObjectRecord
from storage.registrations import fetch_prunable_registrations
from storage.scopes import Scope

_KIND = "deletion"


def _node_id(root: strawberry.Parent[DeletionRecord]) -> strawberry.ID:
    return strawberry.ID(f"{_KIND}:{root.id}")


async def _sample(root: strawberry.Parent[DeletionRecord], info: Info) -> list[EventRecord] | None:
    [sample] = await _samples_of_many([root], info)
    return sample


async def _samples_of_many(roots: Sequence[DeletionRecord], info: Info) -> list[list[EventRecord] | None]:
    """Look up what of the samples is there still: of what is gone no copy is kept."""
    wanted = event_fields(info, "")
    keys = [EventsKey(EventKey(each.namespace, each.id), wanted) for root in roots for each in root.sample]
    found = await info.context.loaders.events_by_key.load_many(keys)
    events = {key.event: record for key, record in zip(keys, found, strict=True) if record is not None}
    return [
        None
        if root.state is DeletionState.COUNTING
        else [events[key] for each in root.sample if (key := EventKey(each.namespace, each.id)) in events]
        for root in roots
    ]


@strawberry.type(
    description=(
        "What somebody asked to delete, how far it has come, and how it ended. It takes only what was stored when it "
        "was asked for. Its row stays, with the filter and the numbers; a copy of what was deleted is not kept."
    )
)
class Deletion(Node):
    """A deletion; the source of its fields is a DeletionRecord."""

    id: strawberry.ID = resolved(_node_id, "The node id, `deletion:...`; it is the confirmation.")
    state: DeletionState = stored("How far it has come.")
    matched: BigInt | None = stored("How many events go; grows while it is COUNTING.")
    deleted: BigInt = stored("How many events are gone.")
    sample: list[EventType] | None = resolved(
        _sample,
        "The ten newest events that go, as far as they are there still; null while it is COUNTING.",
        many=_samples_of_many,
        length=SAMPLE_EVENTS,
    )
    requested_by: str | None = stored("Who asked for it; nobody else can confirm it.")
    reason: str | None = stored("Why, in their words.")
    filter: JSON | None = stored(
        "What they asked for: the filter; for an object `object`, for earlier registrations `registrations`."
    )
    created_at: DateTime = stored("When it was asked for.")
    started_at: DateTime | None = stored("When the first chunk began.")
    finished_at: DateTime | None = stored("When it ended, in whatever way.")
    expires_at: DateTime | None = stored("Until when it can be confirmed, while it is PREVIEWED.")
    error: str | None = stored("Why it FAILED.")

    @classmethod
    def is_type_of(cls, value: Any, _info: Any) -> bool:
        """Tell GraphQL which of the nodes are deletions."""
        return isinstance(value, DeletionRecord)


@strawberry.type(description="A deletion in a page.")
class DeletionEdge:
    """A deletion in a page."""

    cursor: str = strawberry.field(description="The deletion's place in lists of deletions, for `after` and `before`.")
    node: Deletion = strawberry.field(description="The deletion.")


def _edges(root: "strawberry.Parent[DeletionConnection]") -> list[DeletionEdge]:
    records: list[Any] = root.page.records
    return [DeletionEdge(cursor=deletion_cursor(record).to_text(), node=record) for record in records]


@strawberry.type(description="A page of a list of deletions, newest first.")
class DeletionConnection:
    """A page of deletions."""

    page: strawberry.Private[DeletionPage]
    edges: list[DeletionEdge] = resolved(_edges, "The deletions with their cursors, in the order of the list.")
    nodes: list[Deletion] = resolved(nodes_of, "The deletions alone, in the order of the list.")
    page_info: PageInfo = resolved(page_info_of, "Where this page lies in its list.")


async def fetch_deletion_list(
    info: Info,
    states: Annotated[
        list[DeletionState] | None, strawberry.argument(description="Only deletions in one of these states.")
    ] = UNSET,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> DeletionConnection:
    """Give a page of deletions, newest first (P5)."""
    size, backward = page_size(first, last)
    read = partial(IdCursor.from_text, kind=CURSOR_KIND)
    wanted = None if states is UNSET else states
    page = await fetch_deletion_page(
        info.context.database,
        states=wanted if _may_delete(info.context) else [],
        now=info.context.clock(),
        size=size,
        after=given_cursor(read, after, "after"),
        before=given_cursor(read, before, "before"),
        backward=backward,
    )
    return DeletionConnection(page=page)


async def find_deletion(info: Info, deletion_id: str) -> DeletionRecord | None:
    """Give a deletion by its id; None when there is none that the caller may see (P7)."""
    if not _may_delete(info.context):
        return None
    record = await fetch_deletion(info.context.database, deletion_id)
    return None if record is None else record.seen_at(info.context.clock())


async def find_deletion_by_node_id(
    info: Info,
    id: Annotated[strawberry.ID, strawberry.argument(description="The deletion's id.")],  # noqa: A002 - the contract's name
) -> DeletionRecord | None:
    """Give a deletion by its node id or UUID."""
    deletion_id = parse_kind_id(id, _KIND)
    return None if deletion_id is None else await find_deletion(info, deletion_id)


def _optional(description: str) -> Any:
    return strawberry.field(default=UNSET, description=description)


_DRY_RUN = (
    "true: count and show what would go, and delete nothing. false: delete what was shown, which needs `confirmation`."
)
_CONFIRMATION = "With dryRun: false, the id of the deletion that was shown."
_REASON = "Why, for the audit event; at most 1000 characters."


@strawberry.input(description="Which events to delete.")
class DeleteEventsInput:
    """The input of deleteEvents."""

    filter: EventFilter = strawberry.field(
        description=(
            "Which events go: exactly those that the same filter shows. Events of the namespace `timeloom` go only "
            "when it is named, which needs the right ADMIN."
        )
    )
    dry_run: bool = strawberry.field(default=True, description=_DRY_RUN)
    confirmation: strawberry.ID | None = _optional(_CONFIRMATION)
    reason: str | None = _optional(_REASON)
    match_everything: bool = strawberry.field(
        default=False, description="Whether a filter may be given that comes to every event."
    )


@strawberry.type(description="The deletion that was shown or confirmed.")
class DeleteEventsPayload:
    """The answer to deleteEvents."""

    deletion: Deletion | None = strawberry.field(description="The deletion.")


@strawberry.input(description="Which deletion to cancel.")
class CancelDeletionInput:
    """The input of cancelDeletion."""

    id: strawberry.ID = strawberry.field(description="The deletion's id.")


@strawberry.type(description="The deletion as it stands now.")
class CancelDeletionPayload:
    """The answer to cancelDeletion."""

    deletion: Deletion | None = strawberry.field(description="The deletion.")


@strawberry.input(description="Which object to forget.")
class ForgetObjectInput:
    """The input of forgetObject."""

    object_type: str = strawberry.field(description="The object's type.")
    object_id: str = strawberry.field(description="The object's id within its type and namespace.")
    namespace: str | None = _optional("The object's namespace; left out or null: the caller's home namespace.")
    dry_run: bool = strawberry.field(default=True, description=_DRY_RUN)
    confirmation: strawberry.ID | None = _optional(_CONFIRMATION)
    reason: str | None = _optional(_REASON)


@strawberry.type(description="The deletion that was shown or confirmed.")
class ForgetObjectPayload:
    """The answer to forgetObject."""

    deletion: Deletion | None = strawberry.field(
        description="The deletion; its numbers are those of the events that go with their last reference."
    )
    references: BigInt | None = strawberry.field(description="How many references to the object go.")


@strawberry.input(description="Whose earlier registrations to prune.")
class PruneRegistrationsInput:
    """The input of pruneRegistrations."""

    source: str = strawberry.field(description="The source, as it registered.")
    namespace: str | None = _optional("Where it registered; left out or null: the caller's home namespace.")
    dry_run: bool = strawberry.field(default=True, description=_DRY_RUN)
    confirmation: strawberry.ID | None = _optional(_CONFIRMATION)
    reason: str | None = _optional(_REASON)


@strawberry.type(description="The deletion that was shown or confirmed.")
class PruneRegistrationsPayload:
    """The answer to pruneRegistrations."""

    deletion: Deletion | None = strawberry.field(description="The deletion.")


async def delete_events(
    info: Info,
    input: Annotated[DeleteEventsInput, strawberry.argument(description="Which events, and whether to.")],  # noqa: A002 - the contract's name
) -> DeleteEventsPayload:
    """Show, or delete, the events of a filter."""
    scope = await _deletable(info.context)
    selector = to_selector(input.filter)
    require_deletable(input.filter, match_everything=input.match_everything)
    if names_own_namespace(selector):
        require_right(info.context.viewer, "ADMIN", namespace=OWN_NAMESPACE)
    record = await _ask(info.context, input, Selection.of_events(selector, scope), filter_text(input.filter))
    return DeleteEventsPayload(deletion=_as_is(record))


async def forget_object(
    info: Info,
    input: Annotated[ForgetObjectInput, strawberry.argument(description="Which object, and whether to.")],  # noqa: A002 - the contract's name
) -> ForgetObjectPayload:
    """Show, or remove, the references to an object, and the events that go with them (EV7)."""
    scope = await _deletable(info.context)
    named = ObjectRecord(
        _namespace(info.context, input.namespace),
        require_text(input.object_type, "input.objectType"),
        require_text(input.object_id, "input.objectId"),
    )
    require_object(named)
    if named.namespace == OWN_NAMESPACE:
        require_right(info.context.viewer, "ADMIN", namespace=OWN_NAMESPACE)
    shown = {"namespace": named.namespace, "objectType": named.object_type, "objectId": named.object_id}
    record = await _ask(info.context, input, Selection.of_object(named, scope), _text({"object": shown}))
    return ForgetObjectPayload(deletion=_as_is(record), references=BigInt(record.matched_references))


async def prune_registrations(
    info: Info,
    input: Annotated[PruneRegistrationsInput, strawberry.argument(description="Whose, and whether to.")],  # noqa: A002 - the contract's name
) -> PruneRegistrationsPayload:
    """Show, or delete, the events of a source's earlier registrations (HZ3, D5)."""
    context = info.context
    scope = await _deletable(context)
    namespace, source = _namespace(context, input.namespace), require_text(input.source, "input.source")
    require_source(namespace, source)
    keys = await context.database.identities.namespace_keys([namespace])
    earlier = [
        one for key in keys.values() for one in await fetch_prunable_registrations(context.database, key, source)
    ]
    selection = Selection.of_registrations(namespace, source, earlier, scope)
    shown = {"namespace": namespace, "source": source}
    record = await _ask(context, input, selection, _text({"registrations": shown}))
    return PruneRegistrationsPayload(deletion=_as_is(record))


async def cancel(
    info: Info,
    input: Annotated[CancelDeletionInput, strawberry.argument(description="Which deletion.")],  # noqa: A002 - the contract's name
) -> CancelDeletionPayload:
    """End a deletion between two chunks (D4)."""
    await _deletable(info.context)
    record = await cancel_deletion(
        info.context.database,
        _require_id(input.id, "input.id"),
        cancelled_by=info.context.viewer.name,
        clock=info.context.clock,
    )
    return CancelDeletionPayload(deletion=_as_is(record))


async def _ask(
    context: RequestContext,
    given: DeleteEventsInput | ForgetObjectInput | PruneRegistrationsInput,
    selection: Selection,
    text: str,
) -> DeletionRecord:
    """Preview a selection, or have what was previewed carried out."""
    reason = require_text(given.reason or "", "input.reason") or None  # an empty one does not take away the preview's
    if reason is not None and len(reason) > MOST_REASON_CHARACTERS:
        raise BadUserInputError(f"input.reason has {len(reason)} characters, the most is {MOST_REASON_CHARACTERS}")
    request = DeletionRequest(selection, text, context.viewer.name, reason)
    confirmation = None if given.confirmation in (None, UNSET) else str(given.confirmation)
    if not given.dry_run:
        confirmed = None if confirmation is None else _require_id(confirmation, "input.confirmation")
        record = await confirm_deletion(context.database, request, confirmed, clock=context.clock)
    elif confirmation is not None:
        raise BadUserInputError(
            "input.confirmation goes with dryRun: false; nothing was deleted. Leave it out to preview again"
        )
    else:
        record = await preview_deletion(context.database, request, clock=context.clock)
    context.wake_deletions()
    return record


def _may_delete(context: RequestContext) -> bool:
    return any(grant.right == "DELETE" for grant in context.viewer.grants)


async def _deletable(context: RequestContext) -> Scope:
    """Give what the caller may delete of what they may see. Raises ForbiddenError when that is nothing."""
    granted = [grant.namespace for grant in context.viewer.grants if grant.right == "DELETE"]
    if not granted:
        raise ForbiddenError("this needs the right DELETE, which you do not have")
    if None in granted:
        return context.scope
    keys = await context.database.identities.namespace_keys(name for name in granted if name is not None)
    visible = context.scope.namespace_keys
    return Scope(namespace_keys=frozenset(key for key in keys.values() if context.scope.everything or key in visible))


def _namespace(context: RequestContext, given: str | None) -> str:
    name = context.home_namespace if given in (None, UNSET) else given
    if name is None:
        raise BadUserInputError("input.namespace is missing, and you have no home namespace: name it")
    return require_text(name, "input.namespace")


def _require_id(text: str, path: str) -> str:
    deletion_id = parse_kind_id(text, _KIND)
    if deletion_id is None:
        raise BadUserInputError(f"{path} is no id of a deletion: give it as it was shown, deletion:...")
    return deletion_id


def _text(value: dict[str, Any]) -> str:
    return msgspec.json.encode(value).decode()


def _as_is(record: DeletionRecord) -> Any:
    """A record where the schema has a type that reads records."""
    return record
