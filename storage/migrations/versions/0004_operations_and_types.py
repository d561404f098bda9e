"""Operations, types of operations and of events, problems that were seen to."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_BYTES_16 = sa.LargeBinary(16).with_variant(mysql.BINARY(16), "mysql", "mariadb")
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
    _add_success()
    _create_operation_types()
    _create_event_types()
    _create_operations()
    _create_operation_targets()
    _create_problem_dismissals()


def _add_success() -> None:
    column = sa.Column(
        "success", sa.SmallInteger(), nullable=True, comment="of the event, so that an object's last success is found"
    )
    if "success" not in {each["name"] for each in sa.inspect(op.get_bind()).get_columns("event_objects")}:
        op.add_column("event_objects", column)
    of_event = "events.id = event_objects.event_id AND events.namespace_key = event_objects.namespace_key"
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            sa.text(
                f"UPDATE event_objects SET success = events.success FROM events"
                f" WHERE {of_event} AND events.success IS NOT NULL"
            )
        )
    else:
        op.execute(
            sa.text(
                f"UPDATE events JOIN event_objects ON {of_event} SET event_objects.success = events.success"
                f" WHERE events.success IS NOT NULL"
            )
        )
    op.create_index(
        "ix_event_objects_success",
        "event_objects",
        ["object_key", "audience_key", "success", "occurred_at", "event_id", "namespace_key"],
        if_not_exists=True,
    )


def _create_operation_types() -> None:
    op.create_table(
        "operation_types",
        sa.Column("namespace", sa.String(length=64), nullable=False, comment="empty: every namespace"),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column(
            "target_fields", _LONG_TEXT, nullable=False, comment="JSON list of [field of the payload, object type]"
        ),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("namespace", "name"),
        if_not_exists=True,
        **_MARIADB,
    )


def _create_event_types() -> None:
    op.create_table(
        "event_types",
        sa.Column("namespace", sa.String(length=64), nullable=False, comment="empty: every namespace"),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("category", sa.String(length=64), nullable=True),
        sa.Column("subcategory", sa.String(length=64), nullable=True),
        sa.Column("default_severity", sa.SmallInteger(), nullable=False),
        sa.Column("enabled", sa.SmallInteger(), nullable=False),
        sa.Column("required_details", _LONG_TEXT, nullable=False, comment="JSON list of keys of extra"),
        sa.Column("optional_details", _LONG_TEXT, nullable=False, comment="JSON list of keys of extra"),
        sa.Column("object_types", _LONG_TEXT, nullable=False, comment="JSON list; empty: enabled for any"),
        sa.Column(
            "max_age_seconds", sa.BigInteger(), nullable=True, comment="null: as other policies say; -1: for ever"
        ),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("namespace", "name"),
        if_not_exists=True,
        **_MARIADB,
    )


def _create_operations() -> None:
    op.create_table(
        "operations",
        sa.Column("operation_key", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("operation_id", _BYTES_16, nullable=False),
        sa.Column("namespace_key", sa.Integer(), nullable=False),
        sa.Column("audience_key", sa.Integer(), nullable=False, comment="all readers of the namespace"),
        sa.Column("operation_type", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("is_pending", sa.SmallInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("request_id", sa.String(length=255), nullable=True),
        sa.Column("requested_by", sa.String(length=255), nullable=True),
        sa.Column("payload", _LONG_TEXT, nullable=False, comment="JSON, as it came in"),
        sa.Column("content_hash", _BYTES_16, nullable=False),
        sa.PrimaryKeyConstraint("operation_key"),
        sa.UniqueConstraint("operation_id", name=op.f("uq_operations_operation_id")),
        if_not_exists=True,
        **_MARIADB,
    )
    for name, columns in {
        "namespace": ["namespace_key", "operation_key"],
        "state": ["state", "operation_key"],
        "operation_type": ["operation_type", "operation_key"],
        "finished": ["finished_at", "operation_key"],
    }.items():
        op.create_index(f"ix_operations_{name}", "operations", columns, if_not_exists=True)


def _create_operation_targets() -> None:
    op.create_table(
        "operation_targets",
        sa.Column("object_key", sa.BigInteger(), nullable=False),
        sa.Column("operation_key", sa.BigInteger(), nullable=False),
        sa.Column("is_pending", sa.SmallInteger(), nullable=False, comment="as the operation's"),
        sa.Column("namespace_key", sa.Integer(), nullable=False),
        sa.Column("audience_key", sa.Integer(), nullable=False),
        sa.Column("namespace", sa.String(length=64), nullable=False),
        sa.Column("object_type", sa.String(length=64), nullable=False),
        sa.Column("object_id", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("object_key", "operation_key"),
        if_not_exists=True,
        **_MARIADB,
        sqlite_with_rowid=False,
    )
    for name, columns in {
        "pending": ["object_key", "is_pending", "operation_key"],
        "object": ["is_pending", "namespace", "object_type", "object_id"],
        "object_type": ["is_pending", "object_type", "namespace", "object_id"],
        "operation": ["operation_key"],
    }.items():
        op.create_index(f"ix_operation_targets_{name}", "operation_targets", columns, if_not_exists=True)


def _create_problem_dismissals() -> None:
    op.create_table(
        "problem_dismissals",
        sa.Column("object_key", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("event_id", _BYTES_16, nullable=False),
        sa.Column("namespace_key", sa.Integer(), nullable=False),
        sa.Column("dismissed_by", sa.String(length=255), nullable=True),
        sa.Column("dismissed_at", sa.BigInteger(), nullable=False),
        sa.Column("dismissed_until", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("object_key", "occurred_at", "event_id", "namespace_key"),
        if_not_exists=True,
        **_MARIADB,
        sqlite_with_rowid=False,
    )
