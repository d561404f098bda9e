"""Previews: what a run of retention would remove, counted without removing anything (R4)."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import aclosing

from mutations.age_classes import steps
from mutations.decisions import Rules
from mutations.judge import Judged
from mutations.policies import Policy
from storage.engine import Database, Transaction
from storage.positions import fetch_live_position
from storage.retention_runs import OutcomeRecord, Progress, RunRecord, add_progress, finish_run

_TELLING_SECONDS = 2.0
_PORTION_EVENTS = 10_000


async def count_run(
    database: Database,
    run: RunRecord,
    rules: Rules,
    *,
    blocked: frozenset[str],
    clock: Callable[[], int],
    out_of_time: Callable[[], bool],
    error: str | None,
) -> None:
    """Count what a run that began when this one did would remove, and write it into its row, now and then and at last.

    Nothing else is written. `error` is what would keep that run from removing all; out of time, the numbers so far
    stay and the row is not complete.
    """
    await _tell(database, run, Progress(no_outcomes(rules.policies)))
    counted, told_at, done = Tally(), _now(), True
    bound = await fetch_live_position(database)
    looked = steps(
        database,
        rules,
        bound=bound,
        registrations=rules.earlier_registrations,
        blocked=blocked,
        portion_events=_PORTION_EVENTS,
        once=True,
    )
    async with aclosing(looked):
        async for step in looked:
            counted.add(step.judged)
            if out_of_time():
                done = False
                break
            if _now() - told_at > _TELLING_SECONDS:
                await _tell(database, run, counted.take())
                told_at = _now()
    await _tell(database, run, counted.take(), completed=done, error=error, now=clock())


class Tally:
    """Counts what goes by policy, as those who remove it would."""

    def __init__(self) -> None:
        self._events: Counter[Policy] = Counter()
        self._references: Counter[Policy] = Counter()

    def add(self, judged: Sequence[Judged]) -> None:
        """Count events of which something goes."""
        for one in judged:
            policy = one.decision.counts_for
            if policy is not None and one.decision.goes:
                self._events[policy] += 1
            if policy is not None and not one.object_types:
                self._references[policy] += one.examined.references
                continue
            self._references.update(taker for taker in one.decision.takers if taker is not None)

    def take(self) -> Progress:
        """Give what was counted since the last time."""
        policies = sorted(self._events.keys() | self._references.keys(), key=lambda policy: policy.id)
        outcomes = [
            OutcomeRecord(policy.id, policy.name, self._events[policy], self._references[policy]) for policy in policies
        ]
        self._events, self._references = Counter(), Counter()
        return Progress(tuple(outcomes))


def no_outcomes(policies: Sequence[Policy]) -> tuple[OutcomeRecord, ...]:
    """Give a line of zeros for each policy: every enabled one is told about (R2)."""
    return tuple(OutcomeRecord(policy.id, policy.name) for policy in policies)


async def _tell(
    database: Database,
    run: RunRecord,
    progress: Progress,
    *,
    completed: bool | None = None,
    error: str | None = None,
    now: int = 0,
) -> None:
    async def work(transaction: Transaction) -> None:
        await add_progress(transaction, run.run_id, progress)
        if completed is not None:
            await finish_run(transaction, run.run_id, now=now, completed=completed, error=error)

    await database.write(work, name="a dry run of retention")


def _now() -> float:
    return asyncio.get_running_loop().time()
