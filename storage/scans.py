"""Scans: the events of a selector read newest first, as far as the scan limit goes, to be counted and summed up.

A scan is one look for the key at which the limit ends it, and then any number of statements about what lies before that
key. So whatever is asked about the same scan is about the same span of time (design: "no query may run away").
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Select, Subquery, and_, null, select, union, union_all
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import ColumnElement

from storage.engine import Database
from storage.groupings import GroupField
from storage.page_statements import Bound, KeyRange, build_branch, build_row_tests, places_of
from storage.plans import BY_ID, Plan, Planner
from storage.scopes import Scope
from storage.selectors import Selector
from storage.tables import event_objects
from storage.times import LATEST
from storage.windows import Windows

_NEWEST_FIRST = KeyRange(descending=True)
_LAST_KEY = Bound(LATEST, "ffffffff-ffff-ffff-ffff-ffffffffffff", inclusive=True)


@dataclass(frozen=True, slots=True)
class Scan:
    """The events that a plan finds down to a boundary, which is where the scan limit ended it; None: all of them."""

    plan: Plan
    boundary: Bound | None
    as_of: int | None = None
    middle: Bound | None = None
    """Where about half of what the limit allows lies behind; None: the limit did not end it."""
    start: Bound | None = None
    """Where it begins; None: with the newest event."""

    @property
    def is_complete(self) -> bool:
        """Whether it reaches all events of the selector."""
        return self.boundary is None

    @property
    def searched_to(self) -> int | None:
        """The instant down to which it looked, in microseconds; None: to the end."""
        return None if self.boundary is None else self.boundary.occurred_at


async def begin_scan(
    database: Database, connection: AsyncConnection, *, selector: Selector, scope: Scope, as_of: int | None = None
) -> Scan:
    """Plan a selector and find how far the scan limit reaches. Raises TooManyValuesError."""
    plan = await Planner(database, connection, scope=scope).plan(selector)
    if plan.is_empty or plan.access is BY_ID:
        return Scan(plan, None, as_of)
    windows = Windows(database, connection, plan)
    boundary, middle = await windows.reach(_NEWEST_FIRST, database.options.scan_rows)
    return Scan(plan, boundary, as_of, middle)


def halve_scan(scan: Scan) -> list[Scan]:
    """Cut a scan that the limit ended into two of about the same size, to be read at the same time."""
    if scan.middle is None or scan.middle == scan.boundary:
        return [scan]
    return [replace(scan, boundary=scan.middle), replace(scan, start=scan.middle._replace(inclusive=False))]


def build_scanned(scan: Scan, columns: Sequence[str], *, dialect_name: str) -> Subquery:
    """Make the table of a scan's events, each once: time, id, namespace key, and columns of `events`."""
    # With one end alone SQLite may take a range for most of the table, and read the whole of it instead.
    start = scan.start or (None if scan.boundary is None else _LAST_KEY)
    keys = KeyRange(descending=True, start=start, stop=scan.boundary)
    tests = build_row_tests(scan.plan, scan.as_of, dialect_name)
    branches = [
        build_branch(scan.plan, place, keys, dialect_name, tests=tests, columns=columns)
        for place in places_of(scan.plan)
    ]
    if scan.plan.access.repeats:
        return (union(*branches) if len(branches) > 1 else branches[0].distinct()).subquery("scanned")
    return (union_all(*branches) if len(branches) > 1 else branches[0]).subquery("scanned")


def build_touched(scanned: Subquery) -> Subquery:
    """Make the table of a scan's events and the types of objects that each touches, each type once (H4)."""
    reference = and_(event_objects.c.event_id == scanned.c.id, event_objects.c.namespace_key == scanned.c.namespace_key)
    joined = scanned.outerjoin(event_objects, reference)
    statement: Select[Any] = select(*scanned.c, event_objects.c.object_type).select_from(joined).distinct()
    return statement.subquery("touched")


class GroupedScan:
    """A scan's events with the value that they are grouped by, and columns of `events`: `table` and its `value`."""

    def __init__(self, scan: Scan, group: GroupField | None, columns: Sequence[str], *, dialect_name: str) -> None:
        """`group` None: all events are one group, whose value is null."""
        own = () if group in (None, GroupField.OBJECT_TYPE) or group.value in columns else (group.value,)
        scanned = build_scanned(scan, (*columns, *own), dialect_name=dialect_name)
        self.table = build_touched(scanned) if group is GroupField.OBJECT_TYPE else scanned
        self.value: ColumnElement[Any] = null() if group is None else self.table.c[group.value]
