"""Literals: what is written into a statement's text comes back as the same value, and as nothing but a value."""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from storage.engine import Database
from storage.literals import insert_statements, to_literal
from tests.databases import MARIADB_DRIVERS

_values = st.one_of(
    st.none(),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.binary(max_size=20),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
)


@pytest.mark.parametrize("driver", MARIADB_DRIVERS)
@pytest.mark.parametrize("sql_mode", ["", "NO_BACKSLASH_ESCAPES,ANSI_QUOTES"], ids=["plain", "other-mode"])
def test_values_come_back_whatever_the_sql_mode(driver, sql_mode, new_database_url) -> None:
    with asyncio.Runner() as runner:
        database = runner.run(Database.open(new_database_url(driver)))

        async def back(values: list[Any]) -> list[Any]:
            statement = f"SELECT {','.join(map(to_literal, values))}"
            async with database.reading() as connection:
                await connection.execute(text("SET sql_mode = :mode"), {"mode": sql_mode})
                return list((await connection.exec_driver_sql(statement)).one())

        @settings(max_examples=40)
        @given(st.lists(_values, min_size=1, max_size=8))
        def check(values: list[Any]) -> None:
            found = runner.run(back(values))
            assert found == values
            assert [type(value) for value in found] == [type(value) for value in values]

        check()
        check_hard = ["", "'", "\\", "\\' OR 1=1 -- ", "%s", "\0", "😀", b"", b"'\\\0\xff", True, -0.0, 5e-324]
        assert runner.run(back(check_hard)) == [*check_hard[:9], 1, -0.0, 5e-324]
        runner.run(database.close())


def test_what_has_no_literal_is_an_error() -> None:
    with pytest.raises(UnicodeEncodeError):
        to_literal("\ud800")
    with pytest.raises(TypeError, match="list has no literal"):
        to_literal([])  # type: ignore[arg-type]


def test_rows_are_split_between_statements_below_a_megabyte() -> None:
    rows = [(number, "x" * 150_000) for number in range(7)]
    statements = list(insert_statements("INSERT INTO t VALUES ", rows))
    assert [statement.count("_utf8mb4") for statement in statements] == [3, 3, 1]
    assert all(statement.startswith("INSERT INTO t VALUES (") for statement in statements)
    assert list(insert_statements("INSERT INTO t VALUES ", [(1, None), (2, b"\1")])) == [
        "INSERT INTO t VALUES (1,NULL),(2,x'01')"
    ]
    assert list(insert_statements("INSERT INTO t VALUES ", [])) == []
    assert [len(each) > 1_000_000 for each in insert_statements("", [("y" * 600_000,), (1,)])] == [True, False]
