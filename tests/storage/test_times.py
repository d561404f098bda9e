"""Times: the DateTime scalar of contract.graphql, RFC 3339."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import times
from storage.times import EARLIEST, LATEST, add_milliseconds, format_rfc3339, now_micros, parse_rfc3339

SECOND = 1_000_000
NEW_YEAR = 1_767_225_600 * SECOND


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-01-01T00:00:00Z", NEW_YEAR),
        ("2026-01-01t00:00:00z", NEW_YEAR),
        ("2026-01-01T01:30:00+01:30", NEW_YEAR),
        ("2025-12-31T19:00:00-05:00", NEW_YEAR),
        ("2026-01-01T00:00:00-00:00", NEW_YEAR),
        ("2026-01-01T23:59:00+23:59", NEW_YEAR),
        ("2025-12-31T00:01:00-23:59", NEW_YEAR),
        ("2026-01-01T00:00:00.1Z", NEW_YEAR + 100_000),
        ("2026-01-01T00:00:00.12Z", NEW_YEAR + 120_000),
        ("2026-01-01T00:00:00.000001Z", NEW_YEAR + 1),
        ("2026-01-01T00:00:00.1234567Z", NEW_YEAR + 123_456),
        ("2026-01-01T00:00:00.999999999+00:00", NEW_YEAR + 999_999),
        ("2025-12-31T23:59:60Z", NEW_YEAR),
        ("2025-12-31T23:59:60.5Z", NEW_YEAR + 500_000),
        ("2026-01-01T05:29:60+05:30", NEW_YEAR),
        ("2024-02-29T00:00:00Z", 1_709_164_800 * SECOND),
        ("2000-02-29T12:00:00Z", 951_825_600 * SECOND),
        ("9999-12-31T23:59:59.999999Z", LATEST),
        ("1970-01-01T01:00:00+01:00", EARLIEST),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("0001-01-01T00:00:00Z", -62_135_596_800 * SECOND),
        ("0000-12-31T23:59:59Z", -62_135_596_801 * SECOND),
        ("0000-01-01T00:00:00Z", -62_167_219_200 * SECOND),
        ("0000-02-29T00:00:00Z", -62_162_121_600 * SECOND),
        ("9999-12-31T23:59:59-23:59", LATEST + 1 - SECOND + (23 * 60 + 59) * 60 * SECOND),
    ],
)
def test_a_time_is_understood(text: str, micros: int) -> None:
    """Any offset, lower case, 1 to 9 digits cut to microseconds, leap seconds, years 0000 to 9999."""
    assert parse_rfc3339(text) == micros


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00Z",
        "2026-01-01 00:00:00Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00.1234567890Z",
        "2026-01-01T00:00:00,5Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:61Z",
        "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "0000-02-30T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+00:60",
        "2026-01-01T00:00:00+0000",
        "2026-01-01T00:00:00+00",
        "2026-01-01T00:00:00 Z",
        " 2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00Z\n",
        "12026-01-01T00:00:00Z",
        "+2026-01-01T00:00:00Z",
        "-001-01-01T00:00:00Z",
        "２026-01-01T00:00:00Z",
        "2026-1-1T0:0:0Z",
        "20260101T000000Z",
        "1767225600",
        "now",
        "\ud800",
    ],
)
def test_anything_else_is_refused_with_a_sentence(text: str) -> None:
    """A time without an offset is refused; the sentence can be written as JSON whatever was sent."""
    with pytest.raises(ValueError, match="is no RFC 3339 time with an offset, such as 2026-11-22T03:04:05") as failure:
        parse_rfc3339(text)
    assert str(failure.value).isascii()


def test_a_long_text_is_not_echoed_whole() -> None:
    """Error texts stay short."""
    with pytest.raises(ValueError) as failure:
        parse_rfc3339("x" * 100_000)
    assert str(failure.value) == f"'{'x' * 40}' is no RFC 3339 time with an offset, such as 2026-11-22T03:04:05.123456Z"


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (EARLIEST, "1970-01-01T00:00:00.000000Z"),
        (NEW_YEAR + 1, "2026-01-01T00:00:00.000001Z"),
        (1_795_316_645_123_456, "2026-11-22T03:04:05.123456Z"),
        (LATEST, "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_output_has_always_27_characters(micros: int, text: str) -> None:
    """DateTime: always 27 characters."""
    assert format_rfc3339(micros) == text
    assert len(text) == 27


@given(st.integers(EARLIEST, LATEST), st.integers(-1439, 1439))
def test_a_time_survives_the_way_out_and_in(micros: int, offset: int) -> None:
    """Microseconds come back whole, and an offset moves the hands only."""
    text = format_rfc3339(micros)
    assert len(text) == 27
    assert parse_rfc3339(text) == micros
    shifted = f"{text[:-1]}{'-' if offset < 0 else '+'}{abs(offset) // 60:02d}:{abs(offset) % 60:02d}"
    assert parse_rfc3339(shifted) == micros - offset * 60 * SECOND


@given(st.from_regex(times._USUAL, fullmatch=True))
def test_what_most_senders_write_is_read_like_everything_else(text: str) -> None:
    """The short way gives what the long one gives, and leaves days that are not in the calendar to it."""

    def outcome(parse: Callable[[str], int]) -> int | str:
        try:
            return parse(text)
        except ValueError as error:
            return str(error)

    assert outcome(parse_rfc3339) == outcome(times._parse_any)


def test_now_lies_between_2026_and_the_last_instant() -> None:
    """The default clock counts microseconds."""
    assert NEW_YEAR < now_micros() < LATEST


@pytest.mark.parametrize(
    ("milliseconds", "micros"),
    [
        (0.0, 0),
        (1.0, 1_000),
        (1.0 + 0.57, 1_570),
        (0.0019, 1),
        (1e-7, 0),
        (2.675, 2_675),
        (1e12, 10**15),
        (1e21, LATEST - 5),
    ],
)
def test_milliseconds_are_added_in_decimals_and_cut(milliseconds: float, micros: int) -> None:
    """T10: and no instant is later than the last there is."""
    assert add_milliseconds(5, milliseconds) == 5 + micros
