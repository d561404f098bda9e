"""Audit: the events that the gateway writes by itself.

What it tells of itself stands in the namespace `timeloom`, which is closed to clients. Events there are outside of
every filter that deletes and of every policy that does not name that namespace (NU5, L4).
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from mutations.validation import OWN_NAMESPACE
from storage.appends import Batch, EventRow
from storage.identifiers import new_event_id, uuid_to_bytes
from storage.identities import AudienceName
from storage.records import LinkRecord
from storage.severities import Severity

SOURCE = "timeloom"
CATEGORY = "audit"


def audit_batch(
    event_type: str,
    message: str,
    *,
    extra: Mapping[str, Any],
    now: int,
    actor: str | None = None,
    severity: Severity = Severity.NOTICE,
    objects: tuple[LinkRecord, ...] = (),
) -> Batch:
    """Make the batch of one event in the gateway's own namespace; `now` in microseconds UTC.

    Storing it together with what it tells of is the caller's: `storage.appends.prepare_append`.
    """
    event = own_event(
        event_type,
        message,
        audience=AudienceName(OWN_NAMESPACE, None, None),
        category=CATEGORY,
        severity=severity,
        extra=extra,
        now=now,
        actor=actor,
        objects=objects,
    )
    return Batch([event], now)


def own_event(
    event_type: str,
    message: str,
    *,
    audience: AudienceName,
    category: str,
    severity: Severity,
    extra: Mapping[str, Any],
    now: int,
    actor: str | None,
    objects: tuple[LinkRecord, ...] = (),
    request_id: str | None = None,
    success: bool | None = None,
    duration_ms: float | None = None,
) -> EventRow:
    """Make an event that the gateway writes by itself, in any namespace; `now` in microseconds UTC.

    No registry, quota or limit of ingest is asked. `objects` names each object once.
    """
    text = orjson.dumps(dict(extra), option=orjson.OPT_SORT_KEYS).decode()
    event_id = new_event_id()
    content = f"{event_type}\0{actor or ''}\0{message}\0{text}".encode()
    return EventRow(
        id=event_id,
        id_given=False,
        audience=audience,
        event_type=event_type,
        category=category,
        severity=int(severity),
        severity_text=None,
        occurred_at=now,
        source=SOURCE,
        message=message,
        extra=text,
        duration_ms=duration_ms,
        success=success,
        actor=actor,
        actor_claim=None,
        session_id=None,
        request_id=request_id,
        correlation_id=None,
        parent_id=None,
        trace_id=None,
        span_id=None,
        parent_span_id=None,
        registration_id=None,
        record_count=None,
        objects=objects,
        content_hash=hashlib.blake2b(uuid_to_bytes(event_id) + content, digest_size=16).digest(),
    )
