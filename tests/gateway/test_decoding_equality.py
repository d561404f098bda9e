"""Decoding against stock coercion: what the fast roads take, stock takes too and reads alike (issue 3)."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from graphql import GraphQLError, OperationDefinitionNode, coerce_input_value, parse, validate_input_value
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from strawberry.types.arguments import convert_argument

from gateway.app import create_app
from gateway.decoding import BatchVariable, decode_with_batch
from gateway.documents import find_batch_variable
from gateway.json_text import parse_json, to_json_text
from gateway.requests import decode_variables
from gateway.schema.event_inputs import IngestEventsInput, to_draft
from gateway.settings import Settings
from mutations.drafts import EventDraft
from tests.gateway.execution import NOW, SCHEMA
from tests.gateway.serving import GRAPHQL_RESPONSE

INPUT = BatchVariable("batch", is_list=False)
EVENTS = BatchVariable("batch", is_list=True)


def mostly(usual: st.SearchStrategy[str], odd: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Something odd once in thirty times: an event has many fields, and most should be fine."""
    return st.integers(1, 30).flatmap(lambda draw: odd if draw == 30 else usual)


def quoted(*texts: str) -> st.SearchStrategy[str]:
    return st.sampled_from([f'"{text}"' for text in texts])


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=6).map(
    json.dumps
)
ODD_TEXTS = quoted("", "a ", "\\u0000", "\\ud800", "\\udc00\\ud800", "\\ud83d\\ude00", "😀\u05d0", "x" * 256)
TIMES = mostly(
    quoted(
        *("2026-01-01T00:00:00Z", "2026-01-01t01:30:00.1+01:30", "2025-12-31T23:59:60Z"),
        *("2026-01-01T00:00:00.123456789-00:00", "1970-01-01T00:00:00.000001Z"),
    ),
    quoted(
        *("0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "1969-12-31T23:59:59Z", "2026-01-01T00:00:00"),
        *("2026-01-01", "2026-02-30T00:00:00Z", "2026-01-01T24:00:00Z", "20260101T000000Z", "2026-01-01 00:00:00Z"),
        *("2026-01-01T00:00:00+0100", "2026-W01-1T00:00:00Z", "now", "", "\\ud800"),
    ),
)
USUAL_NUMBERS = st.integers(0, 2**53).map(str) | st.floats(0, allow_infinity=False).map(repr)
ODD_NUMBERS = st.one_of(
    st.integers(-(2**64), 2**64).map(str),
    st.sampled_from(["-0", "-0.0", "1.0", "1.50", "1e2", "1E400", "-1e400", "1e-400", "9" * 25, "9" * 320]),
)
NUMBERS = mostly(USUAL_NUMBERS, ODD_NUMBERS)
SEVERITIES = mostly(quoted("DEBUG", "NOTICE", "CRITICAL"), quoted("error", "Error", "ERROR ", "FATAL", ""))
UUIDS = mostly(st.uuids().map(lambda value: f'"{value}"'), quoted("x", "0190A1B2-0000-7000-8000-1", ""))
SWITCHES = st.sampled_from(["true", "false"])
SCALARS = st.one_of(TEXTS, ODD_TEXTS, USUAL_NUMBERS, ODD_NUMBERS, SWITCHES, st.just("null"))


def written_object(names: st.SearchStrategy[str], values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Objects whose names may come twice."""
    members = st.lists(st.tuples(names, values), max_size=3)
    return members.map(lambda pairs: "{" + ", ".join(f"{name}:{value}" for name, value in pairs) + "}")


def written_list(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(values, max_size=3).map(lambda items: f"[{' ,'.join(items)}]")


ANYTHING = st.recursive(
    SCALARS, lambda inner: written_object(TEXTS | ODD_TEXTS, inner) | written_list(inner), max_leaves=6
)


def written_members(
    required: dict[str, st.SearchStrategy[str]], optional: dict[str, st.SearchStrategy[str]]
) -> st.SearchStrategy[str]:
    """An object near its type: mostly what belongs there, in any order; now and then a near miss."""
    whole = st.fixed_dictionaries(
        required, optional={name: value | st.just("null") for name, value in optional.items()}
    )
    names = st.sampled_from([*required, *optional, "event_type", "Message", "x"])
    missing = st.lists(st.sampled_from([*required]), max_size=1)
    near = st.lists(st.tuples(names, ANYTHING), min_size=1, max_size=1)
    unchanged: st.SearchStrategy[tuple[list[str], list[tuple[str, str]]]] = st.just(([], []))
    changes = st.one_of(*[unchanged] * 20, st.tuples(missing, near), st.tuples(st.just([]), near))

    def write(members: dict[str, str], changed: tuple[list[str], list[tuple[str, str]]]) -> str:
        left_out, added = changed
        kept = [(name, value) for name, value in members.items() if name not in left_out]
        return "{" + ",".join(f'"{name}":{value}' for name, value in [*kept, *added]) + "}"

    return st.builds(write, whole, changes)


OBJECTS = written_members({"objectType": TEXTS, "objectId": TEXTS}, {"namespace": quoted("n"), "role": TEXTS})
ANY_TEXT = mostly(TEXTS, ODD_TEXTS)
PLAIN = (
    *("category", "actor", "actorClaim", "sessionId", "requestId", "correlationId", "traceId", "spanId"),
    *("parentSpanId", "owner"),
)
EVENT = written_members(
    {"eventType": ANY_TEXT, "source": ANY_TEXT, "message": ANY_TEXT},
    {
        **dict.fromkeys(PLAIN, ANY_TEXT),
        **dict.fromkeys(("id", "parentId", "registrationId"), UUIDS),
        "namespace": quoted("default", "n"),
        "timestamp": TIMES,
        "severity": SEVERITIES,
        "severityText": mostly(st.just("null"), quoted("fatal", "loud")),
        "extra": ANYTHING,
        "durationMs": NUMBERS,
        "success": SWITCHES,
        "recordCount": mostly(st.integers(0, 2**53 - 1).map(str) | quoted("0", "12"), ODD_NUMBERS | TEXTS),
        "objects": mostly(written_list(OBJECTS), OBJECTS),
        "visibleTo": written_list(TEXTS),
    },
)
BATCH = mostly(written_list(EVENT), EVENT | ANYTHING)
FORMS = mostly(st.just('{"events":*}'), st.sampled_from(['{"events":*,"x":1}', '{"event":*}', "*"]))
WHOLE = st.builds(lambda form, batch: form.replace("*", batch), FORMS, BATCH)


def by_stock(text: str, *, is_list: bool) -> list[EventDraft] | None:
    """Give the drafts of a batch that went through GraphQL's coercion and Strawberry's; None when it is refused."""
    value = decode_variables(text.encode())["batch"]
    given_value = {"events": value} if is_list else value
    graphql_type: Any = SCHEMA._schema.get_type("IngestEventsInput")
    refused: list[GraphQLError] = []
    validate_input_value(given_value, graphql_type, lambda error, _path: refused.append(error))
    if refused or given_value is None:
        return None
    coerced = coerce_input_value(given_value, graphql_type)
    converter = SCHEMA.schema_converter
    whole: Any = convert_argument(coerced, IngestEventsInput, converter.scalar_registry, SCHEMA.config)
    return [to_draft(each) for each in whole.events]


def as_values(draft: EventDraft) -> dict[str, str]:
    """Give every field as text, so that 1, 1.0 and true differ; extra without the blanks between its tokens."""
    values = {name: repr(getattr(draft, name)) for name in EventDraft.__struct_fields__}
    if draft.extra is not None:
        values["extra"] = to_json_text(parse_json(str(draft.extra)))
    return values


@settings(max_examples=300)
@given(st.tuples(st.just(INPUT), WHOLE) | st.tuples(st.just(EVENTS), BATCH))
def test_what_the_fast_roads_take_stock_takes_too_and_reads_alike(sent: tuple[BatchVariable, str]) -> None:
    variable, batch = sent
    text = f'{{"batch":{batch}}}'
    decoded = decode_with_batch(text.encode(), variable)
    drafts = decoded.batches.get("batch")
    if drafts is None:
        event("left to stock")
        assert decoded.values == decode_variables(text.encode())
        return
    event("decoded")
    stock = by_stock(text, is_list=variable.is_list)
    assert stock is not None
    assert [as_values(draft) for draft in drafts] == [as_values(draft) for draft in stock]


DOCUMENTS = {
    # A variable with a default is no whole batch: so the very same request goes through stock coercion.
    False: "mutation ($batch: IngestEventsInput!{}) {{ ingestEvents(input: $batch) {{ ...all }} }}",
    True: "mutation ($batch: [EventInput!]!{}) {{ ingestEvents(input: {{events: $batch}}) {{ ...all }} }}",
}
SELECTED = """
  fragment all on IngestEventsPayload {
    accepted duplicates conflicts rejected results { index outcome code message } problems { index outcome }
  }
"""
STORED = """{ events(first: 1000) { nodes {
    namespace eventType category severity severityText source message extra durationMs success actor actorClaim
    sessionId requestId correlationId parentId traceId spanId parentSpanId recordCount
    objects { role object { namespace objectType objectId } }
} } }"""


Told = tuple[int, list[tuple[str, str]], str]


@dataclass
class Twins:
    """Two gateways with one clock, on stores of their own, which are sent the same."""

    fast: httpx2.AsyncClient
    stock: httpx2.AsyncClient

    async def ask(self, query: str, stock_query: str, variables: str = "{}") -> tuple[Told, Told]:
        return await _ask(self.fast, query, variables), await _ask(self.stock, stock_query, variables)


async def _ask(client: httpx2.AsyncClient, query: str, variables: str) -> Told:
    body = f'{{"query":{json.dumps(query)},"variables":{variables}}}'
    headers = {"accept": GRAPHQL_RESPONSE, "content-type": "application/json", "x-request-id": "twins"}
    answer = await client.post("/graphql", content=body.encode(), headers=headers)
    return answer.status_code, sorted(answer.headers.items()), answer.text


@asynccontextmanager
async def _gateway(database_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    app = create_app(Settings(database_url=database_url), clock=lambda: NOW)
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            yield client


@pytest.fixture
async def twins(new_database_url: Callable[[str], str]) -> AsyncIterator[Twins]:
    async with _gateway(new_database_url("sqlite")) as fast, _gateway(new_database_url("sqlite")) as stock:
        yield Twins(fast, stock)


def _documents(*, is_list: bool) -> tuple[str, str]:
    """The one whose batch is decoded, and the one that goes through stock coercion; errors stand at the same places."""
    default = " = []" if is_list else " = {events: []}"
    fast, stock = (DOCUMENTS[is_list].format(each) + SELECTED for each in (" " * len(default), default))
    return fast, stock


@pytest.mark.parametrize("variable", [INPUT, EVENTS], ids=["input", "events"])
def test_one_of_the_two_documents_takes_the_fast_road(variable: BatchVariable) -> None:
    operations = (parse(document).definitions[0] for document in _documents(is_list=variable.is_list))
    assert [find_batch_variable(each) for each in operations if isinstance(each, OperationDefinitionNode)] == [
        variable,
        None,
    ]


def _samples(count: int) -> list[tuple[BatchVariable, str]]:
    found: list[tuple[BatchVariable, str]] = []

    @settings(max_examples=count, database=None, suppress_health_check=list(HealthCheck))
    @given(st.tuples(st.just(INPUT), WHOLE) | st.tuples(st.just(EVENTS), BATCH))
    def collect(sent: tuple[BatchVariable, str]) -> None:
        found.append(sent)

    collect()
    return found


async def test_the_answer_is_the_same_by_either_road(twins: Twins) -> None:
    """Status, headers and body of the whole application, and what is in the store afterwards."""
    told = []
    for variable, batch in _samples(200):
        by_fast, by_coercion = await twins.ask(*_documents(is_list=variable.is_list), f'{{"batch":{batch}}}')
        assert by_fast == by_coercion
        told.append(by_fast[2])
    for kind in ("ACCEPTED", "REJECTED", "BAD_USER_INPUT"):
        assert any(f'"{kind}"' in each for each in told), kind
    # Ids made by the gateways differ, and with them the order of events of one instant.
    stored = [
        sorted(map(str, json.loads(text)["data"]["events"]["nodes"])) for *_, text in await twins.ask(STORED, STORED)
    ]
    assert stored[0] == stored[1] != []
