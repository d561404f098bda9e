"""Node ids: rules N1 and N2."""

import base64

import pytest

from gateway.schema.node_ids import object_node_id, parse_event_id, parse_kind_id, parse_object_node_id
from storage.records import ObjectRecord

ID = "01890a5d-ac96-774b-bcce-b302099a8057"


@pytest.mark.parametrize(
    "record",
    [
        ObjectRecord("default", "instance", "i-1"),
        ObjectRecord("a.b-c_d", "device/peer", "trailing blank "),
        ObjectRecord("default", "emoji", "😀 \u05d0 \0 \"'\\"),
        ObjectRecord("", "", ""),
    ],
)
def test_an_objects_id_holds_its_whole_identity(record: ObjectRecord) -> None:
    text = object_node_id(record)
    assert text.startswith("object:")
    assert parse_object_node_id(text) == record


def encoded(raw: bytes) -> str:
    return "object:" + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "object:",
        "object:!!!",
        "object:äöü",
        ID,
        encoded(b"{}"),
        encoded(b'["a","b"]'),
        encoded(b'["a","b","c","d"]'),
        encoded(b'["a","b",1]'),
        encoded(b"\xff\xfe"),
        encoded(b'["a","b","\\ud800"]'),
        object_node_id(ObjectRecord("a", "b", "c")).replace("object", "operation"),
    ],
)
def test_other_texts_name_no_object(text: str) -> None:
    assert parse_object_node_id(text) is None


def test_an_events_id_is_its_uuid_in_any_case_f14() -> None:
    assert parse_event_id(ID) == parse_event_id(ID.upper()) == ID
    assert [parse_event_id(text) for text in ("", "x", f"event:{ID}", f"{ID} ", ID.replace("-", ""))] == [None] * 5


def test_every_id_argument_takes_a_node_id_or_a_bare_uuid_n2() -> None:
    assert parse_kind_id(ID.upper(), "registration") == ID
    assert parse_kind_id(f"registration:{ID}", "registration") == ID
    assert parse_kind_id(f"operation:{ID}", "registration") is None
    assert parse_kind_id("registration:registration:" + ID, "registration") is None
