"""What is drawn: valid documents in which everything comes up that the schema has, in every form."""

import random
import re
from collections.abc import Callable
from itertools import pairwise

import pytest
from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    parse,
    validate,
)

from tests.equality.documents import ANSWERED_ALIKE, DocumentMaker
from tests.equality.gateways import Request
from tests.equality.shrinking import shrink

DRAWN = 1_300
VALIDATED = 150

FORMS = {
    "a field with @skip and a literal": r"\w @skip\(if: (true|false)\)",
    "a field with @include and a variable": r"\w @include\(if: \$",
    "both directives": r"@skip\(if: [^)]*\) @include",
    "a spread with a condition": r"\.\.\.F\d+ @(skip|include)\(if: \$",
    "an inline fragment with a condition": r"\.\.\. on \w+ @(skip|include)\(if: \$",
    "an inline fragment without a type": r"\.\.\. \{",
    "an inline fragment without a type, with a condition": r"\.\.\. @(skip|include)",
    "an inline fragment on Node": r"\.\.\. on Node",
    "a named fragment on Node": r"fragment F\d+ on Node",
    "a named fragment on Event": r"fragment F\d+ on Event ",
    "a field twice in one selection": r"[{ ](\w+) \1 ",
    "an alias that is another field's name": r" id: (?!id)\w+",
    "an alias": r" a: \w+",
    "a variable with a default": r"\$\w+: [\w!\[\]]+ = ",
    "a variable of a condition with a default": r"\$if\d+: Boolean = ",
    "a list variable": r"\$\w+: \[",
    "a variable within an input object": r"\{\w+: \$|, \w+: \$\w+\d\}",
    "a batch that is one variable": r"ingestEvents\(input: \$",
    "a batch whose events are one variable": r"ingestEvents\(input: \{events: \$",
    "a batch that is a literal": r"ingestEvents\(input: \{events: [\[{]",
    "two operations": r"(query|mutation) Main[\s\S]*(query|mutation) Other",
    "introspection": r"__type\(name:",
    "the schema": r"__schema \{",
    "a type name": r"\b__typename\b",
    "an empty selection": r"\{\}",
}
"""What documents must have, and how it is seen in their text."""


@pytest.fixture(scope="module")
def drawn(schema: GraphQLSchema) -> tuple[list[str], set[str], list[Request]]:
    """The texts of many documents, the fields they ask for, and their requests."""
    texts: list[str] = []
    asked: set[str] = set()
    requests: list[Request] = []
    for number in range(DRAWN):
        maker = DocumentMaker(schema, random.Random(f"drawn/{number}"))
        document = maker.make()
        texts.append(document.text)
        requests += document.requests
        asked |= maker.asked
    return texts, asked, requests


Drawn = tuple[list[str], set[str], list[Request]]


def test_drawn_documents_are_valid(drawn: Drawn, schema: GraphQLSchema) -> None:
    refused = [text for text in drawn[0][:VALIDATED] if validate(schema, parse(text))]
    assert refused == []


def test_every_field_of_the_schema_is_asked_for(drawn: Drawn, schema: GraphQLSchema) -> None:
    fields = {
        f"{type_.name}.{name}"
        for type_ in schema.type_map.values()
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType) and not type_.name.startswith("__")
        for name in type_.fields
    }
    assert fields - _left_out(schema) - drawn[1] == set()


def _left_out(schema: GraphQLSchema) -> set[str]:
    """Give the mutations that are not drawn, and the fields of their payloads."""
    assert schema.mutation_type is not None
    changes = {name: field for name, field in schema.mutation_type.fields.items() if name not in ANSWERED_ALIKE}
    payloads = [get_named_type(field.type) for field in changes.values()]
    fields = {f"{type_.name}.{name}" for type_ in payloads for name in getattr(type_, "fields", {})}
    return fields | {f"Mutation.{name}" for name in changes}


def test_every_argument_comes_as_a_literal_and_as_a_variable(drawn: Drawn, schema: GraphQLSchema) -> None:
    assert schema.query_type is not None
    text = "\n".join(drawn[0])
    names = {
        name
        for type_ in schema.type_map.values()
        if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__")
        for field in type_.fields.values()
        for name in field.args
    }
    missing = [
        f"{name}: {form}"
        for name in sorted(names)
        for form in (r"\$", "[^$]")
        if not re.search(f"{name}: {form}", text)
    ]
    assert missing == []


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_selection_comes_up(form: str, drawn: Drawn) -> None:
    assert any(re.search(FORMS[form], text) for text in drawn[0])


@pytest.mark.parametrize(
    ("kind", "holds"),
    [
        ("given", lambda request: bool(request.variables)),
        ("null", lambda request: None in (request.variables or {}).values()),
        ("absent", lambda request: request.query.count(": $") > 0 and not request.variables),
        ("with operationName", lambda request: request.operation_name is not None),
    ],
)
def test_variables_are_given_null_and_absent(kind: str, holds: Callable[[Request], bool], drawn: Drawn) -> None:
    assert any(map(holds, drawn[2]))


def test_documents_are_asked_again_with_other_variables(drawn: Drawn) -> None:
    _, _, requests = drawn
    pairs = [pair for pair in pairwise(requests) if pair[0].query == pair[1].query]
    changed = [pair for pair in pairs if pair[0].variables != pair[1].variables]
    assert len(changed) * 10 > DRAWN


def test_a_document_depends_on_its_seed_alone(schema: GraphQLSchema) -> None:
    one, same, other = (DocumentMaker(schema, random.Random(seed)).make() for seed in ("1/1", "1/1", "1/2"))
    assert one == same
    assert one != other


async def test_a_failing_request_is_made_small() -> None:
    """Whatever the failure does not need goes: fields, fragments, variables and their values."""
    request = Request(
        "query A($n: Int, $if: Boolean!) { events(first: $n) { nodes { id ...F source @skip(if: $if) } } }\n"
        "query B { server { now } }\nfragment F on Event { message actor: source }",
        {"n": 3, "if": True},
    )

    async def fails(candidate: Request) -> bool:
        return "message" in candidate.query and "events" in candidate.query

    smallest = await shrink(request, fails)
    assert " ".join(smallest.query.split()) == "query A { events { nodes { ...F } } } fragment F on Event { message }"
    assert smallest.variables is None
