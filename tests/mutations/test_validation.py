"""Validation: every limit at its edge, every code, and messages that help (I1 to I15, N2)."""

from typing import Any

import pytest

from mutations.drafts import ObjectDraft
from mutations.limits import IngestLimits
from mutations.rejections import Rejection
from mutations.validation import EventValidator
from storage.appends import EventRow
from storage.times import LATEST
from tests.mutations.drafts import FIRST_ID, NOW, draft

SECOND = 1_000_000


def _row(home: str | None = "default", limits: IngestLimits | None = None, now: int = NOW, **given: Any) -> EventRow:
    validator = EventValidator(home_namespace=home, limits=limits or IngestLimits(), received_at=now)
    return validator.to_row(draft(**given))


def _rejection(**given: Any) -> tuple[str, str]:
    with pytest.raises(Rejection) as raised:
        _row(**given)
    raised.value.message.encode()  # whatever was sent, an answer can carry it
    return raised.value.code.value, raised.value.message


SHORT = ("event_type", "category")
LONG = (
    *("source", "actor", "actor_claim", "session_id", "request_id", "correlation_id"),
    *("trace_id", "span_id", "parent_span_id", "owner"),
)
NAMES = {
    "event_type": "eventType",
    "actor_claim": "actorClaim",
    "session_id": "sessionId",
    "request_id": "requestId",
    "correlation_id": "correlationId",
    "trace_id": "traceId",
    "span_id": "spanId",
    "parent_span_id": "parentSpanId",
}


@pytest.mark.parametrize("field", SHORT + LONG)
def test_text_has_its_length_in_code_points(field) -> None:
    """I7."""
    limit = 64 if field in SHORT else 255
    for letter in "x😀":
        given: dict[str, Any] = {field: letter * limit}
        assert getattr(_row(**given), field, letter * limit) == letter * limit
        code, message = _rejection(**{field: letter * (limit + 1)})
        assert (code, message) == (
            "TEXT_TOO_LONG",
            f"{NAMES.get(field, field)} has {limit + 1} characters, more than the {limit} that it may have",
        )


@pytest.mark.parametrize("field", SHORT + LONG)
def test_empty_text_nul_and_lone_surrogate_are_invalid(field) -> None:
    """I5, I6, I11."""
    name = NAMES.get(field, field)
    assert _rejection(**{field: ""}) == ("TEXT_INVALID", f"{name} is empty: leave it out, or give it a value")
    assert _rejection(**{field: "a\0b"}) == ("TEXT_INVALID", f"{name} holds the character NUL")
    assert _rejection(**{field: "a\ud800"}) == ("TEXT_INVALID", f"{name} holds a lone surrogate")


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (ObjectDraft("", "i"), "TEXT_INVALID"),
        (ObjectDraft("t", ""), "TEXT_INVALID"),
        (ObjectDraft("t", "i", role=""), "TEXT_INVALID"),
        (ObjectDraft("t" * 65, "i"), "TEXT_TOO_LONG"),
        (ObjectDraft("t", "i" * 256), "TEXT_TOO_LONG"),
        (ObjectDraft("t", "i", role="r" * 65), "TEXT_TOO_LONG"),
        (ObjectDraft("t", "i\0"), "TEXT_INVALID"),
        (ObjectDraft("t\udfff", "i"), "TEXT_INVALID"),
        (ObjectDraft("t", "i", namespace=""), "TEXT_INVALID"),
        (ObjectDraft("t", "i", namespace="a b"), "TEXT_INVALID"),
    ],
    ids=repr,
)
def test_object_texts_have_the_same_rules(bad, code) -> None:
    """I7: role 64, objectType 64, objectId 255."""
    assert _rejection(objects=[bad])[0] == code
    widest = ObjectDraft("t" * 64, "é" * 255, namespace="n" * 64, role="r" * 64)
    assert len(_row(objects=[widest]).objects) == 1


def test_reader_names_have_the_same_rules() -> None:
    """I7: visibleTo 255 each."""
    assert _row(visible_to=["é" * 255]).audience.readers == ("é" * 255,)
    assert _rejection(visible_to=["x" * 256])[0] == "TEXT_TOO_LONG"
    assert _rejection(visible_to=["x", ""])[0] == "TEXT_INVALID"
    assert _row(visible_to=[]).audience.readers == ()
    assert _row().audience.readers is None


@pytest.mark.parametrize("letter", ["x", "é", "😀"])
def test_message_is_limited_in_bytes(letter) -> None:
    """I6, I7: it may be empty."""
    size = len(letter.encode())
    limits = IngestLimits(max_message_bytes=100 * size)
    assert _row(limits=limits, message=letter * 100).message == letter * 100
    assert _row(message="").message == ""
    assert _rejection(limits=limits, message=letter * 101) == (
        "MESSAGE_TOO_LONG",
        f"message has {101 * size} bytes, more than TIMELOOM_MAX_MESSAGE_BYTES = {100 * size}",
    )


def test_message_with_nul_or_lone_surrogate_is_invalid() -> None:
    assert _rejection(message="a\0") == ("TEXT_INVALID", "message holds the character NUL")
    assert _rejection(message="\udc00") == ("TEXT_INVALID", "message holds a lone surrogate")
    assert _rejection(limits=IngestLimits(max_message_bytes=8), message="\udc00" * 9)[0] == "MESSAGE_TOO_LONG"


@pytest.mark.parametrize("name", ["a", "A.b_c-9", "n" * 64])
def test_namespace_names_that_are_taken(name) -> None:
    """EV10."""
    assert _row(namespace=name).audience.namespace == name


@pytest.mark.parametrize("name", ["", "n" * 65, "a b", "ä", "a/b", "a\n", "\ud800"])
def test_namespace_names_that_are_not(name) -> None:
    """I5, I12."""
    code, message = _rejection(namespace=name)
    assert code == "TEXT_INVALID"
    assert message.endswith("is not made of 1 to 64 of A-Z a-z 0-9 . _ -")


def test_own_namespace_is_closed_and_a_home_is_needed() -> None:
    assert _rejection(namespace="timeloom") == (
        "NAMESPACE_FORBIDDEN",
        "the namespace timeloom is closed to clients",
    )
    inside = ObjectDraft("node", "n", namespace="timeloom")
    assert _rejection(objects=[inside])[0] == "NAMESPACE_FORBIDDEN"
    assert _rejection(home=None)[0] == "NAMESPACE_FORBIDDEN"
    assert _row(home=None, namespace="mine").audience.namespace == "mine"


@pytest.mark.parametrize("field", ["id", "parent_id", "registration_id"])
def test_ids_take_any_case_and_one_form(field) -> None:
    """F14, N2: a node id of another kind is malformed."""
    given: dict[str, Any] = {field: FIRST_ID.upper()}
    assert getattr(_row(**given), field) == FIRST_ID
    for bad in (
        "",
        "x",
        FIRST_ID.replace("-", ""),
        f"{{{FIRST_ID}}}",
        f"operation:{FIRST_ID}",
        f" {FIRST_ID}",
        "\ud800",
    ):
        assert _rejection(**{field: bad})[0] == "INVALID_ID"


def test_registration_takes_its_node_id_too() -> None:
    """N2."""
    assert _row(registration_id=f"registration:{FIRST_ID}").registration_id == FIRST_ID
    assert _rejection(id=f"registration:{FIRST_ID}")[0] == "INVALID_ID"


@pytest.mark.parametrize("timestamp", [0, 1, NOW, NOW + 600 * SECOND])
def test_time_in_range_is_kept(timestamp) -> None:
    """EV8: any past is accepted, up to 10 minutes ahead."""
    assert _row(timestamp=timestamp).occurred_at == timestamp


def test_time_out_of_range_is_refused() -> None:
    code, message = _rejection(timestamp=NOW + 600 * SECOND + 1)
    assert code == "TIMESTAMP_OUT_OF_RANGE"
    assert message.endswith("(2026-01-01T00:00:00.000000Z) than TIMELOOM_MAX_FUTURE_SECONDS = 600")
    for timestamp in (-1, LATEST + 1):
        assert _rejection(timestamp=timestamp) == (
            "TIMESTAMP_OUT_OF_RANGE",
            "timestamp lies outside the years 1970 to 9999",
        )
    assert _row(timestamp=LATEST, now=LATEST - 1).occurred_at == LATEST


@pytest.mark.parametrize(
    ("sent", "count"),
    [(0, 0), (2**53 - 1, 2**53 - 1), ("0", 0), ("9007199254740991", 2**53 - 1), ("007", 7), (3.0, 3), (1e3, 1000)],
)
def test_record_count_in_range(sent, count) -> None:
    assert _row(record_count=sent).record_count == count


@pytest.mark.parametrize(
    "sent", [-1, 2**53, "-1", "", "1.0", "1e3", " 1", "٣", "9" * 5_000, 1.5, float("inf"), float("nan"), 2**80]
)
def test_record_count_out_of_range(sent) -> None:
    assert _rejection(record_count=sent) == (
        "VALUE_OUT_OF_RANGE",
        "recordCount is no whole number from 0 to 9007199254740991",
    )


@pytest.mark.parametrize("sent", [0, 0.25, 1, 1.7e308])
def test_duration_is_kept(sent) -> None:
    """EV6: 0 is 0."""
    assert _row(duration_ms=sent).duration_ms == sent


@pytest.mark.parametrize("sent", [-0.001, -1, float("inf"), float("nan"), 10**400])
def test_duration_that_is_none(sent) -> None:
    """I5."""
    assert _rejection(duration_ms=sent)[0] == "VALUE_OUT_OF_RANGE"


@pytest.mark.parametrize(
    ("given", "rank"),
    [
        ({}, 1),
        ({"severity": "DEBUG"}, 0),
        ({"severity": "CRITICAL"}, 5),
        ({"severity_text": "trace"}, 0),
        ({"severity_text": "LOW"}, 1),
        ({"severity_text": "notice"}, 2),
        ({"severity_text": "Medium"}, 3),
        ({"severity_text": "high"}, 4),
        ({"severity_text": "FATAL"}, 5),
    ],
    ids=str,
)
def test_severity_comes_from_its_name_or_its_word(given, rank) -> None:
    assert _row(**given).severity == rank


def test_severity_that_nobody_knows() -> None:
    """I5: both given is one of these."""
    assert _rejection(severity="INFO", severity_text="info")[0] == "UNKNOWN_SEVERITY"
    assert _rejection(severity_text="bad") == (
        "UNKNOWN_SEVERITY",
        "severityText 'bad' is none of trace, debug, info, low, notice, warn, warning, medium, error, high, "
        "critical, fatal",
    )
    assert _rejection(severity_text="\x01é")[1].startswith("severityText '\x01\\xe9' is none of")


def test_objects_are_limited_and_have_one_role() -> None:
    many = [("disk", str(number)) for number in range(101)]
    assert len(_row(objects=many[:100]).objects) == 100
    assert _rejection(objects=many) == (
        "TOO_MANY_OBJECTS",
        "the event has 101 objects, more than TIMELOOM_MAX_EVENT_OBJECTS = 100",
    )
    assert len(_row(objects=[("disk", "1", "a"), ("disk", "1", "a")]).objects) == 1
    twice = [ObjectDraft("disk", "1"), ObjectDraft("disk", "1", namespace="default", role="boot")]
    assert _rejection(objects=twice)[0] == "DUPLICATE_OBJECT"


def test_extra_is_limited_in_bytes() -> None:
    text = '"' + "é" * 50 + '"'
    assert _row(limits=IngestLimits(max_extra_bytes=102), extra=text).extra == text
    assert _rejection(limits=IngestLimits(max_extra_bytes=101), extra=text) == (
        "EXTRA_TOO_LARGE",
        "extra has 102 bytes, more than TIMELOOM_MAX_EXTRA_BYTES = 101",
    )


def test_extra_of_json_null_is_left_out() -> None:
    assert _row(extra=" null ").extra is None
    assert _row(extra="[null]").extra == "[null]"
