"""Policies: how long events are kept, and what else happens to them with time (EV8, HZ4).

Some come from settings and have an age by name, some are the ages of registered event types, the others are stored
(`storage.policies`). Which of them decides about an event is told by `mutations.decisions`.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from mutations.selections import names_own_namespace
from mutations.type_registry import TypeKey
from mutations.validation import OWN_NAMESPACE
from storage.policies import PolicyRecord, StoredPolicies
from storage.selector_text import parse_selector
from storage.selectors import (
    And,
    Comparison,
    EventField,
    FieldTest,
    Not,
    Or,
    Selector,
    TouchesAny,
    TouchesId,
    TouchesType,
    all_of,
    equals_any,
)
from storage.times import MICROSECONDS_PER_SECOND
from storage.type_definitions import FOR_EVER, TypeAge

API_REQUESTS = "api-requests"
"""The object type whose events have an age of their own (EV8)."""
SETTING = "setting:"
"""Ids of policies that come from settings begin so; their names follow."""
TYPE = "type:"
"""Ids of policies that are the ages of event types begin so; the namespace, a slash and the name follow."""


class PolicyOrigin(Enum):
    """Where a policy was made."""

    SETTINGS = "SETTINGS"
    API = "API"
    REGISTRY = "REGISTRY"


@dataclass(frozen=True)
class Policy:
    """One policy. What is not given (empty, None) is any; `max_age_seconds` None keeps for ever.

    `sources` are exact texts, or prefixes with `*` at the end (R1); all `selectors` must hold. A policy that is enabled
    takes part in the choice of the winner (RT1) whatever its age is: so one that keeps for ever protects.
    """

    id: str
    name: str
    namespace: str | None = None
    event_types: tuple[str, ...] = ()
    object_types: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    selectors: tuple[str, ...] = ()
    max_age_seconds: int | None = None
    archive: bool = False
    prune_registrations: bool = False
    compact_repeats: bool = False
    enabled: bool = True
    origin: PolicyOrigin = PolicyOrigin.API

    @cached_property
    def selector(self) -> Selector:
        """What its selectors mean together. Raises SelectorError for one that cannot be understood."""
        return all_of(map(parse_selector, self.selectors))

    @cached_property
    def condition(self) -> Selector:
        """The events that it may decide about: all that it says, but for the rule about our own namespace."""
        parts: list[Selector] = []
        if self.namespace is not None:
            parts.append(equals_any(EventField.NAMESPACE, [self.namespace]))
        if self.event_types:
            parts.append(equals_any(EventField.EVENT_TYPE, self.event_types))
        if self.sources:
            parts.append(_any_source(self.sources))
        if self.object_types:
            parts.append(TouchesType(self.object_types))
        if self.selectors:
            parts.append(self.selector)
        return all_of(parts)

    @cached_property
    def names_own_namespace(self) -> bool:
        """Whether it names the namespace `timeloom`, without which it never decides about events there (NU5)."""
        if self.namespace is not None:
            return self.namespace == OWN_NAMESPACE
        return names_own_namespace(self.selector)

    @cached_property
    def may_change_its_mind(self) -> bool:
        """Whether it may hold for a stored event today and not tomorrow: references go, repeats are folded."""
        return _looks_at_what_changes(self.selector)

    @property
    def content(self) -> tuple[object, ...]:
        """All that decides; equal for policies that do the same."""
        return (
            self.id,
            self.namespace,
            self.event_types,
            self.object_types,
            self.sources,
            self.selectors,
            self.max_age_seconds,
            self.archive,
            self.prune_registrations,
            self.compact_repeats,
        )

    def matches_source(self, source: str) -> bool:
        """Whether it holds for a source."""
        return not self.sources or any(matches_pattern(source, pattern) for pattern in self.sources)

    def cutoff(self, started_at: int) -> int | None:
        """Before when, in microseconds, what it decides about goes in a run that began at `started_at`; None: never."""
        return None if self.max_age_seconds is None else started_at - self.max_age_seconds * MICROSECONDS_PER_SECOND


def matches_pattern(source: str, pattern: str) -> bool:
    """Whether a source is the text of a pattern, or begins with what stands before its `*` (R1)."""
    return source.startswith(pattern[:-1]) if pattern.endswith("*") else source == pattern


def policies_of_settings(ages: Mapping[str, int]) -> list[Policy]:
    """Make the policies of EV8: an age in seconds by event type, and by the object type `api-requests`; -1: never."""
    return [_policy_of_setting(name, age) for name, age in ages.items()]


def policies_of_types(ages: Iterable[TypeAge]) -> list[Policy]:
    """Make the policies of the event types that have an age (NU1).

    They hold whether the type is enabled or not: what was stored before it was switched off gets old as well.
    """
    return [
        Policy(
            id=f"{TYPE}{age.namespace or ''}/{age.name}",
            name=age.name,
            namespace=age.namespace,
            event_types=(age.name,),
            max_age_seconds=None if age.max_age_seconds == FOR_EVER else age.max_age_seconds,
            origin=PolicyOrigin.REGISTRY,
        )
        for age in ages
    ]


def policies_of_store(stored: StoredPolicies, declared: Collection[TypeKey]) -> list[Policy]:
    """Make the policies that the store holds; `declared` are the event types of files, which beat stored ones."""
    ages = [age for age in stored.ages if TypeKey(age.namespace, age.name) not in declared]
    return [*policies_of_types(ages), *map(policy_of_record, stored.policies)]


def policy_of_record(record: PolicyRecord) -> Policy:
    """Make the policy of a stored row."""
    values = record._asdict()
    del values["created_at"], values["updated_at"]
    return Policy(id=values.pop("policy_id"), **values)


def _policy_of_setting(name: str, age: int) -> Policy:
    return Policy(
        id=f"{SETTING}{name}",
        name=name,
        event_types=() if name == API_REQUESTS else (name,),
        object_types=(name,) if name == API_REQUESTS else (),
        max_age_seconds=None if age < 0 else age,
        origin=PolicyOrigin.SETTINGS,
    )


def _any_source(patterns: Iterable[str]) -> Selector:
    exact = [pattern for pattern in patterns if not pattern.endswith("*")]
    parts: list[Selector] = [equals_any(EventField.SOURCE, exact)] if exact else []
    parts += [
        FieldTest(EventField.SOURCE, Comparison.PREFIX, pattern[:-1]) for pattern in patterns if pattern.endswith("*")
    ]
    return Or(tuple(parts))


def _looks_at_what_changes(selector: Selector) -> bool:
    match selector:
        case And(parts) | Or(parts):
            return any(map(_looks_at_what_changes, parts))
        case Not(part):
            return _looks_at_what_changes(part)
        case TouchesAny() | TouchesType() | TouchesId():
            return True
        case FieldTest(field, _, _):
            return field in (EventField.REPEAT_COUNT, EventField.RECEIVED_AT)
        case _:
            return False
