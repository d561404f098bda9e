"""Type changes: how types of events and operations are defined, each time with an event that tells of it (NU1, OP1)."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from mutations.audit import audit_batch
from mutations.errors import InvalidInputError
from mutations.turns import LEASE
from mutations.type_definitions import require_definable, require_event_type, require_operation_type
from mutations.type_registry import TypeKey, TypeRegistry
from storage.appends import Batch, prepare_append
from storage.engine import Database, Transaction
from storage.leases import wait_for_holder
from storage.type_definitions import (
    FOR_EVER,
    EventTypeRecord,
    OperationTypeRecord,
    TargetField,
    begin_definition,
    find_event_type,
    find_operation_type,
    put_event_type,
    put_operation_type,
)

EVENT_TYPE, OPERATION_TYPE = "event-type", "operation-type"
"""The types of the events that tell of changes."""

_T = TypeVar("_T", EventTypeRecord, OperationTypeRecord)
_TEXTS = ("category", "subcategory", "description")


class _ChangedError(Exception):
    """Somebody else has defined the same type since we looked: we look again."""


class TypeChanges:
    """Defines types for one caller, whose name stands in the events that tell of it."""

    def __init__(self, database: Database, registry: TypeRegistry, *, actor: str, clock: Callable[[], int]) -> None:
        self._database = database
        self._registry = registry
        self._actor = actor
        self._clock = clock

    async def define_event_type(self, key: TypeKey, changes: Mapping[str, Any]) -> EventTypeRecord:
        """Define a type of events, or change what `changes` gives by the names of EventTypeRecord, and `keep_forever`.

        An empty text takes a text away. Raises InvalidInputError, whose text names the input by its name in the
        contract.
        """
        self._require_free(key, self._registry.declared.event_places)

        def change(before: EventTypeRecord | None) -> EventTypeRecord:
            after = _with_changes(before or EventTypeRecord(key.namespace, key.name), changes)
            require_event_type(after, naming=_in_contract)
            return after

        async def put(transaction: Transaction, before: EventTypeRecord | None, after: EventTypeRecord) -> None:
            if (before and before.max_age_seconds) != after.max_age_seconds:
                # A run of retention goes by ages: what is answered as changed holds for all that it does from then on.
                await wait_for_holder(transaction, LEASE)
            await put_event_type(transaction, after, dialect_name=self._database.dialect_name, now=self._clock())

        return await self._define(EVENT_TYPE, key, find_event_type, change, put)

    async def define_operation_type(
        self, key: TypeKey, target_fields: tuple[TargetField, ...], *, description: str | None
    ) -> OperationTypeRecord:
        """Define a type of operations: all its target fields; `description` None leaves it, an empty one takes it away.

        Raises InvalidInputError, whose text names the input. Operations that are there keep their targets.
        """
        self._require_free(key, self._registry.declared.operation_places)

        def change(before: OperationTypeRecord | None) -> OperationTypeRecord:
            kept = before.description if before is not None and description is None else description or None
            after = OperationTypeRecord(key.namespace, key.name, target_fields, kept)
            require_operation_type(after, naming=_in_contract)
            return after

        async def put(transaction: Transaction, _: OperationTypeRecord | None, after: OperationTypeRecord) -> None:
            await put_operation_type(transaction, after, dialect_name=self._database.dialect_name, now=self._clock())

        return await self._define(OPERATION_TYPE, key, find_operation_type, change, put)

    def _require_free(self, key: TypeKey, declared: Mapping[TypeKey, str]) -> None:
        require_definable(key.namespace)
        if key in declared:
            raise InvalidInputError(
                f"name: {key.name} is declared by {declared[key]} (TIMELOOM_TYPE_REGISTRIES): what a file declares is "
                "changed there"
            )

    async def _define(
        self,
        kind: str,
        key: TypeKey,
        find: Callable[[Transaction, str | None, str], Awaitable[_T | None]],
        change: Callable[[_T | None], _T],
        put: Callable[[Transaction, _T | None, _T], Awaitable[None]],
    ) -> _T:
        """Change one definition, together with the event that tells of it; begin again when somebody was faster."""
        while True:
            async with self._database.reading() as connection:
                before = await find(connection, *key)
            after = change(before)
            if after == before:
                return after
            try:
                await self._store(self._audit(kind, before, after), before, after, find, put)
            except _ChangedError:
                continue
            finally:
                # Also when nobody knows whether it is stored.
                self._registry.forget()
            return after

    async def _store(
        self,
        audit: Batch,
        before: _T | None,
        after: _T,
        find: Callable[[Transaction, str | None, str], Awaitable[_T | None]],
        put: Callable[[Transaction, _T | None, _T], Awaitable[None]],
    ) -> None:
        append = await prepare_append(self._database, [audit])

        async def work(transaction: Transaction) -> None:
            await begin_definition(transaction, dialect_name=self._database.dialect_name)
            present = await find(transaction, after.namespace, after.name)
            if present != after:  # else: our own COMMIT, not answered
                if present != before:
                    raise _ChangedError
                await put(transaction, before, after)
            await append(transaction)

        await self._database.write(work, name="the definition of a type")

    def _audit(
        self,
        kind: str,
        before: EventTypeRecord | OperationTypeRecord | None,
        after: EventTypeRecord | OperationTypeRecord,
    ) -> Batch:
        verb = "defined" if before is None else "changed"
        place = "every namespace" if after.namespace is None else f"the namespace {after.namespace}"
        return audit_batch(
            kind,
            f"{kind.replace('-', ' ')} {after.name} of {place} was {verb}",
            extra={"before": _shown(before), "after": _shown(after)},
            now=self._clock(),
            actor=self._actor,
        )


def _with_changes(before: EventTypeRecord, changes: Mapping[str, Any]) -> EventTypeRecord:
    values = dict(changes)
    keep_forever = values.pop("keep_forever", None)
    age = values.get("max_age_seconds")
    if age is not None and keep_forever:
        raise InvalidInputError("keepForever and maxAgeSeconds exclude each other: give one of them")
    if age is not None and age < 1:
        raise InvalidInputError("maxAgeSeconds must be 1 or more; say keepForever to keep for ever")
    if keep_forever:
        values["max_age_seconds"] = FOR_EVER
    elif keep_forever is False and age is None and before.max_age_seconds == FOR_EVER:
        values["max_age_seconds"] = None
    for name in _TEXTS:
        if name in values:
            values[name] = values[name] or None
    return before._replace(**values)


def _shown(definition: EventTypeRecord | OperationTypeRecord | None) -> dict[str, Any] | None:
    if definition is None:
        return None
    shown = definition._asdict()
    if isinstance(definition, EventTypeRecord):
        shown["default_severity"] = definition.default_severity.name
    else:
        shown["target_fields"] = list(map(list, definition.target_fields))
    return shown


def _in_contract(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
