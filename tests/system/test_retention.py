"""Two gateways on one MariaDB: one of them runs retention; one that was stopped and wakes up writes nothing (GQ4)."""

import asyncio
import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from storage.engine import Database
from tests.mutations.retained import give_positions
from tests.processes import GatewayProcess
from tests.storage.histories import START, link, row, store
from tests.waiting import wait_for

EVENTS = 300
LEASE_SECONDS = 10.0
SETTINGS = {"TIMELOOM_REMOVAL_CHUNK_EVENTS": "1", "TIMELOOM_RETENTION_INTERVAL_SECONDS": "1000000000"}
RUN = "mutation { runRetention(input: {dryRun: false}) { run { id } } }"
STATE = """query ($id: ID!) { node(id: $id) { ... on RetentionRun { finishedAt completed eventsRemoved referencesRemoved
  byPolicy { policyName events references } } } }"""
LEFT = """{ events(first: 1, filter: {eventTypes: ["audit"]}) { totalCount { value } }
  trail: events(filter: {namespaces: ["timeloom"], eventTypes: ["prune"]}) { nodes { extra } } }"""


def removed(gateway: GatewayProcess) -> int:
    """How many events a gateway itself has removed by retention."""
    found = re.findall(r"^timeloom_retention_removed_events_total\{.*\} (.*)$", metrics(gateway), re.MULTILINE)
    return int(sum(map(float, found)))


def metrics(gateway: GatewayProcess) -> str:
    return gateway.get("/metrics", timeout=10).text


@pytest.mark.parametrize("backend", ["aiomysql"])
def test_who_was_stopped_in_a_chunk_writes_nothing_when_it_wakes(
    database_url: str, gateway_process: Callable[..., GatewayProcess]
) -> None:
    """Exactly one runs; stopped for three times the lease, the other finishes; every event is counted once."""
    asyncio.run(fill(database_url))
    pair = [gateway_process(database_url, settings=SETTINGS) for _ in range(2)]
    run_id = pair[0].execute(RUN)["runRetention"]["run"]["id"]
    assert pair[1].execute(RUN)["runRetention"]["run"]["id"] == run_id
    wait_for(lambda: max(map(removed, pair)) >= 20, "the first chunks")
    first, second = sorted(pair, key=removed, reverse=True)
    assert removed(second) == 0
    first.pause()
    stopped_at = time.monotonic()
    try:

        def run_has_ended() -> bool:
            return state(second, run_id)["finishedAt"] is not None

        wait_for(run_has_ended, "the run on the other gateway", seconds=120)
        wait_for(lambda: time.monotonic() > stopped_at + 3 * LEASE_SECONDS, "three times the lease", seconds=60)
        ended = state(second, run_id)
    finally:
        first.resume()
    by_first = removed(first)
    assert (ended["completed"], ended["eventsRemoved"], ended["referencesRemoved"]) == (True, EVENTS, EVENTS)
    assert {"policyName": "audit", "events": EVENTS, "references": EVENTS} in ended["byPolicy"]
    wait_for(lambda: removed(second) >= EVENTS - by_first - 1, "all that the other has removed to be counted")
    # The chunk during which it was stopped may have been committed and not been counted by it.
    assert removed(second) in (EVENTS - by_first, EVENTS - by_first - 1)
    # It notices that the lease is gone when it looks for work again; by then it has done whatever it was going to do.
    third = second.execute(RUN)["runRetention"]["run"]["id"]
    wait_for(lambda: state(second, third)["finishedAt"] is not None, "another run")
    assert state(second, run_id) == ended
    left = second.execute(LEFT)
    assert left["events"]["totalCount"]["value"] == 0
    runs = [node["extra"]["run"] for node in left["trail"]["nodes"]]
    assert sorted(runs) == sorted(each.removeprefix("retentionRun:") for each in (run_id, third))
    assert removed(first) <= by_first + 1


def state(gateway: GatewayProcess, run_id: str) -> dict[str, Any]:
    found: dict[str, Any] = gateway.execute(STATE, {"id": run_id})["node"]
    return found


async def fill(url: str) -> None:
    database = await Database.open(url)
    try:
        for first in range(1, EVENTS, 100):
            rows = [row(number, objects=(link("node", "n"),)) for number in range(first, first + 100)]
            await store(database, rows, received_at=START)
        await give_positions(database)
    finally:
        await database.close()
