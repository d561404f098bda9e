"""The application in this process, behind httpx2's ASGI transport: real routes, real database, no socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from gateway.app import create_app
from gateway.settings import Settings

GRAPHQL_RESPONSE = "application/graphql-response+json"
PREFLIGHT = {"x-timeloom-preflight": "1"}


@asynccontextmanager
async def serve_in_process(database_url: str, **settings: Any) -> AsyncIterator[httpx2.AsyncClient]:
    """Give a client of an application with these settings, whose lifespan is running."""
    app = create_app(Settings(database_url=database_url, **settings))
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            yield client


async def post(client: httpx2.AsyncClient, query: str, variables: Any = None, **members: Any) -> httpx2.Response:
    """Post one GraphQL request that asks for the new media type."""
    body = {"query": query, "variables": variables, **members}
    return await client.post("/graphql", json=body, headers={"accept": GRAPHQL_RESPONSE})


def codes(response: httpx2.Response) -> list[str]:
    """The codes of an answer's errors."""
    return [error["extensions"]["code"] for error in response.json().get("errors", [])]
