"""L1, who is compared: gateway, floor and peer say the same, byte for byte or value for value, before any is timed."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import msgspec
import pytest
from starlette.applications import Starlette

from bench.floor import build_app as build_floor
from bench.history import BIG_OBJECT, SMALL_OBJECT
from bench.peers.strawberry_app import build_app as build_peer
from bench.queries import CONNECTION, CONNECTION_EVENTS, GRAPHQL_PATH, bare_body, timeline_body
from bench.statements import Statements
from bench.stores import Store
from gateway.app import create_app
from gateway.settings import Settings

PAGES = pytest.mark.parametrize(
    ("target", "size"), [(BIG_OBJECT, 50), (BIG_OBJECT, 1_000), (SMALL_OBJECT, 5)], ids=["50", "1000", "small object"]
)


@asynccontextmanager
async def serve(app: Starlette) -> AsyncIterator[httpx2.AsyncClient]:
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            yield client


async def ask(app: Starlette, path: str, body: bytes) -> bytes:
    async with serve(app) as client:
        answer = await client.post(path, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 200
    return answer.content


@pytest.fixture
def gateway(bench_store: Store) -> Starlette:
    return create_app(Settings(database_url=bench_store.url("sqlite"), log_level="error"))


@pytest.fixture(params=[False, True], ids=["places asked for", "places remembered"])
def known(request: pytest.FixtureRequest, statements: Statements) -> Statements:
    """The gateway's statements, for one that asks where an object's references lie, and one that remembers."""
    return msgspec.structs.replace(statements, places_are_remembered=request.param)


@PAGES
async def test_the_floor_answers_a_timeline_byte_for_byte(
    gateway: Starlette, bench_store: Store, known: Statements, target: tuple[str, str], size: int
) -> None:
    body = timeline_body(target, size)
    floor = build_floor(bench_store.url("sqlite"), known)
    answer = await ask(gateway, GRAPHQL_PATH, body)
    assert len(json.loads(answer)["data"]["object"]["timeline"]["nodes"]) == size
    assert await ask(floor, "/timeline", body) == answer


async def test_the_floor_answers_a_connection_page_byte_for_byte(
    gateway: Starlette, bench_store: Store, known: Statements
) -> None:
    body = timeline_body(BIG_OBJECT, CONNECTION_EVENTS, query=CONNECTION)
    answer = await ask(gateway, GRAPHQL_PATH, body)
    [edge, *_] = json.loads(answer)["data"]["object"]["timeline"]["edges"]
    assert [link["role"] for link in edge["node"]["objects"]] == [None, "runs on"]
    assert await ask(build_floor(bench_store.url("sqlite"), known), "/connection", body) == answer


async def test_the_bare_route_answers_byte_for_byte(
    gateway: Starlette, bench_store: Store, statements: Statements
) -> None:
    floor = build_floor(bench_store.url("sqlite"), statements)
    assert await ask(floor, "/bare", bare_body()) == await ask(gateway, GRAPHQL_PATH, bare_body())


@PAGES
async def test_stock_strawberry_answers_a_timeline_with_the_same_values(
    gateway: Starlette, bench_store: Store, known: Statements, target: tuple[str, str], size: int
) -> None:
    body = timeline_body(target, size)
    peer = build_peer(bench_store.url("sqlite"), known)
    assert json.loads(await ask(peer, GRAPHQL_PATH, body)) == json.loads(await ask(gateway, GRAPHQL_PATH, body))
