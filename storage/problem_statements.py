"""Statements about problems: everything is told by the ends of indexes, however many events an object has.

An object's last error is the last entry of one of its severities, its last success the last entry of its successes,
both audience by audience; the error is open when it is the later one. No event after a success that is the last one is
one itself, so that the severity alone makes it an error. Of the dismissals that hold the last decides in the same way:
it closes all up to its event.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Select, and_, func, literal, literal_column, or_, select
from sqlalchemy.sql.elements import ColumnElement

from storage.conditions import build_scope_condition
from storage.cursors import ProblemCursor
from storage.dialects import force_index, greatest, keep_join_order, key_range, union_of_limited
from storage.page_statements import KeyRange, build_branch, build_row_tests
from storage.plans import Plan
from storage.prepared import parameter
from storage.problem_places import (
    NOWHERE,
    Place,
    first_place_text,
    key_of,
    key_text,
    last_place_text,
    namespace_key_of,
    place_of,
)
from storage.records import ObjectRecord
from storage.scopes import Scope
from storage.severities import Severity
from storage.tables import audiences, event_objects, events, namespaces, object_audiences, objects, problem_dismissals

DISMISSED = "problem.dismissed"
"""The type of the events that tell of a dismissal: NOTICE without success, but never a problem themselves."""

_IDENTITY = (objects.c.namespace, objects.c.object_type, objects.c.object_id)
_PAIR = (object_audiences.c.object_key, object_audiences.c.audience_key)
_NAMES_OF_KEY = 3
"""How many parts of a problem's place in a list go the other way: the object's, behind time, id and namespace."""


class ProblemQuery(NamedTuple):
    """Which problems: of errors of at least a severity (a rank), of objects of a namespace and of types (None: of any).

    `now` in microseconds: a dismissal whose end has come holds no more.
    """

    min_severity: int
    now: int
    include_dismissed: bool = False
    namespace: str | None = None
    object_types: tuple[str, ...] | None = None

    @property
    def object_tests(self) -> list[ColumnElement[bool]]:
        """What must hold of the names of an object; empty: any will do."""
        tests: list[ColumnElement[bool]] = []
        if self.namespace is not None:
            tests.append(objects.c.namespace == self.namespace)
        if self.object_types is not None:
            tests.append(objects.c.object_type.in_(self.object_types))
        return tests


class ProblemRange(NamedTuple):
    """The part of a list that is read, in its order or (backward) against it, strictly between two cursors."""

    backward: bool = False
    after: ProblemCursor | None = None
    before: ProblemCursor | None = None

    def holds(self, cursor: ProblemCursor) -> bool:
        """Whether a problem with this cursor lies there."""
        return (self.after is None or _precedes(self.after, cursor)) and (
            self.before is None or _precedes(cursor, self.before)
        )


def _precedes(one: ProblemCursor, other: ProblemCursor) -> bool:
    newer, older = ((each.occurred_at, each.event_id, each.namespace) for each in (one, other))
    return newer > older if newer != older else one.object < other.object


class CountedBranch(NamedTuple):
    """Errors of one object, audience and severity, after a place and up to another."""

    object_key: int
    audience_key: int
    severity: int
    after: Place | None
    up_to: Place


def severities_from(min_severity: int) -> list[int]:
    """Give the ranks from one on."""
    return [int(severity) for severity in Severity if severity >= min_severity]


def build_named_pairs(wanted: Sequence[ObjectRecord], scope: Scope) -> Select[Any]:
    """Ask where the visible references to some objects lie: pairs of object key and audience key."""
    named = or_(*(and_(*(column == value for column, value in zip(_IDENTITY, one, strict=True))) for one in wanted))
    joined = objects.join(object_audiences, object_audiences.c.object_key == objects.c.object_key)
    return _visible_pairs(joined, scope).where(named)


def build_pairs_of_keys(object_keys: Sequence[int], scope: Scope) -> Select[Any]:
    """Ask the same about objects whose keys are known."""
    return _visible_pairs(object_audiences, scope).where(object_audiences.c.object_key.in_(object_keys))


def build_all_pairs(query: ProblemQuery, scope: Scope) -> Select[Any]:
    """Ask where all visible references lie to the objects that a query is about."""
    tests = query.object_tests
    if not tests:
        return _visible_pairs(object_audiences, scope)
    joined = objects.join(object_audiences, object_audiences.c.object_key == objects.c.object_key)
    pairs = _visible_pairs(joined, scope).where(*tests)
    return force_index(pairs, objects, "ix_objects_type") if query.namespace is None else pairs


def build_pair_count(query: ProblemQuery, scope: Scope, *, most: int) -> Select[Any]:
    """Ask how many pairs there are, counting up to so many."""
    pairs = build_all_pairs(query, scope).limit(most).subquery("pair")
    return select(func.count()).select_from(pairs)


def build_window_pairs(query: ProblemQuery, plan: Plan, keys: KeyRange, scope: Scope, dialect_name: str) -> Select[Any]:
    """Ask the same about those of them that the events of a plan touch within a range of keys, each object once."""
    object_tests = query.object_tests
    tests = build_row_tests(plan, None, dialect_name)
    branches = [build_branch(plan, prefix, keys, dialect_name, tests=tests) for prefix in plan.prefixes]
    found = (branches[0] if len(branches) == 1 else union_of_limited(branches, dialect_name)).subquery("found")
    reference = event_objects.alias("touching")
    of_event = and_(reference.c.event_id == found.c.id, reference.c.namespace_key == found.c.namespace_key)
    source = found.join(reference, of_event)
    if object_tests:
        source = source.join(objects, objects.c.object_key == reference.c.object_key)
    touched = select(reference.c.object_key).select_from(source).distinct().where(*object_tests)
    touched = keep_join_order(force_index(touched, reference, "ix_event_objects_event"))
    touched = touched.subquery("touched")
    joined = touched.join(object_audiences, object_audiences.c.object_key == touched.c.object_key)
    return _visible_pairs(joined, scope)


def _visible_pairs(source: Any, scope: Scope) -> Select[Any]:
    if scope.everything:
        return select(*_PAIR).select_from(source)
    joined = source.join(audiences, audiences.c.audience_key == object_audiences.c.audience_key)
    return select(*_PAIR).select_from(joined).where(build_scope_condition(scope, audiences))


def build_problems(
    pairs: Select[Any],
    query: ProblemQuery,
    *,
    scope: Scope,
    within: ProblemRange,
    limit: int,
    keys: KeyRange | None = None,
) -> Select[Any]:
    """Ask for the first problems of the objects of some pairs, in the order of the list or against it.

    `keys`: only those whose error lies in that range.
    """
    ends = _build_ends(pairs, query, keys).subquery("ends")
    last_error = ends.c.last_error
    dismissal = _last_dismissal(ends, query, scope)
    earlier = _last_dismissal(ends, query, scope, before=last_error)
    columns = (ends.c.object_key, last_error, ends.c.last_success)
    problem = select(*columns, dismissal.label("dismissal"), earlier.label("earlier")).subquery("problem")
    closing = problem_dismissals.alias("closing")
    is_closing = and_(
        closing.c.object_key == problem.c.object_key,
        place_of(closing) == problem.c.dismissal,
        problem.c.dismissal >= problem.c.last_error,
    )
    joined = (
        problem.join(objects, objects.c.object_key == problem.c.object_key)
        .join(namespaces, namespaces.c.namespace_key == namespace_key_of(problem.c.last_error))
        .outerjoin(closing, is_closing)
    )
    place = (problem.c.object_key, problem.c.last_error, problem.c.last_success, problem.c.earlier)
    shown = (closing.c.dismissed_by, closing.c.dismissed_until)
    statement: Select[Any] = select(*_IDENTITY, namespaces.c.name, *place, *shown).select_from(joined)
    statement = keep_join_order(force_index(statement, closing, "PRIMARY"))
    if not query.include_dismissed:
        statement = statement.where(or_(problem.c.dismissal.is_(None), problem.c.dismissal < problem.c.last_error))
    order = (key_of(problem.c.last_error), namespaces.c.name, *_IDENTITY)
    for cursor, is_after in ((within.after, True), (within.before, False)):
        if cursor is not None:
            statement = statement.where(_beyond(order, cursor, is_after=is_after))
    return statement.order_by(*_in_order(order, backward=within.backward)).limit(limit)


def _build_ends(pairs: Select[Any], query: ProblemQuery, keys: KeyRange | None) -> Select[Any]:
    """Ask for the last error of each object, of those that no success follows, and for its last success."""
    errors = [_last_reference("severity", severity) for severity in severities_from(query.min_severity)]
    error = errors[0] if len(errors) == 1 else greatest(*errors)
    pair = pairs.add_columns(error.label("error"), _last_reference("success", 1).label("success")).subquery("pair")
    last_error, last_success = func.max(pair.c.error), func.max(pair.c.success)
    statement = select(pair.c.object_key, last_error.label("last_error"), last_success.label("last_success"))
    return statement.group_by(pair.c.object_key).having(last_error > last_success, *_in_range(last_error, keys))


def _last_reference(column: str, value: int) -> ColumnElement[str]:
    """Give the place of the last reference of a pair that has a value; NOWHERE when there is none."""
    last = event_objects.alias(f"last_{column}_{value}")
    statement = select(place_of(last)).where(
        last.c.object_key == object_audiences.c.object_key,
        last.c.audience_key == object_audiences.c.audience_key,
        last.c[column] == value,
        *_without_own(last, value if column == "severity" else None),
    )
    statement = force_index(statement, last, f"ix_event_objects_{column}")
    statement = statement.order_by(*_newest_first(last)).limit(1).correlate(object_audiences)
    return func.coalesce(statement.scalar_subquery(), literal_column("''"))


def _without_own(reference: Any, severity: int | None) -> list[ColumnElement[bool]]:
    """Leave out what tells of dismissals, where it could be taken for an error."""
    return [reference.c.event_type != DISMISSED] if severity == Severity.NOTICE else []


def _last_dismissal(
    ends: Any, query: ProblemQuery, scope: Scope, before: ColumnElement[str] | None = None
) -> ColumnElement[str]:
    """Give the place of an object's last dismissal that holds and whose event the caller may see; null without any."""
    last = problem_dismissals.alias("last_dismissal" if before is None else "earlier_dismissal")
    reference = event_objects.alias("dismissed" if before is None else "dismissed_earlier")
    visible = force_index(select(reference.c.object_key), reference, "ix_event_objects_event").where(
        reference.c.event_id == last.c.event_id,
        reference.c.namespace_key == last.c.namespace_key,
        reference.c.object_key == last.c.object_key,
        build_scope_condition(scope, reference),
    )
    statement: Select[Any] = force_index(select(place_of(last)), last, "PRIMARY").where(
        last.c.object_key == ends.c.object_key,
        or_(last.c.dismissed_until.is_(None), last.c.dismissed_until > query.now),
        visible.correlate(last).exists(),
    )
    if before is not None:
        statement = statement.where(place_of(last) < before)
    return statement.order_by(*_newest_first(last)).limit(1).correlate(ends).scalar_subquery()


def _newest_first(table: Any) -> list[ColumnElement[Any]]:
    return [table.c.occurred_at.desc(), table.c.event_id.desc(), table.c.namespace_key.desc()]


def _in_range(place: ColumnElement[str], keys: KeyRange | None) -> list[ColumnElement[bool]]:
    """Bound places by the times and ids of a range of keys."""
    if keys is None:
        return []
    low, high = (keys.stop, keys.start) if keys.descending else (keys.start, keys.stop)
    bounds: list[ColumnElement[bool]] = []
    if low is not None:
        text = first_place_text if low.inclusive else last_place_text
        limit = literal(text(low.occurred_at, low.event_id))
        bounds.append(place >= limit if low.inclusive else place > limit)
    if high is not None:
        text = last_place_text if high.inclusive else first_place_text
        limit = literal(text(high.occurred_at, high.event_id))
        bounds.append(place <= limit if high.inclusive else place < limit)
    return bounds


def _in_order(order: Sequence[ColumnElement[Any]], *, backward: bool) -> list[ColumnElement[Any]]:
    """Order by newest error first, then by object; or the other way round."""
    by_object = len(order) - _NAMES_OF_KEY
    return [
        column.asc() if (place >= by_object) is not backward else column.desc() for place, column in enumerate(order)
    ]


def _beyond(order: Sequence[ColumnElement[Any]], cursor: ProblemCursor, *, is_after: bool) -> ColumnElement[bool]:
    """Compare with a cursor, whose time, id and namespace go down and whose object goes up."""
    values = (key_text(cursor.occurred_at, cursor.event_id), cursor.namespace, *cursor.object)
    condition: ColumnElement[bool] | None = None
    for place, (column, value) in reversed(list(enumerate(zip(order, values, strict=True)))):
        goes_up = place >= len(order) - _NAMES_OF_KEY
        beyond = column > value if goes_up is is_after else column < value
        condition = beyond if condition is None else or_(beyond, and_(column == value, condition))
    assert condition is not None
    return condition


def build_error_counts(size: int, *, with_notices: bool, dialect_name: str) -> Select[Any]:
    """Ask for (branch, events, occurrences, first time) of the newest errors of so many branches; see `count_values`.

    `with_notices`: whether a branch may be of NOTICE, where what tells of dismissals is left out.
    """
    types = tuple(column.type for column in _REFERENCE_KEY)
    parts: list[Select[Any]] = []
    for number in range(size):
        after, up_to = (
            [parameter(f"{end}_{number}_{part}", kind) for part, kind in enumerate(types)] for end in ("after", "up_to")
        )
        # Written out: the number is no value of anybody's.
        columns: tuple[Any, ...] = (literal_column(str(number)).label("branch"), *_REFERENCE_KEY)
        part = force_index(select(*columns), event_objects, "ix_event_objects_severity").where(
            event_objects.c.object_key == parameter(f"object_{number}"),
            event_objects.c.audience_key == parameter(f"audience_{number}"),
            event_objects.c.severity == parameter(f"severity_{number}"),
            key_range(_REFERENCE_KEY, after, ">", dialect_name),
            key_range(_REFERENCE_KEY, up_to, "<=", dialect_name),
            *([_counts(event_objects, parameter(f"severity_{number}"))] if with_notices else ()),
        )
        parts.append(part.order_by(*_newest_first(event_objects)).limit(parameter("most", BigInteger())))
    found = (parts[0] if len(parts) == 1 else union_of_limited(parts, dialect_name)).subquery("found")
    joined = found.join(events, and_(events.c.id == found.c.event_id, events.c.namespace_key == found.c.namespace_key))
    counted = (func.count(), func.sum(events.c.repeat_count), func.min(found.c.occurred_at))
    statement: Select[Any] = keep_join_order(select(found.c.branch, *counted).select_from(joined))
    return statement.group_by(found.c.branch)


def _counts(reference: Any, severity: ColumnElement[int]) -> ColumnElement[bool]:
    return or_(severity != int(Severity.NOTICE), reference.c.event_type != DISMISSED)


def count_values(branches: Sequence[CountedBranch], size: int, *, most: int) -> dict[str, Any]:
    """Give the values of `build_error_counts`; what `size` is larger by counts nothing."""
    values: dict[str, Any] = {"most": most}
    nothing = CountedBranch(-1, -1, -1, _FIRST, _FIRST)
    for number, branch in enumerate([*branches, *[nothing] * (size - len(branches))]):
        values[f"object_{number}"], values[f"audience_{number}"], values[f"severity_{number}"] = branch[:3]
        for end, place in (("after", branch.after or _FIRST), ("up_to", branch.up_to)):
            values.update({f"{end}_{number}_{part}": value for part, value in enumerate(place)})
    return values


_FIRST = Place(-1, "00000000-0000-0000-0000-000000000000", 0)
_REFERENCE_KEY: tuple[Any, ...] = (
    event_objects.c.occurred_at,
    event_objects.c.event_id,
    event_objects.c.namespace_key,
)


def place_or_none(text: str | None) -> Place | None:
    """Give the place of a text; None for NOWHERE."""
    return Place.from_text(text) if text not in (None, NOWHERE) else None
