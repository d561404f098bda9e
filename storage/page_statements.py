"""Statements of event pages: the keys of a page come from an index alone, the rows are joined to them afterwards."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Select, Subquery, and_, exists, func, literal_column, or_, select, union_all
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from storage.conditions import build_condition, build_scope_condition
from storage.dialects import force_index, keep_join_order, key_range, union_of_limited
from storage.plans import BY_ID, Access, Plan, Prefix, build_confirmation
from storage.scopes import Scope
from storage.tables import event_objects, events, ingest_batches


class Bound(NamedTuple):
    """An end of a range of keys (time, id); in a statement to be prepared the two are parameters."""

    occurred_at: Any
    event_id: Any
    inclusive: bool


class KeyRange(NamedTuple):
    """The part of an index that is read: from `start` in the direction of the scan up to `stop`; None: no bound."""

    descending: bool
    start: Bound | None = None
    stop: Bound | None = None


def event_columns(names: Sequence[str]) -> list[ColumnElement[Any]]:
    """Give the columns of the events table by name, as `storage.event_rows.read_columns` orders them."""
    return [events.c[name] for name in names]


def build_event_page(
    plan: Plan,
    keys: KeyRange,
    *,
    limit: int | ColumnElement[Any],
    as_of: int | ColumnElement[Any] | None,
    columns: Sequence[str],
    dialect_name: str,
) -> Select[Any]:
    """Ask for the first `limit` events of a plan within a range of keys, in the direction of the scan."""
    page = _build_keys(plan, keys, limit=limit, as_of=as_of, dialect_name=dialect_name).subquery("page")
    return _join_events(page, keys, columns)


def _join_events(page: Subquery, keys: KeyRange, columns: Sequence[str]) -> Select[Any]:
    joined = page.join(events, and_(events.c.id == page.c.id, events.c.namespace_key == page.c.namespace_key))
    statement: Select[Any] = keep_join_order(select(*event_columns(columns)).select_from(joined))
    return statement.order_by(*_ordered(page.c.occurred_at, page.c.id, keys.descending))


def build_boundary(
    plan: Plan, keys: KeyRange, *, offsets: Sequence[int | ColumnElement[Any]], dialect_name: str
) -> Select[Any]:
    """Ask for the key at an offset of each branch of a plan, and the nearest of them; no row when fewer are left.

    Entries that the scope hides do not count: where a scan ends must tell nothing of them (NU4).
    """
    visible = _visible(plan)
    branches = [
        _in_order(build_branch(plan, prefix, keys, dialect_name, tests=visible), plan.access, keys)
        .limit(1)
        .offset(offset)
        for prefix, offset in zip(plan.prefixes, offsets, strict=True)
    ]
    # Always a derived table: the text of an id, which the outermost select gives, must not stand in the index's order.
    ends = (union_of_limited(branches, dialect_name) if len(branches) > 1 else branches[0]).subquery("ends")
    return select(ends).order_by(*_ordered(ends.c.occurred_at, ends.c.id, keys.descending)).limit(1)


def build_entry_counts(plan: Plan, keys: KeyRange, *, dialect_name: str) -> Select[Any]:
    """Ask for (place, entries): how many visible index entries each branch of a plan has in a range of keys."""
    branches: list[Select[Any]] = []
    for place, prefix in enumerate(plan.prefixes):
        entries = build_branch(plan, prefix, keys, dialect_name, tests=_visible(plan)).subquery()
        # Written out: the place is no value of anybody's.
        columns: tuple[Any, ...] = (literal_column(str(place)).label("place"), func.count().label("entries"))
        branches.append(select(*columns).select_from(entries))
    found = union_all(*branches).subquery("found")
    return select(found.c.place, found.c.entries)


def _visible(plan: Plan) -> tuple[ColumnElement[bool], ...]:
    return () if plan.scope.everything else (build_scope_condition(plan.scope),)


def build_children(
    parents: Sequence[tuple[str, int]],
    keys: KeyRange,
    *,
    scope: Scope,
    limit: int,
    columns: Sequence[str],
    dialect_name: str,
) -> Select[Any]:
    """Ask for the first `limit` children of each of some events, given by id and namespace key."""
    branches: list[Select[Any]] = []
    for parent_id, namespace_key in parents:
        branch: Select[Any] = select(events.c.occurred_at, events.c.id, events.c.namespace_key).where(
            events.c.parent_id == parent_id, events.c.namespace_key == namespace_key, build_scope_condition(scope)
        )
        branch = _within(force_index(branch, events, "ix_events_parent"), events, "id", keys, dialect_name)
        branches.append(branch.order_by(*_ordered(events.c.occurred_at, events.c.id, keys.descending)).limit(limit))
    page = union_of_limited(branches, dialect_name).subquery("page")
    return _join_events(page, keys, columns)


def build_batch_condition(as_of: int | ColumnElement[Any]) -> ColumnElement[bool]:
    """Make the condition that an event was visible at a position: its batch is not one that came later."""
    later = or_(ingest_batches.c.position.is_(None), ingest_batches.c.position > as_of)
    return ~exists().where(ingest_batches.c.batch_key == events.c.batch_key, later)


def _build_keys(
    plan: Plan,
    keys: KeyRange,
    *,
    limit: int | ColumnElement[Any],
    as_of: int | ColumnElement[Any] | None,
    dialect_name: str,
) -> Select[Any]:
    tests = build_row_tests(plan, as_of, dialect_name)
    branches: list[Select[Any]] = []
    for prefix in places_of(plan):
        branch = build_branch(plan, prefix, keys, dialect_name, tests=tests)
        if plan.access.repeats:
            branch = branch.distinct()
        branches.append(_in_order(branch, plan.access, keys).limit(limit))
    if len(branches) == 1:
        return branches[0]
    merged = union_of_limited(branches, dialect_name).subquery("merged")
    statement = select(merged).order_by(*_ordered(merged.c.occurred_at, merged.c.id, keys.descending)).limit(limit)
    return statement.distinct() if plan.access.repeats else statement


def build_branch(
    plan: Plan,
    prefix: Prefix,
    keys: KeyRange,
    dialect_name: str,
    *,
    tests: tuple[ColumnElement[bool], ...] = (),
    columns: Sequence[str] = (),
) -> Select[Any]:
    """Ask for the keys (time, id, namespace) at one place of a plan, and for further columns of the events."""
    source = _source(plan.access)
    time, identifier = source.c.occurred_at, source.c[plan.access.event_id]
    further = (events.c[name] for name in columns)
    statement: Select[Any] = select(time, identifier.label("id"), source.c.namespace_key, *further)
    if source is not events and (tests or columns):
        row = and_(events.c.id == identifier, events.c.namespace_key == source.c.namespace_key)
        statement = keep_join_order(statement.select_from(source.join(events, row)))
    statement = force_index(statement, source, plan.access.index).where(*_enter(plan, source, prefix))
    statement = _within(statement, source, plan.access.event_id, keys, dialect_name)
    if plan.place_is_remembered:
        statement = statement.where(build_confirmation(*prefix[:2]))
    if plan.since is not None:
        statement = statement.where(time >= plan.since)
    if plan.until is not None:
        statement = statement.where(time < plan.until)
    return statement.where(*tests)


def places_of(plan: Plan) -> Sequence[Prefix]:
    """Give the places at which a statement enters a plan's index: all ids at once, everything else one by one."""
    return ((),) if plan.access is BY_ID else plan.prefixes


def _within(
    statement: Select[Any], source: FromClause, event_id: str, keys: KeyRange, dialect_name: str
) -> Select[Any]:
    columns = (source.c.occurred_at, source.c[event_id])
    ranges = (key_range(columns, bound[:2], comparison, dialect_name) for bound, comparison in _comparisons(keys))
    return statement.where(*ranges)


def build_row_tests(
    plan: Plan, as_of: int | ColumnElement[Any] | None, dialect_name: str
) -> tuple[ColumnElement[bool], ...]:
    """Make the conditions that a plan's index does not answer: the rest of its selector and scope, and the position."""
    tests: list[ColumnElement[bool]] = []
    if plan.tests_rows:
        tests.append(build_condition(plan.residual, dialect_name))
        if not plan.scope.everything:
            tests.append(build_scope_condition(plan.scope))
    if as_of is not None:
        tests.append(build_batch_condition(as_of))
    return tuple(tests)


def _enter(plan: Plan, source: FromClause, prefix: Prefix) -> list[ColumnElement[bool]]:
    if plan.access is BY_ID:
        return [source.c.id.in_([value for (value,) in plan.prefixes])]
    return [source.c[name] == value for name, value in zip(plan.access.columns, prefix, strict=True)]


def _comparisons(keys: KeyRange) -> list[tuple[Bound, str]]:
    beyond, up_to = ("<", ">") if keys.descending else (">", "<")
    ends = ((keys.start, beyond), (keys.stop, up_to))
    return [(bound, f"{sign}=" if bound.inclusive else sign) for bound, sign in ends if bound is not None]


def _source(access: Access) -> FromClause:
    # An alias, because conditions look for references of the event in event_objects by its own name.
    return events if access.table is events else event_objects.alias("place")


def _in_order(statement: Select[Any], access: Access, keys: KeyRange) -> Select[Any]:
    columns = statement.selected_columns
    return statement.order_by(*_ordered(columns.occurred_at, columns.id, keys.descending))


def _ordered(time: ColumnElement[Any], identifier: ColumnElement[Any], descending: bool) -> list[ColumnElement[Any]]:
    return [time.desc(), identifier.desc()] if descending else [time.asc(), identifier.asc()]
