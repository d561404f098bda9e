"""NamespaceUsage: what each namespace holds (EV10)."""

import strawberry

from gateway.context import Info
from gateway.schema.counts import Count
from gateway.schema.enums import CountKind
from gateway.schema.fields import resolved, stored
from gateway.schema.scalars import BigInt, DateTime
from storage.counts import fetch_namespace_usage
from storage.records import NamespaceRecord


def _event_count(root: strawberry.Parent[NamespaceRecord]) -> Count:
    return Count(value=BigInt(root.event_count), kind=CountKind.EXACT)


def _quota(root: strawberry.Parent[NamespaceRecord], info: Info) -> BigInt | None:
    quota = info.context.ingest_limits.quotas.of(root.name)
    return None if quota is None else BigInt(quota)


@strawberry.type(description="What a namespace holds.")
class NamespaceUsage:
    """A namespace; the source of its fields is a NamespaceRecord."""

    name: str = stored("The namespace's name.")
    event_count: Count | None = resolved(_event_count, "How many events are stored.")
    oldest_event_at: DateTime | None = stored("The earliest timestamp of its events; null without any.")
    quota_events_per_day: BigInt | None = resolved(
        _quota, "How many events may arrive in it in a day (UTC); those beyond it are DEFERRED. Null: any number."
    )
    events_today: BigInt | None = stored("How many events arrived since midnight (UTC).")


async def fetch_namespaces(info: Info) -> list[NamespaceRecord]:
    """Give the namespaces that the caller may see, by name."""
    context = info.context
    return await fetch_namespace_usage(context.database, context.scope, now=context.clock())
