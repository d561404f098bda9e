"""Agreement: everything that a store holds, compared with everything that it must hold."""

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, select, union_all

from storage.counts import SUMS
from storage.engine import Database
from storage.pages import PageRequest, fetch_event_page
from storage.records import EventRecord
from storage.scopes import EVERYTHING
from storage.selector_text import parse_selector
from storage.tables import (
    audience_counts,
    audiences,
    deleted_ids,
    event_count_deltas,
    event_counts,
    event_objects,
    events,
    folded_ids,
    ingest_counts,
    namespaces,
    objects,
)
from tests.model.oracle import SECOND, Key, Link, Stored

if TYPE_CHECKING:
    from tests.model.world import World

NAMESPACES = ("a", "b")
"""Where clients write; the gateway's own namespace lies beside them."""
CLIENTS = parse_selector("namespace!=timeloom")


class Tables(NamedTuple):
    """What no read of events tells: references, deleted ids and when, into what was folded, own events by type."""

    links: dict[Key, dict[Link, str | None]]
    deleted: dict[Key, int]
    folded: dict[Key, Key]
    audits: dict[str, int]


async def compare(world: "World") -> None:
    """Compare all that is stored with all that must be."""
    page = await fetch_event_page(world.database, selector=CLIENTS, scope=EVERYTHING, request=PageRequest(size=1_000))
    found = {(record.namespace, record.id): record for record in page.records}
    links, deleted, folded, audits = await read_tables(world.database)
    expected = {key: _to_record(stored) for key, stored in world.oracle.events.items()}
    require_same(found, expected, "events")
    require_same(
        links, {key: stored.links for key, stored in world.oracle.events.items() if stored.links}, "references"
    )
    require_same(deleted, world.oracle.deleted, "deleted ids")
    require_same(folded, world.oracle.folded, "folded ids")
    require_same(audits, dict(+world.oracle.audits), "audit events")
    await _compare_counts(world)


async def _compare_counts(world: "World") -> None:
    columns = ("audience_key", "minute", "event_type", "severity", "success", "event_rows", "occurrences")
    parts = union_all(
        *(select(*(table.c[name] for name in columns)) for table in (event_counts, event_count_deltas))
    ).subquery()
    keys = [parts.c[name] for name in columns[:5]]
    sums = [func.sum(parts.c[name]) for name in columns[5:]]
    async with world.database.reading() as connection:
        rows = (await connection.execute(select(*keys, *sums).group_by(*keys))).all()
        names = await _audience_names(connection)
    found = {
        (names[row[0]], *row[1:5]): (int(row[5]), int(row[6]))
        for row in rows
        if names[row[0]] in NAMESPACES and (row[5] or row[6])
    }
    require_same(found, _counts(world, 1), "counts")


async def compare_sums(world: "World") -> None:
    """Compare the sums of all lengths of time, as long as nothing waits to be added to them."""
    async with world.database.reading() as connection:
        names = await _audience_names(connection)
        for minutes, table in SUMS.items():
            rows = (await connection.execute(select(table))).all()
            found = {
                (names[row.audience_key], *row[1:5]): (row.event_rows, row.occurrences)
                for row in rows
                if names[row.audience_key] in NAMESPACES and (row.event_rows or row.occurrences)
            }
            require_same(found, _counts(world, minutes), table.name)
        rows = (await connection.execute(select(audience_counts))).all()
        found_totals = {
            names[row.audience_key]: (row.event_rows, row.occurrences)
            for row in rows
            if names[row.audience_key] in NAMESPACES and (row.event_rows or row.occurrences)
        }
        totals: Counter[str] = Counter()
        for stored in world.oracle.events.values():
            totals[stored.sent.namespace] += stored.repeats
        rows_of = Counter(key[0] for key in world.oracle.events)
        require_same(found_totals, {name: (rows_of[name], totals[name]) for name in rows_of}, "totals")
        days = select(namespaces.c.name, ingest_counts.c.arrival_day, func.sum(ingest_counts.c.event_rows))
        days = days.join(namespaces, namespaces.c.namespace_key == ingest_counts.c.namespace_key)
        arrived = await connection.execute(days.group_by(namespaces.c.name, ingest_counts.c.arrival_day))
        found_days = {(name, day): int(count) for name, day, count in arrived if name in NAMESPACES}
        require_same(found_days, dict(world.oracle.arrivals), "arrivals")


def _counts(world: "World", minutes: int) -> dict[Any, tuple[int, int]]:
    counted: dict[Any, tuple[int, int]] = {}
    for stored in world.oracle.events.values():
        sent = stored.sent
        minute = sent.timestamp // (60 * SECOND)
        success = -1 if sent.success is None else int(sent.success)
        key = (sent.namespace, minute - minute % minutes, sent.event_type, sent.severity, success)
        rows, occurrences = counted.get(key, (0, 0))
        counted[key] = rows + 1, occurrences + stored.repeats
    return counted


async def _audience_names(connection: Any) -> dict[int, str]:
    joined = select(audiences.c.audience_key, namespaces.c.name).join(
        namespaces, namespaces.c.namespace_key == audiences.c.namespace_key
    )
    return dict(map(tuple, await connection.execute(joined)))


async def read_tables(database: Database) -> Tables:
    """Read them, whole."""
    links: dict[Key, dict[Link, str | None]] = {}
    by_key = namespaces.c.namespace_key
    async with database.reading() as connection:
        columns = (namespaces.c.name, event_objects.c.event_id, event_objects.c.role)
        statement = select(*columns, objects.c.object_type, objects.c.object_id).select_from(
            event_objects.join(objects, objects.c.object_key == event_objects.c.object_key).join(
                namespaces, by_key == event_objects.c.namespace_key
            )
        )
        for namespace, event_id, role, kind, name in await connection.execute(statement):
            links.setdefault((namespace, event_id), {})[kind, name] = role
        gone = select(namespaces.c.name, deleted_ids.c.id, deleted_ids.c.deleted_at).join(
            namespaces, by_key == deleted_ids.c.namespace_key
        )
        deleted = {(name, each): at for name, each, at in await connection.execute(gone)}
        within = select(namespaces.c.name, folded_ids.c.id, folded_ids.c.into_id).join(
            namespaces, by_key == folded_ids.c.namespace_key
        )
        folded = {(name, each): (name, into) for name, each, into in await connection.execute(within)}
        own = select(events.c.event_type, func.count()).join(namespaces, by_key == events.c.namespace_key)
        own = own.where(namespaces.c.name == "timeloom").group_by(events.c.event_type)
        audits: dict[str, int] = dict(map(tuple, await connection.execute(own)))
    return Tables(links, deleted, folded, audits)


async def stored_keys(database: Database) -> set[Key]:
    """Give which events there are."""
    async with database.reading() as connection:
        joined = select(namespaces.c.name, events.c.id).join(
            namespaces, namespaces.c.namespace_key == events.c.namespace_key
        )
        return {(name, each) for name, each in await connection.execute(joined)}


def _to_record(stored: Stored) -> EventRecord:
    sent = stored.sent
    empty: dict[str, Any] = dict.fromkeys(EventRecord._fields)
    return EventRecord(
        **empty
        | {
            "id": sent.id,
            "namespace": sent.namespace,
            "event_type": sent.event_type,
            "severity": sent.severity,
            "occurred_at": sent.timestamp,
            "received_at": stored.received_at,
            "source": sent.source,
            "message": sent.message,
            "extra": sent.extra,
            "success": sent.success,
            "correlation_id": sent.correlation_id,
            "parent_id": sent.parent_id,
            "registration_id": sent.registration_id,
            "repeat_count": stored.repeats,
            "last_occurred_at": stored.last_at,
            "restored": stored.restored,
        }
    )


def require_same(found: Any, expected: Any, what: str) -> None:
    """Raise AssertionError that tells what is missing, what is too many, and what is otherwise."""
    if found == expected:
        return
    missing = {key: expected[key] for key in expected if key not in found}
    beyond = {key: found[key] for key in found if key not in expected}
    other = {key: (found[key], expected[key]) for key in expected if key in found and found[key] != expected[key]}
    raise AssertionError(f"{what} differ: missing {missing}, too many {beyond}, (is, must be) {other}")
