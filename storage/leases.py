"""Leases: work that one process of the cluster does at a time.

A lease is a row with an owner, an epoch and an expiry by the database's clock. Whoever finds it expired takes it over
by raising the epoch; every write of the work is guarded by owner and epoch, so that a holder who was stopped meanwhile
and wakes up writes nothing. Taking and renewing are single statements: a stopped process holds no lock.
"""

import uuid
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.dialects import database_micros, insert_missing, insert_replacing
from storage.tables import leases
from storage.times import MICROSECONDS_PER_SECOND

if TYPE_CHECKING:
    from storage.engine import Database


class LeaseLostError(Exception):
    """Another process has taken the lease over."""


async def wait_for_holder(connection: AsyncConnection, name: str) -> None:
    """Wait until whoever holds a lease has ended the transaction it is in; until ours ends, it begins no other.

    For whoever changes what the work under a lease goes by: what is told as changed then holds for all of it.
    """
    await connection.execute(select(leases.c.epoch).where(leases.c.name == name).with_for_update())


async def take_turns(connection: AsyncConnection, name: str, *, dialect_name: str) -> None:
    """Let one transaction at a time do what a name stands for: whoever comes next waits until ours ends."""
    nobody = {"name": name, "owner": "", "epoch": 0, "expires_at": 0, "high_water": 0}
    await connection.execute(insert_replacing(leases, dialect_name, ("expires_at",)), nobody)


class Lease:
    """One process's share in a lease. `held` is what was known last; the guard of the statement decides."""

    def __init__(self, database: "Database", name: str, *, seconds: float) -> None:
        self.name = name
        self.owner = uuid.uuid4().hex
        self.epoch = 0
        self.held = False
        self.high_water = 0
        self._database = database
        self._duration = int(seconds * MICROSECONDS_PER_SECOND)

    @property
    def mine(self) -> ColumnElement[bool]:
        """The condition on `leases` that holds as long as nobody has taken over."""
        return and_(leases.c.name == self.name, leases.c.owner == self.owner, leases.c.epoch == self.epoch)

    @property
    def new_expiry(self) -> ColumnElement[int]:
        """When the lease ends if it is renewed now."""
        return database_micros() + self._duration

    async def acquire(self) -> bool:
        """Take the lease when it is free, expired or still ours; give whether it is held now."""
        # Ours: a renewal whose answer was lost need not wait for its own expiry.
        expired = or_(leases.c.expires_at < database_micros(), leases.c.owner == self.owner)
        columns = select(leases.c.epoch, leases.c.high_water, expired).where(leases.c.name == self.name)
        async with self._database.reading() as connection:
            row = (await connection.execute(columns)).one_or_none()
        if row is None:
            free = {"name": self.name, "owner": "", "epoch": 0, "expires_at": 0, "high_water": 0}
            await self._database.execute_alone(insert_missing(leases, self._database.dialect_name), free)
            return await self.acquire()
        if not row[2]:
            return False
        taken = (
            update(leases)
            .where(leases.c.name == self.name, leases.c.epoch == row.epoch, expired)
            .values(owner=self.owner, epoch=row.epoch + 1, expires_at=self.new_expiry)
        )
        self.held = await self._database.execute_alone(taken) == 1
        if self.held:
            self.epoch = row.epoch + 1
            await self._learn_high_water()
        return self.held

    async def renew(self) -> bool:
        """Prolong the lease; give whether it is still held."""
        statement = update(leases).where(self.mine).values(expires_at=self.new_expiry)
        self.held = await self._database.execute_alone(statement) == 1
        return self.held

    async def require(self, connection: AsyncConnection) -> None:
        """Prolong the lease inside a transaction, first of all, so that it cannot be taken over before COMMIT.

        Raises LeaseLostError when it has been taken over: nothing must be written then.
        """
        result = await connection.execute(update(leases).where(self.mine).values(expires_at=self.new_expiry))
        if result.rowcount != 1:
            raise LeaseLostError(self.name)

    async def release(self) -> None:
        """Let the next one take over at once."""
        if self.held:
            self.held = False
            await self._database.execute_alone(update(leases).where(self.mine).values(expires_at=0))

    async def _learn_high_water(self) -> None:
        # After the take-over: the holder before may have moved it between our look and our UPDATE.
        async with self._database.reading() as connection:
            row = await connection.execute(select(leases.c.high_water).where(self.mine))
            self.high_water = row.scalar_one_or_none() or 0
