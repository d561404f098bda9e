"""Count checks: whether the sums say what the rows say, and mending them by the difference.

A difference between rows and sums stays what it is while events come and go and while deltas are folded, because each
of these changes both sides in one transaction. So it is taken in one statement, which sees one state of everything,
and may be added to the sums at any later time; only two who mend at once would do it twice, hence the lease.
"""

import random
from collections.abc import Awaitable, Callable, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Integer, Select, Table, func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.counts import SUMS, delete_zeros
from storage.dialects import force_index, insert_adding, whole_quotient
from storage.errors import StorageTimeoutError
from storage.leases import Lease
from storage.tables import (
    audience_counts,
    event_count_deltas,
    event_counts,
    event_day_counts,
    event_hour_counts,
    events,
)
from storage.times import MICROSECONDS_PER_MINUTE

if TYPE_CHECKING:
    from storage.engine import Database

HOUR = 60
DAY = 24 * HOUR
"""Minutes."""
_KEYS = ("audience_key", "minute", "event_type", "severity", "success")
_NUMBERS = ("event_rows", "occurrences")
_LEASE_SECONDS = 60.0


class SumTable(Enum):
    """The tables of sums, each checked against what it is the sum of."""

    MINUTES = "event_counts"
    HOURS = "event_hour_counts"
    DAYS = "event_day_counts"
    TOTALS = "audience_counts"


class Drift(NamedTuple):
    """What a sum lacks (or, negative, has too much); `minute` since 1970, None for a total of an audience."""

    table: SumTable
    audience_key: int
    minute: int | None
    event_type: str | None
    severity: int | None
    success: int | None
    event_rows: int
    occurrences: int


class CheckedPeriod(NamedTuple):
    """Minutes since 1970, the end excluded; None: from the first, to the last there is."""

    since: int | None = None
    until: int | None = None


Progress = Callable[[int, int], None]
"""Told the minute that a check has come to, and the last one."""


class CountMender:
    """Adds what sums lack; one process of a cluster at a time."""

    def __init__(self, database: "Database") -> None:
        self._database = database
        self._lease = Lease(database, "counts rebuild", seconds=_LEASE_SECONDS)

    async def begin(self) -> bool:
        """Take the lease; give whether nobody else has it."""
        return await self._lease.acquire()

    async def end(self) -> None:
        """Give the lease back."""
        await self._lease.release()

    async def mend(self, drifts: Sequence[Drift]) -> None:
        """Add the differences to the sums. Raises LeaseLostError when another process mends meanwhile."""
        if not drifts:
            await self._lease.renew()
            return

        async def work(connection: AsyncConnection) -> None:
            await self._lease.require(connection)
            for table in SumTable:
                some = [each for each in drifts if each.table is table]
                await _add(connection, table, some, dialect_name=self._database.dialect_name)

        await self._database.write(work, name="counts")


async def check_counts(
    database: "Database",
    period: CheckedPeriod,
    found: Callable[[list[Drift]], Awaitable[None]],
    *,
    progress: Progress = lambda _minute, _last: None,
) -> None:
    """Compare the sums of a period with the rows, hour by hour, and the coarser sums with the finer.

    `found` gets the differences of each step, in an order in which each may be mended before the next is looked for:
    minutes, hours, days, and the totals, which are those of the whole store. Hours and days that the period touches
    are compared as wholes. Raises what `Database.reading` raises.
    """
    first, last = await _fetch_ends(database)
    since = first if period.since is None else period.since
    until = last + 1 if period.until is None else period.until
    if since < until:
        minute: int | None = since
        while minute is not None and (minute := await fetch_next_minute(database, minute)) is not None:
            if minute >= until:
                break
            progress(minute - since, until - since)
            end = min(minute - minute % HOUR + HOUR, until)
            await found(await fetch_minute_drift(database, minute, end))
            minute = end
        for table, width in ((SumTable.HOURS, HOUR), (SumTable.DAYS, DAY)):
            await _check_coarser(database, table, width, (since, until), found)
    await found(await fetch_total_drift(database))
    progress(until - since, until - since)


async def check_random_hour(database: "Database", chance: random.Random) -> tuple[int, list[Drift]] | None:
    """Check one hour that holds rows, or sums, drawn at random; give its first minute. None: there is nothing stored.

    Sums without rows are as wrong as rows without sums, so either is what is looked for first.
    """
    first, last = await _fetch_ends(database)
    if first > last:
        return None
    wanted = chance.randint(first, last)
    sources = [_next_of_rows, _next_of_sums]
    chance.shuffle(sources)
    for build in sources:
        async with database.reading() as connection:
            found = (await connection.execute(build(wanted))).scalar()
        if found is not None:
            hour = int(found) - int(found) % HOUR
            drifts = await fetch_minute_drift(database, hour, hour + HOUR)
            coarser = await fetch_coarser_drift(database, SumTable.HOURS, hour, hour + HOUR)
            return hour, [*drifts, *coarser]
    return None


async def fetch_next_minute(database: "Database", minute: int) -> int | None:
    """Give the first minute, not before this one, in which there are rows or sums; None: none comes after it."""
    looks = (_next_of_rows(minute), _next_of_sums(minute), _next_of(event_count_deltas, minute))
    statement = select(*(look.scalar_subquery() for look in looks))
    async with database.reading() as connection:
        found = [int(each) for each in (await connection.execute(statement)).one() if each is not None]
    return min(found, default=None)


async def fetch_minute_drift(database: "Database", since: int, until: int) -> list[Drift]:
    """Compare rows with the sums by minute and the deltas, in one statement for the period (minutes).

    A period with more rows than one statement can read in its time is halved.
    """
    try:
        async with database.reading() as connection:
            rows = (await connection.execute(build_minute_drift(since, until))).all()
    except StorageTimeoutError:
        if until - since <= 1:
            raise
        middle = (since + until) // 2
        return [
            *await fetch_minute_drift(database, since, middle),
            *await fetch_minute_drift(database, middle, until),
        ]
    return [_to_drift(SumTable.MINUTES, row) for row in rows]


async def fetch_coarser_drift(database: "Database", table: SumTable, since: int, until: int) -> list[Drift]:
    """Compare the sums by hour with those by minute, or those by day with those by hour."""
    async with database.reading() as connection:
        rows = (await connection.execute(build_coarser_drift(table, since, until))).all()
    return [_to_drift(table, row) for row in rows]


async def fetch_total_drift(database: "Database") -> list[Drift]:
    """Compare the totals of audiences with the sums of their days."""
    async with database.reading() as connection:
        rows = (await connection.execute(build_total_drift())).all()
    return [
        Drift(SumTable.TOTALS, key, None, None, None, None, int(event_rows), int(occurrences))
        for key, event_rows, occurrences in rows
    ]


def build_minute_drift(since: int, until: int) -> Select[Any]:
    """Ask for what the sums of some minutes lack: rows, less sums, less what waits to be folded."""
    rows, sums, deltas = events.c, event_counts.c, event_count_deltas.c
    minute = whole_quotient(rows.occurred_at, MICROSECONDS_PER_MINUTE)
    success = func.coalesce(rows.success, -1)
    stored = select(
        rows.audience_key,
        minute.label("minute"),
        rows.event_type,
        rows.severity,
        success.label("success"),
        literal(1, Integer).label("event_rows"),
        rows.repeat_count.label("occurrences"),
    ).where(rows.occurred_at >= since * MICROSECONDS_PER_MINUTE, rows.occurred_at < until * MICROSECONDS_PER_MINUTE)
    counted = _less(event_counts).where(sums.minute >= since, sums.minute < until)
    waiting = _less(event_count_deltas).where(deltas.minute >= since, deltas.minute < until)
    return _unequal(
        force_index(stored, events, "ix_events_time"),
        force_index(counted, event_counts, "ix_event_counts_minute"),
        waiting,
    )


def build_coarser_drift(table: SumTable, since: int, until: int) -> Select[Any]:
    """Ask for what the sums of hours or days lack beside the finer ones."""
    width, coarse, fine = _COARSER[table]
    minute = fine.c.minute - fine.c.minute % width
    columns = [(minute.label("minute") if name == "minute" else fine.c[name]) for name in (*_KEYS, *_NUMBERS)]
    finer = select(*columns).where(fine.c.minute >= since, fine.c.minute < until)
    coarser = _less(coarse).where(coarse.c.minute >= since, coarse.c.minute < until)
    return _unequal(
        force_index(finer, fine, f"ix_{fine.name}_minute"), force_index(coarser, coarse, f"ix_{coarse.name}_minute")
    )


def build_total_drift() -> Select[Any]:
    """Ask for what the totals of audiences lack beside the sums of their days."""
    days, totals = event_day_counts.c, audience_counts.c
    parts = union_all(
        select(days.audience_key, days.event_rows, days.occurrences),
        select(totals.audience_key, -totals.event_rows, -totals.occurrences),
    ).subquery("parts")
    sums = [func.sum(parts.c[name]) for name in _NUMBERS]
    return (
        select(parts.c.audience_key, *sums)
        .group_by(parts.c.audience_key)
        .having((sums[0] != 0) | (sums[1] != 0))
        .order_by(parts.c.audience_key)
    )


_COARSER: dict[SumTable, tuple[int, Table, Table]] = {
    SumTable.HOURS: (HOUR, event_hour_counts, event_counts),
    SumTable.DAYS: (DAY, event_day_counts, event_hour_counts),
}


def _less(table: Table) -> Select[Any]:
    """Ask for sums with the opposite sign."""
    columns = table.c
    return select(*(columns[name] for name in _KEYS), *((-columns[name]).label(name) for name in _NUMBERS))


def _unequal(*parts: Select[Any]) -> Select[Any]:
    """Add up parts by key and give what does not come to nothing, in key order."""
    joined = union_all(*parts).subquery("parts")
    keys = [joined.c[name] for name in _KEYS]
    sums = [func.sum(joined.c[name]) for name in _NUMBERS]
    return select(*keys, *sums).group_by(*keys).having((sums[0] != 0) | (sums[1] != 0)).order_by(*keys)


def _to_drift(table: SumTable, row: Any) -> Drift:
    *key, event_rows, occurrences = row
    audience_key, minute, event_type, severity, success = key
    return Drift(table, audience_key, int(minute), event_type, severity, success, int(event_rows), int(occurrences))


async def _check_coarser(
    database: "Database",
    table: SumTable,
    width: int,
    period: tuple[int, int],
    found: Callable[[list[Drift]], Awaitable[None]],
) -> None:
    """Compare whole hours or days, a day at a time, wherever there are sums."""
    since, until = period[0] - period[0] % width, -(-period[1] // width) * width
    _, coarse, fine = _COARSER[table]
    while since < until:
        looks = (_next_of(fine, since), _next_of(coarse, since))
        async with database.reading() as connection:
            next_ones = (await connection.execute(select(*(look.scalar_subquery() for look in looks)))).one()
        minute = min((int(each) for each in next_ones if each is not None), default=until)
        if minute >= until:
            return
        since = minute - minute % width
        end = min(since - since % DAY + DAY, until)
        await found(await fetch_coarser_drift(database, table, since, end))
        since = end


async def _fetch_ends(database: "Database") -> tuple[int, int]:
    """Give the first and the last minute with rows or sums; the first is the greater when there is nothing."""
    rows = events.c.occurred_at
    minutes = [(func.min(table.c.minute), func.max(table.c.minute)) for table in (*SUMS.values(), event_count_deltas)]
    looks = [select(each) for each in (func.min(rows), func.max(rows), *(end for pair in minutes for end in pair))]
    async with database.reading() as connection:
        found = (await connection.execute(select(*(look.scalar_subquery() for look in looks)))).one()
    of_rows = [None if each is None else int(each) // MICROSECONDS_PER_MINUTE for each in found[:2]]
    ends = [*of_rows, *(None if each is None else int(each) for each in found[2:])]
    firsts = [each for each in ends[::2] if each is not None]
    lasts = [each for each in ends[1::2] if each is not None]
    return min(firsts, default=1), max(lasts, default=0)


def _next_of_rows(minute: int) -> Select[Any]:
    occurred_at = events.c.occurred_at
    first = func.min(occurred_at)
    return select(whole_quotient(first, MICROSECONDS_PER_MINUTE)).where(occurred_at >= minute * MICROSECONDS_PER_MINUTE)


def _next_of_sums(minute: int) -> Select[Any]:
    return _next_of(event_counts, minute)


def _next_of(table: Table, minute: int) -> Select[Any]:
    return select(func.min(table.c.minute)).where(table.c.minute >= minute)


async def _add(connection: AsyncConnection, table: SumTable, drifts: Sequence[Drift], *, dialect_name: str) -> None:
    if not drifts:
        return
    if table is SumTable.TOTALS:
        rows = [{name: getattr(each, name) for name in ("audience_key", *_NUMBERS)} for each in drifts]
        await connection.execute(insert_adding(audience_counts, dialect_name, _NUMBERS), rows)
        return
    target = event_counts if table is SumTable.MINUTES else _COARSER[table][1]
    rows = [{name: getattr(each, name) for name in (*_KEYS, *_NUMBERS)} for each in drifts]
    await connection.execute(insert_adding(target, dialect_name, _NUMBERS), rows)
    minutes: dict[int, set[int]] = {}
    for each in drifts:
        if each.minute is not None:
            minutes.setdefault(each.audience_key, set()).add(each.minute)
    await delete_zeros(connection, target, minutes)
