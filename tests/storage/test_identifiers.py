"""Event ids: F14 of semantics.md, and that byte order is text order (design.md, data model)."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.identifiers import new_event_id, parse_uuid, uuid_to_bytes


@pytest.mark.parametrize(
    "text",
    [
        "0190b2c4-0000-7000-8000-00000000abcd",
        "0190B2C4-0000-7000-8000-00000000ABCD",
        "0190b2C4-0000-7000-8000-00000000AbCd",
    ],
)
def test_ids_take_any_case_and_compare_in_lower_case(text: str) -> None:
    """F14."""
    assert parse_uuid(text) == "0190b2c4-0000-7000-8000-00000000abcd"


@pytest.mark.parametrize("text", ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"])
def test_any_version_is_an_id(text: str) -> None:
    """Sources choose their ids; nil and max are well formed as well."""
    assert parse_uuid(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0190b2c4000070008000000000000000",
        "0190b2c4-0000-7000-8000-00000000abc",
        "0190b2c4-0000-7000-8000-00000000abcde",
        "0190b2c4-0000-7000-8000-00000000abcg",
        "0190b2c40-000-7000-8000-00000000abcd",
        "{0190b2c4-0000-7000-8000-00000000abcd}",
        "urn:uuid:0190b2c4-0000-7000-8000-00000000abcd",
        " 0190b2c4-0000-7000-8000-00000000abcd",
        "0190b2c4-0000-7000-8000-00000000abcd\n",
        "٠190b2c4-0000-7000-8000-00000000abcd",
        "operation:0190b2c4-0000-7000-8000-00000000abcd",
    ],
)
def test_other_forms_are_no_ids(text: str) -> None:
    """One form only, so that an id has one text."""
    assert parse_uuid(text) is None


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
def test_bytes_and_texts_stand_for_each_other_in_the_same_order(left: bytes, right: bytes) -> None:
    """Byte order = text order."""
    texts = str(UUID(bytes=left)), str(UUID(bytes=right))
    assert [uuid_to_bytes(text) for text in texts] == [left, right]
    assert [parse_uuid(text) for text in texts] == list(texts)
    assert (left < right) == (texts[0] < texts[1])


def test_new_ids_are_uuidv7_and_grow() -> None:
    """UUIDv7 when the gateway makes it: ids of later events sort after earlier ones."""
    ids = [new_event_id() for _ in range(1000)]
    assert ids == sorted(set(ids))
    assert {(one[14], one[19] in "89ab") for one in ids} == {("7", True)}
    assert [parse_uuid(one) for one in ids] == ids
