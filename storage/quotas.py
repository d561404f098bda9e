"""Quotas: how many events of a namespace may arrive in one UTC day, and how many have (EV10)."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Select, func, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.tables import audiences, event_count_deltas, ingest_counts


@dataclass(frozen=True)
class Quotas:
    """Events per UTC day by namespace; `default` for those that have none of their own. None: as many as come."""

    default: int | None = None
    by_namespace: Mapping[str, int | None] = field(default_factory=dict)

    def of(self, namespace: str) -> int | None:
        """Give the quota of a namespace, None when it has none."""
        return self.by_namespace.get(namespace, self.default)

    def __bool__(self) -> bool:
        """Whether there is any."""
        return self.default is not None or any(quota is not None for quota in self.by_namespace.values())


NO_QUOTAS = Quotas()


class ArrivalDay(NamedTuple):
    """What a quota counts: a namespace, and days since 1970 (UTC) of the arrival."""

    namespace_key: int
    day: int


async def fetch_arrivals(connection: AsyncConnection, wanted: Collection[ArrivalDay]) -> Counter[ArrivalDay]:
    """Give how many events arrived in some namespaces on some days, folded and not yet folded, in one statement."""
    found: Counter[ArrivalDay] = Counter()
    for namespace_key, day, event_rows in await connection.execute(build_arrivals(wanted)):
        found[ArrivalDay(namespace_key, day)] = int(event_rows)
    return found


def build_arrivals(wanted: Collection[ArrivalDay]) -> Select[Any]:
    """Ask how many events arrived. The deltas that wait to be folded are read all: they are a second's worth."""
    namespace_keys = sorted({each.namespace_key for each in wanted})
    days = sorted({each.day for each in wanted})
    counts, deltas = ingest_counts.c, event_count_deltas.c
    parts = union_all(
        select(counts.namespace_key, counts.arrival_day, counts.event_rows).where(
            counts.namespace_key.in_(namespace_keys), counts.arrival_day.in_(days)
        ),
        select(audiences.c.namespace_key, deltas.arrival_day, deltas.event_rows)
        .join(audiences, audiences.c.audience_key == deltas.audience_key)
        .where(audiences.c.namespace_key.in_(namespace_keys), deltas.arrival_day.in_(days)),
    ).subquery("parts")
    arrived = func.sum(parts.c.event_rows)
    return select(parts.c.namespace_key, parts.c.arrival_day, arrived).group_by(
        parts.c.namespace_key, parts.c.arrival_day
    )
