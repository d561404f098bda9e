"""Real databases for tests and bench: private MariaDB servers, and fresh databases on MariaDB and SQLite.

A `MariaServer` owns its data directory, socket and loopback port, so that any number of runs go side by side. It needs
nothing but Debian's mariadb-server package; no system service is touched.
"""

import contextlib
import hashlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import pymysql

MARIADB_DRIVERS = ("aiomysql", "asyncmy")
BACKENDS = ("sqlite", *MARIADB_DRIVERS)

_SBIN = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])
_START_SECONDS = 90.0
_POLL_SECONDS = 0.02
_REUSE_ROWS = 20_000
_LOG_FILE_SIZE = "--innodb-log-file-size=48M"


class DatabaseServerError(Exception):
    """A MariaDB server could not be prepared or started; the message ends with its log."""


def free_port() -> int:
    """A loopback TCP port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def command_path(name: str) -> str:
    """Where a command of the machine is; raises with the way out when it is missing."""
    found = shutil.which(name, path=_SBIN)
    if found is None:
        raise DatabaseServerError(f"{name} is not installed; `make test-setup` installs what the tests need")
    return found


class MariaServer:
    """One private mariadbd: durable commits (innodb_flush_log_at_trx_commit=1), all else small and fast to start.

    Clients connect as `timeloom`, who may do everything in databases made by `create_database` and nothing elsewhere;
    `execute` runs as root over the socket. `close` kills the server and removes its data; it also dies with its parent.
    """

    user = "timeloom"
    password = "timeloom-test"

    def __init__(
        self, *, buffer_pool: str = "256M", options: Sequence[str] = (), directory: Path | None = None
    ) -> None:
        """Options are further mariadbd flags; `directory` takes its files (default: a temp directory)."""
        self.home = Path(tempfile.mkdtemp(prefix="timeloom-mariadb-", dir=directory))
        self.data = self.home / "data"
        self.socket = self.home / "socket"
        self.log_file = self.home / "error.log"
        self.port = free_port()
        self._buffer_pool = buffer_pool
        self._options = tuple(options)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        if self._process is None:
            raise DatabaseServerError("the server is not running")
        return self._process.pid

    def start(self) -> None:
        """Start and return when it answers; on a first start another port is taken when ours was snatched."""
        first = not self.data.exists()
        if first:
            _copy_tree(_template_data(), self.data)
            _own(self.home)
        for attempt in range(5):
            self._spawn()
            try:
                self._wait_until_ready()
            except DatabaseServerError:
                self.kill()
                if not first or attempt == 4 or "already in use" not in self.log():
                    raise
                self.port = free_port()
                self.log_file.unlink()
            else:
                return

    def stop(self) -> None:
        """Shut down in order (SIGTERM); the data stays for the next start."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=_START_SECONDS)
            self._process = None

    def kill(self) -> None:
        """End at once (SIGKILL), as a crash would; the data stays for the next start."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=_START_SECONDS)
            self._process = None

    def restart(self) -> None:
        """Stop in order and start again on the same port."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze the server (SIGSTOP): connections stay open and nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)
        # Its threads stop one after the other; before the last has, an answer may still come.
        os.waitid(os.P_PID, self.pid, os.WSTOPPED)

    def resume(self) -> None:
        """Let a paused server go on (SIGCONT)."""
        os.kill(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """Kill the server and remove everything it wrote."""
        self.kill()
        shutil.rmtree(self.home, ignore_errors=True)

    def log(self) -> str:
        """The server's error log so far."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def connect(self, database: str | None = None) -> Any:
        """A new PyMySQL connection as root, over the socket, with autocommit."""
        return pymysql.connect(
            user="root", unix_socket=str(self.socket), database=database, autocommit=True, charset="utf8mb4"
        )

    def execute(self, sql: str, database: str | None = None) -> list[tuple[Any, ...]]:
        """Run one statement as root and give its rows."""
        with contextlib.closing(self.connect(database)) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def create_database(self, name: str) -> None:
        """Make an empty database that the user `timeloom` may do everything in."""
        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4")
            pattern = name.replace("_", "\\_")
            cursor.execute(f"GRANT ALL PRIVILEGES ON `{pattern}`.* TO '{self.user}'@'127.0.0.1'")

    def drop_database(self, name: str) -> None:
        """Remove a database; whoever still has a connection to it loses that connection first."""
        self.close_connections(name)
        self.execute(f"DROP DATABASE IF EXISTS `{name}`")

    def close_connections(self, name: str) -> None:
        """Cut every connection to a database, so that nothing left over holds a lock in it."""
        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT id FROM information_schema.processlist WHERE db = %s", (name,))
            for (identifier,) in cursor.fetchall():
                with contextlib.suppress(pymysql.err.OperationalError):  # gone by itself meanwhile
                    cursor.execute(f"KILL CONNECTION {identifier}")

    def url(self, driver: str, name: str) -> str:
        """SQLAlchemy's URL of a database through `aiomysql` or `asyncmy`."""
        return f"mariadb+{driver}://{self.user}:{self.password}@127.0.0.1:{self.port}/{name}"

    def _spawn(self) -> None:
        initial = self.home / "initial.sql"
        initial.write_text(
            f"CREATE USER IF NOT EXISTS '{self.user}'@'127.0.0.1' IDENTIFIED BY '{self.password}';\n", encoding="utf-8"
        )
        _own(initial)
        options = [
            f"--datadir={self.data}",
            # A server that starts removes what it takes for left-over temporary tables, also those of its neighbours.
            f"--tmpdir={self.home}",
            f"--socket={self.socket}",
            f"--pid-file={self.home / 'pid'}",
            f"--init-file={initial}",
            f"--port={self.port}",
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            "--character-set-server=utf8mb4",
            f"--innodb-buffer-pool-size={self._buffer_pool}",
            "--innodb-buffer-pool-dump-at-shutdown=OFF",
            "--innodb-buffer-pool-load-at-startup=OFF",
            "--innodb-flush-log-at-trx-commit=1",
            _LOG_FILE_SIZE,
            "--performance-schema=OFF",
            "--max-connections=400",
        ]
        command = [*_as_database_user(), command_path("mariadbd"), "--no-defaults", *options, *self._options]
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        process = self._process
        while process is not None and process.poll() is None and time.monotonic() < deadline:
            # Ready means that the TCP port answers too, and that the init file has made the user.
            try:
                with contextlib.closing(
                    pymysql.connect(host="127.0.0.1", port=self.port, user=self.user, password=self.password)
                ):
                    return
            except pymysql.err.OperationalError:
                time.sleep(_POLL_SECONDS)
        raise DatabaseServerError(f"mariadbd did not start; its log:\n{self.log()[-4000:]}")


class FreshDatabases:
    """Hands out databases without rows at the newest revision, a few milliseconds each.

    SQLite databases are copies of one migrated file. MariaDB databases are kept: `release` takes one back, and the next
    taker gets it with its tables as the migrations left them.
    """

    def __init__(self, home: Path, migrate: Any, server: Any) -> None:
        """`migrate(url)` upgrades a database; `server()` gives the running MariaServer when one is first needed."""
        self._home = home
        self._migrate = migrate
        self._server = server
        self._counter = 0
        self._free: list[str] = []
        self._taken: dict[str, str] = {}
        self._seeds: dict[str, list[tuple[Any, ...]]] = {}

    def take(self, backend: str) -> str:
        """A URL of a migrated database without rows; backend is one of BACKENDS."""
        if backend == "sqlite":
            return self._take_sqlite()
        server: MariaServer = self._server()
        name = self._cleared(server) or self._migrated(server, backend)
        url = server.url(backend, name)
        self._taken[url] = name
        return url

    def take_empty(self, backend: str) -> str:
        """A URL of a database without any table: for tests of migrations. Not used again."""
        self._counter += 1
        if backend == "sqlite":
            return _sqlite_url(self._home / f"empty-{self._counter}.db")
        server: MariaServer = self._server()
        name = f"timeloom_{self._counter}"
        server.create_database(name)
        return server.url(backend, name)

    def release(self, url: str) -> None:
        """Take a database back; nobody uses it any more."""
        if url.startswith("sqlite"):
            path = url.removeprefix("sqlite+aiosqlite:///")
            for suffix in ("", "-wal", "-shm"):
                Path(path + suffix).unlink(missing_ok=True)
        elif url in self._taken:
            self._free.append(self._taken.pop(url))
        else:
            self._server().drop_database(url.rpartition("/")[2])

    def _take_sqlite(self) -> str:
        template = self._home / "template.db"
        if not template.exists():
            self._migrate(_sqlite_url(template))
        self._counter += 1
        path = self._home / f"timeloom-{self._counter}.db"
        for suffix in ("", "-wal"):
            if (source := Path(f"{template}{suffix}")).exists():
                shutil.copyfile(source, f"{path}{suffix}")
        return _sqlite_url(path)

    def _migrated(self, server: MariaServer, driver: str) -> str:
        self._counter += 1
        name = f"timeloom_{self._counter}"
        server.create_database(name)
        self._migrate(server.url(driver, name))
        if not self._seeds:
            with contextlib.closing(server.connect(name)) as connection, connection.cursor() as cursor:
                self._seeds = {table: _rows(cursor, table) for table in _table_names(cursor, name)}
        return name

    def _cleared(self, server: MariaServer) -> str | None:
        while self._free:
            name = self._free.pop()
            server.close_connections(name)
            if self._clear(server, name):
                return name
            server.drop_database(name)
        return None

    def _clear(self, server: MariaServer, name: str) -> bool:
        """Bring a used database back to what the migrations left; False when a new one costs less."""
        with contextlib.closing(server.connect(name)) as connection, connection.cursor() as cursor:
            used = _row_counts(cursor, name, list(self._seeds))
            if any(count > _REUSE_ROWS for count in used.values()):
                return False
            for table, seeds in self._seeds.items():
                if used[table] or seeds:
                    cursor.execute(f"TRUNCATE TABLE `{table}`")
                if seeds:
                    places = ", ".join(["%s"] * len(seeds[0]))
                    cursor.executemany(f"INSERT INTO `{table}` VALUES ({places})", seeds)
        return True


def _table_names(cursor: Any, database: str) -> list[str]:
    cursor.execute(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = %s AND table_type = 'BASE TABLE'",
        (database,),
    )
    return sorted(name for (name,) in cursor.fetchall())


def _rows(cursor: Any, table: str) -> list[tuple[Any, ...]]:
    cursor.execute(f"SELECT * FROM `{table}`")
    return list(cursor.fetchall())


def _row_counts(cursor: Any, database: str, tables: Sequence[str]) -> dict[str, int]:
    """How many rows each table has, counted no further than what decides about its reuse."""
    parts = (
        f"SELECT '{table}', (SELECT COUNT(*) FROM (SELECT 1 FROM `{database}`.`{table}` LIMIT {_REUSE_ROWS + 1}) AS t)"
        for table in tables
    )
    cursor.execute(" UNION ALL ".join(parts))
    return dict(cursor.fetchall())


def _sqlite_url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


def _as_database_user() -> list[str]:
    """What stands before mariadbd: it refuses to run as root, and it should die with whoever started it."""
    prefix = [command_path("setpriv"), "--pdeathsig", "KILL"]
    if os.geteuid() == 0:
        prefix += ["--reuid=mysql", "--regid=mysql", "--init-groups"]
    return [*prefix, "--"]


def _own(path: Path) -> None:
    """Give a path to the user that mariadbd runs as."""
    if os.geteuid() == 0:
        account = pwd.getpwnam("mysql")
        for each in (path, *path.rglob("*")) if path.is_dir() else (path,):
            os.chown(each, account.pw_uid, account.pw_gid)


def _copy_tree(source: Path, target: Path) -> None:
    subprocess.run(["cp", "-a", "--reflink=auto", "--sparse=always", str(source), str(target)], check=True)


def _template_data() -> Path:
    """A data directory as mariadb-install-db makes it: made once per server version and user, then copied."""
    daemon = command_path("mariadbd")
    version = subprocess.run([daemon, "--no-defaults", "--version"], check=True, capture_output=True, text=True).stdout
    key = hashlib.sha256(f"{version} {_LOG_FILE_SIZE}".encode()).hexdigest()[:12]
    template = Path(tempfile.gettempdir()) / f"timeloom-mariadb-template-{os.geteuid()}-{key}"
    if template.exists():
        return template
    with _scratch_directory(template.name) as scratch:
        data = scratch / "data"
        data.mkdir()
        _own(scratch)
        command = [
            *_as_database_user(),
            command_path("mariadb-install-db"),
            "--no-defaults",
            f"--datadir={data}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--skip-name-resolve",
            _LOG_FILE_SIZE,
        ]
        made = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, cwd=scratch
        )
        if made.returncode != 0:
            raise DatabaseServerError(f"mariadb-install-db failed:\n{made.stdout[-2000:]}{made.stderr[-2000:]}")
        # Somebody else may have been faster: theirs is as good.
        with contextlib.suppress(OSError):
            data.rename(template)
    return template


@contextlib.contextmanager
def _scratch_directory(prefix: str) -> Iterator[Path]:
    scratch = Path(tempfile.mkdtemp(prefix=f"{prefix}-"))
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
