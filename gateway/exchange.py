"""Exchange: one HTTP request and its answer, as ASGI has them, with nothing in between."""

from collections.abc import Mapping

from starlette.types import Receive, Scope, Send

# Most clients read no answer before they have sent their whole body: closing earlier looks like a broken connection,
# and they would send the same batch again and again. So a body is taken, and dropped, up to so many times the limit.
_DISCARDED_BODIES = 4


class ClientGoneError(Exception):
    """The client closed its connection before the answer was there."""


class BodyTooLargeError(Exception):
    """The body has more bytes than the limit."""


class Exchange:
    """One request, and the way to answer it."""

    __slots__ = ("_headers", "_receive", "_scope", "_send", "method", "request_id")

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        # Of a header that stands there several times, the first counts.
        self._headers: dict[bytes, bytes] = dict(reversed(scope["headers"]))
        self.method: str = scope["method"]
        self.request_id: str = scope["state"]["request_id"]

    @property
    def query_string(self) -> str:
        """What follows the question mark."""
        return bytes(self._scope["query_string"]).decode("latin-1")

    def header(self, name: bytes) -> str | None:
        """Give a header by its name in lower case."""
        value = self._headers.get(name)
        return None if value is None else value.decode("latin-1")

    def has_header(self, name: bytes) -> bool:
        """Whether there is such a header."""
        return name in self._headers

    async def read_body(self, limit: int) -> bytes:
        """Give the whole body. Raises BodyTooLargeError beyond `limit` bytes, ClientGoneError when it breaks off."""
        declared = self.header(b"content-length") or ""
        is_too_large = declared.isascii() and declared.isdigit() and int(declared[:18]) > limit
        if is_too_large and self.has_header(b"expect"):
            raise BodyTooLargeError
        parts: list[bytes] = []
        size = 0
        more = True
        while more and size <= limit * _DISCARDED_BODIES:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            part: bytes = message.get("body", b"")
            more = message.get("more_body", False)
            size += len(part)
            is_too_large = is_too_large or size > limit
            if not is_too_large:
                parts.append(part)
        if is_too_large:
            raise BodyTooLargeError
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def wait_until_gone(self) -> None:
        """Wait until the client has closed the connection; only after the body was read."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def answer(self, status: int, body: bytes, headers: Mapping[bytes, bytes]) -> None:
        """Send the answer."""
        given = [*headers.items(), (b"content-length", str(len(body)).encode())]
        await self._send({"type": "http.response.start", "status": status, "headers": given})
        await self._send({"type": "http.response.body", "body": body})
