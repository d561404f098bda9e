"""Shapes of page statements: what decides their text, and the values that go into it.

A plan whose index serves the whole filter gives statements that differ in values only, so they are prepared once. What
is left to be tested on rows is written into the statement, which is then built anew each time.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import BigInteger

from storage.page_statements import Bound, KeyRange, build_boundary, build_entry_counts, build_event_page
from storage.plans import Plan
from storage.prepared import PreparedStatement, PreparedStatements, parameter
from storage.selectors import ALL
from storage.tables import events

MOST_PREFIXES = 64
"""Plans that enter their index at more places are too rare and too different to be kept."""


def is_preparable(plan: Plan) -> bool:
    """Whether the statements of a plan differ from those of others in values only."""
    return not plan.tests_rows and len(plan.prefixes) <= MOST_PREFIXES


def prepare_page(
    statements: PreparedStatements,
    plan: Plan,
    keys: KeyRange,
    *,
    with_as_of: bool,
    columns: tuple[str, ...],
    dialect_name: str,
) -> PreparedStatement:
    """Give the statement of a preparable plan's pages; its values are `page_values`, `limit` and perhaps `as_of`."""
    return statements.get(
        ("page", _shape(plan, keys), with_as_of, columns),
        lambda: build_event_page(
            _with_parameters(plan),
            _bounds_with_parameters(keys),
            limit=parameter("limit", BigInteger()),
            as_of=parameter("as_of") if with_as_of else None,
            columns=columns,
            dialect_name=dialect_name,
        ),
    )


def prepare_boundary(
    statements: PreparedStatements, plan: Plan, keys: KeyRange, *, dialect_name: str
) -> PreparedStatement:
    """Give the statement that finds where a window ends; its values are `page_values`, `offset_0` and so on.

    It looks at no rows, so what is left to be tested on them does not matter.
    """
    return statements.get(
        ("boundary", _shape(plan, keys)),
        lambda: build_boundary(
            replace(_with_parameters(plan), residual=ALL),
            _bounds_with_parameters(keys),
            offsets=[parameter(f"offset_{place}", BigInteger()) for place in range(len(plan.prefixes))],
            dialect_name=dialect_name,
        ),
    )


def prepare_entry_counts(
    statements: PreparedStatements, plan: Plan, keys: KeyRange, *, dialect_name: str
) -> PreparedStatement:
    """Give the statement that counts the index entries of a window, place by place; its values are `page_values`."""
    return statements.get(
        ("entries", _shape(plan, keys)),
        lambda: build_entry_counts(
            replace(_with_parameters(plan), residual=ALL), _bounds_with_parameters(keys), dialect_name=dialect_name
        ),
    )


def page_values(plan: Plan, keys: KeyRange) -> dict[str, Any]:
    """Give the values of a plan and a range of keys by the names that they have in the statement."""
    values: dict[str, Any] = {}
    for place, prefix in enumerate(plan.prefixes):
        for part, value in enumerate(prefix):
            values[f"prefix_{place}_{part}"] = value
    for name, bound in (("start", keys.start), ("stop", keys.stop)):
        if bound is not None:
            values[f"{name}_time"], values[f"{name}_id"] = bound.occurred_at, bound.event_id
    if plan.since is not None:
        values["since"] = plan.since
    if plan.until is not None:
        values["until"] = plan.until
    return values


def _shape(plan: Plan, keys: KeyRange) -> tuple[Any, ...]:
    ends = tuple(None if bound is None else bound.inclusive for bound in (keys.start, keys.stop))
    access = (plan.access.index, plan.access.table.name, plan.access.repeats)
    bounds = (plan.since is None, plan.until is None, keys.descending, ends)
    return (access, len(plan.prefixes), plan.place_is_remembered, bounds)


def _with_parameters(plan: Plan) -> Plan:
    types = [plan.access.table.c[name].type for name in plan.access.columns]
    prefixes = (
        tuple(parameter(f"prefix_{place}_{part}", types[part]) for part in range(len(prefix)))
        for place, prefix in enumerate(plan.prefixes)
    )
    return replace(
        plan,
        prefixes=tuple(prefixes),
        since=None if plan.since is None else parameter("since"),
        until=None if plan.until is None else parameter("until"),
    )


def _bounds_with_parameters(keys: KeyRange) -> KeyRange:
    return KeyRange(keys.descending, _parameters("start", keys.start), _parameters("stop", keys.stop))


def _parameters(name: str, bound: Bound | None) -> Bound | None:
    if bound is None:
        return None
    types: Sequence[Any] = (events.c.occurred_at.type, events.c.id.type)
    time, identifier = (parameter(f"{name}_{part}", kind) for part, kind in zip(("time", "id"), types, strict=True))
    return Bound(time, identifier, bound.inclusive)
