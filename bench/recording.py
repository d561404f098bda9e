"""Recording: which statements the gateway sends, seen by asking the application itself, in this process.

Nothing of storage's inside is known here but `Database.observe`. What the floors and peers do know are the statements'
parameters; a statement with others is refused, so that nothing is compared with something else by mistake.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any
from unittest.mock import patch

import httpx2

from bench.errors import BenchError
from bench.history import BIG_OBJECT
from bench.queries import CONNECTION, CONNECTION_EVENTS, GRAPHQL_PATH, TIMELINE, timeline_body
from bench.statements import Statement, Statements
from bench.stores import Store
from gateway.app import create_app
from gateway.settings import load_settings
from storage.engine import Database, StatementEvent

_ORIGIN = "http://127.0.0.1:8000"
# For a gateway that remembers where an object's references lie: floors and peers ask once, too.
_PLACES = (
    "SELECT objects.object_key, object_audiences.audience_key FROM objects "
    "JOIN object_audiences ON object_audiences.object_key = objects.object_key "
    "WHERE objects.object_type = {0} AND objects.object_id = {0} AND objects.namespace = {0}"
)
# Only what a request's own task sends is recorded: the gateway's background tasks send statements too.
_RECORDED: ContextVar[list[str] | None] = ContextVar("recorded", default=None)


def record_statements(store: Store, driver: str, settings: Mapping[str, str]) -> Statements:
    """Look which statements the gateway sends for the pages that are timed; `settings` are TIMELOOM_* variables.

    Raises BenchError when the floors and peers know others.
    """
    environment = {**settings, "TIMELOOM_DATABASE_URL": store.url(driver)}
    sent = asyncio.run(_record(environment, {"timeline": (TIMELINE, 1), "connection": (CONNECTION, CONNECTION_EVENTS)}))
    return Shapes(store, placeholder="?" if driver == "sqlite" else "%s").to_statements(**sent)


async def _record(environment: Mapping[str, str], pages: Mapping[str, tuple[str, int]]) -> dict[str, list[str]]:
    async with _serving(environment) as client:
        sent = {}
        for name, (query, size) in pages.items():
            body = timeline_body(BIG_OBJECT, size, query=query)
            await _ask(client, body)  # looks up names that are known from then on
            sent[name] = await _ask(client, body)
    return sent


@asynccontextmanager
async def _serving(environment: Mapping[str, str]) -> AsyncIterator[httpx2.AsyncClient]:
    """Run the application in this process; whatever database it opens tells its statements."""
    settings = load_settings(environment=environment).settings
    app = create_app(settings)
    with patch.object(Database, "open", _open_observed(Database.open)):
        async with app.router.lifespan_context(app):
            transport = httpx2.ASGITransport(app=app)
            async with httpx2.AsyncClient(transport=transport, base_url=_ORIGIN) as client:
                yield client


def _open_observed(original: Any) -> Any:
    async def open_observed(*arguments: Any, **options: Any) -> Database:
        database: Database = await original(*arguments, **options)
        database.observe(_note)
        return database

    return open_observed


def _note(event: StatementEvent) -> None:
    recorded = _RECORDED.get()
    if recorded is not None:
        recorded.append(event.sql)


async def _ask(client: httpx2.AsyncClient, body: bytes) -> list[str]:
    recorded: list[str] = []
    token = _RECORDED.set(recorded)
    try:
        answer = await client.post(GRAPHQL_PATH, content=body, headers={"content-type": "application/json"})
    finally:
        _RECORDED.reset(token)
    if answer.status_code != 200 or answer.json().get("errors"):
        raise BenchError(f"the gateway answers {answer.status_code}: {answer.text[:500]}")
    return recorded


class Shapes:
    """What floors and peers know of the gateway's statements: how many there are, and their parameters."""

    def __init__(self, store: Store, *, placeholder: str) -> None:
        """`placeholder` is the driver's; the store tells which columns a statement gives."""
        self._store = store
        self._placeholder = placeholder

    def to_statements(self, timeline: Sequence[str], connection: Sequence[str]) -> Statements:
        """Give what was sent for one page each. Raises BenchError when it is not what is known."""
        if len(timeline) not in (1, 2):
            raise self._unknown("a page of a timeline", "one or two statements", timeline)
        *places, page = timeline
        remembered = not places
        if list(connection[:-2]) != places or len(connection) != len(timeline) + 1:
            raise self._unknown("a connection page", "one statement more than a timeline", connection)
        return Statements(
            places=self._known(places[0] if places else self._own_places, "an object's places", ("", "", "")),
            places_are_remembered=remembered,
            timeline=self._page(page),
            connection=self._page(connection[-2]),
            links=self._known(connection[-1], "the links of a page", (b"",) * CONNECTION_EVENTS),
        )

    @property
    def _own_places(self) -> str:
        return _PLACES.format(self._placeholder)

    def _page(self, sql: str) -> Statement:
        return self._known(sql, "a page of events", Statement(sql, []).page_parameters((0, 0), 1))

    def _known(self, sql: str, what: str, parameters: tuple[Any, ...]) -> Statement:
        """Give a statement with its columns, which the database says when it is sent with parameters of these kinds."""
        if sql.count(self._placeholder) != len(parameters):
            raise self._unknown(what, f"{len(parameters)} parameters", [sql])
        return Statement(sql, self._store.columns(sql, parameters))

    def _unknown(self, what: str, known: str, sent: Sequence[str]) -> BenchError:
        shown = "\n".join(sql[:2_000] for sql in sent) or "(none)"
        return BenchError(
            f"{what}: the floor and the peers know {known}, the gateway sends something else now. Bring "
            f"bench/recording.py, bench/floor.py and bench/peers up to date. It sends:\n{shown}"
        )
