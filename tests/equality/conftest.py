"""Fixtures of the proof of equality: stores that are written once per process, and copied."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from graphql import GraphQLSchema

from gateway.schema import build_schema
from tests.databases import FreshDatabases
from tests.equality.stores import copy_store, write_store


@pytest.fixture(scope="session")
def schema() -> GraphQLSchema:
    """The schema that documents are drawn from."""
    return build_schema()._schema


@pytest.fixture(scope="session")
def written_store(fresh_databases: FreshDatabases) -> Path:
    """An SQLite store with the history; nobody opens it, everybody copies it."""
    return asyncio.run(write_store(fresh_databases.take("sqlite")))


@pytest.fixture
def equal_stores(written_store: Path, tmp_path: Path) -> Callable[[], tuple[str, str]]:
    """`equal_stores()`: the URLs of two copies, so that what one executor writes the other does not find."""
    return lambda: (copy_store(written_store, tmp_path, "stock"), copy_store(written_store, tmp_path, "compiled"))
