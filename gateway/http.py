"""/graphql: the GraphQL-over-HTTP specification and rules W1 to W6, as a thin endpoint of our own."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec, TypeVar

import strawberry
import structlog
from graphql import GraphQLError, OperationType
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from gateway.context import Clock, RequestContext, ViewerRecord
from gateway.decoding import DecodedVariables, decode_with_batch
from gateway.documents import Document, DocumentError, Documents, Operation
from gateway.errors import BadUserInputError, ErrorCode, GatewayError, code_of
from gateway.execution import Answer, Executor
from gateway.health import RevisionGate
from gateway.limits import DocumentLimits
from gateway.metrics import Metrics
from gateway.negotiation import GRAPHQL_RESPONSE, JSON, choose_media_type, is_json_content
from gateway.requests import GraphQLRequest, decode_body, decode_query_string, decode_variables
from gateway.settings import Settings
from mutations.ingest import IngestLimits
from storage.engine import Database
from storage.errors import StorageError

P = ParamSpec("P")
T = TypeVar("T")

logger = structlog.get_logger(__name__)

# Most clients read no answer before they have sent their whole body: closing earlier looks like a broken connection,
# and they would send the same batch again and again. So a body is taken, and dropped, up to so many times the limit.
_DISCARDED_BODIES = 4

# Most queries are answered sooner, and a task for each would cost more than many of them.
_WATCH_AFTER_SECONDS = 0.05

PREFLIGHT_HEADERS = ("x-timeloom-preflight", "apollo-require-preflight")


class Refusal(Exception):
    """A request that is answered without looking at its GraphQL: status, code, text and further headers."""

    def __init__(self, status: int, code: ErrorCode, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers or {}


class ClientGoneError(Exception):
    """The client closed its connection before the answer was there."""


class GraphQLEndpoint:
    """Answers POST and GET on /graphql."""

    def __init__(
        self,
        *,
        schema: strawberry.Schema,
        settings: Settings,
        database: Database,
        viewer: ViewerRecord,
        metrics: Metrics,
        clock: Clock,
        gate: RevisionGate,
    ) -> None:
        self._database = database
        self._viewer = viewer
        self._metrics = metrics
        self._clock = clock
        self._gate = gate
        self._max_body_bytes = settings.max_batch_bytes
        self._timeout_seconds = settings.query_timeout_seconds
        self._ingest_limits = ingest_limits(settings)
        self._executor = Executor(schema, metrics, compiled=settings.execution == "compiled")
        self._documents = Documents(
            self._executor.graphql_schema,
            document_limits(settings),
            hide_suggestions=schema.config.disable_field_suggestions,
        )

    async def __call__(self, request: Request) -> Response:
        """Answer one request."""
        request_id = request.state.request_id
        media_type = choose_media_type(request.headers.get("accept"))
        try:
            if media_type is None:
                raise Refusal(406, ErrorCode.BAD_USER_INPUT, f"answers are {GRAPHQL_RESPONSE} or {JSON}")
            graphql_request = await self._read(request)
            answer = await self._answer(request, graphql_request, request_id)
        except Refusal as refusal:
            answer = self._executor.refuse([GraphQLError(str(refusal))], code=refusal.code, request_id=request_id)
            return _response(answer, refusal.status, media_type or JSON, refusal.headers)
        except ClientGoneError:
            return Response(status_code=499)
        except Exception:
            # No path leads here; should one all the same, its answer has a code and a requestId like every other.
            logger.exception("request failed", request_id=request_id)
            answer = self._executor.refuse([GraphQLError("")], code=ErrorCode.INTERNAL, request_id=request_id)
            return _response(answer, answer.status, media_type or JSON)
        # A well-formed request is answered with 200 when the answer is application/json: so the specification says.
        return _response(answer, answer.status if media_type == GRAPHQL_RESPONSE else 200, media_type)

    async def _read(self, request: Request) -> GraphQLRequest:
        if request.method == "GET":
            if not any(name in request.headers for name in PREFLIGHT_HEADERS):
                raise Refusal(400, ErrorCode.BAD_USER_INPUT, f"a query by GET needs the header {PREFLIGHT_HEADERS[0]}")
            return _or_refuse(decode_query_string, request.query_params)
        if request.method != "POST":
            raise Refusal(405, ErrorCode.BAD_USER_INPUT, "use POST, or GET for queries", {"allow": "GET, POST"})
        if not is_json_content(request.headers.get("content-type")):
            raise Refusal(415, ErrorCode.BAD_USER_INPUT, f"the content type must be {JSON}, in UTF-8")
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            raise Refusal(415, ErrorCode.BAD_USER_INPUT, "the body must not be compressed")
        return _or_refuse(decode_body, await self._read_body(request))

    async def _read_body(self, request: Request) -> bytes:
        limit = self._max_body_bytes
        declared = request.headers.get("content-length", "")
        is_too_large = declared.isascii() and declared.isdigit() and int(declared[:18]) > limit
        if is_too_large and "expect" in request.headers:
            raise _too_large(limit)
        parts: list[bytes] = []
        size = 0
        try:
            async for part in request.stream():
                size += len(part)
                is_too_large = is_too_large or size > limit
                if size > limit * _DISCARDED_BODIES:
                    break
                if not is_too_large:
                    parts.append(part)
        except ClientDisconnect:
            raise ClientGoneError from None
        if is_too_large:
            raise _too_large(limit)
        return b"".join(parts)

    async def _answer(self, request: Request, graphql_request: GraphQLRequest, request_id: str) -> Answer:
        try:
            document = self._documents.prepare(graphql_request.query)
            operation = document.operation(graphql_request.operation_name)
            decoded = _or_refuse(_decode_variables, graphql_request, operation)
            self._documents.require_affordable(document, operation, decoded.values)
        except DocumentError as error:
            return self._executor.refuse(error.errors, code=error.code, request_id=request_id)
        except GatewayError as error:
            return self._executor.refuse([error], code=error.code, request_id=request_id)
        if request.method == "GET" and operation.kind is not OperationType.QUERY:
            raise Refusal(405, ErrorCode.BAD_USER_INPUT, "a mutation needs POST", {"allow": "POST"})
        try:
            await self._gate.require()
        except StorageError as error:
            logger.warning("database is not ready", request_id=request_id, error=str(error))
            return self._executor.refuse([GraphQLError(str(error))], code=code_of(error), request_id=request_id)
        try:
            return await self._execute(request, document, operation, decoded)
        except TimeoutError:
            late = GraphQLError("the query took longer than TIMELOOM_QUERY_TIMEOUT_SECONDS")
            return self._executor.refuse([late], code=ErrorCode.TIMEOUT, request_id=request_id)

    async def _execute(
        self, request: Request, document: Document, operation: Operation, decoded: DecodedVariables
    ) -> Answer:
        context = RequestContext(
            database=self._database,
            clock=self._clock,
            viewer=self._viewer,
            ingest_limits=self._ingest_limits,
            request_id=request.state.request_id,
            decoded_batches=decoded.batches,
            metrics=self._metrics,
        )
        work = self._executor.execute(document, operation, variables=decoded.values, context=context)
        try:
            if operation.kind is OperationType.QUERY:
                result = await _watch(work, request, seconds=self._timeout_seconds)
            else:
                # It goes on to its end, so that a cut connection leaves no doubt that could be avoided.
                result = await asyncio.shield(work)
        finally:
            context.loaders.cancel()
        return self._executor.answer(result, request_id=context.request_id)


async def _watch(work: Awaitable[T], request: Request, *, seconds: float) -> T:
    """Await a query, and cancel it when the client has gone or the time is over.

    Raises ClientGoneError, TimeoutError.
    """
    loop = asyncio.get_running_loop()
    watcher = _Watcher(request, asyncio.current_task())
    timer = loop.call_later(_WATCH_AFTER_SECONDS, watcher.start)
    try:
        async with asyncio.timeout(seconds):
            return await work
    except asyncio.CancelledError:
        if watcher.has_cancelled():
            raise ClientGoneError from None
        raise
    finally:
        timer.cancel()
        watcher.stop()


class _Watcher:
    """Cancels a task when its client closes the connection."""

    def __init__(self, request: Request, query: asyncio.Task[Any] | None) -> None:
        self._request = request
        self._query = query
        self._watch: asyncio.Task[None] | None = None
        self._gone = False

    def start(self) -> None:
        """Begin to watch."""
        self._watch = asyncio.ensure_future(self._wait())

    def stop(self) -> None:
        """Watch no longer."""
        if self._watch is not None:
            self._watch.cancel()

    def has_cancelled(self) -> bool:
        """Whether the task was cancelled from here; it can go on then as if it had not been."""
        return self._gone and self._query is not None and self._query.uncancel() == 0

    async def _wait(self) -> None:
        while (await self._request.receive())["type"] != "http.disconnect":
            pass
        self._gone = True
        if self._query is not None:
            self._query.cancel()


def _decode_variables(request: GraphQLRequest, operation: Operation) -> DecodedVariables:
    if operation.batch_variable is not None:
        return decode_with_batch(request.variables, operation.batch_variable)
    return DecodedVariables(decode_variables(request.variables), {})


def _or_refuse(decode: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Decode; what is no request is refused with 400, whatever the media type of the answer (W2, W6)."""
    try:
        return decode(*arguments, **named)
    except BadUserInputError as error:
        raise Refusal(400, error.code, error.message) from None


def _too_large(limit: int) -> Refusal:
    message = f"the body has more than {limit} bytes (TIMELOOM_MAX_BATCH_BYTES): send smaller batches"
    return Refusal(413, ErrorCode.BATCH_TOO_LARGE, message, {"connection": "close"})


def _response(answer: Answer, status: int, media_type: str, headers: dict[str, str] | None = None) -> Response:
    content_type = f"{media_type}; charset=utf-8"
    return Response(answer.body, status_code=status, headers={**(headers or {}), "content-type": content_type})


def ingest_limits(settings: Settings) -> IngestLimits:
    """Give the limits of a batch."""
    return IngestLimits(
        max_batch_events=settings.max_batch_events,
        max_batch_bytes=settings.max_batch_bytes,
        max_batch_references=settings.max_batch_references,
        max_event_objects=settings.max_event_objects,
        max_message_bytes=settings.max_message_bytes,
        max_extra_bytes=settings.max_extra_bytes,
        max_extra_depth=settings.max_extra_depth,
        max_future_seconds=settings.max_future_seconds,
    )


def document_limits(settings: Settings) -> DocumentLimits:
    """Give the limits of a document."""
    return DocumentLimits(
        tokens=settings.max_query_tokens,
        depth=settings.max_query_depth,
        aliases=settings.max_query_aliases,
        directives=settings.max_query_directives,
        cost=settings.max_query_cost,
    )
