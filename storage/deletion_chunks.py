"""Chunks of a deletion: each is one transaction that removes a portion and says so in the deletion's row."""

from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncConnection

from storage.deletions import END, DeletionRecord, DeletionState, build_change, build_deletion
from storage.leases import Lease
from storage.walks import ObjectWalk, Portion, Walk

if TYPE_CHECKING:
    from storage.engine import Database


class MoreThanShownError(Exception):
    """More is selected than was counted: references went, or repeats were folded, and the filter tells that apart."""


async def remove_portion(
    database: "Database", lease: Lease, record: DeletionRecord, walk: Walk, portion: Portion, *, now: int
) -> DeletionRecord | None:
    """Remove a portion that was fetched from `record.place`, and give the deletion as it stands then.

    None when somebody has moved the deletion on meanwhile (it was cancelled, say); then nothing is removed. Raises
    LeaseLostError when another process has taken over, MoreThanShownError when more would be gone then than was shown.
    `now` in microseconds UTC.
    """
    dialect_name = database.dialect_name

    async def work(connection: AsyncConnection) -> DeletionRecord | None:
        await lease.require(connection)
        row = (await connection.execute(build_deletion(record.id, locked=True))).one()
        if row.state != DeletionState.RUNNING.value or row.deleted != record.deleted or row.place != record.place:
            return None
        removed = await walk.remove(connection, record.place, portion, dialect_name=dialect_name, now=now)
        after = record._replace(
            deleted=record.deleted + removed.events,
            deleted_references=record.deleted_references + removed.references,
            place=portion.next_place or END,
        )
        taken = after.deleted_references if isinstance(walk, ObjectWalk) else after.deleted
        if taken > record.matched_references:
            raise MoreThanShownError
        await connection.execute(build_change(record, after))
        return after

    return await database.write(work, name="a chunk of a deletion")
