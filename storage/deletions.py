"""Deletions: what somebody asked to delete, how far it has come, and how it ended. The rows stay (L4).

Every change of a row is guarded by the state and the numbers that its writer saw: of two that want to move a deletion
on, one does.
"""

import json
from collections.abc import Awaitable, Callable, Collection, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Select, Update, and_, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.cursors import IdCursor
from storage.dialects import force_index, union_of_limited
from storage.leases import Lease
from storage.list_pages import ListPage, to_list_page
from storage.tables import deletions

if TYPE_CHECKING:
    from storage.engine import Database

CURSOR_KIND: Final = "d"
"""Of cursors in lists of deletions."""


class DeletionState(Enum):
    """How far a deletion has come."""

    COUNTING = "COUNTING"
    PREVIEWED = "PREVIEWED"
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    DONE = "DONE"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"


END: Final = "end"
"""The place of a deletion that has come to the end of what is being done."""

UNFINISHED: Final[tuple[DeletionState, ...]] = (DeletionState.COUNTING, DeletionState.QUEUED, DeletionState.RUNNING)
"""The states in which there is something to do in the background."""


class SampleKey(NamedTuple):
    """An event of a sample; `occurred_at` in microseconds UTC."""

    occurred_at: int
    id: str
    namespace: str


class DeletionRecord(NamedTuple):
    """One deletion. Times are microseconds UTC; `filter`, `selection` and `place` are JSON texts.

    `matched` and `matched_references` grow while it is counted, `recounted...` while it is counted again after its
    confirmation. Of a deletion by filter the references are its events, of an object they are what is taken off it.
    `bound` is the position up to which events may go. `place` None: at the start of what is being done; `END`: at its
    end.
    """

    id: str
    kind: str
    state: DeletionState
    requested_by: str | None
    reason: str | None
    filter: str
    selection: str
    bound: int
    matched: int = 0
    matched_references: int = 0
    recounted: int = 0
    recounted_references: int = 0
    deleted: int = 0
    deleted_references: int = 0
    place: str | None = None
    sample: tuple[SampleKey, ...] = ()
    created_at: int = 0
    started_at: int | None = None
    finished_at: int | None = None
    expires_at: int | None = None
    error: str | None = None

    def seen_at(self, now: int) -> "DeletionRecord":
        """Give it as it stands at a time: a preview expires by the clock, whenever its row says so."""
        if self.state is DeletionState.PREVIEWED and self.expires_at is not None and self.expires_at <= now:
            return self._replace(state=DeletionState.EXPIRED, finished_at=self.expires_at)
        return self


DeletionPage = ListPage[DeletionRecord, IdCursor]
"""A page of deletions, newest first (P5)."""


Work = Callable[[AsyncConnection], Awaitable[Any]]
"""Something else to write in the same transaction."""

_COLUMNS = [deletions.c["deletion_id" if name == "id" else name] for name in DeletionRecord._fields]
_FIXED = frozenset({"id", "kind", "requested_by", "filter", "selection", "bound", "created_at"})


async def append_deletion(database: "Database", record: DeletionRecord) -> None:
    """Write a new deletion."""
    values = {column.name: value for column, value in zip(_COLUMNS, _to_row(record), strict=True)}

    async def work(connection: AsyncConnection) -> None:
        if (await connection.execute(build_deletion(record.id))).first() is None:  # else our own, its answer was lost
            await connection.execute(insert(deletions), values)

    await database.write(work, name="a deletion")


async def change_deletion(
    database: "Database",
    before: DeletionRecord,
    after: DeletionRecord,
    *,
    lease: Lease | None = None,
    then: Work | None = None,
) -> bool:
    """Bring a deletion from `before` to `after`, and do `then` in the same transaction.

    Gives whether it was done: false when somebody has moved it on, and then nothing is written. Raises LeaseLostError
    when `lease` is given and lost.
    """
    tries = 0

    async def work(connection: AsyncConnection) -> bool:
        nonlocal tries
        tries += 1
        if lease is not None:
            await lease.require(connection)
        if (await connection.execute(build_change(before, after))).rowcount == 1:
            if then is not None:
                await then(connection)
            return True
        # A lost answer to COMMIT: what stands there then is what we wrote.
        return tries > 1 and _to_record((await connection.execute(build_deletion(before.id))).one()) == after

    return await database.write(work, name="a deletion")


async def fetch_deletion(database: "Database", deletion_id: str) -> DeletionRecord | None:
    """Give a deletion as its row says; None when there is none."""
    async with database.reading() as connection:
        row = (await connection.execute(build_deletion(deletion_id))).first()
    return None if row is None else _to_record(row)


async def fetch_unfinished(database: "Database") -> DeletionRecord | None:
    """Give the oldest deletion for which there is something to do in the background."""
    async with database.reading() as connection:
        row = (await connection.execute(build_unfinished(database.dialect_name))).first()
    return None if row is None else _to_record(row)


async def fetch_deletion_page(
    database: "Database",
    *,
    states: Collection[DeletionState] | None,
    now: int,
    size: int,
    after: IdCursor | None = None,
    before: IdCursor | None = None,
    backward: bool = False,
) -> DeletionPage:
    """Read one page of the deletions in some states (None: in all), as they stand at `now`, newest first."""
    found: list[DeletionRecord] = []
    if states is None or states:
        statement = build_deletion_page(
            states,
            now=now,
            after=after,
            before=before,
            backward=backward,
            limit=size + 1,
            dialect_name=database.dialect_name,
        )
        async with database.reading() as connection:
            found = [_to_record(row).seen_at(now) for row in await connection.execute(statement)]
    return to_list_page(found, size=size, cursor_of=deletion_cursor, after=after, before=before, backward=backward)


def deletion_cursor(record: DeletionRecord) -> IdCursor:
    """Give a deletion's place in lists of deletions."""
    return IdCursor(CURSOR_KIND, record.id)


async def expire_previews(database: "Database", *, now: int) -> int:
    """Mark the previews that nobody confirmed in time, and give how many those were."""
    return await database.execute_alone(build_expiry(now))


def build_deletion(deletion_id: str, *, locked: bool = False) -> Select[Any]:
    """Ask for a deletion, and lock its row."""
    statement = select(*_COLUMNS).where(deletions.c.deletion_id == deletion_id)
    return statement.with_for_update() if locked else statement


def build_unfinished(dialect_name: str) -> Select[Any]:
    """Ask for the oldest deletion for which there is something to do, state by state from the index."""
    return _build_by_state(
        [deletions.c.state == state.value for state in UNFINISHED], (), descending=False, limit=1, dialect=dialect_name
    )


def build_deletion_page(
    states: Collection[DeletionState] | None,
    *,
    now: int,
    after: IdCursor | None,
    before: IdCursor | None,
    backward: bool,
    limit: int,
    dialect_name: str,
) -> Select[Any]:
    """Ask for the first deletions of a list, in the direction of the scan; `states` None: by id alone."""
    columns = deletions.c
    keys: list[ColumnElement[bool]] = []
    if after is not None:
        keys.append(columns.deletion_id < after.id)
    if before is not None:
        keys.append(columns.deletion_id > before.id)
    if states is None:
        order = columns.deletion_id.asc() if backward else columns.deletion_id.desc()
        return select(*_COLUMNS).where(*keys).order_by(order).limit(limit)
    branches = [_build_state(state, now) for state in DeletionState if state in states]
    if DeletionState.EXPIRED in states:
        over = and_(columns.state == DeletionState.PREVIEWED.value, columns.expires_at <= now)
        branches.append(over)
    return _build_by_state(branches, keys, descending=not backward, limit=limit, dialect=dialect_name)


def build_change(before: DeletionRecord, after: DeletionRecord) -> Update:
    """Change what differs, provided that state and number are still those of `before`."""
    columns = deletions.c
    values = dict(zip(DeletionRecord._fields, _to_row(after), strict=True))
    changed = {name: value for name, value in values.items() if name not in _FIXED}
    return (
        update(deletions)
        .where(columns.deletion_id == before.id, columns.state == before.state.value)
        .where(columns.deleted == before.deleted, columns.deleted_references == before.deleted_references)
        .values(changed)
    )


def build_expiry(now: int) -> Update:
    """Mark previews as expired."""
    columns = deletions.c
    over = and_(columns.state == DeletionState.PREVIEWED.value, columns.expires_at <= now)
    return update(deletions).where(over).values(state=DeletionState.EXPIRED.value, finished_at=columns.expires_at)


def _build_state(state: DeletionState, now: int) -> ColumnElement[bool]:
    columns = deletions.c
    condition: ColumnElement[bool] = columns.state == state.value
    if state is DeletionState.PREVIEWED:
        condition = and_(condition, or_(columns.expires_at.is_(None), columns.expires_at > now))
    return condition


def _build_by_state(
    branches: Sequence[ColumnElement[bool]],
    keys: Sequence[ColumnElement[bool]],
    *,
    descending: bool,
    limit: int,
    dialect: str,
) -> Select[Any]:
    column = deletions.c.deletion_id
    order = column.desc() if descending else column.asc()
    limited = [
        force_index(select(column), deletions, "ix_deletions_state").where(branch, *keys).order_by(order).limit(limit)
        for branch in branches
    ]
    ids = (union_of_limited(limited, dialect) if len(limited) > 1 else limited[0]).subquery("chosen")
    chosen = select(*_COLUMNS).join(ids, ids.c.deletion_id == column)
    return chosen.order_by(order).limit(limit)


def _to_row(record: DeletionRecord) -> list[Any]:
    values = record._asdict()
    values["state"] = record.state.value
    values["sample"] = json.dumps([[key.namespace, key.id, key.occurred_at] for key in record.sample])
    return list(values.values())


def _to_record(row: Any) -> DeletionRecord:
    record = DeletionRecord._make(row)
    sample: list[list[Any]] = json.loads(row.sample or "[]")
    keys = tuple(SampleKey(occurred_at, event_id, namespace) for namespace, event_id, occurred_at in sample)
    return record._replace(state=DeletionState(row.state), sample=keys)
