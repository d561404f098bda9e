"""The database goes away and comes back: errors that say so, in time, and service that returns by itself (EV6)."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.databases import MARIADB_DRIVERS, MariaServer, free_port
from tests.processes import GatewayProcess, run_timeloom
from tests.waiting import wait_for

QUERY = "{ events(first: 1) { nodes { id } } }"
INGEST = "mutation ($input: IngestEventsInput!) { ingestEvents(input: $input) { accepted } }"
BATCH = {"input": {"events": [{"eventType": "t", "source": "s", "message": "m"}]}}
LIMITS = {"TIMELOOM_STATEMENT_TIMEOUT_SECONDS": "1", "TIMELOOM_CONNECT_TIMEOUT_SECONDS": "1"}
WITHIN_SECONDS = 10.0

Launch = Callable[..., GatewayProcess]


@pytest.fixture(params=MARIADB_DRIVERS)
def served(
    request: pytest.FixtureRequest, own_mariadb_server: MariaServer, gateway_process: Launch, tmp_path: Any
) -> GatewayProcess:
    """A gateway on a database server that the test may end."""
    own_mariadb_server.create_database("down")
    url = own_mariadb_server.url(request.param, "down")
    run_timeloom("migrate", "--database", url, directory=tmp_path)
    gateway = gateway_process(url, settings=LIMITS)
    assert gateway.execute(INGEST, BATCH) == {"ingestEvents": {"accepted": 1}}
    return gateway


def refusals(answer: dict[str, Any]) -> list[tuple[str, bool]]:
    return [(error["extensions"]["code"], error["extensions"].get("retryable", False)) for error in answer["errors"]]


def readiness(gateway: GatewayProcess) -> int:
    return gateway.get("/readyz", timeout=WITHIN_SECONDS).status_code


def test_a_killed_server_gives_unavailable_and_service_comes_back(
    served: GatewayProcess, own_mariadb_server: MariaServer
) -> None:
    own_mariadb_server.kill()
    for query, variables in ((QUERY, None), (INGEST, BATCH)):
        began = time.monotonic()
        answer = served.post({"query": query, "variables": variables}, timeout=60)
        assert refusals(answer) == [("UNAVAILABLE", True)]
        assert set((answer.get("data") or {"-": None}).values()) == {None}, "never an empty list"
        if query == QUERY:
            assert time.monotonic() - began < WITHIN_SECONDS
    assert readiness(served) == 503
    assert served.get("/healthz").status_code == 200

    own_mariadb_server.start()
    served.wait_until_ready()
    assert len(served.execute(QUERY)["events"]["nodes"]) == 1
    assert served.execute(INGEST, BATCH) == {"ingestEvents": {"accepted": 1}}


def test_a_frozen_server_gives_an_answer_within_the_limits(
    served: GatewayProcess, own_mariadb_server: MariaServer
) -> None:
    own_mariadb_server.pause()
    try:
        began = time.monotonic()
        answer = served.post({"query": QUERY}, timeout=60)
        assert time.monotonic() - began < WITHIN_SECONDS
        assert [code for code, _ in refusals(answer)] in (["UNAVAILABLE"], ["TIMEOUT"])
        assert readiness(served) == 503
    finally:
        own_mariadb_server.resume()
    served.wait_until_ready()
    assert len(served.execute(QUERY)["events"]["nodes"]) == 1


def test_a_gateway_starts_before_its_database(
    own_mariadb_server: MariaServer, gateway_process: Launch, tmp_path: Any
) -> None:
    own_mariadb_server.create_database("late")
    url = own_mariadb_server.url("aiomysql", "late")
    run_timeloom("migrate", "--database", url, directory=tmp_path)
    own_mariadb_server.stop()
    gateway = gateway_process(url, start=False, settings=LIMITS)
    gateway.start(ready=False)
    gateway.wait_until_ready(status=503)
    assert refusals(gateway.post({"query": QUERY})) == [("UNAVAILABLE", True)]
    own_mariadb_server.start()
    gateway.wait_until_ready()
    assert gateway.execute(QUERY) == {"events": {"nodes": []}}


def test_a_gateway_does_not_work_on_an_unmigrated_database_that_came_up_late(
    own_mariadb_server: MariaServer, gateway_process: Launch
) -> None:
    own_mariadb_server.create_database("bare")
    own_mariadb_server.stop()
    gateway = gateway_process(own_mariadb_server.url("aiomysql", "bare"), start=False, settings=LIMITS)
    gateway.start(ready=False)
    gateway.wait_until_ready(status=503)
    own_mariadb_server.start()

    def reasons() -> str:
        return str(gateway.get("/readyz", timeout=WITHIN_SECONDS).json()["reasons"])

    wait_for(lambda: "timeloom migrate" in reasons(), "the reason in /readyz")
    assert refusals(gateway.post({"query": QUERY})) == [("UNAVAILABLE", True)]


def test_a_wrong_address_is_told_at_the_start_and_by_readyz(gateway_process: Launch) -> None:
    url = f"mariadb+aiomysql://me:s3cret@127.0.0.1:{free_port()}/nothing"
    gateway = gateway_process(url, start=False, settings=LIMITS)
    gateway.start(ready=False)
    gateway.wait_until_ready(status=503)
    assert "the database cannot be reached yet" in gateway.log()
    assert "s3cret" not in gateway.log()
