"""Groupings: by which field events are grouped, and how its values read (rules H4, H8, H10)."""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, TypeAlias

from sqlalchemy.ext.asyncio import AsyncConnection

from storage.engine import Database
from storage.severities import Severity


class GroupField(Enum):
    """A field that events can be grouped by; the value is the column that holds it."""

    EVENT_TYPE = "event_type"
    CATEGORY = "category"
    SEVERITY = "severity"
    SUCCESS = "success"
    NAMESPACE = "namespace_key"
    SOURCE = "source"
    ACTOR = "actor"
    OBJECT_TYPE = "object_type"


COUNTED_FIELDS = frozenset({GroupField.EVENT_TYPE, GroupField.SEVERITY, GroupField.SUCCESS, GroupField.NAMESPACE})
"""The fields that the sums know."""
GroupValue: TypeAlias = str | None
"""A value as clients read it; None: events without the field."""


def rank(value: GroupValue, number: int) -> tuple[int, bool, str]:
    """Order values by their numbers, largest first, then by code point, those without a value last (H5, H6, H10)."""
    return (-number, value is None, value or "")


async def name_values(
    database: Database, connection: AsyncConnection, column: str, values: Iterable[Any]
) -> Mapping[Any, GroupValue]:
    """Give the text of each value that stands in a column of events or of sums."""
    distinct = set(values)
    match column:
        case "severity":
            return {value: Severity(value).name for value in distinct}
        case "success":
            return {value: None if value is None else "true" if value else "false" for value in distinct}
        case "namespace_key":
            return {**await database.identities.namespace_names(distinct, connection)}
        case _:
            return {value: value for value in distinct}
