"""EventTree: the events of a correlation, of a cause or of a trace as trees (GQ1, L3, NU2)."""

from collections.abc import Iterator, Sequence
from functools import cached_property, partial
from typing import Annotated, Any

import strawberry
from strawberry import UNSET

from gateway.context import Info
from gateway.schema.actions import Actions, find_actions, judge
from gateway.schema.connections import EventType
from gateway.schema.enums import Severity, TreeState
from gateway.schema.events import find_event
from gateway.schema.fields import EventNamespace, NamespaceArgument, resolved, stored
from gateway.schema.forests import Forest, plant
from gateway.schema.lookahead import event_fields
from gateway.schema.node_ids import parse_event_id
from gateway.schema.scalars import DateTime
from gateway.schema.texts import require_text, require_text_or_none
from storage.event_rows import EventRows
from storage.records import EventKey
from storage.selectors import EventField
from storage.times import MICROSECONDS_PER_MILLISECOND, add_milliseconds
from storage.trees import TreeEvents, fetch_tree_by_field, fetch_tree_by_parents

_EVENT_PLACE = "entries.event"
_RECKONED_EVENTS = 5_000
_DECIMALS = 6
"""Reckoned milliseconds end at nanoseconds: what is below is the rounding of the reckoning."""


@strawberry.type(description="An event in a tree, and where it stands.")
class EventTreeNode:
    """An event in a tree."""

    event: EventType = stored("The event.")
    depth: int = stored("How many events of the tree are above it; 0: it is a root.")
    parent_id: strawberry.ID | None = stored(
        "The id of the event above it in this tree; null for a root, whose own parentId tells the rest."
    )
    child_count: int = stored("How many events of the tree are directly below it.")
    is_orphan: bool = stored(
        "Whether it names a parent that is not in this tree: not stored, not visible, or none of these events."
    )
    is_cycle: bool = stored(
        "Whether it is the earliest event of a cycle: its link to its parent, which is below it, was cut."
    )
    offset_ms: float = stored("Milliseconds from the start of the tree to its timestamp, with fractions.")
    gap_ms: float | None = stored(
        "Milliseconds from the end (timestamp + durationMs) of the event of the same type before it in time to its own "
        "timestamp; 0 when that had not ended yet; null for the first of its type."
    )
    state: TreeState | None = stored(
        "How it came out as an action: by the last of its children that ends in `.completed` or `.failed`, else by its "
        "own success; RUNNING when nobody has said; null for a child that tells of its parent."
    )
    elapsed_ms: float | None = stored(
        "How long it took as an action, in milliseconds: to the end of the child that tells how it came out, else its "
        "durationMs; null when neither is known."
    )


class EventTreeNodes(Sequence[EventTreeNode]):
    """The entries of a tree, made only when they are asked for one by one."""

    def __init__(self, rows: EventRows, forest: Forest) -> None:
        self._rows = rows
        self._forest = forest
        self._events = rows.with_rows([rows.rows[place] for place in forest.order])

    def column(self, name: str) -> Sequence[Any]:
        """Give one field of all entries. Raises KeyError for one that entries have not."""
        forest = self._forest
        match name:
            case "event":
                return self._events
            case "offset_ms":
                started_at = min(self._rows.column("occurred_at"))
                return [_milliseconds(started_at, at) for at in self._events.column("occurred_at")]
            case "gap_ms":
                gaps = _gaps_ms(*map(self._rows.column, ("event_type", "occurred_at", "duration_ms")))
                return [gaps[place] for place in forest.order]
            case "state":
                return list(map(self.actions.state_of, forest.order))
            case "elapsed_ms":
                return list(map(self._elapsed_ms, forest.order))
            case "parent_id":
                parent_ids = self._rows.column("parent_id")
                return [None if forest.parents[place] is None else parent_ids[place] for place in forest.order]
        by_place: dict[str, Sequence[Any]] = {
            "depth": forest.depths,
            "child_count": forest.child_counts,
            "is_orphan": forest.are_orphans,
            "is_cycle": forest.are_cut,
        }
        values = by_place[name]
        return [values[place] for place in forest.order]

    @cached_property
    def actions(self) -> Actions:
        """The events as actions."""
        return find_actions(self._forest, self._rows.column("event_type"), self._rows.column("success"))

    def _elapsed_ms(self, place: int) -> float | None:
        times: Sequence[int] = self._rows.column("occurred_at")
        durations: Sequence[float | None] = self._rows.column("duration_ms")
        ending = self.actions.endings[place]
        if ending is None:
            return durations[place]
        # A child may be timed before its parent, by another clock.
        return round(max(_milliseconds(times[place], times[ending]) + (durations[ending] or 0.0), 0.0), _DECIMALS)

    def __len__(self) -> int:
        return len(self._events)

    def __getitem__(self, index: Any) -> Any:
        return list(self)[index]

    def __iter__(self) -> Iterator[EventTreeNode]:
        names = tuple(EventTreeNode.__dataclass_fields__)
        for values in zip(*map(self.column, names), strict=True):
            yield EventTreeNode(**dict(zip(names, values, strict=True)))


def _entries(root: "strawberry.Parent[EventTree]") -> Sequence[EventTreeNode]:
    return root.nodes


@strawberry.type(
    description=(
        "Events as trees. Beyond the limit of a tree (10,000 events, a setting) it is truncated: all else that is said "
        "of it is said of the events in it."
    )
)
class EventTree:
    """Events as trees."""

    nodes: strawberry.Private[Sequence[EventTreeNode]]
    entries: list[EventTreeNode] = resolved(
        _entries,
        "The events, depth first: parents before children, siblings by (timestamp, id), each followed by all below it.",
        # Half of the most: small trees may be asked for relations of their events, large ones for few of them.
        length=_RECKONED_EVENTS,
    )
    root_count: int = stored("How many of them are roots.")
    started_at: DateTime | None = stored("The earliest timestamp.")
    ended_at: DateTime | None = stored("The latest timestamp + durationMs of its events, cut to microseconds.")
    duration_ms: float | None = stored("From its start to its end, in milliseconds, with fractions.")
    worst_severity: Severity | None = stored("The worst severity of its events.")
    state: TreeState | None = stored("How its actions came out; null: nothing in it has an outcome.")
    truncated: bool = stored("Whether it has, or may have, more events than are shown.")


async def fetch_correlation(
    info: Info,
    correlation_id: Annotated[str, strawberry.argument(description="The correlationId of its events.")],
    namespace: NamespaceArgument = UNSET,
) -> EventTree | None:
    """Give the trees of a correlation; None when no visible event belongs to it (P7)."""
    value = require_text(correlation_id, "correlationId")
    return await _fetch_by_field(info, EventField.CORRELATION_ID, value, namespace)


async def fetch_trace(
    info: Info,
    trace_id: Annotated[str, strawberry.argument(description="The traceId of its events.")],
    namespace: NamespaceArgument = UNSET,
) -> EventTree | None:
    """Give the trees of a trace; None when no visible event belongs to it (P7)."""
    return await _fetch_by_field(info, EventField.TRACE_ID, require_text(trace_id, "traceId"), namespace)


async def fetch_causation(
    info: Info,
    event_id: Annotated[strawberry.ID, strawberry.argument(description="The id of any event of the tree.")],
    namespace: EventNamespace = UNSET,
) -> EventTree | None:
    """Give the tree that an event belongs to; None when it is not there, or the id is malformed (P7)."""
    context = info.context
    found_id = parse_event_id(event_id)
    if found_id is None:
        return None
    key = await _find_key(info, found_id, require_text_or_none(namespace, "namespace"))
    if key is None:
        return None
    found = await context.panel(
        partial(
            fetch_tree_by_parents,
            context.database,
            key,
            scope=context.scope,
            most=context.max_tree_events,
            fields=event_fields(info, _EVENT_PLACE),
        )
    )
    return None if found is None else to_tree(found)


async def _find_key(info: Info, event_id: str, namespace: str | None) -> EventKey | None:
    """Give the key of an event in the namespace that is given, else in the first that `event` would choose."""
    if namespace is not None:
        return EventKey(namespace, event_id)
    found = await find_event(info.context, event_id, fields=())
    return None if found is None else found.key


async def _fetch_by_field(info: Info, field: EventField, value: str, namespace: str | None) -> EventTree | None:
    context = info.context
    found = await context.panel(
        partial(
            fetch_tree_by_field,
            context.database,
            field,
            value,
            namespace=require_text_or_none(namespace, "namespace"),
            scope=context.scope,
            most=context.max_tree_events,
            fields=event_fields(info, _EVENT_PLACE),
        )
    )
    # When the scan limit was reached before the first visible event, nobody knows whether there is one.
    return to_tree(found) if found.rows or found.is_truncated else None


def to_tree(found: TreeEvents) -> EventTree:
    """Make the tree of the events that were found for it."""
    rows = found.rows
    if not rows:
        return EventTree(
            nodes=(),
            root_count=0,
            started_at=None,
            ended_at=None,
            duration_ms=None,
            worst_severity=None,
            state=None,
            truncated=found.is_truncated,
        )
    names = list(zip(rows.column("namespace"), rows.column("id"), strict=True))
    forest = plant(names, rows.column("parent_id"))
    nodes = EventTreeNodes(rows, forest)
    times: Sequence[int] = rows.column("occurred_at")
    started_at, duration_ms = min(times), _duration_ms(times, rows.column("duration_ms"))
    return EventTree(
        nodes=nodes,
        root_count=len(forest.roots),
        started_at=DateTime(started_at),
        ended_at=DateTime(add_milliseconds(started_at, duration_ms)),
        duration_ms=duration_ms,
        worst_severity=Severity(max(rows.column("severity"))),
        state=judge(forest, nodes.actions),
        truncated=found.is_truncated,
    )


def _duration_ms(times: Sequence[int], durations: Sequence[float | None]) -> float:
    """Give the milliseconds from the earliest time to the latest end (T6)."""
    started_at = min(times)
    return max(_milliseconds(started_at, at) + (duration or 0.0) for at, duration in zip(times, durations, strict=True))


def _gaps_ms(event_types: Sequence[str], times: Sequence[int], durations: Sequence[float | None]) -> list[float | None]:
    """Give the milliseconds between each event and the end of that of its type before it; in order of time."""
    ends: dict[str, float] = {}
    gaps: list[float | None] = []
    for event_type, at, duration in zip(event_types, times, durations, strict=True):
        offset = _milliseconds(times[0], at)
        before = ends.get(event_type)
        gaps.append(None if before is None else round(max(offset - before, 0.0), _DECIMALS))
        ends[event_type] = max(offset + (duration or 0.0), before or 0.0)
    return gaps


def _milliseconds(since: int, until: int) -> float:
    return (until - since) / MICROSECONDS_PER_MILLISECOND
