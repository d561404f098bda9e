"""Retention on real stores: what goes, what stays, where it goes on (EV8, RT1, HZ4, GQ4)."""

import pytest
from sqlalchemy import select

from storage.engine import Database
from storage.tables import event_objects, events
from tests.mutations.retained import DAY, Clock, age_policy, carry_out, outcomes, runner
from tests.storage.histories import START, event_id, link, row, store

EACH_DATABASE = pytest.mark.parametrize("backend", ["sqlite", "aiomysql"])


async def stored_numbers(database: Database) -> list[int]:
    """Give the numbers of the events that are stored in `default`-like namespaces, without those of the gateway."""
    async with database.reading() as connection:
        rows = await connection.execute(select(events.c.id).where(events.c.source != "timeloom"))
        return sorted(int(each[0].replace("-", ""), 16) for each in rows)


async def references(database: Database) -> set[tuple[int, str]]:
    async with database.reading() as connection:
        rows = await connection.execute(select(event_objects.c.event_id, event_objects.c.object_type))
        return {(int(each[0].replace("-", ""), 16), each[1]) for each in rows}


@EACH_DATABASE
async def test_ages_by_event_type_and_object_type_ev8(database: Database) -> None:
    types = {
        "audit": 90,
        "mutate": 90,
        "health": 90,
        "historic": 90,
        "usage": 30,
        "prune": 30,
        "status": 7,
        "resources": 7,
    }
    rows = [row(place, event_type=name, objects=(link("node", "n"),)) for place, name in enumerate(types, 1)]
    rows.append(row(20, event_type="audit", objects=(link("api-requests", "r"),)))
    rows.append(row(21, event_type="other"))
    await store(database, rows)
    policies = [age_policy(name, days) for name, days in types.items()]
    policies.append(age_policy("api-requests", 1, object_types=("api-requests",)))
    clock = Clock()
    some = runner(database, *policies, clock=clock)
    left = []
    for days in (1, 7, 30, 90):
        clock.now = START + days * DAY
        run = await carry_out(some, database)
        assert (run.completed, run.events_removed) == (True, 0)
        clock.now += 100
        run = await carry_out(some, database)
        left.append((outcomes(run), await stored_numbers(database)))
    assert left == [
        ({"api-requests": (1, 1)}, [1, 2, 3, 4, 5, 6, 7, 8, 21]),
        ({"status": (1, 1), "resources": (1, 1)}, [1, 2, 3, 4, 5, 6, 21]),
        ({"usage": (1, 1), "prune": (1, 1)}, [1, 2, 3, 4, 21]),
        ({name: (1, 1) for name in ("audit", "mutate", "health", "historic")}, [21]),
    ]
    assert await references(database) == set()
