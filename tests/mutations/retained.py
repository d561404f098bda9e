"""Histories for retention: a clock to turn, policies, and a runner on a store."""

from typing import Any

from mutations.policies import Policy
from mutations.retention import RetentionOptions, RetentionRunner
from storage.engine import Database
from storage.positions import Sequencer
from storage.retention_runs import RunRecord, fetch_run
from storage.times import MICROSECONDS_PER_DAY
from tests.storage.histories import START, event_id

DAY = MICROSECONDS_PER_DAY


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self, now: int = START) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


def age_policy(name: str, days: float | None, **given: Any) -> Policy:
    """Make a policy by event type unless something else is given."""
    if not given.keys() & {"event_types", "object_types", "sources", "selectors", "namespace"}:
        given["event_types"] = (name,)
    return Policy(
        id=f"setting:{name}", name=name, max_age_seconds=None if days is None else int(days * 86_400), **given
    )


def runner(database: Database, *policies: Policy, clock: Clock, **given: Any) -> RetentionRunner:
    """Make a runner; `chunk_events` and `budget_seconds` are options."""
    options = {
        name: given.pop(name) for name in ("chunk_events", "budget_seconds", "max_ahead_seconds") if name in given
    }
    return RetentionRunner(database, policies, clock=clock, options=RetentionOptions(**options), **given)


async def carry_out(some: RetentionRunner, database: Database) -> RunRecord:
    """Ask for a run and carry it out; give its row."""
    await give_positions(database)
    run = await some.request("somebody")
    assert await some.turn()
    found = await fetch_run(database, run.run_id)
    assert found is not None
    return found


async def give_positions(database: Database) -> None:
    """Number the batches that are committed (SQLite has done that)."""
    if database.dialect_name == "mariadb":
        sequencer = Sequencer(database)
        while await sequencer._fetch_waiting():
            await sequencer.turn()
        await sequencer._lease.release()


def outcomes(run: RunRecord) -> dict[str, tuple[int, int]]:
    """Give (events, references) by policy name, without those of zeros."""
    return {each.policy_name: (each.events, each.references) for each in run.outcomes if each.events or each.references}


__all__ = ["DAY", "START", "Clock", "age_policy", "carry_out", "event_id", "give_positions", "outcomes", "runner"]
