"""Checks: whoever is compared answers the same and stores the same; otherwise nothing is timed."""

import json
from collections.abc import Mapping
from typing import Any

import orjson

from bench.clients import Connection
from bench.errors import BenchError
from bench.floor_ingest import EVENT_COLUMNS, REFERENCE_COLUMNS
from bench.history import History, to_input
from bench.queries import GRAPHQL_PATH, ingest_body, to_request
from bench.servers import Server
from bench.stores import Store

Asked = Mapping[str, tuple[Server, str]]
"""Servers by name, and the path that is asked."""


def ask(server: Server, path: str, body: bytes) -> bytes:
    """Send one request over a connection of its own. Raises BenchError unless the answer is a 200."""
    with Connection(server.port) as connection:
        return connection.exchange(to_request(path, body))


def require_same_answers(asked: Asked, body: bytes) -> None:
    """Ask everybody; the first one's answer counts. Raises BenchError.

    Bytes may differ only in blanks, in how characters are escaped, and in a zero after the decimal point.
    """
    answers = {name: ask(server, path, body) for name, (server, path) in asked.items()}
    (first, expected), *others = answers.items()
    for name, answer in others:
        if answer != expected and _parsed(answer) != _parsed(expected):
            shown = f"{expected[:600].decode()}\n{answer[:600].decode()}"
            raise BenchError(f"the answers of {first} and {name} are not the same:\n{shown}")


def _parsed(answer: bytes) -> Any:
    # Pairs, because the order of keys counts too.
    return json.loads(answer, object_pairs_hook=list)


def require_same_rows(store: Store, history: History, asked: Asked, *, size: int) -> None:
    """Let everybody store the same events, but for their ids, and compare what is in the tables then."""
    batch = history.batch(size)
    stored = {}
    for name, (server, path) in asked.items():
        ask(server, path, ingest_body([to_input(each) for each in history.with_new_ids(batch)]))
        stored[name] = _last_batch(store)
    (first, expected), *others = stored.items()
    for name, rows in others:
        if rows != expected:
            pairs = zip(expected, rows, strict=False)
            different = next((pair for pair in pairs if pair[0] != pair[1]), (len(expected), len(rows)))
            raise BenchError(f"{first} and {name} do not store the same:\n{different[0]}\n{different[1]}")


def _last_batch(store: Store) -> list[tuple[Any, ...]]:
    own = {"id", "event_id", "received_at", "content_hash", "batch_key"}
    events = ", ".join(f"events.{name}" for name in EVENT_COLUMNS if name not in own)
    references = ", ".join(f"place.{name}" for name in REFERENCE_COLUMNS if name not in own)
    last = "events.batch_key = (SELECT MAX(batch_key) FROM ingest_batches)"
    joined = "events JOIN event_objects AS place ON place.event_id = events.id"
    return [
        *store.query(f"SELECT {events} FROM events WHERE {last} ORDER BY batch_index"),
        *store.query(f"SELECT {references} FROM {joined} WHERE {last} ORDER BY batch_index, object_key"),
    ]


def require_counted(store: Store, gateway: Server) -> None:
    """Check that everybody who wrote told the counts about it. Raises BenchError."""
    [(stored,)] = store.query("SELECT COUNT(*) FROM events")
    query = "{ namespaces { eventCount { value } } }"
    answer = orjson.loads(ask(gateway, GRAPHQL_PATH, orjson.dumps({"query": query})))
    counted = sum(each["eventCount"]["value"] for each in answer["data"]["namespaces"])
    if counted != stored:
        raise BenchError(f"{stored} events are stored, the counts say {counted}: the floor writes too little")
