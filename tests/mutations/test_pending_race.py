"""Sixteen writers enqueue and finish operations on one object while readers ask whether any is pending (OP3)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from storage.engine import Database
from storage.operations import OperationState
from storage.records import ObjectRecord
from storage.scopes import EVERYTHING
from storage.targets import fetch_pending
from tests.mutations.operating import enqueue, move

DISK = ObjectRecord("default", "disk", "d1")
WRITERS, READERS, IN_TURN = 16, 2, 4


class Truth:
    """What must be pending, and what can be, by what has been begun and what has been acknowledged."""

    def __init__(self) -> None:
        self.surely: set[int] = set()
        """Acknowledged as enqueued, their end not begun."""
        self.possibly: set[int] = set()
        """Begun to be enqueued, their end not acknowledged."""
        self.begun = 0

    @asynccontextmanager
    async def life(self, database: Database) -> AsyncIterator[None]:
        """An operation: enqueued, pending inside, then finished."""
        self.begun += 1
        number = self.begun
        self.possibly.add(number)
        operation = await enqueue(database)
        self.surely.add(number)
        yield
        self.surely.remove(number)
        end = (OperationState.COMPLETE, OperationState.ERROR, OperationState.ABORT)[number % 3]
        await move(database, operation, end)
        self.possibly.remove(number)


@pytest.mark.parametrize("backend", ["sqlite", "aiomysql"])
async def test_nobody_is_told_that_nothing_is_pending_while_something_is(database: Database) -> None:
    """OP3: whenever an operation was pending during the whole of a read, no reader is told false.

    First all writers work at once, so that later operations end before earlier ones; then some of them one after the
    other, so that there are moments without any.
    """
    truth = Truth()
    answers = {True: 0, False: 0}
    together, alone = asyncio.Barrier(WRITERS), asyncio.Lock()
    over = asyncio.Event()

    async def write(writer: int) -> None:
        async with truth.life(database):
            await together.wait()
        await together.wait()
        if writer < IN_TURN:
            async with alone, truth.life(database):
                pass

    async def read() -> None:
        while not over.is_set():
            surely, possibly, begun = set(truth.surely), bool(truth.possibly), truth.begun
            answer = (await fetch_pending(database, [DISK], scope=EVERYTHING))[DISK]
            if surely & truth.surely:
                assert answer
                answers[True] += 1
            elif not possibly and begun == truth.begun:
                assert not answer
                answers[False] += 1

    readers = [asyncio.create_task(read()) for _ in range(READERS)]
    await asyncio.gather(*(write(writer) for writer in range(WRITERS)))
    over.set()
    await asyncio.gather(*readers)
    assert answers[True] > IN_TURN
    assert not (await fetch_pending(database, [DISK], scope=EVERYTHING))[DISK]
