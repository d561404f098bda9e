"""Age classes: the policies of one age together, and in which steps a run looks at what may be due (GQ4).

All policies of an age share a walk in the order of arrival and a mark. A mark belongs to the enabled policies as they
are: when any of them changes, other events may be due, and all walks begin at the oldest batch again.
"""

import hashlib
import json
from collections.abc import AsyncGenerator, Collection, Iterable, Sequence
from typing import NamedTuple

from mutations.decisions import Rules
from mutations.judge import Judge, Judged
from mutations.policies import Policy, matches_pattern
from storage.engine import Database
from storage.examined import ArrivalWalk, fetch_registered
from storage.marks import Mark
from storage.registrations import fetch_all_prunable_registrations
from storage.selectors import Or, Selector
from storage.times import MICROSECONDS_PER_DAY, MICROSECONDS_PER_SECOND

MARK = "retention:"
"""Names of retention's marks begin so."""
_MINDS_CHANGE_DAYS = 7


class AgeClass(NamedTuple):
    """The policies of one age: what they may decide about (`condition`), and the name of their mark."""

    max_age_seconds: int
    mark: str
    condition: Selector
    policy_ids: frozenset[str]

    def cutoff(self, started_at: int) -> int:
        """Before when, in microseconds, its events are due in a run that began at `started_at`."""
        return started_at - self.max_age_seconds * MICROSECONDS_PER_SECOND


class Step(NamedTuple):
    """Events of which something goes, and the mark that holds as soon as that is done; None: no mark belongs to it."""

    judged: list[Judged]
    mark_name: str
    mark: Mark | None


def age_classes(policies: Sequence[Policy], *, started_at: int, blocked: Collection[str] = ()) -> list[AgeClass]:
    """Give the classes of some enabled policies, by age; those that are blocked take nothing and are in none."""
    digest = _digest(policies, started_at, blocked)
    by_age: dict[int, list[Policy]] = {}
    for policy in policies:
        if policy.max_age_seconds is not None and policy.id not in blocked:
            by_age.setdefault(policy.max_age_seconds, []).append(policy)
    return [
        AgeClass(
            max_age_seconds=age,
            mark=f"{MARK}{digest}:{age}",
            condition=Or(tuple(policy.condition for policy in some)),
            policy_ids=frozenset(policy.id for policy in some),
        )
        for age, some in sorted(by_age.items())
    ]


def _digest(policies: Sequence[Policy], started_at: int, blocked: Collection[str]) -> str:
    content: list[object] = [sorted((policy.content for policy in policies), key=str), sorted(blocked)]
    if any(policy.may_change_its_mind for policy in policies):
        # What such a policy protected yesterday it may not protect today, below every mark: once a week all is read.
        content.append(started_at // (_MINDS_CHANGE_DAYS * MICROSECONDS_PER_DAY))
    return hashlib.blake2b(json.dumps(content).encode(), digest_size=12).hexdigest()


async def earlier_registrations(database: Database, policies: Iterable[Policy]) -> frozenset[str]:
    """Give the earlier registrations, as far as events name them, of the sources of pruning policies (HZ4)."""
    pruning = [policy for policy in policies if policy.prune_registrations]
    found: set[str] = set()
    if pruning:
        async for registration_id, place in fetch_all_prunable_registrations(database):
            if any(_may_prune(policy, place.namespace, place.source) for policy in pruning):
                found.add(registration_id)
    return frozenset(found)


def _may_prune(policy: Policy, namespace: str, source: str) -> bool:
    named = not policy.sources or any(matches_pattern(source, pattern) for pattern in policy.sources)
    return named and policy.namespace in (None, namespace)


async def steps(
    database: Database,
    rules: Rules,
    *,
    bound: int,
    registrations: Collection[str] = (),
    blocked: Collection[str] = (),
    portion_events: int,
    once: bool,
) -> AsyncGenerator[Step, None]:
    """Look at all that may be due, class by class and then by registration, and give what goes.

    `bound` is the live position. For whoever removes nothing in between `once` gives each event only with the first
    class that takes something of it by age, else by its registration: where whoever removes would have met it.
    """
    judge = Judge(database, rules)
    classes = age_classes(rules.policies, started_at=rules.started_at, blocked=blocked)
    for place, each in enumerate(classes):
        later = frozenset[str]().union(*(other.policy_ids for other in classes[place:]))
        walk = ArrivalWalk(
            database,
            name=each.mark,
            cutoff=each.cutoff(rules.started_at),
            bound=bound,
            condition=each.condition,
            tests=judge.tests,
            portion_events=portion_events,
        )
        async for portion in walk.portions():
            judged = [
                one for one in await judge.judge(portion.events) if not each.policy_ids.isdisjoint(_aged(rules, one))
            ]
            yield Step([one for one in judged if not once or _aged(rules, one) <= later], each.mark, portion.mark)
    async for found in fetch_registered(database, registrations, tests=judge.tests, portion_events=portion_events):
        judged = [one for one in await judge.judge(found) if one.decision.takes]
        yield Step([one for one in judged if not once or not _aged(rules, one)], "", None)


def _aged(rules: Rules, judged: Judged) -> set[str]:
    """Give the policies that take something of an event by age."""
    event = judged.examined.event
    return {taker.id for taker in judged.decision.takers if taker is not None and rules.is_due_by_age(taker, event)}
