"""/healthz and /readyz: alive, ready, and if not, why; and that nothing works on a database of another revision."""

from collections.abc import Callable
from pathlib import Path

import pytest

from storage.revisions import head_revision
from tests.databases import free_port
from tests.gateway.serving import codes, post, serve_in_process


async def test_a_served_database_is_ready(database_url: str) -> None:
    async with serve_in_process(database_url) as client:
        alive, ready = await client.get("/healthz"), await client.get("/readyz")
    assert (alive.status_code, alive.json()) == (200, {"alive": True})
    expected = {"ready": True, "reasons": [], "schemaRevision": head_revision()}
    assert (ready.status_code, ready.json()) == (200, expected)
    assert ready.headers["cache-control"] == "no-store"


async def test_a_database_without_tables_is_not_ready_and_nothing_is_executed(
    backend: str, empty_database_url: Callable[[str], str]
) -> None:
    async with serve_in_process(empty_database_url(backend)) as client:
        ready = await client.get("/readyz")
        query = await post(client, "{ events { nodes { id } } }")
        alive = await client.get("/healthz")
    assert (ready.status_code, ready.json()["ready"]) == (503, False)
    assert "run `timeloom migrate`" in ready.json()["reasons"][0]
    assert (query.status_code, codes(query), alive.status_code) == (503, ["UNAVAILABLE"], 200)
    assert query.json()["errors"][0]["extensions"]["retryable"] is True


@pytest.mark.parametrize("driver", ["aiomysql", "asyncmy"])
async def test_a_database_that_cannot_be_reached_is_not_ready(driver: str) -> None:
    """EV6: an error, never an empty list."""
    url = f"mariadb+{driver}://me:s3cret@127.0.0.1:{free_port()}/nothing"
    async with serve_in_process(url) as client:
        ready = await client.get("/readyz")
        query = await post(client, "{ events { nodes { id } } }")
    assert (ready.status_code, ready.json()["reasons"]) == (503, ["the database cannot be reached"])
    assert (query.status_code, codes(query)) == (503, ["UNAVAILABLE"])
    assert "data" not in query.json()
    assert "127.0.0.1" not in query.text + ready.text
    assert "s3cret" not in query.text + ready.text


async def test_a_directory_in_the_place_of_the_store_is_not_ready(tmp_path: Path) -> None:
    async with serve_in_process(f"sqlite+aiosqlite:///{tmp_path}") as client:
        ready = await client.get("/readyz")
    assert (ready.status_code, ready.json()["reasons"]) == (503, ["the database cannot be reached"])
