"""Stores: a private database with the history in it, and what there is to know about it and its machine."""

import asyncio
import os
import platform
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec

from bench.errors import BenchError
from bench.floor import Statements
from bench.history import BIG_OBJECT, NAMESPACE, History
from gateway.demo.loader import load_history
from storage.engine import Database
from storage.page_statements import EVENT_COLUMNS
from storage.pages import PageRequest, fetch_event_page
from storage.revisions import migrate
from storage.scopes import EVERYTHING
from storage.selectors import ObjectReference, TouchesAny
from storage.times import now_micros
from tests.databases import MariaServer

BUFFER_POOL = "1G"
_DATABASE = "timeloom_bench"
_SERVER_OPTIONS = ("--innodb-log-file-size=256M",)


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
        """Without a server it is an SQLite file in `home`."""
        self.home = home
        self._server = server

    def url(self, driver: str) -> str:
        """Give the URL for one of aiomysql, asyncmy, sqlite."""
        if self._server is None:
            return f"sqlite+aiosqlite:///{self._file}"
        return self._server.url(driver, _DATABASE)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a statement and give its rows."""
        if self._server is not None:
            return self._server.execute(sql, _DATABASE)
        with closing(sqlite3.connect(self._file)) as connection:
            return connection.execute(sql).fetchall()

    def facts(self) -> Facts:
        """Look up what is worth knowing."""
        [(events,)] = self.query("SELECT COUNT(*) FROM events")
        [(references,)] = self.query("SELECT COUNT(*) FROM event_objects")
        if self._server is None:
            database, pool = f"SQLite {sqlite3.sqlite_version}", "32 MiB per connection"
            files = [self._file]
        else:
            [(version, size)] = self.query("SELECT VERSION(), @@innodb_buffer_pool_size")
            database, pool = f"MariaDB {str(version).split('-')[0]}", f"{size >> 20} MiB"
            files = list((self._server.data / _DATABASE).glob("*.ibd"))
        stored = sum(path.stat().st_size for path in files)
        fsync = _fsync_milliseconds(self.home)
        return Facts(database, pool, events, references, round(stored / max(events, 1)), fsync)

    @property
    def _file(self) -> Path:
        return self.home / "timeloom.db"


@contextmanager
def mariadb_store(home: Path) -> Iterator[Store]:
    """Start a private MariaDB with an empty, migrated database; it ends with the block."""
    with MariaServer(buffer_pool=BUFFER_POOL, options=_SERVER_OPTIONS) as server:
        server.create_database(_DATABASE)
        store = Store(home, server)
        migrate(store.url("aiomysql"))
        yield store


@contextmanager
def sqlite_store(home: Path) -> Iterator[Store]:
    """Make an empty, migrated SQLite file."""
    store = Store(home, None)
    migrate(store.url("sqlite"))
    yield store


def load(url: str, history: History, advance: Callable[[int], None]) -> None:
    """Store a history by the gateway's own ingest code. Raises BenchError when an event is refused."""

    async def run() -> None:
        database = await Database.open(url)
        try:
            report = await load_history(database, history.drafts(), clock=now_micros, advance=advance)
        finally:
            await database.close()
        if report.refused:
            raise BenchError(f"{report.refused} events of the history were refused: {report.first_problem}")

    asyncio.run(run())


def record_statements(url: str) -> Statements:
    """Look which statements the gateway's page of a timeline sends. Raises BenchError when the floor knows others."""

    async def run() -> list[str]:
        sent: list[str] = []
        database = await Database.open(url)
        try:
            reference = ObjectReference(*BIG_OBJECT, NAMESPACE)
            for _ in range(2):  # the first time names are looked up that are known from then on
                sent.clear()
                stop = database.observe(lambda statement: sent.append(statement.sql))
                await fetch_event_page(
                    database,
                    selector=TouchesAny((reference,)),
                    scope=EVERYTHING,
                    request=PageRequest(size=1),
                    with_extra=False,
                )
                stop()
        finally:
            await database.close()
        return sent

    sent = asyncio.run(run())
    if len(sent) != 2:
        raise BenchError(
            f"a page of a timeline sends {len(sent)} statements, bench/floor.py knows two: bring it up to date"
        )
    return Statements(sent[0], sent[1], [str(column.name) for column in EVENT_COLUMNS])


def write_statements(statements: Statements, path: Path) -> Path:
    """Write them where the floor reads them."""
    path.write_bytes(msgspec.json.encode(statements))
    return path


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
