"""What is wrong with an answer is seen: otherwise no document could fail."""

import random

import pytest
from graphql import GraphQLSchema, print_ast

from gateway.schema import build_schema
from tests.fuzz.answers import Answer
from tests.fuzz.drawing import draw_documents
from tests.fuzz.variations import FormMaker

ERROR = b'{"message": "no", "extensions": {"code": "%s", "requestId": "1"}}'


@pytest.mark.parametrize(
    ("status", "body", "complaint"),
    [
        pytest.param(200, b'{"data": {"server": null}}', None, id="data"),
        pytest.param(400, b'{"errors": [%s]}' % (ERROR % b"BAD_USER_INPUT"), None, id="an error of the client"),
        pytest.param(200, b'{"data": null, "errors": [%s]}' % (ERROR % b"INTERNAL"), "code INTERNAL", id="internal"),
        pytest.param(200, b'{"errors": [%s]}' % (ERROR % b"TIMEOUT"), "code TIMEOUT", id="a time-out"),
        pytest.param(200, b'{"errors": [%s]}' % (ERROR % b"ODD"), "code ODD", id="an unknown code"),
        pytest.param(503, b'{"errors": [%s]}' % (ERROR % b"BAD_USER_INPUT"), "status 503", id="a server's status"),
        pytest.param(200, b'{"errors": [{"message": "no"}]}', "an error without", id="an error without extensions"),
        pytest.param(200, b'{"data": {"server": {"x": NaN}}}', "no JSON", id="NaN"),
        pytest.param(200, b'{"data": {"server": "\xff"}}', "no JSON", id="no UTF-8"),
        pytest.param(200, b"[]", "no GraphQL answer", id="a list"),
        pytest.param(200, b"{}", "no GraphQL answer", id="neither data nor errors"),
        pytest.param(200, b'{"data": null, "errors": []}', "an empty list", id="an empty list of errors"),
    ],
)
def test_a_wrong_answer_is_complained_about(status: int, body: bytes, complaint: str | None) -> None:
    found = Answer(status, body).complaint
    assert found is None if complaint is None else found is not None and found.startswith(complaint)


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema()._schema


def test_documents_depend_on_their_seed_alone(schema: GraphQLSchema) -> None:
    one, same, other = (
        [
            (print_ast(drawn), FormMaker(schema, random.Random(1)).make(drawn))
            for drawn in draw_documents(schema, 60, seed_number=seed)
        ]
        for seed in (1, 1, 2)
    )
    assert one == same
    assert one != other
