"""Forgetting an object: its references go, an event with its last one (EV7); the race for the last reference."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from mutations.errors import ConfirmationStaleError
from mutations.selections import Selection
from storage.deletions import DeletionState
from storage.engine import Database
from storage.records import ObjectRecord
from storage.removals import Removed
from storage.walks import Portion, Walk
from tests.databases import MariaServer
from tests.mutations.deleting import Deleter, numbers, of_type, references, sequence
from tests.storage.histories import START, link, row, store

EACH_DATABASE = pytest.mark.parametrize("backend", ["sqlite", "aiomysql"], indirect=True)


def forget(object_id: str, namespace: str = "default") -> Selection:
    """Select an object's references."""
    return Selection.of_object(ObjectRecord(namespace, "host", object_id))


@pytest.fixture
async def deleter(database: Database) -> Deleter:
    """Events 1 to 12 touch `a` alone, 13 to 20 `a` and `b` in several audiences, 21 and 22 `b`, 23 nothing."""
    a, b = link("host", "a"), link("host", "b")
    readers = {13: ("r",), 14: ("s",)}
    rows = [row(number, objects=(a,)) for number in range(1, 13)]
    rows += [row(number, objects=(a, b), readers=readers.get(number)) for number in range(13, 21)]
    rows += [row(number, objects=(b,)) for number in (21, 22)] + [row(23)]
    await store(database, rows)
    return Deleter(database)


@EACH_DATABASE
async def test_references_go_and_events_with_their_last_one(deleter: Deleter) -> None:
    """EV7, D1, D7: numbers are those of events; others keep what else they touch."""
    preview = await deleter.preview(forget("a"))
    assert (preview.matched, preview.matched_references) == (12, 20)
    assert [key.occurred_at - START for key in preview.sample] == list(range(12, 2, -1))
    await deleter.confirm(preview.id, forget("a"))
    await deleter.work()
    done = await deleter.get(preview.id)
    assert (done.state, done.deleted, done.deleted_references) == (DeletionState.DONE, 12, 20)
    assert await numbers(deleter.database) == list(range(13, 24))
    assert sorted(number for _, number in await references(deleter.database)) == list(range(13, 23))
    assert (await deleter.delete(forget("b"))).deleted == 10
    assert await numbers(deleter.database) == [23]


@EACH_DATABASE
async def test_an_object_of_the_same_id_elsewhere_is_another(deleter: Deleter) -> None:
    """O8, GQ3: identity is namespace, type and id; an unknown one takes nothing."""
    await store(deleter.database, [row(30, objects=(link("host", "a", namespace="else"),))])
    done = await deleter.delete(forget("a", "else"))
    assert (done.deleted, done.deleted_references) == (1, 1)
    assert (await deleter.delete(forget("unknown"))).deleted_references == 0
    assert len(await numbers(deleter.database)) == 23


@EACH_DATABASE
async def test_what_comes_later_keeps_the_object(deleter: Deleter) -> None:
    """Only references that were stored up to the bound go."""
    preview = await deleter.preview(forget("a"))
    await store(deleter.database, [row(31, objects=(link("host", "a"),))])
    await deleter.confirm(preview.id, forget("a"))
    await deleter.work()
    assert await numbers(deleter.database) == [*range(13, 24), 31]


@EACH_DATABASE
async def test_previews_of_deletions_and_of_forgetting_make_each_other_stale(deleter: Deleter) -> None:
    """D1, D6: of an object by references, of a filter by events."""
    by_filter, by_object = await deleter.preview(of_type("audit")), await deleter.preview(forget("b"))
    assert (await deleter.delete(forget("a"))).deleted == 12
    with pytest.raises(ConfirmationStaleError, match="23 events"):
        await deleter.confirm(by_filter.id, of_type("audit"))
    # All ten references to `b` are there still; that eight of their events have nothing else now does not matter.
    assert (by_object.matched, by_object.matched_references) == (2, 10)
    await deleter.confirm(by_object.id, forget("b"))
    await deleter.work()
    assert (await deleter.get(by_object.id)).deleted == 10


@EACH_DATABASE
async def test_the_gateways_own_events_keep_what_they_touch(deleter: Deleter) -> None:
    """L4: an audit event that names an object is no event of that object's to forget."""
    await store(deleter.database, [row(40, namespace="timeloom", objects=(link("host", "a"),))])
    done = await deleter.delete(forget("a"))
    assert (done.deleted, done.deleted_references) == (12, 20)
    assert max(number for _, number in await references(deleter.database)) == 40


@pytest.fixture(params=["OFF", "ON"])
async def racing(
    request: pytest.FixtureRequest, mariadb_server: MariaServer, new_database_url: Callable[[str], str]
) -> AsyncIterator[Database]:
    """A store on a MariaDB with innodb_snapshot_isolation off, and on."""
    before = mariadb_server.execute("SELECT @@GLOBAL.innodb_snapshot_isolation")[0][0]
    mariadb_server.execute(f"SET GLOBAL innodb_snapshot_isolation = {request.param}")
    database = await Database.open(new_database_url("aiomysql"))
    yield database
    await database.close()
    mariadb_server.execute(f"SET GLOBAL innodb_snapshot_isolation = {before}")


ROUNDS = 30


async def test_two_who_take_the_last_references_leave_no_orphan(racing: Database) -> None:
    """Design, promises: two transactions that each take another last reference, of ten events in each round."""
    objects = [(link("host", f"a{number}"), link("host", f"b{number}")) for number in range(ROUNDS)]
    await store(racing, [row(1 + number, objects=objects[number // 10]) for number in range(10 * ROUNDS)])
    bound = await sequence(racing)

    async def remove(walk: Walk, portion: Portion) -> Removed:
        return await racing.write(
            lambda connection: walk.remove(connection, None, portion, dialect_name="mariadb", now=START), name="a race"
        )

    removed = Removed()
    for number in range(ROUNDS):
        walks = [await forget(f"{name}{number}").walk(racing, bound) for name in "ab"]
        portions = [await walk.fetch(racing, None, size=100) for walk in walks]
        assert not any(each.goes for portion in portions for each in portion.found)
        removed += sum(await asyncio.gather(*map(remove, walks, portions)), Removed())
    assert removed == Removed(events=10 * ROUNDS, references=20 * ROUNDS)
    assert (await numbers(racing), await references(racing)) == ([], [])
