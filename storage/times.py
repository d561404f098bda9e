"""Times: RFC 3339 text on the outside, whole microseconds since 1970 (UTC) everywhere inside."""

import re
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

MICROSECONDS_PER_MILLISECOND = 1_000
MICROSECONDS_PER_SECOND = 1_000_000
MICROSECONDS_PER_MINUTE = 60 * MICROSECONDS_PER_SECOND
MICROSECONDS_PER_DAY = 24 * 60 * MICROSECONDS_PER_MINUTE

EARLIEST = 0
"""1970-01-01T00:00:00Z, the first instant an event may carry."""
LATEST = 253_402_300_799_999_999
"""9999-12-31T23:59:59.999999Z, the last one."""

_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))",
    re.ASCII,
)
_USUAL = re.compile(r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?Z", re.ASCII)
"""What most senders write: `datetime` reads it alike, three times as fast, and cuts further digits too."""
_DIGITS_OF_NANOSECONDS = 6
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def parse_rfc3339(text: str) -> int:
    """Give the microseconds since 1970 of an RFC 3339 time.

    Any offset is taken, a time without one is not; 1 to 9 fraction digits are cut to microseconds; a leap second
    counts as the first instant of the next minute. Years 0000 to 9999 are understood, so the result may lie outside
    `EARLIEST` to `LATEST`: whoever needs that range checks it.

    Raises ValueError, with a sentence for the sender, when the text is no such time.
    """
    if _USUAL.fullmatch(text):
        try:
            return (datetime.fromisoformat(text) - _EPOCH) // _MICROSECOND
        except ValueError:  # the year 0, or a day that is not in the calendar
            return _parse_any(text)
    return _parse_any(text)


def _parse_any(text: str) -> int:
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(_not_a_time(text))
    year, month, day, hour, minute, second, fraction, sign, offset_hours, offset_minutes = match.groups()
    # The calendar repeats every 400 years, and `date` knows no year 0.
    whole_year = int(year)
    try:
        if whole_year:
            days = date(whole_year, int(month), int(day)).toordinal() - _EPOCH_DAY
        else:
            days = date(400, int(month), int(day)).toordinal() - _EPOCH_DAY - 146_097
    except ValueError:
        raise ValueError(_not_a_time(text)) from None
    seconds = int(second)
    offset = (int(offset_hours) * 60 + int(offset_minutes)) * (-1 if sign == "-" else 1) if sign else 0
    if (
        int(hour) > 23
        or int(minute) > 59
        or seconds > 60
        or (sign and (int(offset_hours) > 23 or int(offset_minutes) > 59))
    ):
        raise ValueError(_not_a_time(text))
    total = days * 86_400 + int(hour) * 3_600 + (int(minute) - offset) * 60 + seconds
    return total * MICROSECONDS_PER_SECOND + (int(fraction[:6].ljust(6, "0")) if fraction else 0)


def now_micros() -> int:
    """Give the present time in microseconds since 1970."""
    return time.time_ns() // 1_000


def format_rfc3339(micros: int) -> str:
    """Give the RFC 3339 text of an instant, always 27 characters: 2026-11-22T03:04:05.123456Z."""
    moment = _EPOCH + timedelta(microseconds=micros)
    return f"{moment.year:04d}{moment:-%m-%dT%H:%M:%S}.{moment.microsecond:06d}Z"


def add_milliseconds(micros: int, milliseconds: float) -> int:
    """Give the instant so many milliseconds later, cut to microseconds (T10); `LATEST` at the latest.

    In decimals, because cutting would show that 1.0 + 0.57 milliseconds are a little less than 1.57 in binary.
    """
    exact = Decimal(repr(round(milliseconds, _DIGITS_OF_NANOSECONDS)))
    return min(micros + int(exact * MICROSECONDS_PER_MILLISECOND), LATEST)


def _not_a_time(text: str) -> str:
    shown = text[:40].encode("ascii", "backslashreplace").decode()
    return f"'{shown}' is no RFC 3339 time with an offset, such as 2026-11-22T03:04:05.123456Z"
