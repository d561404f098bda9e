"""No document, however odd, brings about an internal error (EV6): 4,500 of them, drawn from the whole schema."""

from collections.abc import Callable

import pytest
from graphql import GraphQLObjectType, GraphQLSchema

from gateway.schema import build_schema
from storage.engine import Database
from tests.equality.gateways import silent_logs
from tests.equality.stores import write_history
from tests.fuzz.runs import Run, uncollected
from tests.gateway.serving import serve_in_process

RUNS = (("sqlite", 2_000),) * 2 + (("asyncmy", 500),)
"""Most of it on SQLite, which answers sooner: what a document brings about is nearly always decided before."""


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema()._schema


def fields_of(schema: GraphQLSchema) -> set[str]:
    """Every field that can be asked for, as `Type.field`."""
    return {
        f"{type_.name}.{name}"
        for type_ in schema.type_map.values()
        if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__")
        for name in type_.fields
    }


@pytest.mark.parametrize(("seed", "backend", "documents"), [(seed, *run) for seed, run in enumerate(RUNS)])
async def test_no_document_brings_about_an_internal_error(
    seed: int, backend: str, documents: int, schema: GraphQLSchema, new_database_url: Callable[[str], str]
) -> None:
    """Every answer is JSON with data or errors, below 500, and every error has a code that tells what to change.

    That they are worth asking is seen too: every field of the schema is in those of each seed on SQLite, and enough of
    them are executed and find something.
    """
    url = new_database_url(backend)
    database = await Database.open(url)
    await write_history(database)
    await database.close()
    run = Run(schema, seed=seed)
    with silent_logs(), uncollected():
        async with serve_in_process(url) as client:
            failure = await run.find_failure(client, documents)
    assert failure is None, failure
    assert run.tally.documents == documents
    if backend == "sqlite":
        assert fields_of(schema) - run.tally.asked == set()
    assert run.tally.refused * 2 < documents, "too many documents are refused before they are executed"
    assert run.tally.answered * 4 > documents, "too few documents find anything"
