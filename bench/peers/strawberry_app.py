"""Stock Strawberry: its own ASGI view and execution, SQLAlchemy Core, the gateway's statements.

A program of its own: `python -m bench.peers.strawberry_app URL PORT STATEMENTS`.
"""

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from enum import Enum
from operator import itemgetter
from pathlib import Path
from typing import Any, NewType

import strawberry
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.routing import Route
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.schema.config import StrawberryConfig

from bench.formats import to_time
from bench.pools import MARIADB_SETUP, POOL_SIZE, SQLITE_SETUP
from bench.queries import GRAPHQL_PATH
from bench.serving import serve
from bench.statements import Statements

_COLUMNS = ("id", "occurred_at", "event_type", "severity", "source", "message", "request_id", "duration_ms")


@strawberry.enum
class Severity(Enum):
    """How bad an event is; the values are ranks."""

    DEBUG = 0
    INFO = 1
    NOTICE = 2
    WARNING = 3
    ERROR = 4
    CRITICAL = 5


DateTime = NewType("DateTime", datetime)


def _to_rfc3339(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds") + "Z"


@strawberry.type
class Event:
    """An event, with the fields that are timed."""

    id: strawberry.ID
    timestamp: DateTime
    event_type: str
    severity: Severity
    source: str
    message: str
    request_id: str | None
    duration_ms: float | None


@strawberry.type
class EventConnection:
    """A page of events."""

    nodes: list[Event]


@strawberry.type
class EventObject:
    """An object and its timeline."""

    object_type: str
    object_id: str

    @strawberry.field
    async def timeline(
        self, info: strawberry.Info, first: int = 50, after: str | None = None
    ) -> EventConnection | None:
        """Read the first page, newest first: no other is timed."""
        rows = await info.context["timelines"].fetch((self.object_type, self.object_id), first)
        return EventConnection(nodes=[_to_event(row) for row in rows])


@strawberry.type
class Query:
    """The root."""

    @strawberry.field
    def object(self, object_type: str, object_id: str) -> EventObject | None:
        """Give an object."""
        return EventObject(object_type=object_type, object_id=object_id)


def _to_event(row: Sequence[Any]) -> Event:
    event_id, at, kind, severity, source, message, asked_by, took = row
    return Event(
        id=event_id,
        timestamp=DateTime(to_time(at)),
        event_type=kind,
        severity=Severity(severity),
        source=source,
        message=message,
        request_id=asked_by,
        duration_ms=took,
    )


class Timelines:
    """Reads pages by the gateway's statements."""

    def __init__(self, engine: AsyncEngine, statements: Statements) -> None:
        self._engine = engine
        self._statements = statements
        self._keys = itemgetter(*statements.places.positions(("object_key", "audience_key")))
        self._fields = itemgetter(*statements.timeline.positions(_COLUMNS))
        self._remembered: dict[tuple[str, str], tuple[int, int]] = {}

    async def fetch(self, target: tuple[str, str], size: int) -> list[tuple[Any, ...]]:
        """Give the first events of an object's timeline, their fields in the order of _COLUMNS."""
        page = self._statements.timeline
        async with self._engine.connect() as connection:
            place = self._remembered.get(target) or await self._find(connection, target)
            rows = await connection.exec_driver_sql(page.sql, page.page_parameters(place, size + 1))
            return [self._fields(row) for row in rows.all()[:size]]

    async def _find(self, connection: Any, target: tuple[str, str]) -> tuple[int, int]:
        [row] = await connection.exec_driver_sql(self._statements.places.sql, (*target, "default"))
        place: tuple[int, int] = self._keys(row)
        if self._statements.places_are_remembered:
            self._remembered[target] = place
        return place


class View(GraphQL[dict[str, Any], None]):
    """Strawberry's view, with the timelines in its context."""

    def __init__(self, schema: strawberry.Schema, timelines: Timelines) -> None:
        super().__init__(schema, graphql_ide=None)
        self._timelines = timelines

    async def get_context(self, request: HTTPConnection, response: Any) -> dict[str, Any]:
        """Give what resolvers work with."""
        return {"request": request, "response": response, "timelines": self._timelines}


def build_app(url: str, statements: Statements) -> Starlette:
    """Make the application."""
    engine = create_async_engine(url, pool_size=POOL_SIZE, max_overflow=0, isolation_level="AUTOCOMMIT")
    event.listen(engine.sync_engine, "connect", _set_up)
    scalar = strawberry.scalar(name="DateTime", serialize=_to_rfc3339, parse_value=datetime.fromisoformat)
    schema = strawberry.Schema(
        Query,
        extensions=[lambda: ParserCache(maxsize=100), lambda: ValidationCache(maxsize=100)],
        config=StrawberryConfig(scalar_map={DateTime: scalar}),
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await engine.dispose()

    view = View(schema, Timelines(engine, statements))
    return Starlette(routes=[Route(GRAPHQL_PATH, view)], lifespan=lifespan)


def _set_up(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    if connection.driver_connection.__class__.__module__.startswith("aiosqlite"):
        for pragma in SQLITE_SETUP.split(";")[:-1]:
            cursor.execute(pragma)
    else:
        cursor.execute(MARIADB_SETUP)
    cursor.close()


if __name__ == "__main__":
    serve(build_app(sys.argv[1], Statements.read(Path(sys.argv[3]))), port=int(sys.argv[2]))
