"""deploy/prometheus: each alarm fires for what it is meant for and is quiet otherwise (GQ7, GQ8)."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.promql import PROMETHEUS, RULES, promtool, read_rules
from tests.docs.markdown import ROOT, read_anchors

HOST = 'job="timeloom",instance="127.0.0.1:8000"'
QUIET = {
    f"up{{{HOST}}}": "1x240",
    f'timeloom_statement_seconds_count{{{HOST},kind="select"}}': "0+120x240",
    f'timeloom_http_requests_total{{{HOST},route="/graphql",status="200"}}': "0+1500x240",
    f'timeloom_ingest_outcomes_total{{{HOST},outcome="ACCEPTED"}}': "0+15000x240",
}
"""A gateway that is well: a sample each 15 s for an hour, 8 statements, 100 requests and 1,000 events a second."""


def histogram(name: str, label: str, *, fast: int, slow: int) -> dict[str, str]:
    """Buckets of a histogram that grows by so many fast (0.1 s) and slow (5 s) observations in 15 s."""
    steps = {"0.1": fast, "1.0": fast, "5.0": fast + slow, "+Inf": fast + slow}
    return {f'{name}{{{HOST},{label},le="{le}"}}': f"0+{step}x240" for le, step in steps.items()}


@dataclass(frozen=True)
class Case:
    """What makes an alarm fire after so many minutes, what does not, and the labels that it has beside its own."""

    alarm: str
    minutes: int
    fires: dict[str, str]
    quiet: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)


CASES = [
    Case("TimeloomDown", 2, {f"up{{{HOST}}}": "1 0x240"}, {f"up{{{HOST}}}": "1 0 0 1x240"}),
    Case(
        "TimeloomDatabaseUnreachable",
        6,
        {f'timeloom_statement_seconds_count{{{HOST},kind="select"}}': "0+120x8 960x240"},
        {f'timeloom_failed_statements_total{{{HOST},kind="select"}}': "0+100x240"},
    ),
    Case(
        "TimeloomDatabaseUnreachable",
        6,
        {
            f'timeloom_statement_seconds_count{{{HOST},kind="select"}}': "0+4x240",
            f'timeloom_failed_statements_total{{{HOST},kind="select"}}': "0+4x240",
        },
    ),
    Case(
        "TimeloomNotReady",
        4,
        {f'timeloom_http_requests_total{{{HOST},route="/readyz",status="503"}}': "0+2x240"},
        {f'timeloom_http_requests_total{{{HOST},route="/readyz",status="503"}}': "7x240"},
        {"route": "/readyz"},
    ),
    Case(
        "TimeloomInternalErrors",
        11,
        {f'timeloom_errors_total{{{HOST},code="INTERNAL"}}': "_x41 1x200"},
        {f'timeloom_errors_total{{{HOST},code="VALIDATION_FAILED"}}': "_x41 1x200"},
        {"code": "INTERNAL"},
    ),
    Case(
        "TimeloomInternalErrors",
        11,
        {f'timeloom_errors_total{{{HOST},code="INTERNAL"}}': "3x41 4x200"},
        {f'timeloom_errors_total{{{HOST},code="INTERNAL"}}': "3x240"},
        {"code": "INTERNAL"},
    ),
    Case(
        "TimeloomErrorRatio",
        12,
        {f'timeloom_errors_total{{{HOST},code="TIMEOUT"}}': "0+90x240"},
        {f'timeloom_errors_total{{{HOST},code="TIMEOUT"}}': "0+60x240"},
    ),
    Case(
        "TimeloomSlow",
        16,
        histogram("timeloom_http_request_seconds_bucket", 'route="/graphql"', fast=100, slow=6),
        histogram("timeloom_http_request_seconds_bucket", 'route="/graphql"', fast=100, slow=4),
    ),
    Case(
        "TimeloomSlowWrites",
        11,
        histogram("timeloom_statement_seconds_bucket", 'kind="insert"', fast=100, slow=2),
        histogram("timeloom_statement_seconds_bucket", 'kind="select"', fast=100, slow=2),
    ),
    Case(
        "TimeloomPoolExhausted",
        6,
        {f"timeloom_pool_size{{{HOST}}}": "20x240", f"timeloom_pool_checked_out{{{HOST}}}": "19x240"},
        {f"timeloom_pool_size{{{HOST}}}": "20x240", f"timeloom_pool_checked_out{{{HOST}}}": "18x240"},
    ),
    Case(
        "TimeloomBackgroundRestarts",
        11,
        {f'timeloom_background_restarts_total{{{HOST},task="sequencer"}}': "_x41 1x200"},
        {f'timeloom_background_restarts_total{{{HOST},task="sequencer"}}': "1x240"},
        {"task": "sequencer"},
    ),
    Case(
        "TimeloomEventsRefused",
        21,
        {f'timeloom_ingest_outcomes_total{{{HOST},outcome="REJECTED"}}': "0+200x240"},
        {f'timeloom_ingest_outcomes_total{{{HOST},outcome="DUPLICATE"}}': "0+200x240"},
    ),
    Case(
        "TimeloomEventsDeferred",
        21,
        {f'timeloom_ingest_outcomes_total{{{HOST},outcome="DEFERRED"}}': "0+10x240"},
        {f'timeloom_ingest_outcomes_total{{{HOST},outcome="DEFERRED"}}': "10x240"},
    ),
    Case(
        "TimeloomSequencerBehind",
        3,
        {f"timeloom_sequencer_seconds_behind{{{HOST}}}": "31x240"},
        {f"timeloom_sequencer_seconds_behind{{{HOST}}}": "0 31 31 0x240"},
    ),
    Case(
        "TimeloomCountsBehind",
        11,
        {f"timeloom_fold_waiting_deltas{{{HOST}}}": "60000x240"},
        {f"timeloom_fold_waiting_deltas{{{HOST}}}": "40000x240"},
    ),
    Case(
        "TimeloomCountDrift",
        1,
        {f"timeloom_count_drift_rows{{{HOST}}}": "2x240"},
        {f"timeloom_count_drift_rows{{{HOST}}}": "0x240"},
    ),
    Case(
        "TimeloomDeletionFailed",
        11,
        {f'timeloom_deletions_total{{{HOST},state="FAILED"}}': "_x41 1x200"},
        {f'timeloom_deletions_total{{{HOST},state="STALE"}}': "_x41 1x200"},
        {"state": "FAILED"},
    ),
    Case(
        "TimeloomDeletionStuck",
        16,
        {f"timeloom_deletion_unfinished_seconds{{{HOST}}}": "0+15x240"},
        {
            f"timeloom_deletion_unfinished_seconds{{{HOST}}}": "0+15x240",
            f"timeloom_deletion_removed_events_total{{{HOST}}}": "0+100x240",
        },
    ),
    Case(
        "TimeloomRetentionFailed",
        11,
        {f'timeloom_retention_runs_total{{{HOST},outcome="failed"}}': "_x41 1x200"},
        {f'timeloom_retention_runs_total{{{HOST},outcome="completed"}}': "_x41 1x200"},
        {"outcome": "failed"},
    ),
    Case(
        "TimeloomRetentionBehind",
        11,
        {f"timeloom_retention_seconds_behind{{{HOST}}}": "4000x240"},
        {
            f"timeloom_retention_seconds_behind{{{HOST}}}": "3000x240",
            f"timeloom_retention_overdue_seconds{{{HOST}}}": "90000x240",
        },
    ),
    Case(
        "TimeloomUnusualValue",
        11,
        {f'timeloom_stock_executions_total{{{HOST},reason="value"}}': "_x41 1x200"},
        {f'timeloom_stock_executions_total{{{HOST},reason="introspection"}}': "_x41 1x200"},
        {"reason": "value"},
    ),
    Case(
        "TimeloomStockExecutions",
        26,
        {f'timeloom_stock_executions_total{{{HOST},reason="size"}}': "0+90x240"},
        {f'timeloom_stock_executions_total{{{HOST},reason="introspection"}}': "0+90x240"},
    ),
]
SEVERITIES = {rule["alert"]: rule["labels"]["severity"] for rule in read_rules()}


def unit(case: Case, *, fires: bool) -> dict[str, Any]:
    """Give one of promtool's unit tests: the alarm fires alone, or nothing does."""
    series = QUIET | (case.fires if fires else case.quiet)
    labels = {"alertname": case.alarm, "alertstate": "firing", "instance": "127.0.0.1:8000", "job": "timeloom"}
    labels |= {"severity": SEVERITIES[case.alarm], **case.labels}
    text = ",".join(f'{name}="{value}"' for name, value in sorted(labels.items()))
    expected = [{"labels": f"ALERTS{{{text}}}", "value": 1}] if fires else []
    ask = {"expr": 'ALERTS{alertstate="firing"}', "eval_time": f"{case.minutes}m", "exp_samples": expected}
    return {
        "interval": "15s",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [ask],
    }


def test_prometheus_takes_its_settings_and_rules() -> None:
    """GQ8"""
    promtool("check", "config", PROMETHEUS / "prometheus.yaml")
    assert f"{len(read_rules())} rules found" in promtool("check", "rules", RULES)


def test_every_alarm_has_a_case() -> None:
    assert {case.alarm for case in CASES} == set(SEVERITIES)
    assert set(SEVERITIES.values()) == {"critical", "warning"}


@pytest.mark.parametrize("fires", [True, False], ids=["fires", "quiet"])
def test_alarms(tmp_path: Path, fires: bool) -> None:
    """promtool plays an hour for each case: the one alarm fires, or none."""
    tests = [unit(case, fires=fires) for case in CASES]
    file = tmp_path / "alarms.yaml"
    file.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": "15s", "tests": tests}))
    promtool("test", "rules", file)


@pytest.mark.parametrize("rule", read_rules(), ids=lambda rule: str(rule["alert"]))
def test_alarm_says_what_to_do_and_where_to_read_on(rule: Any) -> None:
    path, _, anchor = rule["annotations"]["runbook"].partition("#")
    assert anchor in read_anchors(ROOT / path)
    assert len(rule["annotations"]["description"].split(". ")) >= 2
    assert anchor == rule["alert"].lower()
