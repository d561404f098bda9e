"""Every example of the documentation works on the demo history, in the order in which a reader would try them."""

import json
import shlex
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.docs.markdown import DOCUMENTS, Block, read_blocks

WITH_EXAMPLES = [
    path for path in DOCUMENTS if any(block.language == "graphql" or block.expected for block in read_blocks(path))
]


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=lambda path: path.name)
async def test_examples_give_what_their_document_says(gateway: httpx2.AsyncClient, path: Path) -> None:
    """GQ1: in the order in which a reader would try them, each document on a history of its own."""
    previous: Any = None
    for block in read_blocks(path):
        if block.language == "graphql":
            assert block.expected, f"{block.name} does not say what it gives: <!-- run: ... -->"
            previous = await _run_graphql(gateway, block, previous)
        elif block.expected:
            answer = await _run_curl(gateway, block)
            _check(block, answer)


async def _run_graphql(gateway: httpx2.AsyncClient, block: Block, previous: Any) -> Any:
    variables = json.loads(block.variables or "{}")
    for name, place in _taken(block):
        assert name in variables, f"{block.name} takes {name}, which is none of its variables"
        variables[name] = _find(previous, place)
    assert not any("<" in str(value)[:1] for value in variables.values()), f"{block.name}: {variables}"
    answer = await gateway.post("/graphql", json={"query": block.text, "variables": variables})
    _check(block, answer)
    return answer.json().get("data")


async def _run_curl(gateway: httpx2.AsyncClient, block: Block) -> httpx2.Response:
    """Send what the curl line would send; the flags that the documents use are -s, -f, -H, -d and --data-binary."""
    words = shlex.split(block.text.replace("\\\n", " ").partition("|")[0])
    assert words.pop(0) == "curl", block.name
    url, headers, body = "", dict[str, str](), None
    while words:
        word = words.pop(0)
        if word == "-H":
            name, _, value = words.pop(0).partition(":")
            headers[name.strip()] = value.strip()
        elif word in ("-d", "--data-binary"):
            body = words.pop(0)
        elif not word.startswith("-"):
            url = word
    return await gateway.request("GET" if body is None else "POST", url, headers=headers, content=body)


def _check(block: Block, response: httpx2.Response) -> None:
    expectations = [part for part in _parts(block) if part[1] != "="]
    failing = [part[1] for part in expectations if part[0] == "error"]
    if any(part[0] == "text" for part in expectations):
        answer: Any = {"data": None}
    else:
        answer = response.json()
    shown = f"{block.name}: {json.dumps(answer, ensure_ascii=False)[:2000]}"
    assert [error["extensions"]["code"] for error in answer.get("errors", [])] == failing, shown
    for kind, *rest in expectations:
        match kind:
            case "rows":
                assert _find(answer["data"], rest[0]), shown
            case "empty":
                assert not _find(answer["data"], rest[0]), shown
            case "given":
                assert _find(answer["data"], rest[0]) is not None, shown
            case "equals":
                assert _find(answer["data"], rest[0]) == json.loads(rest[1]), shown
            case "text":
                assert rest[0] in response.text, f"{block.name}: {response.text[:2000]}"
            case _:
                assert kind == "error", f"{block.name}: nobody knows {kind}"


def _parts(block: Block) -> list[list[str]]:
    return [part.strip().split(maxsplit=2) for part in (block.expected or "").split(";")]


def _taken(block: Block) -> list[tuple[str, str]]:
    """The variables that come from the answer before: `after = events.pageInfo.endCursor`."""
    return [(part[0], part[2]) for part in _parts(block) if part[1] == "="]


def _find(data: Any, place: str) -> Any:
    for name in place.split("."):
        data = data[int(name)] if name.isdigit() else data[name]
    return data
