"""Servers: the gateway, floors and peers as processes, and the CPU time and memory that they use."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from bench.errors import BenchError
from tests.databases import command_path, free_port

ROOT = Path(__file__).parents[1]
MERCURIUS = Path(__file__).parent / "peers" / "mercurius"
_START_SECONDS = 60.0
_POLL_SECONDS = 0.02
_IDLE_SECONDS = 3.0
_KIB_PER_MB = 1e6 / 1024


@dataclass(frozen=True)
class Memory:
    """Megabytes (10^6 bytes) of a process that are resident: now, and at most so far."""

    now: float
    peak: float


@dataclass(frozen=True)
class Server:
    """Where a server listens and which process it is."""

    port: int
    pid: int
    idle_share: float = 0.0
    """CPU seconds per second that it uses while nobody asks: the gateway looks for new batches and folds counts."""

    def cpu_seconds(self) -> float:
        """CPU time of all its threads so far: as in /proc/<pid>/stat, but not in hundredths of seconds.

        The kernel brings it up to date when the process waits, so single requests cannot be told from it.
        """
        return time.clock_gettime_ns(~self.pid << 3 | 2) / 1e9

    def memory(self) -> Memory:
        """Look how much memory it has."""
        lines = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii").splitlines()
        fields = dict(line.split(":", 1) for line in lines)
        now, peak = (int(fields[name].split()[0]) / _KIB_PER_MB for name in ("VmRSS", "VmHWM"))
        return Memory(now, peak)


def watch_idle(server: Server) -> Server:
    """Give the server with what it uses while nobody asks; takes some seconds."""
    before = server.cpu_seconds()
    time.sleep(_IDLE_SECONDS)
    return replace(server, idle_share=(server.cpu_seconds() - before) / _IDLE_SECONDS)


class ServerProcess:
    """A server of the bench's own: it is told URL, port and statements, and dies with whoever started it."""

    def __init__(
        self, name: str, command: Sequence[str], *, url: str, statements: Path, environment: Mapping[str, str] = {}
    ) -> None:
        """`name` is what errors call it."""
        self._name = name
        self._port = free_port()
        self._command = [*command, url, str(self._port), str(statements)]
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [command_path("setpriv"), "--pdeathsig", "KILL", "--", *self._command],
            cwd=ROOT,
            env={**os.environ, **self._environment},
            stdin=subprocess.DEVNULL,
        )
        self._wait_until_ready(self._process)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=_START_SECONDS)

    @property
    def server(self) -> Server:
        """Where it listens."""
        if self._process is None:
            raise BenchError(f"{self._name} is not running")
        return Server(self._port, self._process.pid)

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1.0).close()
            except OSError:
                time.sleep(_POLL_SECONDS)
            else:
                return
        process.kill()
        process.wait()
        raise BenchError(f"{self._name} did not start; what it printed stands above")


def floor_process(url: str, statements: Path) -> ServerProcess:
    """Make a floor."""
    return ServerProcess("the floor", [sys.executable, "-m", "bench.floor"], url=url, statements=statements)


def strawberry_process(url: str, statements: Path) -> ServerProcess:
    """Make the stock Strawberry peer."""
    command = [sys.executable, "-m", "bench.peers.strawberry_app"]
    return ServerProcess("stock Strawberry", command, url=url, statements=statements)


def mercurius_process(url: str, statements: Path) -> ServerProcess:
    """Make the Mercurius peer. Raises BenchError when it is not installed."""
    node = shutil.which("node")
    if node is None or not (MERCURIUS / "node_modules").is_dir():
        raise BenchError(
            "the Mercurius peer is not installed: `make bench-peers` does that; --no-mercurius leaves it out"
        )
    production = {"NODE_ENV": "production"}
    command = [node, str(MERCURIUS / "server.js")]
    return ServerProcess("Mercurius", command, url=url, statements=statements, environment=production)
