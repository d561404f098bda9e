"""Reading ahead: what comes next is looked up while what came before is being worked on."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Final, TypeVar

_T = TypeVar("_T")


class _End:
    """What stands behind the last item."""


_END: Final = _End()


async def read_ahead(items: AsyncGenerator[_T, None]) -> AsyncGenerator[_T, None]:
    """Give what a generator gives, and let it make one item more in the meantime. Closes it in the end."""
    following = asyncio.create_task(_next(items))
    try:
        while not isinstance(item := await following, _End):
            following = asyncio.create_task(_next(items))
            yield item
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await following
        await items.aclose()


async def _next(items: AsyncGenerator[_T, None]) -> _T | _End:
    return await anext(items, _END)
