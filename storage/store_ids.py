"""Store ids: by which two connections tell whether they lead to the same store.

The id is the owner of a lease that nobody ever takes, made by the first who looks for it. A restored backup has the id
of what it was made of: it is meant to be the same.
"""

import uuid
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from storage.dialects import insert_missing
from storage.errors import StorageError
from storage.tables import leases

if TYPE_CHECKING:
    from storage.engine import Database

_NAME: Final = "store"


async def require_same_store(database: "Database", other: "Database", *, setting: str) -> None:
    """Raise StorageError when `other`, which `setting` names, leads to another store than `database`."""
    if other is database:
        return
    row = {"name": _NAME, "owner": uuid.uuid4().hex, "epoch": 0, "expires_at": 0, "high_water": 0}
    await database.execute_alone(insert_missing(leases, database.dialect_name), row)
    if await _fetch_id(database) != await _fetch_id(other):
        raise StorageError(
            f"{setting} leads to another store than TIMELOOM_DATABASE_URL: events would be taken away there; both have "
            "to name one database, by two users"
        )


async def _fetch_id(database: "Database") -> str | None:
    async with database.reading() as connection:
        found = await connection.execute(select(leases.c.owner).where(leases.c.name == _NAME))
        return found.scalar_one_or_none()
