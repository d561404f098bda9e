"""Walks: the whole history, page by page, as a client reads it, and what the server's memory does meanwhile."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass

import orjson

from bench.clients import Connection
from bench.history import BIG_OBJECT
from bench.queries import CURSOR, GRAPHQL_PATH, PAGE, timeline_body, to_request
from bench.servers import Server

PAGE_EVENTS = 1_000


@dataclass(frozen=True)
class Walk:
    """Megabytes resident before, after each page, and in the end."""

    events: int
    before: float
    pages: list[float]

    @property
    def after(self) -> float:
        """After the last page."""
        return self.pages[-1]

    @property
    def first_quarter(self) -> float:
        """The median of the first quarter of the pages."""
        return statistics.median(self.pages[: max(1, len(self.pages) // 4)])

    @property
    def last_quarter(self) -> float:
        """The median of the last quarter of the pages."""
        return statistics.median(self.pages[-max(1, len(self.pages) // 4) :])

    @property
    def growth(self) -> float:
        """The last quarter by the first."""
        return self.last_quarter / self.first_quarter


def walk_history(server: Server, advance: Callable[[int], None]) -> Walk:
    """Read all events of the big object; `advance` is told how many more were read."""
    before, pages, events = server.memory().now, [], 0
    cursor: str | None = None
    with Connection(server.port) as connection:
        while True:
            body = timeline_body(BIG_OBJECT, PAGE_EVENTS, cursor, PAGE)
            answer = orjson.loads(connection.exchange(to_request(GRAPHQL_PATH, body)))
            page = answer["data"]["object"]["timeline"]
            if not page["nodes"]:
                break
            events += len(page["nodes"])
            pages.append(server.memory().now)
            advance(len(page["nodes"]))
            cursor = page["pageInfo"]["endCursor"]
    return Walk(events, before, pages)


def cursor_after(server: Server, events: int) -> str | None:
    """Give the cursor behind so many events of the big object, found as a client finds it."""
    cursor: str | None = None
    with Connection(server.port) as connection:
        while events:
            step = min(events, PAGE_EVENTS)
            body = timeline_body(BIG_OBJECT, step, cursor, CURSOR)
            answer = orjson.loads(connection.exchange(to_request(GRAPHQL_PATH, body)))
            cursor = answer["data"]["object"]["timeline"]["pageInfo"]["endCursor"]
            events -= step
    return cursor
