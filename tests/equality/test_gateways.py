"""What counts as a difference: all that a client may see, and more statements than stock."""

import pytest

from tests.equality.gateways import Pair, Reply, Request, Side, find_difference, serve_pair
from tests.equality.stores import Stores

HEADERS = [(b"content-type", b"application/json")]
ERRORS = b'{"errors":[{"message":"a","path":["x",0]},{"message":"b","path":["x",1]}],"data":{"x":[null,null]}}'
TURNED = b'{"errors":[{"message":"b","path":["x",1]},{"message":"a","path":["x",0]}],"data":{"x":[null,null]}}'
NO_JSON = b'{"errors":[{"message":"a","path":["x"]}],"data":{"x":no json}}'


def reply(body: bytes = b'{"data":{"a":1}}', status: int = 200, headers: list[tuple[bytes, bytes]] = HEADERS) -> Reply:
    return Reply(status, headers, body)


@pytest.mark.parametrize(
    ("stock", "compiled"),
    [
        pytest.param(reply(), reply(), id="the same"),
        pytest.param(reply(ERRORS), reply(TURNED), id="errors in another order"),
        pytest.param(reply(NO_JSON), reply(NO_JSON), id="the same that is no JSON"),
    ],
)
def test_equal_answers_have_no_difference(stock: Reply, compiled: Reply) -> None:
    assert find_difference(stock, compiled) is None


@pytest.mark.parametrize(
    ("stock", "compiled", "what"),
    [
        pytest.param(reply(), reply(status=500), "status", id="status"),
        pytest.param(reply(), reply(headers=[(b"content-type", b"text/html")]), "headers", id="headers"),
        pytest.param(reply(), reply(b'{"data":{"a":1.0}}'), "body", id="another number"),
        pytest.param(reply(), reply(b'{"data":{"a": 1}}'), "body", id="a blank"),
        pytest.param(
            reply(b'{"data":{"a":1,"b":2}}'), reply(b'{"data":{"b":2,"a":1}}'), "body", id="keys in another order"
        ),
        pytest.param(reply(ERRORS), reply(ERRORS.replace(b'"x",0', b'"x"')), "body", id="an error's path"),
        pytest.param(reply(ERRORS), reply(ERRORS.replace(b'"b"', b'"c"')), "body", id="an error's text"),
        pytest.param(reply(ERRORS), reply(ERRORS.replace(b"null,null", b"null")), "body", id="data beside errors"),
        pytest.param(reply(NO_JSON), reply(NO_JSON.replace(b"no json", b"no  json")), "body", id="what is no JSON"),
    ],
)
def test_whatever_a_client_may_see_is_a_difference(stock: Reply, compiled: Reply, what: str) -> None:
    difference = find_difference(stock, compiled)
    assert difference is not None
    assert difference.startswith(f"another {what}\n")


async def test_statements_are_those_of_the_request_alone(plain_stores: Stores) -> None:
    """Two for a page with its objects; what runs in the background is not counted."""
    request = Request("{ events(first: 3) { nodes { objects { role } } } }")
    async with serve_pair(plain_stores) as pair:
        replies = [await side.ask(request) for side in (pair.stock, pair.compiled)]
    assert [(each.status, len(each.statements)) for each in replies] == [(200, 2), (200, 2)]
    assert dict(replies[0].headers)[b"x-request-id"] == b"equality"


class Wasteful(Side):
    """A side that sends one statement more than it needs."""

    def __init__(self, side: Side) -> None:
        self._side = side

    async def ask(self, request: Request) -> Reply:
        answer = await self._side.ask(request)
        answer.statements.append("SELECT 1")
        return answer


async def test_more_statements_than_stock_are_a_difference(plain_stores: Stores) -> None:
    request = Request("{ server { now } }")
    async with serve_pair(plain_stores) as pair:
        _, more = await Pair(pair.stock, Wasteful(pair.compiled)).ask(request)
        _, fewer = await Pair(Wasteful(pair.stock), pair.compiled).ask(request)
    assert more == "another number of statements\n   stock: 0\ncompiled: 1\n  SELECT 1"
    assert fewer is None
