"""Content: what decides whether two events with one id are the same event (I2, I3, I14)."""

import hashlib

import msgspec

from mutations.drafts import EventDraft

_encode = msgspec.json.Encoder().encode
_NOTHING = msgspec.Raw(b"null")


def hash_content(
    draft: EventDraft,
    *,
    extra: bytes | None,
    parent_id: str | None,
    registration_id: str | None,
    record_count: int | None,
) -> bytes:
    """Give 16 bytes that are equal for events of equal content, as their callers sent them.

    Null is absent; no default is filled in; ids, times and counts come in one form; objects, readers and the keys of
    `extra` (its canonical form) come sorted; its numbers stay as written. The id itself is not content.
    """
    objects = draft.objects
    if objects is not None:
        sent = sorted({(each.object_type, each.object_id, each.namespace or "", each.role or "") for each in objects})
    else:
        sent = None
    readers = draft.visible_to
    content = (
        draft.event_type,
        draft.source,
        draft.message,
        sent,
        draft.timestamp,
        draft.namespace,
        draft.category,
        draft.severity,
        draft.severity_text,
        _NOTHING if extra is None else msgspec.Raw(extra),
        draft.duration_ms if draft.duration_ms is None else float(draft.duration_ms),
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
