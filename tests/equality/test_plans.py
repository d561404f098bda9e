"""Plans are made once and used by everybody: they hold nothing of the request that they were made for (L1)."""

import asyncio
import itertools
import random

from gateway.context import GrantRecord, RequestContext, ViewerRecord
from gateway.documents import Document, DocumentError, Documents
from gateway.execution import Executor
from gateway.http import document_limits
from gateway.metrics import Metrics
from gateway.schema import build_schema
from gateway.settings import Settings
from mutations.ingest import IngestLimits
from mutations.type_registry import TypeRegistry
from storage.engine import Database
from storage.scopes import EVERYTHING, Scope
from tests.equality.documents import DocumentMaker
from tests.equality.gateways import NOW, Pair, Request, find_difference, serve_pair, silent_logs, split_errors
from tests.equality.stores import Stores

DOCUMENTS = 60
SCOPES = (
    EVERYTHING,
    Scope(),
    Scope(namespace_keys=frozenset({1})),
    Scope(namespace_keys=frozenset({2}), audience_keys=frozenset(range(1, 8))),
)

CONDITIONS = """query ($a: Boolean!, $b: Boolean!, $c: Boolean = true, $d: Boolean = false) {
  events(first: 2) @include(if: $a) {
    nodes { id @skip(if: $b) ...F @include(if: $c) ... @skip(if: $d) { severity objects { role @include(if: $a) } } }
  }
  server @include(if: $c) { now @skip(if: $a) version @include(if: $d) }
}
fragment F on Event { source message @skip(if: $d) }
"""
"""A document with more plans than are kept."""


def under_all_conditions() -> list[Request]:
    """CONDITIONS with every value of its variables; null for a condition is refused by both executors."""
    choices = ((True, False), (True, False), (True, False, None), (True, False, None))
    return [Request(CONDITIONS, dict(zip("abcd", values, strict=True))) for values in itertools.product(*choices)]


async def require_equal(pair: Pair, request: Request) -> None:
    _, difference = await pair.ask(request)
    assert difference is None, f"{request}\n{difference}"


async def test_plans_for_all_values_of_conditions_give_equal_answers(plain_stores: Stores) -> None:
    """More values than plans are kept, each again after the others."""
    async with serve_pair(plain_stores) as pair:
        for request in 2 * under_all_conditions():
            await require_equal(pair, request)


async def test_requests_at_the_same_time_do_not_touch_each_other(plain_stores: Stores) -> None:
    """One plan, or none yet, in the hands of many requests with other variables."""
    document = (
        "query ($n: Int, $if: Boolean!) { events(first: $n) { nodes { id objects @include(if: $if) { role } } } "
        'object(objectType: "instance", objectId: "busy") { timeline(last: $n) { edges { cursor } } } }'
    )
    requests = [Request(document, {"n": n, "if": condition}) for n in range(12) for condition in (True, False)]
    async with serve_pair(plain_stores) as pair:
        expected = [await pair.stock.ask(request) for request in requests]
        found = await asyncio.gather(*map(pair.compiled.ask, requests))
    assert [find_difference(*replies) for replies in zip(expected, found, strict=True)] == [None] * len(requests)


async def test_a_plan_serves_callers_who_see_other_things(plain_stores: Stores) -> None:
    """Each document is compiled for the first caller, and asked by all of them, one by one and at the same time."""
    schema = build_schema()
    stock, compiled = (Executor(schema, Metrics(()), compiled=each) for each in (False, True))
    documents = Documents(schema._schema, document_limits(Settings()))
    database = await Database.open(plain_stores.stock)
    try:
        for number in range(DOCUMENTS):
            made = DocumentMaker(schema._schema, random.Random(f"scopes/{number}"), new_events=False).make()
            request = made.requests[0]
            try:
                document = documents.prepare(request.query)
            except DocumentError:
                continue
            expected = [await _ask(stock, document, request, database, scope) for scope in SCOPES]
            found = [await _ask(compiled, document, request, database, scope) for scope in SCOPES]
            together = await asyncio.gather(*(_ask(compiled, document, request, database, scope) for scope in SCOPES))
            assert found == expected, str(request)
            assert together == expected, str(request)
    finally:
        await database.close()


async def _ask(executor: Executor, document: Document, request: Request, database: Database, scope: Scope) -> object:
    """Give the data, and the errors in some order."""
    context = RequestContext(
        database=database,
        clock=lambda: NOW,
        viewer=ViewerRecord("somebody", "default", (GrantRecord(None, "READ"),)),
        ingest_limits=IngestLimits(),
        types=TypeRegistry(database),
        scope=scope,
    )
    operation = document.operation(request.operation_name)
    result = await executor.execute(document, operation, variables=request.variables or {}, context=context)
    with silent_logs():
        body = executor.answer(result, request_id="plans").body
    return split_errors(body)
