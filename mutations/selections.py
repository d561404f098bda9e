"""Selections: what a deletion, or a policy, may take, and how it is written down until it is carried out.

The gateway's own events are spared by whatever does not name their namespace (NU5): `effective_selector`.
"""

import json
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from mutations.errors import InvalidInputError
from mutations.limits import MAX_TEXT_LENGTH, MAX_TYPE_LENGTH
from mutations.rejections import Rejection
from mutations.validation import OWN_NAMESPACE, require_namespace_name, require_text
from storage.conjunctions import Conjunction
from storage.engine import Database
from storage.records import ObjectRecord
from storage.scopes import EVERYTHING, Scope
from storage.selector_json import from_value, to_value
from storage.selectors import EventField, Not, Selector, all_of, equals_any
from storage.walks import EventWalk, ObjectWalk, Walk, fetch_object_key

REGISTRATIONS_PER_PART: Final = 50
"""Few enough that each is entered by itself in the index of registrations."""

EVENTS: Final = "events"
OBJECT: Final = "object"
REGISTRATIONS: Final = "registrations"

_SPARED: Final = Not(equals_any(EventField.NAMESPACE, (OWN_NAMESPACE,)))


def names_own_namespace(selector: Selector) -> bool:
    """Whether a selector names the gateway's own namespace, which needs the right ADMIN."""
    named = Conjunction.of(selector).namespaces()
    return named is not None and OWN_NAMESPACE in named


def effective_selector(selector: Selector) -> Selector:
    """Give what a selector may take: nothing of the gateway's own namespace, unless it names that."""
    if Conjunction.of(selector).namespaces() is not None:
        return selector  # it names that namespace, or others alone
    return all_of((selector, _SPARED))


def require_object(record: ObjectRecord) -> None:
    """Raise InvalidInputError for an object that no event can touch: nobody must take its forgetting for done."""
    try:
        require_namespace_name("namespace", record.namespace)
        require_text("objectType", record.object_type, MAX_TYPE_LENGTH)
        require_text("objectId", record.object_id, MAX_TEXT_LENGTH)
    except Rejection as rejection:
        raise InvalidInputError(rejection.message) from None


def prune_parts(registration_ids: Sequence[str]) -> tuple[Selector, ...]:
    """Give selectors that exclude each other for the events of some registrations (D5), each served by their index."""
    starts = range(0, len(registration_ids), REGISTRATIONS_PER_PART)
    lists = [registration_ids[start : start + REGISTRATIONS_PER_PART] for start in starts]
    return tuple(effective_selector(equals_any(EventField.REGISTRATION_ID, ids)) for ids in lists)


class Selection(NamedTuple):
    """What a deletion takes of what its caller may delete.

    `request` is what the caller asked for, as plain values: equal requests of one kind in one scope are the same.
    `parts` are the selectors that it came to; none of them for an object.
    """

    kind: str
    request: Any
    scope: Scope = EVERYTHING
    parts: tuple[Selector, ...] = ()

    @classmethod
    def of_events(cls, selector: Selector, scope: Scope = EVERYTHING) -> "Selection":
        """Select the events that a selector means."""
        selector = effective_selector(selector)
        return cls(EVENTS, to_value(selector), scope, (selector,))

    @classmethod
    def of_object(cls, record: ObjectRecord, scope: Scope = EVERYTHING) -> "Selection":
        """Select the references to an object."""
        return cls(OBJECT, list(record), scope)

    @classmethod
    def of_registrations(
        cls, namespace: str, source: str, registration_ids: Sequence[str], scope: Scope = EVERYTHING
    ) -> "Selection":
        """Select the events of some registrations of a source: those that were its earlier ones at that time."""
        return cls(REGISTRATIONS, [namespace, source], scope, prune_parts(registration_ids))

    @classmethod
    def from_text(cls, text: str) -> "Selection":
        """Read what `to_text` wrote."""
        given = json.loads(text)
        scope = given["scope"]
        return cls(
            given["kind"],
            given["request"],
            EVERYTHING if scope is None else Scope(False, frozenset(scope[0]), frozenset(scope[1])),
            tuple(map(from_value, given["parts"])),
        )

    def to_text(self) -> str:
        """Write it down as JSON."""
        scope = self.scope
        values = {
            "kind": self.kind,
            "request": self.request,
            "scope": None if scope.everything else [sorted(scope.namespace_keys), sorted(scope.audience_keys)],
            "parts": list(map(to_value, self.parts)),
        }
        return json.dumps(values, ensure_ascii=False, separators=(",", ":"))

    def is_same_request(self, other: "Selection") -> bool:
        """Whether two callers asked for the same, in the same scope."""
        first, second = (json.loads(each.to_text()) for each in (self, other))
        return all(first[name] == second[name] for name in ("kind", "request", "scope"))

    async def walk(self, database: Database, bound: int) -> Walk:
        """Make the walk over what of it was stored up to a position."""
        if self.kind != OBJECT:
            return EventWalk(self.parts, self.scope, bound)
        record = ObjectRecord(*self.request)
        spared: int | None = None
        if record.namespace != OWN_NAMESPACE:
            spared = (await database.identities.namespace_keys([OWN_NAMESPACE])).get(OWN_NAMESPACE)
        return ObjectWalk(await fetch_object_key(database, record), self.scope, bound, spared)
