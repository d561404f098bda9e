"""Comparisons: sides asked in random alternation on open connections, in rounds; ratios are medians of rounds."""

import math
import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from bench.clients import Connection, saturate
from bench.servers import Server


@dataclass(frozen=True)
class Side:
    """What is asked of whom: requests as they go over the wire, each taken once."""

    server: Server
    requests: Iterator[bytes]


Sides = Mapping[str, Side]


@dataclass(frozen=True)
class Spread:
    """A median over rounds, and the tenth and ninetieth percentile."""

    median: float
    p10: float
    p90: float


@dataclass
class Measured:
    """One side's rounds: milliseconds per request (the median of the round) and CPU microseconds (the mean)."""

    milliseconds: list[float] = field(default_factory=list)
    cpu_microseconds: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Comparison:
    """All sides by name, round by round."""

    sides: dict[str, Measured]

    def time(self, name: str) -> Spread:
        """A side's milliseconds per request."""
        return to_spread(self.sides[name].milliseconds)

    def cpu(self, name: str) -> Spread:
        """A side's CPU microseconds per request; of sides that share a server, those of all of them."""
        return to_spread(self.sides[name].cpu_microseconds)

    def time_ratio(self, first: str, second: str) -> Spread:
        """One side's time by another's."""
        return to_spread([own / other for own, other in self._times(first, second)])

    def rate_ratio(self, first: str, second: str) -> Spread:
        """One side's requests per second by another's."""
        return to_spread([other / own for own, other in self._times(first, second)])

    def cpu_ratio(self, first: str, second: str) -> Spread:
        """One side's CPU time by another's; not a number where a round was shorter than the clock's tick."""
        return to_spread([own / other if other else math.nan for own, other in self._cpu(first, second)])

    def added_milliseconds(self, first: str, second: str) -> float:
        """How much longer one side takes than another."""
        return statistics.median(own - other for own, other in self._times(first, second))

    def added_cpu(self, first: str, second: str) -> Spread:
        """How much more CPU time, in microseconds, one side's server needs than another's."""
        return to_spread([own - other for own, other in self._cpu(first, second)])

    def _times(self, first: str, second: str) -> list[tuple[float, float]]:
        return list(zip(self.sides[first].milliseconds, self.sides[second].milliseconds, strict=True))

    def _cpu(self, first: str, second: str) -> list[tuple[float, float]]:
        return list(zip(self.sides[first].cpu_microseconds, self.sides[second].cpu_microseconds, strict=True))


def to_spread(values: Sequence[float]) -> Spread:
    """Give median, p10 and p90."""
    if len(values) == 1:
        return Spread(values[0], values[0], values[0])
    tenths = statistics.quantiles(values, n=10, method="inclusive")
    return Spread(statistics.median(values), tenths[0], tenths[-1])


def compare(
    sides: Sides, *, rounds: int, requests: int, draw: random.Random, advance: Callable[[], None]
) -> Comparison:
    """Ask each side `requests` times per round, in random order, one at a time. A round before them warms up."""
    measured = {name: Measured() for name in sides}
    with ExitStack() as stack:
        connections = {name: stack.enter_context(Connection(side.server.port)) for name, side in sides.items()}
        for turn in range(rounds + 1):
            order = [*sides] * requests
            draw.shuffle(order)
            clocks = {side.server: CpuClock(side.server) for side in sides.values()}
            times = _alternate(sides, connections, order)
            used = {server: clock.seconds() for server, clock in clocks.items()}
            if turn:
                for name, side in sides.items():
                    asked = requests * sum(other.server == side.server for other in sides.values())
                    measured[name].milliseconds.append(statistics.median(times[name]))
                    measured[name].cpu_microseconds.append(used[side.server] * 1e6 / asked)
                advance()
    return Comparison(measured)


def compare_rates(
    sides: Sides,
    *,
    rounds: int,
    requests: int,
    clients: int,
    draw: random.Random,
    advance: Callable[[], None],
) -> Comparison:
    """Let a number of clients ask one side after the other, in random order, as fast as it answers.

    Milliseconds per request are wall-clock time by number of requests: 1000 by them are requests per second.
    """
    measured = {name: Measured() for name in sides}
    for turn in range(rounds + 1):
        for name in draw.sample([*sides], len(sides)):
            milliseconds, cpu = _saturate(sides[name], requests, clients)
            if turn:
                measured[name].milliseconds.append(milliseconds)
                measured[name].cpu_microseconds.append(cpu)
        if turn:
            advance()
    return Comparison(measured)


def _saturate(side: Side, requests: int, clients: int) -> tuple[float, float]:
    """Give wall-clock milliseconds and CPU microseconds per request; connecting is not part of them."""
    with ExitStack() as stack:
        # New ones each time: a server closes connections on which nothing comes for some seconds.
        connections = [stack.enter_context(Connection(side.server.port)) for _ in range(clients)]
        clock = CpuClock(side.server)
        seconds = saturate(connections, next(side.requests), requests)
        return seconds * 1e3 / requests, clock.seconds() * 1e6 / requests


def _alternate(sides: Sides, connections: Mapping[str, Connection], order: Sequence[str]) -> dict[str, list[float]]:
    """Give the milliseconds of each side's requests."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    for name in order:
        request = next(sides[name].requests)
        started = time.perf_counter()
        connections[name].exchange(request)
        times[name].append((time.perf_counter() - started) * 1e3)
    return times


class CpuClock:
    """CPU time that a server uses from now on for those who ask it."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._cpu = server.cpu_seconds()
        self._started = time.perf_counter()

    def seconds(self) -> float:
        """Give it, without what the server uses while nobody asks."""
        used = self._server.cpu_seconds() - self._cpu
        return used - self._server.idle_share * (time.perf_counter() - self._started)
