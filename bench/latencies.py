"""Latencies: what clients wait for at a fixed rate, sent whether earlier requests are answered or not."""

import random
import statistics
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from bench.clients import Connection, ask_at_rate
from bench.comparisons import Side, Sides, Spread, to_spread

MOST_CONNECTIONS = 16


@dataclass(frozen=True)
class Latency:
    """Percentiles, in milliseconds."""

    p50: float
    p95: float
    p99: float


@dataclass(frozen=True)
class Latencies:
    """All sides by name, round by round, every request's milliseconds."""

    per_second: float
    rounds: dict[str, list[list[float]]]

    def total(self, name: str) -> Latency:
        """A side's percentiles over all rounds."""
        return to_latency([each for times in self.rounds[name] for each in times])

    def ratio(self, first: str, second: str) -> Spread:
        """One side's 95th percentile by another's, over the rounds."""
        own, other = ([to_latency(times).p95 for times in self.rounds[name]] for name in (first, second))
        return to_spread([one / another for one, another in zip(own, other, strict=True)])


def to_latency(times: list[float]) -> Latency:
    """Give the percentiles of requests' times."""
    hundredths = statistics.quantiles(times, n=100, method="inclusive")
    return Latency(hundredths[49], hundredths[94], hundredths[98])


def measure_latencies(
    sides: Sides, *, per_second: float, rounds: int, seconds: float, draw: random.Random, advance: Callable[[], None]
) -> Latencies:
    """Ask one side after the other, in random order, `seconds` long in each round. A round before them warms up."""
    measured: dict[str, list[list[float]]] = {name: [] for name in sides}
    count = max(10, round(per_second * seconds))
    for turn in range(rounds + 1):
        for name in draw.sample([*sides], len(sides)):
            times = _ask(sides[name], per_second, count)
            if turn:
                measured[name].append(times)
        if turn:
            advance()
    return Latencies(per_second, measured)


def _ask(side: Side, per_second: float, count: int) -> list[float]:
    with ExitStack() as stack:
        connections = [stack.enter_context(Connection(side.server.port)) for _ in range(MOST_CONNECTIONS)]
        for connection in connections:
            connection.exchange(next(side.requests))  # accepting it is not what is timed
        return ask_at_rate(connections, next(side.requests), per_second=per_second, count=count)
