"""Pages of events: keyset pages in both directions and both orders that never examine more than the scan limit.

When an index serves the whole filter, a page costs what the page holds. Otherwise rows are tested in windows between
index boundaries that grow until the page is full or the scan limit is reached: then the page is short, says how far it
looked (`searched_to`) and can be gone on from (design: "no query may run away").
"""

from collections.abc import Collection
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy.ext.asyncio import AsyncConnection

from storage.cursors import EventCursor, EventOrder, event_cursor_texts
from storage.engine import Database
from storage.event_rows import EventRows, read_columns
from storage.page_shapes import is_preparable, page_values, prepare_page
from storage.page_statements import Bound, KeyRange, build_event_page
from storage.plans import BY_ID, Plan, Planner
from storage.records import EventRecord
from storage.scopes import Scope
from storage.selectors import Selector
from storage.windows import Windows

SMALLEST_WINDOW = 1_000
"""Index entries of the first window; each further one is four times as large."""
WINDOW_GROWTH = 4

_BEFORE_ALL_NAMES, _AFTER_ALL_NAMES = "", "\U0010ffff"
_Row: TypeAlias = tuple[Any, ...]
# Every row begins with them, see storage/event_rows.py.
_AUDIENCE_KEY, _EVENT_ID = itemgetter(0), itemgetter(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """Which page: `size` events of the list in `order`, between two cursors, from its start or (backward) its end.

    `as_of`: only what was stored up to that position.
    """

    size: int
    order: EventOrder = EventOrder.NEWEST_FIRST
    after: EventCursor | None = None
    before: EventCursor | None = None
    backward: bool = False
    as_of: int | None = None

    @property
    def descending(self) -> bool:
        """Whether the index is read from newer to older."""
        return (self.order is EventOrder.NEWEST_FIRST) is not self.backward

    @property
    def start(self) -> EventCursor | None:
        """Where reading begins."""
        return self.before if self.backward else self.after

    @property
    def stop(self) -> EventCursor | None:
        """Where reading ends at the latest."""
        return self.after if self.backward else self.before


class EventPage(NamedTuple):
    """A page, in the order of its list; `searched_to`: how far was looked when the scan limit ended it."""

    rows: EventRows
    has_next: bool
    has_previous: bool
    start_cursor: EventCursor | None
    end_cursor: EventCursor | None
    searched_to: int | None

    @property
    def records(self) -> list[EventRecord]:
        """The events as records."""
        return self.rows.records()


async def fetch_event_page(
    database: Database,
    *,
    selector: Selector,
    scope: Scope,
    request: PageRequest,
    fields: Collection[str] | None = None,
) -> EventPage:
    """Read one page of the events that a selector means and a scope allows; of each only `fields` (None: all).

    Raises TooManyValuesError for a list in the selector that is too long, and what `Database.reading` raises.
    """
    columns = read_columns(fields)
    async with database.reading() as connection:
        # What was known to be there at one time may not be all there is now; in the second turn nothing is remembered.
        for remembering in (request.as_of is None, False):
            plan = await Planner(database, connection, scope=scope, remembering=remembering).plan(selector)
            if plan.is_empty:
                break
            reader = PageReader(database, connection, plan=plan, request=request, columns=columns)
            found, boundary = await reader.read()
            if reader.is_confirmed:
                return to_page(request, found, boundary)
        return to_page(request, EventRows.empty(), None)


class PageReader:
    """Reads the events of one page: those asked for and one more, in the direction of the scan."""

    def __init__(
        self,
        database: Database,
        connection: AsyncConnection,
        *,
        plan: Plan,
        request: PageRequest,
        columns: tuple[str, ...],
    ) -> None:
        """Read `request` by `plan` over `connection`."""
        self._database = database
        self._connection = connection
        self._plan = plan
        self._request = request
        self._columns = columns
        self.is_confirmed = True
        """Whether each statement found the remembered place to be the only one; without a row it cannot tell."""

    async def read(self) -> tuple[EventRows, Bound | None]:
        """Give the events and, when the scan limit was reached before the page was full, the key it ended at."""
        size, start, stop = self._request.size, self._request.start, self._request.stop
        keys = KeyRange(self._request.descending, _to_start(self._request), to_bound(stop))
        # One more tells whether the list goes on; the cursor's own event is read again, because events of several
        # namespaces may share its time and id, and their order is by name, which no index knows.
        limit = size + 1 + (start is not None)
        while True:
            rows, boundary = await self._collect(keys, limit)
            complete = await self._complete_tie(rows, limit)
            found = await to_event_rows(self._database, self._columns, complete, self._connection)
            kept = keep_between(self._request, found)
            if len(kept) > size:
                return kept, None
            if boundary is not None or len(rows) < limit:
                return kept, boundary
            limit += len(found) - len(kept)

    async def _collect(self, keys: KeyRange, limit: int) -> tuple[list[_Row], Bound | None]:
        tests_rows = self._plan.tests_rows or self._request.as_of is not None
        if not tests_rows or self._plan.access is BY_ID:
            return await self._fetch(keys, limit), None
        return await self._collect_windows(keys, limit)

    async def _collect_windows(self, keys: KeyRange, limit: int) -> tuple[list[_Row], Bound | None]:
        found: list[_Row] = []
        windows = Windows(self._database, self._connection, self._plan)
        left, window = self._database.options.scan_rows, max(SMALLEST_WINDOW, WINDOW_GROWTH * limit)
        while True:
            window = min(window, left)
            boundary = await windows.end(keys, window)
            found += await self._fetch(keys._replace(stop=boundary or keys.stop), limit - len(found))
            if len(found) >= limit or boundary is None:
                return found, None
            left -= await windows.count(keys._replace(stop=boundary), window)
            if left <= 0:
                return found, boundary
            keys = keys._replace(start=boundary._replace(inclusive=False))
            window *= WINDOW_GROWTH

    async def _fetch(self, keys: KeyRange, limit: int) -> list[_Row]:
        database, plan, as_of = self._database, self._plan, self._request.as_of
        if is_preparable(plan):
            statement = prepare_page(
                database.statements,
                plan,
                keys,
                with_as_of=as_of is not None,
                columns=self._columns,
                dialect_name=database.dialect_name,
            )
            values = {**page_values(plan, keys), "limit": limit, "as_of": as_of}
            rows = await database.fetch(self._connection, statement, values)
            self.is_confirmed = self.is_confirmed and (bool(rows) or not plan.place_is_remembered)
            return rows
        built = build_event_page(
            plan, keys, limit=limit, as_of=as_of, columns=self._columns, dialect_name=database.dialect_name
        )
        return [tuple(row) for row in await self._connection.execute(built)]

    async def _complete_tie(self, rows: list[_Row], limit: int) -> list[_Row]:
        """Read the rest of the last time and id when the limit may have cut between namespaces that share them."""
        if len(rows) < max(limit, 2) or _place(rows[-1]) != _place(rows[-2]):
            return rows
        occurred_at, event_id = _place(rows[-1])
        tie = Bound(occurred_at, event_id, inclusive=True)
        complete = [row for row in rows if _place(row) != (occurred_at, event_id)]
        return complete + await self._fetch(KeyRange(self._request.descending, tie, tie), MOST_TIED)


MOST_TIED = 10_000
"""The most events of different namespaces that may share one time and one id in a page."""


async def to_event_rows(
    database: Database, columns: tuple[str, ...], rows: list[_Row], connection: AsyncConnection
) -> EventRows:
    """Give rows the names that stand behind their audiences' keys."""
    keys = set(map(_AUDIENCE_KEY, rows))
    return EventRows(columns, rows, await database.identities.audiences(keys, connection))


def keep_between(request: PageRequest, found: EventRows) -> EventRows:
    """Give the events strictly between a request's cursors, in the direction of its scan.

    The rows come in the order of time and id, which leaves the order of namespaces that share both, and the rows that
    share them with a cursor.
    """
    low, high = request.start, request.stop
    if request.descending:
        low, high = high, low
    rows = found.rows
    if low is None and high is None and len(set(map(_EVENT_ID, rows))) == len(rows):
        return found

    def sort_key(row: _Row) -> tuple[int, str, str]:
        return (row[2], row[1], found.namespace(row))

    above = None if low is None else (low.occurred_at, low.event_id, low.namespace)
    below = None if high is None else (high.occurred_at, high.event_id, high.namespace)
    kept = [
        row for row in rows if (above is None or sort_key(row) > above) and (below is None or sort_key(row) < below)
    ]
    kept.sort(key=sort_key, reverse=request.descending)
    return found.with_rows(kept)


def to_page(request: PageRequest, found: EventRows, boundary: Bound | None) -> EventPage:
    """Make the page of what was found in the direction of the scan; `boundary`: where the scan limit ended it."""
    rows = found.rows[: request.size]
    goes_on = len(found) > request.size or boundary is not None
    first = _cursor_at(found, rows[0], request.order) if rows else None
    last = _cursor_at(found, rows[-1], request.order) if rows else None
    if boundary is not None:
        beyond = _BEFORE_ALL_NAMES if request.descending else _AFTER_ALL_NAMES
        last = EventCursor(request.order, boundary.occurred_at, boundary.event_id, beyond)
    if request.backward:
        rows.reverse()
        first, last = last, first
    return EventPage(
        rows=found.with_rows(rows),
        has_next=request.before is not None if request.backward else goes_on,
        has_previous=goes_on if request.backward else request.after is not None,
        start_cursor=first,
        end_cursor=last,
        searched_to=None if boundary is None else boundary.occurred_at,
    )


def _cursor_at(found: EventRows, row: _Row, order: EventOrder) -> EventCursor:
    return EventCursor(order, row[2], row[1], found.namespace(row))


def page_cursors(rows: EventRows, order: EventOrder) -> list[str]:
    """Give the cursors of all events of a page as text."""
    return event_cursor_texts(
        order, zip(rows.column("occurred_at"), rows.column("id"), rows.column("namespace"), strict=True)
    )


def to_bound(cursor: EventCursor | None) -> Bound | None:
    """Give the bound at a cursor, the events that share its time and id included."""
    return None if cursor is None else Bound(cursor.occurred_at, cursor.event_id, inclusive=True)


def _to_start(request: PageRequest) -> Bound | None:
    """Give the bound where reading begins.

    A cursor from where a page ended at the scan limit has all namespaces of its key behind it: examining that key again
    could use up a small scan limit, and the next page would end where it began, for ever.
    """
    bound, cursor = to_bound(request.start), request.start
    if bound is None or cursor is None:
        return None
    beyond = _BEFORE_ALL_NAMES if request.descending else _AFTER_ALL_NAMES
    return bound._replace(inclusive=cursor.namespace != beyond)


def _place(row: _Row) -> tuple[Any, Any]:
    return row[2], row[1]
