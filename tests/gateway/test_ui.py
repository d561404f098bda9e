"""GraphiQL: served by the gateway itself, under a strict policy (GQ5)."""

from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette

from gateway.ui import CONTENT_SECURITY_POLICY, build_pages
from tests.gateway.serving import serve_in_process


@pytest.fixture
def pages(tmp_path: Path) -> httpx2.AsyncClient:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>page</title>")
    (tmp_path / "assets" / "index-abc.js").write_text("1")
    app = Starlette(routes=build_pages(tmp_path))
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://localhost")


@pytest.mark.parametrize("path", ["/graphiql", "/graphiql/", "/graphiql?example=events"])
async def test_the_page_is_served_and_asked_for_again(pages: httpx2.AsyncClient, path: str) -> None:
    response = await pages.get(path)
    assert (response.status_code, "page" in response.text) == (200, True)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["content-security-policy"] == CONTENT_SECURITY_POLICY


async def test_hashed_assets_are_kept_for_ever(pages: httpx2.AsyncClient) -> None:
    response = await pages.get("/graphiql/assets/index-abc.js")
    assert (response.status_code, response.text) == (200, "1")
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["content-security-policy"] == CONTENT_SECURITY_POLICY


@pytest.mark.parametrize(
    "path", ["/graphiql/nothing.js", "/graphiql/assets/../../settings.py", "/graphiql/..%2fapp.py"]
)
async def test_nothing_else_is_served(pages: httpx2.AsyncClient, path: str) -> None:
    assert (await pages.get(path)).status_code == 404


def test_the_policy_allows_no_inline_script_and_no_other_host() -> None:
    policy = dict(part.split(" ", 1) for part in CONTENT_SECURITY_POLICY.split("; "))
    assert (policy["default-src"], policy["script-src"]) == ("'none'", "'self'")
    assert "http" not in CONTENT_SECURITY_POLICY


async def test_pages_that_were_never_built_say_what_to_do(tmp_path: Path) -> None:
    app = Starlette(routes=build_pages(tmp_path))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://localhost") as client:
        for path in ("/graphiql", "/graphiql/assets/x.js"):
            response = await client.get(path)
            assert (response.status_code, "make setup" in response.text) == (503, True)


async def test_the_root_leads_to_graphiql_unless_it_is_switched_off(new_database_url: Callable[[str], str]) -> None:
    url = new_database_url("sqlite")
    async with serve_in_process(url) as client:
        response = await client.get("/")
        assert (response.status_code, response.headers["location"]) == (307, "/graphiql")
    async with serve_in_process(url, graphiql=False) as client:
        assert [(await client.get(path)).status_code for path in ("/", "/graphiql")] == [404, 404]
