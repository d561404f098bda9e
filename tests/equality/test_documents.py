"""Both executors give the same answers to generated documents (L1)."""

import asyncio

import pytest
from graphql import GraphQLSchema

from tests.equality.damage import draw_damages
from tests.equality.gateways import serve_pair
from tests.equality.runs import Run, Tally
from tests.equality.stores import Stores, Templates

SEEDS = range(13)
DOCUMENTS = 100
DAMAGED_SEEDS = range(100, 112)
DAMAGED_DOCUMENTS = 50


async def require_equality(stores: Stores, schema: GraphQLSchema, *, seed: int, documents: int = DOCUMENTS) -> Tally:
    """Ask so many documents; fail at the first difference, or when too many never come to be executed."""
    async with serve_pair(stores) as pair:
        run = Run(pair, schema, seed=seed, new_events=stores.take_new_events)
        difference = await run.find_difference(documents)
    assert difference is None, str(difference)
    assert run.tally.refused * 20 < run.tally.requests, "too many documents are refused before they are executed"
    return run.tally


@pytest.mark.parametrize("seed", SEEDS)
async def test_generated_documents_have_equal_answers(seed: int, plain_stores: Stores, schema: GraphQLSchema) -> None:
    """L1: status, headers and bytes; errors in any order; no more statements than stock."""
    tally = await require_equality(plain_stores, schema, seed=seed)
    assert tally.codes.keys() <= {"BAD_USER_INPUT", "QUERY_TOO_COMPLEX"}


@pytest.mark.parametrize("seed", DAMAGED_SEEDS)
async def test_damaged_rows_have_equal_answers_and_equal_errors(
    seed: int, templates: Templates, schema: GraphQLSchema
) -> None:
    """L1: nulls in non-null fields, times out of range, unknown severities, values of wrong types."""
    stores = await asyncio.to_thread(templates.copies, draw_damages(seed))
    tally = await require_equality(stores, schema, seed=seed, documents=DAMAGED_DOCUMENTS)
    assert tally.with_errors > 0


async def test_generated_documents_have_equal_answers_on_mariadb(mariadb_stores: Stores, schema: GraphQLSchema) -> None:
    """L1: the same on the other database."""
    await require_equality(mariadb_stores, schema, seed=200)
