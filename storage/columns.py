"""Columns: one field of many values at once, whichever way the values are held."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any


def column_of(values: Sequence[Any], name: str) -> Sequence[Any]:
    """Give one field of all values. Those with a `column` method are asked for it: that costs less than one by one."""
    column = getattr(values, "column", None)
    if column is not None:
        found: Sequence[Any] = column(name)
        return found
    return list(map(attrgetter(name), values))
