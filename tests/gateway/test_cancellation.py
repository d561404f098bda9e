"""Queries that nobody waits for any more, or that take too long, are cancelled down to the database."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from gateway.app import create_app
from gateway.settings import Settings
from tests.databases import MARIADB_DRIVERS, MariaServer
from tests.gateway.serving import codes, post, serve_in_process
from tests.waiting import wait_until

QUERY = "{ events(first: 1) { nodes { id } } }"


class LockedStore:
    """A store whose events nobody can read, and a look at who waits for them."""

    def __init__(self, server: MariaServer, url: str) -> None:
        self.url = url
        self._name = url.rsplit("/", 1)[1]
        self._server = server
        self._holder = server.connect(self._name)

    def lock(self) -> None:
        """Let every read of events wait."""
        self._holder.cursor().execute("LOCK TABLES events WRITE")

    def close(self) -> None:
        """Let everything go on; before the application ends, else what it does in the background keeps it waiting."""
        if self._holder.open:
            self._holder.close()

    def waiting(self) -> int:
        """How many statements of QUERY wait for the events; what runs in the background may wait too."""
        [[count]] = self._server.execute(
            "SELECT COUNT(*) FROM information_schema.processlist "
            f"WHERE db = '{self._name}' AND state LIKE 'Waiting for table metadata lock' AND info LIKE '%) AS page %'"
        )
        return int(count)


@pytest.fixture(params=MARIADB_DRIVERS)
def store(
    request: pytest.FixtureRequest, mariadb_server: MariaServer, new_database_url: Callable[[str], str]
) -> Iterator[LockedStore]:
    locked = LockedStore(mariadb_server, new_database_url(request.param))
    yield locked
    locked.close()


async def test_a_query_beyond_its_time_is_ended_with_timeout(store: LockedStore) -> None:
    async with serve_in_process(store.url, query_timeout_seconds=0.3) as client:
        await post(client, QUERY)
        store.lock()
        response = await post(client, QUERY)
        assert (response.status_code, codes(response)) == (504, ["TIMEOUT"])
        await wait_until(lambda: store.waiting() == 0)
        store.close()


async def test_a_statement_beyond_its_time_is_a_timeout_at_its_field(store: LockedStore) -> None:
    async with serve_in_process(store.url, statement_timeout_seconds=0.3) as client:
        await post(client, QUERY)
        store.lock()
        response = await post(client, QUERY)
        store.close()
    assert (response.status_code, codes(response)) == (200, ["TIMEOUT"])
    assert response.json()["data"] == {"events": None}
    assert "SELECT" not in response.text


async def test_a_query_whose_client_has_gone_is_cancelled(store: LockedStore) -> None:
    app = create_app(Settings(database_url=store.url))
    gone = asyncio.Event()
    sent: list[Any] = []
    body = [b'{"query": "' + QUERY.encode() + b'"}']

    async def receive() -> dict[str, Any]:
        if body:
            return {"type": "http.request", "body": body.pop(), "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            await post(client, QUERY)
        store.lock()
        request = asyncio.create_task(app(_scope(), receive, send))
        await wait_until(lambda: store.waiting() == 1)
        gone.set()
        await request
        await wait_until(lambda: store.waiting() == 0)
        store.close()
    assert sent[0]["status"] == 499


def _scope() -> dict[str, Any]:
    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": "/graphql",
        "root_path": "",
        "query_string": b"",
        "scheme": "http",
        "headers": headers,
    }
