"""/graphql: the GraphQL-over-HTTP specification and rules W1 to W6, as a thin endpoint of our own."""

import asyncio
from collections.abc import Callable, Mapping
from typing import ParamSpec, TypeVar

import strawberry
import structlog
from graphql import GraphQLError, OperationType
from starlette.datastructures import QueryParams
from starlette.types import Receive, Scope, Send

from gateway.context import Clock, RequestContext, ViewerRecord
from gateway.decoding import DecodedVariables, decode_with_batch
from gateway.documents import Document, DocumentError, Documents, Operation
from gateway.errors import BadUserInputError, ErrorCode, GatewayError, code_of
from gateway.exchange import BodyTooLargeError, ClientGoneError, Exchange
from gateway.execution import Answer, Executor
from gateway.health import RevisionGate
from gateway.limits import DocumentLimits
from gateway.metrics import Metrics
from gateway.negotiation import GRAPHQL_RESPONSE, JSON, choose_media_type, is_json_content
from gateway.requests import GraphQLRequest, decode_body, decode_query_string, decode_variables
from gateway.settings import Settings, parse_quotas
from gateway.watching import watch
from mutations.ingest import IngestLimits
from mutations.retention import RetentionRunner
from mutations.type_registry import TypeRegistry
from storage.engine import Database
from storage.errors import StorageError
from storage.quotas import Quotas

P = ParamSpec("P")
T = TypeVar("T")

logger = structlog.get_logger(__name__)

PREFLIGHT_HEADERS = (b"x-timeloom-preflight", b"apollo-require-preflight")
_CONTENT_TYPES = {each: f"{each}; charset=utf-8".encode() for each in (GRAPHQL_RESPONSE, JSON)}


class Refusal(Exception):
    """A request that is answered without looking at its GraphQL: status, code, text and further headers."""

    def __init__(
        self, status: int, code: ErrorCode, message: str, headers: Mapping[bytes, bytes] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers or {}


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
        wake_deletions: Callable[[], None] = lambda: None,
        retention: RetentionRunner | None = None,
        types: TypeRegistry,
    ) -> None:
        self._database = database
        self._viewer = viewer
        self._metrics = metrics
        self._clock = clock
        self._gate = gate
        self._wake_deletions = wake_deletions
        self._retention = retention
        self._types = types
        self._max_body_bytes = settings.max_batch_bytes
        self._timeout_seconds = settings.query_timeout_seconds
        self._ingest_limits = ingest_limits(settings)
        self._max_tree_events = settings.max_tree_events
        self._panel_seconds = settings.panel_timeout_seconds
        self._executor = Executor(schema, metrics, compiled=settings.execution == "compiled")
        self._documents = Documents(
            self._executor.graphql_schema,
            document_limits(settings),
            hide_suggestions=schema.config.disable_field_suggestions,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        exchange = Exchange(scope, receive, send)
        media_type = choose_media_type(exchange.header(b"accept"))
        status: int | None = None
        headers: Mapping[bytes, bytes] = {}
        try:
            if media_type is None:
                raise Refusal(406, ErrorCode.BAD_USER_INPUT, f"answers are {GRAPHQL_RESPONSE} or {JSON}")
            answer = await self._answer(exchange, await self._read(exchange))
        except Refusal as refusal:
            answer = self._refuse(GraphQLError(str(refusal)), refusal.code, exchange)
            status, headers = refusal.status, refusal.headers
        except ClientGoneError:
            await exchange.answer(499, b"", {})
            return
        except Exception:
            # No path leads here; should one all the same, its answer has a code and a requestId like every other.
            logger.exception("request failed", request_id=exchange.request_id)
            answer = self._refuse(GraphQLError(""), ErrorCode.INTERNAL, exchange)
            status = answer.status
        if status is None:
            # A well-formed request is answered with 200 when the answer is application/json: the specification says so.
            status = answer.status if media_type == GRAPHQL_RESPONSE else 200
        content_type = _CONTENT_TYPES[media_type or JSON]
        await exchange.answer(status, answer.body, {**headers, b"content-type": content_type})

    async def _read(self, exchange: Exchange) -> GraphQLRequest:
        if exchange.method == "GET":
            if not any(map(exchange.has_header, PREFLIGHT_HEADERS)):
                name = PREFLIGHT_HEADERS[0].decode()
                raise Refusal(400, ErrorCode.BAD_USER_INPUT, f"a query by GET needs the header {name}")
            return _or_refuse(decode_query_string, QueryParams(exchange.query_string))
        if exchange.method != "POST":
            raise Refusal(405, ErrorCode.BAD_USER_INPUT, "use POST, or GET for queries", {b"allow": b"GET, POST"})
        if not is_json_content(exchange.header(b"content-type")):
            raise Refusal(415, ErrorCode.BAD_USER_INPUT, f"the content type must be {JSON}, in UTF-8")
        if (exchange.header(b"content-encoding") or "identity").lower() != "identity":
            raise Refusal(415, ErrorCode.BAD_USER_INPUT, "the body must not be compressed")
        try:
            body = await exchange.read_body(self._max_body_bytes)
        except BodyTooLargeError:
            raise _too_large(self._max_body_bytes) from None
        return _or_refuse(decode_body, body)

    def _refuse(self, error: GraphQLError, code: ErrorCode, exchange: Exchange) -> Answer:
        return self._executor.refuse([error], code=code, request_id=exchange.request_id)

    async def _answer(self, exchange: Exchange, request: GraphQLRequest) -> Answer:
        try:
            document = self._documents.prepare(request.query)
            operation = document.operation(request.operation_name)
            decoded = _or_refuse(_decode_variables, request, operation)
            self._documents.require_affordable(document, operation, decoded.values)
        except DocumentError as error:
            return self._executor.refuse(error.errors, code=error.code, request_id=exchange.request_id)
        except GatewayError as error:
            return self._refuse(error, error.code, exchange)
        if exchange.method == "GET" and operation.kind is not OperationType.QUERY:
            raise Refusal(405, ErrorCode.BAD_USER_INPUT, "a mutation needs POST", {b"allow": b"POST"})
        try:
            await self._gate.require()
        except StorageError as error:
            logger.warning("database is not ready", request_id=exchange.request_id, error=str(error))
            return self._refuse(GraphQLError(str(error)), code_of(error), exchange)
        try:
            return await self._execute(exchange, document, operation, decoded)
        except TimeoutError:
            late = GraphQLError("the query took longer than TIMELOOM_QUERY_TIMEOUT_SECONDS")
            return self._refuse(late, ErrorCode.TIMEOUT, exchange)

    async def _execute(
        self, exchange: Exchange, document: Document, operation: Operation, decoded: DecodedVariables
    ) -> Answer:
        context = RequestContext(
            database=self._database,
            clock=self._clock,
            viewer=self._viewer,
            ingest_limits=self._ingest_limits,
            types=self._types,
            request_id=exchange.request_id,
            max_tree_events=self._max_tree_events,
            panel_seconds=self._panel_seconds,
            decoded_batches=decoded.batches,
            metrics=self._metrics,
            wake_deletions=self._wake_deletions,
            retention=self._retention,
        )
        work = self._executor.execute(document, operation, variables=decoded.values, context=context)
        try:
            if operation.kind is OperationType.QUERY:
                result = await watch(work, exchange, seconds=self._timeout_seconds)
            else:
                # It goes on to its end, so that a cut connection leaves no doubt that could be avoided.
                result = await asyncio.shield(work)
        finally:
            context.cancel()
        return self._executor.answer(result, request_id=context.request_id)


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
    return Refusal(413, ErrorCode.BATCH_TOO_LARGE, message, {b"connection": b"close"})


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
        quotas=to_quotas(settings),
    )


def to_quotas(settings: Settings) -> Quotas:
    """Give how many events of each namespace may arrive in a day."""
    default = settings.quota_events_per_day
    return Quotas(None if default < 0 else default, parse_quotas(settings.namespace_quotas))


def document_limits(settings: Settings) -> DocumentLimits:
    """Give the limits of a document."""
    return DocumentLimits(
        tokens=settings.max_query_tokens,
        depth=settings.max_query_depth,
        aliases=settings.max_query_aliases,
        directives=settings.max_query_directives,
        cost=settings.max_query_cost,
    )
