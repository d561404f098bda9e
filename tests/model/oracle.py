"""The oracle: what a store must hold, in plain memory, written from the requirements and from nothing else.

EV2 and I4 (ingest), EV7 and D1 to D8 (deleting), EV8, RT1, R1 to R5 and HZ4 (retention), EV11 (folding), NU8 (restore).
Nothing here uses the code under test. Times are microseconds UTC.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

SECOND = 1_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR
HORIZON = 30 * DAY
AHEAD = 600 * SECOND
CONFIRMABLE = 900 * SECOND

Key = tuple[str, str]
"""Namespace and id of an event."""
Link = tuple[str, str]
"""Type and id of an object; it lies in the event's namespace."""


@dataclass(frozen=True)
class Sent:
    """An event as its source sends it: all of this is its content. `links` names each object with its role."""

    id: str
    namespace: str
    event_type: str
    source: str
    severity: int
    timestamp: int
    message: str
    extra: str | None = None
    success: bool | None = None
    links: tuple[tuple[Link, str | None], ...] = ()
    parent_id: str | None = None
    correlation_id: str | None = None
    registration_id: str | None = None

    @property
    def key(self) -> Key:
        return self.namespace, self.id


@dataclass(frozen=True)
class Stored:
    """An event that is there. `order`: when it became visible; `folded`: what repeats were sent as, by id."""

    sent: Sent
    received_at: int
    order: int
    links: dict[Link, str | None]
    folded: dict[str, Sent] = field(default_factory=dict)
    last_at: int | None = None
    restored: bool = False
    repeats: int = 1

    @property
    def aged_from(self) -> int:
        """EV8: the latest of its time, its arrival and its last repeat."""
        return max(self.sent.timestamp, self.received_at, self.last_at or 0)


@dataclass(frozen=True)
class Policy:
    """A policy as the contract has it; `age` in seconds, None: for ever. `holds` is what its selectors mean."""

    id: str
    namespace: str | None = None
    event_types: tuple[str, ...] = ()
    object_types: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    selectors: tuple[str, ...] = ()
    holds: Callable[[Sent], bool] = lambda _: True
    age: int | None = None
    archive: bool = False
    prune: bool = False
    compact: bool = False
    enabled: bool = True

    def applies(self, sent: Sent, object_type: str | None) -> bool:
        """R1: a source is an exact text, or a prefix with * behind."""
        return (
            self.enabled
            and self.namespace in (None, sent.namespace)
            and (not self.event_types or sent.event_type in self.event_types)
            and (not self.sources or any(_matches(sent.source, each) for each in self.sources))
            and (not self.object_types or object_type in self.object_types)
            and (not self.selectors or self.holds(sent))
        )


def _matches(source: str, pattern: str) -> bool:
    return source.startswith(pattern[:-1]) if pattern[-1] == "*" else source == pattern


@dataclass
class Plan:
    """What a run of retention takes: references by event (the whole of an event without), events, who counts them."""

    links: dict[Key, set[Link]] = field(default_factory=dict)
    events: set[Key] = field(default_factory=set)
    archived: set[Key] = field(default_factory=set)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By policy id and one of `events`, `references`."""


class Oracle:
    """The store as it must be."""

    def __init__(self) -> None:
        self.events: dict[Key, Stored] = {}
        self.deleted: dict[Key, int] = {}
        self.registrations: dict[tuple[str, str], list[str]] = defaultdict(list)
        self.policies: dict[str, Policy] = {}
        self.archive: list[tuple[str, Stored]] = []
        """Lines by the name of their file, in order, as the events were when they were written."""
        self.arrivals: Counter[tuple[str, int]] = Counter()
        self.audits: Counter[str] = Counter()
        self.order = 0

    @property
    def folded(self) -> dict[Key, Key]:
        """Into which event each folded id went."""
        return {(key[0], each): key for key, one in self.events.items() for each in one.folded}

    def ingest(self, batch: Iterable[Sent], *, now: int) -> list[str]:
        """EV2, I1, I4, D5: what becomes of each event, in order; all of a batch becomes visible at once."""
        self.order += 1
        folded = self.folded
        first: dict[Key, Sent] = {}
        outcomes = []
        for sent in batch:
            known = self._content(sent.key, folded)
            if sent.timestamp > now + AHEAD:
                outcomes.append("REJECTED TIMESTAMP_OUT_OF_RANGE")
            elif not self._is_registered(sent):
                outcomes.append("REJECTED UNKNOWN_REGISTRATION")
            elif sent.key in first:
                outcomes.append("DUPLICATE" if first[sent.key] == sent else "CONFLICT CONFLICT")
            elif known is not None:
                outcomes.append("DUPLICATE" if known == sent else "CONFLICT CONFLICT")
            elif sent.key in self.deleted:
                outcomes.append("DUPLICATE DELETED")
            else:
                outcomes.append("ACCEPTED")
                first[sent.key] = sent
        for key, sent in first.items():
            self.events[key] = Stored(sent, now, self.order, dict(sent.links))
            self.arrivals[sent.namespace, now // DAY] += 1
        return outcomes

    def _content(self, key: Key, folded: dict[Key, Key]) -> Sent | None:
        if key in self.events:
            return self.events[key].sent
        return self.events[folded[key]].folded[key[1]] if key in folded else None

    def _is_registered(self, sent: Sent) -> bool:
        if sent.registration_id is None:
            return True
        return sent.registration_id in self.registrations[sent.namespace, sent.source]

    def earlier_registrations(self) -> set[str]:
        """HZ3: all but the latest of each source."""
        return {each for some in self.registrations.values() for each in some[:-1]}

    def remove(self, key: Key, *, now: int) -> None:
        """Delete an event; its id, and those that were folded into it, are remembered (EV2, EV11)."""
        gone = self.events.pop(key)
        for each in (key[1], *gone.folded):
            self.deleted[key[0], each] = now

    def remove_links(self, key: Key, links: Iterable[Link], *, now: int) -> None:
        """EV7: an event lives until its last reference is gone."""
        stored = self.events[key]
        left = {link: role for link, role in stored.links.items() if link not in set(links)}
        if stored.links and not left:
            self.remove(key, now=now)
        else:
            self.events[key] = replace(stored, links=left)

    def winner(self, sent: Sent, object_type: str | None) -> Policy | None:
        """RT1: compared in this order, given beats not given; then the longer age; then the smaller id."""
        best: Policy | None = None
        for policy in self.policies.values():
            if policy.applies(sent, object_type) and (best is None or _beats(policy, best)):
                best = policy
        return best

    def plan(self, *, started_at: int, has_archive: bool) -> Plan:
        """EV8, HZ4, R2, R3: what a run that began then takes."""
        plan = Plan()
        earlier = self.earlier_registrations()
        for key, stored in self.events.items():
            taken: dict[Link | None, Policy] = {}
            for link in stored.links or [None]:
                winner = self.winner(stored.sent, None if link is None else link[0])
                if winner is None or (winner.archive and not has_archive):
                    continue
                due = winner.age is not None and stored.aged_from < started_at - winner.age * SECOND
                if due or (winner.prune and stored.sent.registration_id in earlier):
                    taken[link] = winner
            if not taken:
                continue
            plan.links[key] = {link for link in taken if link is not None}
            for link, policy in taken.items():
                plan.outcomes[policy.id, "references"] += link is not None
            if len(taken) == max(1, len(stored.links)):
                plan.events.add(key)
                plan.outcomes[min(policy.id for policy in taken.values()), "events"] += 1
            if any(policy.archive for policy in taken.values()):
                plan.archived.add(key)
        return plan

    def carry_out(self, plan: Plan, *, now: int) -> None:
        """Take what a plan takes, as far as it is still there."""
        for key, links in plan.links.items():
            if key in plan.events:
                self.remove(key, now=now)
            else:
                self.remove_links(key, links, now=now)

    def may_fold(self, key: Key, *, started_at: int, has_archive: bool) -> bool:
        """EV11: only what nothing refers to, where every winner compacts, and older than the resend horizon."""
        stored = self.events[key]
        sent = stored.sent
        if sent.parent_id or sent.correlation_id or sent.registration_id:
            return False
        if any(other.sent.namespace == key[0] and other.sent.parent_id == key[1] for other in self.events.values()):
            return False
        winners = self._winners(stored)
        compacts = all(winner is not None and winner.compact for winner in winners)
        if self.is_archived(stored) and not has_archive:
            return False
        return compacts and stored.aged_from < started_at - HORIZON

    def is_archived(self, stored: Stored) -> bool:
        """NU8: whether a policy that decides about it wants it archived before it goes."""
        return any(winner is not None and winner.archive for winner in self._winners(stored))

    def _winners(self, stored: Stored) -> list[Policy | None]:
        return [self.winner(stored.sent, link[0]) for link in stored.links] or [self.winner(stored.sent, None)]

    def likeness(self, key: Key) -> tuple[object, ...]:
        """What two events that may become one row have in common: all but id and time, and the UTC day."""
        stored = self.events[key]
        sent = replace(stored.sent, id="", timestamp=stored.sent.timestamp // DAY, links=())
        return sent, tuple(sorted(stored.links.items())), stored.restored

    def fold(self, repeat: Key, into: Key) -> None:
        """Make one row of two: the earlier one stays (EV11)."""
        gone, stays = self.events.pop(repeat), self.events[into]
        self.events[into] = replace(
            stays,
            folded={**stays.folded, repeat[1]: gone.sent},
            repeats=stays.repeats + 1,
            last_at=max(gone.sent.timestamp, stays.sent.timestamp, stays.last_at or 0),
            received_at=max(gone.received_at, stays.received_at),
        )

    def restore(self, chosen: Callable[[Sent], bool], *, now: int) -> tuple[int, int]:
        """NU8: what is chosen of the archive comes back, once, marked; gives how many did, how many were there."""
        lines: dict[Key, list[Stored]] = defaultdict(list)
        for _, stored in sorted(self.archive, key=lambda line: line[0]):
            if chosen(stored.sent):
                lines[stored.sent.key].append(stored)
        ids = Counter(each for some in lines.values() for one in some for each in (one.sent.key, *_folded_keys(one)))
        back = {key: _joined(some) for key, some in lines.items()}
        single = [key for key in back if ids[key] == 1]
        double = sorted((key for key in back if ids[key] > 1), key=lambda key: not back[key].folded)
        restored = present = 0
        for key in (*single, *double):
            if key in self.events or key in self.folded:
                present += 1
                continue
            self.order += 1
            self._return(back[key], now=now)
            restored += 1
        return restored, present

    def _return(self, stored: Stored, *, now: int) -> None:
        namespace = stored.sent.namespace
        taken = self.folded
        kept = {
            each: sent
            for each, sent in stored.folded.items()
            if (namespace, each) not in self.events and (namespace, each) not in taken
        }
        for each in (stored.sent.id, *kept):
            self.deleted.pop((namespace, each), None)
        self.events[stored.sent.key] = replace(
            stored,
            folded=kept,
            repeats=1 + len(kept),
            received_at=now,
            order=self.order,
            restored=True,
        )

    def forget_deleted_ids(self, *, now: int) -> None:
        """Ids are remembered for the resend horizon."""
        self.deleted = {key: at for key, at in self.deleted.items() if at >= now - HORIZON}


def _beats(policy: Policy, other: Policy) -> bool:
    for given, as_well in (
        (policy.selectors, other.selectors),
        (policy.object_types, other.object_types),
        (policy.sources, other.sources),
        (policy.event_types, other.event_types),
        (policy.namespace, other.namespace),
    ):
        if bool(given) != bool(as_well):
            return bool(given)
    if policy.age != other.age:
        return policy.age is None or (other.age is not None and policy.age > other.age)
    return policy.id < other.id


def _folded_keys(stored: Stored) -> list[Key]:
    return [(stored.sent.namespace, each) for each in stored.folded]


def _joined(some: list[Stored]) -> Stored:
    """One event of all its lines: the objects of all, the repeats of the one that has most."""
    joined = some[0]
    for each in some[1:]:
        more = each if each.repeats > joined.repeats else joined
        joined = replace(more, links={**joined.links, **each.links})
    return joined
