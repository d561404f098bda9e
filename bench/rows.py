"""Rows of the table: two sides of one work beside each other, with the target that there is for them."""

from dataclasses import asdict, dataclass
from typing import Any

from bench.comparisons import Comparison, Spread
from bench.exports import Export
from bench.latencies import Latencies, Latency
from bench.panels import Waits
from bench.servers import Memory
from bench.walks import Walk

GATEWAY, FLOOR, SECOND_FLOOR = "gateway", "floor", "second floor"
STRAWBERRY, MERCURIUS = "stock Strawberry", "Mercurius"

SAME_AT_LEAST, SAME_AT_MOST = 0.97, 1.03
"""Within these bounds the floor measured against itself counts as the same."""
MOST_MEMORY_MB = 250
MOST_EXPORT_MB = 50
MOST_GROWTH = 1.05


@dataclass(frozen=True)
class Target:
    """What a row should reach: its words, and whether it did; no words where nothing is asked."""

    text: str = ""
    met: bool | None = None


NO_TARGET = Target()


@dataclass(frozen=True)
class Locks:
    """The most rows that a transaction had locked at any time, as the database counts them, and events per chunk."""

    rows: int
    chunk_events: int


@dataclass(frozen=True)
class Row:
    """One line of the table. `ratio` is the first side by the second; None for a row without one."""

    first: str
    second: str
    ratio: Spread | None
    shown_ratio: str
    cpu: str
    target: Target


@dataclass(frozen=True)
class Finding:
    """What one driver's run of one work brought: its rows, and the figures behind them."""

    driver: str
    work: str
    rows: tuple[Row, ...]
    raw: Comparison | Latencies | Waits | Walk | Export | Memory | Locks

    def to_dict(self) -> dict[str, Any]:
        """Give everything, for the file of raw figures."""
        return asdict(self)


def timed(raw: Comparison, first: str, second: str, target: Target = NO_TARGET) -> Row:
    """Make the row of two sides' times."""
    ratio = raw.time_ratio(first, second)
    return Row(
        first=f"{first} {raw.time(first).median:.2f} ms",
        second=f"{second} {raw.time(second).median:.2f} ms",
        ratio=ratio,
        shown_ratio=f"{_shown(ratio)}, {raw.added_milliseconds(first, second):+.2f} ms",
        cpu=_shown_cpu(raw, first, second),
        target=target,
    )


def timed_alone(raw: Comparison, first: str, second: str, target: Target = NO_TARGET) -> Row:
    """Make the row of two works of one server, whose CPU time cannot be told apart."""
    row = timed(raw, first, second, target)
    return Row(row.first, row.second, row.ratio, row.shown_ratio, _micros(raw.cpu(first).median), target)


def rated(
    raw: Comparison, first: str, second: str, target: Target = NO_TARGET, *, per_request: int = 1, unit: str = "/s"
) -> Row:
    """Make the row of two sides' rates: requests, or what is in them, per second."""
    ratio = raw.rate_ratio(first, second)
    own, other = (f"{name} {per_request * 1e3 / raw.time(name).median:,.0f}{unit}" for name in (first, second))
    return Row(own, other, ratio, _shown(ratio), _shown_cpu(raw, first, second), target)


def delayed(raw: Latencies, first: str, second: str, target: Target = NO_TARGET) -> Row:
    """Make the row of two sides' latencies; its ratio is that of the 95th percentiles."""
    ratio = raw.ratio(first, second)
    own, other = (f"{name} {_shown_latency(raw.total(name))}" for name in (first, second))
    return Row(f"{own} at {raw.per_second:,.0f}/s", other, ratio, f"p95: {_shown(ratio)}", "", target)


def locked(raw: Locks) -> Row:
    """Make the row of what a chunk of retention locks: events, references, and their places in indexes."""
    first, second = f"{raw.rows:,} at most", f"{raw.chunk_events:,} events with 2 references each"
    return Row(first, second, None, "", "", NO_TARGET)


def waited(raw: Waits, target: Target) -> Row:
    """Make the row of what one client waits for, with nobody beside."""
    waits = raw.total
    return Row(f"{GATEWAY} p50 {waits.p50:.1f} ms, p95 {waits.p95:.1f} ms", raw.found, None, "", "", target)


def grown(raw: Walk) -> Row:
    """Make the row of a server's memory while the whole history is read."""
    growth = raw.growth
    return Row(
        first=f"{GATEWAY} {raw.last_quarter:.0f} MB in the last quarter",
        second=f"{raw.first_quarter:.0f} MB in the first; {raw.before:.0f} MB before, {raw.after:.0f} MB after",
        ratio=Spread(growth, growth, growth),
        shown_ratio=f"{growth:.2f}",
        cpu="",
        target=at_most(growth, MOST_GROWTH),
    )


def exported(raw: Export) -> Row:
    """Make the row of an export's memory."""
    first = f"{GATEWAY} {raw.events / raw.seconds:,.0f} events/s, {raw.peak:.0f} MB at most"
    target = Target(f"< {MOST_EXPORT_MB} MB added", raw.added < MOST_EXPORT_MB)
    return Row(first, f"an export of nothing {raw.idle:.0f} MB", None, f"{raw.added:+.0f} MB", "", target)


def resident(raw: Memory) -> Row:
    """Make the row of a server's memory after everything."""
    met = raw.peak < MOST_MEMORY_MB
    shown = f"{GATEWAY} {raw.peak:.0f} MB at most, {raw.now:.0f} MB at the end"
    return Row(shown, "", None, "", "", Target(f"< {MOST_MEMORY_MB} MB", met))


def itself(raw: Comparison) -> Row:
    """Make the row that says what the machine makes of two equal servers."""
    ratio = raw.time_ratio(SECOND_FLOOR, FLOOR).median
    target = Target(f"{SAME_AT_LEAST} to {SAME_AT_MOST}", SAME_AT_LEAST <= ratio <= SAME_AT_MOST)
    return timed(raw, SECOND_FLOOR, FLOOR, target)


def at_most(value: float, limit: float) -> Target:
    """Ask for a ratio of at most `limit`."""
    return Target(f"<= {limit:g}", value <= limit)


def at_least(value: float, limit: float) -> Target:
    """Ask for a ratio of at least `limit`."""
    return Target(f">= {limit:g}", value >= limit)


def _shown(ratio: Spread) -> str:
    return f"{ratio.median:.2f} ({ratio.p10:.2f} to {ratio.p90:.2f})"


def _shown_latency(latency: Latency) -> str:
    return f"{latency.p50:.2f} / {latency.p95:.2f} / {latency.p99:.2f} ms"


def _shown_cpu(raw: Comparison, first: str, second: str) -> str:
    used = f"{_micros(raw.cpu(first).median)} / {_micros(raw.cpu(second).median)}"
    return f"{used} = {raw.cpu_ratio(first, second).median:.2f}"


def _micros(value: float) -> str:
    return f"{value / 1e3:.1f} ms" if value >= 10_000 else f"{value:,.0f} us"
