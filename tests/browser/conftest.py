"""A gateway on a demo history, and Debian's Chromium."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from storage.times import MICROSECONDS_PER_DAY, format_rfc3339, now_micros
from tests.databases import command_path
from tests.processes import GatewayProcess, run_timeloom

DEMO_EVENTS = 2000
# A deadline, not a speed: a busy machine may take its time to start a browser and its editors.
expect.set_options(timeout=30_000)
_NOW = re.compile(r"now(?:-(\d+)d)?")
EXAMPLES_FILE = Path(__file__).parents[2] / "web/src/examples.json"

# Nothing but loopback has a name here: a request that leaves the host fails, and the tests see it.
CHROMIUM_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


class Example(NamedTuple):
    name: str
    title: str
    query: str
    variables: dict[str, Any]


def read_examples() -> list[Example]:
    """The example queries of the GraphiQL page."""
    return [
        Example(entry["name"], entry["title"], "\n".join(entry["query"]), _with_times(entry["variables"]))
        for entry in json.loads(EXAMPLES_FILE.read_text(encoding="utf-8"))
    ]


def _with_times(variables: dict[str, Any]) -> dict[str, Any]:
    """Put a time for `now` and `now-14d`, as web/src/examples.ts does."""
    days = {name: _NOW.fullmatch(value) for name, value in variables.items() if isinstance(value, str)}
    times = {name: now_micros() - int(match[1] or 0) * MICROSECONDS_PER_DAY for name, match in days.items() if match}
    return variables | {name: format_rfc3339(time) for name, time in times.items()}


@pytest.fixture(scope="package")
def demo_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway on SQLite with a demo history of the default seed."""
    directory = tmp_path_factory.mktemp("demo")
    url = f"sqlite+aiosqlite:///{directory / 'demo.db'}"
    run_timeloom("demo", "--events", str(DEMO_EVENTS), "--database", url, directory=directory)
    with GatewayProcess(database_url=url, directory=directory) as gateway:
        yield gateway


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=command_path("chromium"), args=CHROMIUM_ARGUMENTS, headless=True
        )
        yield chromium
        await chromium.close()


class WatchedPage(NamedTuple):
    """A page with the addresses it asked for and what its console complained about, in order."""

    page: Page
    requests: list[str]
    complaints: list[str]


@pytest.fixture
async def watched_page(browser: Browser) -> WatchedPage:
    context = await browser.new_context(viewport={"width": 1400, "height": 900})
    page = await context.new_page()
    watched = WatchedPage(page, [], [])
    context.on("request", lambda request: watched.requests.append(request.url))
    context.on("weberror", lambda error: watched.complaints.append(str(error.error)))
    context.on(
        "console",
        lambda message: watched.complaints.append(message.text) if message.type in ("error", "warning") else None,
    )
    page.on("websocket", lambda socket: watched.requests.append(socket.url))
    return watched
