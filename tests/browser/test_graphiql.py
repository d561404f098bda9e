"""GraphiQL in a real browser, served by a real gateway."""

import re
from typing import Any

import pytest
from playwright.async_api import Page, Response, expect

from tests.browser.conftest import Example, WatchedPage, read_examples
from tests.processes import GatewayProcess

EXAMPLES = read_examples()


def is_query(response: Response) -> bool:
    """An answer to an operation of the person, not to GraphiQL's introspection."""
    return response.url.endswith("/graphql") and "IntrospectionQuery" not in (response.request.post_data or "")


async def data_of(response: Response) -> Any:
    answer = await response.json()
    assert "errors" not in answer, f"{answer['errors']} to {response.request.post_data}"
    return answer["data"]


async def expect_answer_shown(page: Page, text: str) -> None:
    """The text stands in the answer; the editor may have broken it into lines anywhere."""
    anywhere_broken = re.compile(r"\s*".join(re.escape(character) for character in text))
    await expect(page.locator(".graphiql-response")).to_contain_text(anywhere_broken)


def first_list(value: Any) -> list[Any] | None:
    """The list that an answer is about, in the order of its fields: its rows."""
    if isinstance(value, list):
        return value
    for inner in value.values() if isinstance(value, dict) else ():
        if (found := first_list(inner)) is not None:
            return found
    return None


async def test_an_example_from_the_panel_shows_rows(demo_gateway: GatewayProcess, watched_page: WatchedPage) -> None:
    page = watched_page.page
    await page.goto(f"{demo_gateway.url}/graphiql")
    async with page.expect_response(is_query) as answered:
        await page.get_by_role("button", name="Objects of a type").click()
    rows = (await data_of(await answered.value))["objects"]["nodes"]
    assert len(rows) == 20
    await expect_answer_shown(page, rows[0]["objectId"])
    assert await page.title() == "Timeloom · GraphiQL"


async def test_the_run_button_runs_the_first_example(demo_gateway: GatewayProcess, watched_page: WatchedPage) -> None:
    page = watched_page.page
    await page.goto(f"{demo_gateway.url}/graphiql")
    await expect(page.get_by_role("region", name="Variables")).to_contain_text('"first": 20')
    async with page.expect_response(is_query) as answered:
        await page.get_by_role("button", name="Execute query").click()
    rows = (await data_of(await answered.value))["events"]["nodes"]
    assert len(rows) == 20
    await expect_answer_shown(page, rows[0]["timestamp"])


async def test_nothing_leaves_the_host_and_nothing_is_refused_by_the_policy(
    demo_gateway: GatewayProcess, watched_page: WatchedPage
) -> None:
    page = watched_page.page
    answer = await page.goto(f"{demo_gateway.url}/graphiql?example=newest-events")
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    await expect_answer_shown(page, '"timestamp"')
    await page.get_by_role("button", name="Show Documentation Explorer").click()
    await expect(page.locator(".graphiql-doc-explorer")).to_contain_text("Query")
    await page.get_by_role("button", name="Open settings dialog").click()
    await expect(page.get_by_role("dialog")).to_be_visible()

    elsewhere = [url for url in watched_page.requests if not url.startswith((f"{demo_gateway.url}/", "data:", "blob:"))]
    assert elsewhere == []
    assert watched_page.complaints == []
    assert any("worker" in url for url in watched_page.requests)
    directives = {name: sources for name, *sources in (part.split() for part in policy.split(";") if part.strip())}
    assert directives["script-src"] == ["'self'"]
    assert directives["default-src"] in (["'none'"], ["'self'"])


async def test_an_address_with_a_mutation_is_opened_but_not_run(
    demo_gateway: GatewayProcess, watched_page: WatchedPage
) -> None:
    page = watched_page.page
    async with page.expect_response(lambda response: response.url.endswith("/graphql")):
        await page.goto(f"{demo_gateway.url}/graphiql?example=store-an-event")
    await expect(page.locator(".graphiql-query-editor").first).to_contain_text("StoreAnEvent")
    await page.wait_for_load_state("networkidle")
    sent = [url for url in watched_page.requests if url.endswith("/graphql")]
    assert len(sent) == 1  # the introspection


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_every_example_gives_rows_on_the_demo_history(demo_gateway: GatewayProcess, example: Example) -> None:
    for name, value in demo_gateway.execute(example.query, example.variables).items():
        assert value is not None, f"{name} is null"
        rows = first_list(value)
        assert rows != [], f"{name} has no rows"
