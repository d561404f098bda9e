"""Outcomes: what became of each event of a batch, in the words of the contract."""

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum

import msgspec


class IngestOutcome(Enum):
    """What became of one event (EV2)."""

    ACCEPTED = "ACCEPTED"
    DUPLICATE = "DUPLICATE"
    CONFLICT = "CONFLICT"
    REJECTED = "REJECTED"
    DEFERRED = "DEFERRED"
    DISCARDED = "DISCARDED"


class IngestCode(Enum):
    """Why an event was not newly stored."""

    INVALID_ID = "INVALID_ID"
    TIMESTAMP_OUT_OF_RANGE = "TIMESTAMP_OUT_OF_RANGE"
    MESSAGE_TOO_LONG = "MESSAGE_TOO_LONG"
    TEXT_INVALID = "TEXT_INVALID"
    TEXT_TOO_LONG = "TEXT_TOO_LONG"
    EXTRA_INVALID = "EXTRA_INVALID"
    EXTRA_TOO_LARGE = "EXTRA_TOO_LARGE"
    TOO_MANY_OBJECTS = "TOO_MANY_OBJECTS"
    UNKNOWN_EVENT_TYPE = "UNKNOWN_EVENT_TYPE"
    UNKNOWN_SEVERITY = "UNKNOWN_SEVERITY"
    MISSING_DETAIL = "MISSING_DETAIL"
    DUPLICATE_OBJECT = "DUPLICATE_OBJECT"
    NAMESPACE_FORBIDDEN = "NAMESPACE_FORBIDDEN"
    UNKNOWN_REGISTRATION = "UNKNOWN_REGISTRATION"
    VALUE_OUT_OF_RANGE = "VALUE_OUT_OF_RANGE"
    CONFLICT = "CONFLICT"
    DELETED = "DELETED"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    TYPE_DISABLED = "TYPE_DISABLED"


class IngestResult(msgspec.Struct, frozen=True):
    """The result for one event: `index` from 0; `id` also when it was made here, None when the one sent is malformed.

    `code` and `message` are None for ACCEPTED and for a plain DUPLICATE.
    """

    index: int
    id: str | None
    outcome: IngestOutcome
    code: IngestCode | None = None
    message: str | None = None


@dataclass(frozen=True)
class IngestReport:
    """The results of a batch, one per event and in its order, and how many there are of each outcome."""

    results: list[IngestResult]
    counts: Counter[IngestOutcome] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "counts", Counter([result.outcome for result in self.results]))
