"""`--workers N`: one address, several processes, one set of metrics, one sequencer; dead workers are replaced."""

import os
import re
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.processes import GatewayProcess
from tests.waiting import wait_for

INGEST = "mutation ($input: IngestEventsInput!) { ingestEvents(input: $input) { accepted } }"
REQUESTS = re.compile(r'^timeloom_http_requests_total\{route="/graphql",status="200"\} (\S+)$', re.MULTILINE)

Launch = Callable[..., GatewayProcess]


def children(pid: int) -> set[int]:
    """The worker processes of a gateway: its children but for the resource tracker of multiprocessing."""
    found = set()
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with suppress(OSError):  # it has just ended
            if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text():
                found.add(int(child))
    return found


def metrics(gateway: GatewayProcess) -> str:
    return gateway.get("/metrics").text


@pytest.fixture(params=["aiomysql"])
def served(
    request: pytest.FixtureRequest, new_database_url: Callable[[str], str], gateway_process: Launch
) -> GatewayProcess:
    """A gateway with two workers, both of which serve."""
    url = new_database_url(request.param)
    gateway = gateway_process(url, arguments=["--workers", "2"], settings={"TIMELOOM_POOL_SIZE": "3"})
    connections = 2 * (3 + 1) if request.param == "sqlite" else 2 * (3 + 3)  # SQLite has one writer
    wait_for(lambda: f"\ntimeloom_pool_size {connections}.0\n" in metrics(gateway), "both workers")
    return gateway


@pytest.mark.parametrize("served", ["sqlite", "asyncmy"], indirect=True)
def test_metrics_are_summed_over_the_workers_which_end_when_their_command_is_killed(served: GatewayProcess) -> None:
    """GQ7"""
    event = {"eventType": "audit", "source": "s", "message": "m"}
    for _ in range(40):  # each on its own connection, so that both workers get some
        assert served.execute(INGEST, {"input": {"events": [event]}}) == {"ingestEvents": {"accepted": 1}}
    wait_for(lambda: REQUESTS.findall(metrics(served)) == ["40.0"], "all requests to be counted")
    text = metrics(served)
    assert 'timeloom_events_inserted_total{event_type="audit"} 40.0' in text
    assert 'timeloom_ingest_outcomes_total{outcome="ACCEPTED"} 40.0' in text
    assert len(served.execute("{ events(first: 1000) { nodes { id } } }")["events"]["nodes"]) == 40
    workers = children(served.pid)
    os.kill(served.pid, signal.SIGKILL)
    wait_for(lambda: not any(is_running(pid) for pid in workers), "the workers to end")


def test_a_killed_worker_is_replaced_its_counts_stay_and_all_end_with_their_command(served: GatewayProcess) -> None:
    for _ in range(20):
        served.execute("{ __typename }")
    # A request is counted after it was answered: what a worker had not counted yet would be gone with it.
    wait_for(lambda: REQUESTS.findall(metrics(served)) == ["20.0"], "all requests to be counted")
    before = children(served.pid)
    assert len(before) == 2
    os.kill(min(before), signal.SIGKILL)

    def is_replaced() -> bool:
        now = children(served.pid)
        return len(now) == 2 and min(before) not in now

    wait_for(is_replaced, "a new worker")
    served.wait_until_ready()
    assert REQUESTS.findall(metrics(served)) == ["20.0"]
    workers = children(served.pid)
    assert served.terminate() == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
