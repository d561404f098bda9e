"""Watchdog: what waits too long is ended, and nothing else is (EV6)."""

import asyncio
import time

import pytest

from storage.watchdog import Watchdog, Watched
from tests.waiting import wait_until


async def _wait_for_ever(watchdog: Watchdog, watched: list[Watched]) -> str:
    own = watchdog.watch()
    watched.append(own)
    own.waiting_since = time.monotonic()
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        if own.was_ended():
            return "ended"
        raise
    finally:
        watchdog.forget(own)
    return "answered"


async def test_what_waits_too_long_is_ended() -> None:
    watchdog = Watchdog(0.05)
    began = time.monotonic()
    assert await asyncio.create_task(_wait_for_ever(watchdog, [])) == "ended"
    assert 0.05 <= time.monotonic() - began < 2
    watchdog.close()


async def test_a_cancellation_from_elsewhere_stays_one() -> None:
    watchdog = Watchdog(60)
    watched: list[Watched] = []
    task = asyncio.create_task(_wait_for_ever(watchdog, watched))
    await wait_until(lambda: bool(watched))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    watchdog.close()


async def test_work_that_does_not_wait_is_left_alone() -> None:
    """Between two statements a reader may take its time: another one's end shows that the watchdog has looked."""
    watchdog = Watchdog(0.05)
    calm = watchdog.watch()
    assert await asyncio.create_task(_wait_for_ever(watchdog, [])) == "ended"
    assert not calm.ended
    watchdog.forget(calm)
    watchdog.close()
