"""SY6, what a dashboard costs: its answers are right before they are timed, its targets are those of a large store."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.history import History
from bench.panels import TARGET_EVENTS, Panel, Waits, ask_panel, panels_of, require_right_counts
from bench.queries import dashboard_body
from bench.rows import Target, waited
from bench.servers import Server
from bench.stores import Store
from storage.times import format_rfc3339
from tests.processes import GatewayProcess


@pytest.fixture
def own_store(bench_store: Store, tmp_path: Path) -> Store:
    """A copy, to be changed."""
    shutil.copy(bench_store.home / "timeloom.db", tmp_path)
    return Store(tmp_path, None)


@pytest.fixture
def server(own_store: Store, gateway_process: Callable[..., GatewayProcess]) -> Server:
    """A gateway on it."""
    process = gateway_process(own_store.url("sqlite"))
    return Server(process.port, process.pid)


def test_every_panel_is_answered_and_the_dashboard_of_counts_is_exact(history: History, server: Server) -> None:
    found = [ask_panel(server, panel, count=1).found for panel in panels_of(history)]
    assert found[0].endswith(" counted (EXACT), 50 events")
    assert [re.sub(r"\d+(,\d+)*", "n", each) for each in found] == [
        *["n counted (EXACT), n events"] * 2,
        *["n events"] * 2,
    ]


def test_counts_that_are_not_those_of_the_events_are_noticed(
    own_store: Store, history: History, server: Server
) -> None:
    require_right_counts(own_store, server, history)
    for table in ("event_counts", "event_hour_counts", "event_day_counts"):
        own_store.change(f"UPDATE {table} SET occurrences = occurrences + 1 WHERE severity = 5")
    with pytest.raises(BenchError, match="events are stored, the histogram tells of"):
        require_right_counts(own_store, server, history)


def test_an_answer_with_errors_is_not_timed(history: History, server: Server) -> None:
    wrong = dashboard_body({"minSeverity": None}, history.period, ["SOURCE"])
    with pytest.raises(BenchError, match="a panel has errors"):
        ask_panel(server, Panel("wrong", wrong, 50), count=1)


def test_targets_of_dashboards_are_judged_in_a_large_store_only() -> None:
    small, large = (panels_of(History(events, end=10**15)) for events in (TARGET_EVENTS - 1, TARGET_EVENTS))
    assert [panel.is_judged for panel in small] == [False, False, True, True]
    assert [panel.is_judged for panel in large] == [True, True, True, True]
    assert small[0].target == "p95 < 50 ms at 10,000,000 events"
    assert large[0].target == "p95 < 50 ms"


def test_a_dashboard_asks_for_the_whole_history() -> None:
    history = History(1_000, end=10**15)
    stamps = [format_rfc3339(draft.timestamp or 0) for draft in history.drafts()]
    since, until = history.period
    assert since == stamps[0] < stamps[-1] < until


def test_a_row_of_waits_has_percentiles_and_what_was_found() -> None:
    raw = Waits([float(each) for each in range(101)], "12 counted (EXACT), 50 events")
    row = waited(raw, Target("p95 < 50 ms", met=False))
    assert row.first == "gateway p50 50.0 ms, p95 95.0 ms"
    assert (row.second, row.ratio, row.cpu) == ("12 counted (EXACT), 50 events", None, "")
