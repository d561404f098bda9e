"""What a client is told when something fails: the codes of the contract, and which failure has which.

GatewayError                       raised by resolvers; becomes one entry of `errors`
 +-- BadUserInputError             an argument or value that cannot be used; the text says what to change
 +-- ForbiddenError                the caller lacks a right; the text names it
 +-- QueryTooComplexError          more than a limit allows; the text names the limit
 +-- PanelTimeoutError             a number that took too long; the rest of the answer stands

Whatever else is raised goes through `code_of`: the rooms' own errors have codes, anything unknown is INTERNAL, whose
text never leaves the server.
"""

from enum import Enum
from typing import Any, ClassVar

from graphql import GraphQLError
from strawberry.exceptions import StrawberryInputCoercionError

from mutations.errors import (
    BatchTooLargeError,
    ConfirmationRequiredError,
    ConfirmationStaleError,
    ConflictError,
    InvalidInputError,
    NotFoundError,
)
from storage.cursors import InvalidCursorError
from storage.errors import (
    PositionExpiredError,
    RevisionError,
    SelectorError,
    StorageBusyError,
    StorageTimeoutError,
    StorageUnavailableError,
    TooManyValuesError,
    UnknownPositionError,
)


class ErrorCode(Enum):
    """The codes that leave the server in `extensions.code`."""

    PARSE_FAILED = "PARSE_FAILED"
    VALIDATION_FAILED = "VALIDATION_FAILED"
    BAD_USER_INPUT = "BAD_USER_INPUT"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    CONFIRMATION_REQUIRED = "CONFIRMATION_REQUIRED"
    CONFIRMATION_STALE = "CONFIRMATION_STALE"
    QUERY_TOO_COMPLEX = "QUERY_TOO_COMPLEX"
    BATCH_TOO_LARGE = "BATCH_TOO_LARGE"
    POSITION_EXPIRED = "POSITION_EXPIRED"
    TIMEOUT = "TIMEOUT"
    UNAVAILABLE = "UNAVAILABLE"
    INTERNAL = "INTERNAL"


class GatewayError(GraphQLError):
    """An error whose text is meant for the client."""

    code: ClassVar[ErrorCode] = ErrorCode.INTERNAL

    def __init__(self, message: str) -> None:
        super().__init__(message)


class BadUserInputError(GatewayError):
    """An argument or a value that cannot be used; the text says what to change."""

    code = ErrorCode.BAD_USER_INPUT


class ForbiddenError(GatewayError):
    """The caller lacks a right; the text names it."""

    code = ErrorCode.FORBIDDEN


class QueryTooComplexError(GatewayError):
    """The request asks for more than a limit allows; the text names the limit."""

    code = ErrorCode.QUERY_TOO_COMPLEX


class PanelTimeoutError(GatewayError):
    """A histogram, a total, a tree or the like took too long; the rest of the answer stands."""

    code = ErrorCode.TIMEOUT

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"this took longer than {seconds:g} s (TIMELOOM_PANEL_TIMEOUT_SECONDS) and was given up, the rest of the "
            "answer stands: narrow its filter or its period"
        )


# The first that matches decides, so that subclasses stand before their parents.
_CODES: tuple[tuple[type[Exception], ErrorCode], ...] = (
    (StrawberryInputCoercionError, ErrorCode.BAD_USER_INPUT),
    (TooManyValuesError, ErrorCode.QUERY_TOO_COMPLEX),
    (SelectorError, ErrorCode.BAD_USER_INPUT),
    (InvalidCursorError, ErrorCode.BAD_USER_INPUT),
    (UnknownPositionError, ErrorCode.BAD_USER_INPUT),
    (PositionExpiredError, ErrorCode.POSITION_EXPIRED),
    (BatchTooLargeError, ErrorCode.BATCH_TOO_LARGE),
    (InvalidInputError, ErrorCode.BAD_USER_INPUT),
    (NotFoundError, ErrorCode.NOT_FOUND),
    (ConflictError, ErrorCode.CONFLICT),
    (ConfirmationRequiredError, ErrorCode.CONFIRMATION_REQUIRED),
    (ConfirmationStaleError, ErrorCode.CONFIRMATION_STALE),
    (StorageTimeoutError, ErrorCode.TIMEOUT),
    (StorageBusyError, ErrorCode.UNAVAILABLE),
    (StorageUnavailableError, ErrorCode.UNAVAILABLE),
    (RevisionError, ErrorCode.UNAVAILABLE),
)

# What is said instead of the error's own text, which names hosts, statements or files.
_PUBLIC_TEXTS = {
    ErrorCode.UNAVAILABLE: "the database cannot be reached or is busy: send the same request again later",
    ErrorCode.TIMEOUT: "the database took longer than its time limit: ask for less, or narrow the filter",
    ErrorCode.INTERNAL: "something went wrong in the server; its log knows more under this requestId",
}

_RETRYABLE = frozenset({ErrorCode.UNAVAILABLE})


def code_of(error: BaseException | None) -> ErrorCode:
    """Give the code of what a resolver raised."""
    if isinstance(error, GatewayError):
        return error.code
    for kind, code in _CODES:
        if isinstance(error, kind):
            return code
    return ErrorCode.INTERNAL


def format_error(error: GraphQLError, *, code: ErrorCode, request_id: str) -> dict[str, Any]:
    """Give one entry of `errors` as it leaves the server."""
    extensions: dict[str, Any] = {"code": code.value, "requestId": request_id}
    if code in _RETRYABLE:
        extensions["retryable"] = True
    is_ours = isinstance(error.original_error, GatewayError)
    formatted: dict[str, Any] = {"message": error.message if is_ours else _PUBLIC_TEXTS.get(code, error.message)}
    if error.locations:
        formatted["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path is not None:
        formatted["path"] = error.path
    formatted["extensions"] = extensions
    return formatted
