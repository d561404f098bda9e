"""Background tasks: begun again when they fail, ended in order, cancelled when they do not end."""

import asyncio

import pytest

from gateway import background as background_module
from gateway.background import Background
from gateway.metrics import Metrics


async def test_a_task_that_fails_begins_again_and_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_module, "_FIRST_DELAY_SECONDS", 0.001)
    metrics, runs, well = Metrics(), [], asyncio.Event()

    async def loop(stop: asyncio.Event) -> None:
        runs.append(1)
        if len(runs) < 3:
            raise RuntimeError("broken")
        well.set()
        await stop.wait()

    background = Background(metrics)
    background.start("fragile", loop)
    await asyncio.wait_for(well.wait(), 10)
    await background.stop(seconds=10)
    assert len(runs) == 3
    assert 'timeloom_background_restarts_total{task="fragile"} 2.0' in metrics.render().decode()


async def test_stopping_lets_tasks_end_by_themselves() -> None:
    """Leases are given back, not left to expire."""
    ended = []

    async def loop(stop: asyncio.Event) -> None:
        await stop.wait()
        ended.append("in order")

    background = Background(Metrics())
    background.start("a", loop)
    background.start("b", loop)
    await asyncio.sleep(0)
    await background.stop(seconds=10)
    assert ended == ["in order", "in order"]


async def test_a_task_that_does_not_end_is_cancelled() -> None:
    cancelled = []

    async def loop(_stop: asyncio.Event) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.append(True)

    background = Background(Metrics())
    background.start("stubborn", loop)
    await asyncio.sleep(0)
    await background.stop(seconds=0.01)
    assert cancelled == [True]


async def test_a_failing_task_can_be_stopped_while_it_waits() -> None:
    async def loop(_stop: asyncio.Event) -> None:
        raise RuntimeError("broken")

    background = Background(Metrics())
    background.start("broken", loop)
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await background.stop(seconds=5)
