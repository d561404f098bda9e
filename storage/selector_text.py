"""Selector text: `attribute=value` and its kin, as the command line and EventFilter.selectors take it (HZ1).

A selector that cannot be understood is an error; it never matches everything and never matches nothing in silence.
"""

import difflib
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from math import isinf

import orjson

from storage.errors import SelectorError
from storage.identifiers import parse_uuid
from storage.selectors import (
    NONE,
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
    TouchesId,
)
from storage.severities import SEVERITY_WORDS, Severity, severity_from_word
from storage.times import EARLIEST, LATEST, parse_rfc3339

_SURROGATE = re.compile("[\ud800-\udfff]")
_OPERATOR = re.compile(r"<=|>=|!=|=|~|<|>")
_ORDERINGS = {
    "<": Comparison.LESS,
    "<=": Comparison.LESS_OR_EQUAL,
    ">": Comparison.GREATER,
    ">=": Comparison.GREATER_OR_EQUAL,
}
_ALIASES = {"event_code": "event_type", "source_type": "category"}
_OBJECT_ALIASES = {"agreement_id": "object.agreement", "service_url": "object.service"}
_FIELDS = {field.value: field for field in EventField}
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)

ATTRIBUTES = (*_FIELDS, *_ALIASES, *_OBJECT_ALIASES, "severity_level", "extra.<key>", "object.<type>")
"""Every attribute that selector text knows (F6)."""


def parse_selector(text: str) -> Selector:
    """Give the selector that a text such as `severity>=error` stands for; raise SelectorError with what to change."""
    if _SURROGATE.search(text):
        raise SelectorError(f"selector {_shown(text)}: a selector must be valid Unicode, without lone surrogates")
    match = _OPERATOR.search(text)
    if match is None:
        raise SelectorError(f"selector {_shown(text)} has no operator: write attribute=value, or use ~ != < <= > >=")
    attribute, operator = text[: match.start()].strip(), match.group()
    value = _parse_value(text, text[match.end() :].strip())
    attribute = _OBJECT_ALIASES.get(attribute, _ALIASES.get(attribute, attribute))
    if operator == "!=":
        return Not(_parse_test(text, attribute, "=", value))
    return _parse_test(text, attribute, operator, value)


def _parse_value(text: str, value: str) -> str:
    if not value:
        raise SelectorError(f'selector {_shown(text)} has no value: write attribute="" for the empty text')
    if value[0] in "\"'":
        if len(value) < 2 or value[-1] != value[0]:
            raise SelectorError(f"selector {_shown(text)} opens a quote {value[0]} that is not closed")
        return value[1:-1]
    return value


def _parse_test(text: str, attribute: str, operator: str, value: str) -> Selector:
    if attribute.startswith("extra.") and len(attribute) > len("extra."):
        return _parse_extra(attribute.removeprefix("extra."), operator, value)
    if attribute.startswith("object.") and len(attribute) > len("object."):
        return _parse_object(text, attribute.removeprefix("object."), operator, value)
    if attribute == "severity_level":
        return _parse_ordered(text, EventField.SEVERITY, operator, value, _severity_level)
    field = _FIELDS.get(attribute)
    if field is None:
        raise SelectorError(_unknown_attribute(text, attribute))
    if field in _ORDERED:
        return _parse_ordered(text, field, operator, value, _ORDERED[field])
    if operator in _ORDERINGS:
        raise SelectorError(f"selector {_shown(text)}: {operator} is for times, numbers and severity; use = != ~")
    if field is EventField.SUCCESS:
        return _parse_success(text, operator, value)
    if operator == "~":
        return FieldTest(field, Comparison.CONTAINS, value)
    if field in UUID_FIELDS:
        return FieldTest(field, Comparison.IN, (_uuid(text, field, value),))
    return FieldTest(field, Comparison.IN, (value,))


def _parse_ordered(
    text: str, field: EventField, operator: str, value: str, read: Callable[[str], int | float]
) -> Selector:
    if operator == "~":
        raise SelectorError(f"selector {_shown(text)}: ~ is for text; use = != < <= > >=")
    try:
        wanted = read(value)
    except ValueError as error:
        raise SelectorError(f"selector {_shown(text)}: {error}") from None
    if operator == "=":
        return FieldTest(field, Comparison.IN, (wanted,))
    return FieldTest(field, _ORDERINGS[operator], wanted)


def _parse_success(text: str, operator: str, value: str) -> Selector:
    if operator == "~" or value.lower() not in ("true", "false"):
        raise SelectorError(f"selector {_shown(text)}: success is compared by = or != with true or false")
    return FieldTest(EventField.SUCCESS, Comparison.IN, (value.lower() == "true",))


def _parse_object(text: str, object_type: str, operator: str, value: str) -> Selector:
    if operator == "=":
        return TouchesAny((ObjectReference(object_type, value),))
    if operator == "~":
        return TouchesId(object_type, Comparison.CONTAINS, value)
    raise SelectorError(f"selector {_shown(text)}: {operator} is for times, numbers and severity; use = != ~")


def _parse_extra(key: str, operator: str, value: str) -> Selector:
    """A text value compares as text, a number by value, anything else never matches (F8, F20)."""
    if operator == "~":
        return JsonTest((key,), JsonComparison.CONTAINS, value)
    is_number = _NUMBER.fullmatch(value) is not None
    if operator == "=":
        as_text = JsonTest((key,), JsonComparison.IN, (orjson.dumps(value).decode(),))
        return Or((as_text, JsonTest((key,), JsonComparison.IN, (value,)))) if is_number else as_text
    return JsonTest((key,), JsonComparison(operator), value) if is_number else NONE


def _severity(value: str) -> int:
    severity = severity_from_word(value)
    if severity is None:
        raise ValueError(f"'{value[:40]}' is no severity; use one of {', '.join(SEVERITY_WORDS)}")
    return int(severity)


def _severity_level(value: str) -> int:
    if re.fullmatch(r"[0-5]", value):
        return int(Severity(int(value)))
    try:
        return _severity(value)
    except ValueError as error:
        raise ValueError(f"{error}, or a level from 0 (DEBUG) to 5 (CRITICAL)") from None


def _instant(value: str) -> int:
    instant = parse_rfc3339(value)
    if not EARLIEST <= instant <= LATEST:
        raise ValueError("times go from 1970-01-01T00:00:00Z to the end of 9999")
    return instant


def _number(value: str) -> int | float:
    try:
        number = Decimal(value) if _NUMBER.fullmatch(value) else None
    except InvalidOperation:
        number = None
    if number is None:
        raise ValueError(f"'{value[:40]}' is no number")
    if isinf(float(number)):
        raise ValueError(f"'{value[:40]}' is beyond every number that can be stored")
    return int(number) if abs(number) < Decimal(2**63) and number == number.to_integral_value() else float(number)


def _uuid(text: str, field: EventField, value: str) -> str:
    # An event's node id is its UUID; a registration's carries its kind (N2).
    kind = "registration:" if field is EventField.REGISTRATION_ID else ""
    uuid = parse_uuid(value.removeprefix(kind))
    if uuid is None:
        raise SelectorError(f"selector {_shown(text)}: the value must be a UUID of 36 characters")
    return uuid


_ORDERED: dict[EventField, Callable[[str], int | float]] = {
    EventField.TIMESTAMP: _instant,
    EventField.RECEIVED_AT: _instant,
    EventField.SEVERITY: _severity,
    EventField.DURATION_MS: _number,
    EventField.RECORD_COUNT: _number,
    EventField.REPEAT_COUNT: _number,
}


def _unknown_attribute(text: str, attribute: str) -> str:
    near = difflib.get_close_matches(attribute, ATTRIBUTES, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(ATTRIBUTES)}"
    return f"selector {_shown(text)}: no attribute {_shown(attribute)}; {hint}"


def _shown(text: str) -> str:
    return "'" + text[:80].encode("utf-8", "backslashreplace").decode() + "'"
