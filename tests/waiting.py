"""Waiting for a condition, with a bound: tests sleep only between two looks."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable


async def wait_until(condition: Callable[[], bool | Awaitable[bool]], *, seconds: float = 15.0) -> None:
    """Return when the condition holds; raise TimeoutError when it does not within the time."""
    async with asyncio.timeout(seconds):
        while True:
            holds = condition()
            if await holds if inspect.isawaitable(holds) else holds:
                return
            await asyncio.sleep(0.02)


def wait_for(condition: Callable[[], bool], what: str, *, seconds: float = 30.0) -> None:
    """The same outside of an event loop; `what` says in the error what was waited for."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come within {seconds:g} s")
        time.sleep(0.02)
