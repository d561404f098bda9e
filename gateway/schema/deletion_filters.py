"""Filters that delete: what is refused by its form (F12, F17), and the text that is kept of what the caller wrote."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, Final

import msgspec
from strawberry import UNSET

from gateway.errors import BadUserInputError
from gateway.schema.enums import Severity
from gateway.schema.filter_inputs import EventFilter
from gateway.schema.scalars import JsonText
from storage.times import format_rfc3339

_HOLD_FOR_ALL: Final = (("message_contains", ""), ("min_severity", Severity.DEBUG))
"""Tests that every event passes, by their form."""
_TIMES: Final = frozenset({"since", "until", "received_since", "received_until"})


def require_deletable(given: EventFilter, *, match_everything: bool) -> None:
    """Check that a filter, which was converted already, says plainly what goes.

    Raises BadUserInputError for an empty list at any depth, and for a filter that comes to true by its form.
    """
    _require_no_empty_lists(given, "filter")
    if not match_everything and (_comes_to(given, truth=True) or _holds_for_all(given)):
        raise BadUserInputError(
            "filter comes to every event: say which events go, or give matchEverything: true when all of them are meant"
        )


def filter_text(given: EventFilter) -> str:
    """Give a filter as JSON, as its caller wrote it: times in UTC, values inside extra digit by digit."""
    return msgspec.json.encode(_plain(given)).decode()


def _require_no_empty_lists(given: Any, path: str) -> None:
    if isinstance(given, list):
        if not given:
            raise BadUserInputError(
                f"{path} is an empty list, of which nobody can tell what it should delete: leave it out"
            )
        for index, item in enumerate(given):
            _require_no_empty_lists(item, f"{path}[{index}]")
    elif is_dataclass(given):
        for name, value in _given_fields(given):
            _require_no_empty_lists(value, f"{path}.{_graphql_name(name)}")


def _comes_to(given: EventFilter, *, truth: bool) -> bool:
    """Whether a filter is true (or false) by its form, whatever is stored: `{}`, and what is made of it."""
    negated = given.not_
    by_not = negated is not UNSET and negated is not None and _comes_to(negated, truth=not truth)
    if not truth:
        return by_not or given.or_ == []
    members = [each for each in (given.and_, given.or_) if each is not UNSET]
    by_member = any(_comes_to(member, truth=True) for each in members for member in each or ())
    return by_not or by_member or not any(True for _ in _given_fields(given))


def _holds_for_all(given: EventFilter) -> bool:
    """Whether every event passes all that a filter asks for."""
    return all(
        (name, value) in _HOLD_FOR_ALL
        or (name == "and_" and all(map(_holds_for_all, value)))
        or (name == "or_" and any(map(_holds_for_all, value)))
        for name, value in _given_fields(given)
    )


def _given_fields(given: Any) -> Iterator[tuple[str, Any]]:
    for item in fields(given):
        value = getattr(given, item.name)
        if value is not UNSET:
            yield item.name, value


def _plain(value: Any, name: str = "") -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {_graphql_name(each): _plain(inner, each) for each, inner in _given_fields(value)}
    if isinstance(value, list):
        return [_plain(item, name) for item in value]
    if isinstance(value, JsonText):
        return msgspec.Raw(str(value))
    if isinstance(value, Enum):
        return value.name
    return format_rfc3339(value) if name in _TIMES else value


def _graphql_name(attribute: str) -> str:
    first, *others = attribute.rstrip("_").split("_")
    return first + "".join(word.capitalize() for word in others)
