"""Judge: looks up what policies want to know about stored events, and asks the rules what becomes of each (RT1)."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from mutations.decisions import Decision, Rules, Subject
from mutations.policies import Policy
from storage.engine import Database, Transaction
from storage.examined import ExaminedEvent, fetch_holding, fetch_object_types
from storage.removals import EventPlace, LockedEvent, Reference, lock_references
from storage.selectors import Selector, TouchesType

_IN_ONE_BREATH = 250
"""So many events are judged until whoever else works in this process has a turn: some milliseconds."""


class Judged(NamedTuple):
    """An event and what becomes of it; `object_types` is empty where its references make no difference."""

    examined: ExaminedEvent
    object_types: tuple[str, ...]
    decision: Decision


class LockedDecision(NamedTuple):
    """A locked event and what becomes of it; without `references` all of them are decided about together."""

    event: LockedEvent
    references: Sequence[Reference]
    decision: Decision


class Judge:
    """Decides by the rules of one run, about events that were read and, again, about those that are locked."""

    def __init__(self, database: Database, rules: Rules) -> None:
        self.rules = rules
        self._database = database
        self._touching: list[Selector] = [TouchesType(tuple(sorted(rules.object_types)))] if rules.object_types else []
        self._selectors = [policy.selector for policy in rules.with_selectors]
        self._known_holdings: dict[frozenset[int], frozenset[str]] = {}
        self._names: dict[int, str] = {}

    @property
    def tests(self) -> Sequence[Selector]:
        """What has to be asked about an event that is read, in this order."""
        return [*self._touching, *self._selectors]

    async def judge(self, found: Sequence[ExaminedEvent]) -> list[Judged]:
        """Decide about events that were read with `tests`."""
        await self._learn_names(each.event.namespace_key for each in found)
        types = await fetch_object_types(self._database, [each.place for each in found if self._touches(each.holding)])
        judged: list[Judged] = []
        for place, each in enumerate(found):
            if place % _IN_ONE_BREATH == 0:
                await asyncio.sleep(0)
            object_types = tuple(types.get(each.place, ()))
            subject = self._subject(each.event, self._ids(each.holding))
            judged.append(Judged(each, object_types, self.rules.decide(each.event, subject, object_types)))
        return judged

    async def judge_locked(
        self, connection: Transaction, locked: Sequence[LockedEvent], read: Mapping[EventPlace, ExaminedEvent]
    ) -> list[LockedDecision]:
        """Decide again, about events that this transaction has locked; `read` is what they were when they were read.

        References are never added to an event, so that one which touched nothing of importance still does not.
        """
        await self._learn_names((event.namespace_key for event in locked), connection)
        holdings: Mapping[EventPlace, frozenset[int]] = {}
        if self._selectors:
            places = [event.place for event in locked]
            dialect_name = self._database.dialect_name
            holdings = await fetch_holding(connection, places, self.tests, dialect_name=dialect_name)
        touching = [event for event in locked if self._touches(read[event.place].holding)]
        references = await lock_references(connection, touching)
        decided: list[LockedDecision] = []
        for place, event in enumerate(locked):
            if place % _IN_ONE_BREATH == 0:
                await asyncio.sleep(0)
            own = references.get(event.place, [])
            subject = self._subject(event, self._ids(holdings.get(event.place, frozenset())))
            decision = self.rules.decide(event, subject, [reference.object_type for reference in own])
            decided.append(LockedDecision(event, own, decision))
        return decided

    def winners(self, examined: ExaminedEvent, object_types: Iterable[str] = ()) -> set[Policy | None]:
        """Give the policies that decide about an event's references, or about an event without; `judge` comes first."""
        subject = self._subject(examined.event, self._ids(examined.holding))
        return {self.rules.winner(subject, each) for each in object_types} or {self.rules.winner(subject)}

    def _subject(self, event: LockedEvent, holding: frozenset[str]) -> Subject:
        return Subject(self._names[event.namespace_key], event.event_type, event.source, holding)

    def _touches(self, holding: frozenset[int]) -> bool:
        return bool(self._touching) and 0 in holding

    def _ids(self, holding: frozenset[int]) -> frozenset[str]:
        known = self._known_holdings.get(holding)
        if known is None:
            first = len(self._touching)
            policies = self.rules.with_selectors
            known = frozenset(policies[place - first].id for place in holding if place >= first)
            self._known_holdings[holding] = known
        return known

    async def _learn_names(self, keys: Iterable[int], connection: Transaction | None = None) -> None:
        missing = set(keys) - self._names.keys()
        if missing:
            self._names.update(await self._database.identities.namespace_names(missing, connection))
