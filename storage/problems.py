"""Problems: the last error of each object that no later success and no dismissal has closed (HZ6).

Only what the caller may see counts, errors, successes and dismissals alike (NU4), so that an object may have a problem
for one caller and none for another.
"""

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from storage.cursors import ProblemCursor
from storage.engine import Database
from storage.list_pages import ListPage, to_list_page
from storage.page_statements import Bound, KeyRange
from storage.pages import SMALLEST_WINDOW, WINDOW_GROWTH
from storage.plans import Planner
from storage.problem_places import NOWHERE, Place
from storage.problem_statements import (
    CountedBranch,
    ProblemQuery,
    ProblemRange,
    build_all_pairs,
    build_error_counts,
    build_named_pairs,
    build_pair_count,
    build_pairs_of_keys,
    build_problems,
    build_window_pairs,
    count_values,
    place_or_none,
    severities_from,
)
from storage.records import EventKey, ObjectRecord
from storage.scopes import Scope
from storage.selectors import EventField, equals_any
from storage.severities import Severity
from storage.windows import Windows

MOST_OBJECTS = 200
"""The most objects that one statement asks for; more are asked for in several (GQ2)."""
MOST_COUNTED = 10_000
"""The most errors of one severity that are counted for one problem."""
_LOOKUPS_PER_ERROR = 8
"""What an error of a window costs in entries: itself, twice, the objects that it touches, the ends of their indexes."""
_PREPARED_SIZES = (3, 12, 50, 100)
"""The numbers of branches for which the statement that counts errors is prepared."""
_BEFORE_ALL_NAMES, _AFTER_ALL_NAMES = "", "\U0010ffff"
_NO_OBJECT = ObjectRecord("", "", "")


class ProblemRecord(NamedTuple):
    """A problem: an object and its last error of at least `min_severity` (a rank), with microseconds UTC.

    `dismissed_by`, `dismissed_until`: of the last dismissal that closes it. Errors after `counted_after` (a place) are
    the same problem.
    """

    object: ObjectRecord
    event: EventKey
    min_severity: int
    occurred_at: int
    object_key: int
    place: str
    counted_after: str
    dismissed_by: str | None
    dismissed_until: int | None

    @property
    def cursor(self) -> ProblemCursor:
        """Its place in lists of problems."""
        return ProblemCursor(self.occurred_at, self.event.id, self.event.namespace, self.object)


ProblemPage = ListPage[ProblemRecord, ProblemCursor]
"""A page of problems: newest error first by (time, id, namespace), then by object."""


class ProblemCount(NamedTuple):
    """How often a problem's error occurred, repeats counted, and when first; not `is_exact`: at least so often."""

    occurrences: int
    since: int
    is_exact: bool


async def fetch_problems_of(
    database: Database, wanted: Sequence[ObjectRecord], *, scope: Scope, query: ProblemQuery
) -> dict[ObjectRecord, ProblemRecord | None]:
    """Read the problem that each object has, one statement for up to MOST_OBJECTS objects."""
    distinct = list(dict.fromkeys(wanted))
    found: dict[ObjectRecord, ProblemRecord] = {}
    async with database.reading() as connection:
        for start in range(0, len(distinct), MOST_OBJECTS):
            pairs = build_named_pairs(distinct[start : start + MOST_OBJECTS], scope)
            statement = build_problems(pairs, query, scope=scope, within=ProblemRange(), limit=MOST_OBJECTS)
            found.update((record.object, record) for record in await _fetch_records(connection, statement, query))
    return {one: found.get(one) for one in distinct}


async def fetch_problem_page(
    database: Database,
    *,
    scope: Scope,
    query: ProblemQuery,
    size: int,
    within: ProblemRange,
) -> ProblemPage:
    """Read one page of the problems of all objects; examines about as many entries as the scan limit allows.

    Where there are few objects, the ends of all their indexes are looked at. Where there are many, errors are gone
    through from the newest (backward: from the oldest) in growing windows, and only the objects that they touch are
    looked at; such a page may end early.
    """
    async with database.reading() as connection:
        reader = _PageReader(database, connection, scope=scope, query=query, within=within, limit=size + 1)
        found, boundary = await reader.read()
    return to_problem_page(found, boundary, within, size)


def to_problem_page(
    found: Sequence[ProblemRecord], boundary: Bound | None, within: ProblemRange, size: int
) -> ProblemPage:
    """Make the page of what was found in the direction of reading; `boundary`: where the scan limit ended it."""
    cut = None
    if boundary is not None:
        beyond = _AFTER_ALL_NAMES if within.backward else _BEFORE_ALL_NAMES
        cut = ProblemCursor(boundary.occurred_at, boundary.event_id, beyond, _NO_OBJECT)
    return to_list_page(
        found,
        size=size,
        cursor_of=attrgetter("cursor"),
        after=within.after,
        before=within.before,
        backward=within.backward,
        boundary=cut,
    )


class _PageReader:
    """Reads the problems of one page and one more, in the direction of reading."""

    def __init__(
        self,
        database: Database,
        connection: AsyncConnection,
        *,
        scope: Scope,
        query: ProblemQuery,
        within: ProblemRange,
        limit: int,
    ) -> None:
        self._database = database
        self._connection = connection
        self._scope = scope
        self._query = query
        self._within = within
        self._limit = limit

    async def read(self) -> tuple[list[ProblemRecord], Bound | None]:
        """Give the problems and, when the scan limit was reached before the page was full, the key it ended at."""
        if self._scope.is_empty or self._query.object_types == ():
            return [], None
        if await self._has_few_objects():
            return await self._fetch(build_all_pairs(self._query, self._scope), self._limit), None
        return await self._collect_windows()

    async def _has_few_objects(self) -> bool:
        """Whether all ends are fewer than may be examined: of each severity, of successes and of dismissals."""
        ends = len(severities_from(self._query.min_severity)) + 2
        most = self._database.options.scan_rows // ends
        statement = build_pair_count(self._query, self._scope, most=most + 1)
        count: int = (await self._connection.execute(statement)).scalar_one()
        return count <= most

    async def _collect_windows(self) -> tuple[list[ProblemRecord], Bound | None]:
        severe = equals_any(EventField.SEVERITY, severities_from(self._query.min_severity))
        plan = await Planner(self._database, self._connection, scope=self._scope).plan(severe)
        found: list[ProblemRecord] = []
        if plan.is_empty:
            return found, None
        windows = Windows(self._database, self._connection, plan)
        keys = _key_range(self._within)
        left = max(self._database.options.scan_rows // _LOOKUPS_PER_ERROR, 1)
        window = max(SMALLEST_WINDOW, WINDOW_GROWTH * self._limit)
        while True:
            window = min(window, left)
            boundary = await windows.end(keys, window)
            part = keys._replace(stop=boundary or keys.stop)
            pairs = build_window_pairs(self._query, plan, part, self._scope, self._database.dialect_name)
            found += await self._fetch(pairs, self._limit - len(found), part)
            if len(found) >= self._limit or boundary is None:
                return found, None
            left -= await windows.count(part, window)
            if left <= 0:
                return found, boundary
            keys = keys._replace(start=boundary._replace(inclusive=False))
            window *= WINDOW_GROWTH

    async def _fetch(self, pairs: Any, limit: int, keys: KeyRange | None = None) -> list[ProblemRecord]:
        statement = build_problems(pairs, self._query, scope=self._scope, within=self._within, limit=limit, keys=keys)
        return await _fetch_records(self._connection, statement, self._query)


async def count_problems(
    database: Database, problems: Sequence[ProblemRecord], *, scope: Scope
) -> dict[ProblemRecord, ProblemCount]:
    """Count the errors of some problems, newest first.

    At most MOST_COUNTED of each severity and audience, and all together no more than the scan limit: each gets an even
    share, and what is left of it goes to those that have more.
    """
    distinct = list(dict.fromkeys(problems))
    counter = _Counter(database)
    async with database.reading() as connection:
        branches = await _fetch_branches(connection, distinct, scope)
        wanted = [branch for some in branches.values() for branch in some]
        if wanted:
            await counter.count(connection, wanted)
    return {problem: counter.total(problem, branches[problem]) for problem in distinct}


class _BranchCount(NamedTuple):
    events: int
    occurrences: int
    since: int | None
    is_exact: bool


_NOTHING = _BranchCount(0, 0, None, True)


class _Counter:
    """Counts branches, in two rounds at most."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counts: dict[CountedBranch, _BranchCount] = {}

    async def count(self, connection: AsyncConnection, branches: Sequence[CountedBranch]) -> None:
        entries = self._database.options.scan_rows
        share = max(min(entries // len(branches), MOST_COUNTED), 1)
        await self._count(connection, branches, share)
        more = [branch for branch in branches if not self._counts.get(branch, _NOTHING).is_exact]
        left = entries - sum(count.events for count in self._counts.values())
        if more and share < MOST_COUNTED and left // len(more) > share:
            await self._count(connection, more, min(left // len(more), MOST_COUNTED))

    def total(self, problem: ProblemRecord, branches: Sequence[CountedBranch]) -> ProblemCount:
        counts = [self._counts.get(branch, _NOTHING) for branch in branches]
        occurrences = sum(count.occurrences for count in counts)
        since = min((count.since for count in counts if count.since is not None), default=problem.occurred_at)
        # The error may have been removed since the problem was read.
        return ProblemCount(max(occurrences, 1), since, all(count.is_exact for count in counts))

    async def _count(self, connection: AsyncConnection, branches: Sequence[CountedBranch], most: int) -> None:
        database = self._database
        for start in range(0, len(branches), _PREPARED_SIZES[-1]):
            part = branches[start : start + _PREPARED_SIZES[-1]]
            size = next(size for size in _PREPARED_SIZES if size >= len(part))
            with_notices = any(branch.severity == Severity.NOTICE for branch in part)
            statement = database.statements.get(
                ("error counts", size, with_notices),
                partial(build_error_counts, size, with_notices=with_notices, dialect_name=database.dialect_name),
            )
            values = count_values(part, size, most=most)
            for place, events, occurrences, since in await database.fetch(connection, statement, values):
                self._counts[part[place]] = _BranchCount(events, int(occurrences), since, events < most)


async def _fetch_branches(
    connection: AsyncConnection, problems: Sequence[ProblemRecord], scope: Scope
) -> dict[ProblemRecord, list[CountedBranch]]:
    """Find where the errors of some problems lie: in each audience of the object, by severity."""
    audience_keys: dict[int, list[int]] = defaultdict(list)
    keys = sorted({problem.object_key for problem in problems})
    for start in range(0, len(keys), MOST_OBJECTS):
        statement = build_pairs_of_keys(keys[start : start + MOST_OBJECTS], scope)
        for object_key, audience_key in await connection.execute(statement):
            audience_keys[object_key].append(audience_key)
    return {
        problem: [
            CountedBranch(
                problem.object_key,
                audience_key,
                severity,
                place_or_none(problem.counted_after),
                Place.from_text(problem.place),
            )
            for audience_key in audience_keys[problem.object_key]
            for severity in severities_from(problem.min_severity)
        ]
        for problem in problems
    }


async def _fetch_records(connection: AsyncConnection, statement: Any, query: ProblemQuery) -> list[ProblemRecord]:
    return [_to_record(row, query) for row in await connection.execute(statement)]


def _to_record(row: Any, query: ProblemQuery) -> ProblemRecord:
    place = Place.from_text(row.last_error)
    return ProblemRecord(
        object=ObjectRecord(row.namespace, row.object_type, row.object_id),
        event=EventKey(row.name, place.event_id),
        min_severity=query.min_severity,
        occurred_at=place.occurred_at,
        object_key=row.object_key,
        place=row.last_error,
        counted_after=max(row.last_success, row.earlier or NOWHERE),
        dismissed_by=row.dismissed_by,
        dismissed_until=row.dismissed_until,
    )


def _key_range(within: ProblemRange) -> KeyRange:
    """Give the range of errors to go through; each end holds the errors that share the cursor's time and id."""
    start, stop = (within.before, within.after) if within.backward else (within.after, within.before)
    beyond = _AFTER_ALL_NAMES if within.backward else _BEFORE_ALL_NAMES
    return KeyRange(
        not within.backward,
        # Where a page ended at the scan limit, all of that time and id was gone through.
        None if start is None else Bound(start.occurred_at, start.event_id, inclusive=start.namespace != beyond),
        None if stop is None else Bound(stop.occurred_at, stop.event_id, inclusive=True),
    )
