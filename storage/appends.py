"""Appends: how a batch of events is stored, once (EV1, EV2).

One transaction per batch, in as few statements as possible: look up the ids that the caller sent, then insert the
batch, its events, their references and what they add to the counts. A batch that stores nothing writes nothing.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import LargeBinary, insert, null, select, text, type_coerce, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.connections import SHOWN_SQL
from storage.dialects import driver_insert
from storage.identifiers import uuid_to_bytes
from storage.identities import AudienceName, AudienceRecord
from storage.json_values import spell_keys
from storage.literals import insert_statements
from storage.positions import next_position
from storage.quotas import NO_QUOTAS, ArrivalDay, Quotas, fetch_arrivals
from storage.records import LinkRecord, ObjectRecord
from storage.tables import deleted_ids, event_count_deltas, event_objects, events, folded_ids, ingest_batches
from storage.times import MICROSECONDS_PER_DAY, MICROSECONDS_PER_MINUTE

if TYPE_CHECKING:
    from storage.engine import Database

# Beyond this many ids the look-up is split: the statement stays small, and the optimizer examines ranges.
_LOOKUP_IDS = 1000


class EventRow(NamedTuple):
    """One event as it will be stored. Times are microseconds UTC, ids lower-case text, `severity` a rank.

    `id_given`: whether the caller chose the id, so that it may be there already. `objects` names each object once.
    """

    id: str
    id_given: bool
    audience: AudienceName
    event_type: str
    category: str | None
    severity: int
    severity_text: str | None
    occurred_at: int
    source: str
    message: str
    extra: str | None
    duration_ms: float | None
    success: bool | None
    actor: str | None
    actor_claim: str | None
    session_id: str | None
    request_id: str | None
    correlation_id: str | None
    parent_id: str | None
    trace_id: str | None
    span_id: str | None
    parent_span_id: str | None
    registration_id: str | None
    record_count: int | None
    objects: tuple[LinkRecord, ...]
    content_hash: bytes


class Batch(NamedTuple):
    """The rows of one caller, when they arrived (microseconds UTC), and how many may arrive in a day."""

    rows: Sequence[EventRow]
    received_at: int
    quotas: Quotas = NO_QUOTAS


class AppendOutcome(Enum):
    """What became of a row."""

    ACCEPTED = "stored"
    DUPLICATE = "the id is there with the same content"
    CONFLICT = "the id is there with other content"
    DELETED = "the id was there and has been deleted"
    DEFERRED = "not stored: the namespace's quota of the day is used up"


class _Stored(NamedTuple):
    """What the store has under an id, folded into another event or not; a content hash of None: it was deleted."""

    content_hash: bytes | None
    batch_key: int | None


_Key = tuple[bytes, int]
_NO_NAMESPACE = -1
"""The key of no namespace."""
_EVENT_COLUMNS = tuple(
    column.name for column in events.columns if column.name not in ("repeat_count", "last_occurred_at", "restored")
)
_REFERENCE_COLUMNS = tuple(column.name for column in event_objects.columns)
_DELTA_COLUMNS = tuple(column.name for column in event_count_deltas.columns if column.name != "delta_key")
_INSERT_BATCH = insert(ingest_batches)
_WANTED = "wanted_ids"
_LOOKUP = str(
    union_all(
        select(
            type_coerce(events.c.id, LargeBinary), events.c.namespace_key, events.c.content_hash, events.c.batch_key
        ).where(text(f"events.id IN ({_WANTED})")),
        select(type_coerce(deleted_ids.c.id, LargeBinary), deleted_ids.c.namespace_key, null(), null()).where(
            text(f"deleted_ids.id IN ({_WANTED})")
        ),
        select(
            type_coerce(folded_ids.c.id, LargeBinary), folded_ids.c.namespace_key, folded_ids.c.content_hash, null()
        ).where(text(f"folded_ids.id IN ({_WANTED})")),
    )
)


async def append_batch(database: "Database", rows: Sequence[EventRow], *, received_at: int) -> list[AppendOutcome]:
    """Store a batch in one transaction and give what became of each row, in order.

    A row whose id comes again within the batch is judged by the first one (I1). Raises StorageError when nothing was
    stored, OutcomeUnknownError when that cannot be told; the same rows may then be sent again.
    """
    return await append_batches(database, [Batch(rows, received_at)])


async def append_batches(database: "Database", batches: Sequence[Batch]) -> list[AppendOutcome]:
    """Store several callers' batches in one transaction, as one batch: their outcomes come one after the other.

    What becomes of a row is what would have become of it had the batches come one after the other, each alone.
    """
    if not any(batch.rows for batch in batches):
        return []
    return await database.write(await prepare_append(database, batches), name="a batch of events")


async def prepare_append(
    database: "Database", batches: Sequence[Batch]
) -> Callable[[AsyncConnection], Awaitable[list[AppendOutcome]]]:
    """Intern the names that some batches need, and give the work that stores them in a transaction of the caller's.

    For whoever must write something else together with an event. The work may be run again with its transaction.
    """
    rows = [row for batch in batches for row in batch.rows]
    identities = database.identities
    known_audiences = await identities.intern_audiences({row.audience for row in rows})
    seen_by = {(link.object, known_audiences[row.audience].key) for row in rows for link in row.objects}
    object_keys = await identities.intern_objects({record for record, _ in seen_by}, seen_by=seen_by)
    arrivals = [batch.received_at for batch in batches for _ in batch.rows]
    limited = any(batch.quotas for batch in batches)
    quotas = [batch.quotas for batch in batches for _ in batch.rows] if limited else None
    return _Append(
        database,
        rows,
        arrivals,
        quotas=quotas,
        audiences=known_audiences,
        object_keys=object_keys,
    ).run


async def fetch_repeats(database: "Database", rows: Sequence[EventRow]) -> list[AppendOutcome | None]:
    """Tell of rows that are not going to be stored what their ids are already: DUPLICATE, CONFLICT or DELETED.

    None: nothing is there. Raises StorageError.
    """
    namespace_keys = await database.identities.namespace_keys({row.audience.namespace for row in rows})
    places = [(uuid_to_bytes(row.id), namespace_keys.get(row.audience.namespace, _NO_NAMESPACE)) for row in rows]
    async with database.reading() as connection:
        stored = await _fetch_stored(connection, places)
    found = [(stored.get(place), row) for place, row in zip(places, rows, strict=True)]
    return [None if there is None else _repeat_of(there, row) for there, row in found]


def _repeat_of(there: _Stored, row: EventRow) -> AppendOutcome:
    if there.content_hash is None:
        return AppendOutcome.DELETED  # I4: also with other content
    return AppendOutcome.DUPLICATE if there.content_hash == row.content_hash else AppendOutcome.CONFLICT


async def _fetch_stored(connection: AsyncConnection, asked: Sequence[_Key]) -> dict[_Key, _Stored]:
    found: dict[_Key, _Stored] = {}
    ids = list(dict.fromkeys(key[0] for key in asked))
    for start in range(0, len(ids), _LOOKUP_IDS):
        # Hexadecimal digits need no escaping; a thousand parameters cost more than the look-up itself.
        wanted = ",".join([f"x'{each.hex()}'" for each in ids[start : start + _LOOKUP_IDS]])
        statement = _LOOKUP.replace(_WANTED, wanted)
        result: Any = await connection.exec_driver_sql(statement, execution_options={SHOWN_SQL: _LOOKUP})
        for row in result:
            found.setdefault((row[0], row[1]), _Stored(row[2], row[3]))
    return found


class _Append:
    """Rows on their way into the store; `run` may be called several times (design.md, promises)."""

    def __init__(
        self,
        database: "Database",
        rows: Sequence[EventRow],
        arrivals: Sequence[int],
        *,
        quotas: Sequence[Quotas] | None,
        audiences: dict[AudienceName, AudienceRecord],
        object_keys: dict[ObjectRecord, int],
    ) -> None:
        self._database = database
        self._rows = rows
        self._arrivals = arrivals
        self._quotas = quotas
        self._audiences = [audiences[row.audience] for row in rows]
        self._keys = [
            (uuid_to_bytes(row.id), audience.namespace_key) for row, audience in zip(rows, self._audiences, strict=True)
        ]
        self._object_keys = object_keys
        self._tries = 0
        self._own_batch_keys: set[int] = set()

    async def run(self, connection: AsyncConnection) -> list[AppendOutcome]:
        """Decide about every row and write those that are new."""
        self._tries += 1
        # A second run may meet rows that the first one stored before its connection broke.
        asked = [key for key, row in zip(self._keys, self._rows, strict=True) if row.id_given or self._tries > 1]
        stored = await _fetch_stored(connection, asked)
        outcomes = self._decide(stored)
        if self._quotas is not None:
            outcomes = await self._defer(connection, outcomes, stored, self._quotas)
        # Rows are touched in key order, so that two batches with the same ids wait for each other, not in a ring.
        new = sorted(
            (index for index, outcome in enumerate(outcomes) if outcome is AppendOutcome.ACCEPTED),
            key=self._keys.__getitem__,
        )
        new = [index for index in new if self._keys[index] not in stored]
        if new:
            await self._insert(connection, new)
        return outcomes

    def _decide(self, stored: dict[_Key, _Stored]) -> list[AppendOutcome]:
        outcomes: list[AppendOutcome] = []
        first: dict[_Key, bytes] = {}
        for row, key in zip(self._rows, self._keys, strict=True):
            there = stored.get(key)
            if key in first:
                same = first[key] == row.content_hash
                outcomes.append(AppendOutcome.DUPLICATE if same else AppendOutcome.CONFLICT)
            elif there is None:
                outcomes.append(AppendOutcome.ACCEPTED)
                first[key] = row.content_hash
            elif there.content_hash is not None and there.batch_key in self._own_batch_keys:
                outcomes.append(AppendOutcome.ACCEPTED)  # our own COMMIT, whose answer was lost
                first[key] = row.content_hash
            else:
                outcomes.append(_repeat_of(there, row))
        return outcomes

    async def _defer(
        self,
        connection: AsyncConnection,
        outcomes: Sequence[AppendOutcome],
        stored: dict[_Key, _Stored],
        quotas: Sequence[Quotas],
    ) -> list[AppendOutcome]:
        """Defer what is new beyond the rest of its namespace's quota, and what repeats the id of such a row.

        What counts is what is stored, so that a second run, after a lost answer to COMMIT, decides as the first did.
        """
        limited: dict[int, tuple[ArrivalDay, int]] = {}
        for index, (outcome, key) in enumerate(zip(outcomes, self._keys, strict=True)):
            if outcome is AppendOutcome.ACCEPTED and key not in stored:
                quota = quotas[index].of(self._rows[index].audience.namespace)
                if quota is not None:
                    limited[index] = (ArrivalDay(key[1], self._arrivals[index] // MICROSECONDS_PER_DAY), quota)
        if not limited:
            return list(outcomes)
        arrived = await fetch_arrivals(connection, {place for place, _ in limited.values()})
        decided = list(outcomes)
        deferred: set[_Key] = set()
        for index, key in enumerate(self._keys):
            if key in deferred:
                decided[index] = AppendOutcome.DEFERRED
            elif index in limited:
                place, quota = limited[index]
                if arrived[place] >= quota:
                    decided[index] = AppendOutcome.DEFERRED
                    deferred.add(key)
                arrived[place] += 1
        return decided

    async def _insert(self, connection: AsyncConnection, new: Sequence[int]) -> None:
        batch: dict[str, Any] = {"received_at": min(self._arrivals[each] for each in new), "event_count": len(new)}
        if self._database.dialect_name == "sqlite":
            batch["position"] = await next_position(connection)
        result = await connection.execute(_INSERT_BATCH, batch)
        batch_key = result.lastrowid
        await self._insert_rows(connection, events, _EVENT_COLUMNS, self._event_values(new, batch_key))
        references = sorted(self._reference_values(new))
        if references:
            await self._insert_rows(connection, event_objects, _REFERENCE_COLUMNS, references)
        await self._insert_rows(connection, event_count_deltas, _DELTA_COLUMNS, self._delta_values(new))
        if self._database.dialect_name == "mariadb":
            # SQLite may give the number again after a rollback; and its COMMIT is never in doubt.
            self._own_batch_keys.add(batch_key)

    async def _insert_rows(
        self, connection: AsyncConnection, table: Any, columns: tuple[str, ...], values: list[tuple[Any, ...]]
    ) -> None:
        # SQLAlchemy's own treatment of parameters would cost half as much again as the driver's.
        template = driver_insert(table, columns, connection.dialect)
        if self._database.dialect_name == "sqlite":
            await connection.exec_driver_sql(template, values)
            return
        prefix = template.partition("VALUES")[0] + "VALUES "
        for statement in insert_statements(prefix, values):
            await connection.exec_driver_sql(statement, execution_options={SHOWN_SQL: template})

    def _event_values(self, new: Sequence[int], batch_key: int) -> list[tuple[Any, ...]]:
        values = []
        for index in new:
            row = self._rows[index]
            event_id, namespace_key = self._keys[index]
            values.append(
                (
                    event_id,
                    namespace_key,
                    self._audiences[index].key,
                    row.event_type,
                    row.category,
                    row.severity,
                    row.severity_text,
                    row.occurred_at,
                    self._arrivals[index],
                    row.source,
                    row.message,
                    None if row.extra is None else spell_keys(row.extra),
                    row.duration_ms,
                    row.success,
                    row.actor,
                    row.actor_claim,
                    row.session_id,
                    row.request_id,
                    row.correlation_id,
                    None if row.parent_id is None else uuid_to_bytes(row.parent_id),
                    row.trace_id,
                    row.span_id,
                    row.parent_span_id,
                    None if row.registration_id is None else uuid_to_bytes(row.registration_id),
                    row.record_count,
                    row.content_hash,
                    batch_key,
                    index,
                )
            )
        return values

    def _reference_values(self, new: Iterable[int]) -> list[tuple[Any, ...]]:
        values = []
        object_keys = self._object_keys
        for index in new:
            row = self._rows[index]
            event_id, namespace_key = self._keys[index]
            audience_key = self._audiences[index].key
            success = None if row.success is None else int(row.success)
            values += [
                (
                    object_keys[link.object],
                    audience_key,
                    row.occurred_at,
                    event_id,
                    namespace_key,
                    link.object.object_type,
                    row.event_type,
                    row.severity,
                    link.role,
                    success,
                )
                for link in row.objects
            ]
        return values

    def _delta_values(self, new: Iterable[int]) -> list[tuple[Any, ...]]:
        counts: Counter[tuple[int, int, str, int, int, int]] = Counter()
        for index in new:
            row = self._rows[index]
            success = -1 if row.success is None else int(row.success)
            minute = row.occurred_at // MICROSECONDS_PER_MINUTE
            day = self._arrivals[index] // MICROSECONDS_PER_DAY
            counts[self._audiences[index].key, minute, row.event_type, row.severity, success, day] += 1
        # A new event is one row and one occurrence.
        return [(*key, count, count, day) for (*key, day), count in sorted(counts.items())]
