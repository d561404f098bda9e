"""kill -9 of the server amid 200 batches: what was acknowledged is whole, nothing is half there (EV2, L7)."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from sqlalchemy import func, select

from storage.counts import fetch_event_rows
from storage.engine import Database
from storage.tables import event_objects, events
from tests.processes import NO_TLS, GatewayProcess

INGEST = """
mutation ($input: IngestEventsInput!) { ingestEvents(input: $input) { results { id outcome } } }
"""
BATCHES, EVENTS, SENDERS = 200, 15, 4


def _event_id(batch: int, place: int) -> str:
    return f"01900000-0000-7000-8000-{batch:08x}{place:04x}"


def _batch(batch: int) -> list[dict[str, Any]]:
    """Two objects per event, some of them new: what is stored in one transaction spans many tables."""
    return [
        {
            "id": _event_id(batch, place),
            "eventType": "audit",
            "source": "host-1",
            "message": f"batch {batch}, event {place}",
            "objects": [
                {"objectType": "instance", "objectId": f"i-{batch % 7}"},
                {"objectType": "disk", "objectId": f"d-{batch}-{place % 3}"},
            ],
        }
        for place in range(EVENTS)
    ]


async def _send(client: httpx2.AsyncClient, batch: int) -> list[str] | None:
    """Give the outcomes of a batch, or None when the server died on it."""
    try:
        body = {"query": INGEST, "variables": {"input": {"events": _batch(batch)}}}
        answer = (await client.post("/graphql", json=body)).json()
    except httpx2.TransportError:
        return None
    results = answer["data"]["ingestEvents"]["results"]
    assert [result["id"] for result in results] == [_event_id(batch, place) for place in range(EVENTS)]
    return [result["outcome"] for result in results]


async def _send_all(url: str, batches: range, *, acknowledged: Callable[[int, list[str]], None]) -> None:
    waiting = iter(batches)

    async def sender() -> None:
        async with httpx2.AsyncClient(base_url=url, timeout=30, verify=NO_TLS) as client:
            for batch in waiting:
                outcomes = await _send(client, batch)
                if outcomes is None:
                    return
                acknowledged(batch, outcomes)

    await asyncio.gather(*(sender() for _ in range(SENDERS)))


async def _stored(database: Database) -> dict[int, tuple[int, int]]:
    """Give (events, references) of each batch that is there at all."""
    counts: dict[str, Counter[int]] = {"events": Counter(), "references": Counter()}
    async with database.reading() as connection:
        for name, column in (("events", events.c.id), ("references", event_objects.c.event_id)):
            for (event_id,) in await connection.execute(select(column)):
                counts[name][int(event_id.replace("-", "")[-12:-4], 16)] += 1
    return {batch: (counts["events"][batch], counts["references"][batch]) for batch in counts["events"]}


@pytest.mark.parametrize("backend", ["sqlite", "aiomysql"])
async def test_kill_in_the_middle_of_200_batches(
    backend: str, new_database_url: Callable[[str], str], gateway_process: Callable[..., GatewayProcess]
) -> None:
    url = new_database_url(backend)
    gateway = gateway_process(url)
    first: dict[int, list[str]] = {}

    def count_and_kill(batch: int, outcomes: list[str]) -> None:
        first[batch] = outcomes
        if len(first) == BATCHES // 3:
            gateway.kill()

    await _send_all(gateway.url, range(BATCHES), acknowledged=count_and_kill)
    assert BATCHES // 3 <= len(first) < BATCHES
    assert {outcome for outcomes in first.values() for outcome in outcomes} == {"ACCEPTED"}

    database = await Database.open(url)
    stored = await _stored(database)
    whole = (EVENTS, EVENTS * 2)
    assert dict.fromkeys(stored, whole) == stored
    assert first.keys() <= stored.keys()
    assert await fetch_event_rows(database) == EVENTS * len(stored)

    gateway.start()
    again: dict[int, list[str]] = {}
    await _send_all(gateway.url, range(BATCHES), acknowledged=again.__setitem__)
    assert again == {batch: ["DUPLICATE" if batch in stored else "ACCEPTED"] * EVENTS for batch in range(BATCHES)}
    assert await _stored(database) == dict.fromkeys(range(BATCHES), whole)
    assert await fetch_event_rows(database) == EVENTS * BATCHES
    async with database.reading() as connection:
        lonely = select(func.count()).select_from(events).where(events.c.id.not_in(select(event_objects.c.event_id)))
        assert (await connection.execute(lonely)).scalar_one() == 0
    await database.close()
