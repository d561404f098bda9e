"""Leaves: columns of scalars and enums as JSON has them, by the same rules as the schema's own serializers.

Each column is looked at as a whole: when its values are all of the kinds that the database gives, they go through at
the speed of C; anything else is irregular and left to graphql-core.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any

import msgspec
from graphql import GraphQLEnumType, GraphQLLeafType

from storage.times import MICROSECONDS_PER_SECOND, format_rfc3339

Column = Sequence[Any]
Leaf = Callable[[Column], Column]
"""Turns a column of values into one of what JSON has for them. Raises IrregularError."""


class IrregularError(Exception):
    """A value that only stock completion can judge: it may have another form that is right too, or be an error."""


_NULL = type(None)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_add_to_epoch = _EPOCH.__add__
_multiply_microsecond = _MICROSECOND.__mul__
_SMALLEST_INT, _LARGEST_INT = -(2**31), 2**31 - 1


def leaf_of(type_: GraphQLLeafType, *, nullable: bool) -> Leaf | None:
    """Give the leaf of a scalar or enum of the schema; None for one that is not known here."""
    if isinstance(type_, GraphQLEnumType):
        return _enum_leaf(type_, nullable=nullable)
    found = _LEAVES.get(type_.name)
    if found is None:
        return None
    kind, convert = found
    kinds = frozenset({kind, _NULL}) if nullable else frozenset({kind})

    def leaf(column: Column) -> Column:
        if not kinds.issuperset(map(type, column)):
            raise IrregularError
        if convert is None:
            return column
        if nullable and None in column:
            converted = iter(convert([value for value in column if value is not None]))
            return [None if value is None else next(converted) for value in column]
        return convert(column)

    return leaf


def _require_small(column: Column) -> Column:
    if column and (min(column) < _SMALLEST_INT or max(column) > _LARGEST_INT):
        raise IrregularError
    return column


def _require_finite(column: Column) -> Column:
    if not all(map(isfinite, column)):
        raise IrregularError
    return column


def _to_times(column: Column) -> Column:
    """Make dates of microseconds, which the encoder writes faster than anybody.

    It leaves the fraction away where it is zero; DateTime always has six digits, so those become text here.
    """
    try:
        times: list[Any] = list(map(_add_to_epoch, map(_multiply_microsecond, column)))
    except OverflowError:
        raise IrregularError from None
    if 0 in [micros % MICROSECONDS_PER_SECOND for micros in column]:
        return [time if time.microsecond else format_rfc3339(at) for time, at in zip(times, column, strict=True)]
    return times


def _to_raw_json(column: Column) -> Column:
    return list(map(msgspec.Raw, column))


# By scalar: the one type that its values have when they come from storage, and what becomes of them.
_LEAVES: dict[str, tuple[type, Leaf | None]] = {
    "String": (str, None),
    "ID": (str, None),
    "Boolean": (bool, None),
    "Int": (int, _require_small),
    "BigInt": (int, None),
    "Float": (float, _require_finite),
    "DateTime": (int, _to_times),
    "JSON": (str, _to_raw_json),
}


class _Names(dict[Any, str]):
    """The names of an enum's values, as its own serializer gives them."""

    def __init__(self, type_: GraphQLEnumType) -> None:
        super().__init__()
        self._type = type_

    def __missing__(self, value: Any) -> str:
        try:
            name: str = self._type.coerce_output_value(value)
        except Exception:
            raise IrregularError from None
        self[value] = name
        return name


def _enum_leaf(type_: GraphQLEnumType, *, nullable: bool) -> Leaf:
    names = _Names(type_)
    name_of = names.__getitem__

    def leaf(column: Column) -> Column:
        if not nullable:
            _require_hashable(column)
            return list(map(name_of, column))
        return [None if value is None else names[value] for value in column]

    return leaf


def _require_hashable(column: Iterable[Any]) -> None:
    # True is 1 to a dict, and is no severity.
    if bool in set(map(type, column)):
        raise IrregularError
