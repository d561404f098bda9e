"""Groups: small batches of callers that come at the same time are stored in one transaction (decision 18).

What a transaction costs beside its rows is the same for one event as for hundreds: round trips, fsync, and on SQLite
the turn of the only writer. So a small batch that finds others under way waits for them, and goes into the store
together with all that came meanwhile. Nobody waits for company: a batch that comes alone goes at once.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from storage.appends import AppendOutcome, Batch, EventRow, append_batches
from storage.errors import StorageUnavailableError
from storage.quotas import NO_QUOTAS, Quotas

if TYPE_CHECKING:
    from storage.engine import Database

_SMALL_BYTES = 100_000
"""A batch above this has a transaction of its own: what it could save is little beside what it costs."""
_GROUP_BYTES = 1_000_000
"""A group takes no further batch beyond this; it can never come near a limit of the database."""
_GROUPS_AT_ONCE = {"sqlite": 1, "mariadb": 2}
"""More of them would be smaller. The second is for MariaDB, where a group may wait for somebody else's row lock."""


async def append_grouped(
    database: "Database", rows: Sequence[EventRow], *, received_at: int, quotas: Quotas = NO_QUOTAS
) -> list[AppendOutcome]:
    """Store a batch like `append_batch`, small ones together with others. Raises what `append_batch` raises.

    Who is cancelled while its batch waits has stored nothing; once the transaction has begun, it is carried through.
    """
    if not rows:
        return []
    batch = Batch(rows, received_at, quotas)
    size = _size(rows)
    if size > _SMALL_BYTES:
        return await append_batches(database, [batch])
    groups = _groups.get(database)
    if groups is None:
        groups = _groups[database] = _Groups(_GROUPS_AT_ONCE[database.dialect_name])
    return await groups.append(database, batch, size)


class _Member:
    """A batch that waits for its outcomes."""

    __slots__ = ("batch", "outcomes", "size")

    def __init__(self, batch: Batch, size: int) -> None:
        self.batch = batch
        self.size = size
        self.outcomes: asyncio.Future[list[AppendOutcome]] = asyncio.get_running_loop().create_future()

    def settle(self, outcomes: list[AppendOutcome]) -> None:
        if not self.outcomes.done():
            self.outcomes.set_result(outcomes)

    def fail(self, error: Exception) -> None:
        if not self.outcomes.done():
            self.outcomes.set_exception(error)


class _Groups:
    """The batches that wait for one Database, and the tasks that store them."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._under_way = 0
        self._waiting: deque[_Member] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    async def append(self, database: "Database", batch: Batch, size: int) -> list[AppendOutcome]:
        member = _Member(batch, size)
        self._waiting.append(member)
        if self._under_way < self._at_once:
            self._under_way += 1
            # Not the caller's own task: who is cancelled must not take the others along.
            task = asyncio.create_task(self._store_waiting(database))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await member.outcomes

    async def _store_waiting(self, database: "Database") -> None:
        try:
            while group := self._next_group():
                await _store(database, group)
        finally:
            # In the same breath as the last look: who comes later begins anew.
            self._under_way -= 1

    def _next_group(self) -> list[_Member]:
        group: list[_Member] = []
        size = 0
        while self._waiting and (not group or size + self._waiting[0].size <= _GROUP_BYTES):
            member = self._waiting.popleft()
            if not member.outcomes.cancelled():
                group.append(member)
                size += member.size
        return group


async def _store(database: "Database", group: Sequence[_Member]) -> None:
    try:
        outcomes = iter(await append_batches(database, [member.batch for member in group]))
    except Exception as error:
        if len(group) == 1 or isinstance(error, StorageUnavailableError):
            for member in group:
                member.fail(error)
        else:
            # It may be the fault of one of them: each alone, so that it costs the others nothing but time.
            await asyncio.gather(*(_store(database, [member]) for member in group))
        return
    for member in group:
        member.settle([next(outcomes) for _ in member.batch.rows])


def _size(rows: Sequence[EventRow]) -> int:
    """Give about how many bytes a batch writes."""
    return sum([300 + 100 * len(row.objects) + len(row.message) + len(row.extra or "") for row in rows])


_groups: WeakKeyDictionary["Database", _Groups] = WeakKeyDictionary()
