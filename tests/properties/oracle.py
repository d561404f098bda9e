"""The rules of filters, read once more and written as plainly as can be, to hold the database's answers against.

Nothing here uses the code under test: a filter is the dict that a client would send, an event is a dict too.
"""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from tests.properties.events import SEVERITIES

_MISSING = object()

_LISTS = {
    "ids": "id",
    "namespaces": "namespace",
    "eventTypes": "eventType",
    "categories": "category",
    "severities": "severity",
    "sources": "source",
    "requestIds": "requestId",
    "correlationIds": "correlationId",
    "parentIds": "parentId",
    "traceIds": "traceId",
    "actors": "actor",
    "registrationIds": "registrationId",
}
_ID_FIELDS = {"id", "parentId", "registrationId"}
_TEXT_FIELDS = {
    "EVENT_TYPE": "eventType",
    "CATEGORY": "category",
    "SOURCE": "source",
    "MESSAGE": "message",
    "ACTOR": "actor",
    "SESSION_ID": "sessionId",
    "REQUEST_ID": "requestId",
    "CORRELATION_ID": "correlationId",
    "PARENT_ID": "parentId",
    "TRACE_ID": "traceId",
    "REGISTRATION_ID": "registrationId",
    "OWNER": "owner",
}

Event = dict[str, Any]
Filter = dict[str, Any]
Again = Callable[[Filter], bool]
Instants = Callable[[str], int]


def matches(filter_: Filter, event: Event, *, meanings: dict[str, Filter], at: Instants) -> bool:
    """Whether a filter means an event. `meanings`: the filter that a selector text stands for; `at` reads times."""

    def again(part: Filter) -> bool:
        return matches(part, event, meanings=meanings, at=at)

    tests: dict[str, Callable[[Any], bool]] = {
        "and": lambda parts: all(map(again, parts)),
        "or": lambda parts: any(map(again, parts)),
        "not": lambda part: not again(part),
        "selectors": lambda texts: all(again(meanings[text]) for text in texts),
        "minSeverity": lambda word: SEVERITIES.index(event["severity"]) >= SEVERITIES.index(word),
        "since": lambda text: event["timestamp"] >= at(text),
        "until": lambda text: event["timestamp"] < at(text),
        "receivedSince": lambda text: event["receivedAt"] >= at(text),
        "receivedUntil": lambda text: event["receivedAt"] < at(text),
        "messageContains": lambda text: text in event["message"],
        "success": lambda flag: event["success"] is flag,
        "minDurationMs": lambda least: event["durationMs"] is not None and event["durationMs"] >= least,
        "maxDurationMs": lambda most: event["durationMs"] is not None and event["durationMs"] <= most,
        "objects": lambda items: any(_touches(item, event) for item in items),
        "objectTypes": lambda kinds: any(kind in kinds for kind, *_ in event["objects"]),
        "fields": lambda items: all(_text_test(item, event) for item in items),
        "extra": lambda items: all(_json_test(item["test"], _find(event["extra"], item["path"])) for item in items),
    }
    return all(
        tests[name](value) if name in tests else _is_any_of(name, value, event) for name, value in filter_.items()
    )


def _is_any_of(name: str, wanted: list[str], event: Event) -> bool:
    field = _LISTS[name]
    return event[field] in ([text.lower() for text in wanted] if field in _ID_FIELDS else wanted)


def _touches(item: dict[str, Any], event: Event) -> bool:
    return any(
        (kind, identifier) == (item["objectType"], item["objectId"])
        and item.get("namespace", namespace) == namespace
        and item.get("role", role) == role
        for kind, identifier, namespace, role in event["objects"]
    )


def _text_test(item: dict[str, Any], event: Event) -> bool:
    field = _TEXT_FIELDS[item["field"]]
    text = event[field]
    ((name, value),) = item["test"].items()
    if name == "isNull":
        return (text is None) is value
    if text is None:
        return False
    if name == "prefix":
        return bool(text.startswith(value))
    if name == "contains":
        return value in text
    wanted = [value] if name == "eq" else value
    return text in ([one.lower() for one in wanted] if field in _ID_FIELDS else wanted)


def _json_test(test: dict[str, Any], found: Any) -> bool:
    ((name, value),) = test.items()
    if name == "exists":
        return (found is not _MISSING) is value
    if name == "isNull":
        return (found is None) is value
    if found is _MISSING:
        return False
    if name in ("eq", "in"):
        return any(_same(found, _exact(one)) for one in ([value] if name == "eq" else value))
    if name == "contains":
        return isinstance(found, str) and value in found
    if name == "includes":
        return isinstance(found, list) and any(_same(one, _exact(value)) for one in found)
    if not isinstance(found, Decimal):
        return False
    number = _exact(value)
    return bool({"lt": found < number, "lte": found <= number, "gt": found > number, "gte": found >= number}[name])


def _find(extra: str | None, path: list[str]) -> Any:
    if extra is None:
        return _MISSING
    value = _decode(extra)
    for key in path:
        if not isinstance(value, dict) or key not in value:
            return _MISSING
        value = value[key]
    return value


def _exact(value: Any) -> Any:
    return _decode(json.dumps(value))


def _decode(text: str) -> Any:
    return json.loads(text, parse_int=Decimal, parse_float=Decimal)


def _same(left: Any, right: Any) -> bool:
    """Python's == but for true, which is not 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(value, right[key]) for key, value in left.items())
    return bool(left == right)
