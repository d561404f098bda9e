"""/metrics: what is counted, with which labels, and that labels never hold what a client wrote (GQ7)."""

import os
import re
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx2
import pytest

from gateway.metrics import Metrics, metrics_directory
from mutations.upkeep import UpkeepReport
from storage.count_checks import Drift, SumTable
from storage.engine import StatementEvent
from tests.gateway.serving import post, serve_in_process

INGEST = "mutation ($input: IngestEventsInput!) { ingestEvents(input: $input) { accepted } }"


@pytest.fixture
async def client(new_database_url: Callable[[str], str]) -> AsyncIterator[httpx2.AsyncClient]:
    async with serve_in_process(new_database_url("sqlite")) as opened:
        yield opened


async def read(client: httpx2.AsyncClient) -> dict[str, float]:
    """The samples by name and labels, without times of creation."""
    response = await client.get("/metrics")
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = [line.rsplit(" ", 1) for line in response.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines if "_created" not in name}


async def test_requests_and_errors_are_counted(client: httpx2.AsyncClient) -> None:
    await post(client, "{ __typename }")
    await post(client, "{ nothing }")
    await client.get("/secret-of-a-client")
    samples = await read(client)
    assert samples['timeloom_http_requests_total{route="/graphql",status="200"}'] == 1
    assert samples['timeloom_http_requests_total{route="/graphql",status="400"}'] == 1
    assert samples['timeloom_http_requests_total{route="other",status="404"}'] == 1
    assert samples['timeloom_http_request_seconds_count{route="/graphql"}'] == 2
    assert samples['timeloom_errors_total{code="VALIDATION_FAILED"}'] == 1
    assert not any("secret" in name for name in samples)


async def test_outcomes_and_inserted_events_are_counted_by_known_type(client: httpx2.AsyncClient) -> None:
    event = {"source": "s", "message": "m"}
    types = ["audit", "audit", "peer_connected", "my own", "another own"]
    events = [{**event, "eventType": name, "objects": [{"objectType": "a", "objectId": "b"}]} for name in types]
    await post(client, INGEST, {"input": {"events": [*events, {**event, "eventType": "audit", "id": "bad"}]}})
    samples = await read(client)
    inserted = {name: value for name, value in samples.items() if name.startswith("timeloom_events_inserted")}
    assert inserted == {
        'timeloom_events_inserted_total{event_type="audit"}': 2,
        'timeloom_events_inserted_total{event_type="peer_connected"}': 1,
        'timeloom_events_inserted_total{event_type="other"}': 2,
    }
    assert samples['timeloom_ingest_outcomes_total{outcome="ACCEPTED"}'] == 5
    assert samples['timeloom_ingest_outcomes_total{outcome="REJECTED"}'] == 1


async def test_loader_batches_statements_and_pools_are_measured(client: httpx2.AsyncClient) -> None:
    """GQ2, GQ7"""
    link = [{"objectType": "a", "objectId": "b"}]
    events = [{"eventType": "audit", "source": "s", "message": "m", "objects": link} for _ in range(3)]
    await post(client, INGEST, {"input": {"events": events}})
    before = await read(client)
    await post(client, "{ events { nodes { id objects { role object { objectId } } } } }")
    samples = await read(client)
    assert samples['timeloom_loader_batch_keys_sum{loader="links_by_event"}'] == 3
    assert samples['timeloom_loader_batch_keys_count{loader="links_by_event"}'] == 1
    selects = 'timeloom_statement_seconds_count{kind="select"}'
    assert samples[selects] > before[selects]
    assert before['timeloom_statement_seconds_count{kind="insert"}'] > 0
    assert samples["timeloom_pool_size"] > 0
    assert "timeloom_pool_checked_out" in samples


def test_statements_are_told_apart_by_their_first_word() -> None:
    metrics = Metrics()
    for sql in (
        "SELECT 1",
        "(select 1)",
        "\nWITH a AS (SELECT 1) SELECT 1",
        "INSERT INTO a",
        "PRAGMA x",
        "",
        "update a",
    ):
        metrics.statement(StatementEvent(sql, 0.001, 1, failed=sql == "PRAGMA x"))
    text = metrics.render().decode()
    counts = dict(re.findall(r'timeloom_statement_seconds_count\{kind="(\w+)"\} (\S+)', text))
    assert counts == {"select": "2.0", "with": "1.0", "insert": "1.0", "other": "2.0", "update": "1.0"}
    assert 'timeloom_failed_statements_total{kind="other"} 1.0' in text


def test_directories_of_killed_servers_are_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ended = subprocess.Popen(["true"])
    ended.wait()
    names = [
        f"timeloom-metrics-{ended.pid}-abc",
        f"timeloom-metrics-{os.getpid()}-abc",
        "timeloom-metrics-x",
        "other-1",
    ]
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "counter_1.db").touch()
    with metrics_directory() as directory:
        assert Path(directory).is_dir()
    assert {path.name for path in tmp_path.iterdir()} == set(names[1:])


def test_event_rows_is_a_gauge_set_from_the_counts() -> None:
    metrics = Metrics()
    metrics.event_rows(7)
    assert "timeloom_event_rows 7.0" in metrics.render().decode()


def test_upkeep_and_what_waits_are_shown() -> None:
    """Issue 5: a check that could not be made leaves the drift as it was."""
    metrics = Metrics()
    drift = Drift(SumTable.MINUTES, 1, 60, "audit", 1, -1, 2, 2)
    metrics.waiting(sequencer_seconds=1.5, deltas=7)
    metrics.upkeep(UpkeepReport(3, 2, 1, 60, [drift], 5))
    metrics.upkeep(UpkeepReport(1, 0, 0, None, None))
    shown = metrics.render().decode()
    for line in (
        "timeloom_sequencer_seconds_behind 1.5",
        "timeloom_fold_waiting_deltas 7.0",
        "timeloom_count_drift_rows 1.0",
        'timeloom_upkeep_removed_rows_total{kind="ids"} 4.0',
        'timeloom_upkeep_removed_rows_total{kind="operations"} 5.0',
    ):
        assert f"\n{line}\n" in shown
    metrics.upkeep(UpkeepReport(0, 0, 0, 60, []))
    assert "\ntimeloom_count_drift_rows 0.0\n" in metrics.render().decode()


async def test_deferred_events_are_told_and_counted(new_database_url: Callable[[str], str]) -> None:
    """EV10: the quota of the settings holds, is shown beside what has arrived, and has an outcome in the metrics."""
    document = """mutation ($input: IngestEventsInput!) {
      ingestEvents(input: $input) { accepted deferred results { outcome code } problems { index outcome code } }
    }"""
    event = {"eventType": "audit", "source": "s", "message": "m"}
    async with serve_in_process(new_database_url("sqlite"), quota_events_per_day=1) as client:
        answer = await post(client, document, {"input": {"events": [event, event]}})
        deferred = {"outcome": "DEFERRED", "code": "QUOTA_EXCEEDED"}
        assert answer.json()["data"]["ingestEvents"] == {
            "accepted": 1,
            "deferred": 1,
            "results": [{"outcome": "ACCEPTED", "code": None}, deferred],
            "problems": [{"index": 1, **deferred}],
        }
        usage = await post(client, "{ namespaces { name quotaEventsPerDay eventsToday } }")
        assert usage.json()["data"]["namespaces"] == [{"name": "default", "quotaEventsPerDay": 1, "eventsToday": 1}]
        assert (await read(client))['timeloom_ingest_outcomes_total{outcome="DEFERRED"}'] == 1
