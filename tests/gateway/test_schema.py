"""The schema as a contract: GQ6, and the rules that hold for all of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    Undefined,
    get_introspection_query,
    graphql_sync,
    is_specified_scalar_type,
)

from gateway.schema import build_schema, schema_text

SCHEMA = build_schema()._schema
TYPES = {
    name: kind
    for name, kind in SCHEMA.type_map.items()
    if not name.startswith("__") and not is_specified_scalar_type(kind)
}


def test_schema_graphql_is_the_schema_gq6() -> None:
    """`make schema` writes it anew."""
    committed = Path(__file__).parents[2] / "schema.graphql"
    assert committed.read_text() == schema_text()


def elements() -> Iterator[tuple[str, Any]]:
    """Everything that can have a description, with its name."""
    for name, kind in TYPES.items():
        yield name, kind
        if isinstance(kind, GraphQLEnumType):
            yield from ((f"{name}.{value_name}", value) for value_name, value in kind.values.items())
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            for field_name, field in kind.fields.items():
                yield f"{name}.{field_name}", field
                for argument_name, argument in getattr(field, "args", {}).items():
                    yield f"{name}.{field_name}({argument_name}:)", argument


def test_everything_has_a_description_that_is_a_sentence() -> None:
    assert [name for name, element in elements() if not (element.description or "").endswith(".")] == []


def test_null_is_no_default() -> None:
    """A default of null would print `= null`, and nobody could tell null from left out."""
    assert "= null" not in schema_text()
    for name, element in elements():
        assert getattr(element, "default_value", Undefined) is not None, name


def test_what_has_a_default_is_not_null() -> None:
    """Flags and sizes with a default are non-null, so that null cannot mean false (contract)."""
    for name, element in elements():
        if getattr(element, "default_value", Undefined) is not Undefined:
            assert isinstance(element.type, GraphQLNonNull), name


def test_each_mutation_takes_one_input_and_gives_a_payload() -> None:
    assert SCHEMA.mutation_type is not None
    for name, field in SCHEMA.mutation_type.fields.items():
        assert list(field.args) == ["input"], name
        assert str(field.args["input"].type) == f"{name[0].upper()}{name[1:]}Input!"
        if name.endswith("RetentionPolicy"):  # the contract has one payload for the three of them
            assert str(field.type) == "RetentionPolicyPayload"
            continue
        assert str(field.type) == f"{name[0].upper()}{name[1:]}Payload"


def test_what_costs_a_statement_of_its_own_is_nullable() -> None:
    """One slow panel never takes the dashboard with it (contract); an event's objects stand for the row itself."""
    assert SCHEMA.query_type is not None
    assert not [name for name, field in SCHEMA.query_type.fields.items() if isinstance(field.type, GraphQLNonNull)]
    event = SCHEMA.type_map["Event"].fields  # type: ignore[attr-defined]
    assert {name: str(event[name].type) for name in ("objects", "parent", "children", "ancestors")} == {
        "objects": "[EventObjectLink!]!",
        "parent": "Event",
        "children": "EventConnection",
        "ancestors": "[Event!]",
    }


def test_there_is_one_way_to_page() -> None:
    """Connections take first, after, last and before."""
    for name, element in elements():
        if str(getattr(element, "type", "")).endswith("Connection"):
            assert {"first", "after", "last", "before"} <= set(element.args), name


def test_introspection_works() -> None:
    result = graphql_sync(SCHEMA, get_introspection_query(input_value_deprecation=True, specified_by_url=True))
    assert result.errors is None
    assert result.data is not None
    types = result.data["__schema"]["types"]
    scalars = {item["name"]: item["specifiedByURL"] for item in types if item["kind"] == "SCALAR"}
    assert scalars["DateTime"] == "https://www.rfc-editor.org/rfc/rfc3339"


def test_misspelt_names_get_suggestions() -> None:
    """As long as everyone is an administrator, nobody is told more than introspection tells."""
    result = build_schema().execute_sync("{ evnts { nodes { id } } }")
    assert result.errors is not None
    assert [error.message for error in result.errors] == [
        "Cannot query field 'evnts' on type 'Query'. Did you mean 'events' or 'event'?"
    ]
