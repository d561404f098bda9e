"""Two whole applications, one per executor, that are asked the same and must answer the same (L1).

Requests go through the ASGI interface by hand: in process, with bytes in and bytes out, so that every header and every
byte of the body can be compared. Both have the same clock, and each has its own copy of one store or shares one that
the requests leave as it is.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator, MutableMapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson
import structlog
from starlette.applications import Starlette

from gateway.app import Gateway, create_app
from gateway.settings import Settings
from storage.engine import StatementEvent
from storage.times import parse_rfc3339
from tests.equality.stores import Stores

NOW = parse_rfc3339("2026-01-01T12:00:00.25Z")
JSON = "application/json"
GRAPHQL_RESPONSE = "application/graphql-response+json"

_REPEATS = 6
_ERRORS = b'{"errors":'
_DECODER = json.JSONDecoder()
_FALLBACK = re.compile(r'^timeloom_stock_executions_total\{reason="(\w+)"\} (\S+)$', re.MULTILINE)
_SENT: ContextVar[list[str] | None] = ContextVar("sent", default=None)


@dataclass(frozen=True)
class Request:
    """One GraphQL request as a client sends it."""

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = None
    accept: str = GRAPHQL_RESPONSE

    @property
    def body(self) -> bytes:
        """The body of its POST."""
        return orjson.dumps(
            {"query": self.query, "variables": self.variables, "operationName": self.operation_name},
        )

    def __str__(self) -> str:
        shown = {"variables": self.variables, "operationName": self.operation_name, "accept": self.accept}
        return f"{self.query}\n{orjson.dumps(shown).decode()}"


@dataclass
class Reply:
    """What a client sees of an answer, and the statements that it cost."""

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    statements: list[str] = field(default_factory=list)


class Side:
    """One application whose lifespan is running."""

    def __init__(self, app: Starlette, gateway: Gateway) -> None:
        self._app = app
        self._gateway = gateway
        gateway.endpoint._database.observe(_note)

    async def ask(self, request: Request) -> Reply:
        """Send a request through the whole application."""
        # Tasks that a request starts inherit the list; the application's background tasks have none.
        statements: list[str] = []
        token = _SENT.set(statements)
        try:
            reply = await self._call(request)
        finally:
            _SENT.reset(token)
        reply.statements = statements
        return reply

    def share_documents(self, other: "Side") -> None:
        """Take the other's parsed documents, so that each is parsed and validated once: that is half of the time."""
        self._gateway.endpoint._documents = other._gateway.endpoint._documents

    def fallbacks(self) -> dict[str, int]:
        """Give why, and how often, stock execution answered instead of the compiled one."""
        found = _FALLBACK.findall(self._gateway.metrics.render().decode())
        return {reason: int(float(count)) for reason, count in found}

    async def _call(self, request: Request) -> Reply:
        body = [request.body]
        reply = Reply()

        async def receive() -> Any:
            if body:
                return {"type": "http.request", "body": body.pop(), "more_body": False}
            return await asyncio.get_running_loop().create_future()  # the client stays

        async def send(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                reply.status, reply.headers = message["status"], sorted(message["headers"])
            else:
                reply.body += message.get("body", b"")

        await self._app(_http_scope(request), receive, send)
        return reply


@dataclass(frozen=True)
class Pair:
    """The stock executor and the compiled one."""

    stock: Side
    compiled: Side

    async def ask(self, request: Request) -> tuple[Reply, str | None]:
        """Ask both, and give the stock answer and what is different, if anything is."""
        stock = await self.stock.ask(request)
        compiled = await self.compiled.ask(request)
        difference = find_difference(stock, compiled)
        if difference is not None and _have_read_floats_alike(stock, compiled):
            difference = await self._ask_again(request, difference)
        if difference is None and len(compiled.statements) > len(stock.statements) and not _ended_early(stock):
            difference = await self._compare_statements(request, stock, compiled)
        return stock, difference

    async def _ask_again(self, request: Request, difference: str) -> str | None:
        """Give the difference, unless it was chance: by the same statements both give the same when asked again.

        A sum of floats depends in its last digit on the order of the rows, and MariaDB reads those that a window sorts
        alike now in one order, now in another.
        """
        for _ in range(_REPEATS):
            if find_difference(await self.stock.ask(request), await self.compiled.ask(request)) is None:
                return None
        return difference

    async def _compare_statements(self, request: Request, stock: Reply, compiled: Reply) -> str | None:
        """Say that the compiled executor sends more statements, unless that was chance.

        Where reads run side by side, which of them ends first decides about how loads come together in batches: the
        number differs from time to time in both executors.
        """
        most, fewest = len(stock.statements), compiled.statements
        for _ in range(_REPEATS):
            most = max(most, len((await self.stock.ask(request)).statements))
            fewest = min(fewest, (await self.compiled.ask(request)).statements, key=len)
            if len(fewest) <= most:
                return None
        shown = "\n".join(f"  {statement}" for statement in fewest)
        return f"{_unlike('number of statements', most, len(fewest))}\n{shown}"


def _have_read_floats_alike(stock: Reply, compiled: Reply) -> bool:
    """Whether both sent the same statements, which read only, and among them a window over floats of MariaDB."""
    if stock.statements != compiled.statements or not all(each.startswith("SELECT") for each in stock.statements):
        return False
    return any(" OVER (PARTITION BY " in each and "%s" in each for each in stock.statements)


def _ended_early(reply: Reply) -> bool:
    """Whether an error took its whole root field along: then stock execution leaves the rest of that field alone."""
    answer = orjson.loads(reply.body)
    data = answer.get("data") or {}
    paths = [error["path"] for error in answer.get("errors", ()) if "path" in error]
    return any(len(path) > 1 and data.get(path[0]) is None for path in paths)


@asynccontextmanager
async def serve_pair(stores: Stores) -> AsyncIterator[Pair]:
    """Serve both executors, each over its store; the names of namespaces and audiences are known to both."""
    async with AsyncExitStack() as stack:
        stack.enter_context(silent_logs())
        sides = [
            await stack.enter_async_context(_serve(stores.stock, "stock")),
            await stack.enter_async_context(_serve(stores.compiled, "compiled")),
        ]
        sides[1].share_documents(sides[0])
        for side in sides:
            reply = await side.ask(Request("{ events(first: 1000) { nodes { visibleTo parent { owner } } } }"))
            assert reply.status == 200, reply.body
        yield Pair(*sides)


@contextmanager
def silent_logs() -> Iterator[None]:
    """Drop what is logged: writing the tracebacks of failed fields takes more time than all the rest."""
    processors = structlog.get_config()["processors"]
    kept = list(processors)
    # In place, because loggers that were used before hold on to this list.
    processors[:] = [_drop]
    try:
        yield
    finally:
        processors[:] = kept


def _drop(*_: Any) -> Any:
    raise structlog.DropEvent


def find_difference(stock: Reply, compiled: Reply) -> str | None:
    """Say in which way the compiled answer is not the stock one; None: in none that a client may see."""
    if stock.status != compiled.status:
        return _unlike("status", stock.status, compiled.status)
    # The bodies before the headers, of which one is the length of the body.
    if stock.body != compiled.body and split_errors(stock.body) != split_errors(compiled.body):
        return _unlike("body", stock.body.decode(), compiled.body.decode())
    if stock.headers != compiled.headers:
        return _unlike("headers", stock.headers, compiled.headers)
    return None


def split_errors(body: bytes) -> object:
    """Split a body into errors, which have no order, and the rest, in which each byte counts.

    The rest is not read: a damaged row may have `extra` that is no JSON, and then the body is none either.
    """
    if not body.startswith(_ERRORS):
        return body
    text = body.decode()
    errors, end = _DECODER.raw_decode(text, len(_ERRORS))
    return sorted(map(_error_key, errors)), text[end:]


def _error_key(error: dict[str, Any]) -> tuple[bytes, ...]:
    return (orjson.dumps(error.get("path")), error["message"].encode(), orjson.dumps(error))


def _unlike(what: str, stock: object, compiled: object) -> str:
    return f"another {what}\n   stock: {stock}\ncompiled: {compiled}"


def _note(event: StatementEvent) -> None:
    sent = _SENT.get()
    if sent is not None:
        sent.append(event.sql)


def _http_scope(request: Request) -> dict[str, Any]:
    headers = {
        "host": "127.0.0.1:8000",
        "content-type": JSON,
        "accept": request.accept,
        "x-request-id": "equality",
    }
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
    }


@asynccontextmanager
async def _serve(url: str, execution: Literal["stock", "compiled"]) -> AsyncIterator[Side]:
    # The trees of this history are small, and are asked for relations that would be dear in large ones.
    settings = Settings(database_url=url, execution=execution, max_query_cost=20_000_000)
    app = create_app(settings, clock=lambda: NOW)
    async with app.router.lifespan_context(app):
        gateway: Gateway = app.state.gateway
        yield Side(app, gateway)
