"""Deletions: counted and shown first, confirmed by that preview, carried out in the background (L4, D1 to D8).

A preview is a row that says what would go; its id is the confirmation: once, by the same caller, for the same request,
within a quarter of an hour, and as long as the number is the same. `deletion_worker.py` does the rest.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from mutations.audit import audit_batch
from mutations.deletion_counts import DeletionCount, count_for
from mutations.errors import (
    ConfirmationRequiredError,
    ConfirmationStaleError,
    InvalidInputError,
    NotFoundError,
)
from mutations.selections import OBJECT, REGISTRATIONS, Selection
from storage.appends import Batch, prepare_append
from storage.deletions import (
    DeletionRecord,
    DeletionState,
    append_deletion,
    change_deletion,
    fetch_deletion,
)
from storage.engine import Database
from storage.identifiers import new_event_id
from storage.leases import Lease
from storage.positions import settle_position
from storage.severities import Severity
from storage.times import MICROSECONDS_PER_SECOND

CONFIRMABLE_SECONDS: Final = 15 * 60
"""How long a preview can be confirmed."""
AUDIT_TYPE: Final = "deletion"
"""The type of the event that tells of a deletion."""
MOST_SELECTION_BYTES: Final = 1024 * 1024
"""The longest filter that is kept."""

MOST_REASON_CHARACTERS: Final = 1_000
"""The longest reason."""

_INLINE_PREVIEW = 20_000
_INLINE_RECOUNT = 10_000
_INLINE_SECONDS = 1.0
_PORTION = 10_000
_MUTATIONS = {OBJECT: "forgetObject", REGISTRATIONS: "pruneRegistrations"}
_CONFIRMED = (DeletionState.QUEUED, DeletionState.RUNNING, DeletionState.DONE)
_CANCELLABLE = (DeletionState.COUNTING, DeletionState.PREVIEWED, DeletionState.QUEUED, DeletionState.RUNNING)


Clock = Callable[[], int]
"""Gives the present time in microseconds UTC."""


class DeletionRequest(NamedTuple):
    """What somebody wants deleted. `filter` is the JSON text of what they wrote, `reason` why."""

    selection: Selection
    filter: str
    requested_by: str
    reason: str | None = None


async def preview_deletion(database: Database, request: DeletionRequest, *, clock: Clock) -> DeletionRecord:
    """Count what a request would take; what takes long goes on in the background, as state COUNTING.

    Raises InvalidInputError for a filter too long to be kept.
    """
    now = clock()
    bound = await settle_position(database)
    text = request.selection.to_text()
    if max(len(text.encode()), len(request.filter.encode())) > MOST_SELECTION_BYTES:
        raise InvalidInputError(f"the filter is longer than {MOST_SELECTION_BYTES} bytes: delete in several parts")
    walk = await request.selection.walk(database, bound)
    count = await count_for(
        database, walk, DeletionCount(), most=_INLINE_PREVIEW, seconds=_INLINE_SECONDS, size=_PORTION
    )
    record = DeletionRecord(
        id=new_event_id(),
        kind=request.selection.kind,
        state=DeletionState.COUNTING,
        requested_by=request.requested_by,
        reason=request.reason,
        filter=request.filter,
        selection=text,
        bound=bound,
        created_at=now,
    )
    record = with_count(record, count, now=clock())
    await append_deletion(database, record)
    return record


async def confirm_deletion(
    database: Database, request: DeletionRequest, confirmation: str | None, *, clock: Clock
) -> DeletionRecord:
    """Have a preview carried out in the background.

    Raises ConfirmationRequiredError without one, ConfirmationStaleError when it does not hold (D3, D8); nothing is
    deleted then. What is counted again here is what takes less than a second; the worker counts the rest.
    """
    if confirmation is None:
        raise ConfirmationRequiredError(
            "nothing was deleted: ask with dryRun: true first, look at what would go, then give that deletion's id as "
            "confirmation"
        )
    record = await fetch_deletion(database, confirmation)
    now = clock()
    record = _require_confirmable(record, request, now=now)
    count = DeletionCount()
    if record.matched_references <= _INLINE_RECOUNT:
        # The stored selection: of registrations it knows which ones were meant when it was previewed.
        walk = await Selection.from_text(record.selection).walk(database, record.bound)
        count = await count_for(database, walk, count, most=_INLINE_RECOUNT + 1, seconds=_INLINE_SECONDS, size=_PORTION)
    after = record._replace(
        state=DeletionState.QUEUED,
        reason=request.reason if request.reason is not None else record.reason,
        recounted=count.matched,
        recounted_references=count.references,
        place=count.place,
        expires_at=None,
    )
    if is_stale(after):
        message = stale_message(after)
        error = f"CONFIRMATION_STALE: {message}"
        await finish_deletion(database, record, DeletionState.FAILED, now=now, error=error)
        raise ConfirmationStaleError(message)
    if not await change_deletion(database, record, after):
        raise ConfirmationStaleError("this confirmation has been used already: ask with dryRun: true again")
    return after


async def cancel_deletion(database: Database, deletion_id: str, *, cancelled_by: str, clock: Clock) -> DeletionRecord:
    """End a deletion between two chunks (D4); one that has ended is given back as it is.

    Raises NotFoundError when there is none.
    """
    while True:
        record = await fetch_deletion(database, deletion_id)
        if record is None:
            raise NotFoundError(f"there is no deletion {deletion_id}")
        now = clock()
        record = record.seen_at(now)
        if record.state not in _CANCELLABLE:
            return record
        # Somebody else may move it on between our look and our writing: then we look again.
        ended = await finish_deletion(database, record, DeletionState.CANCELLED, now=now, actor=cancelled_by)
        if ended is not None:
            return ended


async def finish_deletion(
    database: Database,
    record: DeletionRecord,
    state: DeletionState,
    *,
    now: int,
    error: str | None = None,
    actor: str | None = None,
    lease: Lease | None = None,
) -> DeletionRecord | None:
    """End a deletion, and write the event that tells of it in the same transaction; None: it has moved on meanwhile.

    One that was cancelled before anything went leaves no event.
    """
    after = record._replace(state=state, finished_at=now, error=error, place=None, expires_at=None)
    then = None
    if state is not DeletionState.CANCELLED or record.started_at is not None:
        then = await prepare_append(database, [_audit(after, actor=actor or record.requested_by, now=now)])
    return after if await change_deletion(database, record, after, lease=lease, then=then) else None


def with_count(record: DeletionRecord, count: DeletionCount, *, now: int) -> DeletionRecord:
    """Give a deletion whose counting has come so far; when it is complete it waits for its confirmation."""
    record = record._replace(matched=count.matched, matched_references=count.references, sample=count.sample)
    if not count.is_complete:
        return record._replace(place=count.place)
    expires_at = now + CONFIRMABLE_SECONDS * MICROSECONDS_PER_SECOND
    return record._replace(state=DeletionState.PREVIEWED, place=None, expires_at=expires_at)


def is_stale(record: DeletionRecord) -> bool:
    """Whether counting again has found that a preview does not hold any more."""
    return record.recounted_references > record.matched_references or (
        DeletionCount(place=record.place).is_complete and record.recounted_references != record.matched_references
    )


def stale_message(record: DeletionRecord) -> str:
    """Say that a preview does not hold any more."""
    what = "references" if record.kind == OBJECT else "events"
    return (
        f"nothing was deleted: the preview counted {record.matched_references} {what}, and now there are others "
        f"({record.recounted_references} were counted): ask with dryRun: true again"
    )


def _require_confirmable(record: DeletionRecord | None, request: DeletionRequest, *, now: int) -> DeletionRecord:
    again = "nothing was deleted: ask with dryRun: true again"
    if record is None or record.requested_by != request.requested_by:
        raise ConfirmationStaleError(f"there is no preview of yours with this id; {again}")
    record = record.seen_at(now)
    if not Selection.from_text(record.selection).is_same_request(request.selection):
        raise ConfirmationStaleError(f"this confirmation belongs to another request; {again}")
    if record.state is DeletionState.COUNTING:
        raise ConfirmationRequiredError(
            f"nothing was deleted: this preview is still being counted ({record.matched} so far); confirm it when its "
            "state is PREVIEWED"
        )
    if record.state in _CONFIRMED:
        raise ConfirmationStaleError(
            f"this confirmation has been used already, its deletion is {record.state.value}: follow it by its id; to "
            "delete what has come since, ask with dryRun: true again"
        )
    if record.state is not DeletionState.PREVIEWED:
        raise ConfirmationStaleError(f"this confirmation cannot be used, its deletion is {record.state.value}; {again}")
    return record


def _audit(record: DeletionRecord, *, actor: str | None, now: int) -> Batch:
    """Make the event that tells of a deletion that has ended: who, what, how many, why (NU5)."""
    failed = record.state is DeletionState.FAILED
    told = {
        DeletionState.DONE: f"deleted {record.deleted} events",
        DeletionState.CANCELLED: f"cancelled a deletion after {record.deleted} of {record.matched} events",
        DeletionState.FAILED: f"a deletion failed after {record.deleted} of {record.matched} events: {record.error}",
    }[record.state]
    extra = {
        "deletion": record.id,
        "mutation": _MUTATIONS.get(record.kind, "deleteEvents"),
        "state": record.state.value,
        # As a text: how deep a filter nests is no concern of extra's limits.
        "filter": record.filter,
        "matched": record.matched,
        "deleted": record.deleted,
        "references": record.deleted_references,
        "requestedBy": record.requested_by,
        "reason": record.reason,
    }
    severity = Severity.ERROR if failed else Severity.NOTICE
    return audit_batch(AUDIT_TYPE, told, extra=extra, now=now, actor=actor, severity=severity)
