"""Panels: what a dashboard asks, in one request each, and how long one client waits for it (SY6).

There is no floor beside them: what they are measured against is the time that people notice.
"""

import time
from dataclasses import dataclass
from typing import Any

import orjson

from bench.clients import Connection
from bench.errors import BenchError
from bench.history import BIG_OBJECT, NAMESPACE, History
from bench.latencies import Latency, to_latency
from bench.queries import GRAPHQL_PATH, dashboard_body, events_body, to_request
from bench.servers import Server
from bench.stores import Store
from storage.severities import Severity
from storage.times import parse_rfc3339

TARGET_EVENTS = 10_000_000
"""What the targets of dashboards are for: in a smaller store they are shown, and nothing is judged."""
_WARMING = 5
_COUNTED: dict[str, Any] = {"namespaces": [NAMESPACE], "minSeverity": "WARNING"}
_SCANNED: dict[str, Any] = {"success": False, "categories": ["lifecycle"], "messageContains": " of node-1"}
_COMPLEX: dict[str, Any] = {
    "and": [
        {"or": [{"minSeverity": "ERROR"}, {"eventTypes": ["sync_error"]}]},
        {"or": [{"success": False}, {"minDurationMs": 950}]},
        {"not": {"sources": ["host-0.example.net", "host-1.example.net"]}},
    ],
    "objects": [{"objectType": BIG_OBJECT[0], "objectId": BIG_OBJECT[1]}],
    "extra": [{"path": ["zone"], "test": {"eq": "zone-1"}}, {"path": ["memory", "used"], "test": {"gt": 1_000_000}}],
    "messageContains": "finished",
}


@dataclass(frozen=True)
class Panel:
    """A request, and the milliseconds below which its 95th percentile should be."""

    work: str
    body: bytes
    limit: float
    is_judged: bool = True

    @property
    def target(self) -> str:
        """The target in words."""
        return f"p95 < {self.limit:.0f} ms" + ("" if self.is_judged else f" at {TARGET_EVENTS:,} events")


@dataclass(frozen=True)
class Waits:
    """Milliseconds of each request, and in words what its answer says of itself."""

    milliseconds: list[float]
    found: str

    @property
    def total(self) -> Latency:
        """Their percentiles."""
        return to_latency(self.milliseconds)


def panels_of(history: History) -> list[Panel]:
    """Give what is asked of a store with this history."""
    judged = history.events >= TARGET_EVENTS
    counted = dashboard_body(_COUNTED, history.period, ("EVENT_TYPE", "SEVERITY", "SUCCESS"))
    scanned = dashboard_body(_SCANNED, history.period, ("SOURCE", "CATEGORY", "ACTOR"))
    return [
        Panel("dashboard in one request, from the counts", counted, 50, judged),
        Panel("dashboard in one request, by a scan", scanned, 200, judged),
        Panel("1000 events of a filter", events_body(_COUNTED, 1_000), 50),
        Panel("50 events of a complex filter", events_body(_COMPLEX, 50), 200),
    ]


def ask_panel(server: Server, panel: Panel, *, count: int) -> Waits:
    """Ask so often, one at a time, after some requests that warm up. Raises BenchError for an answer with errors."""
    request = to_request(GRAPHQL_PATH, panel.body)
    milliseconds = []
    with Connection(server.port) as connection:
        found = _read(connection.exchange(request))
        for _ in range(_WARMING):
            connection.exchange(request)
        for _ in range(count):
            started = time.perf_counter()
            connection.exchange(request)
            milliseconds.append((time.perf_counter() - started) * 1e3)
    return Waits(milliseconds, _describe(found))


def require_right_counts(store: Store, server: Server, history: History) -> None:
    """Count by a statement what the dashboard tells from the counts. Raises BenchError when it is not the same."""
    [panel, *_] = panels_of(history)
    with Connection(server.port) as connection:
        found = _read(connection.exchange(to_request(GRAPHQL_PATH, panel.body)))["histogram"]
    since, until = (parse_rfc3339(found[name]) for name in ("since", "until"))
    [(counted,)] = store.query(
        f"SELECT COUNT(*) FROM events WHERE severity >= {Severity.WARNING.value}"
        f" AND occurred_at >= {since} AND occurred_at < {until}"
    )
    told = found["total"]
    if told != {"value": counted, "kind": "EXACT"} or not counted:
        raise BenchError(f"{counted} events are stored, the histogram tells of {told}")


def _read(body: bytes) -> dict[str, Any]:
    answer = orjson.loads(body)
    if answer.get("errors") or not answer["data"]["events"]["nodes"]:
        raise BenchError(f"a panel has errors, or no events: {body[:600].decode()}")
    found: dict[str, Any] = answer["data"]
    return found


def _describe(found: dict[str, Any]) -> str:
    total = found["histogram"]["total"] if "histogram" in found else None
    events = f"{len(found['events']['nodes']):,} events"
    return events if total is None else f"{total['value']:,} counted ({total['kind']}), {events}"
