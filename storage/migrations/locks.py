"""Locks: one migration at a time, however many gateways start at once.

SQLite's write lock does it there. On MariaDB a row with an expiry stands for the lock: GET_LOCK does not exist on
Galera, and a row lock ends with the first DDL statement, which commits. A thread renews the row while a long ALTER
runs; whoever dies lets go after a minute.
"""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, text

from storage.errors import StorageBusyError

_RENEW_SECONDS = 10.0
_POLL_SECONDS = 0.2

_CREATE = text(
    "CREATE TABLE IF NOT EXISTS migration_locks ("
    " name VARCHAR(64) NOT NULL PRIMARY KEY, owner CHAR(32) NOT NULL, expires_at DATETIME(6) NOT NULL"
    ") ENGINE=InnoDB"
)
_TAKE = text(
    "INSERT INTO migration_locks (name, owner, expires_at)"
    " VALUES ('migrate', :owner, UTC_TIMESTAMP(6) + INTERVAL 60 SECOND)"
    " ON DUPLICATE KEY UPDATE owner = IF(expires_at < UTC_TIMESTAMP(6) OR owner = :owner, VALUES(owner), owner),"
    " expires_at = IF(owner = :owner, VALUES(expires_at), expires_at)"
)
_OWNER = text("SELECT owner FROM migration_locks WHERE name = 'migrate'")
_RELEASE = text("DELETE FROM migration_locks WHERE name = 'migrate' AND owner = :owner")


@contextmanager
def migration_lock(engine: Engine, *, progress: Callable[[str], None], patience_seconds: float) -> Iterator[None]:
    """Hold the lock of MariaDB's migrations; wait for another holder at most `patience_seconds`.

    Raises StorageBusyError when another migration still runs then.
    """
    owner = uuid.uuid4().hex
    with engine.begin() as connection:
        connection.execute(_CREATE)
    _wait_for(engine, owner, progress=progress, patience_seconds=patience_seconds)
    released = threading.Event()
    renewer = threading.Thread(target=_renew, args=(engine, owner, released), daemon=True)
    renewer.start()
    try:
        yield
    finally:
        released.set()
        renewer.join()
        with engine.begin() as connection:
            connection.execute(_RELEASE, {"owner": owner})


def _take(engine: Engine, owner: str) -> bool:
    with engine.begin() as connection:
        connection.execute(_TAKE, {"owner": owner})
    with engine.connect() as connection:
        return connection.execute(_OWNER).scalar() == owner


def _wait_for(engine: Engine, owner: str, *, progress: Callable[[str], None], patience_seconds: float) -> None:
    give_up_at = time.monotonic() + patience_seconds
    told = False
    while not _take(engine, owner):
        if time.monotonic() > give_up_at:
            raise StorageBusyError("another process is migrating this database and has not finished")
        if not told:
            progress("waiting for another process that is migrating this database")
            told = True
        time.sleep(_POLL_SECONDS)


def _renew(engine: Engine, owner: str, released: threading.Event) -> None:
    while not released.wait(_RENEW_SECONDS):
        _take(engine, owner)
