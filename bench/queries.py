"""Queries: the documents that are timed, and the bodies and requests that carry them."""

from collections.abc import Sequence
from typing import Any

import orjson

GRAPHQL_PATH = "/graphql"
CONNECTION_EVENTS = 200

BARE = "{ __typename }"
TIMELINE = """query Timeline($type: String!, $id: String!, $first: Int!, $after: String) {
  object(objectType: $type, objectId: $id) {
    timeline(first: $first, after: $after) {
      nodes { id timestamp eventType severity source message requestId durationMs }
    }
  }
}"""
CONNECTION = """query Connection($type: String!, $id: String!, $first: Int!, $after: String) {
  object(objectType: $type, objectId: $id) {
    timeline(first: $first, after: $after) {
      edges { cursor node { id timestamp eventType objects { role object { objectType objectId } } } }
      pageInfo { hasNextPage endCursor }
    }
  }
}"""
PAGE = """query Page($type: String!, $id: String!, $first: Int!, $after: String) {
  object(objectType: $type, objectId: $id) {
    timeline(first: $first, after: $after) {
      nodes { id timestamp eventType severity source message requestId durationMs }
      pageInfo { endCursor }
    }
  }
}"""
CURSOR = """query Cursor($type: String!, $id: String!, $first: Int!, $after: String) {
  object(objectType: $type, objectId: $id) { timeline(first: $first, after: $after) { pageInfo { endCursor } } }
}"""
DASHBOARD = """query Dashboard($filter: EventFilter!, $since: DateTime!, $until: DateTime!, $fields: [GroupField!]!) {
  histogram(filter: $filter, since: $since, until: $until, buckets: 60, groupBy: SEVERITY) {
    since until bucketMs searchedTo total { value kind } series { value other counts }
  }
  facets(filter: $filter, since: $since, until: $until, fields: $fields) {
    field kind otherCount searchedTo values { value count }
  }
  events(filter: $filter, first: 50) {
    nodes { id timestamp eventType severity source message requestId durationMs }
  }
}"""
EVENTS = """query Events($filter: EventFilter!, $first: Int!) {
  events(filter: $filter, first: $first) {
    nodes { id timestamp eventType severity source message requestId durationMs }
    pageInfo { hasNextPage endCursor }
    searchedTo
  }
}"""
INGEST = """mutation Ingest($input: IngestEventsInput!) {
  ingestEvents(input: $input) { accepted duplicates conflicts rejected }
}"""


def timeline_body(target: tuple[str, str], first: int, after: str | None = None, query: str = TIMELINE) -> bytes:
    """Ask for a page of the timeline of an object, given by type and id."""
    variables = {"type": target[0], "id": target[1], "first": first, "after": after}
    return orjson.dumps({"query": query, "variables": variables})


def dashboard_body(filter_: dict[str, Any], period: tuple[str, str], fields: Sequence[str]) -> bytes:
    """Ask for a whole dashboard in one request: a histogram by severity, facets of these fields, the 50 newest."""
    variables = {"filter": filter_, "since": period[0], "until": period[1], "fields": fields}
    return orjson.dumps({"query": DASHBOARD, "variables": variables})


def events_body(filter_: dict[str, Any], first: int) -> bytes:
    """Ask for the newest events that a filter means."""
    return orjson.dumps({"query": EVENTS, "variables": {"filter": filter_, "first": first}})


def ingest_body(events: list[dict[str, Any]]) -> bytes:
    """Ask for events to be stored; they are given as clients send them."""
    return orjson.dumps({"query": INGEST, "variables": {"input": {"events": events}}})


def bare_body() -> bytes:
    """Ask for nothing."""
    return orjson.dumps({"query": BARE})


def to_request(path: str, body: bytes) -> bytes:
    """Give the bytes of a POST of JSON."""
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body
