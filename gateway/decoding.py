"""Decoding: batches of events, from JSON to drafts, past GraphQL's own coercion, which takes a hundred times as long.

Three roads; each takes a subset of what the next one takes, and yields the same:

1. the strict road, compiled by msgspec: what clean senders write;
2. the lenient road: lone surrogates, numbers beyond a double inside `extra`, names that come twice. They are for ingest
   to judge, event by event, so they must not fail the request here;
3. stock coercion: everything else, above all what is wrong with a request as a whole, because it words the error.

Which variable holds a batch is found once per document: see `gateway/documents.py`.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from gateway.json_text import JsonValue, WrittenFloat, WrittenInteger, to_json_text
from gateway.requests import decode_value, decode_variables
from mutations.drafts import EventDraft
from storage.times import parse_rfc3339

SeverityName = Literal["DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL"]


@dataclass(frozen=True, slots=True)
class BatchVariable:
    """The variable that holds a whole batch: IngestEventsInput! (`is_list` false) or its list of events."""

    name: str
    is_list: bool


@dataclass(frozen=True, slots=True)
class DecodedVariables:
    """What goes to execution: in `values` a decoded batch is left empty, in `batches` it stands by its variable."""

    values: dict[str, JsonValue]
    batches: Mapping[str, list[EventDraft]]


class _SentEvent(EventDraft, rename="camel", forbid_unknown_fields=True):
    """An event whose time is still text and whose extra is still a slice of the body."""

    timestamp: str | None = None  # type: ignore[assignment]
    severity: SeverityName | None = None
    extra: msgspec.Raw = msgspec.Raw(b"null")  # type: ignore[assignment]


class _LenientEvent(EventDraft, rename="camel", forbid_unknown_fields=True):
    """An event from values that Python's decoder made; its extra has been written back to text."""

    timestamp: str | None = None  # type: ignore[assignment]
    severity: SeverityName | None = None


class _SentInput(msgspec.Struct, forbid_unknown_fields=True):
    events: list[_SentEvent]


_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_input = msgspec.json.Decoder(_SentInput).decode
_decode_events = msgspec.json.Decoder(list[_SentEvent]).decode


def decode_with_batch(text: bytes, variable: BatchVariable) -> DecodedVariables:
    """Read the variables of a request that ingests. Raises BadUserInputError when they are no JSON object."""
    return _decode_strictly(text, variable) or _decode_leniently(decode_variables(text), variable)


def _decode_strictly(text: bytes, variable: BatchVariable) -> DecodedVariables | None:
    try:
        members = _decode_members(text)
        sent = members[variable.name]
        events = _decode_events(sent) if variable.is_list else _decode_input(sent).events
        for event in events:
            if event.timestamp is not None:
                event.timestamp = parse_rfc3339(event.timestamp)  # type: ignore[assignment]
            extra = bytes(event.extra)
            event.extra = None if extra == b"null" else extra.decode()  # type: ignore[assignment]
    except (msgspec.DecodeError, KeyError, ValueError, RecursionError):
        return None
    others = {name: decode_value(bytes(raw), "variables") for name, raw in members.items() if name != variable.name}
    return _with_batch(others, variable, list(events))


def _decode_leniently(values: dict[str, JsonValue], variable: BatchVariable) -> DecodedVariables:
    held = values.get(variable.name)
    if not variable.is_list:
        held = held["events"] if isinstance(held, dict) and held.keys() == {"events"} else None
    if not isinstance(held, list):
        return DecodedVariables(values, {})
    try:
        drafts: list[EventDraft] = [_draft_from_values(event) for event in held]
    except (msgspec.ValidationError, ValueError):
        return DecodedVariables(values, {})
    return _with_batch(values, variable, drafts)


def _draft_from_values(event: JsonValue) -> EventDraft:
    if not isinstance(event, dict):
        raise ValueError("no object")
    members = {name: _PREPARE.get(name, _plain)(value) for name, value in event.items()}
    draft = msgspec.convert(members, _LenientEvent)
    if draft.duration_ms is not None and not math.isfinite(draft.duration_ms):
        raise ValueError("no Float by GraphQL's rules")
    if draft.timestamp is not None:
        draft.timestamp = parse_rfc3339(draft.timestamp)  # type: ignore[assignment]
    return draft


def _plain(value: Any) -> Any:
    """Give a number without the text that it remembers; msgspec takes exact types only."""
    if isinstance(value, WrittenFloat):
        return float(value)
    return int(value) if isinstance(value, WrittenInteger) else value


_PREPARE: dict[str, Callable[[Any], Any]] = {
    "extra": lambda value: None if value is None else to_json_text(value),
}


def _with_batch(values: dict[str, JsonValue], variable: BatchVariable, drafts: list[EventDraft]) -> DecodedVariables:
    empty: JsonValue = [] if variable.is_list else {"events": []}
    return DecodedVariables({**values, variable.name: empty}, {variable.name: drafts})
