"""Prepared statements: compiled once for each shape, then sent with other values (L1)."""

import uuid

import pytest
from sqlalchemy import literal_column, select

from storage.engine import Database
from storage.prepared import PreparedStatements, parameter
from storage.tables import events
from tests.storage.histories import START, event_id, row, store


async def test_a_shape_is_built_once_and_answers_for_every_value(database: Database) -> None:
    await store(database, [row(number) for number in (1, 2, 3)])
    built: list[int] = []

    def build():
        built.append(1)
        time = parameter("time", events.c.occurred_at.type)
        found = select(events.c.id, events.c.message).where(events.c.occurred_at > time)
        return found.where(events.c.id != parameter("id", events.c.id.type)).order_by(events.c.id).limit(2)

    answers = []
    async with database.reading() as connection:
        for after, excluded in ((0, 9), (1, 9), (0, 1)):
            statement = database.statements.get("a test", build)
            values = {"time": START + after, "id": event_id(excluded)}
            answers.append(await database.fetch(connection, statement, values))
    assert [[message for _, message in found] for found in answers] == [
        ["event 1", "event 2"],
        ["event 2", "event 3"],
        ["event 2", "event 3"],
    ]
    assert answers[0][0][0] == str(uuid.UUID(int=1))
    assert len(built) == 1


async def test_percent_signs_of_the_statement_itself_reach_the_database(database: Database) -> None:
    statement = database.statements.get("percent", lambda: select(literal_column("'50%'"), parameter("n") + 1))
    async with database.reading() as connection:
        assert await database.fetch(connection, statement, {"n": 1}) == [("50%", 2)]


async def test_a_value_that_is_missing_is_an_error_of_the_program(database: Database) -> None:
    statement = database.statements.get("missing", lambda: select(parameter("n") + 1))
    async with database.reading() as connection:
        with pytest.raises(KeyError, match="n"):
            await database.fetch(connection, statement, {})


def test_shapes_that_nobody_asks_for_any_more_make_room(database: Database) -> None:
    statements = PreparedStatements(database._reader.dialect)
    first = statements.get(0, lambda: select(literal_column("1")))
    for number in range(1, 1_001):
        statements.get(number, lambda: select(literal_column("1")))
    assert statements.get(0, lambda: select(literal_column("1"))) is not first
    assert len(statements._kept) == 1_000


def test_long_statements_make_room_sooner(database: Database) -> None:
    """A few hundred statements of hundreds of branches would be more memory than all the rest of a gateway."""
    statements = PreparedStatements(database._reader.dialect)
    long = f"'{'x' * 1_000_000}'"
    for number in range(6):
        statements.get(number, lambda: select(literal_column(long)))
    assert list(statements._kept) == [2, 3, 4, 5]
    statements.get("short", lambda: select(literal_column("1")))
    assert list(statements._kept) == [2, 3, 4, 5, "short"]
