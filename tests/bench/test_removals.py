"""Retention beside its floor: both remove the same rows, and what is asked meanwhile is timed (GQ4)."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.comparisons import Comparison
from bench.errors import BenchError
from bench.history import History
from bench.removals import age_by_occurrence, compare_removals, measure_timelines, removable_until
from bench.removing import RETENTION, remove_apart, remove_here
from bench.rows import FLOOR, GATEWAY, Locks, locked
from bench.servers import Server
from bench.stores import Store
from tests.processes import GatewayProcess


@pytest.fixture
def own_store(bench_store: Store, tmp_path: Path) -> Store:
    """A copy, to be changed, in which events arrived when they happened."""
    shutil.copy(bench_store.home / "timeloom.db", tmp_path)
    store = Store(tmp_path, None)
    age_by_occurrence(store)
    return store


def left(store: Store) -> tuple[int, int]:
    [(events,)] = store.query("SELECT COUNT(*) FROM events WHERE namespace_key = 1")
    [(references,)] = store.query("SELECT COUNT(*) FROM event_objects WHERE namespace_key = 1")
    return events, references


def test_both_remove_equal_parts_and_then_the_gateway_removes_while_it_is_asked(
    own_store: Store, history: History, gateway_process: Callable[..., GatewayProcess]
) -> None:
    url, events = own_store.url("sqlite"), range(history.events)
    compared = compare_removals(url, history, events=events, rounds=1, advance=lambda: None, remove=remove_here)
    assert left(own_store) == (800, 1_600)
    assert isinstance(compared.raw, Comparison)
    assert {name: len(side.milliseconds) for name, side in compared.raw.sides.items()} == {GATEWAY: 1, FLOOR: 1}
    process = gateway_process(url)
    until = removable_until(history, events)
    server = Server(process.port, process.pid)
    [found] = measure_timelines(own_store, url, server, history, until=until, seconds=0.2, advance=lambda: None)
    # An age is in whole seconds: the event at the boundary may go too.
    assert history.events - until - left(own_store)[0] in (0, 1)
    assert found.rows[0].first.startswith("gateway while it removes ")


def test_a_removal_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/none.db"
    with pytest.raises(BenchError, match="removing by retention failed"):
        remove_apart(RETENTION, url, until=0, chunk_events=1)


def test_a_row_of_locks_has_no_target() -> None:
    row = locked(Locks(rows=60_001, chunk_events=10_000))
    assert (row.first, row.second) == ("60,001 at most", "10,000 events with 2 references each")
    assert row.target.met is None
