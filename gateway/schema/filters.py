"""From a client's filter to one immutable Selector (rules F1 to F23).

What a filter says that no selector can say, or that would match everything or nothing in silence, is an error here with
the path of the place: `filter.and[0].actors`.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from math import isfinite
from typing import Any, Final, TypeVar

from strawberry import UNSET

from gateway.errors import BadUserInputError, QueryTooComplexError
from gateway.schema.filter_inputs import (
    EventFilter,
    FieldPredicate,
    JsonPredicate,
    ObjectFilter,
    TextTest,
)
from gateway.schema.filter_inputs import (
    JsonTest as JsonTestInput,
)
from gateway.schema.node_ids import parse_event_id, parse_kind_id
from gateway.schema.texts import require_json, require_text
from storage.errors import SelectorError, TooManyValuesError
from storage.identifiers import parse_uuid
from storage.selector_text import parse_selector
from storage.selectors import (
    ALL,
    UUID_FIELDS,
    Comparison,
    EventField,
    FieldTest,
    JsonComparison,
    JsonTest,
    Not,
    ObjectReference,
    Or,
    Selector,
    TouchesAny,
    TouchesType,
    all_of,
    equals_any,
)
from storage.times import EARLIEST, LATEST, format_rfc3339

MAX_LIST_VALUES = 1000
MAX_FILTER_VALUES = 10_000
MAX_FILTER_DEPTH = 32

_Value = TypeVar("_Value")
_JSON_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)


def to_selector(filter_: EventFilter | None) -> Selector:
    """Give the selector of a filter; None (left out, or null as a whole) selects every event.

    Raises BadUserInputError and QueryTooComplexError, with the path of what to change.
    """
    return _Conversion().event_filter(filter_, "filter", 1) if filter_ else ALL


class _Conversion:
    """One filter on its way to a selector; counts its values, so that nesting cannot get around the limit of a list."""

    def __init__(self) -> None:
        self._values = 0

    def event_filter(self, given: EventFilter, path: str, depth: int) -> Selector:
        """Convert one filter object."""
        if depth > MAX_FILTER_DEPTH:
            raise QueryTooComplexError(f"filters nest at most {MAX_FILTER_DEPTH} deep, at {_short(path)}")
        _require_no_nulls(given, path)
        return all_of(
            (
                *self._lists(given, path),
                *self._times(given, path),
                *self._values_of(given, path),
                *self._relations(given, path),
                *self._nested(given, path, depth),
            )
        )

    def _lists(self, given: EventFilter, path: str) -> Iterable[Selector]:
        for attribute, field in _TEXT_LISTS.items():
            texts = getattr(given, attribute)
            if texts is not UNSET:
                yield equals_any(field, self._texts(texts, f"{path}.{_name(attribute)}"))
        for attribute, (field, parse) in _ID_LISTS.items():
            ids = getattr(given, attribute)
            if ids is not UNSET:
                yield equals_any(field, self._ids(ids, f"{path}.{_name(attribute)}", parse))
        if given.severities is not UNSET:
            severities = self._list(given.severities or (), f"{path}.severities")
            yield equals_any(EventField.SEVERITY, (int(severity) for severity in severities))

    def _times(self, given: EventFilter, path: str) -> Iterable[Selector]:
        for field, start, end in _TIME_RANGES:
            since, until = getattr(given, start), getattr(given, end)
            if since is not UNSET:
                yield FieldTest(field, Comparison.GREATER_OR_EQUAL, require_time(since, f"{path}.{_name(start)}"))
            if until is not UNSET:
                yield FieldTest(field, Comparison.LESS, require_time(until, f"{path}.{_name(end)}"))
            if since is not UNSET and until is not UNSET and since > until:
                raise BadUserInputError(
                    f"{path}.{_name(start)} ({format_rfc3339(since)}) is after {_name(end)} ({format_rfc3339(until)}): "
                    "exchange them"
                )

    def _values_of(self, given: EventFilter, path: str) -> Iterable[Selector]:
        if given.min_severity is not UNSET and given.min_severity is not None:
            yield FieldTest(EventField.SEVERITY, Comparison.GREATER_OR_EQUAL, int(given.min_severity))
        if given.message_contains is not UNSET and given.message_contains is not None:
            text = require_text(given.message_contains, f"{path}.messageContains")
            yield FieldTest(EventField.MESSAGE, Comparison.CONTAINS, text)
        if given.success is not UNSET:
            yield equals_any(EventField.SUCCESS, (given.success,))
        if given.min_duration_ms is not UNSET:
            yield FieldTest(
                EventField.DURATION_MS,
                Comparison.GREATER_OR_EQUAL,
                _require_finite(given.min_duration_ms, f"{path}.minDurationMs"),
            )
        if given.max_duration_ms is not UNSET:
            yield FieldTest(
                EventField.DURATION_MS,
                Comparison.LESS_OR_EQUAL,
                _require_finite(given.max_duration_ms, f"{path}.maxDurationMs"),
            )

    def _relations(self, given: EventFilter, path: str) -> Iterable[Selector]:
        if given.objects is not UNSET:
            objects = self._list(given.objects or (), f"{path}.objects")
            yield TouchesAny(tuple(_reference(item, f"{path}.objects[{index}]") for index, item in enumerate(objects)))
        if given.object_types is not UNSET:
            yield TouchesType(self._texts(given.object_types or (), f"{path}.objectTypes"))
        if given.fields is not UNSET:
            predicates = self._list(given.fields or (), f"{path}.fields")
            yield from (self._field(item, f"{path}.fields[{index}]") for index, item in enumerate(predicates))
        if given.extra is not UNSET:
            tests = self._list(given.extra or (), f"{path}.extra")
            yield from (self._json(item, f"{path}.extra[{index}]") for index, item in enumerate(tests))
        if given.selectors is not UNSET:
            texts = self._texts(given.selectors or (), f"{path}.selectors")
            yield from (_parsed(text, f"{path}.selectors[{index}]") for index, text in enumerate(texts))

    def _nested(self, given: EventFilter, path: str, depth: int) -> Iterable[Selector]:
        if given.and_ is not UNSET:
            yield all_of(self._members(given.and_ or (), f"{path}.and", depth))
        if given.or_ is not UNSET:
            yield Or(tuple(self._members(given.or_ or (), f"{path}.or", depth)))
        if given.not_ is not UNSET and given.not_ is not None:
            yield Not(self.event_filter(given.not_, f"{path}.not", depth + 1))

    def _members(self, given: Sequence[EventFilter], path: str, depth: int) -> Iterable[Selector]:
        return (
            self.event_filter(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(self._list(given, path))
        )

    def _field(self, predicate: FieldPredicate, path: str) -> Selector:
        field: EventField = predicate.field.value
        name, value = _only_test(predicate.test)
        where = f"{path}.test.{name}"
        if name == "isNull":
            is_null = FieldTest(field, Comparison.IS_NULL, None)
            return is_null if value else Not(is_null)
        if name in ("eq", "in"):
            texts = self._texts([value] if name == "eq" else value, where)
            return equals_any(field, _uuids(texts) if field in UUID_FIELDS else texts)
        return FieldTest(
            field, Comparison.PREFIX if name == "prefix" else Comparison.CONTAINS, require_text(value, where)
        )

    def _json(self, predicate: JsonPredicate, path: str) -> Selector:
        if not predicate.path:
            raise BadUserInputError(f"{path}.path is empty: name the keys that lead to a value inside extra")
        keys = self._texts(predicate.path, f"{path}.path")
        name, value = _only_test(predicate.test)
        where = f"{path}.test.{name}"
        if name in ("isNull", "exists"):
            test = JsonTest(keys, JsonComparison.IS_NULL if name == "isNull" else JsonComparison.EXISTS, None)
            return test if value else Not(test)
        if name in ("eq", "in"):
            values = self._list([value] if name == "eq" else value, where)
            return JsonTest(keys, JsonComparison.IN, tuple(require_json(str(one), where) for one in values))
        if name in _JSON_ORDERINGS:
            if not _JSON_NUMBER.fullmatch(value):
                raise BadUserInputError(f"{where} takes a number: texts and other values have no order here")
            return JsonTest(keys, _JSON_ORDERINGS[name], str(value))
        if name == "contains":
            return JsonTest(keys, JsonComparison.CONTAINS, require_text(value, where))
        return JsonTest(keys, JsonComparison.INCLUDES, require_json(str(value), where))

    def _texts(self, texts: Sequence[str], path: str) -> tuple[str, ...]:
        return tuple(require_text(text, f"{path}[{index}]") for index, text in enumerate(self._list(texts, path)))

    def _ids(self, ids: Sequence[str], path: str, parse: Callable[[str], str | None]) -> Iterable[str]:
        for index, text in enumerate(self._list(ids, path)):
            parsed = parse(text)
            if parsed is None:
                raise BadUserInputError(
                    f"{path}[{index}] is no id: give a UUID such as 01890a5d-ac96-774b-bcce-b302099a8057"
                )
            yield parsed

    def _list(self, values: Sequence[_Value], path: str) -> Sequence[_Value]:
        if len(values) > MAX_LIST_VALUES:
            raise QueryTooComplexError(
                f"{path} has {len(values)} values, a list in a filter has at most {MAX_LIST_VALUES}"
            )
        self._values += len(values)
        if self._values > MAX_FILTER_VALUES:
            raise QueryTooComplexError(f"the lists of a filter have at most {MAX_FILTER_VALUES} values together")
        return values


def _parse_registration_id(text: str) -> str | None:
    return parse_kind_id(text, "registration")


_TEXT_LISTS: Final = {
    "namespaces": EventField.NAMESPACE,
    "event_types": EventField.EVENT_TYPE,
    "categories": EventField.CATEGORY,
    "sources": EventField.SOURCE,
    "request_ids": EventField.REQUEST_ID,
    "correlation_ids": EventField.CORRELATION_ID,
    "trace_ids": EventField.TRACE_ID,
    "actors": EventField.ACTOR,
}
_ID_LISTS: Final = {
    "ids": (EventField.ID, parse_event_id),
    "parent_ids": (EventField.PARENT_ID, parse_event_id),
    "registration_ids": (EventField.REGISTRATION_ID, _parse_registration_id),
}
_TIME_RANGES: Final = (
    (EventField.TIMESTAMP, "since", "until"),
    (EventField.RECEIVED_AT, "received_since", "received_until"),
)
_JSON_ORDERINGS: Final = {
    "lt": JsonComparison.LESS,
    "lte": JsonComparison.LESS_OR_EQUAL,
    "gt": JsonComparison.GREATER,
    "gte": JsonComparison.GREATER_OR_EQUAL,
}


def _name(attribute: str) -> str:
    """Give the GraphQL name of an attribute, as an error's path shows it."""
    first, *others = attribute.rstrip("_").split("_")
    return first + "".join(word.capitalize() for word in others)


def _short(path: str) -> str:
    return path if len(path) <= 80 else f"{path[:77]}..."


def _require_no_nulls(given: object, path: str) -> None:
    for item in fields(given):  # type: ignore[arg-type]
        if getattr(given, item.name) is None:
            raise BadUserInputError(f"{_short(path)}.{_name(item.name)} is null: leave it out, or use isNull")


def require_time(value: int, path: str) -> int:
    """Give a time back; raise BadUserInputError when it lies outside the years that events may have."""
    if not EARLIEST <= value <= LATEST:
        raise BadUserInputError(f"{path} lies outside the years 1970 to 9999")
    return value


def _require_finite(value: float | None, path: str) -> float | None:
    # A literal such as 1e400 passes GraphQL's own check, which only looks at variables.
    if value is not None and not isfinite(value):
        raise BadUserInputError(f"{path} is beyond every number that can be stored")
    return value


def _reference(given: ObjectFilter, path: str) -> ObjectReference:
    _require_no_nulls(given, path)
    return ObjectReference(
        object_type=require_text(given.object_type, f"{path}.objectType"),
        object_id=require_text(given.object_id, f"{path}.objectId"),
        namespace=None if given.namespace is UNSET else require_text(given.namespace or "", f"{path}.namespace"),
        role=None if given.role is UNSET else require_text(given.role or "", f"{path}.role"),
    )


def _only_test(test: TextTest | JsonTestInput) -> tuple[str, Any]:
    """Give the one test that a @oneOf input holds; GraphQL has made sure that there is one, and that it is not null."""
    return next((_name(item.name), value) for item in fields(test) if (value := getattr(test, item.name)) is not UNSET)


def _uuids(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(parsed for text in texts if (parsed := parse_uuid(text)) is not None)


def _parsed(text: str, path: str) -> Selector:
    try:
        return parse_selector(text)
    except TooManyValuesError as error:
        raise QueryTooComplexError(f"{path}: {error}") from None
    except SelectorError as error:
        raise BadUserInputError(f"{path}: {error}") from None
