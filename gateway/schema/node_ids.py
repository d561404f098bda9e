"""Node ids: an event's is its UUID; every other carries its kind, such as `object:<base64url>` (rules N1, N2)."""

import base64
import binascii

import msgspec

from storage.identifiers import parse_uuid
from storage.records import ObjectRecord

_OBJECT = "object:"


def object_node_id(record: ObjectRecord) -> str:
    """Give the node id of an object: it holds the whole identity, nothing is looked up."""
    return _OBJECT + base64.urlsafe_b64encode(msgspec.json.encode(tuple(record))).rstrip(b"=").decode()


def parse_object_node_id(text: str) -> ObjectRecord | None:
    """Give the object that a node id names; None when it is none of an object."""
    if not text.startswith(_OBJECT):
        return None
    encoded = text.removeprefix(_OBJECT)
    try:
        raw = base64.b64decode(encoded.encode("ascii") + b"=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
        return ObjectRecord(*msgspec.json.decode(raw, type=tuple[str, str, str]))
    except (UnicodeEncodeError, binascii.Error, msgspec.DecodeError, msgspec.ValidationError):
        return None


def parse_event_id(text: str) -> str | None:
    """Give the lower-case UUID of an event's node id; None when the text is no UUID."""
    return parse_uuid(text)


def parse_kind_id(text: str, kind: str) -> str | None:
    """Give the UUID of a node id `<kind>:<uuid>` or of a bare UUID; None when it is neither (N2)."""
    return parse_uuid(text.removeprefix(f"{kind}:"))
