"""Loading: a long history put into a store several times faster than it could be ingested, with the same rows.

The first events go through the gateway's own ingest, which also gives every name its key. The rest is validated by
the gateway's code and inserted in long transactions while the large tables have no secondary indexes. That both ways
write the same rows is checked with the events that went through ingest.
"""

import asyncio
import itertools
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from sqlalchemy import Index

from bench.errors import BenchError
from bench.floor_ingest import EVENT_COLUMNS, REFERENCE_COLUMNS
from bench.history import NAMESPACE, History
from bench.stores import Store
from gateway.demo.loader import load_history
from mutations.drafts import EventDraft
from mutations.limits import IngestLimits
from mutations.validation import EventValidator
from storage.appends import EventRow
from storage.counts import SUMS
from storage.engine import Database
from storage.identifiers import uuid_to_bytes
from storage.literals import insert_statements
from storage.tables import metadata
from storage.times import MICROSECONDS_PER_DAY, MICROSECONDS_PER_MINUTE, now_micros

BATCH_EVENTS = 1_000
_BATCHES_PER_TRANSACTION = 10
_TRANSACTIONS_AHEAD = 2
_LARGE = ("events", "event_objects")
_BATCH_COLUMNS = ("batch_key", "received_at", "event_count", "position")
_OWN = ("received_at", "batch_key")

Values = list[tuple[Any, ...]]
Batch = dict[str, Values]


def load(store: Store, url: str, history: History, advance: Callable[[int], None]) -> None:
    """Put a history into a store that has none; `advance` is told how many more events are in. Raises BenchError.

    The large tables are left without secondary indexes: `finish` makes them.
    """
    drafts = history.drafts()
    # Each of them touches another node, so that after them every object is known.
    first = list(itertools.islice(drafts, max(BATCH_EVENTS, history.nodes)))
    asyncio.run(_ingest(url, first, advance))
    _Loader(store).require_same_rows(first[:BATCH_EVENTS])
    require_same_counts(store)
    drop_indexes(store)
    _Loader(store).insert(drafts, advance)


def finish(store: Store) -> None:
    """Make the indexes and count the events, which takes a third of the time."""
    make_indexes(store)
    count(store)
    store.settle()


async def _ingest(url: str, drafts: Iterable[EventDraft], advance: Callable[[int], None]) -> None:
    database = await Database.open(url)
    try:
        report = await load_history(database, drafts, clock=now_micros, advance=advance)
    finally:
        await database.close()
    if report.refused:
        raise BenchError(f"{report.refused} events of the history were refused: {report.first_problem}")


class _Loader:
    """Writes events as ingest does, by keys that are there already."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._received_at = now_micros()
        [(self._namespace_key, self._audience_key)] = store.query("SELECT namespace_key, audience_key FROM audiences")
        objects = store.query("SELECT object_type, object_id, object_key FROM objects")
        self._object_keys = {(kind, identifier): key for kind, identifier, key in objects}
        [(self._batch_key, position)] = store.query("SELECT MAX(batch_key), MAX(position) FROM ingest_batches")
        # On SQLite the position is part of the transaction; on MariaDB the gateway gives it when it starts.
        self._position: int | None = position if store.is_sqlite else None
        self._validator = EventValidator(home_namespace=NAMESPACE, limits=IngestLimits(), received_at=self._received_at)

    def insert(self, drafts: Iterable[EventDraft], advance: Callable[[int], None]) -> None:
        """Insert batch by batch; the database writes some while the next are made."""
        drafts = iter(drafts)
        with self._store.connect() as connection, ThreadPoolExecutor(max_workers=1) as writer:
            writing: list[Future[int]] = []
            while batches := self._next_batches(drafts):
                writing.append(writer.submit(self._write, connection, batches))
                if len(writing) > _TRANSACTIONS_AHEAD:
                    advance(writing.pop(0).result())
            for each in writing:
                advance(each.result())
        if self._position is not None:
            self._store.change(f"UPDATE leases SET high_water = {self._position} WHERE name = 'sequencer'")

    def require_same_rows(self, drafts: Sequence[EventDraft]) -> None:
        """Compare what would be inserted with what ingest has stored. Raises BenchError."""
        made = self._to_batch(list(drafts))
        ids = [row[0] for row in made["events"]]
        for table, columns, key in (("events", EVENT_COLUMNS, "id"), ("event_objects", REFERENCE_COLUMNS, "event_id")):
            shown = [name for name in columns if name not in _OWN]
            positions = [columns.index(name) for name in shown]
            expected = sorted(tuple(row[position] for position in positions) for row in made[table])
            listed = ", ".join(f"x'{each.hex()}'" for each in ids)
            stored = sorted(self._store.query(f"SELECT {', '.join(shown)} FROM {table} WHERE {key} IN ({listed})"))
            for ours, theirs in itertools.zip_longest(expected, stored):
                if ours != theirs:
                    raise BenchError(f"ingest stores other {table} than the loader:\n{theirs}\n{ours}")

    def _next_batches(self, drafts: Iterable[EventDraft]) -> list[Batch]:
        taken = list(itertools.islice(drafts, BATCH_EVENTS * _BATCHES_PER_TRANSACTION))
        return [self._to_batch(taken[start : start + BATCH_EVENTS]) for start in range(0, len(taken), BATCH_EVENTS)]

    def _to_batch(self, drafts: list[EventDraft]) -> Batch:
        self._batch_key += 1
        self._position = None if self._position is None else self._position + 1
        rows = [self._validator.to_row(draft) for draft in drafts]
        ids = [uuid_to_bytes(row.id) for row in rows]
        references = itertools.chain.from_iterable(map(self._references, rows, ids))
        return {
            "ingest_batches": [(self._batch_key, self._received_at, len(rows), self._position)],
            "events": [self._event(row, ids[index], index) for index, row in enumerate(rows)],
            "event_objects": sorted(references),
        }

    def _event(self, row: EventRow, event_id: bytes, index: int) -> tuple[Any, ...]:
        # What the history never has (parents, registrations) is not converted either.
        return (
            *(event_id, self._namespace_key, self._audience_key, row.event_type, row.category, row.severity),
            *(row.severity_text, row.occurred_at, self._received_at, row.source, row.message, row.extra),
            *(row.duration_ms, row.success, row.actor, row.actor_claim, row.session_id, row.request_id),
            *(row.correlation_id, None, row.trace_id, row.span_id, row.parent_span_id, None, row.record_count),
            *(row.content_hash, self._batch_key, index),
        )

    def _references(self, row: EventRow, event_id: bytes) -> Iterable[tuple[Any, ...]]:
        for link in row.objects:
            kind, identifier = link.object.object_type, link.object.object_id
            place = (self._object_keys[kind, identifier], self._audience_key, row.occurred_at, event_id)
            yield (*place, self._namespace_key, kind, row.event_type, row.severity, link.role, row.success)

    def _write(self, connection: Any, batches: list[Batch]) -> int:
        cursor = connection.cursor()
        cursor.execute("BEGIN")
        for batch in batches:
            for table, columns in (
                ("ingest_batches", _BATCH_COLUMNS),
                ("events", EVENT_COLUMNS),
                ("event_objects", REFERENCE_COLUMNS),
            ):
                self._insert(cursor, f"INSERT INTO {table} ({', '.join(columns)}) VALUES ", batch[table])
        cursor.execute("COMMIT")
        return sum(len(batch["events"]) for batch in batches)

    def _insert(self, cursor: Any, prefix: str, rows: Values) -> None:
        if self._store.is_sqlite:
            cursor.executemany(f"{prefix}({', '.join('?' * len(rows[0]))})", rows)
            return
        for statement in insert_statements(prefix, rows):
            cursor.execute(statement)


def require_same_counts(store: Store) -> None:
    """Count what ingest has counted, and compare. Raises BenchError."""
    tables = (*(table.name for table in SUMS.values()), "audience_counts", "ingest_counts")
    before = {table: sorted(store.query(f"SELECT * FROM {table}")) for table in tables}
    count(store)
    for table in tables:
        if before[table] != sorted(store.query(f"SELECT * FROM {table}")):
            raise BenchError(f"ingest counts otherwise than the loader: {table}")


def count(store: Store) -> None:
    """Count all events that are there."""
    # Sorted, not by a temporary table that soon lies on disk.
    select, divided = ("SELECT", "/") if store.is_sqlite else ("SELECT SQL_BIG_RESULT", "DIV")
    minute = f"occurred_at {divided} {MICROSECONDS_PER_MINUTE}"
    day = f"received_at {divided} {MICROSECONDS_PER_DAY}"
    by_minute, *coarser = SUMS.items()
    for table, source, keys, sums in (
        (
            by_minute[1].name,
            "events",
            f"audience_key, {minute}, event_type, severity, COALESCE(success, -1)",
            "COUNT(*), SUM(repeat_count)",
        ),
        *(
            (
                each.name,
                by_minute[1].name,
                f"audience_key, minute - minute % {minutes}, event_type, severity, success",
                "SUM(event_rows), SUM(occurrences)",
            )
            for minutes, each in coarser
        ),
        ("audience_counts", "events", "audience_key", "COUNT(*), SUM(repeat_count)"),
        ("ingest_counts", "events", f"namespace_key, {day}, audience_key", "COUNT(*)"),
    ):
        store.change(f"DELETE FROM {table}")
        store.change(f"INSERT INTO {table} {select} {keys}, {sums} FROM {source} GROUP BY {keys}")


def drop_indexes(store: Store) -> None:
    """Take the secondary indexes from the large tables."""
    for table in _LARGE:
        names = [str(index.name) for index in _indexes(table)]
        if store.is_sqlite:
            for name in names:
                store.change(f"DROP INDEX {name}")
        else:
            store.change(f"ALTER TABLE {table} {', '.join(f'DROP INDEX {name}' for name in names)}")


def make_indexes(store: Store) -> None:
    """Give the large tables their secondary indexes again; on MariaDB both tables at the same time."""
    statements = []
    for table in _LARGE:
        listed = [(index.name, ", ".join(column.name for column in index.columns)) for index in _indexes(table)]
        if store.is_sqlite:
            statements += [f"CREATE INDEX {name} ON {table} ({columns})" for name, columns in listed]
        else:
            added = ", ".join(f"ADD INDEX {name} ({columns})" for name, columns in listed)
            statements.append(f"ALTER TABLE {table} {added}")
    with ThreadPoolExecutor(max_workers=1 if store.is_sqlite else len(statements)) as makers:
        for made in [makers.submit(store.change, statement) for statement in statements]:
            made.result()


def _indexes(table: str) -> list[Index]:
    return sorted(metadata.tables[table].indexes, key=lambda index: str(index.name))
