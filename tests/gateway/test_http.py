"""/graphql over HTTP: rules W1, W2, W5 and W6, and the GraphQL-over-HTTP specification."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import pytest

from tests.gateway.serving import GRAPHQL_RESPONSE, PREFLIGHT, codes, post, serve_in_process

JSON = "application/json"
INGEST = """mutation ($input: IngestEventsInput!) {
  ingestEvents(input: $input) { accepted rejected results { index id outcome code } }
}"""


@pytest.fixture
async def client(new_database_url: Callable[[str], str]) -> AsyncIterator[httpx2.AsyncClient]:
    async with serve_in_process(new_database_url("sqlite"), max_batch_bytes=300_000) as opened:
        yield opened


async def send(client: httpx2.AsyncClient, body: bytes | str, **headers: str) -> httpx2.Response:
    given = {"content-type": JSON, "accept": GRAPHQL_RESPONSE, **{k.replace("_", "-"): v for k, v in headers.items()}}
    return await client.post("/graphql", content=body, headers=given)


async def test_a_query_is_answered_with_its_data_and_nothing_else(client: httpx2.AsyncClient) -> None:
    response = await post(client, "{ __typename }")
    assert (response.status_code, response.content) == (200, b'{"data":{"__typename":"Query"}}')
    assert response.headers["content-type"] == f"{GRAPHQL_RESPONSE}; charset=utf-8"


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        (GRAPHQL_RESPONSE, GRAPHQL_RESPONSE),
        (f"{GRAPHQL_RESPONSE}, {JSON}", GRAPHQL_RESPONSE),
        (f"{JSON}, {GRAPHQL_RESPONSE};q=0.9", JSON),
        (f"{JSON}; charset=utf-8", JSON),
        (f"text/html, {GRAPHQL_RESPONSE};q=0.1", GRAPHQL_RESPONSE),
        (f"{JSON};q=0, */*", GRAPHQL_RESPONSE),
    ],
)
async def test_the_accept_header_chooses_the_media_type(
    client: httpx2.AsyncClient, accept: str | None, media_type: str
) -> None:
    request = client.build_request("POST", "/graphql", json={"query": "{ __typename }"})
    del request.headers["accept"]
    if accept is not None:
        request.headers["accept"] = accept
    response = await client.send(request)
    assert (response.status_code, response.headers["content-type"]) == (200, f"{media_type}; charset=utf-8")


@pytest.mark.parametrize("accept", ["text/html", "image/*", f"{JSON};q=0", f"{JSON}; charset=utf-16"])
async def test_a_client_that_takes_no_json_gets_406(client: httpx2.AsyncClient, accept: str) -> None:
    """W5"""
    response = await client.post("/graphql", json={"query": "{ __typename }"}, headers={"accept": accept})
    assert (response.status_code, codes(response)) == (406, ["BAD_USER_INPUT"])


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        f"{JSON}; charset=utf-16",
        "",
    ],
)
async def test_another_content_type_gets_415(client: httpx2.AsyncClient, content_type: str) -> None:
    """W2"""
    response = await send(client, b'{"query":"{ __typename }"}', content_type=content_type)
    assert (response.status_code, codes(response)) == (415, ["BAD_USER_INPUT"])


async def test_a_post_without_content_type_gets_415(client: httpx2.AsyncClient) -> None:
    """W5"""
    response = await client.post("/graphql", content=b'{"query":"{ __typename }"}')
    assert response.status_code == 415


async def test_a_compressed_body_gets_415(client: httpx2.AsyncClient) -> None:
    response = await send(client, b"\x1f\x8b", content_encoding="gzip")
    assert response.status_code == 415


@pytest.mark.parametrize("content_type", [f"{JSON}; charset=utf-8", "Application/JSON", f'{JSON};charset="UTF-8"'])
async def test_json_is_known_in_every_spelling(client: httpx2.AsyncClient, content_type: str) -> None:
    response = await send(client, b'{"query":"{ __typename }"}', content_type=content_type)
    assert response.status_code == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
async def test_another_method_gets_405(client: httpx2.AsyncClient, method: str) -> None:
    response = await client.request(method, "/graphql")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, POST")


@pytest.mark.parametrize("header", ["x-timeloom-preflight", "apollo-require-preflight"])
async def test_a_query_by_get_needs_a_header_that_no_form_sends(client: httpx2.AsyncClient, header: str) -> None:
    """W1"""
    query = {"query": "query A($t: String!) { __type(name: $t) { name } } query B { __typename }"}
    query |= {"variables": '{"t": "Query"}', "operationName": "A"}
    refused = await client.get("/graphql", params=query)
    assert (refused.status_code, codes(refused)) == (400, ["BAD_USER_INPUT"])
    assert "x-timeloom-preflight" in refused.json()["errors"][0]["message"]
    answered = await client.get("/graphql", params=query, headers={header: ""})
    assert (answered.status_code, answered.json()) == (200, {"data": {"__type": {"name": "Query"}}})


async def test_a_mutation_by_get_gets_405_and_changes_nothing(client: httpx2.AsyncClient) -> None:
    """W1"""
    event = '{eventType: "a", source: "s", message: "m"}'
    query = {"query": f"mutation {{ ingestEvents(input: {{events: [{event}]}}) {{ accepted }} }}"}
    response = await client.get("/graphql", params=query, headers=PREFLIGHT)
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    events = await post(client, "{ events { nodes { id } } }")
    assert events.json() == {"data": {"events": {"nodes": []}}}


@pytest.mark.parametrize(
    "parameters",
    [{}, {"query": "{ __typename }", "variables": "[1]"}, {"query": "{ __typename }", "variables": "{"}],
    ids=["no query", "list variables", "broken variables"],
)
async def test_a_get_without_sense_gets_400(client: httpx2.AsyncClient, parameters: dict[str, str]) -> None:
    response = await client.get("/graphql", params=parameters, headers={**PREFLIGHT, "accept": GRAPHQL_RESPONSE})
    assert (response.status_code, codes(response)) == (400, ["BAD_USER_INPUT"])


BODIES = {
    "empty": b"",
    "null": b"null",
    "number": b"1",
    "text": b'"{ __typename }"',
    "list": b"[]",
    "batch": b'[{"query":"{ __typename }"}]',
    "no query": b"{}",
    "null query": b'{"query":null}',
    "number as query": b'{"query":1}',
    "list as operationName": b'{"query":"{ __typename }","operationName":[]}',
    "text as variables": b'{"query":"{ __typename }","variables":"{}"}',
    "list as variables": b'{"query":"{ __typename }","variables":[]}',
    "text as extensions": b'{"query":"{ __typename }","extensions":"x"}',
    "invalid UTF-8": b'{"query":"{ __typename }","x":"\xff"}',
    "byte order mark": b'\xef\xbb\xbf{"query":"{ __typename }"}',
    "NaN": b'{"query":"query ($a: Float) { __typename }","variables":{"a":NaN}}',
    "Infinity": b'{"query":"query ($a: Float) { __typename }","variables":{"a":-Infinity}}',
    "cut off": b'{"query":"{ __typename }"',
    "trailing": b'{"query":"{ __typename }"} x',
    "brackets": b"[" * 100_000,
    "closed brackets": b"[" * 100_000 + b"]" * 100_000,
    "brackets in variables": b'{"query":"{ __typename }","variables":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "objects in variables": b'{"query":"{ __typename }","variables":' + b'{"a":' * 20_000 + b"1" + b"}" * 20_001,
    "lone surrogate in the query": b'{"query":"{ a\\ud800 }"}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
async def test_a_body_that_is_no_request_gets_400(client: httpx2.AsyncClient, body: bytes) -> None:
    """W2: also as application/json, because the request is not well-formed."""
    for accept in (GRAPHQL_RESPONSE, JSON):
        response = await send(client, body, accept=accept)
        assert (response.status_code, codes(response)) == (400, ["BAD_USER_INPUT"])


@pytest.mark.parametrize("members", [{"variables": None}, {"extensions": None}, {"extensions": {"a": 1}}, {"else": 1}])
async def test_optional_members_may_be_null_and_unknown_ones_are_ignored(
    client: httpx2.AsyncClient, members: dict[str, Any]
) -> None:
    response = await client.post("/graphql", json={"query": "{ __typename }", "operationName": None, **members})
    assert response.json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize("is_chunked", [False, True], ids=["declared", "chunked"])
async def test_a_body_over_the_limit_gets_413_and_names_the_limit(client: httpx2.AsyncClient, is_chunked: bool) -> None:
    """W2"""
    body = b'{"query":"' + b" " * 300_000 + b'{ __typename }"}'

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 50_000):
            yield body[start : start + 50_000]

    response = await client.post("/graphql", content=pieces() if is_chunked else body, headers={"content-type": JSON})
    assert (response.status_code, codes(response)) == (413, ["BATCH_TOO_LARGE"])
    assert "TIMELOOM_MAX_BATCH_BYTES" in response.json()["errors"][0]["message"]


async def test_a_body_far_over_the_limit_is_not_taken_to_its_end(client: httpx2.AsyncClient) -> None:
    """W2: a client hears of the limit after its body, but nobody can send for ever."""
    taken = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal taken
        for _ in range(100):
            taken += 50_000
            yield b" " * 50_000

    response = await client.post("/graphql", content=pieces(), headers={"content-type": JSON})
    assert (response.status_code, codes(response)) == (413, ["BATCH_TOO_LARGE"])
    assert taken <= 5 * 300_000


async def test_a_default_of_any_length_is_no_size(client: httpx2.AsyncClient) -> None:
    """Whole numbers are literals of ID, Float and JSON as well, and Python reads none of more than 4300 digits."""
    digits = "9" * 5000
    response = await post(client, f"query ($id: ID! = {digits}) {{ event(id: $id) {{ id }} }}")
    assert response.json() == {"data": {"event": None}}


ONE_OF = "{ events(filter: {fields: [{field: ACTOR, test: %s}]}) { nodes { id } } }"


@pytest.mark.parametrize(
    ("query", "variables", "code"),
    [
        (ONE_OF % "{}", {}, "VALIDATION_FAILED"),
        (ONE_OF % '{eq: "a", prefix: "b"}', {}, "VALIDATION_FAILED"),
        (ONE_OF % "{eq: null}", {}, "VALIDATION_FAILED"),
        ("query ($x: String) " + ONE_OF % "{eq: $x}", {}, "BAD_USER_INPUT"),
        ("query ($x: String!) " + ONE_OF % "{eq: $x}", {}, "BAD_USER_INPUT"),
        ("query ($x: TextTest!) " + ONE_OF % "$x", {"x": {}}, "BAD_USER_INPUT"),
        ("query ($x: TextTest!) " + ONE_OF % "$x", {"x": {"eq": "a", "isNull": True}}, "BAD_USER_INPUT"),
        ("query ($x: TextTest!) " + ONE_OF % "$x", {"x": {"eq": None}}, "BAD_USER_INPUT"),
        ("fragment F on Query " + ONE_OF % "{eq: $x}" + " query ($x: String) { ...F }", {}, "BAD_USER_INPUT"),
        ("query ($x: String!) " + ONE_OF % "{eq: $x}", {"x": "a"}, None),
        ("query ($x: TextTest!) " + ONE_OF % "$x", {"x": {"in": []}}, None),
    ],
)
async def test_a_test_says_just_one_thing(
    client: httpx2.AsyncClient, query: str, variables: dict[str, Any], code: str | None
) -> None:
    """@oneOf: in literals, by variables and in fragments."""
    response = await client.post("/graphql", json={"query": query, "variables": variables})
    assert codes(response)[:1] == ([] if code is None else [code])


REQUEST_ERRORS = {
    "syntax": ({"query": "{"}, "PARSE_FAILED"),
    "empty document": ({"query": ""}, "PARSE_FAILED"),
    "unknown field": ({"query": "{ nothing }"}, "VALIDATION_FAILED"),
    "no operation": ({"query": "fragment A on Query { __typename }"}, "VALIDATION_FAILED"),
    "no subscriptions": ({"query": "subscription { events { position } }"}, "VALIDATION_FAILED"),
    "which operation": ({"query": "query A { __typename } query B { __typename }"}, "BAD_USER_INPUT"),
    "unknown operation": ({"query": "query A { __typename }", "operationName": "B"}, "BAD_USER_INPUT"),
    "missing variable": ({"query": "query ($t: String!) { __type(name: $t) { name } }"}, "BAD_USER_INPUT"),
    "wrong variable": (
        {"query": "query ($t: String!) { __type(name: $t) { name } }", "variables": {"t": 1}},
        "BAD_USER_INPUT",
    ),
}


@pytest.mark.parametrize(("body", "code"), REQUEST_ERRORS.values(), ids=REQUEST_ERRORS.keys())
async def test_a_request_error_has_its_code_and_the_status_of_its_media_type(
    client: httpx2.AsyncClient, body: dict[str, Any], code: str
) -> None:
    """W6: 400, or 200 when the answer is application/json; nothing was executed, so there is no `data`."""
    for accept, status in ((GRAPHQL_RESPONSE, 400), (JSON, 200)):
        response = await client.post("/graphql", json=body, headers={"accept": accept})
        answer = response.json()
        assert (response.status_code, {error["extensions"]["code"] for error in answer["errors"]}) == (status, {code})
        assert "data" not in answer


async def test_every_error_carries_the_request_id_of_the_header(client: httpx2.AsyncClient) -> None:
    response = await client.post("/graphql", json={"query": "{"}, headers={"x-request-id": "req-7:a/b"})
    assert response.headers["x-request-id"] == "req-7:a/b"
    assert response.json()["errors"][0]["extensions"] == {"code": "PARSE_FAILED", "requestId": "req-7:a/b"}


@pytest.mark.parametrize("sent", ["", "a b", "x" * 129, 'a"b', "<script>"])
async def test_a_request_id_that_could_do_harm_is_replaced(client: httpx2.AsyncClient, sent: str) -> None:
    response = await client.post("/graphql", json={"query": "{"}, headers={"x-request-id": sent})
    made = response.json()["errors"][0]["extensions"]["requestId"]
    assert made == response.headers["x-request-id"] != sent
    assert len(made) == 32


async def test_a_field_error_leaves_the_other_fields_and_the_status_alone(client: httpx2.AsyncClient) -> None:
    response = await post(client, '{ __typename events(first: 5, after: "nonsense") { nodes { id } } }')
    answer = response.json()
    assert response.status_code == 200
    assert answer["data"] == {"__typename": "Query", "events": None}
    assert [(error["path"], error["extensions"]["code"]) for error in answer["errors"]] == [
        (["events"], "BAD_USER_INPUT")
    ]


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("query ($t: String!) { __type(name: $t) { name } }", b'{"t": ["\\ud800"]}'),
        ("query ($e: EventOrder!) { events(orderBy: $e) { nodes { id } } }", b'{"e": "\\udfff"}'),
        ("query ($s: [String!]) { events(filter: {selectors: $s}) { nodes { id } } }", b'{"s": ["\\ud800"]}'),
    ],
)
async def test_a_lone_surrogate_never_breaks_the_answer(
    client: httpx2.AsyncClient, query: str, variables: bytes
) -> None:
    response = await send(client, b'{"query":"' + query.encode() + b'","variables":' + variables + b"}")
    assert response.status_code in (200, 400)
    assert codes(response) == ["BAD_USER_INPUT"]


async def test_a_lone_surrogate_in_a_document_is_a_validation_error(client: httpx2.AsyncClient) -> None:
    response = await post(client, '{ events(orderBy: "\\uD800") { nodes { id } } }')
    assert codes(response)[0] in ("PARSE_FAILED", "VALIDATION_FAILED")


async def test_numbers_in_json_variables_keep_their_digits(client: httpx2.AsyncClient) -> None:
    """EventInput.extra: text survives, whichever road the batch takes."""
    extra = '{"b":1.10,"a":[9007199254740993,-0.0,1e308,-0,1E5],"é":"\\u00e9","k k.":"\\"x\\""}'
    event = '{"eventType":"t","source":"s","message":"m","objects":[],"extra":' + extra + "}"
    roads = {
        "strict": event,
        "lenient": event.replace('"m"', '"m","durationMs":1.50'),
        "stock": event.replace('"objects":[]', '"objects":{"objectType":"a","objectId":"b"}'),
    }
    for sent in roads.values():
        body = '{"query":' + _quoted(INGEST) + ',"variables":{"input":{"events":[' + sent + "]}}}"
        response = await send(client, body)
        assert response.json()["data"]["ingestEvents"]["accepted"] == 1
    stored = await client.post("/graphql", json={"query": "{ events { nodes { extra } } }"})
    kept = extra.replace("\\u00e9", "é")
    assert stored.text.replace("\\u00e9", "é").count(f'"extra":{kept}') == 3


async def test_one_bad_event_does_not_refuse_the_batch(client: httpx2.AsyncClient) -> None:
    """Issue 2: what is wrong with one event is its outcome, not an error of the request."""
    good = '{"eventType":"t","source":"s","message":"good"}'
    bad = [
        '{"eventType":"t","source":"s","message":"\\ud800"}',
        '{"eventType":"t","source":"s","message":"m","extra":{"a":1,"a":2}}',
        '{"eventType":"t","source":"s","message":"m","extra":[1e400]}',
        '{"eventType":"t","source":"s","message":"m","recordCount":1e400}',
        '{"eventType":"t","source":"s","message":"m","extra":' + "[" * 31 + "]" * 31 + "}",
        '{"eventType":"t","source":"s","message":"m","id":"no uuid"}',
    ]
    for event in bad:
        body = '{"query":' + _quoted(INGEST) + ',"variables":{"input":{"events":[' + f"{good},{event}" + "]}}}"
        answer = (await send(client, body)).json()
        assert [result["outcome"] for result in answer["data"]["ingestEvents"]["results"]] == ["ACCEPTED", "REJECTED"]


async def test_a_duration_beyond_a_double_is_no_float_and_refuses_the_request(client: httpx2.AsyncClient) -> None:
    """L1: a fast road takes nothing that GraphQL's own coercion refuses."""
    event = '{"eventType":"t","source":"s","message":"m","durationMs":1e400}'
    body = '{"query":' + _quoted(INGEST) + ',"variables":{"input":{"events":[' + event + "]}}}"
    answer = (await send(client, body)).json()
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]
    assert "durationMs" in answer["errors"][0]["message"]


def _quoted(text: str) -> str:
    return '"' + text.replace("\n", " ").replace('"', '\\"') + '"'
