"""Execution: one prepared operation to the bytes of its answer.

graphql-core is called directly: Strawberry's `Schema.execute` would parse and validate by its own, cost 0.1 ms more,
and not tell request errors from field errors. The resolvers are Strawberry's all the same.
"""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import strawberry
import structlog
from graphql import ExecutionResult, GraphQLError, GraphQLSchema, execute

from gateway.context import RequestContext
from gateway.documents import Document, Operation
from gateway.errors import ErrorCode, GatewayError, code_of, format_error
from gateway.metrics import Metrics

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """The body of an answer, and its HTTP status as application/graphql-response+json (rule W6)."""

    body: bytes
    status: int = 200


_STATUSES = {ErrorCode.UNAVAILABLE: 503, ErrorCode.TIMEOUT: 504, ErrorCode.INTERNAL: 500}


class Executor:
    """Executes the operations of one schema."""

    def __init__(self, schema: strawberry.Schema, metrics: Metrics) -> None:
        self._schema = schema
        self._metrics = metrics

    @property
    def graphql_schema(self) -> GraphQLSchema:
        """The schema as graphql-core knows it; Strawberry has no public name for it."""
        return self._schema._schema

    def start(
        self, document: Document, operation: Operation, *, variables: Mapping[str, Any], context: RequestContext
    ) -> ExecutionResult | Awaitable[ExecutionResult]:
        """Begin an operation; what needs no database is done at once."""
        return execute(
            self.graphql_schema,
            document.node,
            context_value=context,
            variable_values=dict(variables),
            operation_name=operation.name,
            executor_class=self._schema.execution_context_class,
            hide_suggestions=self._schema.config.disable_field_suggestions,
        )

    def answer(self, result: ExecutionResult, *, request_id: str) -> Answer:
        """Give the answer of a result."""
        if not result.errors:
            return Answer(orjson.dumps({"data": result.data}))
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
        return orjson.dumps(content)
    except TypeError:
        # Only messages can hold what JSON cannot: lone surrogates that a client sent. Stored text never does.
        for error in content["errors"]:
            error["message"] = error["message"].encode("utf-8", "backslashreplace").decode()
        return orjson.dumps(content)


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
