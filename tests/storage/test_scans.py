"""Scans: what the sums do not know is read by the index of its filter, and no further than the scan limit (L2, SY6)."""

from dataclasses import replace
from typing import Any

import pytest

from storage.aggregates import HistogramRecord, SeriesRecord, fetch_facets, fetch_histogram
from storage.engine import Database
from storage.frames import Frame
from storage.groupings import GroupField
from storage.identities import AudienceName
from storage.options import DatabaseOptions
from storage.page_statements import Bound
from storage.scans import GroupedScan, Scan, begin_scan
from storage.scopes import EVERYTHING, Scope
from storage.selectors import ALL, EventField, Selector, TouchesType, equals_any
from storage.statistics import build_statistics, fetch_statistics
from storage.tallies import (
    OTHERS,
    Tally,
    TallyRecord,
    build_buckets,
    build_buckets_of_few,
    build_together,
    build_top,
    fetch_tallies,
)
from storage.totals import (
    CountKind,
    CoverageKey,
    CoverageRecord,
    TotalRecord,
    build_child_totals,
    build_total,
    fetch_coverage,
    fetch_total,
)
from tests.gateway.execution import observed
from tests.storage.examined import explain, measure, open_counted, used_indexes
from tests.storage.histories import START, event_id, link, row, scope_of_audiences, store
from tests.storage.test_explain import EACH_DATABASE, INDEXES
from tests.storage.test_pages import SERVED, mixed_row

SECOND = 1_000_000
FRAME = Frame(START, SECOND, 60)


@pytest.fixture
async def mixed(database: Database) -> Database:
    """A store with every kind of row, and enough of them that an index is worth its while."""
    await store(database, [mixed_row(number) for number in range(1, 91)])
    return database


async def scan_of(database: Database, selector: Selector, scope: Scope = EVERYTHING) -> Scan:
    async with database.reading() as connection:
        return await begin_scan(database, connection, selector=selector, scope=scope)


def statements(scan: Scan, dialect_name: str) -> dict[str, Any]:
    """All that is asked about a scan."""

    def grouped(group: GroupField | None, *columns: str) -> GroupedScan:
        return GroupedScan(scan, group, ("repeat_count", *columns), dialect_name=dialect_name)

    questions = [
        Tally(ALL, START, None, GroupField.SEVERITY, 20, FRAME),
        Tally(ALL, None, START + SECOND, GroupField.ACTOR, 20),
    ]
    numbers = grouped(GroupField.CATEGORY, "record_count", "duration_ms")
    return {
        "total": build_total(scan, dialect_name=dialect_name),
        "buckets": build_buckets(grouped(None), FRAME),
        "buckets by source": build_buckets(grouped(GroupField.SOURCE), FRAME),
        "buckets of few": build_buckets_of_few(grouped(GroupField.ACTOR), FRAME, ["a", None]),
        "buckets by object type": build_buckets(grouped(GroupField.OBJECT_TYPE), FRAME),
        "top": build_top(grouped(GroupField.SOURCE), 10),
        "together": build_together(scan, questions, dialect_name),
        "statistics": build_statistics(numbers, FRAME, ["action"]),
    }


@EACH_DATABASE
@pytest.mark.parametrize("name", INDEXES)
async def test_a_scan_reads_by_the_index_of_its_filter(mixed: Database, name: str) -> None:
    """Down to a boundary, as in a store that is larger than the scan limit; a smaller one may be read in any way."""
    scan = replace(await scan_of(mixed, SERVED[name]), boundary=Bound(START + 60, event_id(60), inclusive=True))
    for kind, statement in statements(scan, mixed.dialect_name).items():
        used = used_indexes(await explain(mixed, statement))
        plain = {"PRIMARY" if index.startswith("sqlite_autoindex") else index for index in used}
        assert INDEXES[name] in plain, (kind, used)
        assert not {index for index in used if index.startswith("scan")}, (kind, used)
        if kind == "buckets by object type":
            assert "ix_event_objects_event" in used, used


async def test_children_are_counted_by_their_parent(mixed: Database) -> None:
    """GQ2: many parents by one statement, from the index alone."""
    parents = [(event_id(number), 1) for number in range(1, 60)]
    used = used_indexes(await explain(mixed, build_child_totals(parents, EVERYTHING, limit=100)))
    assert used == {"ix_events_parent"}


@pytest.fixture
async def long(database_url: str) -> Any:
    """Two thousand events, one each second, read over one counted connection that looks at 200 entries."""
    counted = await open_counted(database_url, scan_rows=200)
    kinds = (link("instance", "i-1"), link("node", "n-1"))
    rows = [
        row(
            number,
            occurred_at=START + number * SECOND,
            source=f"host-{number % 7}",
            category="a" if number % 3 else None,
            objects=kinds[: number % 3],
            duration_ms=float(number % 10),
        )
        for number in range(2_000)
    ]
    await store(counted, rows)
    yield counted
    await counted.close()


async def test_no_panel_examines_much_more_than_the_scan_limit_sy6(long: Database) -> None:
    """SY6, L8: the newest 200 entries decide, whatever is asked, and the answer says down to when."""
    searched_to = START + 1_800 * SECOND
    frame = Frame(START, 60 * SECOND, 40)
    selector = equals_any(EventField.CATEGORY, ("a",))
    async with measure(long) as examined:
        histogram = await fetch_histogram(long, selector=selector, scope=EVERYTHING, frame=frame, group=None)
    assert histogram.searched_to == searched_to
    assert histogram.total == sum(1 for number in range(1_800, 2_000) if number % 3)
    assert examined.rows < 1_200, "boundary, index entries and rows of 200 events"
    async with measure(long) as examined:
        facets = await fetch_facets(
            long, selector=selector, scope=EVERYTHING, fields=[GroupField.EVENT_TYPE, GroupField.CATEGORY], top=5
        )
    assert {facet.searched_to for facet in facets} == {searched_to}
    assert examined.rows < 1_200
    async with measure(long) as examined:
        found = await fetch_statistics(long, selector=selector, scope=EVERYTHING, frame=frame, group=GroupField.SOURCE)
    assert (found.searched_to, len(found.series)) == (searched_to, 7)
    assert examined.rows < 2_400, "two statements: the largest values, and the numbers"


async def _sent(database: Database, tallies: list[Tally]) -> list[str]:
    async with observed(database) as sent:
        await fetch_tallies(database, tallies, scope=EVERYTHING)
    return list(sent)


async def test_a_panel_about_the_past_is_not_starved_by_one_about_today(long: Database) -> None:
    """Panels share a scan only where it looks about as far for each of them as one of its own would."""
    selector = equals_any(EventField.CATEGORY, ("a",))

    def question(since: int, until: int, group: GroupField | None = None) -> Tally:
        return Tally(selector, START + since * SECOND, START + until * SECOND, group, 20)

    # A histogram is rounded up, into a time without events.
    today, about_today, early = question(0, 9_000), question(0, 1_990, GroupField.SOURCE), question(0, 150)
    scans = sum("ends" in sql for sql in await _sent(long, [today, about_today]))
    assert scans == 3, "the middle and the end of the scan, and whether much of it lies behind the earlier end"
    found = await fetch_tallies(long, [today, about_today, early], scope=EVERYTHING)
    assert found[early] == TallyRecord({(0, None): 100, (0, OTHERS): 0}, None)
    searched_to = START + 1_800 * SECOND
    assert {found[today].searched_to, found[about_today].searched_to} == {searched_to}
    assert sum(found[about_today].numbers.values()) == sum(1 for number in range(1_800, 1_990) if number % 3)


@pytest.mark.parametrize("group", [GroupField.SEVERITY, GroupField.NAMESPACE])
async def test_ties_are_ordered_by_name_not_by_what_is_stored(database: Database, group: GroupField) -> None:
    """H6, from a scan of one field alone; the keys of namespaces are as they came, severities are ranks."""
    names = ("zeta", "alpha", "mid")
    rows = [row(number, namespace=names[number % 3], severity=(4, 0, 3)[number % 3], source="s") for number in range(9)]
    await store(database, rows)
    selector = equals_any(EventField.SOURCE, ("s",))
    [facet] = await fetch_facets(database, selector=selector, scope=EVERYTHING, fields=[group], top=2)
    expected = ["DEBUG", "ERROR"] if group is GroupField.SEVERITY else ["alpha", "mid"]
    assert (facet.values, facet.other_count) == ([(name, 3) for name in expected], 3)


async def test_what_is_hidden_does_not_end_a_scan_nu4(database_url: str) -> None:
    """NU4: fifty hidden events of the same request and of other owners are in no number, kind or place of its end."""
    database = await Database.open(database_url, DatabaseOptions(scan_rows=10))
    rows = [row(number, owner="eve" if number < 5 else "bob", request_id="r") for number in range(55)]
    await store(database, rows)
    mine = await scope_of_audiences(database, AudienceName("default", None, "eve"))
    others = await scope_of_audiences(
        database, *(AudienceName("default", None, f"owner-{number}") for number in range(300))
    )
    many = Scope(audience_keys=mine.audience_keys | others.audience_keys)
    selector = equals_any(EventField.REQUEST_ID, ("r",))
    for scope in (mine, many):
        total = await fetch_total(database, selector=selector, scope=scope)
        assert total == TotalRecord(5, CountKind.EXACT)
        facets = await fetch_facets(database, selector=ALL, scope=scope, fields=[GroupField.SOURCE], top=5)
        assert [(facet.values, facet.searched_to) for facet in facets] == [([("host-1", 5)], None)]
        assert await fetch_coverage(database, CoverageKey(None, None), scope=scope) == CoverageRecord(START, START + 4)
    await database.close()


async def test_an_event_is_counted_once_wherever_it_stands_in_an_index(long: Database) -> None:
    """H4: an index by object type holds an event as often as it has objects of that type."""
    selector = TouchesType(("instance", "node"))
    frame = Frame(START + 1_940 * SECOND, 60 * SECOND, 1)
    found = await fetch_histogram(long, selector=selector, scope=EVERYTHING, frame=frame, group=None)
    touching = sum(1 for number in range(1_940, 2_000) if number % 3)
    assert found == HistogramRecord([SeriesRecord(None, False, [touching])], touching, None)
    found = await fetch_histogram(long, selector=selector, scope=EVERYTHING, frame=frame, group=GroupField.OBJECT_TYPE)
    twice = sum(1 for number in range(1_940, 2_000) if number % 3 == 2)
    expected = [SeriesRecord("instance", False, [touching]), SeriesRecord("node", False, [twice])]
    assert found == HistogramRecord(expected, touching + twice, None)


@pytest.mark.parametrize("group", [GroupField.SOURCE, GroupField.OBJECT_TYPE])
async def test_values_beyond_twenty_go_together(database: Database, group: GroupField, monkeypatch: Any) -> None:
    """H5; also where there are more groups than a statement may give, so that only the largest are told apart."""
    rows = [
        row(
            number,
            occurred_at=START + number % 3 * SECOND,
            source=f"host-{number % 24:02}" if number % 24 else "a",
            objects=(link(f"type-{number % 24:02}", "x"),) if number % 24 else (),
        )
        for number in range(24 * 4 + 5)
    ]
    await store(database, rows)
    frame = Frame(START, SECOND, 3)

    async def read() -> HistogramRecord:
        return await fetch_histogram(database, selector=ALL, scope=EVERYTHING, frame=frame, group=group)

    whole = await read()
    assert [series.is_other for series in whole.series] == [False] * 20 + [True]
    assert whole.total == sum(map(sum, (series.counts for series in whole.series))) == len(rows)
    assert [sum(series.counts) for series in whole.series] == [5] * 5 + [4] * 15 + [16]
    names = [series.value for series in whole.series[:20]]
    first = [None] if group is GroupField.OBJECT_TYPE else ["a"]
    prefix = "host" if group is GroupField.SOURCE else "type"
    five = sorted([*first, *(f"{prefix}-{number:02}" for number in range(1, 5))], key=lambda name: (name is None, name))
    assert names == [*five, *(f"{prefix}-{number:02}" for number in range(5, 20))]
    monkeypatch.setattr("storage.tallies.MOST_GROUPS", 10)
    assert await read() == whole
    statistics = await fetch_statistics(database, selector=ALL, scope=EVERYTHING, frame=frame, group=group)
    assert [(each.value, each.is_other) for each in statistics.series] == [
        (each.value, each.is_other) for each in whole.series
    ]
    assert [[point.occurrences for point in each.points] for each in statistics.series] == [
        each.counts for each in whole.series
    ]


@pytest.mark.parametrize("group", [GroupField.EVENT_TYPE, GroupField.NAMESPACE])
async def test_values_of_sums_beyond_twenty_go_together(
    database: Database, group: GroupField, monkeypatch: pytest.MonkeyPatch
) -> None:
    """H5; also where a statement over the sums would give too many groups, with a namespace of several audiences."""
    minute = 60 * SECOND
    rows = [
        row(
            number,
            occurred_at=START + number % 3 * minute,
            event_type=f"type-{number % 24:02}",
            namespace=f"n-{number % 24:02}",
            owner="eve" if number % 5 == 0 else None,
        )
        for number in range(24 * 4 + 5)
    ]
    await store(database, rows)
    frame = Frame(START, minute, 3)

    async def read() -> HistogramRecord:
        return await fetch_histogram(database, selector=ALL, scope=EVERYTHING, frame=frame, group=group)

    whole = await read()
    assert [(series.value or "")[-2:] for series in whole.series[:20]] == [f"{number:02}" for number in range(20)]
    assert [sum(series.counts) for series in whole.series] == [5] * 5 + [4] * 15 + [16]
    monkeypatch.setattr("storage.aggregates.MOST_GROUPS", 10)
    assert await read() == whole


async def test_what_a_caller_may_not_see_is_in_no_number_nu4(database: Database) -> None:
    """NU4: counts, histograms, facets, statistics."""
    rows = [
        row(number, occurred_at=START + number, owner="eve" if number % 2 else None, duration_ms=float(number))
        for number in range(10)
    ]
    await store(database, rows)
    scope = await scope_of_audiences(database, AudienceName("default", None, "eve"))
    for group in (None, *GroupField):
        found = await fetch_histogram(database, selector=ALL, scope=scope, frame=FRAME, group=group)
        assert (found.total, len(found.series)) == (5, 1), group
        numbers = await fetch_statistics(database, selector=ALL, scope=scope, frame=FRAME, group=group)
        assert [(series.points[0].occurrences, series.points[0].p50_ms) for series in numbers.series] == [(5, 5.0)]
    for facet in await fetch_facets(database, selector=ALL, scope=scope, fields=list(GroupField), top=5):
        assert (len(facet.values), facet.values[0][1], facet.other_count) == (1, 5, 0)
    nobody = Scope()
    assert (await fetch_histogram(database, selector=ALL, scope=nobody, frame=FRAME, group=None)).total == 0
    facets = await fetch_facets(database, selector=ALL, scope=nobody, fields=list(GroupField), top=5)
    assert {(len(facet.values), facet.other_count) for facet in facets} == {(0, 0)}


async def test_sums_of_records_may_be_large(database: Database) -> None:
    """Two to the 53rd and more, on either database."""
    most = 2**53 - 1
    await store(database, [row(number, occurred_at=START, record_count=most) for number in range(1_500)])
    found = await fetch_statistics(database, selector=ALL, scope=EVERYTHING, frame=FRAME, group=None)
    assert found.series[0].points[0].records == pytest.approx(1_500 * most)


async def test_more_audiences_than_a_statement_names_are_counted_too(database_url: str) -> None:
    """Sums by time, with the scope as a condition."""
    database = await Database.open(database_url, DatabaseOptions())
    await store(database, [row(number, occurred_at=START + number, owner=f"owner-{number}") for number in range(300)])
    mine = [AudienceName("default", None, f"owner-{number}") for number in range(10, 280)]
    found = await fetch_histogram(database, selector=ALL, scope=EVERYTHING, frame=FRAME, group=GroupField.NAMESPACE)
    assert found.total == 300
    scope = await scope_of_audiences(database, *mine)
    frame = Frame(START, 60 * SECOND, 60)
    found = await fetch_histogram(database, selector=ALL, scope=scope, frame=frame, group=GroupField.SEVERITY)
    assert found.total == 270
    await database.close()
