"""Archive lines: one whole event as one line of JSON, and back (NU8).

The names are those of GraphQL's Event; `extra` stands there as it is stored, digit by digit. What GraphQL does not show
(the content hash, folded ids) comes last.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from storage.appends import EventRow
from storage.archive_rows import FoldedRepeat, WholeEvent
from storage.identifiers import parse_uuid
from storage.identities import AudienceName
from storage.records import LinkRecord, ObjectRecord
from storage.severities import Severity
from storage.times import format_rfc3339, parse_rfc3339


class _Link(msgspec.Struct, rename="camel"):
    object_type: str
    object_id: str
    namespace: str
    role: str | None


class _Line(msgspec.Struct, rename="camel"):
    """The order of the fields is that of the lines; all of them are always there, null where there is no value."""

    id: str
    namespace: str
    event_type: str
    category: str | None
    severity: str
    severity_text: str | None
    timestamp: str
    received_at: str
    source: str
    message: str
    extra: msgspec.Raw
    duration_ms: float | None
    success: bool | None
    actor: str | None
    actor_claim: str | None
    session_id: str | None
    request_id: str | None
    correlation_id: str | None
    parent_id: str | None
    trace_id: str | None
    span_id: str | None
    parent_span_id: str | None
    registration_id: str | None
    owner: str | None
    visible_to: list[str] | None
    record_count: int | None
    repeat_count: int
    last_timestamp: str | None
    restored: bool
    objects: list[_Link]
    content_hash: str
    folded: list[tuple[str, str]]


_SAME_IN_BOTH = tuple(
    name
    for name in EventRow._fields
    if name in _Line.__struct_fields__ and name not in ("severity", "extra", "objects", "content_hash")
)
_NULL = b"null"
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Line).decode


def to_line(event: WholeEvent) -> bytes:
    """Write an event as one line, with the line's end."""
    row = event.row
    values: dict[str, Any] = {name: getattr(row, name) for name in _SAME_IN_BOTH}
    line = _Line(
        **values,
        namespace=row.audience.namespace,
        severity=Severity(row.severity).name,
        timestamp=format_rfc3339(row.occurred_at),
        received_at=format_rfc3339(event.received_at),
        # A line's end can only stand between the values of a JSON text, where a blank means the same.
        extra=msgspec.Raw(_NULL if row.extra is None else row.extra.replace("\n", " ").replace("\r", " ").encode()),
        owner=row.audience.owner,
        visible_to=None if row.audience.readers is None else list(row.audience.readers),
        repeat_count=event.repeat_count,
        last_timestamp=None if event.last_occurred_at is None else format_rfc3339(event.last_occurred_at),
        restored=event.restored,
        objects=[
            _Link(each.object.object_type, each.object.object_id, each.object.namespace, each.role)
            for each in row.objects
        ],
        content_hash=row.content_hash.hex(),
        folded=[(each.id, each.content_hash.hex()) for each in event.folded],
    )
    return _encode(line) + b"\n"


def from_line(line: bytes) -> WholeEvent:
    """Read an event from its line. Raises ValueError for what is no such line."""
    read = _decode(line)
    extra = bytes(read.extra)
    values = {name: getattr(read, name) for name in _SAME_IN_BOTH}
    values |= {name: _require_id(values[name]) for name in ("id", "parent_id", "registration_id")}
    row = EventRow(
        **values,
        id_given=True,
        audience=AudienceName(read.namespace, _to_readers(read.visible_to), read.owner),
        severity=_to_severity(read.severity),
        occurred_at=parse_rfc3339(read.timestamp),
        extra=None if extra == _NULL else extra.decode(),
        objects=_to_links(read.objects),
        content_hash=_to_hash(read.content_hash),
    )
    return WholeEvent(
        row,
        parse_rfc3339(read.received_at),
        read.repeat_count,
        None if read.last_timestamp is None else parse_rfc3339(read.last_timestamp),
        read.restored,
        tuple(FoldedRepeat(_require_id(each) or "", _to_hash(digest)) for each, digest in read.folded),
    )


def _require_id(text: str | None) -> str | None:
    found = None if text is None else parse_uuid(text)
    if found is None and text is not None:
        raise ValueError(f"'{text[:40]}' is no UUID")
    return found


def _to_severity(name: str) -> int:
    try:
        return int(Severity[name])
    except KeyError:
        raise ValueError(f"'{name[:40]}' is no severity") from None


def _to_hash(digits: str) -> bytes:
    found = bytes.fromhex(digits)
    if len(found) != 16:
        raise ValueError("a content hash has 16 bytes")
    return found


def _to_readers(names: list[str] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(names)


def _to_links(links: Iterable[_Link]) -> tuple[LinkRecord, ...]:
    return tuple(
        LinkRecord(each.role, ObjectRecord(each.namespace, each.object_type, each.object_id)) for each in links
    )
