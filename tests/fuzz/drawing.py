"""Documents drawn by hypothesis-graphql from the schema as it is built: what it gains is in them by itself."""

from collections.abc import Iterator
from typing import Any

from graphql import DocumentNode, GraphQLSchema
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis_graphql import Mode, mutations, queries

from tests.fuzz.scalars import scalar_strategies

_SEVERAL = 3
"""How many shares documents of several root fields have, beside one share for each root field alone."""


def draw_documents(schema: GraphQLSchema, count: int, *, seed_number: int) -> list[DocumentNode]:
    """Draw so many documents, or a few less; the same for the same schema and seed.

    Every root field has the same share, alone in its document; beside these there are documents of several root fields,
    and some that break a rule of the schema. They are collected before any is asked: a failure is made small by
    `tests.equality.shrinking`, which knows requests, and not by drawing anew.
    """
    strategies = list(_strategies(schema))
    shares = [
        count * (number + 1) // len(strategies) - count * number // len(strategies) for number in range(len(strategies))
    ]
    return [
        document
        for number, (strategy, share) in enumerate(zip(strategies, shares, strict=True))
        if share
        for document in _draw(strategy, share, seed_number=seed_number * 1000 + number)
    ]


def _strategies(schema: GraphQLSchema) -> Iterator[st.SearchStrategy[DocumentNode]]:
    options: dict[str, Any] = {"custom_scalars": scalar_strategies(schema), "print_ast": _as_drawn}
    for root, draw in ((schema.query_type, queries), (schema.mutation_type, mutations)):
        for name in root.fields if root else ():
            yield draw(schema, fields=(name,), **options)
    for _ in range(_SEVERAL):
        yield queries(schema, **options)
    yield queries(schema, mode=Mode.NEGATIVE, **options)


def _as_drawn(document: DocumentNode) -> DocumentNode:
    return document


def _draw(strategy: st.SearchStrategy[DocumentNode], count: int, *, seed_number: int) -> list[DocumentNode]:
    drawn: list[DocumentNode] = []

    @seed(seed_number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )
    @given(strategy)
    def collect(document: DocumentNode) -> None:
        drawn.append(document)

    collect()
    return drawn
