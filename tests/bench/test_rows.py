"""L1, the bench's rows: ratios are medians over rounds, and targets are met or not by them alone."""

import pytest

from bench.comparisons import Comparison, Measured, Spread, to_spread
from bench.exports import Export
from bench.latencies import Latencies, Latency
from bench.rows import (
    FLOOR,
    GATEWAY,
    MERCURIUS,
    SECOND_FLOOR,
    Target,
    at_least,
    at_most,
    delayed,
    exported,
    grown,
    itself,
    rated,
    resident,
    timed,
    timed_alone,
)
from bench.servers import Memory
from bench.walks import Walk

RAW = Comparison(
    {
        GATEWAY: Measured([2.0, 3.0, 4.0], [400.0, 600.0, 500.0]),
        FLOOR: Measured([1.0, 2.0, 4.0], [200.0, 200.0, 250.0]),
        MERCURIUS: Measured([4.0, 3.0, 2.0], [800.0, 600.0, 1000.0]),
    }
)


def test_a_ratio_is_the_median_of_the_rounds_ratios_not_the_ratio_of_medians() -> None:
    spread = RAW.time_ratio(GATEWAY, FLOOR)
    assert (spread.median, spread.p10, spread.p90) == pytest.approx((1.5, 1.1, 1.9))
    assert RAW.rate_ratio(GATEWAY, FLOOR).median == pytest.approx(1 / 1.5)
    assert RAW.cpu_ratio(GATEWAY, FLOOR).median == 2.0
    assert RAW.added_milliseconds(GATEWAY, FLOOR) == 1.0
    assert RAW.added_cpu(GATEWAY, FLOOR).median == 250.0


def test_any_two_of_several_sides_are_compared() -> None:
    assert RAW.time_ratio(GATEWAY, MERCURIUS).median == 1.0
    assert RAW.time_ratio(MERCURIUS, FLOOR).median == 1.5


def test_one_round_has_no_spread() -> None:
    assert to_spread([2.5]) == Spread(2.5, 2.5, 2.5)


def test_a_row_of_times_names_both_sides() -> None:
    row = timed(RAW, GATEWAY, FLOOR, Target("<= 1.4", met=False))
    assert (row.first, row.second) == ("gateway 3.00 ms", "floor 2.00 ms")
    assert row.shown_ratio == "1.50 (1.10 to 1.90), +1.00 ms"
    assert row.cpu == "500 us / 200 us = 2.00"
    assert row.target == Target("<= 1.4", met=False)


def test_a_row_of_rates_turns_the_ratio_round() -> None:
    row = rated(RAW, GATEWAY, FLOOR, per_request=1_000, unit=" events/s")
    assert (row.first, row.second) == ("gateway 333,333 events/s", "floor 500,000 events/s")
    assert row.shown_ratio == "0.67 (0.53 to 0.93)"
    assert row.target.met is None


def test_sides_of_one_server_have_one_figure_of_cpu() -> None:
    assert timed_alone(RAW, GATEWAY, FLOOR).cpu == "500 us"


@pytest.mark.parametrize(
    ("target", "text", "met"),
    [
        (at_most(1.2, 1.2), "<= 1.2", True),
        (at_most(1.21, 1.2), "<= 1.2", False),
        (at_least(0.7, 0.7), ">= 0.7", True),
        (at_least(0.69, 0.7), ">= 0.7", False),
    ],
)
def test_a_target_is_met_at_its_limit(target: Target, text: str, met: bool) -> None:
    assert target == Target(text, met)


@pytest.mark.parametrize(("ratio", "met"), [(0.96, False), (0.97, True), (1.0, True), (1.03, True), (1.04, False)])
def test_the_floor_against_itself_is_the_same_between_097_and_103(ratio: float, met: bool) -> None:
    raw = Comparison({SECOND_FLOOR: Measured([ratio], [1.0]), FLOOR: Measured([1.0], [1.0])})
    assert itself(raw).target == Target("0.97 to 1.03", met)


def test_latencies_are_percentiles_of_all_requests_and_their_ratio_is_that_of_rounds() -> None:
    own = [[float(each) for each in range(101)], [float(each) for each in range(101)]]
    raw = Latencies(100.0, {GATEWAY: own, FLOOR: [[each / 2 for each in times] for times in own]})
    assert raw.total(GATEWAY) == Latency(50.0, 95.0, 99.0)
    row = delayed(raw, GATEWAY, FLOOR)
    assert (row.first, row.second) == ("gateway 50.00 / 95.00 / 99.00 ms at 100/s", "floor 25.00 / 47.50 / 49.50 ms")
    assert row.ratio == Spread(2.0, 2.0, 2.0)


@pytest.mark.parametrize(("last", "met"), [(105.0, True), (106.0, False)])
def test_memory_may_grow_by_a_twentieth_while_the_history_is_read(last: float, met: bool) -> None:
    walk = Walk(events=8_000, before=90.0, pages=[100.0, 100.0, 101.0, 102.0, 103.0, 104.0, last, last])
    row = grown(walk)
    assert row.target == Target("<= 1.05", met)
    assert row.first == f"gateway {last:.0f} MB in the last quarter"
    assert row.second == f"100 MB in the first; 90 MB before, {last:.0f} MB after"


@pytest.mark.parametrize(("peak", "met"), [(249.0, True), (250.0, False)])
def test_the_most_memory_counts_not_the_last(peak: float, met: bool) -> None:
    row = resident(Memory(now=120.0, peak=peak))
    assert row.first == f"gateway {peak:.0f} MB at most, 120 MB at the end"
    assert row.target == Target("< 250 MB", met)


@pytest.mark.parametrize(("peak", "met"), [(149.0, True), (150.0, False)])
def test_an_export_may_need_50_mb_more_than_one_of_nothing(peak: float, met: bool) -> None:
    row = exported(Export(events=10_000, seconds=2.0, peak=peak, idle=100.0))
    assert row.first == f"gateway 5,000 events/s, {peak:.0f} MB at most"
    assert row.second == "an export of nothing 100 MB"
    assert row.target == Target("< 50 MB added", met)
