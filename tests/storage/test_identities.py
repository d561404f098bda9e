"""Identities: names become keys once, whoever comes first, and caches never know more than the database (EV10)."""

import asyncio
from collections.abc import Callable
from contextlib import closing

import pytest
from sqlalchemy import text

from storage.engine import Database, StatementEvent
from storage.errors import StorageError
from storage.identities import AudienceName, AudienceRecord, LruCache
from storage.records import ObjectRecord
from tests.databases import MARIADB_DRIVERS, MariaServer
from tests.waiting import wait_until

PLAIN = AudienceName("default", None, None)
NOBODY = AudienceName("default", (), None)
NAMED = AudienceName("default", ("ann", "bob"), None)
OWNED = AudienceName("default", ("ann", "bob"), "eve")
ELSEWHERE = AudienceName("other", ("ann", "bob"), "eve")
ALL_AUDIENCES = (PLAIN, NOBODY, NAMED, OWNED, ELSEWHERE)


def test_cache_forgets_what_was_used_longest_ago() -> None:
    cache: LruCache[str, int] = LruCache(2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.get("a") == 1
    cache.put("c", 3)
    assert [cache.get(name) for name in "abc"] == [1, None, 3]


async def test_namespaces_come_into_being_once(database: Database) -> None:
    assert await database.identities.namespace_keys(["a", "b"]) == {}
    keys = await database.identities.intern_namespaces(["b", "a"])
    again = await Database.open(database.url.render_as_string(hide_password=False))
    assert await again.identities.intern_namespaces(["a", "b", "A"]) == {**keys, "A": max(keys.values()) + 1}
    assert await again.identities.namespace_names(keys.values()) == {key: name for name, key in keys.items()}
    await again.close()


async def test_each_who_may_see_is_one_audience(database: Database) -> None:
    """NU4's data model: null readers, no readers, an owner and the namespace all make a difference."""
    records = await database.identities.intern_audiences(ALL_AUDIENCES)
    assert len({record.key for record in records.values()}) == 5
    again = await Database.open(database.url.render_as_string(hide_password=False))
    assert await again.identities.intern_audiences(ALL_AUDIENCES) == records
    assert await again.identities.audiences([records[OWNED].key, 999]) == {
        records[OWNED].key: AudienceRecord(
            records[OWNED].key, records[OWNED].namespace_key, "default", ("ann", "bob"), "eve"
        )
    }
    await again.close()


async def test_objects_differ_by_case_blanks_and_namespace(database: Database) -> None:
    names = [
        ObjectRecord(namespace, "disk", object_id) for namespace in ("a", "b") for object_id in ("x", "X", "x ", "é😀")
    ]
    keys = await database.identities.intern_objects(names)
    assert len(set(keys.values())) == 8
    again = await Database.open(database.url.render_as_string(hide_password=False))
    assert await again.identities.intern_objects(reversed(names)) == keys
    await again.close()


async def test_known_names_cost_no_statement(database: Database) -> None:
    objects = [ObjectRecord("a", "disk", str(number)) for number in range(1_200)]
    seen_by = [(record, audience_key) for record in objects[:2] for audience_key in (1, 2)]
    keys = await database.identities.intern_objects(objects, seen_by=seen_by)
    await database.identities.intern_audiences(ALL_AUDIENCES)
    seen: list[StatementEvent] = []
    database.observe(seen.append)
    assert await database.identities.intern_objects(objects, seen_by=seen_by[::-1]) == keys
    await database.identities.intern_audiences(ALL_AUDIENCES)
    await database.identities.intern_namespaces(["default", "other"])
    assert seen == []


async def test_names_interned_at_once_by_many_get_one_key(database_url: str) -> None:
    gateways = [await Database.open(database_url) for _ in range(4)]
    objects = [ObjectRecord("a", "disk", str(number)) for number in range(50)]
    keys = await asyncio.gather(*(gateway.identities.intern_objects(objects) for gateway in gateways * 2))
    audiences = await asyncio.gather(*(gateway.identities.intern_audiences(ALL_AUDIENCES) for gateway in gateways * 2))
    assert all(each == keys[0] for each in keys)
    assert all(each == audiences[0] for each in audiences)
    for gateway in gateways:
        await gateway.close()


async def test_too_long_name_is_an_error_not_a_shorter_name(database: Database) -> None:
    """INSERT IGNORE would cut it in silence."""
    if database.dialect_name == "sqlite":
        await database.identities.intern_namespaces(["x" * 65])
        assert list(await database.identities.namespace_keys(["x" * 65])) == ["x" * 65]
        return
    with pytest.raises(StorageError):
        await database.identities.intern_namespaces(["x" * 65])
    async with database.reading() as connection:
        assert (await connection.execute(text("SELECT COUNT(*) FROM namespaces"))).scalar_one() == 0


# Not innodb_trx: that is not looked at anew as long as somebody asks all the time.
_WAITS = "SELECT 1 FROM information_schema.processlist WHERE info LIKE 'INSERT INTO objects%' AND time_ms > 100"


@pytest.mark.parametrize("driver", MARIADB_DRIVERS)
async def test_no_object_is_lost_between_two_writers(
    driver: str, new_database_url: Callable[[str], str], mariadb_server: MariaServer
) -> None:
    """EV2: a writer that meets another one's objects in the middle of its own still writes the rest.

    The first row waits for a third party, so that the other writer's keys are higher than those of the waiting one.
    """
    url = new_database_url(driver)
    name = url.rpartition("/")[2]
    first, second = await Database.open(url), await Database.open(url)
    mine = [ObjectRecord("default", "node", object_id) for object_id in "abcd"]
    others = [ObjectRecord("default", "node", object_id) for object_id in "befg"]
    with closing(mariadb_server.connect(name)) as third, third.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("INSERT INTO objects (namespace, object_type, object_id) VALUES ('default', 'node', 'a')")
        waiting = asyncio.create_task(first.identities.intern_objects(mine))
        await wait_until(lambda: bool(mariadb_server.execute(_WAITS)))
        found = await second.identities.intern_objects(others)
        cursor.execute("COMMIT")
    keys = await waiting
    assert set(keys) == set(mine)
    assert len({*keys.values(), *found.values()}) == 7
    await first.close()
    await second.close()
