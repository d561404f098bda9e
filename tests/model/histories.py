"""Histories: lists of steps that hypothesis draws and makes short, told to a store and its oracle one by one."""

import random
import shutil
from collections.abc import Sequence

from hypothesis import strategies as st

from storage.engine import Database
from tests.model.steps import STEPS, fold_counts
from tests.model.world import World

NOTHING = "nothing"
"""What a step becomes when a history is made shorter."""

Step = tuple[str, int]
"""What happens, and the seed of how."""

_KINDS = [NOTHING, *(name for name, (_, weight) in STEPS.items() for _ in range(weight))]
_COMPARED_EVERY = 6


class HistoryError(AssertionError):
    """A store and its oracle differ; the text tells what happened before."""


def histories(steps: int) -> st.SearchStrategy[list[Step]]:
    """Draw histories of so many steps."""
    step = st.tuples(st.sampled_from(_KINDS), st.integers(0, 2**24))
    return st.lists(step, min_size=steps, max_size=steps)


async def tell(database: Database, history: Sequence[Step]) -> None:
    """Let a history happen in a store that is cleared for it. Raises HistoryError where store and oracle differ."""
    world = await World.make(database)
    told: list[str] = []
    try:
        for number, (kind, seed) in enumerate(step for step in history if step[0] != NOTHING):
            told.append(f"{kind} (seed {seed})")
            step, _ = STEPS[kind]
            told[-1] = f"{kind} (seed {seed}): {await step(world, random.Random(seed))}"
            if number % _COMPARED_EVERY == 0 or kind in ("retain", "restore"):
                await world.compare()
        await world.compare()
        await fold_counts(world, random.Random(0))
    except Exception as error:
        lines = "\n".join(f"  {number}. {line}" for number, line in enumerate(told, 1))
        raise HistoryError(f"{type(error).__name__}: {error}\nafter\n{lines}") from error
    finally:
        shutil.rmtree(world.home)
