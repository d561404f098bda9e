"""Selectors to SQL conditions: the one place where a filter becomes SQL.

Every condition is about one row of `events`. A condition may come to NULL where a field is null; `Not` turns whatever
is not true into true, so that a negation is the complement (contract: "negation is complement").
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import and_, exists, false, func, or_, select, true
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from storage.dialects import bracketed, id_text, json_condition
from storage.errors import TooManyValuesError
from storage.json_values import count_values
from storage.scopes import Scope
from storage.selectors import (
    UUID_FIELDS,
    And,
    Comparison,
    EventField,
    FieldTest,
    JsonComparison,
    JsonTest,
    Not,
    ObjectReference,
    Or,
    Selector,
    TouchesAny,
    TouchesId,
    TouchesType,
)
from storage.tables import audiences, event_objects, events, namespaces, objects

MAX_LIST_VALUES = 1000
"""The most values that one list in a filter may hold (F23)."""

_COLUMNS: dict[EventField, ColumnElement[Any]] = {
    field: events.c[field.value]
    for field in EventField
    if field not in (EventField.NAMESPACE, EventField.OWNER, EventField.TIMESTAMP)
} | {EventField.TIMESTAMP: events.c.occurred_at}

_ORDERINGS: dict[Comparison, Callable[[ColumnElement[Any], Any], ColumnElement[bool]]] = {
    Comparison.LESS: lambda column, value: column < value,
    Comparison.LESS_OR_EQUAL: lambda column, value: column <= value,
    Comparison.GREATER: lambda column, value: column > value,
    Comparison.GREATER_OR_EQUAL: lambda column, value: column >= value,
}


def build_condition(selector: Selector, dialect_name: str) -> ColumnElement[bool]:
    """Make the SQL condition on `events` that holds for just the events the selector means."""
    match selector:
        case And(parts):
            return _join(and_, true(), [build_condition(part, dialect_name) for part in parts])
        case Or(parts):
            return _join(or_, false(), [build_condition(part, dialect_name) for part in parts])
        case Not(part):
            return build_condition(part, dialect_name).is_not(true())
        case FieldTest():
            return _build_field_condition(selector)
        case TouchesAny(references):
            return _build_touch(_IS_OBJECT, _join(or_, false(), _name_objects(references)))
        case TouchesType(object_types):
            return _build_touch(event_objects.c.object_type.in_(object_types))
        case TouchesId(object_type, comparison, value):
            same_type = event_objects.c.object_type == object_type
            return _build_touch(_IS_OBJECT, same_type, build_test(objects.c.object_id, comparison, value))
        case JsonTest():
            return json_condition(events.c.extra, selector, dialect_name)


def build_scope_condition(scope: Scope, source: FromClause = events) -> ColumnElement[bool]:
    """Make the condition that holds for just the rows in the scope; `source` has their namespace and audience keys."""
    if scope.everything:
        return true()
    return or_(
        source.c.namespace_key.in_(sorted(scope.namespace_keys)), source.c.audience_key.in_(sorted(scope.audience_keys))
    )


def build_test(column: ColumnElement[Any], comparison: Comparison, value: Any) -> ColumnElement[bool]:
    """Compare a column by code point; contains and prefix never hold for a null (F13, F22)."""
    test: ColumnElement[bool]
    match comparison:
        case Comparison.IN:
            test = column.in_(value)
        case Comparison.IS_NULL:
            test = column.is_(None)
        case Comparison.CONTAINS | Comparison.PREFIX if value == "":
            test = column.is_not(None)
        case Comparison.CONTAINS:
            test = func.instr(column, value) > 0
        case Comparison.PREFIX:
            test = func.substr(column, 1, len(value)) == value
        case _:
            test = _ORDERINGS[comparison](column, value)
    return test


def build_membership(column: ColumnElement[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """Make the condition that a column has one of some values, among which null may be."""
    return or_(column.in_([value for value in values if value is not None]), *([column.is_(None)] * (None in values)))


def _build_field_condition(test: FieldTest) -> ColumnElement[bool]:
    if test.field is EventField.NAMESPACE:
        named = select(namespaces.c.namespace_key).where(build_test(namespaces.c.name, test.comparison, test.value))
        return events.c.namespace_key.in_(named)
    if test.field is EventField.OWNER:
        owned = select(audiences.c.audience_key).where(build_test(audiences.c.owner, test.comparison, test.value))
        return events.c.audience_key.in_(owned)
    column = _COLUMNS[test.field]
    if test.field in UUID_FIELDS and test.comparison in (Comparison.CONTAINS, Comparison.PREFIX):
        column = id_text(column)
    return build_test(column, test.comparison, test.value)


_IS_OBJECT = objects.c.object_key == event_objects.c.object_key


def _build_touch(*reference: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether the event has a reference for which the conditions on `event_objects` (and `objects`) hold."""
    of_event = and_(event_objects.c.event_id == events.c.id, event_objects.c.namespace_key == events.c.namespace_key)
    return exists().where(of_event, *reference)


def _name_objects(references: Iterable[ObjectReference]) -> list[ColumnElement[bool]]:
    """Name objects, those of one type, namespace and role by one list of ids: long lists stay cheap."""
    groups: dict[tuple[str, str | None, str | None], list[str]] = {}
    for one in references:
        groups.setdefault((one.object_type, one.namespace, one.role), []).append(one.object_id)
    conditions: list[ColumnElement[bool]] = []
    for (object_type, namespace, role), ids in groups.items():
        parts = [objects.c.object_type == object_type, objects.c.object_id.in_(ids)]
        if namespace is not None:
            parts.append(objects.c.namespace == namespace)
        if role is not None:
            parts.append(event_objects.c.role == role)
        conditions.append(and_(*parts))
    return conditions


_WIDTH = 100


def _join(
    joined: Callable[..., ColumnElement[bool]], neutral: ColumnElement[bool], conditions: Sequence[ColumnElement[bool]]
) -> ColumnElement[bool]:
    """Join conditions by AND or OR; many of them in brackets, because SQLite takes expressions of 1000 levels only."""
    while len(conditions) > _WIDTH:
        starts = range(0, len(conditions), _WIDTH)
        conditions = [bracketed(joined(*conditions[start : start + _WIDTH])) for start in starts]
    return joined(neutral, *conditions)


def require_short_lists(selector: Selector) -> None:
    """Raise TooManyValuesError when a list anywhere in a selector holds more than MAX_LIST_VALUES values (F23)."""
    match selector:
        case And(parts) | Or(parts):
            _require_few(len(parts))
            for part in parts:
                require_short_lists(part)
        case Not(part):
            require_short_lists(part)
        case TouchesAny(values) | TouchesType(values) | FieldTest(_, _, tuple() as values):
            _require_few(len(values))
        case JsonTest(_, JsonComparison.IN, values):
            # What is inside lists and objects is compared one by one as well.
            _require_few(sum(map(count_values, values)))
        case JsonTest(_, JsonComparison.INCLUDES, value):
            _require_few(count_values(value))


def _require_few(count: int) -> None:
    if count > MAX_LIST_VALUES:
        raise TooManyValuesError(f"a list in a filter holds {count} values; the most is {MAX_LIST_VALUES}")
