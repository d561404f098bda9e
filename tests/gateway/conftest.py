"""Fixtures of the gateway room."""

import pytest

from storage.deletions import append_deletion
from storage.engine import Database
from tests.gateway.execution import Caller
from tests.gateway.history import DELETION, write_history
from tests.gateway.operations import DECLARED, write_operations
from tests.gateway.policies import write_policies


@pytest.fixture
async def caller(database: Database) -> Caller:
    """Somebody who asks a gateway that holds the small history, on each backend in turn."""
    await write_history(database)
    await write_policies(database)
    await append_deletion(database, DELETION)
    await write_operations(database)
    return Caller(database, declared=DECLARED)
