"""Random histories of all that stores and removes, against a plain oracle.

EV2, EV7, EV8, EV11, RT1, HZ2, HZ3, HZ4, NU8, L4.

Both databases; `python -m tests.model` looks longer.
"""

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given, settings

from storage.engine import Database
from tests.model.histories import Step, histories, tell

STEPS = 125
EXAMPLES = {"sqlite": 26, "aiomysql": 16}


@pytest.mark.parametrize("backend", ["sqlite", "aiomysql"])
def test_store_and_oracle_agree_after_every_history(backend: str, new_database_url: Callable[[str], str]) -> None:
    """More than 5,000 steps together. What fails is made short: the history that is left is in the message."""
    url = new_database_url(backend)
    with asyncio.Runner() as runner:
        database = runner.run(Database.open(url))
        try:

            @settings(max_examples=EXAMPLES[backend], report_multiple_bugs=False)
            @given(history=histories(STEPS))
            def agree(history: list[Step]) -> None:
                runner.run(tell(database, history))

            agree()
        finally:
            runner.run(database.close())
