"""Waiting for a condition, with a bound: tests sleep only between two looks."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable


async def wait_until(condition: Callable[[], bool | Awaitable[bool]], *, seconds: float = 15.0) -> None:
    """Return when the condition holds; raise TimeoutError when it does not within the time."""
    async with asyncio.timeout(seconds):
        while True:
            holds = condition()
            if await holds if inspect.isawaitable(holds) else holds:
                return
            await asyncio.sleep(0.02)
