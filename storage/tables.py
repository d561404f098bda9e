"""Tables and named indexes: what is kept. The model is explained in docs/data-model.md.

Times are microseconds UTC; texts compare by code point, trailing blanks included; ids are 16 bytes whose order is the
order of their texts. There are no foreign keys (EV1): writers keep the rows together, tests check that they do.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects import mysql

from storage.dialects import JSON_IS_VALID, UuidText

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

_COLLATION = "utf8mb4_nopad_bin"
_TABLE_OPTIONS: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": _COLLATION,
    "mysql_row_format": "DYNAMIC",
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": _COLLATION,
    "mariadb_row_format": "DYNAMIC",
}


def _text(length: int) -> String:
    return String(length)


def _long_text() -> Text:
    return Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")


def _serial(name: str) -> Column[int]:
    """Make a growing key; SQLite grows only an INTEGER."""
    return Column(name, BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True)


def _micros(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


namespaces = Table(
    "namespaces",
    metadata,
    Column("namespace_key", Integer, primary_key=True, autoincrement=True),
    Column("name", _text(64), nullable=False),
    UniqueConstraint("name"),
    **_TABLE_OPTIONS,
)

audiences = Table(
    "audiences",
    metadata,
    Column("audience_key", Integer, primary_key=True, autoincrement=True),
    Column("namespace_key", Integer, nullable=False),
    Column("readers", _long_text(), comment="JSON list of names, sorted; null: all readers of the namespace"),
    Column("owner", _text(255)),
    Column("digest", LargeBinary(16).with_variant(mysql.BINARY(16), "mysql", "mariadb"), nullable=False),
    UniqueConstraint("namespace_key", "digest"),
    **_TABLE_OPTIONS,
)

events = Table(
    "events",
    metadata,
    Column("id", UuidText, nullable=False),
    Column("namespace_key", Integer, nullable=False),
    Column("audience_key", Integer, nullable=False),
    Column("event_type", _text(64), nullable=False),
    Column("category", _text(64)),
    Column("severity", SmallInteger, nullable=False),
    Column("severity_text", _text(64)),
    _micros("occurred_at"),
    _micros("received_at"),
    Column("source", _text(255), nullable=False),
    Column("message", Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb"), nullable=False),
    Column("extra", _long_text(), comment="JSON, as it came in"),
    Column("duration_ms", Double),
    Column("success", SmallInteger),
    Column("actor", _text(255)),
    Column("actor_claim", _text(255)),
    Column("session_id", _text(255)),
    Column("request_id", _text(255)),
    Column("correlation_id", _text(255)),
    Column("parent_id", UuidText),
    Column("trace_id", _text(255)),
    Column("span_id", _text(255)),
    Column("parent_span_id", _text(255)),
    Column("registration_id", UuidText),
    Column("record_count", BigInteger),
    Column("repeat_count", Integer, nullable=False, server_default="1"),
    _micros("last_occurred_at", nullable=True),
    Column("restored", SmallInteger, nullable=False, server_default="0"),
    Column("content_hash", LargeBinary(16).with_variant(mysql.BINARY(16), "mysql", "mariadb"), nullable=False),
    Column("batch_key", BigInteger, nullable=False),
    Column("batch_index", Integer, nullable=False, comment="place in the batch, from 0"),
    PrimaryKeyConstraint("id", "namespace_key"),
    CheckConstraint(JSON_IS_VALID, name="extra_is_json"),
    **_TABLE_OPTIONS,
    sqlite_with_rowid=False,
)
_EVENT_ORDER = (events.c.occurred_at, events.c.id, events.c.namespace_key)
Index("ix_events_time", *_EVENT_ORDER)
Index("ix_events_namespace", events.c.namespace_key, events.c.occurred_at, events.c.id)
Index("ix_events_audience", events.c.audience_key, *_EVENT_ORDER)
for _name in ("event_type", "severity", "source", "actor"):
    Index(f"ix_events_{_name}", events.c.audience_key, events.c[_name], *_EVENT_ORDER)
for _name in ("request", "correlation", "trace", "parent", "registration"):
    Index(f"ix_events_{_name}", events.c[f"{_name}_id"], *_EVENT_ORDER, events.c.audience_key)
Index("ix_events_batch", events.c.batch_key, events.c.batch_index)

objects = Table(
    "objects",
    metadata,
    _serial("object_key"),
    Column("namespace", _text(64), nullable=False),
    Column("object_type", _text(64), nullable=False),
    Column("object_id", _text(255), nullable=False),
    UniqueConstraint("namespace", "object_type", "object_id"),
    Index("ix_objects_type", "object_type", "namespace", "object_id"),
    Index("ix_objects_id", "object_type", "object_id"),
    **_TABLE_OPTIONS,
)

object_audiences = Table(
    "object_audiences",
    metadata,
    Column("object_key", BigInteger, nullable=False),
    Column("audience_key", Integer, nullable=False),
    PrimaryKeyConstraint("object_key", "audience_key"),
    Index("ix_object_audiences_audience", "audience_key", "object_key"),
    **_TABLE_OPTIONS,
    sqlite_with_rowid=False,
)
"""Which audiences an object's references have: interned before the first such reference is written, so that a timeline
knows its branches without a skip scan (which MariaDB picks only when its statistics happen to favour it)."""

event_objects = Table(
    "event_objects",
    metadata,
    Column("object_key", BigInteger, nullable=False),
    Column("audience_key", Integer, nullable=False),
    _micros("occurred_at"),
    Column("event_id", UuidText, nullable=False),
    Column("namespace_key", Integer, nullable=False),
    Column("object_type", _text(64), nullable=False),
    Column("event_type", _text(64), nullable=False),
    Column("severity", SmallInteger, nullable=False),
    Column("role", _text(64)),
    Column("success", SmallInteger, comment="of the event, so that an object's last success is found"),
    PrimaryKeyConstraint("object_key", "audience_key", "occurred_at", "event_id", "namespace_key"),
    **_TABLE_OPTIONS,
    sqlite_with_rowid=False,
)
_REFERENCE_ORDER = (event_objects.c.occurred_at, event_objects.c.event_id, event_objects.c.namespace_key)
Index("ix_event_objects_event", event_objects.c.event_id, event_objects.c.namespace_key)
for _name in ("event_type", "severity", "success"):
    Index(
        f"ix_event_objects_{_name}",
        event_objects.c.object_key,
        event_objects.c.audience_key,
        event_objects.c[_name],
        *_REFERENCE_ORDER,
    )
Index("ix_event_objects_object_type", event_objects.c.audience_key, event_objects.c.object_type, *_REFERENCE_ORDER)

ingest_batches = Table(
    "ingest_batches",
    metadata,
    _serial("batch_key"),
    _micros("received_at"),
    Column("event_count", Integer, nullable=False),
    Column("position", BigInteger, comment="the order in which batches became visible; given after commit"),
    UniqueConstraint("position"),
    Index("ix_ingest_batches_received", "received_at", "batch_key"),
    **_TABLE_OPTIONS,
)

event_count_deltas = Table(
    "event_count_deltas",
    metadata,
    _serial("delta_key"),
    Column("audience_key", Integer, nullable=False),
    Column("minute", BigInteger, nullable=False, comment="minutes since 1970 of the events' time"),
    Column("event_type", _text(64), nullable=False),
    Column("severity", SmallInteger, nullable=False),
    Column("success", SmallInteger, nullable=False, comment="1, 0, or -1 for unknown"),
    Column("event_rows", BigInteger, nullable=False),
    Column("occurrences", BigInteger, nullable=False),
    Column("arrival_day", Integer, comment="days since 1970 of the arrival; null when nothing arrived"),
    **_TABLE_OPTIONS,
)


def _counts_table(name: str, *, comment: str | None = None) -> Table:
    table = Table(
        name,
        metadata,
        Column("audience_key", Integer, nullable=False),
        Column("minute", BigInteger, nullable=False, comment=comment),
        Column("event_type", _text(64), nullable=False),
        Column("severity", SmallInteger, nullable=False),
        Column("success", SmallInteger, nullable=False),
        Column("event_rows", BigInteger, nullable=False),
        Column("occurrences", BigInteger, nullable=False),
        PrimaryKeyConstraint("audience_key", "minute", "event_type", "severity", "success"),
        **_TABLE_OPTIONS,
        sqlite_with_rowid=False,
    )
    Index(f"ix_{name}_minute", table.c.minute)
    return table


event_counts = _counts_table("event_counts")
event_hour_counts = _counts_table("event_hour_counts", comment="the first minute of the hour")
event_day_counts = _counts_table("event_day_counts", comment="the first minute of the UTC day")
"""Sums of the same events by minute, hour and day: whoever reads a long time reads the coarsest that will do."""

audience_counts = Table(
    "audience_counts",
    metadata,
    Column("audience_key", Integer, primary_key=True, autoincrement=False),
    Column("event_rows", BigInteger, nullable=False),
    Column("occurrences", BigInteger, nullable=False),
    **_TABLE_OPTIONS,
)

ingest_counts = Table(
    "ingest_counts",
    metadata,
    Column("namespace_key", Integer, nullable=False),
    Column("arrival_day", Integer, nullable=False),
    Column("audience_key", Integer, nullable=False),
    Column("event_rows", BigInteger, nullable=False),
    PrimaryKeyConstraint("namespace_key", "arrival_day", "audience_key"),
    **_TABLE_OPTIONS,
)

deleted_ids = Table(
    "deleted_ids",
    metadata,
    Column("id", UuidText, nullable=False),
    Column("namespace_key", Integer, nullable=False),
    _micros("deleted_at"),
    PrimaryKeyConstraint("id", "namespace_key"),
    Index("ix_deleted_ids_time", "deleted_at"),
    **_TABLE_OPTIONS,
    sqlite_with_rowid=False,
)

folded_ids = Table(
    "folded_ids",
    metadata,
    Column("id", UuidText, nullable=False),
    Column("namespace_key", Integer, nullable=False),
    Column("into_id", UuidText, nullable=False, comment="the event that stands for it now"),
    Column("content_hash", LargeBinary(16).with_variant(mysql.BINARY(16), "mysql", "mariadb"), nullable=False),
    PrimaryKeyConstraint("id", "namespace_key"),
    Index("ix_folded_ids_into", "into_id", "namespace_key"),
    **_TABLE_OPTIONS,
    sqlite_with_rowid=False,
)
"""Repeats that were folded into one row (EV11); they go when that row goes."""

registrations = Table(
    "registrations",
    metadata,
    Column("registration_id", UuidText, primary_key=True),
    Column("namespace_key", Integer, nullable=False),
    Column("source", _text(255), nullable=False),
    Column("generation", Integer, nullable=False, comment="1, 2, ... of its source; the highest is the present one"),
    _micros("started_at"),
    _micros("ended_at", nullable=True),
    UniqueConstraint("namespace_key", "source", "generation"),
    **_TABLE_OPTIONS,
)

deletions = Table(
    "deletions",
    metadata,
    Column("deletion_id", UuidText, primary_key=True),
    Column("kind", _text(16), nullable=False),
    Column("state", _text(16), nullable=False),
    Column("requested_by", _text(255)),
    Column("reason", Text),
    Column("filter", _long_text(), nullable=False, comment="JSON, as the caller gave it"),
    Column("selection", _long_text(), nullable=False, comment="JSON: what of whose goes; equal texts mean the same"),
    Column("bound", BigInteger, nullable=False, comment="position: only what was visible then"),
    Column("matched", BigInteger, nullable=False),
    Column("matched_references", BigInteger, nullable=False),
    Column("recounted", BigInteger, nullable=False),
    Column("recounted_references", BigInteger, nullable=False),
    Column("deleted", BigInteger, nullable=False),
    Column("deleted_references", BigInteger, nullable=False),
    Column("place", _long_text(), comment="JSON: where counting or deleting goes on"),
    Column("sample", _long_text(), comment="JSON list of [namespace, id]"),
    _micros("created_at"),
    _micros("started_at", nullable=True),
    _micros("finished_at", nullable=True),
    _micros("expires_at", nullable=True),
    Column("error", Text),
    Index("ix_deletions_state", "state", "deletion_id"),
    **_TABLE_OPTIONS,
)

retention_policies = Table(
    "retention_policies",
    metadata,
    Column("policy_id", UuidText, primary_key=True),
    Column("name", _text(255), nullable=False),
    Column("namespace", _text(64)),
    Column("event_types", _long_text(), nullable=False, comment="JSON list; empty: any"),
    Column("object_types", _long_text(), nullable=False, comment="JSON list; empty: any"),
    Column("sources", _long_text(), nullable=False, comment="JSON list of texts, * at the end for a prefix"),
    Column("selectors", _long_text(), nullable=False, comment="JSON list of selector texts, all of which hold"),
    Column("max_age_seconds", BigInteger, comment="null: for ever"),
    Column("archive", SmallInteger, nullable=False),
    Column("prune_registrations", SmallInteger, nullable=False),
    Column("compact_repeats", SmallInteger, nullable=False),
    Column("enabled", SmallInteger, nullable=False),
    _micros("created_at"),
    _micros("updated_at"),
    **_TABLE_OPTIONS,
)

retention_runs = Table(
    "retention_runs",
    metadata,
    Column("run_id", UuidText, primary_key=True),
    Column("dry_run", SmallInteger, nullable=False),
    Column("requested_by", _text(255), comment="null: by the schedule"),
    _micros("started_at"),
    _micros("finished_at", nullable=True),
    Column("completed", SmallInteger, nullable=False),
    Column("events_removed", BigInteger, nullable=False),
    Column("references_removed", BigInteger, nullable=False),
    Column("archived", BigInteger, nullable=False),
    Column("folded", BigInteger, nullable=False),
    Column("outcomes", _long_text(), nullable=False, comment="JSON: by policy"),
    Column("error", Text),
    Index("ix_retention_runs_finished", "finished_at"),
    **_TABLE_OPTIONS,
)

retention_marks = Table(
    "retention_marks",
    metadata,
    Column("mark", _text(128), primary_key=True, comment="what was examined: policies as they were, by age"),
    _micros("received_at"),
    Column("batch_key", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False, comment="of the batches up to here nothing came late"),
    _micros("updated_at"),
    **_TABLE_OPTIONS,
)

retention_cutoffs = Table(
    "retention_cutoffs",
    metadata,
    Column("policy_id", _text(64), primary_key=True),
    Column("namespace", _text(64)),
    Column("event_types", _long_text(), nullable=False),
    _micros("removed_before"),
    **_TABLE_OPTIONS,
)
"""Up to where each policy has removed what it may: what coverage tells (L8)."""

leases = Table(
    "leases",
    metadata,
    Column("name", _text(64), primary_key=True),
    Column("owner", _text(64), nullable=False),
    Column("epoch", BigInteger, nullable=False),
    _micros("expires_at"),
    Column("high_water", BigInteger, nullable=False, comment="the last number that holders of this lease handed out"),
    **_TABLE_OPTIONS,
)

operation_types = Table(
    "operation_types",
    metadata,
    Column("namespace", _text(64), nullable=False, comment="empty: every namespace"),
    Column("name", _text(64), nullable=False),
    Column("target_fields", _long_text(), nullable=False, comment="JSON list of [field of the payload, object type]"),
    Column("description", Text),
    _micros("created_at"),
    _micros("updated_at"),
    PrimaryKeyConstraint("namespace", "name"),
    **_TABLE_OPTIONS,
)

event_types = Table(
    "event_types",
    metadata,
    Column("namespace", _text(64), nullable=False, comment="empty: every namespace"),
    Column("name", _text(64), nullable=False),
    Column("category", _text(64)),
    Column("subcategory", _text(64)),
    Column("default_severity", SmallInteger, nullable=False),
    Column("enabled", SmallInteger, nullable=False),
    Column("required_details", _long_text(), nullable=False, comment="JSON list of keys of extra"),
    Column("optional_details", _long_text(), nullable=False, comment="JSON list of keys of extra"),
    Column("object_types", _long_text(), nullable=False, comment="JSON list; empty: enabled for any"),
    Column("max_age_seconds", BigInteger, comment="null: as other policies say; -1: for ever"),
    Column("description", Text),
    _micros("created_at"),
    _micros("updated_at"),
    PrimaryKeyConstraint("namespace", "name"),
    **_TABLE_OPTIONS,
)

operations = Table(
    "operations",
    metadata,
    _serial("operation_key"),
    Column("operation_id", UuidText, nullable=False),
    Column("namespace_key", Integer, nullable=False),
    Column("audience_key", Integer, nullable=False, comment="all readers of the namespace"),
    Column("operation_type", _text(64), nullable=False),
    Column("state", _text(16), nullable=False),
    Column("is_pending", SmallInteger, nullable=False),
    _micros("created_at"),
    _micros("updated_at"),
    _micros("finished_at", nullable=True),
    Column("request_id", _text(255)),
    Column("requested_by", _text(255)),
    Column("payload", _long_text(), nullable=False, comment="JSON, as it came in"),
    Column("content_hash", LargeBinary(16).with_variant(mysql.BINARY(16), "mysql", "mariadb"), nullable=False),
    UniqueConstraint("operation_id"),
    Index("ix_operations_namespace", "namespace_key", "operation_key"),
    Index("ix_operations_state", "state", "operation_key"),
    Index("ix_operations_operation_type", "operation_type", "operation_key"),
    Index("ix_operations_finished", "finished_at", "operation_key"),
    **_TABLE_OPTIONS,
)
"""Operations in the order in which they were enqueued: `operation_key` grows."""

operation_targets = Table(
    "operation_targets",
    metadata,
    Column("object_key", BigInteger, nullable=False),
    Column("operation_key", BigInteger, nullable=False),
    Column("is_pending", SmallInteger, nullable=False, comment="as the operation's"),
    Column("namespace_key", Integer, nullable=False),
    Column("audience_key", Integer, nullable=False),
    Column("namespace", _text(64), nullable=False),
    Column("object_type", _text(64), nullable=False),
    Column("object_id", _text(255), nullable=False),
    PrimaryKeyConstraint("object_key", "operation_key"),
    Index("ix_operation_targets_pending", "object_key", "is_pending", "operation_key"),
    Index("ix_operation_targets_object", "is_pending", "namespace", "object_type", "object_id"),
    Index("ix_operation_targets_object_type", "is_pending", "object_type", "namespace", "object_id"),
    Index("ix_operation_targets_operation", "operation_key"),
    **_TABLE_OPTIONS,
    sqlite_with_rowid=False,
)
"""What an operation works on; the names stand here too, so that objects with pending operations are listed by index."""

problem_dismissals = Table(
    "problem_dismissals",
    metadata,
    Column("object_key", BigInteger, nullable=False),
    _micros("occurred_at"),
    Column("event_id", UuidText, nullable=False),
    Column("namespace_key", Integer, nullable=False),
    Column("dismissed_by", _text(255)),
    _micros("dismissed_at"),
    _micros("dismissed_until", nullable=True),
    Column("reason", Text),
    PrimaryKeyConstraint("object_key", "occurred_at", "event_id", "namespace_key"),
    **_TABLE_OPTIONS,
    sqlite_with_rowid=False,
)
"""Errors of an object that somebody has seen to: this event's and all before it."""
