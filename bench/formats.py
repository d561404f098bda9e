"""Formats of answers, as one writes them by hand: times, severities, cursors, JSON."""

from binascii import b2a_base64
from datetime import datetime, timedelta

import orjson
from starlette.responses import Response

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - orjson writes naive times as UTC, and faster
MICROSECOND = timedelta(microseconds=1)
SEVERITIES = ("DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL")

_TIMES = orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def to_time(micros: int) -> datetime:
    """Give what orjson writes as the gateway does: 27 characters, as long as it is no whole second."""
    return EPOCH + micros * MICROSECOND


def to_cursor(micros: int, event_id: str) -> str:
    """Give the cursor of an event of the namespace `default` in a list with the newest first."""
    text = f'[1,"e","N",{micros},"{event_id}","default"]'
    return b2a_base64(text.encode(), newline=False).translate(_URL_SAFE, b"=").decode()


def to_response(content: object) -> Response:
    """Answer with JSON."""
    return Response(orjson.dumps(content, option=_TIMES), media_type="application/json")
