"""Examined: stored events looked at in the order of their arrival, up to an age, and never twice without need (GQ4).

A nightly run must not read again all that it keeps. So a mark says how far a walk has come: in every batch below it, by
(received_at, batch_key), that had a position up to the mark's, nothing is left to do. Batches that come late (their
positions are higher, their arrival is below the mark) are looked at first; then the walk goes on from the mark up to
the cutoff. An event that is not old enough yet, because its own time or its last repeat is later than its arrival,
holds the mark back at its batch. Batches without a position are left for the next walk.

`ingest_batches.received_at` is the earliest arrival in a batch: one not below the cutoff holds no event that is below.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.conditions import build_condition
from storage.dialects import force_index, key_range, untaken
from storage.literals import is_any_id
from storage.marks import Mark, fetch_mark
from storage.removals import IDS_PER_STATEMENT, EventPlace, LockedEvent, in_parts
from storage.selectors import Selector
from storage.tables import event_objects, events, ingest_batches

if TYPE_CHECKING:
    from storage.engine import Database

_BATCHES_PER_STATEMENT = 1_000
_POSITIONS_PER_STATEMENT = 20_000
"""Positions are dense: so many entries one look for late batches examines at most."""


class ArrivedBatch(NamedTuple):
    """A batch in the order of arrival, and how many events it had."""

    received_at: int
    batch_key: int
    event_count: int


class ExaminedEvent(NamedTuple):
    """An event that was read and not locked, with what was asked about it.

    `references` is how many objects it touches; `holding` has the places of those tests, in their list, that hold.
    """

    event: LockedEvent
    batch_key: int
    references: int
    holding: frozenset[int]

    @property
    def place(self) -> EventPlace:
        """What identifies it."""
        return self.event.place


class ArrivalPortion(NamedTuple):
    """Some events that are old enough, and the mark that holds as soon as they are done with."""

    events: list[ExaminedEvent]
    mark: Mark


class ArrivalWalk:
    """One walk in the order of arrival, from where the last one of this name has come, up to a cutoff.

    `name` says what is looked for: whoever looks for something else takes another name, and begins at the oldest batch.
    Given are the events of `condition` that are older than `cutoff` (LockedEvent.aged_from, microseconds); `tests` are
    further selectors, for each of which an event tells whether it holds. `bound` is a live position: batches beyond it
    are left alone. A portion comes from batches of about `portion_events` events together.
    """

    def __init__(
        self,
        database: "Database",
        *,
        name: str,
        cutoff: int,
        bound: int,
        condition: Selector,
        tests: Sequence[Selector] = (),
        portion_events: int = 10_000,
    ) -> None:
        self.name = name
        self.cutoff = cutoff
        self._database = database
        self._bound = bound
        self._condition = condition
        self._tests = tests
        self._portion_events = portion_events
        self._mark = Mark(-1, 0, bound)
        self._held: tuple[int, int] | None = None

    async def portions(self) -> AsyncIterator[ArrivalPortion]:
        """Give portion after portion; the last one may be without events and has the mark of the whole walk.

        Whoever stops in between has lost nothing, as long as a mark is kept only after its portion is done with.
        """
        saved = await fetch_mark(self._database, self.name)
        if saved is not None:
            self._mark = saved
            async for portion in self._late():
                yield portion
        async for portion in self._forward():
            yield portion

    async def _late(self) -> AsyncIterator[ArrivalPortion]:
        first = self._mark.position
        below = (self._mark.received_at, self._mark.batch_key)
        while first < self._bound:
            last = min(first + _POSITIONS_PER_STATEMENT, self._bound)
            late = await self._read(build_late_batches(below, first, last, dialect_name=self._database.dialect_name))
            for batches in self._in_portions([ArrivedBatch._make(row) for row in late]):
                found = await self._examine(batches)
                self._mark = self._unless_held(self._mark)
                yield ArrivalPortion(found, self._mark)
            first = last
            self._mark = self._mark._replace(position=last)

    async def _forward(self) -> AsyncIterator[ArrivalPortion]:
        place = (self._mark.received_at, self._mark.batch_key)
        while True:
            dialect_name = self._database.dialect_name
            rows = await self._read(build_batches(place, self.cutoff, self._bound, dialect_name=dialect_name))
            for batches in self._in_portions([ArrivedBatch._make(row) for row in rows]):
                found = await self._examine(batches)
                place = (batches[-1].received_at, batches[-1].batch_key + 1)
                self._mark = self._unless_held(Mark(*place, self._bound))
                yield ArrivalPortion(found, self._mark)
            if len(rows) < _BATCHES_PER_STATEMENT:
                break
        self._mark = self._unless_held(max(self._mark, Mark(self.cutoff, 0, self._bound)))
        yield ArrivalPortion([], self._mark)

    def _unless_held(self, mark: Mark) -> Mark:
        return mark if self._held is None else min(mark, Mark(*self._held, mark.position))

    def _in_portions(self, batches: Sequence[ArrivedBatch]) -> Iterator[list[ArrivedBatch]]:
        portion: list[ArrivedBatch] = []
        events_of_portion = 0
        for batch in batches:
            portion.append(batch)
            events_of_portion += batch.event_count
            if events_of_portion >= self._portion_events:
                yield portion
                portion, events_of_portion = [], 0
        if portion:
            yield portion

    async def _examine(self, batches: Sequence[ArrivedBatch]) -> list[ExaminedEvent]:
        dialect_name = self._database.dialect_name
        keys = [batch.batch_key for batch in batches]
        statement = build_examined(keys, self._condition, self._tests, dialect_name=dialect_name)
        arrivals = {batch.batch_key: batch.received_at for batch in batches}
        due: list[ExaminedEvent] = []
        for row in await self._read(statement):
            found = _to_examined(row)
            if found.event.aged_from < self.cutoff:
                due.append(found)
            else:
                holding = (arrivals[found.batch_key], found.batch_key)
                self._held = holding if self._held is None else min(self._held, holding)
        return due

    async def _read(self, statement: Select[Any]) -> Sequence[Any]:
        async with self._database.reading() as connection:
            rows: Sequence[Any] = (await connection.execute(statement)).all()
            return rows


async def fetch_first_batch(database: "Database", mark: Mark) -> int | None:
    """Give the arrival of the first batch that a walk has not done with; None: there is none."""
    place = (mark.received_at, mark.batch_key)
    columns = (ingest_batches.c.received_at, ingest_batches.c.batch_key)
    statement = force_index(select(columns[0]), ingest_batches, "ix_ingest_batches_received")
    statement = statement.where(key_range(columns, place, ">=", database.dialect_name)).order_by(*columns).limit(1)
    async with database.reading() as connection:
        row = (await connection.execute(statement)).first()
    return None if row is None else int(row[0])


async def fetch_registered(
    database: "Database",
    registration_ids: Iterable[str],
    *,
    tests: Sequence[Selector] = (),
    portion_events: int = 10_000,
) -> AsyncIterator[list[ExaminedEvent]]:
    """Give the events of some registrations, portion after portion."""
    for ids in in_parts(sorted(registration_ids), _REGISTRATIONS_PER_STATEMENT):
        after: tuple[Any, ...] | None = None
        while True:
            statement = build_registered(ids, after, tests, limit=portion_events, dialect_name=database.dialect_name)
            async with database.reading() as connection:
                rows = (await connection.execute(statement)).all()
            found = list(map(_to_examined, rows))
            if found:
                yield found
            if len(found) < portion_events:
                break
            last = found[-1].event
            after = (last.registration_id, last.occurred_at, last.id, last.namespace_key)


_REGISTRATIONS_PER_STATEMENT = 50


async def lock_examined(connection: AsyncConnection, examined: Mapping[EventPlace, ExaminedEvent]) -> list[LockedEvent]:
    """Lock those of some events that are still there, and give them as they are now, by id.

    Nothing but `_CHANGING` ever changes in a row, so nothing else is read again: a fold adds repeats. An id that went
    and came back meanwhile stands in another batch, and is left to the next walk.
    """
    locked: list[LockedEvent] = []
    for ids in in_parts(sorted({place.id for place in examined}), IDS_PER_STATEMENT):
        for event_id, namespace_key, batch_key, *changing in await connection.execute(build_locked_examined(ids)):
            known = examined.get(EventPlace(event_id, namespace_key))
            if known is not None and known.batch_key == batch_key:
                received_at, last_occurred_at, repeat_count = changing
                event = known.event
                if event.received_at != received_at or event.repeat_count != repeat_count:
                    event = event._replace(
                        received_at=received_at, last_occurred_at=last_occurred_at, repeat_count=repeat_count
                    )
                locked.append(event)
    return locked


async def fetch_holding(
    connection: AsyncConnection, places: Iterable[EventPlace], tests: Sequence[Selector], *, dialect_name: str
) -> dict[EventPlace, frozenset[int]]:
    """Say of some events which tests hold for them, by their places in the list."""
    found: dict[EventPlace, frozenset[int]] = {}
    for ids in in_parts(sorted({place.id for place in places}), IDS_PER_STATEMENT):
        for event_id, namespace_key, *flags in await connection.execute(
            build_holding(ids, tests, dialect_name=dialect_name)
        ):
            found[EventPlace(event_id, namespace_key)] = _holding(flags)
    return found


async def fetch_object_types(database: "Database", places: Iterable[EventPlace]) -> dict[EventPlace, list[str]]:
    """Give the object types that events touch, one for each reference, without locking anything."""
    found: dict[EventPlace, list[str]] = {}
    for ids in in_parts(sorted({place.id for place in places}), IDS_PER_STATEMENT):
        async with database.reading() as connection:
            for event_id, namespace_key, object_type in await connection.execute(build_object_types(ids)):
                found.setdefault(EventPlace(event_id, namespace_key), []).append(object_type)
    return found


def build_late_batches(below: tuple[int, int], after: int, until: int, *, dialect_name: str) -> Select[Any]:
    """Ask for the batches of some positions that arrived below a place: `after` is left out, `until` is not."""
    columns = ingest_batches.c
    earlier = key_range((columns.received_at, columns.batch_key), below, "<", dialect_name)
    statement = force_index(_BATCHES, ingest_batches, "uq_ingest_batches_position")
    return (  # type: ignore[no-any-return]
        statement.where(columns.position > after, columns.position <= until, untaken(earlier)).order_by(
            columns.position
        )
    )


def build_batches(place: tuple[int, int], cutoff: int, bound: int, *, dialect_name: str) -> Select[Any]:
    """Ask for the batches from a place on that arrived before the cutoff, in the order of arrival."""
    columns = ingest_batches.c
    order = (columns.received_at, columns.batch_key)
    statement = force_index(_BATCHES, ingest_batches, "ix_ingest_batches_received")
    return (  # type: ignore[no-any-return]
        statement.where(key_range(order, place, ">=", dialect_name), columns.received_at < cutoff)
        .where(untaken(columns.position <= bound))
        .order_by(*order)
        .limit(_BATCHES_PER_STATEMENT)
    )


def build_examined(
    batch_keys: Sequence[int], condition: Selector, tests: Sequence[Selector], *, dialect_name: str
) -> Select[Any]:
    """Ask for the events of some batches for which a condition holds."""
    statement = force_index(_select_examined(tests, dialect_name), events, "ix_events_batch")
    return (  # type: ignore[no-any-return]
        statement.where(events.c.batch_key.in_(batch_keys), untaken(build_condition(condition, dialect_name)))
    )


def build_registered(
    registration_ids: Sequence[str],
    after: tuple[Any, ...] | None,
    tests: Sequence[Selector],
    *,
    limit: int,
    dialect_name: str,
) -> Select[Any]:
    """Ask for the events of registrations in the order of their index, after a key of it."""
    columns = events.c
    order = (columns.registration_id, columns.occurred_at, columns.id, columns.namespace_key)
    statement = force_index(_select_examined(tests, dialect_name), events, "ix_events_registration")
    statement = statement.where(columns.registration_id.in_(registration_ids))
    if after is not None:
        statement = statement.where(key_range(order, after, ">", dialect_name))
    return statement.order_by(*order).limit(limit)  # type: ignore[no-any-return]


def build_holding(ids: Sequence[str], tests: Sequence[Selector], *, dialect_name: str) -> Select[Any]:
    """Ask which tests hold for events, by id."""
    flags = [_flag(test, dialect_name) for test in tests]
    statement: Select[Any] = force_index(select(events.c.id, events.c.namespace_key, *flags), events, "PRIMARY")
    return statement.where(is_any_id(events.c.id, ids))


def build_locked_examined(ids: Sequence[str]) -> Select[Any]:
    """Ask for what may have changed of events by id, in id order, and lock them."""
    columns = [events.c[name] for name in ("id", "namespace_key", "batch_key", *_CHANGING)]
    statement: Select[Any] = force_index(select(*columns), events, "PRIMARY").where(is_any_id(events.c.id, ids))
    return statement.order_by(events.c.id).with_for_update()


def build_object_types(ids: Sequence[str]) -> Select[Any]:
    """Ask for the object types that events touch, by id."""
    columns = event_objects.c
    statement: Select[Any] = select(columns.event_id, columns.namespace_key, columns.object_type)
    statement = force_index(statement, event_objects, "ix_event_objects_event")
    return statement.where(is_any_id(columns.event_id, ids))


_BATCHES = select(*(ingest_batches.c[name] for name in ArrivedBatch._fields))
_PLAIN = len(LockedEvent._fields)
_CHANGING = ("received_at", "last_occurred_at", "repeat_count")


def _select_examined(tests: Sequence[Selector], dialect_name: str) -> Select[Any]:
    references = (
        select(func.count())
        .select_from(event_objects)
        .where(event_objects.c.event_id == events.c.id, event_objects.c.namespace_key == events.c.namespace_key)
        .scalar_subquery()
    )
    plain = [events.c[name] for name in LockedEvent._fields]
    return select(*plain, events.c.batch_key, references, *(_flag(test, dialect_name) for test in tests))


def _flag(test: Selector, dialect_name: str) -> ColumnElement[int]:
    return case((build_condition(test, dialect_name), 1), else_=0)


def _to_examined(row: Any) -> ExaminedEvent:
    batch_key, references, *flags = row[_PLAIN:]
    return ExaminedEvent(LockedEvent._make(row[:_PLAIN]), batch_key, references, _holding(flags))


def _holding(flags: Sequence[int]) -> frozenset[int]:
    return frozenset(place for place, flag in enumerate(flags) if flag) if flags else _NONE


_NONE: frozenset[int] = frozenset()
