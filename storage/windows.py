"""Windows: parts of a plan's index that hold as many entries as may be examined, over all its places together.

A plan enters its index at up to 64 places, and one of them may hold nearly all that there is. A window begins with an
even share for each place; what its places turn out to hold decides about the shares of the next.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from storage.engine import Database
from storage.page_shapes import page_values, prepare_boundary, prepare_entry_counts
from storage.page_statements import Bound, KeyRange, build_boundary, build_entry_counts
from storage.plans import Plan

_MOST_ROUNDS = 6
_ENOUGH = 0.95
"""Of the entries that may be examined: what is left then is not worth another look."""


class Reach(NamedTuple):
    """How far a scan may look, and a key about half way there; both None: as far as there is anything."""

    boundary: Bound | None
    middle: Bound | None


class Windows:
    """The windows of one plan, one after the other."""

    def __init__(self, database: Database, connection: AsyncConnection, plan: Plan) -> None:
        """Cut the index of `plan` over `connection`."""
        self._database = database
        self._connection = connection
        self._plan = plan
        self._statements = database.statements
        self._dialect_name = database.dialect_name
        # A scope that no place answers stands in the statement's text with its keys.
        self._is_preparable = plan.scope.everything
        self._held: Sequence[int] = [0] * len(plan.prefixes)

    async def end(self, keys: KeyRange, entries: int) -> Bound | None:
        """Give the key up to which at most `entries` entries of a range lie; None when fewer are left."""
        offsets = [share - 1 for share in self._shares(entries)]
        if self._is_preparable:
            statement = prepare_boundary(self._statements, self._plan, keys, dialect_name=self._dialect_name)
            named = {f"offset_{place}": offset for place, offset in enumerate(offsets)}
            rows = await self._database.fetch(self._connection, statement, {**page_values(self._plan, keys), **named})
        else:
            built = build_boundary(self._plan, keys, offsets=offsets, dialect_name=self._dialect_name)
            rows = [tuple(row) for row in await self._connection.execute(built)]
        return Bound(rows[0][0], rows[0][1], inclusive=True) if rows else None

    async def count(self, keys: KeyRange, entries: int) -> int:
        """Tell how many entries a window holds that was to hold so many; with one place it holds just those."""
        if len(self._plan.prefixes) == 1:
            return entries
        if self._is_preparable:
            statement = prepare_entry_counts(self._statements, self._plan, keys, dialect_name=self._dialect_name)
            rows = await self._database.fetch(self._connection, statement, page_values(self._plan, keys))
        else:
            built = build_entry_counts(self._plan, keys, dialect_name=self._dialect_name)
            rows = [tuple(row) for row in await self._connection.execute(built)]
        self._held = [number for _, number in sorted(rows)]
        return sum(self._held)

    async def reach(self, keys: KeyRange, entries: int) -> "Reach":
        """Find the key up to which nearly as many entries lie as may be examined, and one about half way to it."""
        half, left = entries // 2, entries
        middle: Bound | None = None
        end: Bound | None = None
        for _ in range(_MOST_ROUNDS):
            # With one place the first step ends just half way, and the second where all has been used up.
            step = half if middle is None and half else left
            end = await self.end(keys, step)
            if end is None:
                return Reach(None, None)
            left -= await self.count(keys._replace(stop=end), step)
            if middle is None or left > half:
                middle = end
            if left <= entries * (1 - _ENOUGH):
                break
            keys = keys._replace(start=end._replace(inclusive=False))
        return Reach(end, middle)

    def _shares(self, entries: int) -> list[int]:
        """Share entries out: one half evenly, the other by what each place has held; each gets at least one."""
        held, places = sum(self._held), len(self._held)
        if not held:
            return [max(entries // places, 1)] * places
        return [max(int(entries * (number / held + 1 / places) / 2), 1) for number in self._held]
