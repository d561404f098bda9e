"""Count and Coverage: how much there is, how far that can be trusted, and which period it speaks for (L8)."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import strawberry

from gateway.context import Info, RequestContext
from gateway.schema.enums import CountKind
from gateway.schema.fields import stored
from gateway.schema.scalars import BigInt, DateTime
from storage.records import EventKey
from storage.selectors import Selector
from storage.totals import CoverageRecord, TotalRecord, coverage_key, fetch_total


@strawberry.type(description="A number of things, and how far the number can be trusted.")
class Count:
    """A count; the source of its fields is a TotalRecord."""

    value: BigInt = stored("The number.")
    kind: CountKind = stored("How far it can be trusted.")


@strawberry.type(
    description=(
        "Which period an answer can speak for: what is kept in the namespaces that the filter names and the caller may "
        "see, whatever else the filter asks for."
    )
)
class Coverage:
    """A period; the source of its fields is a CoverageRecord."""

    oldest_event_at: DateTime | None = stored("The timestamp of the oldest event that is kept; null without any.")
    newest_event_at: DateTime | None = stored("The timestamp of the newest one.")
    retention_removed_before: DateTime | None = stored(
        "What is older than this may have been removed by its age, events or references; null: nothing has been."
    )


class Listing(NamedTuple):
    """Which list a page is one of; `parent`: whose children they are, when many such lists come together."""

    selector: Selector
    as_of: int | None = None
    parent: EventKey | None = None


async def count_listings(info: Info, listings: Sequence[Listing]) -> list[TotalRecord]:
    """Count the events of lists: of all children together, of other lists one by one."""
    context = info.context
    parents = [listing.parent for listing in listings if listing.parent is not None]
    of_parents = await context.panel(partial(context.loaders.totals_by_parent.load_many, parents)) if parents else []
    totals = dict(zip(parents, of_parents, strict=True))
    return [
        await _count(context, listing) if listing.parent is None else totals[listing.parent] for listing in listings
    ]


async def _count(context: RequestContext, listing: Listing) -> TotalRecord:
    work = partial(fetch_total, context.database, selector=listing.selector, scope=context.scope, as_of=listing.as_of)
    return await context.once(("total", listing), lambda: context.panel(work))


async def cover_listings(info: Info, listings: Sequence[Listing]) -> list[CoverageRecord]:
    """Tell the periods that answers about lists speak for."""
    context = info.context
    keys = [coverage_key(listing.selector) for listing in listings]
    return await context.panel(partial(context.loaders.coverages.load_many, keys))
