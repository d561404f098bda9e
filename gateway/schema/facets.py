"""Facet: the most frequent values of a field (GQ1)."""

from functools import partial
from typing import Annotated

import strawberry
from strawberry import UNSET

from gateway.context import Info
from gateway.errors import BadUserInputError
from gateway.schema.enums import CountKind, GroupField
from gateway.schema.fields import Filter, stored
from gateway.schema.histograms import kind_of
from gateway.schema.scalars import BigInt, DateTime
from gateway.schema.spans import to_selector_within
from storage.aggregates import fetch_facets

MOST_VALUES = 100
MOST_FIELDS = len(GroupField)


@strawberry.type(description="A value, and how often it occurs.")
class FacetValue:
    """A value."""

    value: str | None = stored("The value; null: events without the field.")
    count: BigInt = stored("Occurrences: an event that repeats were folded into counts them all.")


@strawberry.type(description="The most frequent values of a field.")
class Facet:
    """A facet."""

    field: GroupField = stored("The field.")
    values: list[FacetValue] = stored("The most frequent first, equally frequent ones by value, null after all values.")
    other_count: BigInt = stored("The sum of the counts of all values that are not listed.")
    kind: CountKind = stored("How far the counts can be trusted.")
    searched_to: DateTime | None = stored("Set when the scan limit was reached: earlier events were not looked at.")


async def fetch_facet_panel(
    info: Info,
    fields: Annotated[list[GroupField], strawberry.argument(description="The fields; the answer keeps their order.")],
    filter: Filter = UNSET,  # noqa: A002 - the contract's name
    since: Annotated[
        DateTime | None, strawberry.argument(description="Only events at or after this time, exactly.")
    ] = UNSET,
    until: Annotated[
        DateTime | None, strawberry.argument(description="Only events before this time, exactly.")
    ] = UNSET,
    top: Annotated[int, strawberry.argument(description="How many values of each field: 1 to 100.")] = 10,
) -> list[Facet]:
    """Count by value. Raises BadUserInputError."""
    if not 1 <= top <= MOST_VALUES:
        raise BadUserInputError(f"top is {top}: give a number from 1 to {MOST_VALUES}")
    if len(fields) > MOST_FIELDS:
        raise BadUserInputError(f"fields names {len(fields)} fields: name each of them once")
    selector, start, stop = to_selector_within(filter or None, since, until)
    context = info.context
    found = await context.panel(
        partial(
            fetch_facets,
            context.database,
            selector=selector,
            scope=context.scope,
            span=(start, stop),
            fields=fields,
            top=top,
            tallier=context.loaders.tally,
        )
    )
    return [
        Facet(
            field=facet.field,
            values=[FacetValue(value=value, count=BigInt(count)) for value, count in facet.values],
            other_count=BigInt(facet.other_count),
            kind=kind_of(facet.searched_to),
            searched_to=None if facet.searched_to is None else DateTime(facet.searched_to),
        )
        for facet in found
    ]
