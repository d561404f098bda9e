"""Histograms, facets, statistics, totals and coverage as clients ask for them; a slow one takes no other with it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from gateway.errors import ErrorCode
from storage.engine import Database
from storage.options import DatabaseOptions
from tests.databases import MariaServer
from tests.gateway.execution import Caller
from tests.gateway.history import event_id, write_history

DAY = 'since: "2026-01-01T00:00:00Z", until: "2026-01-02T00:00:00Z"'

DASHBOARD = f"""
{{
  bySeverity: histogram({DAY}, groupBy: SEVERITY) {{ total {{ value }} }}
  bySource: histogram({DAY}, groupBy: SOURCE) {{ total {{ value }} }}
  facets(fields: [CATEGORY, ACTOR]) {{ field otherCount }}
  statistics({DAY}) {{ kind }}
  events(first: 2) {{ nodes {{ id }} totalCount {{ value }} coverage {{ oldestEventAt }} }}
}}
"""


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ('histogram(since: "2026-01-02T00:00:00Z", until: "2026-01-01T00:00:00Z")', "is after until"),
        ('histogram(since: "2026-01-01T00:00:00Z", until: "2026-01-01T00:00:00Z")', "nothing lies between"),
        (f"histogram({DAY}, buckets: 0)", "buckets is 0: give a number from 1 to 1000"),
        (f"histogram({DAY}, buckets: 1001)", "buckets is 1001"),
        ('histogram(since: "1970-01-01T00:00:00Z", until: "2026-01-01T00:00:00Z")', "longer than 60 x 7 days"),
        ('histogram(since: "1969-12-31T23:59:59Z", until: "2026-01-01T00:00:00Z")', "since lies outside the years"),
        (f'histogram({DAY}, filter: {{ since: "2026-01-01T00:00:00Z" }})', "filter.since stands beside"),
        (f'statistics({DAY}, filter: {{ until: "2026-01-01T00:00:00Z" }})', "filter.until stands beside"),
        (f"statistics({DAY}, buckets: -1)", "buckets is -1"),
        ("facets(fields: [SOURCE], top: 0)", "top is 0: give a number from 1 to 100"),
        ("facets(fields: [SOURCE], top: 101)", "top is 101"),
        (f"facets(fields: [{' SOURCE' * 9}])", "fields names 9 fields"),
        (
            'facets(fields: [SOURCE], since: "2026-01-02T00:00:00Z", until: "2026-01-01T00:00:00Z")',
            "is after until",
        ),
        (
            'facets(fields: [SOURCE], since: "2026-01-02T00:00:00Z", filter: { until: "2026-01-01T00:00:00Z" })',
            "filter.until stands beside",
        ),
    ],
)
async def test_what_cannot_be_shown_is_an_error_that_says_what_to_change(
    caller: Caller, call: str, message: str
) -> None:
    """H2, H9, H11, F15, F16."""
    answer = await caller.run(f"{{ {call} {{ __typename }} }}")
    code, told = answer.error
    assert code is ErrorCode.BAD_USER_INPUT
    assert message in told


async def test_a_filter_of_its_own_may_hold_times_where_no_argument_does(caller: Caller) -> None:
    """F16: nested times, received times and selectors just hold as well; since = until is allowed in a facet."""
    nested = '{ and: [{ since: "2026-01-01T10:00:01Z" }], selectors: ["timestamp < 2026-01-01T10:00:03Z"] }'
    answer = await caller.run(f"""{{
      histogram({DAY}, filter: {nested}) {{ total {{ value }} }}
      facets(fields: [SOURCE], filter: {nested}) {{ values {{ value count }} }}
      empty: facets(fields: [SOURCE], {DAY.replace("02T", "01T")}) {{ values {{ value count }} otherCount kind }}
    }}""")
    assert answer.data == {
        "histogram": {"total": {"value": 3}},
        "facets": [{"values": [{"value": "host-1", "count": 2}, {"value": "host-2", "count": 1}]}],
        "empty": [{"values": [], "otherCount": 0, "kind": "EXACT"}],
    }


async def test_every_connection_of_events_can_be_counted(caller: Caller) -> None:
    """L8: rows of the whole list, whatever the page; children of all parents by one batch."""
    answer = await caller.run(f"""{{
      events(filter: {{ namespaces: ["default"] }}, first: 1) {{ totalCount {{ value kind }} }}
      object(objectType: "instance", objectId: "i-1") {{ timeline(first: 0) {{ totalCount {{ value }} }} }}
      request(requestId: "req-1", namespace: "default") {{ events(last: 1) {{ totalCount {{ value }} }} }}
      event(id: "{event_id(1)}") {{ children(first: 0) {{ totalCount {{ value kind }} }} }}
    }}""")
    assert answer.data == {
        "events": {"totalCount": {"value": 7, "kind": "EXACT"}},
        "object": {"timeline": {"totalCount": {"value": 2}}},
        "request": {"events": {"totalCount": {"value": 3}}},
        "event": {"children": {"totalCount": {"value": 1, "kind": "EXACT"}}},
    }


@contextmanager
def slow(database: Database, server: Callable[[], MariaServer]) -> Iterator[None]:
    """Let whoever reads the sums by day wait: for a lock on MariaDB, for a view without end on SQLite."""
    if database.dialect_name == "mariadb":
        holder = server().connect(str(database.url.database))
        holder.cursor().execute("LOCK TABLES event_day_counts WRITE, event_hour_counts WRITE")
        yield
        holder.close()
        return
    engine = create_engine(make_url(f"sqlite:///{database.url.database}"))
    with engine.begin() as connection:
        for name in ("event_day_counts", "event_hour_counts"):
            connection.execute(text(f"ALTER TABLE {name} RENAME TO kept_{name}"))
            connection.execute(
                text(
                    f"CREATE VIEW {name} AS WITH RECURSIVE n (minute) AS (SELECT 1 UNION ALL SELECT -minute FROM n)"
                    " SELECT minute, minute - minute AS audience_key, '' AS event_type, 1 AS severity, 1 AS success,"
                    " 1 AS event_rows, 1 AS occurrences FROM n"
                )
            )
    yield
    engine.dispose()


async def test_one_slow_panel_does_not_take_the_others_with_it(
    database: Database, request: pytest.FixtureRequest
) -> None:
    """The contract: what costs a statement of its own is null with an error at its path, and the rest stands."""
    await write_history(database)
    caller = Caller(database)
    whole = (await caller.run(DASHBOARD)).data
    with slow(database, lambda: request.getfixturevalue("mariadb_server")):
        answer = await caller.run(DASHBOARD, panel_seconds=2.0)
    assert [code for code, _ in answer.errors] == [ErrorCode.TIMEOUT] * 2
    assert all("TIMELOOM_PANEL_TIMEOUT_SECONDS" in told for _, told in answer.errors)
    answer.errors.clear()
    expected: dict[str, Any] = {**whole, "bySeverity": None, "events": {**whole["events"], "totalCount": None}}
    assert answer.data == expected


async def test_the_panels_of_one_request_leave_connections_to_others(
    database: Database, database_url: str, request: pytest.FixtureRequest
) -> None:
    """Twelve slow panels and three connections: the page beside them is read all the same."""
    await write_history(database)
    small = await Database.open(database_url, DatabaseOptions(pool_size=3))
    panels = " ".join(f"slow{number}: histogram({DAY}) {{ since }}" for number in range(12))
    with slow(database, lambda: request.getfixturevalue("mariadb_server")):
        answer = await Caller(small).run(f"{{ {panels} events(first: 1) {{ nodes {{ id }} }} }}", panel_seconds=1.5)
    assert [code for code, _ in answer.errors] == [ErrorCode.TIMEOUT] * 12
    answer.errors.clear()
    assert answer.data == {
        **{f"slow{number}": None for number in range(12)},
        "events": {"nodes": [{"id": event_id(8)}]},
    }
    await small.close()
