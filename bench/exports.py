"""Exports: `timeloom export` of the whole history, and how much memory it needs beyond one that finds nothing."""

import os
import subprocess
import time
from dataclasses import dataclass

from bench.errors import BenchError
from tests.processes import gateway_environment, timeloom_command

_KIB_PER_MB = 1e6 / 1024
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
        told = process.stderr.read().decode() if process.stderr else ""
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise BenchError(f"timeloom export ended with {process.returncode}: {told[-500:]}")
    return time.perf_counter() - began, used.ru_maxrss / _KIB_PER_MB
