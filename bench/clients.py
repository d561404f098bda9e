"""Clients: HTTP/1.1 on open connections, with as little of their own as possible: the server is what is timed."""

import selectors
import socket
import time
from collections import deque
from collections.abc import Sequence
from typing import Self

from bench.errors import BenchError

_TIMEOUT_SECONDS = 120.0


class Connection:
    """One open connection to a server on loopback; one request at a time."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def exchange(self, request: bytes) -> bytes:
        """Send a request and give the body of its answer. Raises BenchError unless that is a 200."""
        self.send(request)
        return self.receive()

    def send(self, request: bytes) -> None:
        """Send a request."""
        self.socket.sendall(request)

    def receive(self) -> bytes:
        """Wait for the answer and give its body. Raises BenchError unless it is a 200."""
        answer = bytearray()
        while (end := answer.find(b"\r\n\r\n")) < 0:
            self._read_into(answer)
        head = bytes(answer[:end]).lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        while len(answer) < end + 4 + length:
            self._read_into(answer)
        body = bytes(answer[end + 4 :])
        if not head.startswith(b"http/1.1 200"):
            raise BenchError(f"a server answered {head.splitlines()[0].decode()}: {body[:500].decode()}")
        return body

    def _read_into(self, answer: bytearray) -> None:
        part = self.socket.recv(1 << 18)
        if not part:
            raise BenchError("a server closed its connection")
        answer += part


def saturate(connections: Sequence[Connection], request: bytes, count: int) -> float:
    """Send the same request `count` times, always one on each connection, and give the seconds that took."""
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        started = time.perf_counter()
        for connection in connections:
            connection.send(request)
        sent, answered = len(connections), 0
        while answered < count:
            for key, _ in selector.select():
                key.data.receive()
                answered += 1
                if sent < count:
                    key.data.send(request)
                    sent += 1
        return time.perf_counter() - started


def ask_at_rate(connections: Sequence[Connection], request: bytes, *, per_second: float, count: int) -> list[float]:
    """Send the same request at a fixed rate, whether earlier ones are answered or not; give milliseconds of each.

    A request's time begins when it was due, so that one which waits for a free connection is not made to look faster.
    """
    free, due_at = deque(connections), {}
    waiting: deque[float] = deque()
    times: list[float] = []
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        started, sent = time.perf_counter(), 0
        while len(times) < count:
            now = time.perf_counter()
            while sent < count and started + sent / per_second <= now:
                waiting.append(started + sent / per_second)
                sent += 1
            while waiting and free:
                connection = free.popleft()
                due_at[connection] = waiting.popleft()
                connection.send(request)
            until_next = max(started + sent / per_second - time.perf_counter(), 0.0) if sent < count else None
            for key, _ in selector.select(until_next):
                key.data.receive()
                times.append((time.perf_counter() - due_at.pop(key.data)) * 1e3)
                free.append(key.data)
    return times
