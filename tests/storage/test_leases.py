"""Leases: one holder at a time, by the database's clock; who lost one writes nothing."""

from typing import Any

import pytest
from sqlalchemy import insert, select, update

from storage.engine import Database
from storage.leases import Lease, LeaseLostError
from storage.tables import leases, namespaces


async def _expire(database: Database) -> None:
    await database.execute_alone(update(leases).values(expires_at=1))


async def test_lease_has_one_holder(database: Database) -> None:
    first, second = (Lease(database, "work", seconds=60) for _ in range(2))
    assert [await first.acquire(), await second.acquire()] == [True, False]
    assert await first.renew()
    assert await Lease(database, "other work", seconds=60).acquire()


async def test_expired_lease_is_taken_over_with_the_next_epoch(database: Database) -> None:
    first, second = (Lease(database, "work", seconds=60) for _ in range(2))
    await first.acquire()
    await _expire(database)
    assert await second.acquire()
    assert (first.epoch, second.epoch) == (1, 2)
    assert not await first.renew()
    assert not first.held
    assert not await first.acquire()


async def test_released_lease_is_free_at_once(database: Database) -> None:
    first, second = (Lease(database, "work", seconds=60) for _ in range(2))
    await first.acquire()
    await first.release()
    assert await second.acquire()
    await first.release()
    assert await second.renew()


async def test_holder_that_forgot_takes_its_own_lease_again(database: Database) -> None:
    """A renewal whose answer was lost need not wait for the expiry."""
    lease = Lease(database, "work", seconds=60)
    await lease.acquire()
    lease.held = False
    assert await lease.acquire()
    assert lease.epoch == 2


async def test_new_holder_learns_what_was_handed_out(database: Database) -> None:
    first, second = (Lease(database, "work", seconds=60) for _ in range(2))
    await first.acquire()
    await database.execute_alone(update(leases).where(first.mine).values(high_water=41, expires_at=1))
    assert await second.acquire()
    assert second.high_water == 41


async def test_transaction_of_a_holder_who_lost_writes_nothing(database: Database) -> None:
    first, second = (Lease(database, "work", seconds=60) for _ in range(2))

    async def work(connection: Any) -> None:
        await first.require(connection)
        await connection.execute(insert(namespaces), {"name": "written"})

    await first.acquire()
    await database.write(work, name="work")
    await _expire(database)
    await second.acquire()
    with pytest.raises(LeaseLostError):
        await database.write(work, name="work")
    async with database.reading() as connection:
        assert (await connection.execute(select(namespaces.c.name))).scalars().all() == ["written"]
