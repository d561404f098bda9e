"""Retention as clients see it: policies, runs, and what a run would remove (RT1, HZ4, GQ4)."""

from collections.abc import Sequence
from typing import Annotated, Any

import strawberry

from gateway.context import Info, RequestContext
from gateway.schema.enums import PolicyOrigin
from gateway.schema.fields import resolved, stored
from gateway.schema.nodes import Node
from gateway.schema.paging import require_size
from gateway.schema.scalars import BigInt, DateTime
from gateway.viewers import require_right
from mutations.policies import Policy
from mutations.retention import RetentionRunner
from storage.retention_runs import OutcomeRecord, RunRecord, fetch_last_run, fetch_run, fetch_runs

POLICY, RUN = "policy", "retentionRun"
_MOST_RUNS = 20


def _policy_node_id(root: strawberry.Parent[Policy]) -> strawberry.ID:
    return strawberry.ID(f"{POLICY}:{root.id}")


@strawberry.type(
    description=(
        "How long events are kept, and what else happens to them with time. What is not given (null, an empty list) is "
        "any. Of all enabled policies that hold for a reference one wins: compared by what they give, in the order "
        "selectors, object types, sources, event types, namespace; then the longer age; then the smaller id. A "
        "reference goes at its winner's age, an event with its last reference."
    )
)
class RetentionPolicy(Node):
    """A policy; the source of its fields is mutations' Policy."""

    id: strawberry.ID = resolved(_policy_node_id, "The node id, `policy:...`.")
    name: str = stored("Its name, for people.")
    namespace: str | None = stored("The namespace it holds for; null: for all but `timeloom`.")
    event_types: list[str] = stored("The types of events it holds for.")
    object_types: list[str] = stored("The types of objects whose references it holds for.")
    sources: list[str] = stored("The sources it holds for; one with * at the end stands for all that begin so.")
    selectors: list[str] = stored("Selectors, all of which must hold for the event.")
    max_age_seconds: BigInt | None = stored(
        "What is strictly older goes; the age counts from the later of timestamp and arrival. Null: never."
    )
    archive: bool = stored("Whether events are archived before something of them goes.")
    prune_registrations: bool = stored("Whether events of earlier registrations of their source go whatever their age.")
    compact_repeats: bool = stored("Whether repeats are folded into one event.")
    enabled: bool = stored("Whether it takes part at all.")
    origin: PolicyOrigin = stored("Where it was made.")

    @classmethod
    def is_type_of(cls, value: Any, _info: Any) -> bool:
        """Tell GraphQL which of the nodes are policies."""
        return isinstance(value, Policy)


def _policy_id(root: strawberry.Parent[OutcomeRecord]) -> strawberry.ID:
    return strawberry.ID(f"{POLICY}:{root.policy_id}")


@strawberry.type(description="What a run did for one policy, or would do.")
class RetentionOutcome:
    """What a run did for one policy; the source of its fields is an OutcomeRecord."""

    policy_id: strawberry.ID = resolved(_policy_id, "The policy's node id, also when it is gone by now.")
    policy_name: str = stored("The policy's name at that time.")
    events: BigInt = stored(
        "How many events went. One whose last references several policies took counts for the smallest id."
    )
    references: BigInt = stored("How many references to objects went.")


def _run_node_id(root: strawberry.Parent[RunRecord]) -> strawberry.ID:
    return strawberry.ID(f"{RUN}:{root.run_id}")


def _by_policy(root: strawberry.Parent[RunRecord]) -> Sequence[OutcomeRecord]:
    return root.outcomes


@strawberry.type(description="A run of retention: what it has removed, or, as a dry run, what one would have removed.")
class RetentionRun(Node):
    """A run; the source of its fields is a RunRecord."""

    id: strawberry.ID = resolved(_run_node_id, "The node id, `retentionRun:...`.")
    dry_run: bool = stored("Whether it only counts.")
    started_at: DateTime = stored("When it began; ages count back from here, however long it takes.")
    finished_at: DateTime | None = stored("When it ended; null while it is under way or waits for its turn.")
    completed: bool = stored("Whether everything was looked at; false too when its time was over.")
    events_removed: BigInt = stored("How many events went.")
    references_removed: BigInt = stored("How many references to objects went.")
    archived: BigInt = stored("How many events were archived before.")
    folded: BigInt = stored("How many repeats were folded into other events.")
    by_policy: list[RetentionOutcome] = resolved(
        _by_policy, "The same by policy: every enabled one, also those that removed nothing.", length=_MOST_RUNS
    )
    error: str | None = stored("What kept it from removing all that it should have.")

    @classmethod
    def is_type_of(cls, value: Any, _info: Any) -> bool:
        """Tell GraphQL which of the nodes are runs."""
        return isinstance(value, RunRecord)


def runner_of(context: RequestContext) -> RetentionRunner:
    """Give the runner of this gateway, or one that knows no settings."""
    return context.retention or RetentionRunner(context.database, (), clock=context.clock)


async def _policies(info: Info) -> list[Policy]:
    return await info.context.once("retention policies", runner_of(info.context).policies)


async def _last_run(info: Info) -> RunRecord | None:
    return await info.context.once("last retention run", lambda: fetch_last_run(info.context.database))


async def _next_run_at(info: Info) -> DateTime | None:
    slot = await info.context.once("next retention run", runner_of(info.context).next_run_at)
    return None if slot is None else DateTime(slot)


async def _runs(
    info: Info,
    first: Annotated[int, strawberry.argument(description="How many, from the newest on: 0 to 1000.")] = _MOST_RUNS,
) -> list[RunRecord]:
    size = require_size(first, "first")
    return await info.context.once(("retention runs", size), lambda: fetch_runs(info.context.database, size=size))


@strawberry.type(description="What is kept for how long, and how it is seen to.")
class RetentionStatus:
    """The state of retention."""

    policies: list[RetentionPolicy] = resolved(
        _policies, "All policies: those of settings, then those that were made here.", length=_MOST_RUNS
    )
    last_run: RetentionRun | None = resolved(_last_run, "The newest run that removes; dry runs are in `runs`.")
    next_run_at: DateTime | None = resolved(
        _next_run_at, "When the next run begins by the schedule; in the past when it is due. Null on a new store."
    )
    runs: list[RetentionRun] | None = resolved(_runs, "The newest runs, dry ones among them, newest first.")


def fetch_retention(info: Info) -> RetentionStatus:
    """Give the state of retention; ADMIN in every namespace is needed."""
    require_right(info.context.viewer, "ADMIN", namespace=None)
    return RetentionStatus()


async def find_run(info: Info, run_id: str) -> RunRecord | None:
    """Give a run by its UUID, for node ids."""
    require_right(info.context.viewer, "ADMIN", namespace=None)
    return await fetch_run(info.context.database, run_id)


async def find_policy(info: Info, node_id: str) -> Policy | None:
    """Give a policy by its node id."""
    require_right(info.context.viewer, "ADMIN", namespace=None)
    policy_id = node_id.removeprefix(f"{POLICY}:")
    return next((policy for policy in await _policies(info) if policy.id == policy_id), None)


@strawberry.input(description="Whether to run, or only to count.")
class RunRetentionInput:
    """The input of runRetention."""

    dry_run: bool = strawberry.field(default=True, description="Count what a run would remove, and remove nothing.")


@strawberry.type(description="The run.")
class RunRetentionPayload:
    """The answer to runRetention."""

    run: RetentionRun | None = strawberry.field(description="The run; the one that is under way, if there is one.")


async def run_retention(
    info: Info,
    input: Annotated[RunRetentionInput, strawberry.argument(description="How to run.")],  # noqa: A002
) -> RunRetentionPayload:
    """Run retention, or count what it would remove; ADMIN in every namespace is needed."""
    context = info.context
    require_right(context.viewer, "ADMIN", namespace=None)
    runner = runner_of(context)
    begin = runner.preview if input.dry_run else runner.request
    run: Any = await begin(context.viewer.name)
    return RunRetentionPayload(run=run)
