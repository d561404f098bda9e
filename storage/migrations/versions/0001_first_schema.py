"""The first schema."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_BYTES_16 = sa.LargeBinary(16).with_variant(mysql.BINARY(16), "mysql", "mariadb")
_MEDIUM_TEXT = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
_LONG_TEXT = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MARIADB: dict[str, Any] = {
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_nopad_bin",
    "mariadb_row_format": "DYNAMIC",
}


def upgrade() -> None:
    # Every statement can be run twice: MariaDB keeps what was made before a crash.
    _create_namespaces()
    _create_audiences()
    _create_events()
    _create_objects()
    _create_object_audiences()
    _create_event_objects()
    _create_ingest_batches()
    _create_event_count_deltas()
    _create_event_counts()
    _create_audience_counts()
    _create_ingest_counts()
    _create_deleted_ids()
    _create_leases()
    op.execute(_READABLE_EVENTS[op.get_bind().dialect.name])


def _create_namespaces() -> None:
    op.create_table(
        "namespaces",
        sa.Column("namespace_key", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("namespace_key"),
        sa.UniqueConstraint("name", name=op.f("uq_namespaces_name")),
        if_not_exists=True,
        **_MARIADB,
    )


def _create_audiences() -> None:
    op.create_table(
        "audiences",
        sa.Column("audience_key", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("namespace_key", sa.Integer(), nullable=False),
        sa.Column(
            "readers",
            _LONG_TEXT,
            nullable=True,
            comment="JSON list of names, sorted; null: all readers of the namespace",
        ),
        sa.Column("owner", sa.String(length=255), nullable=True),
        sa.Column("digest", _BYTES_16, nullable=False),
        sa.PrimaryKeyConstraint("audience_key"),
        sa.UniqueConstraint("namespace_key", "digest", name=op.f("uq_audiences_namespace_key_digest")),
        if_not_exists=True,
        **_MARIADB,
    )


def _create_events() -> None:
    op.create_table(
        "events",
        sa.Column("id", _BYTES_16, nullable=False),
        sa.Column("namespace_key", sa.Integer(), nullable=False),
        sa.Column("audience_key", sa.Integer(), nullable=False),
        sa.Column("event_type", sa.String(length=64), nullable=False),
        sa.Column("category", sa.String(length=64), nullable=True),
        sa.Column("severity", sa.SmallInteger(), nullable=False),
        sa.Column("severity_text", sa.String(length=64), nullable=True),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=255), nullable=False),
        sa.Column("message", _MEDIUM_TEXT, nullable=False),
        sa.Column("extra", _LONG_TEXT, nullable=True, comment="JSON, as it came in"),
        sa.Column("duration_ms", sa.Double(), nullable=True),
        sa.Column("success", sa.SmallInteger(), nullable=True),
        sa.Column("actor", sa.String(length=255), nullable=True),
        sa.Column("actor_claim", sa.String(length=255), nullable=True),
        sa.Column("session_id", sa.String(length=255), nullable=True),
        sa.Column("request_id", sa.String(length=255), nullable=True),
        sa.Column("correlation_id", sa.String(length=255), nullable=True),
        sa.Column("parent_id", _BYTES_16, nullable=True),
        sa.Column("trace_id", sa.String(length=255), nullable=True),
        sa.Column("span_id", sa.String(length=255), nullable=True),
        sa.Column("parent_span_id", sa.String(length=255), nullable=True),
        sa.Column("registration_id", _BYTES_16, nullable=True),
        sa.Column("record_count", sa.BigInteger(), nullable=True),
        sa.Column("repeat_count", sa.Integer(), server_default="1", nullable=False),
        sa.Column("last_occurred_at", sa.BigInteger(), nullable=True),
        sa.Column("restored", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("content_hash", _BYTES_16, nullable=False),
        sa.Column("batch_key", sa.BigInteger(), nullable=False),
        sa.Column("batch_index", sa.Integer(), nullable=False, comment="place in the batch, from 0"),
        sa.CheckConstraint("extra IS NULL OR json_valid(extra)", name=op.f("ck_events_extra_is_json")),
        sa.PrimaryKeyConstraint("id", "namespace_key"),
        if_not_exists=True,
        **_MARIADB,
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_events_actor", "events", ["audience_key", "actor", "occurred_at", "id", "namespace_key"], if_not_exists=True
    )
    op.create_index(
        "ix_events_audience", "events", ["audience_key", "occurred_at", "id", "namespace_key"], if_not_exists=True
    )
    op.create_index("ix_events_batch", "events", ["batch_key", "batch_index"], if_not_exists=True)
    op.create_index(
        "ix_events_correlation",
        "events",
        ["correlation_id", "occurred_at", "id", "namespace_key", "audience_key"],
        if_not_exists=True,
    )
    op.create_index(
        "ix_events_event_type",
        "events",
        ["audience_key", "event_type", "occurred_at", "id", "namespace_key"],
        if_not_exists=True,
    )
    op.create_index("ix_events_namespace", "events", ["namespace_key", "occurred_at", "id"], if_not_exists=True)
    op.create_index(
        "ix_events_parent",
        "events",
        ["parent_id", "occurred_at", "id", "namespace_key", "audience_key"],
        if_not_exists=True,
    )
    op.create_index(
        "ix_events_registration",
        "events",
        ["registration_id", "occurred_at", "id", "namespace_key", "audience_key"],
        if_not_exists=True,
    )
    op.create_index(
        "ix_events_request",
        "events",
        ["request_id", "occurred_at", "id", "namespace_key", "audience_key"],
        if_not_exists=True,
    )
    op.create_index(
        "ix_events_severity",
        "events",
        ["audience_key", "severity", "occurred_at", "id", "namespace_key"],
        if_not_exists=True,
    )
    op.create_index(
        "ix_events_source",
        "events",
        ["audience_key", "source", "occurred_at", "id", "namespace_key"],
        if_not_exists=True,
    )
    op.create_index("ix_events_time", "events", ["occurred_at", "id", "namespace_key"], if_not_exists=True)
    op.create_index(
        "ix_events_trace",
        "events",
        ["trace_id", "occurred_at", "id", "namespace_key", "audience_key"],
        if_not_exists=True,
    )


def _create_objects() -> None:
    op.create_table(
        "objects",
        sa.Column("object_key", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("namespace", sa.String(length=64), nullable=False),
        sa.Column("object_type", sa.String(length=64), nullable=False),
        sa.Column("object_id", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("object_key"),
        sa.UniqueConstraint(
            "namespace", "object_type", "object_id", name=op.f("uq_objects_namespace_object_type_object_id")
        ),
        if_not_exists=True,
        **_MARIADB,
    )
    op.create_index("ix_objects_id", "objects", ["object_type", "object_id"], if_not_exists=True)
    op.create_index("ix_objects_type", "objects", ["object_type", "namespace", "object_id"], if_not_exists=True)


def _create_object_audiences() -> None:
    op.create_table(
        "object_audiences",
        sa.Column("object_key", sa.BigInteger(), nullable=False),
        sa.Column("audience_key", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("object_key", "audience_key"),
        if_not_exists=True,
        **_MARIADB,
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_object_audiences_audience", "object_audiences", ["audience_key", "object_key"], if_not_exists=True
    )


def _create_event_objects() -> None:
    op.create_table(
        "event_objects",
        sa.Column("object_key", sa.BigInteger(), nullable=False),
        sa.Column("audience_key", sa.Integer(), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("event_id", _BYTES_16, nullable=False),
        sa.Column("namespace_key", sa.Integer(), nullable=False),
        sa.Column("object_type", sa.String(length=64), nullable=False),
        sa.Column("event_type", sa.String(length=64), nullable=False),
        sa.Column("severity", sa.SmallInteger(), nullable=False),
        sa.Column("role", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("object_key", "audience_key", "occurred_at", "event_id", "namespace_key"),
        if_not_exists=True,
        **_MARIADB,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_event_objects_event", "event_objects", ["event_id", "namespace_key"], if_not_exists=True)
    op.create_index(
        "ix_event_objects_event_type",
        "event_objects",
        ["object_key", "audience_key", "event_type", "occurred_at", "event_id", "namespace_key"],
        if_not_exists=True,
    )
    op.create_index(
        "ix_event_objects_object_type",
        "event_objects",
        ["audience_key", "object_type", "occurred_at", "event_id", "namespace_key"],
        if_not_exists=True,
    )
    op.create_index(
        "ix_event_objects_severity",
        "event_objects",
        ["object_key", "audience_key", "severity", "occurred_at", "event_id", "namespace_key"],
        if_not_exists=True,
    )


def _create_ingest_batches() -> None:
    op.create_table(
        "ingest_batches",
        sa.Column("batch_key", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("event_count", sa.Integer(), nullable=False),
        sa.Column(
            "position",
            sa.BigInteger(),
            nullable=True,
            comment="the order in which batches became visible; given after commit",
        ),
        sa.PrimaryKeyConstraint("batch_key"),
        sa.UniqueConstraint("position", name=op.f("uq_ingest_batches_position")),
        if_not_exists=True,
        **_MARIADB,
    )


def _create_event_count_deltas() -> None:
    op.create_table(
        "event_count_deltas",
        sa.Column("delta_key", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("audience_key", sa.Integer(), nullable=False),
        sa.Column("minute", sa.BigInteger(), nullable=False, comment="minutes since 1970 of the events' time"),
        sa.Column("event_type", sa.String(length=64), nullable=False),
        sa.Column("severity", sa.SmallInteger(), nullable=False),
        sa.Column("success", sa.SmallInteger(), nullable=False, comment="1, 0, or -1 for unknown"),
        sa.Column("event_rows", sa.BigInteger(), nullable=False),
        sa.Column("occurrences", sa.BigInteger(), nullable=False),
        sa.Column(
            "arrival_day",
            sa.Integer(),
            nullable=True,
            comment="days since 1970 of the arrival; null when nothing arrived",
        ),
        sa.PrimaryKeyConstraint("delta_key"),
        if_not_exists=True,
        **_MARIADB,
    )


def _create_event_counts() -> None:
    op.create_table(
        "event_counts",
        sa.Column("audience_key", sa.Integer(), nullable=False),
        sa.Column("minute", sa.BigInteger(), nullable=False),
        sa.Column("event_type", sa.String(length=64), nullable=False),
        sa.Column("severity", sa.SmallInteger(), nullable=False),
        sa.Column("success", sa.SmallInteger(), nullable=False),
        sa.Column("event_rows", sa.BigInteger(), nullable=False),
        sa.Column("occurrences", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("audience_key", "minute", "event_type", "severity", "success"),
        if_not_exists=True,
        **_MARIADB,
        sqlite_with_rowid=False,
    )


def _create_audience_counts() -> None:
    op.create_table(
        "audience_counts",
        sa.Column("audience_key", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("event_rows", sa.BigInteger(), nullable=False),
        sa.Column("occurrences", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("audience_key"),
        if_not_exists=True,
        **_MARIADB,
    )


def _create_ingest_counts() -> None:
    op.create_table(
        "ingest_counts",
        sa.Column("namespace_key", sa.Integer(), nullable=False),
        sa.Column("arrival_day", sa.Integer(), nullable=False),
        sa.Column("audience_key", sa.Integer(), nullable=False),
        sa.Column("event_rows", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("namespace_key", "arrival_day", "audience_key"),
        if_not_exists=True,
        **_MARIADB,
    )


def _create_deleted_ids() -> None:
    op.create_table(
        "deleted_ids",
        sa.Column("id", _BYTES_16, nullable=False),
        sa.Column("namespace_key", sa.Integer(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "namespace_key"),
        if_not_exists=True,
        **_MARIADB,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_deleted_ids_time", "deleted_ids", ["deleted_at"], if_not_exists=True)


def _create_leases() -> None:
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "high_water",
            sa.BigInteger(),
            nullable=False,
            comment="the last number that holders of this lease handed out",
        ),
        sa.PrimaryKeyConstraint("name"),
        if_not_exists=True,
        **_MARIADB,
    )


_READABLE_EVENTS = {
    "sqlite": (
        "CREATE VIEW IF NOT EXISTS readable_events AS SELECT CASE WHEN e.id IS NULL THEN NULL ELSE "
        "substr(lower(hex(e.id)), 1, 8) || '-' || substr(lower(hex(e.id)), 9, 4) || '-' || substr(lower(hex(e.id)), "
        "13, 4) || '-' || substr(lower(hex(e.id)), 17, 4) || '-' || substr(lower(hex(e.id)), 21, 12) END AS id, "
        "n.name AS namespace, e.event_type, e.category, CASE e.severity WHEN 0 THEN 'DEBUG' WHEN 1 THEN 'INFO' WHEN 2"
        " THEN 'NOTICE' WHEN 3 THEN 'WARNING' WHEN 4 THEN 'ERROR' ELSE 'CRITICAL' END AS severity, e.severity_text, "
        "strftime('%Y-%m-%d %H:%M:%S', e.occurred_at / 1000000, 'unixepoch') || printf('.%06d', e.occurred_at % "
        "1000000) AS occurred_at, strftime('%Y-%m-%d %H:%M:%S', e.received_at / 1000000, 'unixepoch') || "
        "printf('.%06d', e.received_at % 1000000) AS received_at, e.source, e.message, e.extra, e.duration_ms, "
        "e.success, e.actor, e.actor_claim, e.session_id, e.request_id, e.correlation_id, CASE WHEN e.parent_id IS "
        "NULL THEN NULL ELSE substr(lower(hex(e.parent_id)), 1, 8) || '-' || substr(lower(hex(e.parent_id)), 9, 4) ||"
        " '-' || substr(lower(hex(e.parent_id)), 13, 4) || '-' || substr(lower(hex(e.parent_id)), 17, 4) || '-' || "
        "substr(lower(hex(e.parent_id)), 21, 12) END AS parent_id, e.trace_id, e.span_id, e.parent_span_id, CASE WHEN"
        " e.registration_id IS NULL THEN NULL ELSE substr(lower(hex(e.registration_id)), 1, 8) || '-' || "
        "substr(lower(hex(e.registration_id)), 9, 4) || '-' || substr(lower(hex(e.registration_id)), 13, 4) || '-' ||"
        " substr(lower(hex(e.registration_id)), 17, 4) || '-' || substr(lower(hex(e.registration_id)), 21, 12) END AS"
        " registration_id, e.record_count, e.repeat_count, a.owner, a.readers FROM events e JOIN namespaces n ON "
        "n.namespace_key = e.namespace_key JOIN audiences a ON a.audience_key = e.audience_key"
    ),
    "mariadb": (
        "CREATE OR REPLACE SQL SECURITY INVOKER VIEW readable_events AS SELECT CAST(e.id AS UUID) AS id, n.name AS "
        "namespace, e.event_type, e.category, CASE e.severity WHEN 0 THEN 'DEBUG' WHEN 1 THEN 'INFO' WHEN 2 THEN "
        "'NOTICE' WHEN 3 THEN 'WARNING' WHEN 4 THEN 'ERROR' ELSE 'CRITICAL' END AS severity, e.severity_text, "
        "TIMESTAMP('1970-01-01 00:00:00') + INTERVAL e.occurred_at MICROSECOND AS occurred_at, TIMESTAMP('1970-01-01 "
        "00:00:00') + INTERVAL e.received_at MICROSECOND AS received_at, e.source, e.message, e.extra, e.duration_ms,"
        " e.success, e.actor, e.actor_claim, e.session_id, e.request_id, e.correlation_id, CAST(e.parent_id AS UUID) "
        "AS parent_id, e.trace_id, e.span_id, e.parent_span_id, CAST(e.registration_id AS UUID) AS registration_id, "
        "e.record_count, e.repeat_count, a.owner, a.readers FROM events e JOIN namespaces n ON n.namespace_key = "
        "e.namespace_key JOIN audiences a ON a.audience_key = e.audience_key"
    ),
}
