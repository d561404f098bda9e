"""Fixtures of the proof of equality: stores that are written once per process, and copied."""

from collections.abc import Callable

import pytest
from graphql import GraphQLSchema

from gateway.schema import build_schema
from storage.engine import Database
from tests.equality.stores import Stores, Templates, write_history


@pytest.fixture(scope="session")
def schema() -> GraphQLSchema:
    """The schema that documents are drawn from."""
    return build_schema()._schema


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    """The SQLite stores to copy."""
    return Templates(tmp_path_factory.mktemp("equality"))


@pytest.fixture
def plain_stores(templates: Templates) -> Stores:
    """Two equal stores with the history."""
    return templates.copies()


@pytest.fixture
async def mariadb_stores(new_database_url: Callable[[str], str]) -> Stores:
    """One MariaDB database with the history, for both executors."""
    url = new_database_url("aiomysql")
    database = await Database.open(url)
    await write_history(database)
    await database.close()
    return Stores(url, url)
