"""How much a statement examines: EXPLAIN and row counters on MariaDB, steps of the virtual machine on SQLite."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import ClauseElement, Executable

from storage.engine import Database
from storage.options import DatabaseOptions
from storage.tables import metadata

STEPS_PER_ROW = 150
"""What SQLite's machine needs for one row of a page at the most: index, sorter, join, 29 columns, three id texts."""

PLAN_COLUMNS = {
    "sqlite": ("id", "parent", "notused", "detail"),
    "mariadb": ("id", "select_type", "table", "type", "possible_keys", "key", "key_len", "ref", "rows", "Extra"),
}


class Explained(Executable, ClauseElement):
    """EXPLAIN before a statement, with its parameters."""

    inherit_cache = False

    def __init__(self, statement: Any) -> None:
        self.statement = statement

    def __getattr__(self, name: str) -> Any:
        """Be to the compiler what the statement is: it asks an INSERT or UPDATE for more than its text."""
        return getattr(self.statement, name)


@compiles(Explained)
def _explain(element: Explained, compiler: Any, **options: Any) -> str:
    word = "EXPLAIN QUERY PLAN" if compiler.dialect.name == "sqlite" else "EXPLAIN"
    return f"{word} {compiler.process(element.statement, **options)}"


async def explain(database: Database, statement: Any) -> list[dict[str, Any]]:
    """Give the rows of the database's plan for a statement."""
    async with database.reading() as connection:
        plan = await connection.execute(Explained(statement))
        # Not `plan.keys()`: a statement with as many columns as a plan has lends it their names.
        return [dict(zip(PLAN_COLUMNS[database.dialect_name], row, strict=True)) for row in plan]


def used_indexes(plan: list[dict[str, Any]]) -> set[str]:
    """Give the indexes of a plan; a table that is read without one stands as `scan of <table>`."""
    used: set[str] = set()
    for row in plan:
        if "detail" in row:
            words = row["detail"].split()
            if words[0] == "SCAN" and "INDEX" not in words and words[1] in metadata.tables:
                used.add(f"scan of {words[1]}")
            elif "INDEX" in words:
                used.add(words[words.index("INDEX") + 1])
            elif "PRIMARY" in words:
                used.add("PRIMARY")
        elif row["key"]:
            used.add(row["key"])
        elif row["table"] and not row["table"].startswith("<"):
            used.add(f"scan of {row['table']}")
    return used


def walked_tables(plan: list[dict[str, Any]]) -> set[str]:
    """Give the tables of a plan of which nothing bounds what is read, whether by an index or without one."""
    walked: set[str] = set()
    for row in plan:
        words = row["detail"].split() if "detail" in row else [row["type"], row["table"]]
        if words[0] in ("SCAN", "ALL", "index") and words[1] in metadata.tables:
            walked.add(words[1])
    return walked


class Examined:
    """What was examined since `measure` began."""

    rows = 0


@asynccontextmanager
async def measure(database: Database) -> AsyncIterator[Examined]:
    """Count what the statements inside examine; the database must have been opened by `open_counted`."""
    examined = Examined()
    async with database.reading() as connection:
        counter = await _start(database, connection)
    yield examined
    async with database.reading() as connection:
        examined.rows = await counter(connection)


async def open_counted(url: str, **options: Any) -> Database:
    """Open a database whose reads all go over one connection, so that its counters see them."""
    return await Database.open(url, DatabaseOptions(pool_size=1, **options))


async def _start(database: Database, connection: AsyncConnection) -> Any:
    if database.dialect_name == "mariadb":
        before = await _mariadb_rows(connection)

        async def difference(connection: AsyncConnection) -> int:
            return await _mariadb_rows(connection) - before

        return difference
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 10

    raw = await connection.get_raw_connection()
    await raw.driver_connection.set_progress_handler(count, 10)  # type: ignore[union-attr]

    async def rows(_: AsyncConnection) -> int:
        return steps // STEPS_PER_ROW

    return rows


async def _mariadb_rows(connection: AsyncConnection) -> int:
    """Count entries and rows read from indexes and tables, without those of temporary tables."""
    result = await connection.exec_driver_sql("SHOW SESSION STATUS LIKE 'Handler_read%%'")
    counted = ("Handler_read_first", "Handler_read_key", "Handler_read_last", "Handler_read_next", "Handler_read_prev")
    rows: list[Any] = list(result.all())
    return sum(int(value) for name, value in rows if name in counted)
