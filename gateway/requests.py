"""Requests: the GraphQL request in a body or in a query string, and nothing else (rule W2)."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from gateway.errors import BadUserInputError
from gateway.json_text import JsonValue, parse_json, to_json_text

_NULL = b"null"


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """One GraphQL request; its variables are still JSON text, because who reads them depends on the document."""

    query: str
    operation_name: str | None
    variables: bytes


class _Envelope(msgspec.Struct, rename="camel"):
    query: str
    operation_name: str | None = None
    variables: msgspec.Raw = msgspec.Raw(_NULL)
    extensions: msgspec.Raw = msgspec.Raw(_NULL)


_DECODER = msgspec.json.Decoder(_Envelope)


def decode_body(body: bytes) -> GraphQLRequest:
    """Read a JSON body. Raises BadUserInputError when it is no JSON object with a text `query`.

    Members that the GraphQL-over-HTTP specification does not name are ignored, as it demands.
    """
    try:
        body.decode()
    except UnicodeDecodeError:
        raise BadUserInputError("the body is not UTF-8") from None
    try:
        envelope = _DECODER.decode(body)
    except (msgspec.DecodeError, RecursionError):
        # The strict reader also refuses escaped lone surrogates and numbers beyond a double: variables may hold them.
        return _decode_leniently(body.decode())
    _require_object(bytes(envelope.extensions), "extensions")
    return GraphQLRequest(envelope.query, envelope.operation_name, bytes(envelope.variables))


def decode_query_string(parameters: Mapping[str, str]) -> GraphQLRequest:
    """Read the parameters of a GET. Raises BadUserInputError."""
    query = parameters.get("query")
    if query is None:
        raise BadUserInputError("the parameter query is missing")
    _require_encodable(query)
    variables = parameters.get("variables", "").encode("utf-8", "surrogatepass")
    _require_object(parameters.get("extensions", "").encode("utf-8", "surrogatepass") or _NULL, "extensions")
    return GraphQLRequest(query, parameters.get("operationName") or None, variables or _NULL)


def decode_variables(text: bytes) -> dict[str, JsonValue]:
    """Read variables, numbers and all else as written. Raises BadUserInputError when they are no JSON object."""
    if text == _NULL:
        return {}
    value = decode_value(text, "variables")
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadUserInputError("variables must be a JSON object")
    return value


def decode_value(text: bytes, place: str) -> JsonValue:
    """Read any JSON, numbers and all else as written. Raises BadUserInputError, which names the place."""
    return _parse(text.decode("utf-8", "replace"), place)


def _decode_leniently(text: str) -> GraphQLRequest:
    value = _parse(text, "the body")
    if not isinstance(value, dict):
        raise BadUserInputError("the body must be one JSON object; batches of requests are not taken")
    query, operation_name = value.get("query"), value.get("operationName")
    if not isinstance(query, str):
        raise BadUserInputError("the body must have a text `query`")
    if not isinstance(operation_name, str | None):
        raise BadUserInputError("operationName must be a text")
    _require_encodable(query + (operation_name or ""))
    for name in ("variables", "extensions"):
        if not isinstance(value.get(name), dict | None):
            raise BadUserInputError(f"{name} must be a JSON object")
    return GraphQLRequest(query, operation_name, to_json_text(value.get("variables")).encode())


def _parse(text: str, place: str) -> JsonValue:
    try:
        return parse_json(text)
    except ValueError as error:
        reason = str(error).encode("ascii", "backslashreplace").decode()
        raise BadUserInputError(f"{place}: not JSON: {reason}") from None
    except RecursionError:
        raise BadUserInputError(f"{place}: nested too deep") from None


def _require_object(text: bytes, name: str) -> None:
    if text != _NULL and not isinstance(decode_value(text, name), dict | None):
        raise BadUserInputError(f"{name} must be a JSON object")


def _require_encodable(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadUserInputError("the query holds a lone surrogate: it is no Unicode text") from None
