"""Totals and coverage: how many events a list holds, and which period the store speaks for (L8, P4)."""

import pytest

from storage.counts import CountFolder
from storage.engine import Database
from storage.options import DatabaseOptions
from storage.positions import fetch_live_position
from storage.scopes import EVERYTHING, Scope
from storage.selectors import ALL, EventField, ObjectReference, TouchesAny, equals_any
from storage.totals import (
    CountKind,
    CoverageKey,
    CoverageRecord,
    TotalRecord,
    fetch_child_totals,
    fetch_coverage,
    fetch_total,
)
from tests.gateway.history import give_positions
from tests.storage.examined import measure, open_counted
from tests.storage.histories import START, key_of, link, row, scope_of_namespaces, store

MINUTE = 60_000_000
ANYWHERE = CoverageKey(None, None)


@pytest.fixture
async def history(database: Database) -> Database:
    """A thousand events, one a minute: every fourth by host-2, every tenth in the namespace lab."""
    rows = [
        row(
            number,
            occurred_at=START + number * MINUTE,
            source="host-2" if number % 4 == 0 else "host-1",
            namespace="lab" if number % 10 == 0 else "default",
            parent_id=key_of(1).id if 1 < number < 100 else None,
            objects=(link("instance", "i-1"),) if number < 500 else (),
        )
        for number in range(1_000)
    ]
    await store(database, rows)
    await give_positions(database)
    return database


async def test_a_list_that_the_sums_know_is_counted_without_an_event(history: Database, database_url: str) -> None:
    """P4: exact however many there are, also with deltas that wait to be folded."""
    in_lab = equals_any(EventField.NAMESPACE, ("lab",))
    expected = TotalRecord(100, CountKind.EXACT)
    assert await fetch_total(history, selector=in_lab, scope=EVERYTHING) == expected
    await CountFolder(history).turn()
    counted = await open_counted(database_url, scan_rows=10)
    async with measure(counted) as examined:
        assert await fetch_total(counted, selector=in_lab, scope=EVERYTHING) == expected
    await counted.close()
    assert examined.rows < 50


async def test_a_list_at_the_scan_limit_is_estimated_by_the_share_that_was_seen(
    history: Database, database_url: str
) -> None:
    """L8: 25 of the newest 100 events are host-2's, so about 250 of a thousand are."""
    hasty = await Database.open(database_url, DatabaseOptions(scan_rows=25))
    total = await fetch_total(hasty, selector=equals_any(EventField.SOURCE, ("host-2",)), scope=EVERYTHING)
    assert total.kind is CountKind.ESTIMATE
    assert abs(total.value - 250) <= 5
    await hasty.close()


async def test_without_a_share_a_total_is_a_lower_bound(history: Database, database_url: str) -> None:
    hasty = await Database.open(database_url, DatabaseOptions(scan_rows=25))
    nothing = equals_any(EventField.CATEGORY, ("none",))
    assert await fetch_total(hasty, selector=nothing, scope=EVERYTHING) == TotalRecord(0, CountKind.AT_LEAST)
    await hasty.close()


async def test_a_share_of_one_minute_says_nothing(database_url: str) -> None:
    """The sums know whole minutes: what was seen of a single one is no share of it."""
    hasty = await Database.open(database_url, DatabaseOptions(scan_rows=20))
    await store(hasty, [row(number, source="host-2") for number in range(90)])
    of_source = equals_any(EventField.SOURCE, ("host-2",))
    assert await fetch_total(hasty, selector=of_source, scope=EVERYTHING) == TotalRecord(20, CountKind.AT_LEAST)
    await hasty.close()


async def test_a_timeline_is_counted_from_its_index_alone(history: Database, database_url: str) -> None:
    counted = await open_counted(database_url)
    touching = TouchesAny((ObjectReference("instance", "i-1", "default"),))
    async with measure(counted) as examined:
        assert await fetch_total(counted, selector=touching, scope=EVERYTHING) == TotalRecord(500, CountKind.EXACT)
    assert examined.rows < 1_100, "the boundary, and each entry once"
    await counted.close()


async def test_a_list_as_of_a_position_is_counted_as_of_it(history: Database) -> None:
    """Many pages of one unchanging list have one total."""
    position = await fetch_live_position(history)
    await store(history, [row(5_000)])
    await give_positions(history)
    assert await fetch_total(history, selector=ALL, scope=EVERYTHING, as_of=position) == (1_000, CountKind.EXACT)
    assert await fetch_total(history, selector=ALL, scope=EVERYTHING) == (1_001, CountKind.EXACT)


async def test_children_of_many_parents_share_the_scan_limit(history: Database, database_url: str) -> None:
    """GQ2, T8: one statement; the parent's namespace only."""
    parents = [key_of(1), key_of(2), key_of(1, "lab"), key_of(1, "nowhere")]
    of_default = sum(1 for number in range(2, 100) if number % 10)
    of_lab = sum(1 for number in range(2, 100) if number % 10 == 0)
    assert await fetch_child_totals(history, parents, scope=EVERYTHING) == {
        key_of(1): (of_default, CountKind.EXACT),
        key_of(2): (0, CountKind.EXACT),
        key_of(1, "lab"): (of_lab, CountKind.EXACT),
        key_of(1, "nowhere"): (0, CountKind.EXACT),
    }
    hasty = await Database.open(database_url, DatabaseOptions(scan_rows=60))
    totals = await fetch_child_totals(hasty, parents[:3], scope=EVERYTHING)
    assert [totals[parent] for parent in parents[:3]] == [
        (20, CountKind.AT_LEAST),
        (0, CountKind.EXACT),
        (of_lab, CountKind.EXACT),
    ]
    await hasty.close()


async def test_coverage_is_what_is_kept_in_the_namespaces_that_are_asked(history: Database) -> None:
    """L8: the oldest and the newest event, of what the caller may see."""
    ends = (START, START + 999 * MINUTE)
    assert await fetch_coverage(history, ANYWHERE, scope=EVERYTHING) == CoverageRecord(*ends)
    lab = CoverageRecord(START, START + 990 * MINUTE)
    assert await fetch_coverage(history, CoverageKey(frozenset({"lab"}), None), scope=EVERYTHING) == lab
    assert await fetch_coverage(history, ANYWHERE, scope=await scope_of_namespaces(history, "lab")) == lab
    nothing = CoverageRecord(None, None)
    assert await fetch_coverage(history, CoverageKey(frozenset({"nowhere"}), None), scope=EVERYTHING) == nothing
    assert await fetch_coverage(history, ANYWHERE, scope=Scope()) == nothing
