"""Dismissals whose answer is lost (HZ6, L4)."""

from typing import Any

import pytest
from sqlalchemy import select

from mutations.problems import dismiss_problem
from storage.engine import Database
from storage.scopes import EVERYTHING
from storage.severities import Severity
from storage.tables import events, problem_dismissals
from tests.databases import MARIADB_DRIVERS, MariaServer
from tests.proxies import DatabaseProxy
from tests.storage.histories import START, key_of, link, row, store


@pytest.mark.parametrize("driver", MARIADB_DRIVERS[:1])
async def test_a_dismissal_whose_answer_is_lost_is_told_of_once(
    driver: str, new_database_url: Any, mariadb_server: MariaServer
) -> None:
    """The transaction runs again, and finds its own COMMIT."""
    url = new_database_url(driver)
    vm = link("vm", "vm-1")
    async with DatabaseProxy(mariadb_server.port) as proxy:
        lossy = await Database.open(url.replace(f":{mariadb_server.port}/", f":{proxy.port}/"))
        await store(lossy, [row(1, severity=4, objects=(vm,))])
        for reason in ("first", "second"):
            proxy.cut_after_commit()
            problem = await dismiss_problem(
                lossy,
                vm.object,
                key_of(1),
                min_severity=Severity.WARNING,
                until=None,
                reason=reason,
                actor="somebody",
                scope=EVERYTHING,
                clock=lambda: START + 10,
            )
            assert problem is not None
            assert problem.dismissed_by == "somebody"
        async with lossy.reading() as connection:
            told = select(events.c.actor).where(events.c.event_type == "problem.dismissed")
            assert list((await connection.execute(told)).scalars()) == ["somebody"] * 2
            assert list((await connection.execute(select(problem_dismissals.c.reason))).scalars()) == ["second"]
        await lossy.close()
