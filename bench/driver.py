"""Driver: everything that is measured of one driver, in the order in which it is measured."""

import dataclasses
import itertools
import random
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

from bench.checks import require_counted, require_same_answers, require_same_rows
from bench.comparisons import Comparison, Side, compare, compare_rates
from bench.exports import run_export
from bench.history import BIG_OBJECT, SMALL_OBJECT, History, to_input
from bench.latencies import measure_latencies
from bench.panels import ask_panel, panels_of, require_right_counts
from bench.queries import (
    CONNECTION,
    CONNECTION_EVENTS,
    GRAPHQL_PATH,
    bare_body,
    ingest_body,
    timeline_body,
    to_request,
)
from bench.rows import (
    FLOOR,
    GATEWAY,
    MERCURIUS,
    SECOND_FLOOR,
    STRAWBERRY,
    Finding,
    Target,
    at_least,
    at_most,
    delayed,
    exported,
    grown,
    itself,
    rated,
    resident,
    timed,
    timed_alone,
    waited,
)
from bench.servers import Server
from bench.stores import Store
from bench.walks import cursor_after, walk_history

CLIENTS = 16
BATCH_EVENTS = 1_000
PAGE_EVENTS = 50
DEEP_PAGE = 1_000


@dataclass(frozen=True)
class Targets:
    """The targets that differ between drivers: ratios of time, and of requests per second."""

    page_of_1000: float
    page_of_50: float
    rate: float


TARGETS = {
    "aiomysql": Targets(page_of_1000=1.15, page_of_50=1.4, rate=0.70),
    "asyncmy": Targets(page_of_1000=1.2, page_of_50=1.5, rate=0.55),
    "sqlite": Targets(page_of_1000=1.15, page_of_50=1.4, rate=0.70),
}


@dataclass(frozen=True)
class Effort:
    """How much is measured: rounds, requests of each side in a round, and seconds at a fixed rate."""

    rounds: int
    pages_of_1000: int
    pages_of_50: int
    connections: int
    bare: int
    saturated: int
    batches: int
    paced_seconds: float
    panels: int


FULL = Effort(
    rounds=12,
    pages_of_1000=8,
    pages_of_50=40,
    connections=12,
    bare=80,
    saturated=400,
    batches=1,
    paced_seconds=1.5,
    panels=200,
)
QUICK = Effort(
    rounds=4,
    pages_of_1000=4,
    pages_of_50=20,
    connections=6,
    bare=40,
    saturated=100,
    batches=1,
    paced_seconds=0.5,
    panels=20,
)


class Work(StrEnum):
    """Works that can be measured without the others, in the order in which they are."""

    PAGES = "pages"
    RATES = "rates"
    BARE = "bare"
    CONNECTION = "connection"
    SIZES = "sizes"
    PANELS = "panels"
    WALK = "walk"
    EXPORT = "export"
    INGEST = "ingest"
    MEMORY = "memory"
    REMOVAL = "removal"
    """Comes after all drivers of a store, because nothing is as it was then: see bench/removals.py."""


@dataclass(frozen=True)
class Servers:
    """Who is measured, all on one store. Mercurius has a driver of its own: it stands beside asyncmy only."""

    gateway: Server
    floor: Server
    second_floor: Server
    strawberry: Server
    mercurius: Server | None


class DriverBench:
    """The works of one driver."""

    def __init__(
        self,
        *,
        driver: str,
        store: Store,
        history: History,
        servers: Servers,
        effort: Effort,
        advance: Callable[[str], None],
    ) -> None:
        """`advance` is told the name of the work after each of its rounds."""
        self._driver = driver
        self._store = store
        self._history = history
        self._servers = servers
        self._effort = effort
        self._advance = advance
        self._draw = random.Random()
        self._targets = TARGETS[driver]
        self._paced_rate = 0.0

    def floor_against_itself(self) -> Finding:
        """Measure what the machine makes of two equal servers."""
        work = "floor against itself"
        body = timeline_body(BIG_OBJECT, PAGE_EVENTS)
        sides = {
            SECOND_FLOOR: _repeat(self._servers.second_floor, "/timeline", body),
            FLOOR: _repeat(self._servers.floor, "/timeline", body),
        }
        raw = self._compare(work, sides, self._effort.pages_of_50)
        return Finding(self._driver, work, (itself(raw),), raw)

    def findings(self, works: Collection[Work] = tuple(Work)) -> Iterator[Finding]:
        """Measure everything else; what writes comes last, so that the pages stay the same."""
        measuring = {
            Work.PAGES: self._pages,
            Work.RATES: self._rates,
            Work.BARE: self._bare,
            Work.CONNECTION: self._connection,
            Work.SIZES: self._sizes,
            Work.PANELS: self._panels,
            Work.WALK: self._walk,
            Work.EXPORT: self._export,
            Work.INGEST: self._ingest,
            Work.MEMORY: self._memory,
        }
        for work, measure in measuring.items():
            if work in works:
                yield from measure()

    def _pages(self) -> Iterator[Finding]:
        yield from self._page(1_000, self._effort.pages_of_1000, limit=self._targets.page_of_1000, added=1.0)
        yield from self._page(PAGE_EVENTS, self._effort.pages_of_50, limit=self._targets.page_of_50, added=0.35)

    def _rates(self) -> Iterator[Finding]:
        yield self._rate()
        yield self._latency()

    def _sizes(self) -> Iterator[Finding]:
        yield self._big_and_small()
        yield self._deep_page()

    def _page(self, size: int, requests: int, *, limit: float, added: float) -> Iterator[Finding]:
        """Compare in pairs: whoever does much between two requests makes both of them slower."""
        work = f"timeline page, {size} x 8 fields"
        body = timeline_body(BIG_OBJECT, size)
        asked = self._with_peers()
        require_same_answers(asked, body)
        sides = {name: _repeat(*at, body) for name, at in asked.items()}
        raw = self._compare(work, _only(sides, GATEWAY, FLOOR), requests)
        met = raw.time_ratio(GATEWAY, FLOOR).median <= limit and raw.added_milliseconds(GATEWAY, FLOOR) <= added
        target = Target(f"<= {limit} and <= {added} ms added", met)
        yield Finding(self._driver, work, (timed(raw, GATEWAY, FLOOR, target),), raw)
        if MERCURIUS in sides:
            raw = self._compare(work, _only(sides, GATEWAY, MERCURIUS), requests)
            target = Target("ahead: < 1", raw.time_ratio(GATEWAY, MERCURIUS).median < 1)
            yield Finding(self._driver, work, (timed(raw, GATEWAY, MERCURIUS, target),), raw)
        raw = self._compare(work, _only(sides, STRAWBERRY, FLOOR), max(1, requests // 4))
        yield Finding(self._driver, work, (timed(raw, STRAWBERRY, FLOOR),), raw)

    def _rate(self) -> Finding:
        work = f"requests/s, {CLIENTS} clients, {PAGE_EVENTS} events"
        body = timeline_body(BIG_OBJECT, PAGE_EVENTS)
        raw = compare_rates(
            {name: _repeat(*at, body) for name, at in self._with_peers().items()},
            rounds=self._effort.rounds,
            requests=self._effort.saturated,
            clients=CLIENTS,
            draw=self._draw,
            advance=lambda: self._advance(work),
        )
        self._paced_rate = 1e3 / raw.time(GATEWAY).median / 2
        limit = at_least(raw.rate_ratio(GATEWAY, FLOOR).median, self._targets.rate)
        rows = [rated(raw, GATEWAY, FLOOR, limit)]
        if self._servers.mercurius is not None:
            ahead = raw.rate_ratio(GATEWAY, MERCURIUS).median > 1
            rows.append(rated(raw, GATEWAY, MERCURIUS, Target("ahead: > 1", ahead)))
            rows.append(rated(raw, MERCURIUS, FLOOR))
        rows.append(rated(raw, STRAWBERRY, FLOOR))
        return Finding(self._driver, work, tuple(rows), raw)

    def _latency(self) -> Finding:
        """Ask for half of what the gateway does at most, as the row before has found."""
        work = f"p50 / p95 / p99 at half of that, {PAGE_EVENTS} events"
        body = timeline_body(BIG_OBJECT, PAGE_EVENTS)
        raw = measure_latencies(
            {name: _repeat(*at, body) for name, at in self._gateway_and_floor("/timeline").items()},
            per_second=self._paced_rate,
            rounds=self._effort.rounds,
            seconds=self._effort.paced_seconds,
            draw=self._draw,
            advance=lambda: self._advance(work),
        )
        return Finding(self._driver, work, (delayed(raw, GATEWAY, FLOOR),), raw)

    def _bare(self) -> Iterator[Finding]:
        work = "{ __typename } against a bare route"
        raw = self._against_floor(work, "/bare", bare_body(), self._effort.bare)
        target = Target("<= 150 us CPU added", raw.added_cpu(GATEWAY, FLOOR).median <= 150)
        yield Finding(self._driver, work, (timed(raw, GATEWAY, FLOOR, target),), raw)

    def _connection(self) -> Iterator[Finding]:
        work = f"connection page, {CONNECTION_EVENTS} events with cursors and objects"
        body = timeline_body(BIG_OBJECT, CONNECTION_EVENTS, query=CONNECTION)
        raw = self._against_floor(work, "/connection", body, self._effort.connections)
        target = at_most(raw.time_ratio(GATEWAY, FLOOR).median, 1.4)
        yield Finding(self._driver, work, (timed(raw, GATEWAY, FLOOR, target),), raw)

    def _big_and_small(self) -> Finding:
        events = self._history.events
        names = f"object of {events:,} events", f"object of {events // self._history.nodes:,}"
        bodies = [timeline_body(one, PAGE_EVENTS) for one in (BIG_OBJECT, SMALL_OBJECT)]
        return self._gateway_against_itself("timeline of a big and a small object", names, bodies)

    def _deep_page(self) -> Finding:
        deep = min(DEEP_PAGE, self._history.events // PAGE_EVENTS)
        cursor = cursor_after(self._servers.gateway, (deep - 1) * PAGE_EVENTS)
        bodies = [timeline_body(BIG_OBJECT, PAGE_EVENTS, after=after) for after in (cursor, None)]
        return self._gateway_against_itself("pages of a timeline", (f"page {deep}", "page 1"), bodies)

    def _panels(self) -> Iterator[Finding]:
        require_right_counts(self._store, self._servers.gateway, self._history)
        for panel in panels_of(self._history):
            raw = ask_panel(self._servers.gateway, panel, count=self._effort.panels)
            self._advance(panel.work)
            target = Target(panel.target, raw.total.p95 < panel.limit if panel.is_judged else None)
            yield Finding(self._driver, panel.work, (waited(raw, target),), raw)

    def _walk(self) -> Iterator[Finding]:
        work = f"memory while reading {self._history.events:,} events by pages"
        raw = walk_history(self._servers.gateway, advance=lambda _: None)
        self._advance(work)
        yield Finding(self._driver, work, (grown(raw),), raw)

    def _export(self) -> Iterator[Finding]:
        work = f"export of {self._history.events:,} events"
        raw = run_export(self._store.url(self._driver), self._history.events)
        self._advance(work)
        yield Finding(self._driver, work, (exported(raw),), raw)

    def _ingest(self) -> Iterator[Finding]:
        work = f"ingest, {BATCH_EVENTS} events x 2 objects per mutation"
        asked = self._gateway_and_floor("/ingest")
        require_same_rows(self._store, self._history, asked, size=BATCH_EVENTS)
        sides = {name: self._new_batches(*at) for name, at in asked.items()}
        raw = self._compare(work, sides, self._effort.batches)
        require_counted(self._store, self._servers.gateway)
        target = at_least(raw.rate_ratio(GATEWAY, FLOOR).median, 0.75)
        row = rated(raw, GATEWAY, FLOOR, target, per_request=BATCH_EVENTS, unit=" events/s")
        yield Finding(self._driver, work, (row,), raw)

    def _memory(self) -> Iterator[Finding]:
        raw = self._servers.gateway.memory()
        yield Finding(self._driver, "resident memory while serving all this", (resident(raw),), raw)

    def _against_floor(self, work: str, path: str, body: bytes, requests: int) -> Comparison:
        asked = self._gateway_and_floor(path)
        require_same_answers(asked, body)
        return self._compare(work, {name: _repeat(*at, body) for name, at in asked.items()}, requests)

    def _gateway_against_itself(self, work: str, names: tuple[str, str], bodies: list[bytes]) -> Finding:
        sides = {
            name: _repeat(self._servers.gateway, GRAPHQL_PATH, body) for name, body in zip(names, bodies, strict=True)
        }
        raw = self._compare(work, sides, self._effort.pages_of_50)
        row = timed_alone(raw, *names, at_most(raw.time_ratio(*names).median, 1.2))
        return Finding(self._driver, work, (row,), raw)

    def _compare(self, work: str, sides: dict[str, Side], requests: int) -> Comparison:
        return compare(
            sides,
            rounds=self._effort.rounds,
            requests=requests,
            draw=self._draw,
            advance=lambda: self._advance(work),
        )

    def _gateway_and_floor(self, floor_path: str) -> dict[str, tuple[Server, str]]:
        return {GATEWAY: (self._servers.gateway, GRAPHQL_PATH), FLOOR: (self._servers.floor, floor_path)}

    def _with_peers(self) -> dict[str, tuple[Server, str]]:
        peers = {STRAWBERRY: self._servers.strawberry, MERCURIUS: self._servers.mercurius}
        return {
            **self._gateway_and_floor("/timeline"),
            **{name: (server, GRAPHQL_PATH) for name, server in peers.items() if server is not None},
        }

    def _new_batches(self, server: Server, path: str) -> Side:
        batches = (self._history.batch(BATCH_EVENTS) for _ in itertools.count())
        return Side(server, (to_request(path, ingest_body([to_input(each) for each in batch])) for batch in batches))


def with_rounds(effort: Effort, rounds: int | None) -> Effort:
    """Give the same effort with another number of rounds, where one is given."""
    return dataclasses.replace(effort, rounds=rounds or effort.rounds)


def _only(sides: dict[str, Side], *names: str) -> dict[str, Side]:
    return {name: sides[name] for name in names}


def _repeat(server: Server, path: str, body: bytes) -> Side:
    return Side(server, itertools.repeat(to_request(path, body)))
