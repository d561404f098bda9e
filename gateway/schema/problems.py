"""Problem: the last error of an object that no later success and no dismissal has closed (HZ6)."""

from collections.abc import Awaitable, Sequence
from typing import Annotated, Any

import strawberry
from strawberry import UNSET

from gateway.context import Info
from gateway.errors import BadUserInputError
from gateway.loaders import EventsKey
from gateway.schema.connections import EventObjectType, EventType, PageInfo, nodes_of, page_info_of
from gateway.schema.enums import CountKind, Severity
from gateway.schema.fields import After, Before, First, Last, NamespaceArgument, resolved, stored
from gateway.schema.lookahead import event_fields
from gateway.schema.node_ids import ProblemKey, parse_problem_node_id, problem_node_id
from gateway.schema.nodes import Node
from gateway.schema.paging import given_cursor, page_size
from gateway.schema.scalars import BigInt, DateTime
from gateway.schema.texts import require_names, require_text, require_text_or_none
from gateway.viewers import require_right
from mutations.errors import NotFoundError
from mutations.problems import dismiss_problem
from storage.cursors import ProblemCursor
from storage.problem_statements import ProblemQuery, ProblemRange
from storage.problems import (
    ProblemCount,
    ProblemPage,
    ProblemRecord,
    fetch_problem_page,
    fetch_problems_of,
    to_problem_page,
)
from storage.records import EventRecord, ObjectRecord


def _node_id(root: strawberry.Parent[ProblemRecord]) -> strawberry.ID:
    return strawberry.ID(problem_node_id(ProblemKey(root.object, root.event, root.min_severity)))


async def _event(root: strawberry.Parent[ProblemRecord], info: Info) -> EventRecord:
    found = await info.context.loaders.events_by_key.load(EventsKey(root.event, event_fields(info, "")))
    if found is None:
        raise NotFoundError("the event of this problem has been removed since: ask again, and the problem is gone")
    return found


async def _events_of_many(roots: Sequence[ProblemRecord], info: Info) -> list[EventRecord | None]:
    fields = event_fields(info, "")
    return await info.context.loaders.events_by_key.load_many(EventsKey(root.event, fields) for root in roots)


def _count(root: ProblemRecord, info: Info) -> Awaitable[ProblemCount]:
    return info.context.loaders.counts_by_problem.load(root)


async def _counts(roots: Sequence[ProblemRecord], info: Info) -> list[ProblemCount]:
    return await info.context.loaders.counts_by_problem.load_many(roots)


async def _since(root: strawberry.Parent[ProblemRecord], info: Info) -> DateTime:
    return DateTime((await _count(root, info)).since)


async def _since_of_many(roots: Sequence[ProblemRecord], info: Info) -> list[int]:
    return [count.since for count in await _counts(roots, info)]


async def _occurrences(root: strawberry.Parent[ProblemRecord], info: Info) -> BigInt:
    return BigInt((await _count(root, info)).occurrences)


async def _occurrences_of_many(roots: Sequence[ProblemRecord], info: Info) -> list[int]:
    return [count.occurrences for count in await _counts(roots, info)]


async def _kind(root: strawberry.Parent[ProblemRecord], info: Info) -> CountKind:
    return _kind_of(await _count(root, info))


async def _kinds_of_many(roots: Sequence[ProblemRecord], info: Info) -> list[CountKind]:
    return [_kind_of(count) for count in await _counts(roots, info)]


def _kind_of(count: ProblemCount) -> CountKind:
    return CountKind.EXACT if count.is_exact else CountKind.AT_LEAST


@strawberry.type(
    description=(
        "An error of an object that no later success or dismissal has closed: the object's last one, with all that "
        "came before it since its last success. Only what the caller may see counts."
    )
)
class Problem(Node):
    """A problem; the source of its fields is a ProblemRecord."""

    id: strawberry.ID = resolved(
        _node_id, "The node id, `problem:...`; it holds object, event and the minSeverity with which it was found."
    )
    object: EventObjectType = stored("What it is a problem of.")
    event: EventType = resolved(_event, "The error: the last one.", many=_events_of_many)
    since: DateTime = resolved(
        _since, "The timestamp of the first such error since the last success; of those counted.", many=_since_of_many
    )
    occurrences: BigInt = resolved(
        _occurrences,
        "How often it occurred since the last success, folded repeats counted; errors before a dismissal count no "
        "more. Counted when asked for, at most 10,000 of each severity, and on one page no more than the scan limit.",
        many=_occurrences_of_many,
    )
    occurrences_kind: CountKind = resolved(
        _kind, "EXACT, or AT_LEAST where counting ended before the first error.", many=_kinds_of_many
    )
    dismissed_by: str | None = stored("Who dismissed it; null when nobody has, or the dismissal has ended.")
    dismissed_until: DateTime | None = stored("When the dismissal ends; null when it does not, or there is none.")

    @classmethod
    def is_type_of(cls, value: Any, _info: Any) -> bool:
        """Tell GraphQL which of the nodes are problems."""
        return isinstance(value, ProblemRecord)


@strawberry.type(description="A problem in a page.")
class ProblemEdge:
    """A problem in a page."""

    cursor: str = strawberry.field(description="The problem's place in lists of problems, for `after` and `before`.")
    node: Problem = strawberry.field(description="The problem.")


def _edges(root: "strawberry.Parent[ProblemConnection]") -> list[ProblemEdge]:
    records: list[Any] = root.page.records
    return [ProblemEdge(cursor=record.cursor.to_text(), node=record) for record in records]


@strawberry.type(
    description=(
        "A page of a list of problems, newest error first. It may hold fewer than asked for, even none, while there is "
        "more to find: the scan limit was reached. Go on from its cursor."
    )
)
class ProblemConnection:
    """A page of problems."""

    page: strawberry.Private[ProblemPage]
    edges: list[ProblemEdge] = resolved(_edges, "The problems with their cursors, in the order of the list.")
    nodes: list[Problem] = resolved(nodes_of, "The problems alone, in the order of the list.")
    page_info: PageInfo = resolved(page_info_of, "Where this page lies in its list.")


def _range(after: str | None, before: str | None, *, backward: bool) -> ProblemRange:
    read = ProblemCursor.from_text
    return ProblemRange(backward, given_cursor(read, after, "after"), given_cursor(read, before, "before"))


async def problems_of_objects(
    roots: Sequence[ObjectRecord],
    info: Info,
    first: int | None = UNSET,
    after: str | None = UNSET,
    last: int | None = UNSET,
    before: str | None = UNSET,
) -> list[ProblemConnection]:
    """Give the problem of each of some objects as a page of at most one."""
    size, backward = page_size(first, last)
    within = _range(after, before, backward=backward)
    problems = await info.context.loaders.problems_by_object.load_many(roots)
    found = ([problem] if problem is not None and within.holds(problem.cursor) else [] for problem in problems)
    return [ProblemConnection(page=to_problem_page(each, None, within, size)) for each in found]


async def fetch_problem_list(
    info: Info,
    namespace: NamespaceArgument = UNSET,
    object_types: Annotated[
        list[str] | None,
        strawberry.argument(
            description="Only problems of objects of one of these types; left out: of any; an empty list: none."
        ),
    ] = UNSET,
    min_severity: Annotated[
        Severity, strawberry.argument(description="What counts as an error: this severity or a worse one.")
    ] = Severity.WARNING,
    include_dismissed: Annotated[bool, strawberry.argument(description="Whether to show dismissed ones too.")] = False,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> ProblemConnection:
    """Give a page of the open problems, newest error first (HZ6)."""
    context = info.context
    size, backward = page_size(first, last)
    within = _range(after, before, backward=backward)
    name = require_text_or_none(namespace, "namespace")
    types = require_names(object_types, "objectTypes")
    severity = int(min_severity)

    async def fetch() -> ProblemPage:
        query = ProblemQuery(severity, context.clock(), include_dismissed, name, types)
        return await fetch_problem_page(context.database, scope=context.scope, query=query, size=size, within=within)

    key = ("problems", severity, include_dismissed, name, types, size, within)
    return ProblemConnection(page=await context.once(key, lambda: context.panel(fetch)))


async def find_problem(info: Info, node_id: str) -> ProblemRecord | None:
    """Give a problem by its node id, dismissed or not; None when its error is the object's last one no more (P7)."""
    key = parse_problem_node_id(node_id)
    if key is None:
        return None
    context = info.context
    query = ProblemQuery(key.min_severity, context.clock(), include_dismissed=True)
    found = (await fetch_problems_of(context.database, [key.object], scope=context.scope, query=query))[key.object]
    return found if found is not None and found.event == key.event else None


@strawberry.input(description="Which problem to dismiss, until when, and why.")
class DismissProblemInput:
    """The input of dismissProblem."""

    id: strawberry.ID = strawberry.field(description="The problem's id, as it was shown.")
    until: DateTime | None = strawberry.field(
        default=UNSET,
        description="When it is to be shown again, if nothing else has closed it; left out or null: never.",
    )
    reason: str | None = strawberry.field(default=UNSET, description="Why, for the event; at most 1000 characters.")


@strawberry.type(description="What the object's problem is now.")
class DismissProblemPayload:
    """The answer to dismissProblem."""

    problem: Problem | None = strawberry.field(
        description=(
            "The dismissed problem; another one, which is open, when the object has had a newer error; null when a "
            "success has closed it."
        )
    )


async def dismiss(
    info: Info,
    input: Annotated[DismissProblemInput, strawberry.argument(description="The problem.")],  # noqa: A002
) -> DismissProblemPayload:
    """Dismiss a problem; the right OPERATE is needed in the namespaces of its object and its event."""
    context = info.context
    key = parse_problem_node_id(input.id)
    if key is None:
        raise BadUserInputError("input.id is no id of a problem: give it as it was shown, problem:...")
    for namespace in sorted({key.object.namespace, key.event.namespace}):
        require_right(context.viewer, "OPERATE", namespace=namespace)
    reason = None if input.reason in (None, UNSET) else require_text(input.reason or "", "input.reason") or None
    record: Any = await dismiss_problem(
        context.database,
        key.object,
        key.event,
        min_severity=key.min_severity,
        until=None if input.until in (None, UNSET) else input.until,
        reason=reason,
        actor=context.viewer.name,
        scope=context.scope,
        clock=context.clock,
    )
    return DismissProblemPayload(problem=record)
