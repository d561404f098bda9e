"""Decisions: which policy decides about an event or a reference, and whether it goes (RT1, R1 to R3). Pure.

The winner is chosen for each reference, and once for an event without objects. Policies are compared by what they give,
in the order selectors, object types, sources, event types, namespace; then the longer age, for ever being the longest;
then the smaller id. All of that stands in the policy itself: sorted once, the first that holds is the winner.
"""

from collections.abc import Collection, Iterable, Sequence
from math import inf
from typing import NamedTuple

from mutations.policies import Policy
from mutations.validation import OWN_NAMESPACE
from storage.removals import LockedEvent

_REMEMBERED = 200_000


class Subject(NamedTuple):
    """What of an event policies look at; `holding` are the ids of the policies whose selectors hold for it."""

    namespace: str
    event_type: str
    source: str
    holding: frozenset[str] = frozenset()


class Decision(NamedTuple):
    """What becomes of an event: `takers` has, for each of its references, the policy that takes it, or None.

    For an event without objects there is one taker, of the event itself.
    """

    takers: tuple[Policy | None, ...]

    @property
    def goes(self) -> bool:
        """Whether the event goes: nothing of it stays."""
        return None not in self.takers

    @property
    def takes(self) -> bool:
        """Whether anything goes."""
        return any(taker is not None for taker in self.takers)

    @property
    def counts_for(self) -> Policy | None:
        """The policy that the event counts for when it goes: of those that take its references the smallest id (R2)."""
        return min((taker for taker in self.takers if taker is not None), key=lambda policy: policy.id, default=None)


def precedence(policy: Policy) -> tuple[object, ...]:
    """Give what policies are sorted by: who comes first wins (RT1)."""
    return (
        not policy.selectors,
        not policy.object_types,
        not policy.sources,
        not policy.event_types,
        policy.namespace is None,
        -(inf if policy.max_age_seconds is None else policy.max_age_seconds),
        policy.id,
    )


class Rules:
    """The enabled policies of one run, and what was fixed when it began.

    `started_at` in microseconds UTC; `earlier_registrations` are the ids of all but the latest registration of each
    source; policies whose id is in `blocked` still win, and take nothing.
    """

    def __init__(
        self,
        policies: Iterable[Policy],
        *,
        started_at: int,
        earlier_registrations: Collection[str] = frozenset(),
        blocked: Collection[str] = frozenset(),
    ) -> None:
        self.policies = tuple(sorted((policy for policy in policies if policy.enabled), key=precedence))
        self.started_at = started_at
        self.object_types = frozenset(name for policy in self.policies for name in policy.object_types)
        """The object types that make a difference; a reference to any other is decided like the event itself."""
        self.with_selectors = tuple(policy for policy in self.policies if policy.selectors)
        """The policies whose selectors somebody has to test, for `Subject.holding`."""
        self.earlier_registrations = frozenset(earlier_registrations)
        self._by_source = any(policy.sources for policy in self.policies)
        self._cutoffs = {policy.id: policy.cutoff(started_at) for policy in self.policies if policy.id not in blocked}
        self._blocked = frozenset(blocked)
        self._known: dict[tuple[object, ...], Policy | None] = {}

    def winner(self, subject: Subject, object_type: str | None = None) -> Policy | None:
        """Give the policy that decides about a reference to an object of a type, or about an event without objects."""
        kind = object_type if object_type in self.object_types else None
        source = subject.source if self._by_source else ""
        key = (subject.namespace, subject.event_type, source, subject.holding, kind)
        try:
            return self._known[key]
        except KeyError:
            pass
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        winner = next((policy for policy in self.policies if _holds(policy, subject, kind)), None)
        self._known[key] = winner
        return winner

    def decide(self, event: LockedEvent, subject: Subject, object_types: Sequence[str] = ()) -> Decision:
        """Decide about an event that touches objects of these types, one for each of its references."""
        if len(object_types) < 2:
            taker = self._taker(event, self.winner(subject, object_types[0] if object_types else None))
            return Decision((taker,))
        return Decision(tuple(self._taker(event, self.winner(subject, each)) for each in object_types))

    def is_due_by_age(self, policy: Policy, event: LockedEvent) -> bool:
        """Whether an event is strictly older than a policy's age (EV8)."""
        cutoff = self._cutoffs.get(policy.id)
        return cutoff is not None and event.aged_from < cutoff

    def is_due_by_registration(self, policy: Policy, event: LockedEvent) -> bool:
        """Whether an event belongs to an earlier registration, and the policy takes those (HZ4)."""
        return (
            policy.prune_registrations
            and policy.id not in self._blocked
            and event.registration_id in self.earlier_registrations
        )

    def _taker(self, event: LockedEvent, winner: Policy | None) -> Policy | None:
        if winner is None:
            return None
        due = self.is_due_by_age(winner, event) or self.is_due_by_registration(winner, event)
        return winner if due else None


def _holds(policy: Policy, subject: Subject, object_type: str | None) -> bool:
    if subject.namespace == OWN_NAMESPACE and not policy.names_own_namespace:
        return False
    return (
        (not policy.selectors or policy.id in subject.holding)
        and (not policy.object_types or object_type in policy.object_types)
        and policy.matches_source(subject.source)
        and (not policy.event_types or subject.event_type in policy.event_types)
        and policy.namespace in (None, subject.namespace)
    )
