"""Node ids: an event's is its UUID; every other carries its kind, such as `object:<base64url>` (rules N1, N2)."""

import base64
import binascii
from typing import Any, NamedTuple

import msgspec

from storage.identifiers import parse_uuid
from storage.records import EventKey, ObjectRecord
from storage.severities import Severity

_OBJECT, _PROBLEM = "object:", "problem:"


class ProblemKey(NamedTuple):
    """What identifies a problem: an object, one of its errors, and what counted as an error (a severity's rank)."""

    object: ObjectRecord
    event: EventKey
    min_severity: int


def object_node_id(record: ObjectRecord) -> str:
    """Give the node id of an object: it holds the whole identity, nothing is looked up."""
    return _OBJECT + _encode(tuple(record))


def parse_object_node_id(text: str) -> ObjectRecord | None:
    """Give the object that a node id names; None when it is none of an object."""
    values = _decode(text, _OBJECT, tuple[str, str, str])
    return None if values is None else ObjectRecord(*values)


def problem_node_id(key: ProblemKey) -> str:
    """Give the node id of a problem, which holds all that identifies it."""
    return _PROBLEM + _encode((*key.object, *key.event, key.min_severity))


def parse_problem_node_id(text: str) -> ProblemKey | None:
    """Give the problem that a node id names, whether there is one or not; None when it is none of a problem."""
    values = _decode(text, _PROBLEM, tuple[str, str, str, str, str, int])
    if values is None:
        return None
    *names, namespace, event_id, min_severity = values
    if parse_uuid(event_id) != event_id or min_severity not in list(Severity):
        return None
    return ProblemKey(ObjectRecord(*names), EventKey(namespace, event_id), min_severity)


def _encode(values: tuple[Any, ...]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(values)).rstrip(b"=").decode()


def _decode(text: str, prefix: str, kind: Any) -> Any:
    """Give the values that an id holds behind its prefix; None when it is no such id."""
    if not text.startswith(prefix):
        return None
    encoded = text.removeprefix(prefix)
    try:
        raw = base64.b64decode(encoded.encode("ascii") + b"=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(raw, type=kind)
    except (UnicodeEncodeError, binascii.Error, msgspec.DecodeError, msgspec.ValidationError):
        return None


def parse_event_id(text: str) -> str | None:
    """Give the lower-case UUID of an event's node id; None when the text is no UUID."""
    return parse_uuid(text)


def parse_kind_id(text: str, kind: str) -> str | None:
    """Give the UUID of a node id `<kind>:<uuid>` or of a bare UUID; None when it is neither (N2)."""
    return parse_uuid(text.removeprefix(f"{kind}:"))
