"""Fixtures of the gateway room."""

import pytest

from storage.engine import Database
from tests.gateway.execution import Caller
from tests.gateway.history import write_history


@pytest.fixture
async def caller(database: Database) -> Caller:
    """Somebody who asks a gateway that holds the small history, on each backend in turn."""
    await write_history(database)
    return Caller(database)
