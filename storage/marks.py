"""Marks: how far a walk in the order of arrival has come, kept in the store under a name."""

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.dialects import insert_replacing
from storage.tables import retention_marks

if TYPE_CHECKING:
    from storage.engine import Database


class Mark(NamedTuple):
    """How far a walk has come: below (received_at, batch_key), in batches with a position up to `position`."""

    received_at: int
    batch_key: int
    position: int


async def fetch_mark(database: "Database", name: str) -> Mark | None:
    """Give how far the walks of a name have come; None: there was none."""
    columns = [retention_marks.c[field] for field in Mark._fields]
    async with database.reading() as connection:
        row = (await connection.execute(select(*columns).where(retention_marks.c.mark == name))).one_or_none()
    return None if row is None else Mark._make(row)


async def save_mark(connection: AsyncConnection, name: str, mark: Mark, *, dialect_name: str, now: int) -> None:
    """Keep how far a walk has come, in the transaction that did its work; `now` in microseconds."""
    replaced = ("received_at", "batch_key", "position", "updated_at")
    row = {"mark": name, **mark._asdict(), "updated_at": now}
    await connection.execute(insert_replacing(retention_marks, dialect_name, replaced), row)


async def delete_marks(connection: AsyncConnection, prefix: str, *, unused_since: int) -> None:
    """Forget the marks whose names begin with a prefix and that nobody has moved since (microseconds)."""
    columns = retention_marks.c
    begins = func.substr(columns.mark, 1, len(prefix)) == prefix
    await connection.execute(delete(retention_marks).where(begins, columns.updated_at < unused_since))
