"""Cursors: EV9 and rules P2, P3, P5 of semantics.md."""

import base64
import json
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.cursors import EventCursor, EventOrder, InvalidCursorError, ObjectCursor, OperationCursor, ProblemCursor
from storage.times import EARLIEST, LATEST

ID = "0190b2c4-0000-7000-8000-00000000abcd"
NEWEST, OLDEST = EventOrder.NEWEST_FIRST, EventOrder.OLDEST_FIRST
EVENT = EventCursor(NEWEST, 1_767_225_600_000_001, ID, "default")
OBJECT = ObjectCursor("default", "instance", "i-1")


def encode(values: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


texts = st.text(st.characters(codec="utf-8"), max_size=20)


@given(st.sampled_from(EventOrder), st.integers(EARLIEST, LATEST), st.uuids(), texts)
def test_an_event_cursor_survives_its_text(order: EventOrder, at: int, identifier: Any, namespace: str) -> None:
    """Contract: cursors carry timestamp, id and namespace."""
    cursor = EventCursor(order, at, str(identifier), namespace)
    assert EventCursor.from_text(cursor.to_text(), order) == cursor


@given(texts, texts, texts)
def test_an_object_cursor_survives_its_text(namespace: str, object_type: str, object_id: str) -> None:
    """P5: objects by (namespace, objectType, objectId)."""
    cursor = ObjectCursor(namespace, object_type, object_id)
    assert ObjectCursor.from_text(cursor.to_text()) == cursor


@given(st.integers(0, 2**63 - 1))
def test_an_operation_cursor_survives_its_text(key: int) -> None:
    """P5, O5: operations by the order in which they were enqueued."""
    cursor = OperationCursor(key)
    assert OperationCursor.from_text(cursor.to_text()) == cursor


def test_a_cursor_can_stand_in_a_url() -> None:
    """Opaque text of letters, digits, - and _."""
    text = EventCursor(NEWEST, LATEST, ID, "\U0010ffff").to_text()
    assert text.replace("-", "").replace("_", "").isalnum()
    assert text.isascii()


def test_a_cursor_of_the_other_order_is_refused() -> None:
    """P3: a cursor is bound to kind and order."""
    with pytest.raises(InvalidCursorError, match="belongs to a list in the other order; this list is OLDEST_FIRST"):
        EventCursor.from_text(EVENT.to_text(), OLDEST)
    with pytest.raises(InvalidCursorError, match="belongs to a list in the other order; this list is NEWEST_FIRST"):
        EventCursor.from_text(EventCursor(OLDEST, 0, ID, "default").to_text(), NEWEST)


def test_a_cursor_of_another_kind_is_refused() -> None:
    """P3."""
    with pytest.raises(InvalidCursorError, match="this cursor belongs to a list of objects, not of events"):
        EventCursor.from_text(OBJECT.to_text(), NEWEST)
    with pytest.raises(InvalidCursorError, match="this cursor belongs to a list of events, not of objects"):
        ObjectCursor.from_text(EVENT.to_text())
    with pytest.raises(InvalidCursorError, match="this cursor belongs to a list of objects, not of operations"):
        OperationCursor.from_text(OBJECT.to_text())


FORGED = {
    "empty text": "",
    "no base64": "%%%",
    "a blank": EVENT.to_text()[:8] + " " + EVENT.to_text()[8:],
    "not ASCII": "é" + EVENT.to_text(),
    "a lone surrogate": "\ud800",
    "cut": EVENT.to_text()[:-4],
    "no JSON": base64.urlsafe_b64encode(b"\xff\xfe\x00").decode(),
    "an offset": base64.b64encode(b"arrayconnection:10").decode(),
    "another version": encode([2, "e", "N", 0, ID, "default"]),
    "no version": encode(["e", "N", 0, ID, "default"]),
    "an unknown kind": encode([1, "z", "N", 0, ID, "default"]),
    "a kind alone": encode([1, "e"]),
    "an empty list": encode([]),
    "an object": encode({"version": 1}),
    "a number": encode(1),
    "too few parts": encode([1, "e", "N", 0, ID]),
    "too many parts": encode([1, "e", "N", 0, ID, "default", "more"]),
    "a time as text": encode([1, "e", "N", "0", ID, "default"]),
    "a time with a fraction": encode([1, "e", "N", 0.5, ID, "default"]),
    "a time that is a flag": encode([1, "e", "N", True, ID, "default"]),
    "a time before 1970": encode([1, "e", "N", -1, ID, "default"]),
    "a time beyond 9999": encode([1, "e", "N", LATEST + 1, ID, "default"]),
    "a time beyond 64 bits": encode([1, "e", "N", 2**63, ID, "default"]),
    "a time beyond 128 bits": encode([1, "e", "N", 10**40, ID, "default"]),
    "an id that is no UUID": encode([1, "e", "N", 0, "xyz", "default"]),
    "an empty id": encode([1, "e", "N", 0, "", "default"]),
    "an id in upper case": encode([1, "e", "N", 0, ID.upper(), "default"]),
    "a number as id": encode([1, "e", "N", 0, 7, "default"]),
    "a null namespace": encode([1, "e", "N", 0, ID, None]),
    "a number as namespace": encode([1, "e", "N", 0, ID, 7]),
    "a namespace with a lone surrogate": encode([1, "e", "N", 0, ID, "\ud800"]),
    "deep": encode([[[[[[1]]]]]]),
}


@pytest.mark.parametrize("text", FORGED.values(), ids=FORGED.keys())
def test_what_is_no_cursor_is_refused(text: str) -> None:
    """P2, P3: an empty, foreign, cut or forged text never reaches the database."""
    with pytest.raises(InvalidCursorError, match="this is no cursor: pass endCursor, startCursor or an edge's cursor"):
        EventCursor.from_text(text, NEWEST)


@pytest.mark.parametrize(
    "values",
    [
        [1, "o", "default", "instance"],
        [1, "o", "default", "instance", "i-1", "more"],
        [1, "o", "default", "instance", 7],
        [1, "o", None, "instance", "i-1"],
        [2, "o", "default", "instance", "i-1"],
    ],
)
def test_what_is_no_object_cursor_is_refused(values: list[Any]) -> None:
    """P2, P3."""
    with pytest.raises(InvalidCursorError, match="this is no cursor"):
        ObjectCursor.from_text(encode(values))


@pytest.mark.parametrize("values", [[1, "p"], [1, "p", "7"], [1, "p", -1], [1, "p", 2**63], [1, "p", 7, 7]], ids=str)
def test_what_is_no_operation_cursor_is_refused(values: list[Any]) -> None:
    """P2, P3."""
    with pytest.raises(InvalidCursorError, match="this is no cursor"):
        OperationCursor.from_text(encode(values))


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_garbage_raises_nothing_else(text: str) -> None:
    """P2, P3: whatever a client sends."""
    kinds = (ObjectCursor, OperationCursor, ProblemCursor)
    for read in (partial(EventCursor.from_text, order=NEWEST), *(kind.from_text for kind in kinds)):
        with pytest.raises(InvalidCursorError):
            read(text)


def test_orders_are_each_others_reverse() -> None:
    """Contract: oldest first is the exact reverse."""
    assert NEWEST.reversed is OLDEST
    assert OLDEST.reversed is NEWEST
