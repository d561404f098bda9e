"""Rows of the table: what is measured against what, and the target of each."""

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from bench.clients import Connection, to_request
from bench.comparisons import Comparison, Side, Spread, compare, compare_rates, to_spread
from bench.errors import BenchError, VoidRunError
from bench.floor import EVENT_COLUMNS, REFERENCE_COLUMNS
from bench.history import BIG_OBJECT, SMALL_OBJECT, History, to_input
from bench.servers import Server
from bench.stores import Store

SAME_AT_LEAST, SAME_AT_MOST = 0.97, 1.03
"""Within these bounds the floor measured against itself counts as the same."""
CLIENTS = 16
BATCH_EVENTS = 1_000
PAGE_EVENTS = 50
DEEP_PAGE = 1_000

TIMELINE = """query Timeline($type: String!, $id: String!, $first: Int!, $after: String) {
  object(objectType: $type, objectId: $id) {
    timeline(first: $first, after: $after) {
      nodes { id timestamp eventType severity source message requestId durationMs }
    }
  }
}"""
CURSOR = """query Cursor($type: String!, $id: String!, $first: Int!, $after: String) {
  object(objectType: $type, objectId: $id) { timeline(first: $first, after: $after) { pageInfo { endCursor } } }
}"""
INGEST = """mutation Ingest($input: IngestEventsInput!) {
  ingestEvents(input: $input) { accepted duplicates conflicts rejected }
}"""


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
class Row:
    """One line of the table. `met` is None where there is no target."""

    driver: str
    work: str
    first: str
    second: str
    ratio: Spread
    shown_ratio: str
    cpu: str
    target: str
    met: bool | None
    raw: Comparison

    def to_dict(self) -> dict[str, Any]:
        """Give everything, for the file of raw figures."""
        return asdict(self)


@dataclass(frozen=True)
class Effort:
    """How much is measured: rounds, and requests of each side in a round."""

    rounds: int
    pages_of_1000: int
    pages_of_50: int
    bare: int
    saturated: int
    batches: int


FULL = Effort(rounds=12, pages_of_1000=8, pages_of_50=40, bare=80, saturated=200, batches=1)
QUICK = Effort(rounds=4, pages_of_1000=4, pages_of_50=20, bare=40, saturated=100, batches=1)


class Bench:
    """The rows of one driver: the gateway, the floor and a second floor on one store."""

    def __init__(
        self,
        *,
        driver: str,
        store: Store,
        history: History,
        gateway: Server,
        floors: tuple[Server, Server],
        effort: Effort,
        advance: Callable[[str], None],
    ) -> None:
        """`advance` is told the name of the row after each of its rounds."""
        self._driver = driver
        self._store = store
        self._history = history
        self._gateway = gateway
        self._floor, self._second_floor = floors
        self._effort = effort
        self._advance = advance
        self._draw = random.Random()
        self._targets = TARGETS[driver]

    def floor_against_itself(self) -> Row:
        """Measure what the machine makes of two equal servers."""
        body = _timeline_body(BIG_OBJECT, PAGE_EVENTS)
        sides = (self._repeat(self._second_floor, "/timeline", body), self._repeat(self._floor, "/timeline", body))
        raw = self._compare("floor against itself", sides, self._effort.pages_of_50)
        met = SAME_AT_LEAST <= raw.ratio.median <= SAME_AT_MOST
        return self._timed("floor against itself", raw, f"{SAME_AT_LEAST} to {SAME_AT_MOST}", met)

    def rows(self) -> Iterator[Row]:
        """Measure everything else; what writes comes last, so that the pages stay the same."""
        yield self._page(1_000, self._effort.pages_of_1000, limit=self._targets.page_of_1000, added=1.0)
        yield self._page(PAGE_EVENTS, self._effort.pages_of_50, limit=self._targets.page_of_50, added=0.35)
        yield self._rate()
        yield self._bare()
        yield self._big_and_small()
        yield self._deep_page()
        yield self._ingest()

    def _page(self, size: int, requests: int, *, limit: float, added: float) -> Row:
        work = f"timeline page, {size} x 8 fields"
        body = _timeline_body(BIG_OBJECT, size)
        self._require_same_answer("/timeline", body)
        raw = self._compare(work, self._gateway_and_floor("/timeline", body), requests)
        met = raw.ratio.median <= limit and raw.added_milliseconds <= added
        return self._timed(work, raw, f"<= {limit} and <= {added} ms added", met)

    def _rate(self) -> Row:
        work = f"requests/s, {CLIENTS} clients, {PAGE_EVENTS} events"
        body = _timeline_body(BIG_OBJECT, PAGE_EVENTS)
        raw = compare_rates(
            self._gateway_and_floor("/timeline", body),
            rounds=self._effort.rounds,
            requests=self._effort.saturated,
            clients=CLIENTS,
            draw=self._draw,
            advance=lambda: self._advance(work),
        )
        return self._rated(work, raw, per_request=1, limit=self._targets.rate, unit="/s")

    def _bare(self) -> Row:
        work = "{ __typename } against a bare route"
        body = orjson.dumps({"query": "{ __typename }"})
        self._require_same_answer("/bare", body)
        raw = self._compare(work, self._gateway_and_floor("/bare", body), self._effort.bare)
        return self._timed(work, raw, "<= 150 us CPU added", raw.added_cpu.median <= 150)

    def _big_and_small(self) -> Row:
        big, small = (_timeline_body(one, PAGE_EVENTS) for one in (BIG_OBJECT, SMALL_OBJECT))
        events = self._history.events
        work = f"timeline of {events:,} events against one of {events // self._history.nodes:,}"
        sides = (self._repeat(self._gateway, "/graphql", big), self._repeat(self._gateway, "/graphql", small))
        raw = self._compare(work, sides, self._effort.pages_of_50)
        return self._timed(work, raw, "<= 1.2", raw.ratio.median <= 1.2)

    def _deep_page(self) -> Row:
        deep = min(DEEP_PAGE, self._history.events // PAGE_EVENTS)
        cursor = self._cursor_before(deep)
        first, far = (_timeline_body(BIG_OBJECT, PAGE_EVENTS, after=after) for after in (None, cursor))
        sides = (self._repeat(self._gateway, "/graphql", far), self._repeat(self._gateway, "/graphql", first))
        work = f"timeline, page {deep} against page 1"
        raw = self._compare(work, sides, self._effort.pages_of_50)
        return self._timed(work, raw, "<= 1.2", raw.ratio.median <= 1.2)

    def _ingest(self) -> Row:
        work = f"ingest, {BATCH_EVENTS} events x 2 objects per mutation"
        self._require_same_rows()
        batches = self._batches()
        sides = (
            Side(self._gateway, (to_request("/graphql", body) for body in batches)),
            Side(self._floor, (to_request("/ingest", body) for body in batches)),
        )
        raw = self._compare(work, sides, self._effort.batches)
        row = self._rated(work, raw, per_request=BATCH_EVENTS, limit=0.75, unit=" events/s")
        self._require_counted()
        return row

    def _compare(self, work: str, sides: tuple[Side, Side], requests: int) -> Comparison:
        return compare(
            sides,
            rounds=self._effort.rounds,
            requests=requests,
            draw=self._draw,
            advance=lambda: self._advance(work),
        )

    def _gateway_and_floor(self, floor_path: str, body: bytes) -> tuple[Side, Side]:
        return self._repeat(self._gateway, "/graphql", body), self._repeat(self._floor, floor_path, body)

    @staticmethod
    def _repeat(server: Server, path: str, body: bytes) -> Side:
        return Side(server, itertools.repeat(to_request(path, body)))

    def _batches(self) -> Iterator[bytes]:
        while True:
            yield _ingest_body([to_input(each) for each in self._history.batch(BATCH_EVENTS)])

    def _cursor_before(self, page: int) -> str | None:
        """Walk to where a page begins, as a client does."""
        cursor, left = None, (page - 1) * PAGE_EVENTS
        while left:
            step = min(left, 1_000)
            answer = orjson.loads(
                self._ask(self._gateway, "/graphql", _timeline_body(BIG_OBJECT, step, cursor, CURSOR))
            )
            cursor = answer["data"]["object"]["timeline"]["pageInfo"]["endCursor"]
            left -= step
        return cursor

    @staticmethod
    def _ask(server: Server, path: str, body: bytes) -> bytes:
        with Connection(server.port) as connection:
            return connection.exchange(to_request(path, body))

    def _require_same_answer(self, path: str, body: bytes) -> None:
        gateway, floor = self._ask(self._gateway, "/graphql", body), self._ask(self._floor, path, body)
        if gateway != floor:
            raise BenchError(f"the floor answers something else:\n{gateway[:600].decode()}\n{floor[:600].decode()}")

    def _require_same_rows(self) -> None:
        """Store the same events, but for their ids, by both, and compare what is in the tables then."""
        batch = self._history.batch(BATCH_EVENTS)
        stored = []
        for server, path in ((self._gateway, "/graphql"), (self._floor, "/ingest")):
            self._ask(server, path, _ingest_body([to_input(each) for each in self._history.with_new_ids(batch)]))
            stored.append(self._last_batch())
        if stored[0] != stored[1]:
            different = next(pair for pair in zip(*stored, strict=False) if pair[0] != pair[1])
            raise BenchError(f"the floor stores something else:\n{different[0]}\n{different[1]}")

    def _last_batch(self) -> list[tuple[Any, ...]]:
        own = {"id", "event_id", "received_at", "content_hash", "batch_key"}
        events = ", ".join(f"events.{name}" for name in EVENT_COLUMNS if name not in own)
        references = ", ".join(f"place.{name}" for name in REFERENCE_COLUMNS if name not in own)
        last = "events.batch_key = (SELECT MAX(batch_key) FROM ingest_batches)"
        joined = "events JOIN event_objects AS place ON place.event_id = events.id"
        return [
            *self._store.query(f"SELECT {events} FROM events WHERE {last} ORDER BY batch_index"),
            *self._store.query(f"SELECT {references} FROM {joined} WHERE {last} ORDER BY batch_index, object_key"),
        ]

    def _require_counted(self) -> None:
        """Check that the floor told the counts about its events, as the gateway does."""
        [(stored,)] = self._store.query("SELECT COUNT(*) FROM events")
        query = "{ namespaces { eventCount { value } } }"
        answer = orjson.loads(self._ask(self._gateway, "/graphql", orjson.dumps({"query": query})))
        counted = sum(each["eventCount"]["value"] for each in answer["data"]["namespaces"])
        if counted != stored:
            raise BenchError(f"{stored} events are stored, the counts say {counted}: the floor writes too little")

    def _timed(self, work: str, raw: Comparison, target: str, met: bool) -> Row:
        first, second = (to_spread(side.milliseconds) for side in (raw.first, raw.second))
        return Row(
            driver=self._driver,
            work=work,
            first=f"{first.median:.2f} ms",
            second=f"{second.median:.2f} ms",
            ratio=raw.ratio,
            shown_ratio=f"{_shown(raw.ratio)}, {raw.added_milliseconds:+.2f} ms",
            cpu=_micros(to_spread(raw.first.cpu_microseconds).median) if raw.one_server else _shown_cpu(raw),
            target=target,
            met=met,
            raw=raw,
        )

    def _rated(self, work: str, raw: Comparison, *, per_request: int, limit: float, unit: str) -> Row:
        first, second = (to_spread(side.milliseconds).median for side in (raw.first, raw.second))
        pairs = zip(raw.first.milliseconds, raw.second.milliseconds, strict=True)
        ratio = to_spread([other / own for own, other in pairs])
        return Row(
            driver=self._driver,
            work=work,
            first=f"{per_request * 1e3 / first:,.0f}{unit}",
            second=f"{per_request * 1e3 / second:,.0f}{unit}",
            ratio=ratio,
            shown_ratio=_shown(ratio),
            cpu=_shown_cpu(raw),
            target=f">= {limit}",
            met=ratio.median >= limit,
            raw=raw,
        )


def require_same(row: Row, *, allow_noise: bool) -> None:
    """Refuse a run on a machine that cannot tell. Raises VoidRunError."""
    if not row.met and not allow_noise:
        raise VoidRunError(
            f"the floor against itself is {row.ratio.median:.3f}, outside {SAME_AT_LEAST} to {SAME_AT_MOST}: the "
            "machine is too busy, nothing was measured. Run it when less goes on, or look at it all the same with "
            "--allow-noise"
        )


def _timeline_body(target: tuple[str, str], first: int, after: str | None = None, query: str = TIMELINE) -> bytes:
    variables = {"type": target[0], "id": target[1], "first": first, "after": after}
    return orjson.dumps({"query": query, "variables": variables})


def _ingest_body(events: list[dict[str, Any]]) -> bytes:
    return orjson.dumps({"query": INGEST, "variables": {"input": {"events": events}}})


def _shown(ratio: Spread) -> str:
    return f"{ratio.median:.2f} ({ratio.p10:.2f} to {ratio.p90:.2f})"


def _shown_cpu(raw: Comparison) -> str:
    first, second = (to_spread(side.cpu_microseconds).median for side in (raw.first, raw.second))
    shares = zip(raw.first.cpu_microseconds, raw.second.cpu_microseconds, strict=True)
    return f"{_micros(first)} / {_micros(second)} = {to_spread([own / other for own, other in shares]).median:.2f}"


def _micros(value: float) -> str:
    return f"{value / 1e3:.1f} ms" if value >= 10_000 else f"{value:,.0f} us"
