"""Removals: retention against a floor that deletes the same rows by key, and what timelines wait for meanwhile.

Both remove equal parts of the history in random alternation, oldest first, so that they meet the same conditions. What
the floor removes it does not take off the counts: nothing is measured on the store afterwards but this.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import orjson

from bench.clients import Connection, ask_at_rate
from bench.comparisons import Comparison, Measured
from bench.errors import BenchError
from bench.history import BIG_OBJECT, History
from bench.latencies import Latencies
from bench.queries import GRAPHQL_PATH, timeline_body, to_request
from bench.removing import FLOOR as FLOOR_SIDE
from bench.removing import RETENTION, Removal, Remove, remove_apart
from bench.rows import FLOOR, GATEWAY, Finding, Locks, at_least, at_most, delayed, locked, rated
from bench.servers import Server
from bench.stores import Store
from storage.times import MICROSECONDS_PER_DAY, now_micros

CHUNK_EVENTS = 10_000
PER_SECOND = 50
REMOVING, IDLE = "gateway while it removes", "idle"
_SHARE = 0.6
"""Of the history for the comparison; the rest is removed while timelines are asked for."""
_MOST_PORTIONS = 30
_CONNECTIONS = 16
_POLICY = (
    """mutation ($input: CreateRetentionPolicyInput!) { createRetentionPolicy(input: $input) { policy { id } } }"""
)
_RUN = "mutation { runRetention(input: {dryRun: false}) { run { id } } }"
_LAST = "{ retention { lastRun { finishedAt completed eventsRemoved } } }"


def age_by_occurrence(store: Store) -> None:
    """Let every event have arrived when it happened, as if the history had come live."""
    store.change("UPDATE events SET received_at = occurred_at")
    first = "(SELECT MIN(occurred_at) FROM events WHERE events.batch_key = ingest_batches.batch_key)"
    store.change(f"UPDATE ingest_batches SET received_at = {first} WHERE batch_key IN (SELECT batch_key FROM events)")


def compare_removals(
    url: str,
    history: History,
    *,
    events: range,
    rounds: int,
    advance: Callable[[], None],
    remove: Remove = remove_apart,
) -> Finding:
    """Let both remove parts of some events of the history, which are its oldest. Raises BenchError."""
    part = int(len(events) * _SHARE) // (2 * (rounds + 1))
    chunk_events = min(CHUNK_EVENTS, max(part // 2, 1))
    measured = {GATEWAY: Measured(), FLOOR: Measured()}
    draw, done = random.Random(), events.start
    for turn in range(rounds + 1):
        for name in draw.sample([*measured], 2):
            done += part
            side = RETENTION if name == GATEWAY else FLOOR_SIDE
            removal = remove(side, url, until=history.at(done), chunk_events=chunk_events)
            _require_rows(removal, name, part)
            if turn:
                measured[name].milliseconds.append(removal.seconds * 1e3)
                measured[name].cpu_microseconds.append(removal.cpu_seconds * 1e6)
        if turn:
            advance()
    raw = Comparison(measured)
    target = at_least(raw.rate_ratio(GATEWAY, FLOOR).median, 0.75)
    row = rated(raw, GATEWAY, FLOOR, target, per_request=3 * part, unit=" rows/s")
    return Finding(_driver(url), f"retention, chunks of {chunk_events:,} events", (row,), raw)


def measure_timelines(
    store: Store,
    url: str,
    server: Server,
    history: History,
    *,
    until: int,
    advance: Callable[[], None],
    seconds: float = 2.0,
) -> Iterator[Finding]:
    """Ask for timelines at a fixed rate while the gateway removes the events before `until`, and while it does not.

    `seconds` long at a time.
    """
    idle = [_ask(server, seconds) for _ in range(2)]
    with _watched_locks(store) as most_locked:
        _begin_run(server, age_seconds=(now_micros() - history.at(until)) // 1_000_000)
        removing: list[list[float]] = []
        while len(removing) < _MOST_PORTIONS and not _is_finished(server):
            removing.append(_ask(server, seconds))
            advance()
    while not _is_finished(server):
        time.sleep(0.2)
    idle += [_ask(server, seconds) for _ in range(2)]
    rounds = max(len(removing), 1)
    raw = Latencies(PER_SECOND, {REMOVING: removing, IDLE: [idle[turn % len(idle)] for turn in range(rounds)]})
    target = at_most(raw.total(REMOVING).p95 / raw.total(IDLE).p95, 2)
    work = "timeline page of 50 events, p50 / p95 / p99 while retention removes"
    yield Finding(_driver(url), work, (delayed(raw, REMOVING, IDLE, target),), raw)
    if not store.is_sqlite:
        locks = Locks(most_locked(), CHUNK_EVENTS)
        yield Finding(_driver(url), "rows locked by one chunk", (locked(locks),), locks)


def _require_rows(removal: Removal, name: str, part: int) -> None:
    if removal.rows != 3 * part:
        raise BenchError(f"{name} removed {removal.rows} rows, not the {3 * part} of {part} events with 2 references")


def _begin_run(server: Server, *, age_seconds: int) -> None:
    # Sources are stronger than the event types of the gateway's own policies.
    _execute(server, _POLICY, {"input": {"name": "bench", "sources": ["*"], "maxAgeSeconds": age_seconds}})
    _execute(server, _RUN)


def _is_finished(server: Server) -> bool:
    run = _execute(server, _LAST)["retention"]["lastRun"]
    return run is not None and run["finishedAt"] is not None


def _execute(server: Server, query: str, variables: dict[str, Any] | None = None) -> Any:
    with Connection(server.port) as connection:
        body = orjson.dumps({"query": query, "variables": variables or {}})
        answer = orjson.loads(connection.exchange(to_request(GRAPHQL_PATH, body)))
    if answer.get("errors"):
        raise BenchError(f"the gateway answers {answer['errors']}")
    return answer["data"]


def _ask(server: Server, seconds: float) -> list[float]:
    request = to_request(GRAPHQL_PATH, timeline_body(BIG_OBJECT, 50))
    with ExitStack() as stack:
        connections = [stack.enter_context(Connection(server.port)) for _ in range(_CONNECTIONS)]
        for connection in connections:
            connection.exchange(request)
        return ask_at_rate(connections, request, per_second=PER_SECOND, count=max(2, int(PER_SECOND * seconds)))


@contextmanager
def _watched_locks(store: Store) -> Iterator[Callable[[], int]]:
    """Look twenty times a second how many rows transactions have locked."""
    most, stop = [0], threading.Event()

    def look() -> None:
        while not stop.wait(0.05):
            [(rows,)] = store.query("SELECT COALESCE(MAX(trx_rows_locked), 0) FROM information_schema.innodb_trx")
            most[0] = max(most[0], int(rows))

    watching = threading.Thread(target=look, daemon=True)
    if not store.is_sqlite:
        watching.start()
    yield lambda: most[0]
    stop.set()


def _driver(url: str) -> str:
    return "sqlite" if url.startswith("sqlite") else url.partition("://")[0].removeprefix("mariadb+")


def removable_until(history: History, events: range) -> int:
    """Give up to which of some events of the history all may go: what is younger than a day stays."""
    youngest = (now_micros() - MICROSECONDS_PER_DAY - history.at(0)) // (history.at(1) - history.at(0))
    return min(events.stop, youngest)
