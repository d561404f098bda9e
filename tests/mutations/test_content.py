"""Content: which differences make a resend a conflict, and which do not (EV2, I2, I3, I14)."""

from typing import Any

import pytest

from gateway.demo.loader import register_sources
from mutations.drafts import ObjectDraft
from mutations.limits import IngestLimits
from mutations.validation import EventValidator
from storage.engine import Database
from tests.mutations.drafts import FIRST_ID, NOW, SECOND_ID, draft, outcomes

SAME: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "nothing": ({}, {}),
    "order of objects": ({"objects": [("a", "1"), ("b", "2", "r")]}, {"objects": [("b", "2", "r"), ("a", "1")]}),
    "an object twice": ({"objects": [("a", "1")]}, {"objects": [("a", "1"), ("a", "1")]}),
    "order of keys": ({"extra": '{"a":1,"b":{"c":2,"d":3}}'}, {"extra": '{"b":{"d":3,"c":2},"a":1}'}),
    "blanks in extra": ({"extra": '{"a":[1,2]}'}, {"extra": ' {"a" : [1, 2]}'}),
    "escapes in extra": ({"extra": '{"é":"/"}'}, {"extra": r'{"\u00e9":"\/"}'}),
    "case of ids": ({"parent_id": SECOND_ID}, {"parent_id": SECOND_ID.upper()}),
    "form of a registration": ({"registration_id": SECOND_ID}, {"registration_id": f"registration:{SECOND_ID}"}),
    "form of a count": ({"record_count": 7}, {"record_count": "7"}),
    "form of a duration": ({"duration_ms": 1}, {"duration_ms": 1.0}),
    "null extra": ({}, {"extra": "null"}),
    "order of readers": ({"visible_to": ["a", "b"]}, {"visible_to": ["b", "a"]}),
}
OTHER: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "message": ({}, {"message": "it happened "}),
    "type": ({}, {"event_type": "Audit"}),
    "an explicit default": ({}, {"severity": "INFO"}),
    "the word for a severity": ({"severity": "ERROR"}, {"severity_text": "error"}),
    "case of a word": ({"severity_text": "error"}, {"severity_text": "ERROR"}),
    "an object's own namespace": (
        {"objects": [("a", "1")]},
        {"objects": [ObjectDraft("a", "1", namespace="default")]},
    ),
    "the home namespace": ({}, {"namespace": "default"}),
    "a role": ({"objects": [("a", "1")]}, {"objects": [("a", "1", "r")]}),
    "spelling of a number": ({"extra": "[1.1]"}, {"extra": "[1.10]"}),
    "order of a list": ({"extra": "[1,2]"}, {"extra": "[2,1]"}),
    "minus zero": ({"extra": "[0]"}, {"extra": "[-0]"}),
    "extra": ({}, {"extra": "{}"}),
    "success": ({"success": False}, {"success": True}),
    "success left out": ({"success": False}, {}),
    "duration 0": ({}, {"duration_ms": 0}),
    "no readers": ({}, {"visible_to": []}),
    "owner": ({}, {"owner": "eve"}),
    "timestamp": ({"timestamp": NOW}, {"timestamp": NOW + 1}),
    "timestamp left out": ({"timestamp": NOW}, {}),
    "neighbouring fields": ({"trace_id": "x"}, {"span_id": "x"}),
}


@pytest.mark.parametrize("name", SAME)
async def test_is_the_same_content(name, new_database_url) -> None:
    first, second = SAME[name]
    assert await _sent_twice(new_database_url, first, second) == ["ACCEPTED", "DUPLICATE"]


@pytest.mark.parametrize("name", OTHER)
async def test_is_other_content(name, new_database_url) -> None:
    """I3, I14: as sent."""
    first, second = OTHER[name]
    assert await _sent_twice(new_database_url, first, second) == ["ACCEPTED", "CONFLICT CONFLICT"]


def test_hash_of_what_is_stored_never_changes() -> None:
    """Stores outlive programs: another hash would turn each resend of an older event into a conflict."""
    validator = EventValidator(home_namespace="default", limits=IngestLimits(), received_at=NOW)
    plain, full = draft(), draft(objects=[("b", "2", "r"), ("a", "1")], extra='{"b":1.10,"a":[]}', duration_ms=1)
    assert validator.to_row(plain).content_hash.hex() == "60aae149eceb05a95290a77d7244c354"
    assert validator.to_row(full).content_hash.hex() == "194540c72ae440450709788e771d8788"


async def _sent_twice(new_database_url: Any, first: dict[str, Any], second: dict[str, Any]) -> list[str]:
    database = await Database.open(new_database_url("sqlite"))
    await register_sources(database, [draft(registration_id=SECOND_ID)], home_namespace="default")
    told = await outcomes(database, draft(id=FIRST_ID, **first), draft(id=FIRST_ID, **second))
    await database.close()
    return told


async def test_repeat_without_timestamp_is_compared_without_it(database: Database) -> None:
    """I2: though the first one was stored with the time of its arrival."""
    assert await outcomes(database, draft(id=FIRST_ID)) == ["ACCEPTED"]
    assert await outcomes(database, draft(id=FIRST_ID), now=NOW + 60_000_000) == ["DUPLICATE"]
    assert await outcomes(database, draft(id=FIRST_ID, timestamp=NOW)) == ["CONFLICT CONFLICT"]
