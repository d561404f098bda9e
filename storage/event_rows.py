"""EventRows: events as their rows came, by columns for whoever wants many, as records for whoever wants one."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Self, overload

from storage.identities import AudienceRecord
from storage.records import EventRecord

NAMED_BY_AUDIENCE = frozenset({"namespace", "owner", "readers"})
"""What is read of an event's audience; its key stands in each row."""
ALWAYS_READ = ("audience_key", "id", "occurred_at")
"""What every row begins with: an event's place in its list, and who may see it."""
STORED_FIELDS = tuple(name for name in EventRecord._fields if name not in NAMED_BY_AUDIENCE)

_NULLABLE_TRUTH = {None: None, 0: False, 1: True}


def read_columns(fields: Collection[str] | None) -> tuple[str, ...]:
    """Give the columns to read for some fields of EventRecord (None: for all), in the order of the rows."""
    return _read_columns(frozenset(STORED_FIELDS if fields is None else fields))


@lru_cache(maxsize=1_000)
def _read_columns(wanted: frozenset[str]) -> tuple[str, ...]:
    return (*ALWAYS_READ, *(name for name in STORED_FIELDS if name in wanted and name not in ALWAYS_READ))


class EventRows(Sequence[EventRecord]):
    """The events of a page, in its order. Fields that were not read are None in its records."""

    __slots__ = ("_audiences", "_records", "_transposed", "columns", "rows")

    def __init__(
        self, columns: tuple[str, ...], rows: list[tuple[Any, ...]], audiences: Mapping[int, AudienceRecord]
    ) -> None:
        """`rows` as they were read for `columns`; `audiences` of all of them, by key."""
        self.columns = columns
        self.rows = rows
        self._audiences = audiences
        self._records: list[EventRecord] | None = None
        self._transposed: dict[str, tuple[Any, ...]] | None = None

    @classmethod
    def empty(cls) -> Self:
        """Give no events."""
        return cls(read_columns(()), [], {})

    def with_rows(self, rows: list[tuple[Any, ...]]) -> "EventRows":
        """Give other rows of the same columns and audiences."""
        return EventRows(self.columns, rows, self._audiences)

    def joined(self, other: "EventRows") -> "EventRows":
        """Give these events and then the others, which have the same columns."""
        return EventRows(self.columns, [*self.rows, *other.rows], {**self._audiences, **other._audiences})

    def column(self, name: str) -> Sequence[Any]:
        """Give one field of all events. Raises KeyError for a field that was not read."""
        if not self.rows:
            return []
        if name in NAMED_BY_AUDIENCE:
            audiences = self._audiences
            return [getattr(audiences[row[0]], name) for row in self.rows]
        if self._transposed is None:
            self._transposed = dict(zip(self.columns, zip(*self.rows, strict=True), strict=True))
        values = self._transposed[name]
        # The databases know no booleans.
        if name == "success":
            return [_NULLABLE_TRUTH.get(value, False) for value in values]
        return [value == 1 for value in values] if name == "restored" else values

    def namespace(self, row: Sequence[Any]) -> str:
        """Give the namespace of one of the rows."""
        return self._audiences[row[0]].namespace

    def records(self) -> list[EventRecord]:
        """Give the events as records."""
        if self._records is None:
            read = {name for name in self.columns if name != "audience_key"} | NAMED_BY_AUDIENCE
            columns = {name: self.column(name) for name in EventRecord._fields if name in read}
            nothing = [None] * len(self.rows)
            self._records = [
                EventRecord._make(values)
                for values in zip(*(columns.get(name, nothing) for name in EventRecord._fields), strict=True)
            ]
        return self._records

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[EventRecord]:
        return iter(self.records())

    @overload
    def __getitem__(self, index: int) -> EventRecord: ...

    @overload
    def __getitem__(self, index: slice) -> list[EventRecord]: ...

    def __getitem__(self, index: int | slice) -> EventRecord | list[EventRecord]:
        return self.records()[index]

    def __eq__(self, other: object) -> bool:
        return self.records() == list(other) if isinstance(other, Sequence) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"EventRows({self.records()!r})"
