"""Limits: how large a batch and its events may be."""

from collections.abc import Sequence
from dataclasses import dataclass

from mutations.drafts import EventDraft
from mutations.errors import BatchTooLargeError
from storage.quotas import NO_QUOTAS, Quotas

MAX_TYPE_LENGTH = 64
"""Code points of event types, categories, severity words, object types, roles and namespace names."""
MAX_TEXT_LENGTH = 255
"""Code points of sources, actors, owners, readers, object ids and the ids of requests and the like."""


@dataclass(frozen=True)
class IngestLimits:
    """The settings that limit ingest; each is TIMELOOM_ and its name in capitals.

    The bytes of a whole batch are counted where the body is read.
    """

    max_batch_events: int = 5_000
    max_batch_bytes: int = 16 * 1024 * 1024
    max_batch_references: int = 20_000
    max_event_objects: int = 100
    max_message_bytes: int = 65_536
    max_extra_bytes: int = 1024 * 1024
    max_extra_depth: int = 30
    max_future_seconds: int = 600
    quotas: Quotas = NO_QUOTAS

    def named(self, setting: str) -> str:
        """Give a setting as error messages name it: TIMELOOM_MAX_BATCH_EVENTS = 5000."""
        return f"TIMELOOM_{setting.upper()} = {getattr(self, setting)}"


def require_batch_fits(drafts: Sequence[EventDraft], limits: IngestLimits) -> None:
    """Raise BatchTooLargeError when a batch has too many events or references; nothing of it is stored then."""
    if len(drafts) > limits.max_batch_events:
        raise BatchTooLargeError(
            f"the batch has {len(drafts)} events, more than {limits.named('max_batch_events')}: send it in parts"
        )
    references = sum([len(draft.objects) for draft in drafts if draft.objects])
    if references > limits.max_batch_references:
        raise BatchTooLargeError(
            f"the batch has {references} references to objects, more than {limits.named('max_batch_references')}: "
            "send it in parts"
        )
