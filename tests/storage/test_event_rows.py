"""EventRows: one field of many events, or the events as records (L1)."""

import pytest

from storage.event_rows import EventRows, read_columns
from storage.identities import AudienceRecord
from storage.records import EventRecord

AUDIENCES = {7: AudienceRecord(7, 1, "lab", ("ann",), "bob")}
COLUMNS = read_columns(("success", "restored", "message"))
ROWS = [(7, "id-1", 10, "first", 1, 0), (7, "id-2", 20, "second", None, 1)]


@pytest.fixture
def events() -> EventRows:
    return EventRows(COLUMNS, ROWS, AUDIENCES)


def test_what_a_place_needs_is_always_read_first() -> None:
    assert COLUMNS == ("audience_key", "id", "occurred_at", "message", "success", "restored")
    assert read_columns(()) == ("audience_key", "id", "occurred_at")
    assert set(read_columns(None)) - {"audience_key"} == set(EventRecord._fields) - {"namespace", "owner", "readers"}


def test_a_column_is_one_field_of_all_events(events: EventRows) -> None:
    assert list(events.column("message")) == ["first", "second"]
    assert list(events.column("success")) == [True, None]
    assert list(events.column("restored")) == [False, True]
    assert list(events.column("namespace")) == ["lab", "lab"]
    assert list(events.column("readers")) == [("ann",), ("ann",)]


def test_a_field_that_was_not_read_is_no_column(events: EventRows) -> None:
    with pytest.raises(KeyError):
        events.column("extra")


def test_records_have_none_where_nothing_was_read(events: EventRows) -> None:
    first, second = events
    assert (first.id, first.message, first.success, first.owner, first.extra) == ("id-1", "first", True, "bob", None)
    assert second.key == ("lab", "id-2")
    assert events[1:] == [second]
    assert EventRows.empty() == []
    assert list(EventRows.empty().column("message")) == []
