"""Registrations: generations of a source, which is the present one, and what a prune would find (HZ3, D5)."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from storage.cursors import IdCursor
from storage.engine import Database
from storage.registrations import (
    RegistrationPlace,
    RegistrationRecord,
    append_registration,
    build_earlier_registrations,
    build_last_registration,
    build_prunable_registrations,
    build_registration_page,
    build_registration_window,
    fetch_all_prunable_registrations,
    fetch_earlier_registrations,
    fetch_prunable_registrations,
    fetch_registration_page,
    fetch_registrations,
    find_registration_places,
)
from storage.scopes import EVERYTHING, Scope
from storage.tables import registrations
from tests.storage.examined import explain, used_indexes
from tests.storage.histories import START, row, store

EACH_DATABASE = pytest.mark.parametrize("backend", ["sqlite", "aiomysql"])


async def namespace_key(database: Database, name: str = "default") -> int:
    return (await database.identities.intern_namespaces([name]))[name]


async def stored(database: Database, registration_id: str) -> RegistrationRecord:
    [record] = await fetch_registrations(database, [registration_id])
    return record


@EACH_DATABASE
async def test_a_registration_ends_the_one_before_it(database: Database) -> None:
    """HZ3: each has an id of its own; in one transaction the present one ends and the next begins."""
    key = await namespace_key(database)
    first = await append_registration(database, key, "node-1", now=START)
    assert tuple(first) == (first.uuid, key, "default", "node-1", 1, START, None, True)
    second = await append_registration(database, key, "node-1", now=START + 5)
    other = await append_registration(database, key, "node-2", now=START + 6)
    assert await stored(database, first.uuid) == first._replace(ended_at=START + 5, is_current=False)
    assert await stored(database, second.uuid) == second
    assert (second.generation, second.is_current, other.generation, other.is_current) == (2, True, 1, True)
    assert await fetch_earlier_registrations(database, key, "node-1") == [first.uuid]
    assert await fetch_earlier_registrations(database, key, "node-2") == []
    assert await find_registration_places(database, [first.uuid, other.uuid]) == {
        first.uuid: RegistrationPlace(key, "default", "node-1"),
        other.uuid: RegistrationPlace(key, "default", "node-2"),
    }


@EACH_DATABASE
async def test_of_earlier_registrations_those_are_pruned_that_events_name(database: Database) -> None:
    """HZ3: a source that begins anew each minute has more of them than a filter that is kept may name."""
    key = await namespace_key(database)
    ids = [(await append_registration(database, key, "node-1", now=START + turn)).uuid for turn in range(4)]
    await store(database, [row(n, source="node-1", registration_id=ids[named]) for n, named in enumerate([1, 1, 3], 1)])
    assert await fetch_earlier_registrations(database, key, "node-1") == ids[:3]
    assert await fetch_prunable_registrations(database, key, "node-1") == [ids[1]]


@EACH_DATABASE
async def test_what_is_prunable_of_all_sources_is_found_window_by_window(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HZ4: not a statement for each source."""
    monkeypatch.setattr("storage.registrations._IDS_PER_STATEMENT", 4)
    keys = {name: await namespace_key(database, name) for name in ("default", "other")}
    named: dict[str, RegistrationPlace] = {}
    for name, key in keys.items():
        for source in ("a", "b", "c"):
            ids = [(await append_registration(database, key, source, now=START)).uuid for _ in range(3)]
            await store(
                database,
                [row(len(named) * 9 + n, namespace=name, source=source, registration_id=ids[n]) for n in (1, 2)],
            )
            named[ids[1]] = RegistrationPlace(key, name, source)
    seen: list[str] = []
    forget = database.observe(lambda event: seen.append(event.sql))
    assert {found: place async for found, place in fetch_all_prunable_registrations(database)} == named
    forget()
    assert len(seen) == 5


@EACH_DATABASE
@pytest.mark.parametrize("step", [0, -10_000_000], ids=["within one microsecond", "with a clock that goes back"])
async def test_no_clock_decides_which_registration_is_the_present_one(database: Database, step: int) -> None:
    """HZ3: the old system compared seconds and lost a registration within the same one."""
    key = await namespace_key(database)
    records = [await append_registration(database, key, "node-1", now=START + step * turn) for turn in range(3)]
    assert [record.generation for record in records] == [1, 2, 3]
    assert {record.started_at for record in records} == {START}
    assert await fetch_earlier_registrations(database, key, "node-1") == [records[0].uuid, records[1].uuid]


@EACH_DATABASE
async def test_registrations_at_the_same_time_each_get_a_generation(database: Database) -> None:
    """HZ3, L4: none of them is lost, all but one of them have ended."""
    key = await namespace_key(database)
    racing = [append_registration(database, key, "node-1", now=START) for _ in range(5)]
    ids = {record.uuid for record in await asyncio.gather(*racing)}
    columns = (registrations.c.registration_id, registrations.c.generation, registrations.c.ended_at)
    async with database.reading() as connection:
        rows = (await connection.execute(select(*columns).order_by(registrations.c.generation))).all()
    assert ({row[0] for row in rows}, [row[1] for row in rows]) == (ids, [1, 2, 3, 4, 5])
    assert [row[2] for row in rows] == [START] * 4 + [None]


async def page_ids(database: Database, scope: Scope = EVERYTHING, **given: Any) -> list[str]:
    wanted: dict[str, Any] = {"namespace": None, "source": None, "size": 10} | given
    return [record.uuid for record in (await fetch_registration_page(database, scope=scope, **wanted)).records]


@EACH_DATABASE
async def test_registrations_are_listed_newest_first(database: Database) -> None:
    """P5, EV9: pages in both directions by id; a scope without the namespace shows none of it."""
    key, other = await namespace_key(database), await namespace_key(database, "other")
    ids = [(await append_registration(database, key, "node-1", now=START + turn)).uuid for turn in range(4)]
    elsewhere = (await append_registration(database, other, "node-1", now=START)).uuid
    newest = [elsewhere, *reversed(ids)]
    assert await page_ids(database) == newest
    assert await page_ids(database, source="node-1") == newest
    assert await page_ids(database, source="node-1", namespace="default") == newest[1:]
    assert await page_ids(database, namespace="other") == [elsewhere]
    assert await page_ids(database, namespace="nowhere") == await page_ids(database, source="nobody") == []
    assert await page_ids(database, Scope(namespace_keys=frozenset({key}))) == newest[1:]
    assert await page_ids(database, Scope(namespace_keys=frozenset({key})), namespace="other") == []
    assert await page_ids(database, Scope()) == []
    page = await fetch_registration_page(database, scope=EVERYTHING, namespace=None, source=None, size=2)
    assert ([record.uuid for record in page.records], page.has_next) == (newest[:2], True)
    after = IdCursor("r", newest[1])
    assert await page_ids(database, size=2, after=after) == newest[2:4]
    assert await page_ids(database, size=2, before=IdCursor("r", newest[4]), backward=True) == newest[2:4]


@EACH_DATABASE
async def test_registrations_are_found_by_index(database: Database) -> None:
    """Design, section 2: no statement reads registrations that it does not ask for."""
    key = await namespace_key(database)
    for turn in range(30):
        await append_registration(database, key, f"node-{turn % 10}", now=START)
    in_all = {"after": None, "before": None, "backward": False, "limit": 5}
    statements = (
        build_last_registration(key, "node-1"),
        build_earlier_registrations(key, "node-1"),
        build_prunable_registrations(key, "node-1"),
        build_registration_window(None, dialect_name=database.dialect_name),
        build_registration_window((key, "node-1", 2), dialect_name=database.dialect_name),
        build_registration_page([key], "node-1", **in_all),  # type: ignore[arg-type]
        build_registration_page(None, "node-1", **in_all),  # type: ignore[arg-type]
    )
    by_source = {"uq_registrations_namespace_key_source_generation", "sqlite_autoindex_registrations_2"}
    for statement in statements:
        used = used_indexes(await explain(database, statement))
        assert used & by_source, (statement, used)
        assert not used & {"scan of registrations", "scan of events"}
