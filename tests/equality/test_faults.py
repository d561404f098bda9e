"""The proof proves something: each of many faults in the compiled executor is found by the ordinary documents (L1)."""

import asyncio

import pytest
from graphql import GraphQLSchema

from tests.equality.faults import FAULTS, FAULTS_OF_DAMAGED_ROWS, Fault
from tests.equality.gateways import serve_pair
from tests.equality.runs import Run
from tests.equality.stores import Stores, Templates

DOCUMENTS = 100
SEEDS = (6, 1, 0, 2, 3, 4, 5)
"""Of those that test_documents.py asks, as many of each; those by which rare faults are found come first."""


async def require_found(fault: Fault, stores: Stores, schema: GraphQLSchema, monkeypatch: pytest.MonkeyPatch) -> None:
    fault(monkeypatch)
    async with serve_pair(stores) as pair:
        for seed in SEEDS:
            if await Run(pair, schema, seed=seed).find_difference(DOCUMENTS, smallest=False) is not None:
                return
    pytest.fail(f"none of {len(SEEDS) * DOCUMENTS} documents finds it")


@pytest.mark.parametrize("name", FAULTS)
async def test_fault_is_found(
    name: str, plain_stores: Stores, schema: GraphQLSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    await require_found(FAULTS[name], plain_stores, schema, monkeypatch)


@pytest.mark.parametrize("name", FAULTS_OF_DAMAGED_ROWS)
async def test_fault_about_damaged_rows_is_found(
    name: str, templates: Templates, schema: GraphQLSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault, damages = FAULTS_OF_DAMAGED_ROWS[name]
    stores = await asyncio.to_thread(templates.copies, damages)
    await require_found(fault, stores, schema, monkeypatch)
