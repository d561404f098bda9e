"""Appends: one transaction per batch, each event once, whoever sends it and however often (EV1, EV2, EV10)."""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text

from storage.appends import AppendOutcome, append_batch
from storage.engine import Database, StatementEvent
from storage.records import LinkRecord, ObjectRecord
from storage.tables import deleted_ids, event_count_deltas, event_objects, events, ingest_batches, metadata
from tests.databases import MARIADB_DRIVERS
from tests.storage.histories import START, event_id, link, row, store

ACCEPTED, DUPLICATE = AppendOutcome.ACCEPTED, AppendOutcome.DUPLICATE
CONFLICT, DELETED = AppendOutcome.CONFLICT, AppendOutcome.DELETED
OTHER = b"other content 16"


async def _append(database: Database, *rows: Any) -> list[AppendOutcome]:
    return await append_batch(database, rows, received_at=START)


async def _rows(database: Database, statement: Any) -> list[tuple[Any, ...]]:
    async with database.reading() as connection:
        return [tuple(each) for each in await connection.execute(statement)]


async def test_batch_says_what_became_of_each_row_in_order(database: Database) -> None:
    """EV2: a duplicate or a conflict costs its siblings nothing."""
    assert await _append(database, row(3), row(1)) == [ACCEPTED, ACCEPTED]
    assert await _append(database, row(1), row(2), row(3, content_hash=OTHER)) == [DUPLICATE, ACCEPTED, CONFLICT]
    assert await _rows(database, select(events.c.message).order_by(events.c.id)) == [
        ("event 1",),
        ("event 2",),
        ("event 3",),
    ]


async def test_first_of_equal_ids_in_a_batch_decides(database: Database) -> None:
    """I1: also when the id is there already."""
    again = [row(1), row(1), row(1, content_hash=OTHER), row(1)]
    assert await _append(database, *again) == [ACCEPTED, DUPLICATE, CONFLICT, DUPLICATE]
    assert await _append(database, *again) == [DUPLICATE, DUPLICATE, CONFLICT, DUPLICATE]


async def test_one_id_in_two_namespaces_is_two_events(database: Database) -> None:
    """EV10, N1."""
    assert await _append(database, row(1), row(1, namespace="other", content_hash=OTHER)) == [ACCEPTED, ACCEPTED]


async def test_deleted_id_does_not_come_back(database: Database) -> None:
    """EV2, I4: with other content neither; in another namespace it is another event."""
    await _append(database, row(1))
    keys = await database.identities.namespace_keys(["default"])

    async def bury(connection: Any) -> None:
        gone = {"id": event_id(2), "namespace_key": keys["default"], "deleted_at": START}
        await connection.execute(insert(deleted_ids), gone)

    await database.write(bury, name="a tombstone")
    assert await _append(database, row(2), row(2, content_hash=OTHER), row(3)) == [DELETED, DELETED, ACCEPTED]
    assert await _append(database, row(2, namespace="other")) == [ACCEPTED]


async def test_empty_batch_touches_nothing(database: Database) -> None:
    seen: list[StatementEvent] = []
    database.observe(seen.append)
    assert await _append(database) == []
    assert seen == []


async def test_batch_that_stores_nothing_writes_nothing(database: Database) -> None:
    await _append(database, row(1), row(2))
    seen: list[StatementEvent] = []
    database.observe(seen.append)
    assert await _append(database, row(1), row(2)) == [DUPLICATE, DUPLICATE]
    assert [each.sql.split()[0] for each in seen if not each.sql.startswith("BEGIN")] == ["SELECT"]
    assert await _rows(database, select(func.count()).select_from(ingest_batches)) == [(1,)]


BEGIN = {"sqlite": ["BEGIN IMMEDIATE"], "mariadb": []}
"""On MariaDB a transaction begins with its first statement."""
LOOK_UP = "SELECT events"
POSITION = {"sqlite": ["INSERT leases"], "mariadb": []}
ROWS = ["INSERT ingest_batches", "INSERT events", "INSERT event_objects", "INSERT event_count_deltas"]


def _words(seen: Sequence[StatementEvent]) -> list[str]:
    """Give the verb and the first table of each statement."""
    named = (
        re.match(r"(INSERT) INTO (\w+)|(SELECT) (?:.*?)FROM (\w+)|(BEGIN IMMEDIATE)", each.sql, re.DOTALL)
        for each in seen
    )
    return [" ".join(filter(None, found.groups())) if found else "?" for found in named]


@pytest.mark.parametrize("id_given", [True, False], ids=["ids-sent", "ids-made-here"])
async def test_batch_of_known_names_takes_few_statements_however_large(id_given: bool, database: Database) -> None:
    """L1: one look-up, for ids that were sent, and one INSERT per table; COMMIT follows, and nothing else."""
    objects = (link("instance", "i-1"), link("node", "n-1", role="host"))
    await _append(database, row(1, objects=objects))
    seen: list[StatementEvent] = []
    database.observe(seen.append)
    await _append(database, *(row(number, id_given=id_given, objects=objects) for number in range(2, 200)))
    dialect_name = database.dialect_name
    look_up = [LOOK_UP] if id_given else []
    assert _words(seen) == [*BEGIN[dialect_name], *look_up, *POSITION[dialect_name], *ROWS]


async def test_batch_of_new_objects_takes_one_transaction_more(database: Database) -> None:
    """L1: objects and who sees them are looked up once, and written together before the batch."""
    await _append(database, row(1, objects=(link("node", "n-0"),)))
    seen: list[StatementEvent] = []
    database.observe(seen.append)
    await _append(database, *(row(number, objects=(link("node", f"n-{number}"),)) for number in range(2, 200)))
    dialect_name = database.dialect_name
    assert _words(seen) == [
        "SELECT objects",
        *(*BEGIN[dialect_name], "INSERT objects", "SELECT objects", "INSERT object_audiences"),
        *(*BEGIN[dialect_name], LOOK_UP, *POSITION[dialect_name], *ROWS),
    ]


async def test_known_object_of_a_new_audience_takes_one_statement_more(database: Database) -> None:
    await _append(database, row(1, objects=(link("node", "n-0"),)), row(2, owner="ann"))
    seen: list[StatementEvent] = []
    database.observe(seen.append)
    await _append(database, row(3, owner="ann", objects=(link("node", "n-0"),)))
    dialect_name = database.dialect_name
    assert _words(seen) == [
        *(*BEGIN[dialect_name], "INSERT object_audiences"),
        *(*BEGIN[dialect_name], LOOK_UP, *POSITION[dialect_name], *ROWS),
    ]


async def test_rows_carry_what_timelines_and_batches_need(database: Database) -> None:
    """EV1: one row in events, one reference per object; no foreign keys anywhere."""
    objects = (link("instance", "i-1"), link("node", "n-1", namespace="infra", role="host"))
    await append_batch(
        database, [row(2, severity=4, event_type="usage", objects=objects), row(1)], received_at=START + 60
    )
    references = select(
        event_objects.c.event_id,
        event_objects.c.object_type,
        event_objects.c.event_type,
        event_objects.c.severity,
        event_objects.c.occurred_at,
        event_objects.c.role,
    ).order_by(event_objects.c.object_type)
    assert await _rows(database, references) == [
        (event_id(2), "instance", "usage", 4, START + 2, None),
        (event_id(2), "node", "usage", 4, START + 2, "host"),
    ]
    places = select(events.c.id, events.c.batch_index, events.c.received_at).order_by(events.c.batch_index)
    assert await _rows(database, places) == [(event_id(2), 0, START + 60), (event_id(1), 1, START + 60)]
    assert await _rows(database, select(ingest_batches.c.event_count, ingest_batches.c.received_at)) == [
        (2, START + 60)
    ]
    assert not any(table.foreign_keys for table in metadata.sorted_tables)


async def test_counts_are_appended_with_the_events(database: Database) -> None:
    minute = START // 60_000_000
    await _append(
        database,
        row(1, success=True),
        row(2, success=False),
        row(3),
        row(4),
        row(5, occurred_at=START + 60_000_000),
    )
    deltas = select(
        event_count_deltas.c.minute,
        event_count_deltas.c.success,
        event_count_deltas.c.event_rows,
        event_count_deltas.c.occurrences,
        event_count_deltas.c.arrival_day,
    )
    day = START // 86_400_000_000
    assert sorted(await _rows(database, deltas)) == [
        (minute, -1, 2, 2, day),
        (minute, 0, 1, 1, day),
        (minute, 1, 1, 1, day),
        (minute + 1, -1, 1, 1, day),
    ]


async def test_batch_above_a_statements_size_is_one_transaction(database: Database) -> None:
    """The drivers split at 1 MB, far below max_allowed_packet; it is all there or nothing."""
    big = [row(number, message="m" * 60_000, extra='"' + "e" * 60_000 + '"') for number in range(1, 101)]
    assert set(await _append(database, *big)) == {ACCEPTED}
    assert await _rows(database, select(func.count(), func.sum(func.length(events.c.message)))) == [(100, 6_000_000)]
    assert await _rows(database, select(func.count()).select_from(ingest_batches)) == [(1,)]


async def test_looking_up_thousands_of_ids_finds_each(database: Database) -> None:
    numbers = range(1, 2_501)
    await _append(database, *(row(number) for number in numbers if number % 2))
    outcomes = await _append(database, *(row(number) for number in numbers))
    assert outcomes == [DUPLICATE if number % 2 else ACCEPTED for number in numbers]


async def test_same_ids_from_eight_writers_are_stored_once(database: Database) -> None:
    """EV2: exactly one ACCEPTED for each id, on whatever connection and in whatever order they come."""
    numbers = list(range(1, 41))
    orders = [numbers[shift:] + numbers[:shift] for shift in range(0, 40, 5)]
    results = await asyncio.gather(*(_append(database, *(row(number) for number in order)) for order in orders))
    accepted: Counter[int] = Counter()
    for order, outcomes in zip(orders, results, strict=True):
        assert set(outcomes) <= {ACCEPTED, DUPLICATE}
        accepted.update(number for number, outcome in zip(order, outcomes, strict=True) if outcome is ACCEPTED)
    assert accepted == dict.fromkeys(numbers, 1)
    assert await _rows(database, select(func.count()).select_from(events)) == [(40,)]
    assert await _rows(database, select(func.sum(event_count_deltas.c.event_rows))) == [(40,)]


@pytest.mark.parametrize("driver", MARIADB_DRIVERS)
async def test_writers_that_share_new_objects_do_not_deadlock(driver, new_database_url: Callable[[str], str]) -> None:
    """16 writers in 4 gateways, each with its own caches, meet on the same 60 new objects in different orders."""
    url = new_database_url(driver)
    gateways = [await Database.open(url) for _ in range(4)]
    failed: list[str] = []
    for gateway in gateways:
        gateway.observe(lambda event: failed.append(event.sql) if event.failed else None)

    async def write(writer: int) -> None:
        names = [str((writer * 7 + place) % 60) for place in range(60)]
        for round_ in range(3):
            number = 1 + writer * 1000 + round_ * 100
            links = [LinkRecord(None, ObjectRecord("default", "instance", f"{round_}-{name}")) for name in names]
            await store(
                gateways[writer % 4], [row(number + place, objects=(each,)) for place, each in enumerate(links)]
            )

    await asyncio.gather(*(write(writer) for writer in range(16)))
    assert failed == []
    assert await _rows(gateways[0], text("SELECT COUNT(*) FROM objects")) == [(180,)]
    assert await _rows(gateways[0], text("SELECT COUNT(*) FROM event_objects")) == [(16 * 3 * 60,)]
    for gateway in gateways:
        await gateway.close()
