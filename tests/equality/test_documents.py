"""Both executors give the same answers to generated documents (L1)."""

from collections.abc import Callable

import pytest
from graphql import GraphQLSchema

from tests.equality.gateways import serve_pair
from tests.equality.runs import Run

SEEDS = range(20)
DOCUMENTS = 100


@pytest.mark.parametrize("seed", SEEDS)
async def test_generated_documents_have_equal_answers(
    seed: int, equal_stores: Callable[[], tuple[str, str]], schema: GraphQLSchema
) -> None:
    """L1: status, headers and bytes; errors in any order; no more statements than stock."""
    async with serve_pair(*equal_stores()) as pair:
        run = Run(pair, schema, seed=seed)
        difference = await run.find_difference(DOCUMENTS)
    assert difference is None, str(difference)
    assert run.tally.refused * 20 < run.tally.requests, "too many documents are refused before they are executed"
