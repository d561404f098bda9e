"""Report: a table for people, figures for programs, and no table at all from a machine that cannot tell."""

from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from bench.comparisons import Comparison, Measured
from bench.errors import VoidRunError
from bench.report import Report, require_same
from bench.rows import FLOOR, GATEWAY, SECOND_FLOOR, Finding, Target, itself, resident, timed
from bench.servers import Memory
from bench.stores import Facts

FACTS = Facts("MariaDB 10.11", "2048 MiB", 1_000_000, 2_000_000, 1_234, 0.2)


def same(ratio: float) -> Finding:
    raw = Comparison({SECOND_FLOOR: Measured([ratio], [1.0]), FLOOR: Measured([1.0], [1.0])})
    return Finding("aiomysql", "floor against itself", (itself(raw),), raw)


def page(ratio: float) -> Finding:
    raw = Comparison({GATEWAY: Measured([ratio], [150.0]), FLOOR: Measured([1.0], [100.0])})
    rows = (timed(raw, GATEWAY, FLOOR, Target("<= 1.4", ratio <= 1.4)), timed(raw, FLOOR, GATEWAY))
    return Finding("aiomysql", "a page", rows, raw)


def memory() -> Finding:
    raw = Memory(120.0, 130.0)
    return Finding("aiomysql", "memory", (resident(raw),), raw)


def report(*findings: Finding, void: bool = False) -> Report:
    return Report("2 cores", {"aiomysql": FACTS}, 12, list(findings), void)


@pytest.mark.parametrize("ratio", [0.9, 1.1])
def test_a_run_whose_floor_is_not_like_itself_is_refused(ratio: float) -> None:
    with pytest.raises(VoidRunError, match=rf"the floor against itself is {ratio:.3f}, outside 0\.97 to 1\.03"):
        require_same(same(ratio), allow_noise=False)


def test_noise_may_be_allowed() -> None:
    require_same(same(1.1), allow_noise=True)


def test_a_quiet_machine_is_not_refused() -> None:
    require_same(same(1.01), allow_noise=False)


def test_the_table_has_a_line_for_each_row() -> None:
    lines = report(same(1.0), page(1.5), memory()).to_markdown().splitlines()
    assert lines == [
        "- 2 cores; 12 rounds",
        "- MariaDB 10.11: 1,000,000 events, 2,000,000 references, 1,234 bytes per event with all indexes, "
        "buffer pool 2048 MiB, fsync 0.20 ms",
        "",
        "| driver | work | measured | against | ratio (p10 to p90) | CPU per request | target |  |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        "| aiomysql | floor against itself | second floor 1.00 ms | floor 1.00 ms | 1.00 (1.00 to 1.00), +0.00 ms "
        "| 1 us / 1 us = 1.00 | 0.97 to 1.03 | met |",
        "| aiomysql | a page | gateway 1.50 ms | floor 1.00 ms | 1.50 (1.50 to 1.50), +0.50 ms "
        "| 150 us / 100 us = 1.50 | <= 1.4 | **not met** |",
        "| aiomysql | a page | floor 1.00 ms | gateway 1.50 ms | 0.67 (0.67 to 0.67), -0.50 ms "
        "| 100 us / 150 us = 0.67 |  |  |",
        "| aiomysql | memory | gateway 130 MB at most, 120 MB at the end |  |  |  | < 250 MB | met |",
    ]


def test_a_void_table_says_so_first() -> None:
    assert report(same(1.2), void=True).to_markdown().startswith("VOID: ")


def test_raw_figures_are_kept_round_by_round(tmp_path: Path) -> None:
    path = report(page(1.5)).write(tmp_path, datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC))
    assert path.name == "2026-11-22T03-04-05Z.json"
    written = orjson.loads(path.read_bytes())
    assert written["facts"]["aiomysql"]["bytes_per_event"] == 1_234
    [finding] = written["findings"]
    assert finding["raw"]["sides"]["gateway"] == {"milliseconds": [1.5], "cpu_microseconds": [150.0]}
    assert finding["rows"][0]["target"] == {"text": "<= 1.4", "met": False}
