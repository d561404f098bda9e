"""Paging: from first, after, last, before, orderBy and asOf to one page request (rules P1 to P3, P8)."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from strawberry import UNSET

from gateway.context import RequestContext
from gateway.errors import BadUserInputError
from storage.cursors import EventCursor, EventOrder, InvalidCursorError
from storage.pages import PageRequest
from storage.positions import require_position

DEFAULT_SIZE = 50
MAX_SIZE = 1000

_LARGEST_POSITION = 2**63 - 1

_Cursor = TypeVar("_Cursor")


def page_size(first: int | None, last: int | None) -> tuple[int, bool]:
    """Give the size of a page and whether it goes backward; neither size given: the first 50."""
    forward, backward = _is_given(first), _is_given(last)
    if first is not None and last is not None and forward and backward:
        raise BadUserInputError("first and last exclude each other: give first to page forward, last to page backward")
    if last is not None and backward:
        return require_size(last, "last"), True
    return require_size(first, "first") if first is not None and forward else DEFAULT_SIZE, False


def require_size(size: int, name: str) -> int:
    """Give the size back; raise BadUserInputError when it is negative or above the maximum."""
    if size < 0:
        raise BadUserInputError(f"{name} is {size}: give a number from 0 to {MAX_SIZE}")
    if size > MAX_SIZE:
        raise BadUserInputError(
            f"{name} is {size}, the maximum is {MAX_SIZE}: ask for less and page on from the cursor"
        )
    return size


def event_page_request(
    *,
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
    order: EventOrder,
    as_of: int | None = None,
) -> PageRequest:
    """Make the request for a page of events."""
    size, backward = page_size(first, last)
    read = partial(EventCursor.from_text, order=order)
    return PageRequest(
        size=size,
        order=order,
        after=given_cursor(read, after, "after"),
        before=given_cursor(read, before, "before"),
        backward=backward,
        as_of=as_of,
    )


def given_cursor(read: Callable[[str], _Cursor], text: str | None, name: str) -> _Cursor | None:
    """Read a cursor of one kind, such as by `ObjectCursor.from_text`; None for none. `name` is the argument's."""
    try:
        return read(text) if text is not None and _is_given(text) else None
    except InvalidCursorError as error:
        raise BadUserInputError(f"{name}: {error}") from None


async def resolve_as_of(context: RequestContext, text: str | None) -> int | None:
    """Give the position that `asOf` names; None for none.

    Raises BadUserInputError for a text that is no position, storage's UnknownPositionError or PositionExpiredError.
    """
    if text is None or not _is_given(text):
        return None
    # int() takes more than digits, and time without end for long texts.
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and int(text) <= _LARGEST_POSITION):
        raise BadUserInputError("asOf is no position: pass a livePosition exactly as it was given")
    position = int(text)
    await context.once(("position", position), lambda: require_position(context.database, position))
    return position


def _is_given(value: object) -> bool:
    """Whether an argument was given: null and left out are the same here."""
    return value is not None and value is not UNSET
