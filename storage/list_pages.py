"""Pages of lists of anything but events: one shape for all of them (P2, P3, P5)."""

from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

_Record = TypeVar("_Record")
_Cursor = TypeVar("_Cursor")


class ListPage(NamedTuple, Generic[_Record, _Cursor]):
    """A page of a list, in its order. The cursors are where its two neighbours begin; None where it is empty."""

    records: list[_Record]
    has_next: bool
    has_previous: bool
    start_cursor: _Cursor | None
    end_cursor: _Cursor | None


def to_list_page(
    found: Sequence[_Record],
    *,
    size: int,
    cursor_of: Callable[[_Record], _Cursor],
    after: object,
    before: object,
    backward: bool,
    boundary: _Cursor | None = None,
) -> ListPage[_Record, _Cursor]:
    """Make the page of what was found in the direction of reading, where one more than `size` was asked for.

    `after` and `before`: the cursors that were given, or None. `boundary`: where the scan limit ended it.
    """
    if len(found) > size:
        boundary = None
    goes_on = len(found) > size or boundary is not None
    records = list(found[:size])
    first, last = (cursor_of(records[0]), cursor_of(records[-1])) if records else (None, None)
    last = boundary or last
    if backward:
        records.reverse()
        return ListPage(records, before is not None, goes_on, last, first)
    return ListPage(records, goes_on, after is not None, first, last)
