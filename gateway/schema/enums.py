"""Enums: the rooms' own enumerations under their names in the schema, each value described.

The classes stay the ones that storage and mutations use, so that nothing is translated on the way; a severity's rank as
it comes from the database goes out as its name too.
"""

from collections.abc import Mapping
from enum import Enum

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

from gateway.schema.actions import TreeState
from mutations.ingest import IngestCode, IngestOutcome
from mutations.policies import PolicyOrigin
from storage.cursors import EventOrder
from storage.deletions import DeletionState
from storage.groupings import GroupField
from storage.operations import OperationState
from storage.selectors import EventField
from storage.severities import Severity
from storage.totals import CountKind

__all__ = [
    "CountKind",
    "DeletionState",
    "EventOrder",
    "GroupField",
    "IngestCode",
    "IngestOutcome",
    "OperationState",
    "PolicyOrigin",
    "Right",
    "Severity",
    "TextField",
    "TreeState",
]


def _describe(enumeration: type[Enum], description: str, values: Mapping[str, str]) -> None:
    """Make an enumeration one of the schema; raises KeyError when a value has no description."""
    strawberry.enum(enumeration, description=description)
    definition: StrawberryEnumDefinition = enumeration.__strawberry_definition__  # type: ignore[attr-defined]
    for value in definition.values:
        value.description = values[value.name]


class Right(Enum):
    """What a caller may do in a namespace."""

    READ = "READ"
    INGEST = "INGEST"
    DELETE = "DELETE"
    OPERATE = "OPERATE"
    ADMIN = "ADMIN"


class TextField(Enum):
    """The text fields of an event that a FieldPredicate can test."""

    EVENT_TYPE = EventField.EVENT_TYPE
    CATEGORY = EventField.CATEGORY
    SOURCE = EventField.SOURCE
    MESSAGE = EventField.MESSAGE
    ACTOR = EventField.ACTOR
    ACTOR_CLAIM = EventField.ACTOR_CLAIM
    SESSION_ID = EventField.SESSION_ID
    REQUEST_ID = EventField.REQUEST_ID
    CORRELATION_ID = EventField.CORRELATION_ID
    PARENT_ID = EventField.PARENT_ID
    TRACE_ID = EventField.TRACE_ID
    SPAN_ID = EventField.SPAN_ID
    REGISTRATION_ID = EventField.REGISTRATION_ID
    OWNER = EventField.OWNER
    SEVERITY_TEXT = EventField.SEVERITY_TEXT


_describe(
    Severity,
    "How bad an event is; the values are ranked from DEBUG (0) to CRITICAL (5).",
    {
        "DEBUG": "Rank 0: detail for whoever looks for a fault. Words: trace, debug.",
        "INFO": "Rank 1: what normally happens; the default. Words: info, low.",
        "NOTICE": "Rank 2: normal, and worth knowing. Word: notice.",
        "WARNING": "Rank 3: may become an error. Words: warn, warning, medium.",
        "ERROR": "Rank 4: something failed. Words: error, high.",
        "CRITICAL": "Rank 5: somebody must act now. Words: critical, fatal.",
    },
)
_describe(
    EventOrder,
    "The order of a list of events, by (timestamp, id, namespace); ids compare as lower-case text.",
    {
        "NEWEST_FIRST": "Descending: the latest timestamp first.",
        "OLDEST_FIRST": "Ascending: the exact reverse of NEWEST_FIRST.",
    },
)
_describe(
    CountKind,
    "How far a count can be trusted.",
    {
        "EXACT": "The value is the number.",
        "ESTIMATE": "Counting ended at the scan limit; beyond it the same share of all events was taken for granted.",
        "AT_LEAST": "Counting ended at the scan limit: the number is the value or more.",
    },
)
_describe(
    GroupField,
    "The fields of events that histograms, facets and statistics can be grouped by.",
    {
        "EVENT_TYPE": "Event.eventType.",
        "CATEGORY": "Event.category.",
        "SEVERITY": "Event.severity, under its name in the enum.",
        "SUCCESS": "Event.success: `true` or `false`.",
        "NAMESPACE": "Event.namespace.",
        "SOURCE": "Event.source.",
        "ACTOR": "Event.actor.",
        "OBJECT_TYPE": "The types of the objects that it touched: an event counts once in each of several types.",
    },
)
_describe(
    Right,
    "What a caller may do in a namespace.",
    {
        "READ": "Read events.",
        "INGEST": "Write events.",
        "DELETE": "Delete events.",
        "OPERATE": "Enqueue operations and move them on, dismiss problems.",
        "ADMIN": "Say what is kept, and delete what the gateway wrote about itself.",
    },
)
_describe(
    DeletionState,
    "How far a deletion has come.",
    {
        "COUNTING": "What would go is being counted; matched grows.",
        "PREVIEWED": "Counted exactly; it waits for its confirmation, 15 minutes at the most.",
        "QUEUED": "Confirmed; it waits for its turn, or is counted again.",
        "RUNNING": "It is deleting, chunk by chunk; deleted grows.",
        "DONE": "All of it is gone.",
        "CANCELLED": "Somebody ended it; what was deleted until then is gone.",
        "FAILED": "It could not be carried out, error says why; what was deleted until then is gone.",
        "EXPIRED": "Nobody confirmed it in time.",
    },
)
_describe(
    OperationState,
    "How far an operation has come: the first three are active, and moves among them go forward only; the others are "
    "final.",
    {
        "QUEUED": "Active: it waits for its turn.",
        "PREFLIGHT": "Active: it is being made ready.",
        "EXECUTING": "Active: it is being carried out.",
        "COMPLETE": "Final: it was carried out.",
        "ABORT": "Final: it was given up.",
        "DELETED": "Final: it was taken back.",
        "ERROR": "Final: it failed.",
    },
)
_describe(
    PolicyOrigin,
    "Where a retention policy was made.",
    {
        "SETTINGS": "By a setting of the gateway; it is changed there.",
        "API": "By createRetentionPolicy.",
        "REGISTRY": "As the age of a registered event type; it is changed there.",
    },
)
_describe(
    TextField,
    "The text fields of an event that a FieldPredicate can test.",
    {
        "EVENT_TYPE": "Event.eventType.",
        "CATEGORY": "Event.category.",
        "SOURCE": "Event.source.",
        "MESSAGE": "Event.message.",
        "ACTOR": "Event.actor.",
        "ACTOR_CLAIM": "Event.actorClaim.",
        "SESSION_ID": "Event.sessionId.",
        "REQUEST_ID": "Event.requestId.",
        "CORRELATION_ID": "Event.correlationId.",
        "PARENT_ID": "Event.parentId, in lower case; eq and in ignore case, a value that is no UUID does not match.",
        "TRACE_ID": "Event.traceId.",
        "SPAN_ID": "Event.spanId.",
        "REGISTRATION_ID": "Event.registrationId; compares like PARENT_ID.",
        "OWNER": "Event.owner.",
        "SEVERITY_TEXT": "Event.severityText, the source's own word.",
    },
)
_describe(
    TreeState,
    "How the actions of a tree came out. An event of type X is an action; a child of type X.completed or X.failed is "
    "its outcome (of several the last), without such a child its own success flag.",
    {
        "RUNNING": "Nothing failed, something has an outcome, and some action has none yet.",
        "COMPLETED": "Every action has an outcome, and all are good.",
        "FAILED": "A root failed.",
        "PARTLY_FAILED": "No root failed, some action below one did.",
    },
)
_describe(
    IngestOutcome,
    "What became of one event of a batch.",
    {
        "ACCEPTED": "It is stored.",
        "DUPLICATE": "It was there already with the same content, or (code DELETED) was there and has been deleted.",
        "CONFLICT": "Its id is there with other content; what is stored stays as it is.",
        "REJECTED": "It can never be stored as it is; code and message say why.",
        "DEFERRED": "It is not stored now; send the same again later. code and message say why, and when.",
        "DISCARDED": "Its type is switched off: it is not stored, and there is no use in sending it again.",
    },
)
_describe(
    IngestCode,
    "Why an event was not newly stored.",
    {
        "INVALID_ID": "An id is no UUID.",
        "TIMESTAMP_OUT_OF_RANGE": "The timestamp lies outside 1970 to 9999, or too far ahead of the gateway's clock.",
        "MESSAGE_TOO_LONG": "The message has more bytes of UTF-8 than the limit.",
        "TEXT_INVALID": "A text is empty where it may not be, holds NUL or a lone surrogate, or is no namespace name.",
        "TEXT_TOO_LONG": "A text has more code points than its limit.",
        "EXTRA_INVALID": "extra is nested too deep, names a key twice, or holds NUL, half a surrogate or infinity.",
        "EXTRA_TOO_LARGE": "extra has more bytes than the limit.",
        "TOO_MANY_OBJECTS": "The event names more objects than the limit.",
        "UNKNOWN_EVENT_TYPE": "The type is not registered, and the gateway takes registered types only.",
        "MISSING_DETAIL": "extra lacks a key that events of this type must have; the message names it.",
        "UNKNOWN_SEVERITY": "severityText is a word without a severity, or was given together with severity.",
        "DUPLICATE_OBJECT": "The same object stands twice with different roles.",
        "NAMESPACE_FORBIDDEN": "Clients may not write to this namespace.",
        "UNKNOWN_REGISTRATION": "registrationId is no registration of the event's source in its namespace.",
        "VALUE_OUT_OF_RANGE": "A number is negative, too large, or not whole where it must be.",
        "CONFLICT": "Another event with this id is stored.",
        "DELETED": "An event with this id was stored and has been deleted.",
        "QUOTA_EXCEEDED": "The namespace has had its events of this day (UTC).",
        "TYPE_DISABLED": "Events of this type are switched off, altogether or for the objects that it touches.",
    },
)
