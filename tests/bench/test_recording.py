"""Recording: floors and peers send what the gateway sends, or the bench says that they cannot."""

import re

import pytest

from bench.errors import BenchError
from bench.queries import CONNECTION_EVENTS
from bench.recording import Shapes
from bench.statements import Statement, Statements
from bench.stores import Store

PLACES = "SELECT object_key, 1 AS audience_key FROM objects WHERE object_type = ? AND object_id = ? AND namespace = ?"
PAGE = "SELECT event_id AS id FROM event_objects WHERE object_key = ? AND audience_key = ? LIMIT ? OFFSET ?"
LINKS = f"SELECT event_id, role FROM event_objects WHERE event_id IN ({', '.join('?' * CONNECTION_EVENTS)})"


@pytest.fixture
def shapes(bench_store: Store) -> Shapes:
    return Shapes(bench_store, placeholder="?")


def test_the_gateways_own_statements_are_known(statements: Statements) -> None:
    assert {"id", "occurred_at", "event_type", "severity", "message"} <= set(statements.timeline.columns)
    assert {"id", "occurred_at", "event_type"} <= set(statements.connection.columns)
    assert {"event_id", "role", "object_type", "object_id"} <= set(statements.links.columns)


def test_columns_are_named_by_the_database(shapes: Shapes) -> None:
    found = shapes.to_statements(timeline=[PLACES, PAGE], connection=[PLACES, PAGE, LINKS])
    assert found == Statements(
        places=Statement(PLACES, ["object_key", "audience_key"]),
        places_are_remembered=False,
        timeline=Statement(PAGE, ["id"]),
        connection=Statement(PAGE, ["id"]),
        links=Statement(LINKS, ["event_id", "role"]),
    )


def test_a_gateway_that_knows_the_places_by_heart_needs_one_statement_less(shapes: Shapes) -> None:
    found = shapes.to_statements(timeline=[PAGE], connection=[PAGE, LINKS])
    assert found.places_are_remembered
    assert found.places.columns == ["object_key", "audience_key"]


@pytest.mark.parametrize(
    ("timeline", "connection", "problem"),
    [
        ([], [LINKS], "a page of a timeline: the floor and the peers know one or two statements"),
        ([PLACES, PLACES, PAGE], [PLACES, PLACES, PAGE, LINKS], "a page of a timeline: "),
        ([PLACES, PAGE], [PLACES, PAGE], "a connection page: the floor and the peers know one statement more"),
        ([PLACES, PAGE], [PAGE, LINKS], "a connection page: "),
        (
            [PLACES, f"{PAGE} -- ?"],
            [PLACES, PAGE, LINKS],
            "a page of events: the floor and the peers know 4 ",
        ),
        ([PLACES, PAGE], [PLACES, PAGE, PAGE], "the links of a page: the floor and the peers know 200 parameters"),
        ([PAGE, PAGE], [PAGE, PAGE, LINKS], "an object's places: the floor and the peers know 3 parameters"),
    ],
    ids=["none", "three", "no links", "no places", "other page", "other links", "other places"],
)
def test_other_statements_are_refused_and_shown(
    shapes: Shapes, timeline: list[str], connection: list[str], problem: str
) -> None:
    with pytest.raises(
        BenchError, match=f"(?s)^{re.escape(problem)}.*bring bench/recording.py.*It sends:\n".replace("bring", "Bring")
    ):
        shapes.to_statements(timeline=timeline, connection=connection)


def test_a_column_that_is_missing_is_named() -> None:
    with pytest.raises(BenchError, match=r"gives no severity, source: bring the bench up to date\nSELECT id"):
        Statement("SELECT id", ["id"]).positions(("id", "severity", "source"))
