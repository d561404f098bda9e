"""Histograms, facets, statistics and totals against a recount of every event, for random filters, on both databases."""

import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, update

from storage.counts import CountFolder
from storage.engine import Database
from storage.options import DatabaseOptions
from storage.tables import event_count_deltas, events, namespaces
from storage.times import MICROSECONDS_PER_MINUTE
from tests.gateway.execution import Caller
from tests.properties import recount
from tests.properties.events import FIRST, make_events, store
from tests.properties.oracle import matches
from tests.properties.strategies import FILTERS, MEANINGS, TIMES, Filter

SECOND, MINUTE, HOUR, DAY = 1_000_000, 60_000_000, 3_600_000_000, 86_400_000_000
_OFFSETS = (
    *(0, 1, 3, 5, -1, SECOND, 30 * SECOND, MINUTE - 1, MINUTE, MINUTE + 1, 7 * MINUTE, -MINUTE, -MINUTE - 1),
    *(-HOUR, -HOUR - 1, -HOUR + 1, -5 * HOUR, -DAY, -DAY - 1, -DAY + 1, -2 * DAY, -3 * DAY - HOUR, -12 * DAY),
)
"""Around the ends of minutes, hours, days and a week; nothing may lie more than ten minutes ahead."""


def _spread() -> list[dict[str, Any]]:
    chance = random.Random(23)
    spread = make_events(seed=11, count=70)
    for event in spread:
        event["timestamp"] = FIRST + chance.choice(_OFFSETS)
        event["repeatCount"] = chance.choice((1, 1, 1, 2, 7))
        event["recordCount"] = chance.choice((None, None, 0, 1, 250))
    return spread


SPREAD = _spread()
GROUPS = [*recount.GROUPS, "SUCCESS", "OBJECT_TYPE"]
EXAMPLES = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

_plain = st.fixed_dictionaries(
    {},
    optional={
        "namespaces": st.lists(st.sampled_from(["default", "lab", "none"]), max_size=2),
        "eventTypes": st.lists(st.sampled_from(["audit", "Audit", "status", "none"]), max_size=3),
        "minSeverity": st.sampled_from(["DEBUG", "NOTICE", "CRITICAL"]),
        "success": st.booleans(),
        "not": st.sampled_from([{"success": True}, {"namespaces": ["lab"]}, {"severities": ["INFO"]}]),
        "or": st.just([{"eventTypes": ["audit"]}, {"minSeverity": "ERROR"}, {"selectors": ["success!=true"]}]),
        "fields": st.just([{"field": "OWNER", "test": {"isNull": True}}]),
    },
)
"""Filters that the sums can answer; of FILTERS few are."""
_filters = _plain | FILTERS.map(lambda filter_: {"and": [filter_]})
_instants = st.sampled_from([FIRST + offset for offset in (*_OFFSETS, 9 * MINUTE, -20 * DAY)])
_groups = st.sampled_from([None, *GROUPS])


def time_text(micros: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def selected(filter_: Filter) -> list[dict[str, Any]]:
    return [event for event in SPREAD if matches(filter_, event, meanings=MEANINGS, at=TIMES.__getitem__)]


async def _repeat(database: Database) -> None:
    """Let events stand for several, as compaction will: the row says so, and the counts know."""

    async def work(connection: Any) -> None:
        keys = dict((await connection.execute(select(namespaces.c.name, namespaces.c.namespace_key))).all())
        for event in SPREAD:
            this = (events.c.id == event["id"], events.c.namespace_key == keys[event["namespace"]])
            more = event["repeatCount"] - 1
            row = (await connection.execute(select(events).where(*this))).one()
            await connection.execute(update(events).where(*this).values(repeat_count=more + 1))
            await connection.execute(
                insert(event_count_deltas).values(
                    audience_key=row.audience_key,
                    minute=row.occurred_at // MICROSECONDS_PER_MINUTE,
                    event_type=row.event_type,
                    severity=row.severity,
                    success=-1 if row.success is None else row.success,
                    event_rows=0,
                    occurrences=more,
                )
            )

    await database.write(work, name="repeats")


@pytest.fixture(params=["folded", "waiting"])
async def counter(database: Database, request: pytest.FixtureRequest) -> Caller:
    """Somebody who asks a gateway that holds SPREAD, its counts folded into sums or still waiting for it."""
    await store(database, SPREAD)
    await _repeat(database)
    if request.param == "folded":
        assert await CountFolder(database).turn()
    return Caller(database, home_namespace=None)


@pytest.fixture
async def hasty_counter(counter: Caller, database_url: str) -> AsyncIterator[Caller]:
    """The same over a database that looks at no more than nine index entries."""
    database = await Database.open(database_url, DatabaseOptions(scan_rows=9))
    yield Caller(database, home_namespace=None)
    await database.close()


HISTOGRAM = """
  query ($filter: EventFilter, $since: DateTime!, $until: DateTime!, $buckets: Int!, $groupBy: GroupField) {
    histogram(filter: $filter, since: $since, until: $until, buckets: $buckets, groupBy: $groupBy) {
      since until bucketMs series { value other counts } total { value kind } searchedTo
    }
    statistics(filter: $filter, since: $since, until: $until, buckets: $buckets, groupBy: $groupBy) {
      since until bucketMs kind searchedTo
      series { value other points { count recordSum recordsPerSecond durationP50Ms durationP95Ms durationMaxMs } }
    }
    facets(filter: $filter, since: $since, until: $until, fields: [SOURCE, CATEGORY, SEVERITY], top: 2) {
      field values { value count } otherCount kind
    }
  }
"""


@st.composite
def _spans(draw: st.DrawFn) -> dict[str, Any]:
    since, until = sorted(draw(st.lists(_instants, min_size=2, max_size=2, unique=True)))
    return {"since": since, "until": until, "buckets": draw(st.sampled_from([5, 13, 60, 1000]))}


@EXAMPLES
@given(filter_=_filters, span=_spans(), group=_groups)
@example(filter_={}, span={"since": FIRST - 12 * DAY, "until": FIRST + 9 * MINUTE, "buckets": 60}, group="SEVERITY")
@example(filter_={}, span={"since": FIRST - 12 * DAY, "until": FIRST + 9 * MINUTE, "buckets": 5}, group="NAMESPACE")
async def test_a_histogram_is_a_recount_by_bucket_gq1(
    counter: Caller, filter_: Filter, span: dict[str, Any], group: str | None
) -> None:
    """GQ1, H1 to H5, H8, P4; statistics cover the same buckets; facets beside it share its scan, not its rounding."""
    times = {name: time_text(span[name]) for name in ("since", "until")}
    variables = {"filter": filter_, **times, "buckets": span["buckets"], "groupBy": group}
    answer = (await counter.run(HISTOGRAM, variables)).data
    buckets = recount.buckets_of(span["since"], span["until"], span["buckets"])
    frame = {
        "since": time_text(buckets[0][0]),
        "until": time_text(buckets[-1][1]),
        "bucketMs": (buckets[0][1] - buckets[0][0]) / 1000,
        "searchedTo": None,
    }
    found = selected(filter_)
    series = recount.histogram(found, buckets, group)
    total = {"value": sum(sum(each["counts"]) for each in series), "kind": "EXACT"}
    assert answer["histogram"] == {**frame, "series": series, "total": total}
    assert answer["statistics"] == {**frame, "kind": "EXACT", "series": recount.statistics(found, buckets, group)}
    inside = [event for event in found if span["since"] <= event["timestamp"] < span["until"]]
    fields = ("SOURCE", "CATEGORY", "SEVERITY")
    assert answer["facets"] == [{**recount.facet(inside, field, 2), "kind": "EXACT"} for field in fields]


@st.composite
def _ends(draw: st.DrawFn) -> tuple[int | None, int | None]:
    since, until = sorted(draw(st.tuples(_instants, _instants)))
    return draw(st.sampled_from([(since, until), (None, until), (since, None), (None, None)]))


FACETS = """
  query (
    $filter: EventFilter, $since: DateTime, $until: DateTime, $fields: [GroupField!]!, $top: Int!, $all: EventFilter
  ) {
    facets(filter: $filter, since: $since, until: $until, fields: $fields, top: $top) {
      field values { value count } otherCount kind searchedTo
    }
    events(filter: $all, first: 0) { totalCount { value kind } }
  }
"""


@EXAMPLES
@given(
    filter_=_filters,
    ends=_ends(),
    fields=st.lists(st.sampled_from(GROUPS), max_size=4),
    top=st.sampled_from([1, 2, 10]),
)
@example(filter_={}, ends=(None, None), fields=GROUPS, top=3)
async def test_a_facet_and_a_total_are_recounts_of_the_exact_span(
    counter: Caller, filter_: Filter, ends: tuple[int | None, int | None], fields: list[str], top: int
) -> None:
    """H4, H6 to H8, H10, H12, P4: facets count occurrences, a total counts rows."""
    given_ends = {name: time_text(at) for name, at in zip(("since", "until"), ends, strict=True) if at is not None}
    variables = {"filter": filter_, **given_ends, "fields": fields, "top": top, "all": {"and": [filter_], **given_ends}}
    answer = (await counter.run(FACETS, variables)).data
    since, until = ends
    found = [
        event
        for event in selected(filter_)
        if (since is None or event["timestamp"] >= since) and (until is None or event["timestamp"] < until)
    ]
    exact = {"kind": "EXACT", "searchedTo": None}
    assert answer["facets"] == [{**recount.facet(found, field, top), **exact} for field in fields]
    assert answer["events"]["totalCount"] == {"value": len(found), "kind": "EXACT"}


@EXAMPLES
@given(filter_=_filters, group=_groups)
async def test_a_histogram_at_the_scan_limit_says_how_far_it_looked_l8(
    hasty_counter: Caller, filter_: Filter, group: str | None
) -> None:
    """L8: what lies after searchedTo is exact, and no number is more than there is."""
    since, until = FIRST - DAY, FIRST + 8 * MINUTE
    times = {"since": time_text(since), "until": time_text(until)}
    variables = {"filter": filter_, **times, "buckets": 1000, "groupBy": group}
    answer = (await hasty_counter.run(HISTOGRAM, variables)).data["histogram"]
    buckets = recount.buckets_of(since, until, 1000)
    whole = recount.histogram(selected(filter_), buckets, group)
    if answer["searchedTo"] is None:
        assert (answer["series"], answer["total"]["kind"]) == (whole, "EXACT")
        return
    assert answer["total"]["kind"] == "AT_LEAST"
    reached = [place for place, (start, _) in enumerate(buckets) if time_text(start) > answer["searchedTo"]]
    expected = {each["value"]: each["counts"] for each in whole}
    found = {each["value"]: each["counts"] for each in answer["series"]}
    for value, counts in expected.items():
        seen = found.get(value, [0] * len(buckets))
        assert [seen[place] for place in reached] == [counts[place] for place in reached]
        assert all(number <= most for number, most in zip(seen, counts, strict=True))
