"""Servers: the gateway and the floor as processes, and the CPU time that they use."""

import socket
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from bench.errors import BenchError
from tests.databases import command_path, free_port

ROOT = Path(__file__).parents[1]
_START_SECONDS = 60.0
_POLL_SECONDS = 0.02
_IDLE_SECONDS = 3.0


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


def watch_idle(server: Server) -> Server:
    """Give the server with what it uses while nobody asks; takes some seconds."""
    before = server.cpu_seconds()
    time.sleep(_IDLE_SECONDS)
    return replace(server, idle_share=(server.cpu_seconds() - before) / _IDLE_SECONDS)


class FloorProcess:
    """One `python -m bench.floor`; it dies with whoever started it."""

    def __init__(self, url: str, statements: Path) -> None:
        self._arguments = (url, statements)
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        url, statements = self._arguments
        command = [sys.executable, "-m", "bench.floor", url, str(self._port), str(statements)]
        self._process = subprocess.Popen(
            [command_path("setpriv"), "--pdeathsig", "KILL", "--", *command], cwd=ROOT, stdin=subprocess.DEVNULL
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
            raise BenchError("the floor is not running")
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
        raise BenchError("the floor did not start; what it printed stands above")
