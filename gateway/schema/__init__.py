"""The GraphQL schema: types, inputs and resolvers. `build_schema` puts it together, schema.graphql is its text."""

from functools import cache

import strawberry
from graphql import GraphQLInputObjectType, GraphQLSchema
from strawberry.schema.config import StrawberryConfig

from gateway.schema.deletions import Deletion
from gateway.schema.events import Event
from gateway.schema.mutations import Mutation
from gateway.schema.objects import EventObject
from gateway.schema.problems import Problem
from gateway.schema.queries import Query
from gateway.schema.registrations import Registration
from gateway.schema.retention import RetentionPolicy, RetentionRun
from gateway.schema.scalars import SCALARS

__all__ = ["build_schema", "schema_text"]


@cache
def build_schema() -> strawberry.Schema:
    """Build the schema, once per process. Misspelt names get suggestions: as yet everyone may introspect it."""
    schema = strawberry.Schema(
        query=Query,
        mutation=Mutation,
        types=[Event, EventObject, Registration, Deletion, RetentionPolicy, RetentionRun, Problem],
        config=StrawberryConfig(scalar_map=SCALARS),
    )
    _mark_one_of(schema._schema)
    return schema


def _mark_one_of(schema: GraphQLSchema) -> None:
    """Let graphql-core check inputs with @oneOf: Strawberry's own rule knows no fragments, and its errors no place."""
    for type_ in schema.type_map.values():
        definition = type_.extensions.get("strawberry-definition")
        if isinstance(type_, GraphQLInputObjectType) and getattr(definition, "is_one_of", False):
            type_.is_one_of = True


def schema_text() -> str:
    """Give the text of schema.graphql."""
    return build_schema().as_str() + "\n"
