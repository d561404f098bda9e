"""SIGTERM: the server stops taking requests, finishes those under way, gives its leases back and ends with 0."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.databases import MariaServer
from tests.processes import NO_TLS, GatewayProcess
from tests.waiting import wait_for

INGEST = "mutation ($input: IngestEventsInput!) { ingestEvents(input: $input) { accepted duplicates } }"
IDS = (
    "query ($after: String) { events(first: 1000, after: $after) { nodes { id } pageInfo { endCursor hasNextPage } } }"
)

Launch = Callable[..., GatewayProcess]


def batch(number: int, size: int = 20) -> dict[str, Any]:
    ids = [f"00000000-0000-7000-8000-{number:06d}{place:06d}" for place in range(size)]
    return {"input": {"events": [{"id": each, "eventType": "t", "source": "s", "message": "m"} for each in ids]}}


def stored_ids(gateway: GatewayProcess) -> set[str]:
    found: set[str] = set()
    after = None
    while True:
        page = gateway.execute(IDS, {"after": after})["events"]
        found.update(node["id"] for node in page["nodes"])
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


def sent_batches(gateway: GatewayProcess, acknowledged: list[int]) -> None:
    """Send batches on one connection until the server takes no more."""
    with httpx2.Client(timeout=30, verify=NO_TLS) as client:
        for number in range(1_000_000):
            body = {"query": INGEST, "variables": batch(number)}
            try:
                answer = client.post(f"{gateway.url}/graphql", json=body).json()
            except httpx2.TransportError:
                return
            if answer["data"]["ingestEvents"]["accepted"] == 20:
                acknowledged.append(number)


@pytest.mark.parametrize(("backend", "workers"), [("sqlite", 1), ("asyncmy", 1), ("aiomysql", 2)])
def test_what_was_acknowledged_is_stored_and_nothing_else_is_half_there(
    new_database_url: Callable[[str], str], gateway_process: Launch, backend: str, workers: int
) -> None:
    gateway = gateway_process(new_database_url(backend), arguments=["--workers", str(workers)])
    acknowledged: list[int] = []
    sender = threading.Thread(target=sent_batches, args=(gateway, acknowledged))
    sender.start()
    wait_for(lambda: len(acknowledged) > 20, "the first batches")
    assert gateway.terminate() == 0
    sender.join()
    gateway.start()
    stored = stored_ids(gateway)
    expected = {event["id"] for number in acknowledged for event in batch(number)["input"]["events"]}
    assert expected <= stored
    assert len(stored) % 20 == 0


@pytest.fixture
def locked_batch(mariadb_server: MariaServer, new_database_url: Callable[[str], str]) -> Iterator[tuple[str, Any]]:
    """A database, and a connection for a transaction that lets nobody insert events."""
    url = new_database_url("aiomysql")
    blocker = mariadb_server.connect(url.rsplit("/", 1)[1])
    yield url, blocker
    blocker.close()


def test_a_request_under_way_is_finished_and_the_next_one_is_not_taken(
    locked_batch: tuple[str, Any], gateway_process: Launch
) -> None:
    url, blocker = locked_batch
    gateway = gateway_process(url)
    gateway.execute(INGEST, batch(0))
    cursor = blocker.cursor()
    cursor.execute("BEGIN")
    cursor.execute("SELECT COUNT(*) FROM events FOR UPDATE")
    answers: list[dict[str, Any]] = []
    request = threading.Thread(
        target=lambda: answers.append(gateway.post({"query": INGEST, "variables": batch(1)}, timeout=60))
    )
    request.start()
    monitor = blocker.cursor()

    def is_waiting() -> bool:
        # Not information_schema.innodb_trx: whoever asks it again within 0.1 s gets the old answer, for ever.
        monitor.execute("SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'")
        return bool(int(monitor.fetchone()[1]))

    wait_for(is_waiting, "the batch to wait for the lock")
    ended: list[int] = []
    stop = threading.Thread(target=lambda: ended.append(gateway.terminate()))
    stop.start()
    wait_for(lambda: not is_listening(gateway), "the server to close its socket")
    assert (answers, ended) == ([], [])
    cursor.execute("ROLLBACK")
    request.join()
    stop.join()
    assert [answer["data"]["ingestEvents"] for answer in answers] == [{"accepted": 20, "duplicates": 0}]
    assert ended == [0]


def is_listening(gateway: GatewayProcess) -> bool:
    try:
        socket.create_connection(("127.0.0.1", gateway.port), timeout=1).close()
    except OSError:
        return False
    return True


def test_an_idle_server_ends_at_once_with_open_connections(
    new_database_url: Callable[[str], str], gateway_process: Launch
) -> None:
    gateway = gateway_process(new_database_url("aiomysql"))
    with httpx2.Client(verify=NO_TLS) as client:
        client.get(f"{gateway.url}/healthz")
        began = time.monotonic()
        assert gateway.terminate() == 0
    assert time.monotonic() - began < 5
    assert "Traceback" not in gateway.log()


def test_the_sequencer_of_the_next_server_does_not_wait_for_a_lease_to_expire(
    new_database_url: Callable[[str], str], gateway_process: Launch
) -> None:
    """Leases are given back at the end: a restart costs no pause in positions."""
    gateway = gateway_process(new_database_url("asyncmy"))
    gateway.execute(INGEST, batch(0))
    wait_for(lambda: position(gateway) > 0, "the first position")
    gateway.restart()
    before = position(gateway)
    gateway.execute(INGEST, batch(1))
    began = time.monotonic()
    wait_for(lambda: position(gateway) > before, "the next position")
    assert time.monotonic() - began < 2


def position(gateway: GatewayProcess) -> int:
    return int(gateway.execute("{ events(first: 1) { livePosition } }")["events"]["livePosition"])


def test_logs_are_lines_of_json_to_the_end(new_database_url: Callable[[str], str], gateway_process: Launch) -> None:
    gateway = gateway_process(new_database_url("sqlite"), settings={"TIMELOOM_LOG_FORMAT": "json"})
    gateway.terminate()
    events = [json.loads(line)["event"] for line in Path(gateway.log_file).read_text().splitlines()]
    assert [events[1], events[-1]] == ["serving", "stopped"]
