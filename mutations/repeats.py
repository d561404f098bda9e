"""Repeats: an event that its type refuses or discards today may have been stored before its type was defined so.

Then it is told what every repeat is told (EV2): whoever did not get the first answer learns that the event is there.
"""

from collections.abc import Sequence
from contextlib import suppress

from mutations.drafts import EventDraft
from mutations.outcomes import IngestCode
from mutations.rejections import Rejection
from mutations.validation import EventValidator
from storage.appends import AppendOutcome, EventRow, fetch_repeats
from storage.engine import Database

_BY_TYPE = frozenset({IngestCode.UNKNOWN_EVENT_TYPE, IngestCode.MISSING_DETAIL, IngestCode.TYPE_DISABLED})


async def find_repeats(
    database: Database,
    drafts: Sequence[EventDraft],
    judged: Sequence[EventRow | Rejection],
    *,
    validator: EventValidator,
) -> dict[int, AppendOutcome]:
    """Give what is there already, by index, of events that only their types keep out; `validator` asks for no type.

    One look-up for all of them. Raises StorageError.
    """
    rows: dict[int, EventRow] = {}
    for index, each in enumerate(judged):
        if isinstance(each, Rejection) and each.code in _BY_TYPE and drafts[index].id is not None:
            with suppress(Rejection):
                rows[index] = validator.to_row(drafts[index])
    if not rows:
        return {}
    found = await fetch_repeats(database, list(rows.values()))
    return {index: outcome for index, outcome in zip(rows, found, strict=True) if outcome is not None}
