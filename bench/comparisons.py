"""Comparisons: two sides asked in random alternation on open connections, in rounds; ratios are medians of rounds."""

import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from bench.clients import Connection, saturate
from bench.servers import Server


@dataclass(frozen=True)
class Side:
    """What is asked of whom: requests as they go over the wire, each taken once."""

    server: Server
    requests: Iterator[bytes]


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
    """Both sides, round by round."""

    first: Measured
    second: Measured
    one_server: bool
    """Whether one server was on both sides: its CPU time cannot be told apart then."""

    @property
    def ratio(self) -> Spread:
        """The first side's time by the second's."""
        pairs = zip(self.first.milliseconds, self.second.milliseconds, strict=True)
        return to_spread([first / second for first, second in pairs])

    @property
    def added_milliseconds(self) -> float:
        """How much longer the first side takes."""
        pairs = zip(self.first.milliseconds, self.second.milliseconds, strict=True)
        return statistics.median(first - second for first, second in pairs)

    @property
    def added_cpu(self) -> Spread:
        """How much more CPU time, in microseconds, the first side's server needs."""
        pairs = zip(self.first.cpu_microseconds, self.second.cpu_microseconds, strict=True)
        return to_spread([first - second for first, second in pairs])


def to_spread(values: Sequence[float]) -> Spread:
    """Give median, p10 and p90."""
    if len(values) == 1:
        return Spread(values[0], values[0], values[0])
    tenths = statistics.quantiles(values, n=10, method="inclusive")
    return Spread(statistics.median(values), tenths[0], tenths[-1])


def compare(
    sides: tuple[Side, Side], *, rounds: int, requests: int, draw: random.Random, advance: Callable[[], None]
) -> Comparison:
    """Ask each side `requests` times per round, in random order, one at a time. A round before them warms up."""
    measured = (Measured(), Measured())
    one_server = sides[0].server == sides[1].server
    with Connection(sides[0].server.port) as first, Connection(sides[1].server.port) as second:
        for turn in range(rounds + 1):
            order = [0, 1] * requests
            draw.shuffle(order)
            clocks = [_CpuClock(side.server) for side in sides]
            times = _alternate(sides, (first, second), order)
            if turn:
                for side, clock, own in zip(measured, clocks, times, strict=True):
                    side.milliseconds.append(statistics.median(own))
                    count = 2 * requests if one_server else requests
                    side.cpu_microseconds.append(clock.seconds() * 1e6 / count)
                advance()
    return Comparison(*measured, one_server)


def compare_rates(
    sides: tuple[Side, Side],
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
    measured = (Measured(), Measured())
    for turn in range(rounds + 1):
        for index in draw.sample((0, 1), 2):
            milliseconds, cpu = _saturate(sides[index], requests, clients)
            if turn:
                measured[index].milliseconds.append(milliseconds)
                measured[index].cpu_microseconds.append(cpu)
        if turn:
            advance()
    return Comparison(*measured, one_server=False)


def _saturate(side: Side, requests: int, clients: int) -> tuple[float, float]:
    """Give wall-clock milliseconds and CPU microseconds per request; connecting is not part of them."""
    with ExitStack() as stack:
        # New ones each time: a server closes connections on which nothing comes for some seconds.
        connections = [stack.enter_context(Connection(side.server.port)) for _ in range(clients)]
        clock = _CpuClock(side.server)
        seconds = saturate(connections, next(side.requests), requests)
        return seconds * 1e3 / requests, clock.seconds() * 1e6 / requests


def _alternate(
    sides: tuple[Side, Side], connections: tuple[Connection, Connection], order: list[int]
) -> tuple[list[float], list[float]]:
    """Give the milliseconds of each side's requests."""
    times: tuple[list[float], list[float]] = ([], [])
    for index in order:
        request = next(sides[index].requests)
        started = time.perf_counter()
        connections[index].exchange(request)
        times[index].append((time.perf_counter() - started) * 1e3)
    return times


class _CpuClock:
    """CPU time that a server uses from now on for those who ask it."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._cpu = server.cpu_seconds()
        self._started = time.perf_counter()

    def seconds(self) -> float:
        used = self._server.cpu_seconds() - self._cpu
        return used - self._server.idle_share * (time.perf_counter() - self._started)
