"""Revisions: which schema a database has, which one this program needs, and the way from one to the other."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import NullPool

from storage.errors import RevisionError
from storage.failures import is_driver_error, to_storage_error
from storage.migrations.locks import migration_lock

_SCRIPTS = Path(__file__).parent / "migrations"
_CONNECT_SECONDS = 5
_PATIENCE_SECONDS = 600.0
_BUSY_PAUSE_SECONDS = 0.02


def migrate(url: str, progress: Callable[[str], None] | None = None) -> str:
    """Bring a database to the newest revision and give that; a database that has it is left alone.

    Several processes may start this at once: one migrates, the others wait. `progress` is told in sentences what
    happens. Raises RevisionError for a database that a newer program wrote, StorageError for whatever else goes wrong.
    """
    tell = progress or _tell_nobody
    engine = _engine(make_url(url))
    try:
        if _revision_of(engine) != head_revision():
            with _lock(engine, tell):
                _upgrade(engine, tell)
    except Exception as error:
        if is_driver_error(error):
            raise to_storage_error(error) from error
        raise
    finally:
        engine.dispose()
    return head_revision()


def current_revision(url: str) -> str | None:
    """Give the revision of a database's schema; None for one without our tables."""
    engine = _engine(make_url(url))
    try:
        return _revision_of(engine)
    except Exception as error:
        if is_driver_error(error):
            raise to_storage_error(error) from error
        raise
    finally:
        engine.dispose()


@cache
def head_revision() -> str:
    """Give the revision that this program needs."""
    head = ScriptDirectory(str(_SCRIPTS)).get_current_head()
    if head is None:
        raise RevisionError("this installation lacks its migrations: install Timeloom again")
    return head


def require_head(connection: Connection) -> None:
    """Raise RevisionError unless the database has the revision that this program needs."""
    found = MigrationContext.configure(connection).get_current_revision()
    if found == head_revision():
        return
    if found is None:
        raise RevisionError("the database has no Timeloom tables yet: run `timeloom migrate`")
    if found in _known_revisions():
        raise RevisionError(
            f"the database has schema revision {found}, this program needs {head_revision()}: run `timeloom migrate`"
        )
    raise RevisionError(_too_new(found))


def write_revision(message: str) -> None:
    """Write the next migration from the difference between storage/tables.py and a migrated SQLite database.

    For developers: read and correct what comes out, MariaDB's side above all.
    """
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        config = _config(connection)
        command.upgrade(config, "head")
        command.revision(config, message=message, autogenerate=True, rev_id=f"{len(_known_revisions()) + 1:04d}")


def _upgrade(engine: Engine, tell: Callable[[str], None]) -> None:
    with engine.begin() as connection:
        # Another process may have been faster while we waited for the lock.
        found = MigrationContext.configure(connection).get_current_revision()
        if found is not None and found not in _known_revisions():
            raise RevisionError(_too_new(found))

        def told(*, step: Any, **_: Any) -> None:
            tell(f"schema revision {step.up_revision_id} ({step.up_revision.doc}) is in place")

        config = _config(connection)
        config.attributes["on_version_apply"] = told
        command.upgrade(config, "head")


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    return config


def _known_revisions() -> frozenset[str]:
    return frozenset(script.revision for script in ScriptDirectory(str(_SCRIPTS)).walk_revisions())


def _too_new(found: str) -> str:
    return (
        f"the database has schema revision {found}, which this program does not know: a newer Timeloom wrote it; "
        "run that one, or a newer one"
    )


def _revision_of(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def _lock(engine: Engine, tell: Callable[[str], None]) -> AbstractContextManager[None]:
    if engine.dialect.name == "sqlite":
        return nullcontext()
    return migration_lock(engine, progress=tell, patience_seconds=_PATIENCE_SECONDS)


def _engine(url: URL) -> Engine:
    """Migrations need no event loop: the same database through the driver's plain sibling."""
    if url.get_backend_name() == "sqlite":
        if url.database:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(
            url.set(drivername="sqlite"),
            poolclass=NullPool,
            connect_args={"isolation_level": None, "timeout": _PATIENCE_SECONDS},
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
        return engine
    return create_engine(
        url.set(drivername="mariadb+pymysql"),
        poolclass=NullPool,
        connect_args={
            "charset": "utf8mb4",
            "connect_timeout": _CONNECT_SECONDS,
            "init_command": "SET SESSION time_zone = '+00:00'",
        },
    )


def _prepare_sqlite(dbapi_connection: sqlite3.Connection, _record: Any) -> None:
    """Turn the write-ahead log on, for good. SQLite waits for nobody here, whatever its time-out: so we do."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            dbapi_connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_BUSY_PAUSE_SECONDS)
        else:
            return


def _tell_nobody(_sentence: str) -> None:
    pass
