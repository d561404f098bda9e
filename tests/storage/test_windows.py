"""Windows: what may be examined is used up, however unevenly a filter's events lie over its places (P4)."""

import pytest

from storage.engine import Database
from storage.options import DatabaseOptions
from storage.page_statements import KeyRange
from storage.pages import PageRequest, fetch_event_page
from storage.plans import Planner
from storage.scans import begin_scan
from storage.scopes import EVERYTHING
from storage.selectors import Comparison, EventField, FieldTest, all_of, equals_any
from storage.totals import CountKind, TotalRecord, fetch_total
from storage.windows import Windows
from tests.storage.histories import START, row, store

OF_SOURCE = equals_any(EventField.SOURCE, ("host-1",))
NEWEST_FIRST = KeyRange(descending=True)
CROWD = 2_000


@pytest.fixture
async def uneven(database: Database) -> Database:
    """One audience with two thousand events, and twenty with thirty each, spread over the same time and before it."""
    rows = [row(number, occurred_at=START + number * 10) for number in range(CROWD)]
    rows += [
        row(10_000 + number, owner=f"owner-{number % 20}", occurred_at=START + 9 + number * 50 - 10_000)
        for number in range(600)
    ]
    await store(database, rows)
    return database


async def hasty(url: str, scan_rows: int) -> Database:
    return await Database.open(url, DatabaseOptions(scan_rows=scan_rows))


async def test_what_fits_the_limit_is_counted_exactly(uneven: Database, database_url: str) -> None:
    """Though the crowded audience alone has far more than its even share."""
    limited = await hasty(database_url, 2_700)
    total = await fetch_total(limited, selector=OF_SOURCE, scope=EVERYTHING)
    assert total == TotalRecord(CROWD + 600, CountKind.EXACT)
    await limited.close()


@pytest.mark.parametrize(("scan_rows", "least"), [(200, 120), (1_000, 850), (2_500, 2_250)])
async def test_a_scan_reaches_nearly_as_far_as_it_may(
    uneven: Database, database_url: str, scan_rows: int, least: int
) -> None:
    limited = await hasty(database_url, scan_rows)
    async with limited.reading() as connection:
        scan = await begin_scan(limited, connection, selector=OF_SOURCE, scope=EVERYTHING)
        assert len(scan.plan.prefixes) == 21
        assert scan.boundary is not None
        keys = NEWEST_FIRST._replace(stop=scan.boundary)
        examined = await Windows(limited, connection, scan.plan).count(keys, 0)
    assert least < examined <= scan_rows
    await limited.close()


async def test_a_page_looks_as_far_as_it_may(uneven: Database, database_url: str) -> None:
    """A rare match that lies within the limit is found by the first page."""
    limited = await hasty(database_url, 2_000)
    rare = FieldTest(EventField.MESSAGE, Comparison.CONTAINS, f"event {CROWD - 1_500}")
    page = await fetch_event_page(
        limited, selector=all_of((OF_SOURCE, rare)), scope=EVERYTHING, request=PageRequest(size=1)
    )
    assert [record.message for record in page.records] == [f"event {CROWD - 1_500}"]
    await limited.close()


async def test_shares_follow_what_each_place_has_held(uneven: Database) -> None:
    async with uneven.reading() as connection:
        plan = await Planner(uneven, connection, scope=EVERYTHING).plan(OF_SOURCE)
        windows = Windows(uneven, connection, plan)
        assert windows._shares(210) == [10] * 21
        end = await windows.end(NEWEST_FIRST, 210)
        assert await windows.count(NEWEST_FIRST._replace(stop=end), 210) < 40
        shares = windows._shares(2_100)
    assert max(shares) > 700
    assert min(shares) >= 50
    assert sum(shares) <= 2_100
