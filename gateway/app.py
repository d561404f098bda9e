"""The application: which route goes where, what stands before all of them, and what lives as long as the process."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import orjson
import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.background import Background, Loop
from gateway.context import Clock
from gateway.errors import ErrorCode
from gateway.gauges import sample_gauges
from gateway.health import RevisionGate, check_readiness
from gateway.hosts import AllowedHosts, host_header, proxy_header
from gateway.http import GraphQLEndpoint
from gateway.metrics import CONTENT_TYPE, Metrics
from gateway.retention import build_retention, sample_retention
from gateway.schema import build_schema
from gateway.settings import Settings
from gateway.type_registries import declared_types
from gateway.ui import build_pages
from gateway.viewers import local_administrator
from mutations.deletion_worker import DeletionWorker
from mutations.type_registry import TypeRegistry
from mutations.upkeep import Upkeep
from storage.counts import CountFolder
from storage.engine import Database
from storage.options import DatabaseOptions
from storage.positions import Sequencer
from storage.store_ids import require_same_store
from storage.times import now_micros

logger = structlog.get_logger(__name__)

GRAPHQL_PATHS = frozenset({"/graphql", "/graphql/"})

_READY_SECONDS = 3.0
_BACKGROUND_STOP_SECONDS = 5.0
_SLOW_SECONDS = 1.0
_ALWAYS_SENT = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))
_ID_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/+=@-")


class Gateway:
    """What the routes work with, and what begins and ends with the process."""

    def __init__(self, settings: Settings, *, clock: Clock = now_micros) -> None:
        """Prepare everything; `lifespan` opens the database. Raises SettingsError for a file of types with a fault."""
        self.settings = settings
        self.clock = clock
        self.declared_types = declared_types(settings)
        declared_names = {key.name for key in self.declared_types.event_types}
        self.metrics = Metrics({*settings.metrics_event_types, *declared_names})
        self.schema = build_schema()
        self.background = Background(self.metrics)
        self.endpoint: GraphQLEndpoint
        self.gate: RevisionGate

    @asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        """Open the database and begin the background tasks; at the end give leases and connections back."""
        # A database that is down now may be up later: nothing is connected here, the gate checks on first use.
        async with AsyncExitStack() as opened:
            database = await self._open(self.settings.database_url, opened)
            removals = database
            if self.settings.removal_database_url:
                removals = await self._open(self.settings.removal_database_url, opened)
            try:
                self._assemble(database, removals)
                yield
            finally:
                await self.background.stop(seconds=_BACKGROUND_STOP_SECONDS)
        logger.info("stopped", pid=os.getpid())

    async def _open(self, url: str, opened: AsyncExitStack) -> Database:
        database = await Database.open(url, database_options(self.settings), check_revision=False)
        opened.push_async_callback(database.close)
        database.observe(self.metrics.statement)
        return database

    def _assemble(self, database: Database, removals: Database) -> None:
        """Make what answers, and begin what works beside it; whatever takes events away works on `removals`."""
        self.gate = RevisionGate(database)
        deletions = DeletionWorker(
            removals, clock=self.clock, chunk_events=self.settings.removal_chunk_events or None, report=self.metrics
        )
        retention = build_retention(
            self.settings, removals, declared=self.declared_types, clock=self.clock, observer=self.metrics
        )
        refuses_unknown = self.settings.unknown_event_types == "refuse"
        self.endpoint = GraphQLEndpoint(
            schema=self.schema,
            settings=self.settings,
            database=database,
            viewer=local_administrator(self.settings.home_namespace),
            metrics=self.metrics,
            clock=self.clock,
            gate=self.gate,
            wake_deletions=deletions.wake,
            retention=retention,
            types=TypeRegistry(database, self.declared_types, refuses_unknown=refuses_unknown),
        )
        self.background.start("sequencer", Sequencer(database).run)
        self.background.start("count_folder", CountFolder(database).run)
        self._start_removing("deletions", deletions.run, database, removals)
        self._start_removing("retention", retention.run, database, removals)
        self.background.start("retention_gauges", partial(sample_retention, retention, self.metrics))
        self._start_removing("upkeep", self._upkeep(database, removals).run, database, removals)
        self.background.start("gauges", partial(sample_gauges, database, self.metrics))

    def _start_removing(self, name: str, loop: Loop, database: Database, removals: Database) -> None:
        """Begin a loop that takes something away, as soon as it is known that it does so in the right store."""

        async def run(stop: asyncio.Event) -> None:
            await require_same_store(database, removals, setting="TIMELOOM_REMOVAL_DATABASE_URL")
            await loop(stop)

        self.background.start(name, run)

    def _upkeep(self, database: Database, removals: Database) -> Upkeep:
        return Upkeep(
            database,
            removals,
            clock=self.clock,
            horizon_seconds=self.settings.resend_horizon_seconds,
            operation_age_seconds=self.settings.max_operation_age_seconds,
            report=self.metrics.upkeep,
        )

    async def answer_graphql(self, scope: Scope, receive: Receive, send: Send) -> None:
        """/graphql."""
        await self.endpoint(scope, receive, send)

    async def answer_health(self, _request: Request) -> Response:
        """/healthz: the process lives."""
        return _json({"alive": True})

    async def answer_ready(self, _request: Request) -> Response:
        """/readyz: the database can be reached and has the right revision."""
        readiness = await check_readiness(self.gate, seconds=_READY_SECONDS)
        return _json(readiness.to_json(), status=200 if readiness.is_ready else 503)

    async def answer_metrics(self, _request: Request) -> Response:
        """/metrics, for Prometheus."""
        return Response(self.metrics.render(), headers={"content-type": CONTENT_TYPE, "cache-control": "no-store"})


def create_app(settings: Settings, *, clock: Clock = now_micros) -> Starlette:
    """Build the application; its lifespan opens the database."""
    gateway = Gateway(settings, clock=clock)
    routes: list[BaseRoute] = [
        Route("/healthz", gateway.answer_health),
        Route("/readyz", gateway.answer_ready),
        Route("/metrics", gateway.answer_metrics),
    ]
    if settings.graphiql:
        routes += [Route("/", _redirect_to_graphiql), *build_pages()]
    front = Middleware(Front, settings=settings, metrics=gateway.metrics, graphql=gateway.answer_graphql)
    app = Starlette(routes=routes, middleware=[front], lifespan=gateway.lifespan)
    app.state.gateway = gateway
    return app


def database_options(settings: Settings) -> DatabaseOptions:
    """Give the sizes and limits of the database."""
    return DatabaseOptions(
        pool_size=settings.pool_size,
        write_pool_size=settings.pool_size,
        statement_timeout_seconds=settings.statement_timeout_seconds,
        write_timeout_seconds=settings.write_timeout_seconds,
        connect_timeout_seconds=settings.connect_timeout_seconds,
        scan_rows=settings.scan_rows,
    )


class Front:
    """Stands before every route: who is answered at all (W3, W4), the request's id, time and count.

    /graphql does not go through Starlette's routes: what they do takes as long as answering many a query.
    """

    def __init__(self, app: ASGIApp, *, settings: Settings, metrics: Metrics, graphql: ASGIApp) -> None:
        self._app = app
        self._graphql = graphql
        self._hosts = AllowedHosts(settings.allowed_hosts)
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse, one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        request_id = _request_id(scope)
        id_header = (b"x-request-id", request_id.encode())
        scope.setdefault("state", {})["request_id"] = request_id
        status = 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], id_header, *_ALWAYS_SENT]
            await send(message)

        try:
            refusal = self._refuse(scope, request_id)
            app = self._graphql if scope["path"] in GRAPHQL_PATHS else self._app
            await (refusal or app)(scope, receive, send_with_id)
        finally:
            seconds = time.perf_counter() - began
            self._metrics.request(scope["path"], status, seconds)
            log = logger.info if seconds > _SLOW_SECONDS or status >= 500 else logger.debug
            log(
                "request",
                request_id=request_id,
                method=scope["method"],
                path=scope["path"],
                status=status,
                milliseconds=round(seconds * 1000, 3),
            )

    def _refuse(self, scope: Scope, request_id: str) -> Response | None:
        if not self._hosts.accepts(host_header(scope)):
            message = "this Host header is not served here; TIMELOOM_ALLOWED_HOSTS names those that are"
            return _error(421, message, request_id)
        header = proxy_header(scope)
        if header is not None:
            message = f"without authentication nothing that came through a proxy is answered (header {header})"
            return _error(403, message, request_id)
        return None


def _request_id(scope: Scope) -> str:
    """Give the caller's X-Request-Id when it is short and harmless, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            text: str = value.decode("latin-1")
            if 0 < len(text) <= 128 and _ID_CHARACTERS.issuperset(text):
                return text
    return os.urandom(16).hex()


def _error(status: int, message: str, request_id: str) -> Response:
    extensions = {"code": ErrorCode.FORBIDDEN.value, "requestId": request_id}
    return _json({"errors": [{"message": message, "extensions": extensions}]}, status=status)


def _json(content: object, *, status: int = 200) -> Response:
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    return Response(orjson.dumps(content), status_code=status, headers=headers)


async def _redirect_to_graphiql(_request: Request) -> Response:
    return RedirectResponse("/graphiql")
