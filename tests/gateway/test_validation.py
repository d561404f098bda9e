"""Validation: what the quick rules find is what graphql-core's own find."""

import random

from graphql import parse, validate

from gateway import validation
from gateway.schema import build_schema
from tests.equality.documents import DocumentMaker

BROKEN = (
    "{ evnts { nodes { id } } events { id { x } nodes } }",
    "query A { a: events { nodes { id } } a: server { version } } query A { server { version } }",
    "query ($x: Nothing, $x: Event, $y: Int) { events(first: $z, first: 1, nth: 2) { nodes { id @skip @no } } }",
    "{ ...A ...Nowhere } fragment A on Query { ...B } fragment B on Query { ...A } fragment C on String { x }",
    '{ events(filter: {eventTypes: [1], and: {}, since: {}}) { nodes { ... on Object { id } } } node(id: "x") }',
    "mutation { deleteEvents(input: {}) { deletion { id } } } { server { version } } type T { a: Int }",
    "query ($x: String!) @include(if: true) { events(first: $x) { nodes { ... on EventObject { id } } } }",
)


def test_errors_are_those_of_graphql_core() -> None:
    schema = build_schema()._schema
    made = [DocumentMaker(schema, random.Random(number)).make() for number in range(20)]
    texts = [*BROKEN, *(request.query for document in made for request in document.requests)]
    found = [[error.formatted for error in validation.validate(schema, parse(text))] for text in texts]
    assert found == [[error.formatted for error in validate(schema, parse(text))] for text in texts]
    assert [bool(errors) for errors in found[: len(BROKEN)]] == [True] * len(BROKEN)


def test_suggestions_are_hidden_when_they_are_to_be() -> None:
    [error] = validation.validate(build_schema()._schema, parse("{ evnts { nodes } }"), hide_suggestions=True)
    assert error.message == "Cannot query field 'evnts' on type 'Query'."
