"""Plans: which index serves a selector, entered at which places, and which tests remain to be made on each row.

The order of preference is the index table of docs/data-model.md. A plan never widens what its selector and scope mean:
what an index does not serve stays in the plan's residual selector.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from sqlalchemy import BigInteger, Table, and_, case, func, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import ColumnElement

from storage.conditions import build_scope_condition, require_short_lists
from storage.conjunctions import Conjunction
from storage.engine import Database
from storage.prepared import parameter
from storage.scopes import EVERYTHING, Scope
from storage.selectors import (
    ALL,
    Comparison,
    EventField,
    FieldTest,
    ObjectReference,
    Or,
    Selector,
    TouchesAny,
    TouchesType,
)
from storage.tables import audiences, event_objects, events, namespaces, object_audiences, objects

Prefix = tuple[Any, ...]
"""The values of an index's leading columns: one place where the index is entered."""


@dataclass(frozen=True, slots=True)
class Access:
    """An index whose entries, below a fixed prefix, stand in the order of lists of events."""

    table: Table
    index: str
    columns: tuple[str, ...]
    repeats: bool = False
    """Whether one event may stand in it more than once."""

    @property
    def time(self) -> str:
        """The column of the event's time."""
        return "occurred_at"

    @property
    def event_id(self) -> str:
        """The column of the event's id."""
        return "id" if self.table is events else "event_id"


BY_ID = Access(events, "PRIMARY", ("id",))
BY_TIME = Access(events, "ix_events_time", ())
BY_NAMESPACE = Access(events, "ix_events_namespace", ("namespace_key",))
BY_AUDIENCE = Access(events, "ix_events_audience", ("audience_key",))
BY_OBJECT = Access(event_objects, "PRIMARY", ("object_key", "audience_key"))
BY_OBJECT_AND_TYPE = Access(event_objects, "ix_event_objects_event_type", ("object_key", "audience_key", "event_type"))
BY_OBJECT_AND_SEVERITY = Access(event_objects, "ix_event_objects_severity", ("object_key", "audience_key", "severity"))
BY_OBJECT_TYPE = Access(event_objects, "ix_event_objects_object_type", ("audience_key", "object_type"), repeats=True)

_OWN_INDEX = {
    EventField.REQUEST_ID: Access(events, "ix_events_request", ("request_id",)),
    EventField.CORRELATION_ID: Access(events, "ix_events_correlation", ("correlation_id",)),
    EventField.TRACE_ID: Access(events, "ix_events_trace", ("trace_id",)),
    EventField.PARENT_ID: Access(events, "ix_events_parent", ("parent_id",)),
    EventField.REGISTRATION_ID: Access(events, "ix_events_registration", ("registration_id",)),
}
_AUDIENCE_INDEX = {
    EventField.ACTOR: Access(events, "ix_events_actor", ("audience_key", "actor")),
    EventField.SOURCE: Access(events, "ix_events_source", ("audience_key", "source")),
    EventField.EVENT_TYPE: Access(events, "ix_events_event_type", ("audience_key", "event_type")),
    EventField.SEVERITY: Access(events, "ix_events_severity", ("audience_key", "severity")),
}
_OBJECT_INDEX = {EventField.EVENT_TYPE: BY_OBJECT_AND_TYPE, EventField.SEVERITY: BY_OBJECT_AND_SEVERITY}


@dataclass(frozen=True, slots=True)
class Plan:
    """How a selector is answered: places in one index, a time range, and what is left to test on each row."""

    access: Access
    prefixes: tuple[Prefix, ...]
    residual: Selector
    scope: Scope
    """What is left to test of the scope; everything, when the prefixes are within it."""
    since: Any
    """The first time of the answer in microseconds; None: no bound."""
    until: Any
    """The first time beyond it."""
    place_is_remembered: bool = False
    """Whether the object key and audience key of every prefix were remembered: the statement has to confirm them."""

    @property
    def tests_rows(self) -> bool:
        """Whether rows must be read before it is known that they belong to the answer."""
        return self.residual != ALL or not self.scope.everything

    @property
    def is_empty(self) -> bool:
        """Whether the answer is known to be empty."""
        return not self.prefixes or (self.since is not None and self.until is not None and self.since >= self.until)


class Planner:
    """Makes the plan of one selector within one scope; asks the database only for the keys of audiences and objects."""

    def __init__(
        self, database: Database, connection: AsyncConnection, *, scope: Scope, remembering: bool = False
    ) -> None:
        """Plan over a connection of the database; `remembering`: the plan may rest on a place that is remembered."""
        self._database = database
        self._remembering = remembering
        self._connection = connection
        self._scope = scope
        self._most = database.options.union_branches
        self._tests = Conjunction()

    async def plan(self, selector: Selector) -> Plan:
        """Choose the index for a selector; raise TooManyValuesError when one of its lists is too long."""
        require_short_lists(selector)
        self._tests.add(selector)
        if self._scope.is_empty or any(_never_holds(test) for test in self._tests.tests):
            return self._make(BY_TIME, (), ALL)
        listed = self._tests.has_lists
        return (
            (self._by_values(EventField.ID, BY_ID, most=None) if listed else None)
            or (self._by_own_index() if listed else None)
            or await self._by_objects()
            or await self._by_audience_and_value()
            or await self._by_object_types()
            or await self._by_place()
        )

    def _make(self, access: Access, prefixes: Iterable[Prefix], residual: Selector, *, in_scope: bool = False) -> Plan:
        scope = Scope(everything=True) if in_scope else self._scope
        return Plan(access, tuple(prefixes), residual, scope, self._tests.since, self._tests.until)

    def _by_values(self, wanted: EventField, access: Access, *, most: int | None) -> Plan | None:
        for test in self._tests.lists(wanted):
            values = dict.fromkeys(test.value)
            if most is None or len(values) <= most:
                return self._make(access, ((value,) for value in values), self._tests.without(test))
        return None

    def _by_own_index(self) -> Plan | None:
        for wanted, access in _OWN_INDEX.items():
            plan = self._by_values(wanted, access, most=self._most)
            if plan:
                return plan
        return None

    async def _by_objects(self) -> Plan | None:
        for test in self._tests.tests:
            if isinstance(test, TouchesAny) and len(test.objects) <= self._most:
                plan = self._by_remembered_place(test)
                if plan is None:
                    plan = self._by_object_places(test, await self._object_places(test.objects))
                if plan:
                    return plan
        return None

    def _by_remembered_place(self, test: TouchesAny) -> Plan | None:
        """Plan without asking where an object's references lie; only where one statement answers and can confirm it."""
        place = self._database.places.get(test.objects[0]) if self._may_remember(test.objects) else None
        if place is None:
            return None
        if len(self._tests.tests) == 1 and test.objects[0].role is None:
            # A whole timeline: there is nothing to choose.
            return Plan(BY_OBJECT, (place,), ALL, EVERYTHING, self._tests.since, self._tests.until, True)
        plan = self._by_object_places(test, [place])
        return None if plan is None or plan.tests_rows else replace(plan, place_is_remembered=True)

    def _may_remember(self, references: Sequence[ObjectReference]) -> bool:
        return self._remembering and len(references) == 1 and self._scope.everything

    def _by_object_places(self, test: TouchesAny, places: Sequence[Prefix]) -> Plan | None:
        served: tuple[Selector, ...] = () if any(one.role is not None for one in test.objects) else (test,)
        several = len({place[0] for place in places}) > 1
        for wanted, access in _OBJECT_INDEX.items():
            for values in self._tests.lists(wanted):
                prefixes = [(*place, value) for place, value in product(places, dict.fromkeys(values.value))]
                if len(prefixes) <= self._most:
                    rest = self._tests.without(*served, values)
                    return self._make(_repeating(access, several), prefixes, rest, in_scope=True)
        if len(places) <= self._most:
            return self._make(_repeating(BY_OBJECT, several), places, self._tests.without(*served), in_scope=True)
        return None

    async def _by_audience_and_value(self) -> Plan | None:
        for wanted, access in _AUDIENCE_INDEX.items():
            for test in self._tests.lists(wanted):
                plan = await self._by_audiences(access, test, tuple(dict.fromkeys(test.value)))
                if plan:
                    return plan
        return None

    async def _by_object_types(self) -> Plan | None:
        for test in self._tests.tests:
            if isinstance(test, TouchesType):
                plan = await self._by_audiences(BY_OBJECT_TYPE, test, tuple(dict.fromkeys(test.object_types)))
                if plan:
                    return plan
        return None

    async def _by_audiences(self, access: Access, test: Selector, values: tuple[Any, ...]) -> Plan | None:
        if len(values) > self._most:
            return None
        keys = await self._audience_keys(self._most // len(values))
        if keys is None:
            return None
        served = (test, *self._tests.lists(EventField.NAMESPACE))
        return self._make(access, product(keys, values), self._tests.without(*served), in_scope=True)

    async def _by_place(self) -> Plan:
        """Whole namespaces, single audiences, or simply the newest events of all."""
        named = list(self._tests.lists(EventField.NAMESPACE))
        residual = self._tests.without(*named)
        if self._scope.everything and not named:
            return self._make(BY_TIME, ((),), residual)
        if not self._scope.audience_keys:
            keys = await self._namespace_keys()
            if len(keys) <= self._most:
                return self._make(BY_NAMESPACE, ((key,) for key in keys), residual, in_scope=True)
        audience_keys = await self._audience_keys(MOST_AUDIENCES)
        if audience_keys is not None:
            return self._make(BY_AUDIENCE, ((key,) for key in audience_keys), residual, in_scope=True)
        return self._make(BY_TIME, ((),), self._tests.without())

    async def _namespace_keys(self) -> list[int]:
        """The keys of the namespaces that the filter names and the scope holds."""
        statement = build_namespace_keys(self._scope, self._tests.namespaces(), most=self._most + 1)
        return list((await self._connection.execute(statement)).scalars())

    async def _audience_keys(self, most: int) -> list[int] | None:
        """The keys of all audiences within filter and scope, or None when there are more than `most`."""
        names = self._tests.namespaces()
        keys = await fetch_audience_keys(self._database, self._connection, self._scope, names, most=most + 1)
        return keys if len(keys) <= most else None

    async def _object_places(self, references: Sequence[ObjectReference]) -> list[Prefix]:
        [first, *others] = references
        if not self._scope.everything or others or first.namespace is None:
            return await self._several_places(references)
        statement = self._database.statements.get("places of one object", build_places_of_one)
        values = {"namespace": first.namespace, "object_type": first.object_type, "object_id": first.object_id}
        places = await self._database.fetch(self._connection, statement, values)
        if len(places) == 1:
            self._database.places.put(first, places[0])
        return places

    async def _several_places(self, references: Sequence[ObjectReference]) -> list[Prefix]:
        statement = build_object_places(self._scope, references)
        return [tuple(row) for row in await self._connection.execute(statement)]


MOST_AUDIENCES = 256
"""The most audiences of a reader that one statement joins (design: "up to 256 in one UNION ALL")."""


def build_namespace_keys(scope: Scope, names: set[str] | None, *, most: int) -> Any:
    """Ask for the keys of at most `most` namespaces in the scope, of those named or of all."""
    statement = select(namespaces.c.namespace_key).order_by(namespaces.c.namespace_key).limit(most)
    if names is not None:
        statement = statement.where(namespaces.c.name.in_(sorted(names)))
    if not scope.everything:
        statement = statement.where(namespaces.c.namespace_key.in_(sorted(scope.namespace_keys)))
    return statement


async def fetch_audience_keys(
    database: Database, connection: AsyncConnection, scope: Scope, names: set[str] | None, *, most: int
) -> list[int]:
    """Read the keys of at most `most` audiences in the scope; prepared for who may see everything."""
    if not scope.everything:
        built = build_audience_keys(scope, names, most=most)
        return list((await connection.execute(built)).scalars())
    given = None if names is None else sorted(names)
    if given == []:
        return []
    named = None if given is None else [parameter(f"name_{place}") for place in range(len(given))]
    statement = database.statements.get(
        ("keys of audiences", None if given is None else len(given)),
        lambda: build_audience_keys(scope, named, most=parameter("most", BigInteger())),
    )
    values = {f"name_{place}": name for place, name in enumerate(given or ())}
    return [key for (key,) in await database.fetch(connection, statement, {**values, "most": most})]


def build_audience_keys(scope: Scope, names: Iterable[Any] | None, *, most: Any) -> Any:
    """Ask for the keys of at most `most` audiences in the scope, of the namespaces named or of all."""
    statement = select(audiences.c.audience_key).order_by(audiences.c.audience_key).limit(most)
    if names is not None:
        named = select(namespaces.c.namespace_key).where(namespaces.c.name.in_(list(names)))
        statement = statement.where(audiences.c.namespace_key.in_(named))
    return statement.where(build_scope_condition(scope, audiences))


def build_places_of_one() -> Any:
    """Ask where the references to one object lie, for those who may see everything; its identity are parameters."""
    names = ("object_type", "object_id", "namespace")
    reference = ObjectReference(*(parameter(name) for name in names))  # type: ignore[arg-type]
    return build_object_places(EVERYTHING, (reference,))


def build_confirmation(object_key: Any, audience_key: Any) -> ColumnElement[bool]:
    """Make the condition that an object's references lie under this one audience and no other.

    Where an object's references lie only ever grows: a place that was the only one is that still, or one of several.
    """
    known = object_audiences.alias("known")
    only = select(case((func.count() == literal_column("1"), func.max(known.c.audience_key)))).where(
        known.c.object_key == object_key
    )
    confirmed: ColumnElement[bool] = only.scalar_subquery() == audience_key
    return confirmed


def build_object_places(scope: Scope, references: Sequence[ObjectReference]) -> Any:
    """Ask where the visible references to some objects lie: pairs of object key and audience key."""
    wanted = (
        and_(
            objects.c.object_type == one.object_type,
            objects.c.object_id == one.object_id,
            *(() if one.namespace is None else (objects.c.namespace == one.namespace,)),
        )
        for one in references
    )
    joined = objects.join(object_audiences, object_audiences.c.object_key == objects.c.object_key)
    statement = select(objects.c.object_key, object_audiences.c.audience_key).where(or_(*wanted))
    if not scope.everything:
        joined = joined.join(audiences, audiences.c.audience_key == object_audiences.c.audience_key)
    order = (objects.c.object_key, object_audiences.c.audience_key)
    return statement.select_from(joined).where(build_scope_condition(scope, audiences)).order_by(*order)


def _repeating(access: Access, repeats: bool) -> Access:
    return Access(access.table, access.index, access.columns, repeats)


def _never_holds(test: Selector) -> bool:
    match test:
        case Or(()) | TouchesAny(()) | TouchesType(()):
            return True
        case FieldTest(_, Comparison.IN, ()):
            return True
        case _:
            return False
