"""Mutations of the schema: their inputs go to the room `mutations`, their payloads say what became of each item."""

from typing import Annotated, Any

import strawberry
from graphql import FieldNode, ObjectValueNode, VariableNode

from gateway.context import Info
from gateway.schema.deletions import (
    CancelDeletionPayload,
    DeleteEventsPayload,
    ForgetObjectPayload,
    PruneRegistrationsPayload,
    cancel,
    delete_events,
    forget_object,
    prune_registrations,
)
from gateway.schema.enums import IngestCode, IngestOutcome
from gateway.schema.event_inputs import IngestEventsInput, to_draft
from gateway.schema.event_types import DefineEventTypePayload, define_event_type
from gateway.schema.fields import changing, stored
from gateway.schema.operation_types import DefineOperationTypePayload, define_operation_type
from gateway.schema.operations import EnqueueOperationPayload, TransitionOperationPayload, enqueue, transition
from gateway.schema.policies import RetentionPolicyPayload, create_policy, delete_policy, update_policy
from gateway.schema.problems import DismissProblemPayload, dismiss
from gateway.schema.registrations import RegisterSourcePayload, begin_registration
from gateway.schema.retention import RunRetentionPayload, run_retention
from mutations.drafts import EventDraft
from mutations.ingest import IngestReport, ingest_events


@strawberry.type(description="What became of one event of a batch.")
class IngestResult:
    """The result for one event; the source of its fields is mutations' result."""

    index: int = stored("The event's place in the batch, from 0.")
    id: strawberry.ID | None = stored(
        "The event's id, also when the gateway made it; null when the one sent is malformed."
    )
    outcome: IngestOutcome = stored("What became of it.")
    code: IngestCode | None = stored("Why it was not newly stored; null when it was, and for plain duplicates.")
    message: str | None = stored("The same in words, with the limit that was exceeded.")


@strawberry.type(description="What became of a batch. Its events are counted by outcome.")
class IngestEventsPayload:
    """The answer to ingestEvents."""

    accepted: int = stored("How many were stored.")
    duplicates: int = stored("How many were there already.")
    conflicts: int = stored("How many have an id that is there with other content.")
    rejected: int = stored("How many can never be stored as they are.")
    deferred: int = stored("How many are not stored now and may be sent again later.")
    discarded: int = stored("How many are not stored because their types are switched off.")
    results: list[IngestResult] = stored("One for each event, in the order of the batch.")
    problems: list[IngestResult] = stored("The results that are neither ACCEPTED nor DUPLICATE.")


async def _ingest_events(
    info: Info,
    input: Annotated[IngestEventsInput, strawberry.argument(description="The batch.")],  # noqa: A002 - the contract's name
) -> IngestEventsPayload:
    context = info.context
    drafts = _decoded_drafts(info)
    if drafts is None:
        drafts = [to_draft(event) for event in input.events]
    report = await ingest_events(
        context.database,
        drafts,
        home_namespace=context.home_namespace,
        limits=context.ingest_limits,
        clock=context.clock,
        types=await context.types.current(),
    )
    if context.metrics is not None:
        context.metrics.ingested(drafts, report)
    return _to_payload(report)


def _decoded_drafts(info: Info) -> list[EventDraft] | None:
    """Give the drafts that were decoded past GraphQL: the batch is one variable, `$input` or `{events: $events}`."""
    batches = info.context.decoded_batches
    if not batches:
        return None
    node: FieldNode = info._raw_info.field_nodes[0]
    argument = next(item.value for item in node.arguments or () if item.name.value == "input")
    if isinstance(argument, ObjectValueNode) and len(argument.fields) == 1:
        argument = argument.fields[0].value
    return batches.get(argument.name.value) if isinstance(argument, VariableNode) else None


def _to_payload(report: IngestReport) -> IngestEventsPayload:
    counts = report.counts
    # Mutations' results are read as they are, attribute by attribute.
    results: list[Any] = report.results
    fine = (IngestOutcome.ACCEPTED, IngestOutcome.DUPLICATE)
    return IngestEventsPayload(
        accepted=counts[IngestOutcome.ACCEPTED],
        duplicates=counts[IngestOutcome.DUPLICATE],
        conflicts=counts[IngestOutcome.CONFLICT],
        rejected=counts[IngestOutcome.REJECTED],
        deferred=counts[IngestOutcome.DEFERRED],
        discarded=counts[IngestOutcome.DISCARDED],
        results=results,
        problems=[result for result in results if result.outcome not in fine],
    )


@strawberry.type(description="What can be changed. Each mutation takes one input and gives a payload.")
class Mutation:
    """The root of mutations."""

    ingest_events: IngestEventsPayload | None = changing(
        _ingest_events,
        description=(
            "Store a batch of events in one transaction. An event whose id is there already changes nothing, so a "
            "batch may be sent again after a lost answer. A batch is refused as a whole only when it is malformed or "
            "above a limit."
        ),
    )
    delete_events: DeleteEventsPayload | None = changing(
        delete_events,
        description=(
            "Delete the events of a filter, in two calls. With dryRun (the default) it counts what would go and shows "
            "ten of it. With dryRun: false, the same filter and that deletion's id as confirmation, it deletes them in "
            "the background, chunk by chunk: once, for the same caller, within 15 minutes, and as long as the number "
            "is the same; else CONFIRMATION_STALE. Without a confirmation: CONFIRMATION_REQUIRED."
        ),
    )
    cancel_deletion: CancelDeletionPayload | None = changing(
        cancel,
        description=(
            "End a deletion between two chunks; what is gone stays gone. One that has ended is given back as it is."
        ),
    )
    forget_object: ForgetObjectPayload | None = changing(
        forget_object,
        description=(
            "Remove all references to an object, and the events that touch nothing else; in two calls, like "
            "deleteEvents."
        ),
    )
    prune_registrations: PruneRegistrationsPayload | None = changing(
        prune_registrations,
        description=(
            "Delete the events of all registrations of a source but the present one; in two calls, like deleteEvents. "
            "What was previewed goes, also when the source has registered again since."
        ),
    )
    dismiss_problem: DismissProblemPayload | None = changing(
        dismiss,
        description=(
            "Say that a problem is seen to: its error and all before it are hidden from then on, or until a time. A "
            "newer error of the same object comes up again at once. Dismissing it again changes end and reason. An "
            "event on the object tells of it."
        ),
    )
    create_retention_policy: RetentionPolicyPayload | None = changing(
        create_policy,
        description="Make a retention policy. It holds from the next run on; a dry run shows what it takes.",
    )
    update_retention_policy: RetentionPolicyPayload | None = changing(
        update_policy,
        description="Change a retention policy; a run that is under way goes on by what it says then.",
    )
    delete_retention_policy: RetentionPolicyPayload | None = changing(
        delete_policy,
        description="Delete a retention policy; what it decided about falls to the next that holds, or stays for ever.",
    )
    run_retention: RunRetentionPayload | None = changing(
        run_retention,
        description=(
            "Run retention now, beside its schedule, or (dryRun, the default) count what a run would remove. What "
            "takes longer than a moment goes on in the background: follow it by `retention` or by the run's node id."
        ),
    )
    define_event_type: DefineEventTypePayload | None = changing(
        define_event_type,
        description=(
            "Say what holds for events of a type: it decides about events that are sent from now on, in other gateways "
            "within a second. What a file of TIMELOOM_TYPE_REGISTRIES declares is changed there."
        ),
    )
    define_operation_type: DefineOperationTypePayload | None = changing(
        define_operation_type,
        description=(
            "Say which fields of the payloads of a type of operations name the objects that they work on. What a file "
            "of TIMELOOM_TYPE_REGISTRIES declares is changed there."
        ),
    )
    register_source: RegisterSourcePayload | None = changing(
        begin_registration,
        description=(
            "Say that a source begins anew. Its earlier registrations end; the id of the new one goes with its events "
            "as registrationId, and pruneRegistrations removes what belongs to the earlier ones."
        ),
    )
    enqueue_operation: EnqueueOperationPayload | None = changing(
        enqueue,
        description=(
            "Ask for work on objects. What it works on is found in the payload by the declaration of its type, and "
            "stored together with it and an event. With the same uuid, type, namespace and payload again it answers "
            "the operation as it is now; with other content CONFLICT."
        ),
    )
    transition_operation: TransitionOperationPayload | None = changing(
        transition,
        description=(
            "Say that an operation came into another state: QUEUED, PREFLIGHT and EXECUTING forward only, from each of "
            "them to COMPLETE, ABORT, DELETED or ERROR, which are final; else CONFLICT with the present state. Each "
            "move is an event of the operation and of what it works on; one to the present state changes nothing."
        ),
    )
