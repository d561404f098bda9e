"""Values for arguments and input fields: most mean something in the history, some mean nothing, a few are wrong.

What a value should be is told by the name of its argument, and by its type where the name says nothing: a field that
the schema gains later gets values too.
"""

import random
from collections.abc import Callable
from typing import Any

import msgspec
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
)

from gateway.schema.node_ids import object_node_id
from mutations.drafts import EventDraft
from storage.cursors import EventCursor, EventOrder, ObjectCursor, OperationCursor
from storage.records import ObjectRecord
from storage.times import format_rfc3339
from tests.equality.history import (
    BUSY,
    CATEGORIES,
    CROWDED,
    EVENT_TYPES,
    FIRST,
    NAMESPACES,
    OBJECT_IDS,
    OBJECT_TYPES,
    OPERATION_TYPES,
    OPERATIONS,
    RECEIVED,
    REQUESTS,
    SOURCES,
    TEXTS,
    event_id,
    make_history,
    operation_id,
)

_DRAFTS = [draft for batch in make_history() for draft in batch]
_MOST_NESTED = 2

_IDS = (*map(event_id, range(0, 90, 3)), *map(event_id, (200, 201, 210, 213, 1000, 1001)), event_id(CROWDED))
_OBJECT_NODES = tuple(
    object_node_id(ObjectRecord(*identity))
    for identity in (("default", "instance", "i-1"), ("lab", "volume", "v 1"), ("default", BUSY.object_type, "busy"))
)
_OPERATION_NODES = tuple(f"operation:{operation_id(number)}" for number in range(1, OPERATIONS, 9))
_WRONG_IDS = ("", "x", event_id(999), event_id(3).upper(), "object:", "object:e30", "00000000-0000-7000-8000")
_TIMES = tuple(format_rfc3339(FIRST + step) for step in (0, 1, 500_000, 1_000_000, 9_000_000, 20_000_000, 30_000_000))
_EVENT_CURSORS = {
    order: [
        EventCursor(order, draft.timestamp or 0, draft.id or "", draft.namespace or "default").to_text()
        for draft in _DRAFTS[::7]
    ]
    for order in EventOrder
}
_OBJECT_CURSORS = [
    ObjectCursor(namespace, kind, name).to_text()
    for namespace in ("default", "lab")
    for kind in OBJECT_TYPES
    for name in OBJECT_IDS
]
_OPERATION_CURSORS = [OperationCursor(key).to_text() for key in range(0, OPERATIONS + 2, 5)]
_WRONG_CURSORS = ("", "x", "bm90IGEgY3Vyc29y", "ä", "WzIsImUiXQ", "WzEsImUiLCJOIl0")
_POOLS: dict[str, tuple[Any, ...]] = {
    "id": (*_IDS, *_IDS, *_OBJECT_NODES, *_OBJECT_NODES, *_OBJECT_NODES, *_OPERATION_NODES, *_WRONG_IDS),
    "ids": (*_IDS, *_WRONG_IDS),
    "parentIds": (*_IDS, *_WRONG_IDS),
    "registrationIds": (event_id(900), event_id(901), *_WRONG_IDS),
    "namespace": (*NAMESPACES, *NAMESPACES, "elsewhere", "nowhere", ""),
    "namespaces": (*NAMESPACES, "nowhere"),
    "objectType": (*OBJECT_TYPES, *OBJECT_TYPES, "part", "none", ""),
    "objectTypes": (*OBJECT_TYPES, "part", "none"),
    "objectId": (*OBJECT_IDS, "busy", "busy", "p-1", "none"),
    "idPrefix": ("", "i", "p-", "😀", "none"),
    "requestId": (*REQUESTS, *REQUESTS, "", "x" * 300),
    "requestIds": REQUESTS,
    "operationTypes": (*OPERATION_TYPES, "none"),
    "eventTypes": (*EVENT_TYPES, "none"),
    "categories": (*CATEGORIES, "none"),
    "sources": (*SOURCES, "none"),
    "since": _TIMES[:4],
    "until": _TIMES[3:],
    "receivedSince": (format_rfc3339(RECEIVED), format_rfc3339(RECEIVED + 2_000_000)),
    "receivedUntil": (format_rfc3339(RECEIVED + 3_000_000), "1970-01-01T00:00:00Z"),
    "asOf": ("1", "2", "3", "4", "5", "6", "6", "999999999", "abc", "", "0"),
    "minDurationMs": (0, 0.5, 1.5, -1),
    "maxDurationMs": (0, 1.5, 1e9),
    "path": ("n", "a b", "c.d", "ä"),
    "role": ("peer", "ölig", "none", ""),
    "selectors": (
        *("severity>=error", "event_type=audit", "message~100", "success=true", "extra.n=1", "object.instance=i-1"),
        *("duration_ms<=1.5", "actor!=alice", "nonsense", "no_such_attribute=1", "timestamp<2026-01-01T10:00:01Z"),
    ),
    "messageContains": ("", "a", "%", "😀", "turn"),
}
_SCALARS: dict[str, tuple[Any, ...]] = {
    "ID": (*_IDS, *_WRONG_IDS),
    "String": (*TEXTS, ""),
    "Int": (0, 1, 2, 3, 50),
    "Float": (0, 0.5, 1, -1.25, 1e10),
    "Boolean": (True, False),
    "DateTime": _TIMES,
    "BigInt": (0, 1, "2", 2**53 - 1),
    "JSON": (1, 1.5, "a", True, [1, "a"], {"n": 1}, {"k": None, "j": [2]}),
}
SIZES = ("first", "last")


class Values:
    """Draws values; `new_events`: whether mutations may also store events that are not there."""

    def __init__(self, chance: random.Random, *, new_events: bool) -> None:
        self._chance = chance
        self._new_events = new_events

    def draw(self, type_: GraphQLInputType, name: str, *, nested: int = 0) -> Any:
        """Give a JSON value of a type for the argument or input field of that name."""
        chance = self._chance
        if isinstance(type_, GraphQLNonNull):
            return self._draw_given(type_.of_type, name, nested)
        # Null is seldom: in most places it means no more than an argument that was left out.
        return None if chance.random() < 0.04 else self._draw_given(type_, name, nested)

    def draw_cursor(self, connection: str, order: str) -> str:
        """Give a cursor for a connection of that type in that order; sometimes one that does not belong there."""
        chance = self._chance
        kind = chance.random()
        if kind < 0.06:
            return chance.choice(_WRONG_CURSORS)
        is_of_objects = "Object" in connection
        if kind < 0.1:
            is_of_objects = not is_of_objects
        if is_of_objects:
            return chance.choice(_OBJECT_CURSORS)
        if "Operation" in connection:
            return chance.choice(_OPERATION_CURSORS)
        known = EventOrder(order) if kind > 0.15 else chance.choice(list(EventOrder))
        return chance.choice(_EVENT_CURSORS[known])

    def draw_size(self, most: int) -> int:
        """Give the size of a page, seldom an impossible one."""
        chance = self._chance
        if chance.random() < 0.03:
            return chance.choice((-1, 1001, -(2**31), 2**31 - 1))
        return chance.choice([size for size in (0, 1, 1, 2, 2, 3, 5, 9, 20, 50, 300, 1000) if size <= most])

    def _draw_given(self, type_: Any, name: str, nested: int) -> Any:
        chance = self._chance
        match type_:
            case GraphQLList():
                if name == "events":
                    return [self._draw_given(_named(type_), "", nested) for _ in range(chance.randrange(1, 4))]
                length = chance.choice((0, 1, 1, 1, 2, 3))
                values = [self._draw_given(_named(type_), name, nested) for _ in range(length)]
                # A single value may stand for a list of one.
                return values[0] if length == 1 and values[0] is not None and chance.random() < 0.1 else values
            case GraphQLInputObjectType() if type_.name == "EventInput":
                return self._draw_event()
            case GraphQLInputObjectType():
                return self._draw_object(type_, nested)
            case GraphQLEnumType():
                return chance.choice(list(type_.values))
            case GraphQLScalarType():
                return chance.choice(_POOLS.get(name) or _SCALARS.get(type_.name, _SCALARS["String"]))
        raise TypeError(f"no value of {type_} can be drawn")

    def _draw_object(self, type_: GraphQLInputObjectType, nested: int) -> dict[str, Any]:
        chance = self._chance
        required = [name for name, field in type_.fields.items() if isinstance(field.type, GraphQLNonNull)]
        optional = [
            name
            for name, field in type_.fields.items()
            if name not in required and (nested < _MOST_NESTED or not _is_recursive(field.type, type_))
        ]
        if type_.is_one_of:
            chosen = [chance.choice(optional)]
        else:
            chosen = required + chance.sample(optional, min(len(optional), chance.choice((0, 1, 1, 2))))
        draw: Callable[..., Any] = self._draw_given if type_.is_one_of else self.draw
        values: dict[str, Any] = {}
        for name in chosen:
            field_type: Any = type_.fields[name].type
            if type_.is_one_of and isinstance(field_type, GraphQLNonNull):
                field_type = field_type.of_type
            inner = nested + _is_recursive(field_type, type_)
            value = draw(field_type, name, inner) if type_.is_one_of else draw(field_type, name, nested=inner)
            values[name] = 0 if type_.is_one_of and value is None else value
        return values

    def _draw_event(self) -> dict[str, Any]:
        """Give an event that is stored already, most often; else one in conflict with it, a wrong or a new one."""
        chance = self._chance
        event = _event_input(chance.choice(_DRAFTS[:60]))
        kind = chance.random()
        if kind < 0.2:
            event["message"] = "changed"
        elif kind < 0.45:
            event.update(
                chance.choice(
                    [
                        {"id": "wrong"},
                        {"eventType": ""},
                        {"eventType": "x" * 65},
                        {"severityText": "unheard of", "severity": None},
                        {"namespace": "timeloom"},
                        {"namespace": "not a name"},
                        {"durationMs": -1},
                        {"recordCount": -1},
                        {"timestamp": "9999-12-31T23:59:59Z"},
                        {"objects": [{"objectType": "a", "objectId": "b", "role": role} for role in ("c", "d")]},
                    ]
                )
            )
        elif kind < 0.6 and self._new_events:
            event["id"] = event_id(5000 + chance.randrange(300))
        return event


def _event_input(draft: EventDraft) -> dict[str, Any]:
    event = {name: value for name, value in msgspec.to_builtins(draft).items() if value is not None}
    event["timestamp"] = format_rfc3339(draft.timestamp or 0)
    if draft.extra is not None:
        event["extra"] = {"n": 1, "text": "ä"}
    return event


def _named(type_: Any) -> Any:
    while isinstance(type_, GraphQLList | GraphQLNonNull):
        type_ = type_.of_type
    return type_


def _is_recursive(type_: Any, within: GraphQLInputObjectType) -> bool:
    return _named(type_) is within
