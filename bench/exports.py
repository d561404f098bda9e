"""Exports: `timeloom export` of the whole history, and how much memory it needs beyond one that finds nothing."""

import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass

from bench.errors import BenchError
from bench.servers import Server
from tests.processes import gateway_environment, timeloom_command

_LOOK_SECONDS = 0.02
_NOTHING = ("--until", "1970-01-01T00:00:01Z")


@dataclass(frozen=True)
class Export:
    """How many events, in how many seconds; megabytes (10^6 bytes) at most, with all events and with none."""

    events: int
    seconds: float
    peak: float
    idle: float

    @property
    def added(self) -> float:
        """What the events cost."""
        return self.peak - self.idle


def run_export(url: str, events: int) -> Export:
    """Export everything, and nothing. Raises BenchError when that fails."""
    _, idle = _measure(url, _NOTHING)
    seconds, peak = _measure(url, ())
    return Export(events, seconds, peak, idle)


def _measure(url: str, arguments: tuple[str, ...]) -> tuple[float, float]:
    """Give seconds and the most memory of one run."""
    command = [timeloom_command(), "export", "--database", url, *arguments]
    began = time.perf_counter()
    with subprocess.Popen(
        command, env=gateway_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        peak = 0.0
        # Not what the kernel tells of an ended child: that counts this process too, which it was a copy of at first.
        while process.poll() is None:
            with suppress(KeyError):  # it has ended meanwhile, and has no memory any more
                peak = max(peak, Server(0, process.pid).memory().peak)
            time.sleep(_LOOK_SECONDS)
        seconds = time.perf_counter() - began
        told = process.stderr.read().decode() if process.stderr else ""
    if process.returncode:
        raise BenchError(f"timeloom export ended with {process.returncode}: {told[-500:]}")
    return seconds, peak
