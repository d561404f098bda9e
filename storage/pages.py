"""Pages of events: keyset pages in both directions and both orders that never examine more than the scan limit.

When an index serves the whole filter, a page costs what the page holds. Otherwise rows are tested in windows between
index boundaries that grow until the page is full or the scan limit is reached: then the page is short, says how far it
looked (`searched_to`) and can be gone on from (design: "no query may run away").
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.cursors import EventCursor, EventOrder
from storage.engine import Database
from storage.identities import AudienceRecord, Identities
from storage.page_statements import Bound, KeyRange, build_boundary, build_event_page
from storage.plans import BY_ID, Plan, Planner
from storage.records import EventRecord
from storage.scopes import Scope
from storage.selectors import Selector

SMALLEST_WINDOW = 1_000
"""Index entries of the first window; each further one is four times as large."""
WINDOW_GROWTH = 4

_BEFORE_ALL_NAMES, _AFTER_ALL_NAMES = "", "\U0010ffff"


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

    records: list[EventRecord]
    has_next: bool
    has_previous: bool
    start_cursor: EventCursor | None
    end_cursor: EventCursor | None
    searched_to: int | None


async def fetch_event_page(
    database: Database, *, selector: Selector, scope: Scope, request: PageRequest, with_extra: bool = True
) -> EventPage:
    """Read one page of the events that a selector means and a scope allows.

    Raises TooManyValuesError for a list in the selector that is too long, and what `Database.reading` raises.
    """
    async with database.reading() as connection:
        planner = Planner(connection, scope=scope, most_branches=database.options.union_branches)
        plan = await planner.plan(selector)
        if plan.is_empty:
            return to_page(request, [], None)
        reader = PageReader(database, connection, plan=plan, request=request, with_extra=with_extra)
        return to_page(request, *await reader.read())


def record_cursor(record: EventRecord, order: EventOrder) -> EventCursor:
    """Give the cursor of an event in a list of that order."""
    return EventCursor(order, record.occurred_at, record.id, record.namespace)


class PageReader:
    """Reads the events of one page: those asked for and one more, in the direction of the scan."""

    def __init__(
        self, database: Database, connection: AsyncConnection, *, plan: Plan, request: PageRequest, with_extra: bool
    ) -> None:
        """Read `request` by `plan` over `connection`."""
        self._identities = database.identities
        self._dialect_name = database.dialect_name
        self._scan_rows = database.options.scan_rows
        self._connection = connection
        self._plan = plan
        self._request = request
        self._with_extra = with_extra

    async def read(self) -> tuple[list[EventRecord], Bound | None]:
        """Give the records and, when the scan limit was reached before the page was full, the key it ended at."""
        size, start, stop = self._request.size, self._request.start, self._request.stop
        keys = KeyRange(self._request.descending, _to_start(self._request), to_bound(stop))
        # One more tells whether the list goes on; the cursor's own event is read again, because events of several
        # namespaces may share its time and id, and their order is by name, which no index knows.
        limit = size + 1 + (start is not None)
        while True:
            rows, boundary = await self._collect(keys, limit)
            rows_of_page = await self._complete_tie(rows, limit)
            records = await to_records(self._identities, rows_of_page, self._connection)
            kept = keep_between(self._request, records)
            if len(kept) > size:
                return kept, None
            if boundary is not None or len(rows) < limit:
                return kept, boundary
            limit += len(records) - len(kept)

    async def _collect(self, keys: KeyRange, limit: int) -> tuple[list[Row[Any]], Bound | None]:
        tests_rows = self._plan.tests_rows or self._request.as_of is not None
        if not tests_rows or self._plan.access is BY_ID:
            return await self._fetch(keys, limit), None
        return await self._collect_windows(keys, limit)

    async def _collect_windows(self, keys: KeyRange, limit: int) -> tuple[list[Row[Any]], Bound | None]:
        found: list[Row[Any]] = []
        left, window = self._scan_rows, max(SMALLEST_WINDOW, WINDOW_GROWTH * limit)
        while True:
            window = min(window, left)
            boundary = await self._fetch_boundary(keys, window)
            found += await self._fetch(keys._replace(stop=boundary or keys.stop), limit - len(found))
            if len(found) >= limit or boundary is None:
                return found, None
            left -= window
            if left <= 0:
                return found, boundary
            keys = keys._replace(start=boundary._replace(inclusive=False))
            window *= WINDOW_GROWTH

    async def _fetch(self, keys: KeyRange, limit: int) -> list[Row[Any]]:
        statement = build_event_page(
            self._plan,
            keys,
            limit=limit,
            as_of=self._request.as_of,
            with_extra=self._with_extra,
            dialect_name=self._dialect_name,
        )
        return list((await self._connection.execute(statement)).all())

    async def _fetch_boundary(self, keys: KeyRange, entries: int) -> Bound | None:
        statement = build_boundary(self._plan, keys, entries=entries, dialect_name=self._dialect_name)
        row = (await self._connection.execute(statement)).first()
        return None if row is None else Bound(row.occurred_at, row.id, inclusive=True)

    async def _complete_tie(self, rows: list[Row[Any]], limit: int) -> list[Row[Any]]:
        """Read the rest of the last time and id when the limit may have cut between namespaces that share them."""
        if len(rows) < max(limit, 2) or not _is_tie(rows[-1], rows[-2]):
            return rows
        tie = Bound(rows[-1].occurred_at, rows[-1].id, inclusive=True)
        complete = [row for row in rows if not _is_tie(row, rows[-1])]
        return complete + await self._fetch(KeyRange(self._request.descending, tie, tie), MOST_TIED)


MOST_TIED = 10_000
"""The most events of different namespaces that may share one time and one id in a page."""


async def to_records(
    identities: Identities, rows: Sequence[Sequence[Any]], connection: AsyncConnection
) -> list[EventRecord]:
    """Turn rows of EVENT_COLUMNS into records, with the names that stand behind their keys."""
    known = await identities.audiences({row[0] for row in rows}, connection)
    return [_to_record(row, known[row[0]]) for row in rows]


_SUCCESS = EventRecord._fields.index("success")
_RESTORED = EventRecord._fields.index("restored")


def _to_record(row: Sequence[Any], audience: AudienceRecord) -> EventRecord:
    values = [row[1], audience.namespace, *row[2:], audience.owner, audience.readers]
    if values[_SUCCESS] is not None:
        values[_SUCCESS] = values[_SUCCESS] == 1
    values[_RESTORED] = values[_RESTORED] == 1
    return EventRecord._make(values)


def keep_between(request: PageRequest, records: Sequence[EventRecord]) -> list[EventRecord]:
    """Give the records strictly between a request's cursors, in the direction of its scan."""
    low, high = request.start, request.stop
    if request.descending:
        low, high = high, low
    above = None if low is None else _sort_key(low)
    below = None if high is None else _sort_key(high)
    kept = [
        record
        for record in records
        if (above is None or _sort_key(record) > above) and (below is None or _sort_key(record) < below)
    ]
    kept.sort(key=_sort_key, reverse=request.descending)
    return kept


def to_page(request: PageRequest, found: list[EventRecord], boundary: Bound | None) -> EventPage:
    """Make the page of what was found in the direction of the scan; `boundary`: where the scan limit ended it."""
    records = found[: request.size]
    goes_on = len(found) > request.size or boundary is not None
    first = record_cursor(records[0], request.order) if records else None
    last = record_cursor(records[-1], request.order) if records else None
    if boundary is not None:
        beyond = _BEFORE_ALL_NAMES if request.descending else _AFTER_ALL_NAMES
        last = EventCursor(request.order, boundary.occurred_at, boundary.event_id, beyond)
    if request.backward:
        records.reverse()
        first, last = last, first
    return EventPage(
        records=records,
        has_next=request.before is not None if request.backward else goes_on,
        has_previous=goes_on if request.backward else request.after is not None,
        start_cursor=first,
        end_cursor=last,
        searched_to=None if boundary is None else boundary.occurred_at,
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


def _is_tie(left: Row[Any], right: Row[Any]) -> bool:
    return bool(left.occurred_at == right.occurred_at and left.id == right.id)


def _sort_key(record: EventRecord | EventCursor) -> tuple[int, str, str]:
    identifier = record.id if isinstance(record, EventRecord) else record.event_id
    return (record.occurred_at, identifier, record.namespace)
