"""Validation: one draft becomes the row that is stored, or a Rejection says why it never can (I1 to I15).

This is the hot path of ingest: plain checks in a fixed order, no exception and no call where nothing is wrong.
"""

import math
import re
from collections.abc import Callable
from operator import attrgetter

import msgspec

from mutations.content import hash_content
from mutations.drafts import EventDraft, ObjectDraft
from mutations.extras import CheckedExtra, check_extra
from mutations.limits import MAX_TEXT_LENGTH, MAX_TYPE_LENGTH, IngestLimits
from mutations.outcomes import IngestCode
from mutations.rejections import Discard, Rejection, shown
from mutations.type_registry import NO_TYPES, TypeSnapshot
from storage.appends import EventRow
from storage.identifiers import new_event_id, parse_uuid
from storage.identities import AudienceName
from storage.records import LinkRecord, ObjectRecord
from storage.severities import Severity
from storage.times import EARLIEST, LATEST, MICROSECONDS_PER_SECOND, format_rfc3339
from storage.type_definitions import EventTypeRecord

OWN_NAMESPACE = "timeloom"
"""Where the gateway writes about itself; closed to clients."""

STATE_CATEGORY, NEW_STATE = "state", "new-state"
"""Events of this category and of a registered type tell the new state under this key of `extra` (NU1)."""

MAX_RECORD_COUNT = 2**53 - 1
_REGISTRATION = "registration:"
_NAMED_TYPES = 10
"""How many types of objects a message names: a batch may get one for each of its events."""
_NAMESPACE = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_SEVERITIES = Severity.__members__
_INFO = int(Severity.INFO)


class EventValidator:
    """Validates the events of one batch, all against one clock reading; remembers what repeats from event to event."""

    def __init__(
        self, *, home_namespace: str | None, limits: IngestLimits, received_at: int, types: TypeSnapshot = NO_TYPES
    ) -> None:
        self._home_namespace = home_namespace
        self._limits = limits
        self._types = types
        self._received_at = received_at
        self._latest = min(LATEST, received_at + limits.max_future_seconds * MICROSECONDS_PER_SECOND)
        self.registration_ids: set[str] = set()
        """The registrations that the events name; whether these are theirs is for the store to say."""
        self._good_names: set[str] = set()
        self._audiences: dict[tuple[str, str | None], AudienceName] = {}
        self._objects: dict[tuple[str, str, str], ObjectRecord] = {}

    def to_row(self, draft: EventDraft) -> EventRow:
        """Give the row of a draft. Raises Rejection with the first reason found (I13)."""
        id_given = draft.id is not None
        event_id = _require_uuid("id", draft.id) if draft.id is not None else new_event_id()
        namespace = self._namespace(draft.namespace)
        _require_texts(draft)
        event_type = self._event_type(namespace, draft) if self._types.has_rules else None
        self._require_message(draft.message)
        parent_id = None if draft.parent_id is None else _require_uuid("parentId", draft.parent_id)
        registration_id = None if draft.registration_id is None else self._registration(draft.registration_id)
        record_count = None if draft.record_count is None else _require_count(draft.record_count)
        duration_ms = None if draft.duration_ms is None else _require_duration(draft.duration_ms)
        extra = None if draft.extra is None else self._extra(draft.extra)
        category, severity = draft.category, self._severity(draft, namespace, event_type)
        if event_type is not None:
            _require_details(event_type, draft, extra)
            category = category or event_type.category
        return EventRow(
            event_id,
            id_given,
            self._audience(namespace, draft),
            draft.event_type,
            category,
            severity,
            draft.severity_text,
            self._occurred_at(draft.timestamp),
            draft.source,
            draft.message,
            None if extra is None else extra.text,
            duration_ms,
            draft.success,
            draft.actor,
            draft.actor_claim,
            draft.session_id,
            draft.request_id,
            draft.correlation_id,
            parent_id,
            draft.trace_id,
            draft.span_id,
            draft.parent_span_id,
            registration_id,
            record_count,
            self._links(draft.objects, namespace) if draft.objects else (),
            hash_content(
                draft,
                extra=None if extra is None else extra.canonical,
                parent_id=parent_id,
                registration_id=registration_id,
                record_count=record_count,
                duration_ms=duration_ms,
            ),
        )

    def _namespace(self, name: str | None) -> str:
        if name is None:
            name = self._home_namespace
            if name is None:
                raise Rejection(IngestCode.NAMESPACE_FORBIDDEN, "namespace is needed: you have no home namespace")
        self._require_name("namespace", name)
        require_open(name)
        return name

    def _registration(self, text: str) -> str:
        """Take a bare UUID or the node id of a registration (N2)."""
        registration_id = _require_uuid("registrationId", text.removeprefix(_REGISTRATION))
        self.registration_ids.add(registration_id)
        return registration_id

    def _event_type(self, namespace: str, draft: EventDraft) -> EventTypeRecord | None:
        """Give what is registered about an event's type; refuse or discard the event as that says."""
        event_type = self._types.event_type(namespace, draft.event_type)
        if event_type is None:
            if self._types.refuses_unknown:
                raise Rejection(
                    IngestCode.UNKNOWN_EVENT_TYPE,
                    f"eventType {shown(draft.event_type)} is not registered in the namespace {namespace}, and "
                    "TIMELOOM_UNKNOWN_EVENT_TYPES = refuse: an administrator can define it (defineEventType)",
                )
            return None
        if not event_type.enabled:
            raise Discard(IngestCode.TYPE_DISABLED, f"the event type {shown(draft.event_type)} is switched off")
        wanted = event_type.object_types
        if wanted and not any(each.object_type in wanted for each in draft.objects or ()):
            raise Discard(
                IngestCode.TYPE_DISABLED,
                f"the event type {shown(draft.event_type)} is switched off for events that touch no object of a type "
                f"among {', '.join(map(shown, wanted[:_NAMED_TYPES]))}{', ...' if len(wanted) > _NAMED_TYPES else ''}",
            )
        return event_type

    def _severity(self, draft: EventDraft, namespace: str, event_type: EventTypeRecord | None) -> int:
        word = draft.severity_text
        if word is None:
            if draft.severity is not None:
                return int(_SEVERITIES[draft.severity])
            return _INFO if event_type is None else int(event_type.default_severity)
        if draft.severity is not None:
            raise Rejection(
                IngestCode.UNKNOWN_SEVERITY, "severity and severityText are both given: only one of them can decide"
            )
        severity = self._types.severity(namespace, word)
        if severity is None:
            words = ", ".join(self._types.severity_words(namespace))
            raise Rejection(IngestCode.UNKNOWN_SEVERITY, f"severityText {shown(word)} is none of {words}")
        return int(severity)

    def _require_name(self, field: str, name: str) -> None:
        if name not in self._good_names:
            require_namespace_name(field, name)
            self._good_names.add(name)

    def _require_message(self, message: str) -> None:
        limits = self._limits
        # A code point takes four bytes at most.
        if len(message) * 4 > limits.max_message_bytes:
            size = len(message.encode("utf-8", "surrogatepass"))
            if size > limits.max_message_bytes:
                raise Rejection(
                    IngestCode.MESSAGE_TOO_LONG,
                    f"message has {size} bytes, more than {limits.named('max_message_bytes')}",
                )
        if not message.isascii() or "\0" in message:
            _require_characters("message", message)

    def _occurred_at(self, timestamp: int | None) -> int:
        if timestamp is None:
            return self._received_at
        if not EARLIEST <= timestamp <= LATEST:
            raise Rejection(IngestCode.TIMESTAMP_OUT_OF_RANGE, "timestamp lies outside the years 1970 to 9999")
        if timestamp > self._latest:
            raise Rejection(
                IngestCode.TIMESTAMP_OUT_OF_RANGE,
                f"timestamp is further ahead of the gateway's clock ({format_rfc3339(self._received_at)}) than "
                f"{self._limits.named('max_future_seconds')}",
            )
        return timestamp

    def _extra(self, text: str) -> CheckedExtra | None:
        limits = self._limits
        if len(text) * 4 > limits.max_extra_bytes:
            size = len(text.encode("utf-8", "surrogatepass"))
            if size > limits.max_extra_bytes:
                raise Rejection(
                    IngestCode.EXTRA_TOO_LARGE, f"extra has {size} bytes, more than {limits.named('max_extra_bytes')}"
                )
        return check_extra(text, max_depth=limits.max_extra_depth)

    def _audience(self, namespace: str, draft: EventDraft) -> AudienceName:
        readers = draft.visible_to
        if readers is None:
            key = (namespace, draft.owner)
            audience = self._audiences.get(key)
            if audience is None:
                audience = self._audiences[key] = AudienceName(namespace, None, draft.owner)
            return audience
        for name in readers:
            require_text("visibleTo", name, MAX_TEXT_LENGTH)
        return AudienceName(namespace, tuple(sorted(set(readers))), draft.owner)

    def _links(self, drafts: list[ObjectDraft], namespace: str) -> tuple[LinkRecord, ...]:
        limits = self._limits
        if len(drafts) > limits.max_event_objects:
            raise Rejection(
                IngestCode.TOO_MANY_OBJECTS,
                f"the event has {len(drafts)} objects, more than {limits.named('max_event_objects')}",
            )
        links: dict[ObjectRecord, LinkRecord] = {}
        for draft in drafts:
            role = draft.role
            if role is not None:
                require_text("role", role, MAX_TYPE_LENGTH)
            record = self._object(draft, namespace)
            link = LinkRecord(role, record)
            if links.setdefault(record, link) != link:
                raise Rejection(
                    IngestCode.DUPLICATE_OBJECT,
                    f"the object {shown(record.object_type)} {shown(record.object_id)} stands in the event twice, "
                    "with two roles",
                )
        return tuple(links.values())

    def _object(self, draft: ObjectDraft, namespace: str) -> ObjectRecord:
        if draft.namespace is not None:
            namespace = draft.namespace
        key = (namespace, draft.object_type, draft.object_id)
        record = self._objects.get(key)
        if record is None:
            self._require_name("an object's namespace", namespace)
            require_open(namespace)
            require_text("objectType", draft.object_type, MAX_TYPE_LENGTH)
            require_text("objectId", draft.object_id, MAX_TEXT_LENGTH)
            record = self._objects[key] = ObjectRecord(*key)
        return record


def require_namespace_name(field: str, name: str) -> None:
    """Refuse what is no name of a namespace."""
    if _NAMESPACE.fullmatch(name) is None:
        raise Rejection(IngestCode.TEXT_INVALID, f"{field} {shown(name)} is not made of 1 to 64 of A-Z a-z 0-9 . _ -")


def require_open(namespace: str) -> None:
    """Refuse the gateway's own namespace."""
    if namespace == OWN_NAMESPACE:
        raise Rejection(IngestCode.NAMESPACE_FORBIDDEN, f"the namespace {OWN_NAMESPACE} is closed to clients")


_LIMITED_TEXTS: dict[str, tuple[str, int]] = {
    "event_type": ("eventType", MAX_TYPE_LENGTH),
    "category": ("category", MAX_TYPE_LENGTH),
    "severity_text": ("severityText", MAX_TYPE_LENGTH),
    "source": ("source", MAX_TEXT_LENGTH),
    "actor": ("actor", MAX_TEXT_LENGTH),
    "actor_claim": ("actorClaim", MAX_TEXT_LENGTH),
    "session_id": ("sessionId", MAX_TEXT_LENGTH),
    "request_id": ("requestId", MAX_TEXT_LENGTH),
    "correlation_id": ("correlationId", MAX_TEXT_LENGTH),
    "trace_id": ("traceId", MAX_TEXT_LENGTH),
    "span_id": ("spanId", MAX_TEXT_LENGTH),
    "parent_span_id": ("parentSpanId", MAX_TEXT_LENGTH),
    "owner": ("owner", MAX_TEXT_LENGTH),
}
_limited_texts: Callable[[EventDraft], tuple[str | None, ...]] = attrgetter(*_LIMITED_TEXTS)


def _require_texts(draft: EventDraft) -> None:
    texts = _limited_texts(draft)
    given = [text for text in texts if text is not None]
    # All at once: most texts are short and plain.
    joined = "".join(given)
    if "" in given or max(map(len, given)) > MAX_TYPE_LENGTH or not joined.isascii() or "\0" in joined:
        for text, (field, limit) in zip(texts, _LIMITED_TEXTS.values(), strict=True):
            if text is not None:
                require_text(field, text, limit)


def require_text(field: str, text: str, limit: int) -> None:
    """Refuse an empty text (I6, I11), one above its limit in code points, NUL and lone surrogates."""
    if not text:
        raise Rejection(IngestCode.TEXT_INVALID, f"{field} is empty: leave it out, or give it a value")
    if len(text) > limit:
        raise Rejection(
            IngestCode.TEXT_TOO_LONG, f"{field} has {len(text)} characters, more than the {limit} that it may have"
        )
    if not text.isascii() or "\0" in text:
        _require_characters(field, text)


def _require_characters(field: str, text: str) -> None:
    if "\0" in text:
        raise Rejection(IngestCode.TEXT_INVALID, f"{field} holds the character NUL")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Rejection(IngestCode.TEXT_INVALID, f"{field} holds a lone surrogate") from None


def _require_uuid(field: str, text: str) -> str:
    value = parse_uuid(text)
    if value is None:
        raise Rejection(IngestCode.INVALID_ID, f"{field} {shown(text)} is no UUID in its form of 36 characters")
    return value


def _require_count(sent: int | float | str) -> int:
    if isinstance(sent, str):
        # At most 16 digits can be in range; Python refuses to read very many.
        count = int(sent) if sent.isascii() and sent.isdigit() and len(sent.lstrip("0")) <= 16 else -1
    elif isinstance(sent, float):
        count = int(sent) if sent.is_integer() else -1
    else:
        count = sent
    if not 0 <= count <= MAX_RECORD_COUNT:
        raise Rejection(IngestCode.VALUE_OUT_OF_RANGE, f"recordCount is no whole number from 0 to {MAX_RECORD_COUNT}")
    return count


def _require_duration(sent: float) -> float:
    try:
        duration = float(sent)
    except OverflowError:
        duration = math.inf
    if not 0 <= duration < math.inf:
        raise Rejection(IngestCode.VALUE_OUT_OF_RANGE, "durationMs is negative or no finite number")
    # Minus zero is zero.
    return duration + 0.0


_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_NULL = msgspec.Raw(b"null")


def _require_details(event_type: EventTypeRecord, draft: EventDraft, extra: CheckedExtra | None) -> None:
    """Refuse an event without the details that its type requires: keys of `extra` whose values are not null (NU1)."""
    required = event_type.required_details
    if STATE_CATEGORY in (event_type.category, draft.category):
        required = (*required, NEW_STATE)
    if not required:
        return
    try:
        members = {} if extra is None else _decode_members(extra.text)
    except msgspec.ValidationError:
        members = {}  # no object
    for key in required:
        if members.get(key, _NULL) == _NULL:
            raise Rejection(
                IngestCode.MISSING_DETAIL,
                f"extra has no {shown(key)}, which events of the type {shown(draft.event_type)} must have",
            )
