"""The GraphQL schema: types, inputs and resolvers. `build_schema` puts it together, schema.graphql is its text."""

from collections.abc import Callable, Iterable
from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig

from gateway.schema.events import Event
from gateway.schema.mutations import Mutation
from gateway.schema.objects import EventObject
from gateway.schema.queries import Query
from gateway.schema.scalars import SCALARS

__all__ = ["TimeloomSchema", "build_schema", "schema_text"]


class TimeloomSchema(strawberry.Schema):
    """Strawberry's schema without its own log of errors: whoever answers a request logs them, with its id."""

    def process_errors(self, errors: list[GraphQLError], execution_context: Any = None) -> None:
        """Do nothing."""


def build_schema(
    extensions: Iterable[type[SchemaExtension] | Callable[[], SchemaExtension]] = (),
) -> TimeloomSchema:
    """Build the schema. Suggestions for misspelt names are off: they tell strangers what is there."""
    return TimeloomSchema(
        query=Query,
        mutation=Mutation,
        types=[Event, EventObject],
        extensions=list(extensions),
        config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True),
    )


def schema_text() -> str:
    """Give the text of schema.graphql."""
    return build_schema().as_str() + "\n"
