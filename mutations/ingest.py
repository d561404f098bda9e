"""Ingest: a batch of drafts is judged event by event, and what is new is stored in one transaction (EV2, GQ3)."""

from collections.abc import Callable, Sequence

from mutations.drafts import EventDraft
from mutations.limits import IngestLimits, require_batch_fits
from mutations.outcomes import IngestCode, IngestOutcome, IngestReport, IngestResult
from mutations.rejections import Rejection
from mutations.validation import EventValidator
from storage.appends import AppendOutcome, EventRow
from storage.engine import Database
from storage.groups import append_grouped
from storage.identifiers import parse_uuid

__all__ = ["IngestCode", "IngestLimits", "IngestOutcome", "IngestReport", "IngestResult", "ingest_events"]


async def ingest_events(
    database: Database,
    drafts: Sequence[EventDraft],
    *,
    home_namespace: str | None,
    limits: IngestLimits,
    clock: Callable[[], int],
) -> IngestReport:
    """Store a batch and say what became of each event, in order.

    `home_namespace` is where events go that name no namespace; `clock` gives microseconds UTC. Raises
    BatchTooLargeError when the batch is over a limit as a whole, StorageError when nothing was stored (for
    OutcomeUnknownError, possibly): then the same events may be sent again, with the same ids.
    """
    require_batch_fits(drafts, limits)
    received_at = clock()
    validator = EventValidator(home_namespace=home_namespace, limits=limits, received_at=received_at)
    judged: list[EventRow | Rejection] = []
    for draft in drafts:
        try:
            judged.append(validator.to_row(draft))
        except Rejection as rejection:
            judged.append(rejection)
    rows = [each for each in judged if not isinstance(each, Rejection)]
    outcomes = iter(await append_grouped(database, rows, received_at=received_at))
    results = [
        _rejected(index, drafts[index], each)
        if isinstance(each, Rejection)
        else _RESULTS[next(outcomes)](index, each.id)
        for index, each in enumerate(judged)
    ]
    return IngestReport(results)


def _rejected(index: int, draft: EventDraft, rejection: Rejection) -> IngestResult:
    # I10: the id as sent when it is well formed.
    sent = draft.id if draft.id is not None and parse_uuid(draft.id) is not None else None
    return IngestResult(index, sent, IngestOutcome.REJECTED, rejection.code, rejection.message)


def _accepted(index: int, event_id: str) -> IngestResult:
    return IngestResult(index, event_id, IngestOutcome.ACCEPTED)


def _duplicate(index: int, event_id: str) -> IngestResult:
    return IngestResult(index, event_id, IngestOutcome.DUPLICATE)


def _deleted(index: int, event_id: str) -> IngestResult:
    message = "an event with this id was here and has been deleted; it does not come back"
    return IngestResult(index, event_id, IngestOutcome.DUPLICATE, IngestCode.DELETED, message)


def _conflict(index: int, event_id: str) -> IngestResult:
    message = "an event with this id is here with other content, which stays"
    return IngestResult(index, event_id, IngestOutcome.CONFLICT, IngestCode.CONFLICT, message)


_RESULTS: dict[AppendOutcome, Callable[[int, str], IngestResult]] = {
    AppendOutcome.ACCEPTED: _accepted,
    AppendOutcome.DUPLICATE: _duplicate,
    AppendOutcome.DELETED: _deleted,
    AppendOutcome.CONFLICT: _conflict,
}
