"""Options: sizes and limits of the connections to one database."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DatabaseOptions:
    """Sizes and limits of one Database. Seconds are wall-clock time."""

    pool_size: int = 10
    write_pool_size: int = 10
    statement_timeout_seconds: float = 10.0
    write_timeout_seconds: float = 30.0
    connect_timeout_seconds: float = 5.0
    lock_timeout_seconds: float = 5.0
    idle_transaction_seconds: float = 10.0
    scan_rows: int = 100_000
    union_branches: int = 64
