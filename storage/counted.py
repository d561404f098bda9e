"""Counted: events that the sums can tell of, without reading one of them.

The sums know minute, type, severity, success and audience of an event. A selector that asks for nothing else, in whole
minutes, is answered from them; the pieces of minutes at the ends of a span have to be read (`scans.py`). Sums and
deltas are read by one statement, so that no event is seen twice or not at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import CompoundSelect, Select, Table, and_, exists, false, func, or_, select, true, union_all
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from storage.conditions import build_membership, build_scope_condition, build_test
from storage.conjunctions import Conjunction
from storage.counts import SUMS
from storage.dialects import force_index, whole_quotient
from storage.engine import Database
from storage.plans import MOST_AUDIENCES, fetch_audience_keys
from storage.scopes import Scope
from storage.selectors import And, EventField, FieldTest, Not, Or, Selector
from storage.tables import audiences, event_count_deltas, namespaces
from storage.times import MICROSECONDS_PER_MINUTE

_COUNTED_FIELDS = frozenset(
    {EventField.EVENT_TYPE, EventField.SEVERITY, EventField.SUCCESS, EventField.NAMESPACE, EventField.OWNER}
)
_UNKNOWN_SUCCESS = -1


class Piece(NamedTuple):
    """Whole minutes from `start` up to `stop` (None: no end), read from the sums of so many `minutes`."""

    minutes: int
    start: int | None
    stop: int | None


@dataclass(frozen=True, slots=True)
class Counted:
    """What to read of the sums; `audience_keys` None: of too many audiences to name them."""

    condition: Selector
    scope: Scope
    audience_keys: tuple[int, ...] | None


def is_counted(tests: Sequence[Selector]) -> bool:
    """Whether tests ask for nothing that the sums do not know."""
    return all(map(_is_counted, tests))


def _is_counted(test: Selector) -> bool:
    match test:
        case And(parts) | Or(parts):
            return is_counted(parts)
        case Not(part):
            return _is_counted(part)
        case FieldTest(field):
            return field in _COUNTED_FIELDS
        case _:
            return False


async def find_counted(
    database: Database, connection: AsyncConnection, conjunction: Conjunction, scope: Scope
) -> Counted:
    """Find the audiences that the tests of a conjunction and a scope allow; the tests must be counted ones."""
    names = conjunction.namespaces()
    keys = tuple(await fetch_audience_keys(database, connection, scope, names, most=MOST_AUDIENCES + 1))
    if len(keys) > MOST_AUDIENCES:
        return Counted(conjunction.without(), scope, None)
    return Counted(conjunction.without(*conjunction.lists(EventField.NAMESPACE)), scope, keys)


def cut(
    since: int | None, until: int | None, *, coarsest: int = max(SUMS)
) -> tuple[list[Piece], list[tuple[int | None, int | None]]]:
    """Cut a span of microseconds (None: no end) into as few rows of sums as can be, none above `coarsest` minutes.

    Beside the pieces come the spans before and after them that are no whole minutes.
    """
    first = None if since is None else -(-since // MICROSECONDS_PER_MINUTE)
    beyond = None if until is None else until // MICROSECONDS_PER_MINUTE
    if since is not None and until is not None and first is not None and beyond is not None and first > beyond:
        return [], [(since, until)] if since < until else []
    pieces = _cut(first, beyond, [minutes for minutes in sorted(SUMS, reverse=True) if minutes <= coarsest])
    ends = ((since, _micros(first)), (_micros(beyond), until))
    return pieces, [(start, stop) for start, stop in ends if start is not None and stop is not None and start < stop]


def _micros(minute: int | None) -> int | None:
    return None if minute is None else minute * MICROSECONDS_PER_MINUTE


def _cut(since: int | None, until: int | None, sizes: Sequence[int]) -> list[Piece]:
    if since is not None and until is not None and since >= until:
        return []
    size, *finer = sizes
    first = None if since is None else -(-since // size) * size
    beyond = None if until is None else until // size * size
    if first is not None and beyond is not None and first >= beyond:
        return _cut(since, until, finer) if finer else []
    pieces = [Piece(size, first, beyond)]
    if since is not None and since != first:
        pieces += _cut(since, first, finer)
    if until is not None and until != beyond:
        pieces += _cut(beyond, until, finer)
    return pieces


def build_counted(
    counted: Counted,
    pieces: Sequence[Piece],
    *,
    number: str,
    groups: Sequence[str] = (),
    bucket: tuple[int, int] | None = None,
    only: Sequence[Any] | None = None,
    limit: int | None = None,
) -> CompoundSelect[Any]:
    """Ask for sums of a number (event_rows or occurrences) by bucket and by columns of the sums.

    `bucket`: minute of the first bucket's begin, and minutes of each; None: all are in bucket 0. `only`: just these
    values of the first column. The rows are (bucket, columns ..., sum); sums and deltas may both give one for the same
    bucket and values.
    """
    starts = [piece.start for piece in pieces]
    stops = [piece.stop for piece in pieces]
    whole = Piece(
        0,
        None if None in starts else min(start for start in starts if start is not None),
        None if None in stops else max(stop for stop in stops if stop is not None),
    )
    sources: list[tuple[Table, Piece]] = [(SUMS[piece.minutes], piece) for piece in pieces]
    sources.append((event_count_deltas, whole))
    sums = [_build_sum(counted, source, piece, number, groups, bucket) for source, piece in sources]
    if only is not None:
        sums = [
            each.where(build_membership(column_of_sums(source, groups[0]), only))
            for each, (source, _) in zip(sums, sources, strict=True)
        ]
    return union_all(*sums).limit(limit)


def _build_sum(
    counted: Counted,
    source: Table,
    piece: Piece,
    number: str,
    groups: Sequence[str],
    bucket: tuple[int, int] | None,
) -> Select[Any]:
    minute = source.c.minute
    place: Any = func.min(0) if bucket is None else whole_quotient(minute - bucket[0], bucket[1])
    keys = [column_of_sums(source, name) for name in groups]
    statement: Select[Any] = select(place.label("bucket"), *keys, func.sum(source.c[number]).label("number"))
    statement = statement.where(_audience_condition(counted, source), build_sums_condition(counted.condition, source))
    if piece.start is not None:
        statement = statement.where(minute >= piece.start)
    if piece.stop is not None:
        statement = statement.where(minute < piece.stop)
    if counted.audience_keys is None and source is not event_count_deltas:
        statement = force_index(statement, source, f"ix_{source.name}_minute")
    return statement.group_by(*(() if bucket is None else (place,)), *keys)


def _audience_condition(counted: Counted, source: FromClause) -> ColumnElement[bool]:
    if counted.audience_keys is not None:
        return source.c.audience_key.in_(counted.audience_keys)
    if counted.scope.everything:
        return true()
    visible = select(audiences.c.audience_key).where(build_scope_condition(counted.scope, audiences))
    return source.c.audience_key.in_(visible)


def column_of_sums(source: FromClause, name: str) -> ColumnElement[Any]:
    """Give a column of the sums as events have it: an unknown success is null, a namespace is the audience's."""
    match name:
        case "success":
            return func.nullif(source.c.success, _UNKNOWN_SUCCESS)
        case "namespace_key":
            of_audience = select(audiences.c.namespace_key).where(audiences.c.audience_key == source.c.audience_key)
            return of_audience.scalar_subquery()
        case _:
            return source.c[name]


def build_sums_condition(selector: Selector, source: FromClause) -> ColumnElement[bool]:
    """Make the condition on sums that holds for just the events the selector means, as `conditions.py` on events."""
    match selector:
        case And(parts):
            return and_(true(), *(build_sums_condition(part, source) for part in parts))
        case Or(parts):
            return or_(false(), *(build_sums_condition(part, source) for part in parts))
        case Not(part):
            return build_sums_condition(part, source).is_not(true())
        case FieldTest(EventField.NAMESPACE, comparison, value):
            named = audiences.join(namespaces, namespaces.c.namespace_key == audiences.c.namespace_key)
            return _is_audience(source, named, build_test(namespaces.c.name, comparison, value))
        case FieldTest(EventField.OWNER, comparison, value):
            return _is_audience(source, audiences, build_test(audiences.c.owner, comparison, value))
        case FieldTest(field, comparison, value):
            return build_test(column_of_sums(source, field.value), comparison, value)
        case _:
            raise TypeError(f"the sums know nothing of {selector}")


def _is_audience(source: FromClause, joined: FromClause, test: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().select_from(joined).where(audiences.c.audience_key == source.c.audience_key, test)
