"""Registrations: each time a source begins anew it gets an id, which it sends with its events (HZ3).

What belongs to which registration is decided by that id alone (D5); no clock takes part in it. The generations of a
source are numbered without a gap, and the highest is the present one.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import ColumnElement, Select, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.cursors import IdCursor
from storage.dialects import force_index, keep_join_order, key_range
from storage.identifiers import new_event_id
from storage.identities import LruCache
from storage.list_pages import ListPage, to_list_page
from storage.scopes import Scope
from storage.tables import events, namespaces, registrations

if TYPE_CHECKING:
    from storage.engine import Database

CURSOR_KIND: Final = "r"
"""Of cursors in lists of registrations."""
_IDS_PER_STATEMENT = 1_000
_CACHED_PLACES = 50_000
_BY_SOURCE = "uq_registrations_namespace_key_source_generation"


class RegistrationRecord(NamedTuple):
    """One registration of a source. Times are microseconds UTC; `ended_at` is None until a later one begins."""

    uuid: str
    namespace_key: int
    namespace: str
    source: str
    generation: int
    started_at: int
    ended_at: int | None
    is_current: bool


RegistrationPage = ListPage[RegistrationRecord, IdCursor]
"""A page of registrations, newest first (P5)."""


class RegistrationPlace(NamedTuple):
    """To whom a registration belongs: what the events that name it must have."""

    namespace_key: int
    namespace: str
    source: str


async def append_registration(
    database: "Database", namespace_key: int, source: str, *, now: int, registration_id: str | None = None
) -> RegistrationRecord:
    """Begin a new registration of a source and end the present one, in one transaction; `now` in microseconds UTC.

    Calls at the same time each get a generation of their own, one after the other. Whoever makes a history up may
    choose the id; one that is there already is given as it is.
    """
    registration_id = registration_id or new_event_id()

    async def work(connection: AsyncConnection) -> None:
        # Whoever registers in this namespace waits here, so that no two find the same generation to be the last.
        locked = select(namespaces.c.namespace_key).where(namespaces.c.namespace_key == namespace_key)
        await connection.execute(locked.with_for_update())
        if (await connection.execute(build_registrations([registration_id]))).first() is not None:
            return  # it may be our own COMMIT, whose answer was lost
        last = (await connection.execute(build_last_registration(namespace_key, source))).first()
        generation, started_at = (0, now) if last is None else (last.generation, max(now, last.started_at))
        columns = registrations.c
        ended = update(registrations).where(
            columns.namespace_key == namespace_key, columns.source == source, columns.generation == generation
        )
        await connection.execute(ended.values(ended_at=started_at))
        row = {
            "registration_id": registration_id,
            "namespace_key": namespace_key,
            "source": source,
            "generation": generation + 1,
            "started_at": started_at,
        }
        await connection.execute(insert(registrations), row)

    await database.write(work, name="a registration")
    [record] = await fetch_registrations(database, [registration_id])
    place = RegistrationPlace(record.namespace_key, record.namespace, record.source)
    _known_places(database).put(registration_id, place)
    return record


async def fetch_registrations(database: "Database", ids: Sequence[str]) -> list[RegistrationRecord]:
    """Give those of some registrations that there are, in no order. Who may see them is the caller's to decide."""
    async with database.reading() as connection:
        return [_to_record(row) for row in await connection.execute(build_registrations(ids))]


async def find_registration_places(database: "Database", ids: Collection[str]) -> dict[str, RegistrationPlace]:
    """Give to whom some registrations belong; ids of none are left out.

    What was found once is remembered, because it never changes; what was not found is looked for again each time.
    """
    known = _known_places(database)
    found: dict[str, RegistrationPlace] = {}
    missing: list[str] = []
    for each in sorted(ids):
        place = known.get(each)
        if place is None:
            missing.append(each)
        else:
            found[each] = place
    if missing:
        async with database.reading() as connection:
            for start in range(0, len(missing), _IDS_PER_STATEMENT):
                statement = build_registration_places(missing[start : start + _IDS_PER_STATEMENT])
                for registration_id, *place_columns in await connection.execute(statement):
                    found[registration_id] = RegistrationPlace(*place_columns)
                    known.put(registration_id, found[registration_id])
    return found


async def fetch_earlier_registrations(database: "Database", namespace_key: int, source: str) -> list[str]:
    """Give the ids of all registrations of a source but the present one, oldest first (HZ3)."""
    async with database.reading() as connection:
        result = await connection.execute(build_earlier_registrations(namespace_key, source))
        return [row[0] for row in result]


async def fetch_prunable_registrations(database: "Database", namespace_key: int, source: str) -> list[str]:
    """Give those of the earlier registrations of a source that events name, oldest first: there may be far fewer."""
    async with database.reading() as connection:
        result = await connection.execute(build_prunable_registrations(namespace_key, source))
        return [row[0] for row in result]


async def fetch_all_prunable_registrations(database: "Database") -> AsyncIterator[tuple[str, RegistrationPlace]]:
    """Give the earlier registrations of all sources, as far as events name them (HZ4)."""
    after: tuple[int, str, int] | None = None
    while True:
        statement = build_registration_window(after, dialect_name=database.dialect_name)
        async with database.reading() as connection:
            rows = (await connection.execute(statement)).all()
        for row in rows:
            if row.is_earlier and row.is_named:
                yield row.registration_id, RegistrationPlace(row.namespace_key, row.name, row.source)
        if len(rows) < _IDS_PER_STATEMENT:
            return
        after = (rows[-1].namespace_key, rows[-1].source, rows[-1].generation)


async def fetch_registration_page(
    database: "Database",
    *,
    scope: Scope,
    namespace: str | None,
    source: str | None,
    size: int,
    after: IdCursor | None = None,
    before: IdCursor | None = None,
    backward: bool = False,
) -> RegistrationPage:
    """Read one page of the registrations in the namespaces that a scope reaches into, newest first."""
    namespace_keys = await _reached_namespaces(database, scope, namespace)
    found: list[RegistrationRecord] = []
    if namespace_keys is None or namespace_keys:
        statement = build_registration_page(
            namespace_keys, source, after=after, before=before, backward=backward, limit=size + 1
        )
        async with database.reading() as connection:
            found = [_to_record(row) for row in await connection.execute(statement)]
    return to_list_page(found, size=size, cursor_of=registration_cursor, after=after, before=before, backward=backward)


def registration_cursor(record: RegistrationRecord) -> IdCursor:
    """Give a registration's place in lists of registrations."""
    return IdCursor(CURSOR_KIND, record.uuid)


async def reaches_namespace(database: "Database", scope: Scope, namespace_key: int) -> bool:
    """Whether a scope shows anything of a namespace."""
    keys = await _reached_namespaces(database, scope, None)
    return keys is None or namespace_key in keys


def build_registrations(ids: Sequence[str]) -> Select[Any]:
    """Ask for registrations by id."""
    return _select_registrations().where(registrations.c.registration_id.in_(ids))


def build_registration_places(ids: Sequence[str]) -> Select[Any]:
    """Ask to whom some registrations belong."""
    columns = registrations.c
    return (
        select(columns.registration_id, columns.namespace_key, namespaces.c.name, columns.source)
        .join(namespaces, namespaces.c.namespace_key == columns.namespace_key)
        .where(columns.registration_id.in_(ids))
    )


def build_last_registration(namespace_key: int, source: str) -> Select[Any]:
    """Ask for the present registration of a source."""
    columns = registrations.c
    statement = select(columns.generation, columns.started_at)
    return (
        statement.where(columns.namespace_key == namespace_key, columns.source == source)
        .order_by(columns.generation.desc())
        .limit(1)
    )


def build_earlier_registrations(namespace_key: int, source: str) -> Select[Any]:
    """Ask for all registrations of a source but the one of the highest generation."""
    columns = registrations.c
    last = registrations.alias("last")
    highest = select(func.max(last.c.generation)).where(last.c.namespace_key == namespace_key, last.c.source == source)
    return (
        select(columns.registration_id)
        .where(columns.namespace_key == namespace_key, columns.source == source)
        .where(columns.generation < highest.scalar_subquery())
        .order_by(columns.generation)
    )


def build_prunable_registrations(namespace_key: int, source: str) -> Select[Any]:
    """Ask for the earlier registrations of a source that events name."""
    return build_earlier_registrations(namespace_key, source).where(_is_named())


def build_registration_window(after: tuple[int, str, int] | None, *, dialect_name: str) -> Select[Any]:
    """Ask for the next registrations by namespace, source and generation: which are earlier ones, which events name."""
    columns = registrations.c
    order = (columns.namespace_key, columns.source, columns.generation)
    joined = registrations.join(namespaces, namespaces.c.namespace_key == columns.namespace_key)
    earlier, named = (~_is_current()).label("is_earlier"), _is_named().label("is_named")
    statement: Select[Any] = select(columns.registration_id, *order, namespaces.c.name, earlier, named)
    statement = keep_join_order(force_index(statement, registrations, _BY_SOURCE).select_from(joined))
    if after is not None:
        statement = statement.where(key_range(order, after, ">", dialect_name))
    return statement.order_by(*order).limit(_IDS_PER_STATEMENT)


def build_registration_page(
    namespace_keys: Sequence[int] | None,
    source: str | None,
    *,
    after: IdCursor | None,
    before: IdCursor | None,
    backward: bool,
    limit: int,
) -> Select[Any]:
    """Ask for the first registrations of a list, in the direction of the scan; `namespace_keys` None: of all."""
    columns = registrations.c
    statement = _select_registrations()
    if namespace_keys is not None or source is not None:
        # For a source in every namespace it is entered once for each of them.
        statement = force_index(statement, registrations, _BY_SOURCE)
    if namespace_keys is not None:
        statement = statement.where(columns.namespace_key.in_(namespace_keys))
    if source is not None:
        statement = statement.where(columns.source == source)
    if after is not None:
        statement = statement.where(columns.registration_id < after.id)
    if before is not None:
        statement = statement.where(columns.registration_id > before.id)
    order = columns.registration_id.asc() if backward else columns.registration_id.desc()
    return statement.order_by(order).limit(limit)


def _select_registrations() -> Select[Any]:
    columns = registrations.c
    return select(
        columns.registration_id,
        columns.namespace_key,
        namespaces.c.name,
        columns.source,
        columns.generation,
        columns.started_at,
        columns.ended_at,
        _is_current().label("is_current"),
    ).join(namespaces, namespaces.c.namespace_key == columns.namespace_key)


def _is_current() -> ColumnElement[bool]:
    newer = registrations.alias("newer")
    columns = registrations.c
    return ~(
        select(newer.c.generation)
        .where(
            newer.c.namespace_key == columns.namespace_key,
            newer.c.source == columns.source,
            newer.c.generation > columns.generation,
        )
        .exists()
    )


def _is_named() -> ColumnElement[bool]:
    # LIMIT keeps MariaDB from turning the question round and reading the registration of every event there is.
    some_event: Select[Any] = force_index(select(events.c.namespace_key), events, "ix_events_registration")
    some_event = some_event.where(events.c.registration_id == registrations.c.registration_id).limit(1)
    return some_event.scalar_subquery().is_not(None)


def _to_record(row: Any) -> RegistrationRecord:
    *values, is_current = row
    return RegistrationRecord._make((*values, bool(is_current)))


async def _reached_namespaces(database: "Database", scope: Scope, namespace: str | None) -> list[int] | None:
    """Give the keys of the namespaces that a scope shows something of, all or the one that is named; None: all."""
    reached = await database.identities.reached_namespaces(scope)
    if namespace is None:
        return None if reached is None else sorted(reached)
    keys = await database.identities.namespace_keys([namespace])
    return [key for key in keys.values() if reached is None or key in reached]


def _known_places(database: "Database") -> LruCache[str, RegistrationPlace]:
    known = _places.get(database)
    if known is None:
        known = _places[database] = LruCache(_CACHED_PLACES)
    return known


_places: WeakKeyDictionary["Database", LruCache[str, RegistrationPlace]] = WeakKeyDictionary()
