"""Connections: how a new one is set up on each driver, and how one that died in the pool is noticed."""

import logging
import time
from typing import Any

import aiosqlite
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.dialects import SQLITE_FUNCTIONS
from storage.options import DatabaseOptions
from storage.watchdog import Watched

# It logs every duplicate key as a warning; what matters of that comes back as an error.
logging.getLogger("asyncmy").setLevel(logging.ERROR)

SHOWN_SQL = "timeloom_shown_sql"
"""Execution option of a statement that has values in its text: what observers see instead."""

_PING_AFTER_SECONDS = 30.0
# How many steps of SQLite's virtual machine pass between two looks at the clock: a few milliseconds.
_SQLITE_STEPS = 50_000
_SQLITE_BUSY_MILLISECONDS = 5_000


class ConnectionState:
    """What the engine remembers of one driver connection while it lives."""

    def __init__(self, *, seconds_per_statement: float) -> None:
        self.started = 0.0
        self.watched: Watched | None = None
        self.returned_at = time.monotonic()
        self.driver_connection: Any = None
        self._seconds_per_statement = seconds_per_statement

    def begin(self) -> None:
        """Note that a statement begins."""
        self.started = time.monotonic()
        if self.watched is not None:
            self.watched.waiting_since = self.started

    def end(self) -> None:
        """Note that its answer is there."""
        if self.watched is not None:
            self.watched.waiting_since = None

    def is_overdue(self) -> bool:
        """Whether the statement that runs has used up its time (SQLite asks; MariaDB knows by itself)."""
        return time.monotonic() - self.started > self._seconds_per_statement

    def interrupt(self) -> None:
        """Stop what SQLite's thread is doing for this connection; nothing to do elsewhere."""
        raw = getattr(self.driver_connection, "_conn", None)
        if raw is not None:
            raw.interrupt()

    def is_fresh(self) -> bool:
        """Whether the connection was in use a moment ago and its server has not closed it since."""
        return self.is_open() and time.monotonic() - self.returned_at < _PING_AFTER_SECONDS

    def is_open(self) -> bool:
        """Tell a dead connection from its socket, without a round trip."""
        reader = getattr(self.driver_connection, "_reader", None)  # aiomysql's
        if reader is not None:
            return not (reader.at_eof() or reader.exception() is not None)
        protocol = getattr(self.driver_connection, "_proto", None)  # asyncmy's
        return protocol is None or not (protocol.eof or protocol.exc is not None)


def state_of(connection: AsyncConnection) -> ConnectionState:
    """Give what is remembered of the connection behind an AsyncConnection."""
    state: ConnectionState = connection.sync_connection.info["timeloom"]  # type: ignore[union-attr]
    return state


async def fetch_rows(state: ConnectionState, sql: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """Send a statement straight to the driver and give its rows as the driver made them."""
    driver: Any = state.driver_connection
    if isinstance(driver, aiosqlite.Connection):
        # One visit to its thread, instead of one for each step.
        return await driver.execute_fetchall(sql, parameters)  # type: ignore[return-value]
    async with driver.cursor() as cursor:
        await cursor.execute(sql, parameters)
        return list(await cursor.fetchall())


def connect_arguments(dialect_name: str, options: DatabaseOptions) -> dict[str, Any]:
    """Give what the driver's `connect` needs."""
    if dialect_name == "sqlite":
        # isolation_level None: the driver begins nothing by itself, `begin` below does.
        return {"isolation_level": None, "timeout": _SQLITE_BUSY_MILLISECONDS / 1000, "check_same_thread": False}
    return {
        "charset": "utf8mb4",
        "connect_timeout": int(max(1, options.connect_timeout_seconds)),
    }


def _session_settings(options: DatabaseOptions, *, writing: bool) -> str:
    """Nothing depends on the server's defaults: one statement sets the session up.

    It follows SQLAlchemy's own SET NAMES, which knows no collation.
    """
    settings = {
        "sql_mode": "'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
        "time_zone": "'+00:00'",
        "tx_isolation": "'READ-COMMITTED'",
        "innodb_lock_wait_timeout": str(max(1, int(options.lock_timeout_seconds))),
        "max_statement_time": str(options.write_timeout_seconds if writing else options.statement_timeout_seconds),
        # Beyond 1000 values the server would turn an IN list into a temporary table and lose the range scan.
        "in_predicate_conversion_threshold": "0",
    }
    if writing:
        # A gateway that is stopped in the middle of a transaction must not keep its row locks for long.
        settings["idle_transaction_timeout"] = str(max(1, int(options.idle_transaction_seconds)))
    assignments = ", ".join(f"SESSION {name} = {value}" for name, value in settings.items())
    return f"SET NAMES utf8mb4 COLLATE utf8mb4_nopad_bin, {assignments}"


def prepare(engine: Engine, options: DatabaseOptions, *, writing: bool) -> None:
    """Set up what happens when a connection is opened, lent, given back and begun."""
    seconds = options.write_timeout_seconds if writing else options.statement_timeout_seconds
    is_sqlite = engine.dialect.name == "sqlite"

    def connected(dbapi_connection: Any, record: Any) -> None:
        state = ConnectionState(seconds_per_statement=seconds)
        state.driver_connection = dbapi_connection.driver_connection
        record.info["timeloom"] = state
        if is_sqlite:
            state.started = time.monotonic()
            dbapi_connection.run_async(lambda connection: _prepare_sqlite(connection, state, writing=writing))
        else:
            cursor = dbapi_connection.cursor()
            cursor.execute(_session_settings(options, writing=writing))
            cursor.close()

    def lent(dbapi_connection: Any, record: Any, _proxy: Any) -> None:
        if not is_sqlite and not _is_alive(engine, dbapi_connection, record.info["timeloom"]):
            raise DisconnectionError("the server closed the connection while it was idle")

    def given_back(_dbapi_connection: Any, record: Any) -> None:
        if (state := record.info.get("timeloom")) is not None:
            state.returned_at = time.monotonic()

    event.listen(engine, "connect", connected)
    event.listen(engine, "checkout", lent)
    if writing:
        # Connections for reads come here from storage/lending.py, which notes when they were last of use: one that was
        # given back because that is long ago is pinged.
        event.listen(engine, "checkin", given_back)
    if is_sqlite and writing:
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))


async def _prepare_sqlite(connection: Any, state: ConnectionState, *, writing: bool) -> None:
    # FULL: an acknowledged batch survives a power cut, not only a crash of this process.
    await connection.executescript(
        f"PRAGMA busy_timeout = {_SQLITE_BUSY_MILLISECONDS};"
        "PRAGMA journal_mode = WAL;"
        "PRAGMA synchronous = FULL;"
        "PRAGMA temp_store = MEMORY;"
        # For each connection: ten of them with the usual 32 MiB would be most of the memory of a gateway.
        "PRAGMA cache_size = -8192;"
        f"PRAGMA query_only = {'OFF' if writing else 'ON'};"
    )
    for name, arguments, function in SQLITE_FUNCTIONS:
        await connection.create_function(name, arguments, function, deterministic=True)
    await connection.set_progress_handler(state.is_overdue, _SQLITE_STEPS)


def _is_alive(engine: Engine, dbapi_connection: Any, state: ConnectionState) -> bool:
    """Tell whether the pool may lend a connection; one that was idle for long is pinged."""
    if state.is_fresh():
        return True
    if not state.is_open():
        return False
    try:
        return bool(engine.dialect.do_ping(dbapi_connection))
    except Exception:  # whatever a ping raises, the connection is of no use
        return False
