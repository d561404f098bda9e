"""The registry of types: which types of events and operations there are, from files and from the store (NU1, OP1).

A definition of a file beats a stored one of the same key, and one for a namespace beats one for every namespace, as a
whole. What holds is a snapshot; it is at most a second older than the store (decision 31).
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from storage.engine import Database
from storage.severities import SEVERITY_WORDS, Severity
from storage.type_definitions import (
    EventTypeRecord,
    OperationTypeRecord,
    TypeAge,
    fetch_types_version,
    read_event_types,
    read_operation_types,
)

SNAPSHOT_SECONDS = 1.0
"""How old a snapshot may be: so long after its answer another process may still not know a definition."""

_T = TypeVar("_T", EventTypeRecord, OperationTypeRecord)


class TypeKey(NamedTuple):
    """What a definition is known by; `namespace` None: every namespace."""

    namespace: str | None
    name: str


@dataclass(frozen=True)
class DeclaredTypes:
    """What files declare. `event_places` and `operation_places` say where each definition stands, for messages.

    `severity_words` holds, by namespace (None: every), words in lower case beyond `SEVERITY_WORDS`.
    """

    event_types: Mapping[TypeKey, EventTypeRecord] = field(default_factory=dict)
    operation_types: Mapping[TypeKey, OperationTypeRecord] = field(default_factory=dict)
    severity_words: Mapping[str | None, Mapping[str, Severity]] = field(default_factory=dict)
    event_places: Mapping[TypeKey, str] = field(default_factory=dict)
    operation_places: Mapping[TypeKey, str] = field(default_factory=dict)

    @property
    def ages(self) -> list[TypeAge]:
        """The types of events that have an age."""
        return [
            TypeAge(each.namespace, each.name, each.max_age_seconds)
            for each in self.event_types.values()
            if each.max_age_seconds is not None
        ]


NOTHING_DECLARED = DeclaredTypes()


class TypeSnapshot:
    """The types that hold at one time. `event_types` and `operation_types` are all there are, by name and namespace.

    `refuses_unknown`: events of types that nobody defined are refused.
    """

    def __init__(
        self,
        event_types: Iterable[EventTypeRecord] = (),
        operation_types: Iterable[OperationTypeRecord] = (),
        *,
        severity_words: Mapping[str | None, Mapping[str, Severity]] | None = None,
        refuses_unknown: bool = False,
    ) -> None:
        self.event_types = tuple(sorted(event_types, key=_by_name))
        self.operation_types = tuple(sorted(operation_types, key=_by_name))
        self.refuses_unknown = refuses_unknown
        self.has_rules = bool(self.event_types) or refuses_unknown
        """Whether events are judged by their types at all."""
        self._severity_words = severity_words or {}
        self._event_types = _by_namespace(self.event_types)
        self._operation_types = _by_namespace(self.operation_types)

    def without_rules(self) -> "TypeSnapshot":
        """Give the same without any definition: events are taken as they are sent."""
        return TypeSnapshot(severity_words=self._severity_words)

    def event_type(self, namespace: str, name: str) -> EventTypeRecord | None:
        """Give the definition that holds for events of a type in a namespace; None: there is none."""
        return _find(self._event_types, namespace, name)

    def operation_type(self, namespace: str, name: str) -> OperationTypeRecord | None:
        """Give the definition that holds for operations of a type in a namespace; None: there is none."""
        return _find(self._operation_types, namespace, name)

    def severity(self, namespace: str, word: str) -> Severity | None:
        """Give the severity that a word names in a namespace, whatever its case; None for an unknown word."""
        lower = word.lower()
        found = SEVERITY_WORDS.get(lower)
        for each in (namespace, None):
            if found is None:
                found = self._severity_words.get(each, {}).get(lower)
        return found

    def severity_words(self, namespace: str) -> list[str]:
        """Give the words that name a severity in a namespace."""
        declared = [word for each in (None, namespace) for word in self._severity_words.get(each, {})]
        return list(dict.fromkeys([*SEVERITY_WORDS, *declared]))


class TypeRegistry:
    """What a process knows of types; one for all of it. `clock` gives seconds that only grow."""

    def __init__(
        self,
        database: Database,
        declared: DeclaredTypes = NOTHING_DECLARED,
        *,
        refuses_unknown: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.declared = declared
        self._database = database
        self._refuses_unknown = refuses_unknown
        self._clock = clock
        self._version = 0
        self._snapshot = self._make((), ())
        self._fresh_until = float("-inf")
        self._forgotten = 0
        self._looking = asyncio.Lock()

    async def current(self) -> TypeSnapshot:
        """Give what holds now. Raises StorageError when the store cannot tell: nothing is taken for granted then."""
        if self._clock() >= self._fresh_until:
            async with self._looking:
                if self._clock() >= self._fresh_until:
                    await self._look()
        return self._snapshot

    async def event_type(self, namespace: str, name: str) -> EventTypeRecord | None:
        """Give the definition that holds for events of a type in a namespace now. Raises StorageError."""
        return (await self.current()).event_type(namespace, name)

    async def operation_type(self, namespace: str, name: str) -> OperationTypeRecord | None:
        """Give the definition that holds for operations of a type in a namespace now. Raises StorageError."""
        return (await self.current()).operation_type(namespace, name)

    def forget(self) -> None:
        """Something was defined: whoever asks from now on is told of it."""
        self._forgotten += 1
        self._fresh_until = float("-inf")

    async def _look(self) -> None:
        """Ask whether anything has changed, and read all of it if so."""
        began, forgotten = self._clock(), self._forgotten
        version = await fetch_types_version(self._database)
        if version != self._version:
            # Read after its number: what is changed in between is read again with the next number.
            async with self._database.reading() as connection:
                event_types = await read_event_types(connection)
                operation_types = await read_operation_types(connection)
            self._snapshot = self._make(event_types, operation_types)
            self._version = version
        if forgotten == self._forgotten:
            self._fresh_until = began + SNAPSHOT_SECONDS

    def _make(
        self, event_types: Iterable[EventTypeRecord], operation_types: Iterable[OperationTypeRecord]
    ) -> TypeSnapshot:
        stored_events = {TypeKey(each.namespace, each.name): each for each in event_types}
        stored_operations = {TypeKey(each.namespace, each.name): each for each in operation_types}
        return TypeSnapshot(
            {**stored_events, **self.declared.event_types}.values(),
            {**stored_operations, **self.declared.operation_types}.values(),
            severity_words=self.declared.severity_words,
            refuses_unknown=self._refuses_unknown,
        )


def _by_name(each: EventTypeRecord | OperationTypeRecord) -> tuple[str, str]:
    return each.name, each.namespace or ""


def _by_namespace(types: Iterable[_T]) -> dict[str, dict[str | None, _T]]:
    found: dict[str, dict[str | None, _T]] = {}
    for each in types:
        found.setdefault(each.name, {})[each.namespace] = each
    return found


def _find(types: Mapping[str, Mapping[str | None, _T]], namespace: str, name: str) -> _T | None:
    named = types.get(name)
    if named is None:
        return None
    own = named.get(namespace)
    return named.get(None) if own is None else own


NO_TYPES = TypeSnapshot()
"""Nothing is defined, and nothing is refused for that."""
