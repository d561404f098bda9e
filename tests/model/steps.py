"""Steps: all that may happen in a history, and how often."""

import random
from collections.abc import Awaitable, Callable

from storage.counts import CountFolder
from storage.pages import PageRequest, fetch_event_page
from storage.scopes import EVERYTHING
from storage.selectors import all_of
from storage.totals import CountKind, fetch_total
from tests.model.agreement import CLIENTS, compare_sums
from tests.model.deleting import cancel, confirm, other_worker, preview, work
from tests.model.filters import draw_filter, to_selector
from tests.model.ingesting import beats, ingest, register, resend
from tests.model.oracle import DAY, HOUR, SECOND
from tests.model.retaining import forget_ids, policy, restore, retain
from tests.model.world import World

_STEPS_OF_TIME = (HOUR, 7 * HOUR, DAY, 2 * DAY, 9 * DAY, 31 * DAY, 100 * DAY, -HOUR, -5 * HOUR, -2 * DAY)


async def clock(world: World, draw: random.Random) -> str:
    """Time passes, and now and then the clock is set back."""
    step = draw.choice((60 * SECOND, HOUR, 7 * HOUR, DAY, 2 * DAY, 9 * DAY, 31 * DAY, 100 * DAY, -HOUR, -5 * SECOND))
    world.now += step + SECOND
    return f"clock {step / HOUR:+.2f} h"


async def fold_counts(world: World, _draw: random.Random) -> str:
    """Deltas become sums, by all lengths of time."""
    folder = CountFolder(world.database)
    while await folder.turn():
        pass
    await world.expire("counts")
    await compare_sums(world)
    return "counts are folded"


async def look(world: World, draw: random.Random) -> str:
    """What the reads tell: a page, a total, a timeline."""
    texts, matches = draw_filter(draw, now=world.now)
    expected = sorted(world.sort_key(key) for key, stored in world.oracle.events.items() if matches(stored))
    selector = all_of((to_selector(texts), CLIENTS))
    await world.settle()
    page = await fetch_event_page(
        world.database,
        selector=selector,
        scope=EVERYTHING,
        request=PageRequest(size=1_000),
        fields={"namespace"},
    )
    found = [(each.occurred_at, each.id, each.namespace) for each in page.records]
    assert found == expected[::-1], texts
    total = await fetch_total(world.database, selector=selector, scope=EVERYTHING)
    assert (total.value, total.kind) == (len(expected), CountKind.EXACT), texts
    return f"look for {' '.join(texts)}: {len(expected)}"


Step = Callable[[World, random.Random], Awaitable[str]]
STEPS: dict[str, tuple[Step, int]] = {
    "ingest": (ingest, 10),
    "beats": (beats, 5),
    "resend": (resend, 8),
    "clock": (clock, 10),
    "register": (register, 2),
    "preview": (preview, 5),
    "confirm": (confirm, 5),
    "work": (work, 4),
    "other_worker": (other_worker, 1),
    "cancel": (cancel, 1),
    "policy": (policy, 3),
    "retain": (retain, 2),
    "restore": (restore, 2),
    "fold_counts": (fold_counts, 1),
    "forget_ids": (forget_ids, 1),
    "look": (look, 3),
}
"""What may happen, and how often."""
