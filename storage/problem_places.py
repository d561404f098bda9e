"""Places of references as texts: (time, event id, namespace key) in one value, so that the database compares and gives
the three together.

Only references to one object are compared by them, where two with the same time and id are of two namespaces: the one
of the namespace that was there first comes first.
"""

from typing import Any, NamedTuple

from sqlalchemy import BigInteger, cast, func, literal
from sqlalchemy.sql.elements import ColumnElement

from storage.dialects import place_text

NOWHERE = ""
"""Before all places."""
_TIME_DIGITS, _ID_DIGITS, _NAMESPACE_DIGITS = 18, 32, 10
_KEY_LENGTH = _TIME_DIGITS + _ID_DIGITS


class Place(NamedTuple):
    """The place of one reference: time in microseconds, lower-case id of the event, key of its namespace."""

    occurred_at: int
    event_id: str
    namespace_key: int

    @classmethod
    def from_text(cls, text: str) -> "Place":
        """Read what the database gives."""
        digits = text[_TIME_DIGITS:_KEY_LENGTH].lower()
        parts = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
        return cls(int(text[:_TIME_DIGITS]), "-".join(parts), int(text[_KEY_LENGTH:]))

    def to_text(self) -> str:
        """Give the text that the database compares."""
        return f"{key_text(self.occurred_at, self.event_id)}{self.namespace_key:010d}"


def key_text(occurred_at: int, event_id: str) -> str:
    """Give the part of a place's text that holds time and id."""
    return f"{occurred_at:018d}{event_id.replace('-', '').upper()}"


def first_place_text(occurred_at: int, event_id: str) -> str:
    """Give the text before which no place of a time and id is."""
    return key_text(occurred_at, event_id) + "0" * _NAMESPACE_DIGITS


def last_place_text(occurred_at: int, event_id: str) -> str:
    """Give the text after which no place of a time and id is."""
    return key_text(occurred_at, event_id) + "9" * _NAMESPACE_DIGITS


def place_of(table: Any) -> ColumnElement[str]:
    """Give the place of a row that has occurred_at, event_id and namespace_key."""
    return place_text(table.c.occurred_at, table.c.event_id, table.c.namespace_key)


def key_of(place: ColumnElement[str]) -> ColumnElement[str]:
    """Give the part of a place that holds time and id."""
    return func.substr(place, literal(1), literal(_KEY_LENGTH))


def namespace_key_of(place: ColumnElement[str]) -> ColumnElement[int]:
    """Give the namespace key in a place."""
    return cast(func.substr(place, literal(_KEY_LENGTH + 1), literal(_NAMESPACE_DIGITS)), BigInteger)
