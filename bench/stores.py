"""Stores: private databases, and what there is to know about them and their machine."""

import os
import platform
import sqlite3
import statistics
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from storage.revisions import migrate
from tests.databases import MariaServer

BUFFER_POOL, BIG_BUFFER_POOL = "2G", "8G"
_SERVER_OPTIONS = (
    "--innodb-log-file-size=512M",
    "--innodb-sort-buffer-size=64M",
    "--innodb-adaptive-hash-index=ON",
)


@dataclass(frozen=True)
class Facts:
    """What a result depends on beside the code. Bytes per event: all files of the database by its events."""

    database: str
    buffer_pool: str
    events: int
    references: int
    bytes_per_event: int
    fsync_milliseconds: float

    def to_dict(self) -> dict[str, Any]:
        """Give them for the file of raw figures."""
        return asdict(self)


class Store:
    """One database: its URL by driver, and statements of the bench's own."""

    def __init__(self, home: Path, server: MariaServer | None) -> None:
        """With a server it is the database that is named like `home`, without one an SQLite file in it."""
        self.home = home
        self._server = server

    def url(self, driver: str) -> str:
        """Give the URL for one of aiomysql, asyncmy, sqlite."""
        if self._server is None:
            return f"sqlite+aiosqlite:///{self._file}"
        return self._server.url(driver, self.home.name)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a statement and give its rows."""
        with self.connect() as connection:
            cursor = connection.cursor()
            cursor.execute(sql)
            return list(cursor.fetchall())

    def change(self, sql: str) -> None:
        """Run a statement that changes something, with what is committed at once."""
        with self.connect() as connection:
            connection.cursor().execute(sql)

    def settle(self) -> None:
        """Let the database find out what it holds now, as it would in time by itself."""
        if self._server is None:
            self.change("PRAGMA wal_checkpoint(TRUNCATE)")
        else:
            self.query("ANALYZE TABLE events, event_objects, objects")

    @property
    def is_sqlite(self) -> bool:
        """Whether it is an SQLite file."""
        return self._server is None

    def columns(self, sql: str, parameters: tuple[Any, ...]) -> list[str]:
        """Say which columns a statement of the gateway's gives; parameters in the style of the driver's."""
        with self.connect() as connection:
            cursor = connection.cursor()
            cursor.execute(sql, parameters)
            return [column[0] for column in cursor.description]

    def connect(self) -> AbstractContextManager[Any]:
        """Lend a connection of PyMySQL (with autocommit) or sqlite3."""
        if self._server is not None:
            return closing(self._server.connect(self.home.name))
        # Threads take turns with it. With WAL, `normal` loses no consistency, and there is nothing here to keep.
        connection = sqlite3.connect(self._file, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA synchronous = NORMAL")
        return closing(connection)

    def facts(self) -> Facts:
        """Look up what is worth knowing."""
        [(events,)] = self.query("SELECT COUNT(*) FROM events")
        [(references,)] = self.query("SELECT COUNT(*) FROM event_objects")
        if self._server is None:
            database, pool = f"SQLite {sqlite3.sqlite_version}", "8 MiB per connection"
            files = [self._file]
        else:
            [(version, size)] = self.query("SELECT VERSION(), @@innodb_buffer_pool_size")
            database, pool = f"MariaDB {str(version).split('-')[0]}", f"{size >> 20} MiB"
            files = list((self._server.data / self.home.name).glob("*.ibd"))
        stored = sum(path.stat().st_size for path in files)
        fsync = _fsync_milliseconds(self.home)
        return Facts(database, pool, events, references, round(stored / max(events, 1)), fsync)

    @property
    def _file(self) -> Path:
        return self.home / "timeloom.db"


@contextmanager
def mariadb_store(home: Path, *, buffer_pool: str = BUFFER_POOL) -> Iterator[Store]:
    """Start a private MariaDB with an empty store; it ends with the block."""
    with MariaServer(buffer_pool=buffer_pool, options=_SERVER_OPTIONS) as server:
        yield new_store(home, server)


@contextmanager
def sqlite_store(home: Path) -> Iterator[Store]:
    """Make an SQLite file with an empty store."""
    yield new_store(home, None)


def new_store(home: Path, server: MariaServer | None) -> Store:
    """Make an empty, migrated database: on the server, named like the directory, or a file in it."""
    store = Store(home, server)
    if server is not None:
        server.create_database(home.name)
    migrate(store.url("aiomysql"))
    return store


def describe_machine() -> str:
    """Say what kind of machine this is, and how busy it was before the bench."""
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.partition(":")[2].strip() for line in info if line.startswith("model name")), "unknown CPU")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    python = f"Python {platform.python_version()}"
    return f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, {python}, load {os.getloadavg()[0]:.1f} at the start"


def _fsync_milliseconds(home: Path) -> float:
    """Give the median time of writing 4 KiB and making them durable."""
    times = []
    with (home / "fsync").open("wb", buffering=0) as file:
        for _ in range(50):
            started = time.perf_counter()
            file.write(b"x" * 4096)
            os.fsync(file.fileno())
            times.append((time.perf_counter() - started) * 1e3)
    return round(statistics.median(times), 3)
