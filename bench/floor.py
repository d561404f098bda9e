"""The floor: what one would write by hand for exactly these requests, with nothing around it.

Same driver, same tables, same statements and same answers as the gateway's, orjson, and no checks at all. It is a
program of its own: `python -m bench.floor URL PORT STATEMENTS`.
"""

import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from operator import itemgetter
from pathlib import Path
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.floor_ingest import FloorIngest
from bench.formats import SEVERITIES, to_cursor, to_response, to_time
from bench.pools import Fetch, Pool, open_pool
from bench.serving import serve
from bench.statements import Statements

_OF_TIMELINE = ("id", "occurred_at", "event_type", "severity", "source", "message", "request_id", "duration_ms")
_OF_CONNECTION = ("id", "occurred_at", "event_type")
_OF_LINKS = ("event_id", "role", "object_type", "object_id")


class Places:
    """Under which keys the references of an object lie: asked for each time, or once, as the gateway does."""

    def __init__(self, statements: Statements) -> None:
        self._sql = statements.places.sql
        self._keys = itemgetter(*statements.places.positions(("object_key", "audience_key")))
        self._remembers = statements.places_are_remembered
        self._remembered: dict[tuple[str, str], tuple[int, int]] = {}

    async def find(self, fetch: Fetch, target: tuple[str, str]) -> tuple[int, int]:
        """Give the object key and the audience key, of which there is one."""
        if target in self._remembered:
            return self._remembered[target]
        [row] = await fetch(self._sql, (*target, "default"))
        place: tuple[int, int] = self._keys(row)
        if self._remembers:
            self._remembered[target] = place
        return place


class Floor:
    """The endpoints."""

    def __init__(self, pool: Pool, statements: Statements) -> None:
        self._pool = pool
        self._statements = statements
        self._places = Places(statements)
        self._ingest = FloorIngest(pool)
        self._of_timeline = statements.timeline.positions(_OF_TIMELINE)
        self._of_connection = statements.connection.positions(_OF_CONNECTION)
        self._of_links = statements.links.positions(_OF_LINKS)

    async def bare(self, request: Request) -> Response:
        """Parse the body, answer `{ __typename }`."""
        orjson.loads(await request.body())["query"]
        return to_response({"data": {"__typename": "Query"}})

    async def timeline(self, request: Request) -> Response:
        """Answer one page of a timeline, eight fields per event."""
        given = orjson.loads(await request.body())["variables"]
        size = given["first"]
        statement = self._statements.timeline
        async with self._pool.reading() as fetch:
            place = await self._places.find(fetch, (given["type"], given["id"]))
            rows = await fetch(statement.sql, statement.page_parameters(place, size + 1))
        identifier, at, kind, severity, source, message, asked_by, took = self._of_timeline
        nodes = [
            {
                "id": row[identifier],
                "timestamp": to_time(row[at]),
                "eventType": row[kind],
                "severity": SEVERITIES[row[severity]],
                "source": row[source],
                "message": row[message],
                "requestId": row[asked_by],
                "durationMs": row[took],
            }
            for row in rows[:size]
        ]
        return to_response({"data": {"object": {"timeline": {"nodes": nodes}}}})

    async def connection(self, request: Request) -> Response:
        """Answer one page with edges, cursors and the objects of each event."""
        given = orjson.loads(await request.body())["variables"]
        size = given["first"]
        statement = self._statements.connection
        identifier, at, kind = self._of_connection
        async with self._pool.reading() as fetch:
            place = await self._places.find(fetch, (given["type"], given["id"]))
            found = await fetch(statement.sql, statement.page_parameters(place, size + 1))
            rows = found[:size]
            ids = tuple([bytes.fromhex(row[identifier].replace("-", "")) for row in rows])
            links = self._by_event(await fetch(self._statements.links.sql, ids))
        edges = [
            {
                "cursor": to_cursor(row[at], row[identifier]),
                "node": {
                    "id": row[identifier],
                    "timestamp": to_time(row[at]),
                    "eventType": row[kind],
                    "objects": links[row[identifier]],
                },
            }
            for row in rows
        ]
        page_info = {"hasNextPage": len(found) > size, "endCursor": edges[-1]["cursor"]}
        return to_response({"data": {"object": {"timeline": {"edges": edges, "pageInfo": page_info}}}})

    def _by_event(self, rows: Sequence[Sequence[Any]]) -> dict[str, list[dict[str, Any]]]:
        event_id, role, kind, identifier = self._of_links
        links: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in sorted(rows, key=itemgetter(kind, identifier)):
            linked = {"objectType": row[kind], "objectId": row[identifier]}
            links[row[event_id]].append({"role": row[role], "object": linked})
        return links

    async def ingest(self, request: Request) -> Response:
        """Store a batch."""
        sent = orjson.loads(await request.body())["variables"]["input"]["events"]
        await self._ingest.store(sent)
        counts = {"accepted": len(sent), "duplicates": 0, "conflicts": 0, "rejected": 0}
        return to_response({"data": {"ingestEvents": counts}})


def build_app(url: str, statements: Statements) -> Starlette:
    """Make the application; its pool is opened when it starts."""
    app = Starlette()

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        pool = await open_pool(url)
        floor = Floor(pool, statements)
        for name in ("bare", "timeline", "connection", "ingest"):
            app.router.routes.append(Route(f"/{name}", getattr(floor, name), methods=["POST"]))
        yield
        await pool.close()

    app.router.lifespan_context = lifespan
    return app


if __name__ == "__main__":
    serve(build_app(sys.argv[1], Statements.read(Path(sys.argv[3]))), port=int(sys.argv[2]))
