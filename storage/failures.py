"""Failures: what an error of a driver means, decided here and nowhere else.

Codes are MariaDB's (1000 and up: the server's; 2000 and up: the client's) and SQLite's primary result codes.
"""

from enum import Enum

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from storage.errors import StorageBusyError, StorageError, StorageTimeoutError, StorageUnavailableError


class Failure(Enum):
    """What can be done about an error."""

    CONFLICT = "deadlock, lock wait or write conflict: rolled back, run the transaction again"
    DUPLICATE_KEY = "somebody wrote the key first: run the transaction again, it will see the row"
    DISCONNECTED = "the connection or the server is gone: run again on a new connection"
    UNAVAILABLE = "the server answers but cannot serve now: running again at once is no use"
    TIMEOUT = "a statement ran into its time limit"
    OTHER = "a fault of the statement or of this program"


_MARIADB_FAILURES: dict[int, Failure] = {
    1020: Failure.CONFLICT,  # record has changed since last read (innodb_snapshot_isolation)
    1205: Failure.CONFLICT,  # lock wait timeout
    1213: Failure.CONFLICT,  # deadlock; on Galera also at COMMIT
    1062: Failure.DUPLICATE_KEY,
    1969: Failure.TIMEOUT,  # max_statement_time
    1317: Failure.TIMEOUT,  # interrupted by KILL QUERY
    1047: Failure.DISCONNECTED,  # Galera: node not ready
    1053: Failure.DISCONNECTED,  # shutdown in progress
    1152: Failure.DISCONNECTED,  # aborted connection
    1158: Failure.DISCONNECTED,
    1159: Failure.DISCONNECTED,
    1160: Failure.DISCONNECTED,
    1161: Failure.DISCONNECTED,
    1180: Failure.DISCONNECTED,  # error during COMMIT: outcome unknown
    1927: Failure.DISCONNECTED,  # connection was killed
    0: Failure.DISCONNECTED,  # the drivers' "Not connected"
    2002: Failure.DISCONNECTED,
    2003: Failure.DISCONNECTED,
    2005: Failure.DISCONNECTED,
    2006: Failure.DISCONNECTED,
    2013: Failure.DISCONNECTED,
    2014: Failure.DISCONNECTED,
    2055: Failure.DISCONNECTED,
    1021: Failure.UNAVAILABLE,  # disk full
    1030: Failure.UNAVAILABLE,  # error from the storage engine, such as no space
    1036: Failure.UNAVAILABLE,  # table is read only
    1040: Failure.UNAVAILABLE,  # too many connections
    1044: Failure.UNAVAILABLE,  # access denied to the database
    1045: Failure.UNAVAILABLE,  # access denied
    1049: Failure.UNAVAILABLE,  # unknown database
    1114: Failure.UNAVAILABLE,  # table is full
    1129: Failure.UNAVAILABLE,  # host is blocked
    1203: Failure.UNAVAILABLE,
    1226: Failure.UNAVAILABLE,
    1290: Failure.UNAVAILABLE,  # --read-only
    1836: Failure.UNAVAILABLE,  # read-only mode
}
_SQLITE_FAILURES: dict[int, Failure] = {
    5: Failure.CONFLICT,  # SQLITE_BUSY
    6: Failure.CONFLICT,  # SQLITE_LOCKED
    9: Failure.TIMEOUT,  # SQLITE_INTERRUPT, by the progress handler
    8: Failure.UNAVAILABLE,  # SQLITE_READONLY
    10: Failure.UNAVAILABLE,  # SQLITE_IOERR
    13: Failure.UNAVAILABLE,  # SQLITE_FULL
    14: Failure.UNAVAILABLE,  # SQLITE_CANTOPEN
}
_SQLITE_DUPLICATE_KEYS = frozenset({1555, 2067, 2579})  # primary key, unique, rowid


def classify_failure(error: BaseException) -> Failure:
    """Tell what an error raised by SQLAlchemy, a driver or a socket means."""
    if isinstance(error, PoolTimeoutError):
        return Failure.UNAVAILABLE
    if isinstance(error, DBAPIError):
        if error.connection_invalidated:
            return Failure.DISCONNECTED
        return _classify_driver_error(error.orig)
    if isinstance(error, OSError | EOFError):  # asyncio's TimeoutError is an OSError
        return Failure.DISCONNECTED
    return _classify_driver_error(error)


def _classify_driver_error(error: BaseException | None) -> Failure:
    if isinstance(error, OSError | EOFError):
        return Failure.DISCONNECTED
    # SQLAlchemy's shims wrap asyncmy's and aiosqlite's own exceptions.
    for each in (error, getattr(error, "__cause__", None)):
        sqlite_code = getattr(each, "sqlite_errorcode", None)
        if isinstance(sqlite_code, int):
            if sqlite_code in _SQLITE_DUPLICATE_KEYS:
                return Failure.DUPLICATE_KEY
            return _SQLITE_FAILURES.get(sqlite_code & 0xFF, Failure.OTHER)
        arguments = getattr(each, "args", ())
        if arguments and isinstance(arguments[0], int):
            return _MARIADB_FAILURES.get(arguments[0], Failure.OTHER)
    return Failure.OTHER


def to_storage_error(error: BaseException) -> StorageError:
    """Give the StorageError that stands for an error of a driver; one that is a StorageError already stays itself."""
    if isinstance(error, StorageError):
        return error
    told = _first_line(error)
    match classify_failure(error):
        case Failure.CONFLICT | Failure.DUPLICATE_KEY:
            return StorageBusyError(f"the database was too busy with other writers: {told}")
        case Failure.DISCONNECTED | Failure.UNAVAILABLE:
            return StorageUnavailableError(f"the database cannot be reached or used: {told}")
        case Failure.TIMEOUT:
            return StorageTimeoutError(f"a statement took longer than its limit: {told}")
        case Failure.OTHER:
            return StorageError(f"the database refused a statement: {told}")


def is_driver_error(error: BaseException) -> bool:
    """Whether an error comes from the database's side, so that `to_storage_error` speaks for it."""
    if isinstance(error, StorageError):
        return False
    return isinstance(error, SQLAlchemyError | OSError | EOFError)


def _first_line(error: BaseException) -> str:
    """What the driver said, without the statement and its parameters: those may hold what callers sent."""
    source: BaseException = error
    if isinstance(error, DBAPIError) and error.orig is not None:
        source = error.orig
    text = str(source).strip() or type(source).__name__
    return text.splitlines()[0][:300]
