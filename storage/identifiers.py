"""Event ids: UUIDs, as lower-case text in Python and 16 bytes in the database."""

import re

import uuid_utils

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)


def parse_uuid(text: str) -> str | None:
    """Give the lower-case text of a UUID in its 36 character form (rule F14), or None when the text is none."""
    return text.lower() if _UUID.fullmatch(text) else None


def uuid_to_bytes(text: str) -> bytes:
    """Give the 16 bytes of a UUID text; the byte order is the text order."""
    return bytes.fromhex(text.replace("-", ""))


def new_event_id() -> str:
    """Make a UUIDv7 (RFC 9562): ids of later events sort after earlier ones."""
    return str(uuid_utils.uuid7())
