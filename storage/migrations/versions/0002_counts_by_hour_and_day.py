"""Counts by hour and by day."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_MARIADB: dict[str, Any] = {
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_nopad_bin",
    "mariadb_row_format": "DYNAMIC",
}


def upgrade() -> None:
    # Every statement can be run twice: MariaDB keeps what was made before a crash.
    op.create_index("ix_event_counts_minute", "event_counts", ["minute"], if_not_exists=True)
    _create_sums("event_hour_counts", minutes=60, comment="the first minute of the hour")
    _create_sums("event_day_counts", minutes=1440, comment="the first minute of the UTC day")


def _create_sums(name: str, *, minutes: int, comment: str) -> None:
    op.create_table(
        name,
        sa.Column("audience_key", sa.Integer(), nullable=False),
        sa.Column("minute", sa.BigInteger(), nullable=False, comment=comment),
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
    op.create_index(f"ix_{name}_minute", name, ["minute"], if_not_exists=True)
    op.execute(sa.text(f"DELETE FROM {name}"))
    op.execute(
        sa.text(
            f"INSERT INTO {name} (audience_key, minute, event_type, severity, success, event_rows, occurrences)"
            f" SELECT audience_key, minute - minute % {minutes}, event_type, severity, success, SUM(event_rows),"
            f" SUM(occurrences) FROM event_counts"
            f" GROUP BY audience_key, minute - minute % {minutes}, event_type, severity, success"
        )
    )
