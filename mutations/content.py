"""Content: what decides whether two events with one id are the same event (I2, I3, I14)."""

import hashlib

import msgspec

from mutations.drafts import EventDraft


class _Content(msgspec.Struct, omit_defaults=True):
    """What of an event is content. What is null is left out: a field that comes later changes no older hash.

    So fields are only ever added at the end, without a default but None, and never renamed.
    """

    event_type: str
    source: str
    message: str
    objects: list[tuple[str, str, str, str]] | None = None
    timestamp: int | None = None
    namespace: str | None = None
    category: str | None = None
    severity: str | None = None
    severity_text: str | None = None
    extra: msgspec.Raw | None = None
    duration_ms: float | None = None
    success: bool | None = None
    actor: str | None = None
    actor_claim: str | None = None
    session_id: str | None = None
    request_id: str | None = None
    correlation_id: str | None = None
    parent_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    registration_id: str | None = None
    record_count: int | None = None
    owner: str | None = None
    visible_to: list[str] | None = None


_encode = msgspec.json.Encoder().encode


def hash_content(
    draft: EventDraft,
    *,
    extra: bytes | None,
    parent_id: str | None,
    registration_id: str | None,
    record_count: int | None,
    duration_ms: float | None,
) -> bytes:
    """Give 16 bytes that are equal for events of equal content, as their callers sent them.

    Null is absent; no default is filled in; ids, times and numbers of fields come in one form; objects, readers and the
    keys of `extra` (its canonical form) come sorted; its numbers stay as written. The id itself is not content.
    """
    sent = draft.objects
    objects = None
    if sent is not None:
        objects = sorted({(each.object_type, each.object_id, each.namespace or "", each.role or "") for each in sent})
    readers = draft.visible_to
    content = _Content(
        draft.event_type,
        draft.source,
        draft.message,
        objects,
        draft.timestamp,
        draft.namespace,
        draft.category,
        draft.severity,
        draft.severity_text,
        None if extra is None else msgspec.Raw(extra),
        duration_ms,
        draft.success,
        draft.actor,
        draft.actor_claim,
        draft.session_id,
        draft.request_id,
        draft.correlation_id,
        parent_id,
        draft.trace_id,
        draft.span_id,
        draft.parent_span_id,
        registration_id,
        record_count,
        draft.owner,
        None if readers is None else sorted(set(readers)),
    )
    return hashlib.blake2b(_encode(content), digest_size=16).digest()
