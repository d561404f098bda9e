"""Documents: prepared once, kept, and searched for the variable that holds a batch."""

import pytest
from graphql import OperationDefinitionNode, parse

from gateway.decoding import BatchVariable
from gateway.documents import DocumentError, Documents, find_batch_variable
from gateway.limits import DocumentLimits
from gateway.schema import build_schema

LIMITS = DocumentLimits(tokens=1_000, depth=20, aliases=20, directives=20, cost=1_000_000)


def build_documents(*, max_documents: int = 100, max_kept_characters: int = 1_000) -> Documents:
    return Documents(
        build_schema()._schema, LIMITS, max_documents=max_documents, max_kept_characters=max_kept_characters
    )


def test_the_same_text_is_prepared_once() -> None:
    documents = build_documents()
    assert documents.prepare("{ __typename }") is documents.prepare("{ __typename }")


def test_a_refused_document_is_kept_too() -> None:
    documents = build_documents()
    refused = []
    for _ in range(2):
        with pytest.raises(DocumentError) as error:
            documents.prepare("{ nothing }")
        refused.append(error.value)
    assert refused[0] is refused[1]


def test_the_least_recently_used_document_goes_first() -> None:
    documents = build_documents(max_documents=2)
    first, second = documents.prepare("{ __typename }"), documents.prepare("query A { __typename }")
    assert documents.prepare("{ __typename }") is first
    documents.prepare("query B { __typename }")
    assert documents.prepare("{ __typename }") is first
    assert documents.prepare("query A { __typename }") is not second


def test_a_very_long_document_is_not_kept() -> None:
    documents = build_documents(max_kept_characters=10)
    assert documents.prepare("{ __typename }") is not documents.prepare("{ __typename }")


def test_documents_are_kept_up_to_a_length_together() -> None:
    documents = build_documents(max_kept_characters=118)
    texts = [f"query Q{number} {{ __typename }}" for number in range(6)]
    first, second, *_ = [documents.prepare(text) for text in texts[:5]]
    assert documents.prepare(texts[0]) is first
    documents.prepare(texts[5])
    assert documents.prepare(texts[0]) is first
    assert documents.prepare(texts[1]) is not second


FIELDS = "{ ingestEvents(input: $x) { accepted } }"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"mutation ($x: IngestEventsInput!) {FIELDS}", BatchVariable("x", is_list=False)),
        (f"mutation A($y: Int, $x: IngestEventsInput!) {FIELDS}", BatchVariable("x", is_list=False)),
        (
            "mutation ($e: [EventInput!]!) { ingestEvents(input: {events: $e}) { accepted } }",
            BatchVariable("e", is_list=True),
        ),
        (f"mutation ($x: IngestEventsInput) {FIELDS}", None),
        (f"mutation ($x: IngestEventsInput! = {{events: []}}) {FIELDS}", None),
        ("mutation ($e: [EventInput]!) { ingestEvents(input: {events: $e}) { accepted } }", None),
        ("mutation ($e: EventInput!) { ingestEvents(input: {events: [$e]}) { accepted } }", None),
        ("mutation { ingestEvents(input: {events: []}) { accepted } }", None),
        (f"query ($x: IngestEventsInput!) {FIELDS}", None),
        (
            "mutation ($x: IngestEventsInput!) { a: ingestEvents(input: $x) { accepted } "
            "b: ingestEvents(input: $x) { accepted } }",
            None,
        ),
        ("mutation ($x: IngestEventsInput!) { ingestEvents(input: $x) { accepted @skip(if: $x) } }", None),
        ("mutation ($x: IngestEventsInput!) { ...A } fragment A on Mutation " + FIELDS, None),
    ],
)
def test_a_batch_is_found_only_where_one_variable_is_the_whole_of_it(text: str, expected: BatchVariable | None) -> None:
    operation = parse(text).definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    assert find_batch_variable(operation) == expected
