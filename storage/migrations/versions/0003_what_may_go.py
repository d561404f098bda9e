"""What may go: deletions, retention, registrations, folded repeats."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_BYTES_16 = sa.LargeBinary(16).with_variant(mysql.BINARY(16), "mysql", "mariadb")
_LONG_TEXT = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
_MARIADB: dict[str, Any] = {
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_nopad_bin",
    "mariadb_row_format": "DYNAMIC",
}


def upgrade() -> None:
    # Every statement can be run twice: MariaDB keeps what was made before a crash.
    op.create_index("ix_ingest_batches_received", "ingest_batches", ["received_at", "batch_key"], if_not_exists=True)
    _create_folded_ids()
    _create_registrations()
    _create_deletions()
    _create_retention_policies()
    _create_retention_runs()
    _create_retention_marks()
    _create_retention_cutoffs()


def _create_folded_ids() -> None:
    op.create_table(
        "folded_ids",
        sa.Column("id", _BYTES_16, nullable=False),
        sa.Column("namespace_key", sa.Integer(), nullable=False),
        sa.Column("into_id", _BYTES_16, nullable=False, comment="the event that stands for it now"),
        sa.Column("content_hash", _BYTES_16, nullable=False),
        sa.PrimaryKeyConstraint("id", "namespace_key"),
        if_not_exists=True,
        **_MARIADB,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_folded_ids_into", "folded_ids", ["into_id", "namespace_key"], if_not_exists=True)


def _create_registrations() -> None:
    op.create_table(
        "registrations",
        sa.Column("registration_id", _BYTES_16, nullable=False),
        sa.Column("namespace_key", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=255), nullable=False),
        sa.Column(
            "generation",
            sa.Integer(),
            nullable=False,
            comment="1, 2, ... of its source; the highest is the present one",
        ),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("registration_id"),
        sa.UniqueConstraint(
            "namespace_key", "source", "generation", name=op.f("uq_registrations_namespace_key_source_generation")
        ),
        if_not_exists=True,
        **_MARIADB,
    )


def _create_deletions() -> None:
    op.create_table(
        "deletions",
        sa.Column("deletion_id", _BYTES_16, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("requested_by", sa.String(length=255), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("filter", _LONG_TEXT, nullable=False, comment="JSON, as the caller gave it"),
        sa.Column(
            "selection", _LONG_TEXT, nullable=False, comment="JSON: what of whose goes; equal texts mean the same"
        ),
        sa.Column("bound", sa.BigInteger(), nullable=False, comment="position: only what was visible then"),
        sa.Column("matched", sa.BigInteger(), nullable=False),
        sa.Column("matched_references", sa.BigInteger(), nullable=False),
        sa.Column("recounted", sa.BigInteger(), nullable=False),
        sa.Column("recounted_references", sa.BigInteger(), nullable=False),
        sa.Column("deleted", sa.BigInteger(), nullable=False),
        sa.Column("deleted_references", sa.BigInteger(), nullable=False),
        sa.Column("place", _LONG_TEXT, nullable=True, comment="JSON: where counting or deleting goes on"),
        sa.Column("sample", _LONG_TEXT, nullable=True, comment="JSON list of [namespace, id]"),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("deletion_id"),
        if_not_exists=True,
        **_MARIADB,
    )
    op.create_index("ix_deletions_state", "deletions", ["state", "deletion_id"], if_not_exists=True)


def _create_retention_policies() -> None:
    op.create_table(
        "retention_policies",
        sa.Column("policy_id", _BYTES_16, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("namespace", sa.String(length=64), nullable=True),
        sa.Column("event_types", _LONG_TEXT, nullable=False, comment="JSON list; empty: any"),
        sa.Column("object_types", _LONG_TEXT, nullable=False, comment="JSON list; empty: any"),
        sa.Column("sources", _LONG_TEXT, nullable=False, comment="JSON list of texts, * at the end for a prefix"),
        sa.Column("selectors", _LONG_TEXT, nullable=False, comment="JSON list of selector texts, all of which hold"),
        sa.Column("max_age_seconds", sa.BigInteger(), nullable=True, comment="null: for ever"),
        sa.Column("archive", sa.SmallInteger(), nullable=False),
        sa.Column("prune_registrations", sa.SmallInteger(), nullable=False),
        sa.Column("compact_repeats", sa.SmallInteger(), nullable=False),
        sa.Column("enabled", sa.SmallInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("policy_id"),
        if_not_exists=True,
        **_MARIADB,
    )


def _create_retention_runs() -> None:
    op.create_table(
        "retention_runs",
        sa.Column("run_id", _BYTES_16, nullable=False),
        sa.Column("dry_run", sa.SmallInteger(), nullable=False),
        sa.Column("requested_by", sa.String(length=255), nullable=True, comment="null: by the schedule"),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("completed", sa.SmallInteger(), nullable=False),
        sa.Column("events_removed", sa.BigInteger(), nullable=False),
        sa.Column("references_removed", sa.BigInteger(), nullable=False),
        sa.Column("archived", sa.BigInteger(), nullable=False),
        sa.Column("folded", sa.BigInteger(), nullable=False),
        sa.Column("outcomes", _LONG_TEXT, nullable=False, comment="JSON: by policy"),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("run_id"),
        if_not_exists=True,
        **_MARIADB,
    )
    op.create_index("ix_retention_runs_finished", "retention_runs", ["finished_at"], if_not_exists=True)


def _create_retention_marks() -> None:
    op.create_table(
        "retention_marks",
        sa.Column(
            "mark", sa.String(length=128), nullable=False, comment="what was examined: policies as they were, by age"
        ),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("batch_key", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False, comment="of the batches up to here nothing came late"),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("mark"),
        if_not_exists=True,
        **_MARIADB,
    )


def _create_retention_cutoffs() -> None:
    op.create_table(
        "retention_cutoffs",
        sa.Column("policy_id", sa.String(length=64), nullable=False),
        sa.Column("namespace", sa.String(length=64), nullable=True),
        sa.Column("event_types", _LONG_TEXT, nullable=False),
        sa.Column("removed_before", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("policy_id"),
        if_not_exists=True,
        **_MARIADB,
    )
