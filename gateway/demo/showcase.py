"""Showcase: what in the demo history is worth a look, as links into GraphiQL and a line for the shell.

The names below stay the same for every number of events and every day; only the request's id carries the seed.
"""

import shlex
from typing import NamedTuple
from urllib.parse import quote

import orjson

DEFAULT_SEED = 1

CLUSTER_NAMESPACE = "default"
SYNC_NAMESPACE = "library-photos"
API_NAMESPACE = "nuvla"
EDGE_NAMESPACE = "edge"

BUSY_NODE = "sf-1"
"""The node of the cluster that nearly everything touches."""
LOST_NODE = "sf-4"
"""The node that goes down twice."""
FAILING_PEER = "phone-ben"
"""The device with which syncing keeps failing."""


def failed_request_id(seed: int = DEFAULT_SEED) -> str:
    """Give the id of the request that fails: everything it did is one query."""
    return f"d3a0f11d-0000-4000-8000-{seed % 2**48:012x}"


class Exhibit(NamedTuple):
    """Something to look at: a title, and the query that shows it."""

    title: str
    query: str


BUSY_NODE_TIMELINE = Exhibit(
    "What went wrong on the cluster's busiest node",
    f"""\
# {BUSY_NODE} is touched by thousands of events; this page costs what a page costs.
{{
  object(namespace: "{CLUSTER_NAMESPACE}", objectType: "node", objectId: "{BUSY_NODE}") {{
    firstEventAt
    lastEventAt
    timeline(first: 20, filter: {{ minSeverity: ERROR }}) {{
      nodes {{
        timestamp eventType severity message durationMs
        objects {{ role object {{ objectType objectId }} }}
      }}
      pageInfo {{ hasNextPage endCursor }}
    }}
  }}
}}
""",
)

FAILING_PEER_LOG = Exhibit(
    f"Why syncing with {FAILING_PEER} fails",
    f"""\
# Everything from WARNING up that names this peer, with the session it belongs to.
{{
  events(
    first: 25
    filter: {{
      namespaces: ["{SYNC_NAMESPACE}"]
      objects: [{{ objectType: "device", objectId: "{FAILING_PEER}", role: "peer" }}]
      minSeverity: WARNING
    }}
  ) {{
    nodes {{ timestamp source eventType category severity message correlationId recordCount durationMs extra }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}
""",
)

BULK_ACTIONS = Exhibit(
    "Bulk actions, one child per resource, some of them failed",
    f"""\
# Events form a tree: the bulk action, an update per deployment, and how each of them ended.
{{
  events(first: 3, filter: {{ namespaces: ["{API_NAMESPACE}"], eventTypes: ["deployment.bulk-update"] }}) {{
    nodes {{
      timestamp message actor actorClaim
      children(first: 20) {{
        nodes {{
          timestamp eventType severity success message
          objects {{ object {{ objectType objectId }} }}
          children {{ nodes {{ timestamp eventType success durationMs message }} }}
        }}
      }}
    }}
  }}
}}
""",
)

LINKED = (BUSY_NODE_TIMELINE, FAILING_PEER_LOG, BULK_ACTIONS)


def failed_request(seed: int = DEFAULT_SEED) -> Exhibit:
    """Give the trail of the request that fails: every event from the API down to the node, oldest first."""
    return Exhibit(
        "Everything that one failed request did",
        f"""\
{{
  request(requestId: "{failed_request_id(seed)}") {{
    durationMs worstSeverity
    events {{ nodes {{ timestamp source eventType severity message durationMs }} }}
  }}
}}
""",
    )


def graphiql_link(exhibit: Exhibit, *, server: str) -> str:
    """Give the address at which GraphiQL opens with the query filled in."""
    return f"{server}/graphiql?query={quote(exhibit.query, safe='')}"


def curl_line(exhibit: Exhibit, *, server: str) -> str:
    """Give one line for the shell that sends the query."""
    body = orjson.dumps({"query": " ".join(exhibit.query.split())}).decode()
    return f"curl -s {server}/graphql -H 'content-type: application/json' -d {shlex.quote(body)}"
