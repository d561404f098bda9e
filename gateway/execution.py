"""Execution: one prepared operation to the bytes of its answer.

Operations are compiled (`gateway/completion`). The setting `execution=stock` leaves them to graphql-core, which is
called directly: Strawberry's `Schema.execute` would parse and validate by its own, cost 0.1 ms more, and not tell
request errors from field errors. The resolvers are Strawberry's either way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import strawberry
import structlog
from graphql import ExecutionResult, GraphQLError, GraphQLSchema

from gateway.completion.operations import CompiledOperation
from gateway.completion.stock import Stock
from gateway.context import RequestContext
from gateway.documents import Document, Operation
from gateway.errors import ErrorCode, GatewayError, code_of, format_error
from gateway.metrics import Metrics

logger = structlog.get_logger(__name__)


_ENCODE = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Answer:
    """The body of an answer, and its HTTP status as application/graphql-response+json (rule W6)."""

    body: bytes
    status: int = 200


_STATUSES = {ErrorCode.UNAVAILABLE: 503, ErrorCode.TIMEOUT: 504, ErrorCode.INTERNAL: 500}


class Executor:
    """Executes the operations of one schema."""

    def __init__(self, schema: strawberry.Schema, metrics: Metrics, *, compiled: bool = True) -> None:
        """`compiled` false: graphql-core's own executor does everything."""
        self._schema = schema
        self._metrics = metrics
        self._compiled = compiled

    @property
    def graphql_schema(self) -> GraphQLSchema:
        """The schema as graphql-core knows it; Strawberry has no public name for it."""
        return self._schema._schema

    async def execute(
        self, document: Document, operation: Operation, *, variables: Mapping[str, Any], context: RequestContext
    ) -> ExecutionResult:
        """Execute an operation with the variables as they came in."""
        if not self._compiled:
            stock = Stock(self._schema, document.node, operation.node, given=variables, context=context)
            return await stock.execute()
        if operation.compiled is None:
            operation.compiled = CompiledOperation(self._schema, document.node, operation.node, document.fragments)
        return await operation.compiled.execute(variables, context, self._metrics.stock_execution)

    def answer(self, result: ExecutionResult, *, request_id: str) -> Answer:
        """Give the answer of a result."""
        if not result.errors:
            return Answer(_ENCODE({"data": result.data}))
        if result.data is None and all(error.path is None for error in result.errors):
            return self.refuse(result.errors, code=ErrorCode.BAD_USER_INPUT, request_id=request_id)
        codes = [_field_code(error) for error in result.errors]
        for error, code in zip(result.errors, codes, strict=True):
            _log(error, code, request_id)
        return Answer(_encode({"errors": self._format(result.errors, codes, request_id), "data": result.data}))

    def refuse(self, errors: Sequence[GraphQLError], *, code: ErrorCode, request_id: str) -> Answer:
        """Give the answer to a request of which nothing was executed: it has no `data`."""
        formatted = self._format(errors, [code] * len(errors), request_id)
        return Answer(_encode({"errors": formatted}), _STATUSES.get(code, 400))

    def _format(self, errors: Sequence[GraphQLError], codes: list[ErrorCode], request_id: str) -> list[dict[str, Any]]:
        for code in codes:
            self._metrics.error(code.value)
        pairs = zip(errors, codes, strict=True)
        return [format_error(error, code=code, request_id=request_id) for error, code in pairs]


def _encode(content: dict[str, Any]) -> bytes:
    try:
        return _ENCODE(content)
    except UnicodeEncodeError:
        # Only messages can hold what JSON cannot: lone surrogates that a client sent. Stored text never does.
        for error in content["errors"]:
            error["message"] = error["message"].encode("utf-8", "backslashreplace").decode()
        return _ENCODE(content)


def _field_code(error: GraphQLError) -> ErrorCode:
    original = error.original_error
    if original is None or type(original) is GraphQLError:
        # graphql-core itself, about an argument: everything of ours has a class of its own.
        return error.code if isinstance(error, GatewayError) else ErrorCode.BAD_USER_INPUT
    return code_of(original)


def _log(error: GraphQLError, code: ErrorCode, request_id: str) -> None:
    path = ".".join(str(step) for step in error.path or ())
    original = error.original_error
    if code is ErrorCode.INTERNAL:
        logger.error("resolver failed", request_id=request_id, path=path, exc_info=original or error)
    elif code in (ErrorCode.UNAVAILABLE, ErrorCode.TIMEOUT):
        logger.warning("database failed", request_id=request_id, path=path, error=str(original))
