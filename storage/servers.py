"""Servers: what a database server tells of itself: its clock, whether it is a node of a cluster."""

from typing import TYPE_CHECKING

from sqlalchemy import select, text

from storage.dialects import database_micros

if TYPE_CHECKING:
    from storage.engine import Database


async def is_galera(database: "Database") -> bool:
    """Whether the database is a node of a Galera cluster, where transactions should be small."""
    if database.dialect_name == "sqlite":
        return False
    async with database.reading() as connection:
        return bool((await connection.execute(text("SELECT @@wsrep_on"))).scalar_one())


async def fetch_database_time(database: "Database") -> int:
    """Give the database's clock in microseconds UTC."""
    async with database.reading() as connection:
        return int((await connection.execute(select(database_micros()))).scalar_one())
