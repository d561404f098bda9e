"""Removing: one side removes what is older than an instant, in a process of its own, and says how long it took.

`python -m bench.removing retention|floor URL UNTIL CHUNK_EVENTS`; the gateway's side is its own runner of retention.
"""

import asyncio
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from typing import Protocol

import orjson

from bench.errors import BenchError
from bench.floor_removal import remove
from bench.history import EVENT_TYPES
from bench.servers import ROOT
from mutations.policies import API_REQUESTS, policies_of_settings
from mutations.retention import RetentionOptions, RetentionRunner
from storage.engine import Database
from storage.positions import fetch_waiting_since, settle_position
from storage.retention_runs import fetch_run
from storage.times import MICROSECONDS_PER_SECOND

RETENTION, FLOOR = "retention", "floor"
AGE_SECONDS = 7 * 86_400


@dataclass(frozen=True)
class Removal:
    """How many rows went (events and references), in how many seconds, with how many seconds of CPU time."""

    rows: int
    seconds: float
    cpu_seconds: float


class Remove(Protocol):
    """How something is removed."""

    def __call__(self, side: str, url: str, *, until: int, chunk_events: int) -> Removal:
        """Let a side remove what is older than an instant (microseconds)."""


def remove_here(side: str, url: str, *, until: int, chunk_events: int) -> Removal:
    """Remove what is older than an instant (microseconds) in this process. Raises BenchError when it fails."""
    measure = _retain if side == RETENTION else _remove
    return asyncio.run(measure(url, until, chunk_events))


def remove_apart(side: str, url: str, *, until: int, chunk_events: int) -> Removal:
    """Let a process remove what is older than an instant (microseconds). Raises BenchError when it fails."""
    command = [sys.executable, "-m", "bench.removing", side, url, str(until), str(chunk_events)]
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"removing by {side} failed:\n{done.stderr.decode()[-2000:]}")
    return Removal(**orjson.loads(done.stdout))


async def _retain(url: str, until: int, chunk_events: int) -> Removal:
    database = await Database.open(url)
    # As by default: an age by name of each event type, and of one type of objects.
    policies = policies_of_settings(dict.fromkeys((*EVENT_TYPES, API_REQUESTS), AGE_SECONDS))
    runner = RetentionRunner(
        database,
        policies,
        clock=lambda: until + AGE_SECONDS * MICROSECONDS_PER_SECOND,
        options=RetentionOptions(chunk_events=chunk_events),
    )
    while await fetch_waiting_since(database) is not None:
        await settle_position(database)  # a gateway would have numbered the batches long ago
    run = await runner.request("bench")
    started, cpu = time.perf_counter(), time.process_time()
    await runner.turn()
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
    done = await fetch_run(database, run.run_id)
    await database.close()
    if done is None or not done.completed:
        raise BenchError("the run was not completed")
    return Removal(done.events_removed + done.references_removed, seconds, cpu_seconds)


async def _remove(url: str, until: int, chunk_events: int) -> Removal:
    started, cpu = time.perf_counter(), time.process_time()
    rows = await remove(url, until=until, chunk_events=chunk_events)
    return Removal(rows, time.perf_counter() - started, time.process_time() - cpu)


if __name__ == "__main__":
    kind, database_url, instant, events = sys.argv[1:]
    measured = remove_here(kind, database_url, until=int(instant), chunk_events=int(events))
    sys.stdout.write(orjson.dumps(asdict(measured)).decode())
