"""Ingest: a batch of drafts is judged event by event, and what is new is stored in one transaction (EV2, GQ3)."""

from collections.abc import Callable, Sequence

from mutations.drafts import EventDraft
from mutations.limits import IngestLimits, require_batch_fits
from mutations.outcomes import IngestCode, IngestOutcome, IngestReport, IngestResult
from mutations.registrations import judge_registrations
from mutations.rejections import Rejection
from mutations.repeats import find_repeats
from mutations.type_registry import NO_TYPES, TypeSnapshot
from mutations.validation import EventValidator
from storage.appends import AppendOutcome, EventRow
from storage.engine import Database
from storage.groups import append_grouped
from storage.identifiers import parse_uuid
from storage.times import MICROSECONDS_PER_DAY, format_rfc3339

__all__ = ["IngestCode", "IngestLimits", "IngestOutcome", "IngestReport", "IngestResult", "ingest_events"]


async def ingest_events(
    database: Database,
    drafts: Sequence[EventDraft],
    *,
    home_namespace: str | None,
    limits: IngestLimits,
    clock: Callable[[], int],
    types: TypeSnapshot = NO_TYPES,
) -> IngestReport:
    """Store a batch and say what became of each event, in order.

    `home_namespace` is where events go that name no namespace; `clock` gives microseconds UTC; `types` say what is
    registered. Raises BatchTooLargeError when the batch is over a limit as a whole, StorageError when nothing was
    stored (for OutcomeUnknownError, possibly): then the same events may be sent again, with the same ids.
    """
    require_batch_fits(drafts, limits)
    received_at = clock()

    def validating(rules: TypeSnapshot) -> EventValidator:
        return EventValidator(home_namespace=home_namespace, limits=limits, received_at=received_at, types=rules)

    validator = validating(types)
    judged: list[EventRow | Rejection] = []
    for draft in drafts:
        try:
            judged.append(validator.to_row(draft))
        except Rejection as rejection:
            judged.append(rejection)
    if validator.registration_ids:
        judged = await judge_registrations(database, judged, validator.registration_ids)
    rows = [each for each in judged if not isinstance(each, Rejection)]
    repeats: dict[int, AppendOutcome] = {}
    if types.has_rules and len(rows) < len(judged):
        repeats = await find_repeats(database, drafts, judged, validator=validating(types.without_rules()))
    outcomes = iter(await append_grouped(database, rows, received_at=received_at, quotas=limits.quotas))
    results = [
        _rejected(index, drafts[index], each, repeats.get(index))
        if isinstance(each, Rejection)
        else _RESULTS[next(outcomes)](index, each.id)
        for index, each in enumerate(judged)
    ]
    report = IngestReport(results)
    if report.counts[IngestOutcome.DEFERRED]:
        return _with_quotas(report, judged, limits=limits, received_at=received_at)
    return report


def _with_quotas(
    report: IngestReport, judged: Sequence[EventRow | Rejection], *, limits: IngestLimits, received_at: int
) -> IngestReport:
    """Say which quota an event was deferred by, and when it ends."""
    midnight = (received_at // MICROSECONDS_PER_DAY + 1) * MICROSECONDS_PER_DAY
    messages: dict[str, str] = {}
    results = []
    for result, row in zip(report.results, judged, strict=True):
        if result.outcome is IngestOutcome.DEFERRED and isinstance(row, EventRow):
            name = row.audience.namespace
            if name not in messages:
                messages[name] = (
                    f"the quota of the namespace {name} is used up (events that arrive in a UTC day: "
                    f"{limits.quotas.of(name)}): send this one again from {format_rfc3339(midnight)} on"
                )
            result = IngestResult(result.index, result.id, result.outcome, result.code, messages[name])
        results.append(result)
    return IngestReport(results)


def _rejected(index: int, draft: EventDraft, rejection: Rejection, repeat: AppendOutcome | None) -> IngestResult:
    # I10: the id as sent when it is well formed.
    event_id = None if draft.id is None else parse_uuid(draft.id)
    if repeat is not None and event_id is not None:
        return _RESULTS[repeat](index, event_id)
    sent = None if event_id is None else draft.id
    return IngestResult(index, sent, rejection.outcome, rejection.code, rejection.message)


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


def _deferred(index: int, event_id: str) -> IngestResult:
    return IngestResult(index, event_id, IngestOutcome.DEFERRED, IngestCode.QUOTA_EXCEEDED)


_RESULTS: dict[AppendOutcome, Callable[[int, str], IngestResult]] = {
    AppendOutcome.ACCEPTED: _accepted,
    AppendOutcome.DUPLICATE: _duplicate,
    AppendOutcome.DELETED: _deleted,
    AppendOutcome.CONFLICT: _conflict,
    AppendOutcome.DEFERRED: _deferred,
}
