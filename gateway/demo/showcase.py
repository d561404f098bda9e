"""Showcase: what in the demo history is worth a look: links to GraphiQL's examples and a line for the shell.

The names below are the same for every seed, number of events and day, so that examples and documents can rely on them.
"""

import shlex
from collections.abc import Iterator
from typing import NamedTuple

import orjson

CLUSTER_NAMESPACE = "default"
SYNC_NAMESPACE = "library-photos"
API_NAMESPACE = "nuvla"
EDGE_NAMESPACE = "edge"

BUSY_NODE = "sf-1"
"""The node of the cluster that most things touch."""
LOST_NODE = "sf-4"
"""The node that goes down, twice."""
FAILING_PEER = "phone-ben"
"""The device with which syncing keeps failing."""
FAILED_SESSION_ID = "0f1e2d3c-4b5a-4968-8776-655443322110"
"""The last of its sessions, and what that lost (a correlation)."""
SLOW_SESSION_ID = "5106ba5e-0d1e-4c2b-a394-8576c7d8e9fa"
"""The backfill that took an hour (a correlation)."""
FAILED_REQUEST_ID = "5e7a8f10-31c2-4d6b-9a54-0f1e2d3c4b5a"
"""The request that could not start an instance: everything it did is one query."""


class Exhibit(NamedTuple):
    """Something to look at, and the example of the GraphiQL page (web/src/examples.json) that shows it."""

    title: str
    example: str


EXHIBITS = (
    Exhibit("A request that failed: every step, every object, down to the node", "one-request"),
    Exhibit("Bulk actions as trees of events, and which parts of them failed", "bulk-actions"),
    Exhibit(f"Why syncing with {FAILING_PEER} fails", "failing-peer"),
    Exhibit("What is still wrong: the last error of each object that nothing has closed", "what-is-still-wrong"),
)

OUTAGE_QUERY = (
    f'{{ object(namespace: "{CLUSTER_NAMESPACE}", objectType: "node", objectId: "{LOST_NODE}") '
    "{ timeline(first: 5, filter: { minSeverity: ERROR }) { nodes { timestamp severity message } } } }"
)
"""What went wrong last on the node that goes down."""


def describe_exhibits(server: str) -> Iterator[str]:
    """Give the lines to print: a title and a link for each exhibit, then one line for the shell.

    `server` is the address of the gateway, such as http://127.0.0.1:8000.
    """
    for exhibit in EXHIBITS:
        yield f"{exhibit.title}:"
        yield f"  {server}/graphiql?example={exhibit.example}"
    body = orjson.dumps({"query": OUTAGE_QUERY}).decode()
    yield f"What went wrong on {LOST_NODE}, from the shell:"
    yield f"  curl -s {server}/graphql -H 'content-type: application/json' -d {shlex.quote(body)}"
