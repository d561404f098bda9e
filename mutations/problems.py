"""Problems: an error of an object is dismissed, with an event that tells of it (HZ6)."""

from collections.abc import Callable

from mutations.audit import CATEGORY, own_event
from mutations.errors import InvalidInputError, NotFoundError
from mutations.rejections import Rejection
from mutations.validation import require_text
from storage.appends import Batch, prepare_append
from storage.dismissals import TouchRecord, fetch_touch, save_dismissal
from storage.engine import Database, Transaction
from storage.identities import AudienceName
from storage.problem_statements import DISMISSED, ProblemQuery
from storage.problems import ProblemRecord, fetch_problems_of
from storage.records import EventKey, LinkRecord, ObjectRecord
from storage.scopes import Scope
from storage.severities import Severity
from storage.times import LATEST, format_rfc3339

MOST_REASON_CHARACTERS = 1_000


async def dismiss_problem(
    database: Database,
    touched: ObjectRecord,
    event: EventKey,
    *,
    min_severity: int,
    until: int | None,
    reason: str | None,
    actor: str,
    scope: Scope,
    clock: Callable[[], int],
) -> ProblemRecord | None:
    """Close an error of an object and all before it, and give what the object's problem is then, dismissed or newer.

    `until` (microseconds UTC): from then on it counts as if nobody had dismissed it. What is dismissed again has the
    new end, reason and name. The event that tells of it is seen by those who see the error. None: a success has closed
    it. Raises InvalidInputError; NotFoundError where the caller sees no such error.
    """
    now = clock()
    _require_valid(until, reason, now)
    touch = await fetch_touch(database, touched, event, scope=scope)
    if touch is None or touch.success or touch.severity < min_severity:
        raise NotFoundError(
            "there is no such problem: its event has been removed, or never was an error of this object"
        )
    append = await prepare_append(
        database, [await _batch(database, touch, touched, until=until, reason=reason, actor=actor, now=now)]
    )

    async def work(transaction: Transaction) -> None:
        await save_dismissal(
            transaction, touch, by=actor, at=now, until=until, reason=reason, dialect_name=database.dialect_name
        )
        await append(transaction)

    await database.write(work, name="a dismissal")
    query = ProblemQuery(min_severity, clock(), include_dismissed=True)
    return (await fetch_problems_of(database, [touched], scope=scope, query=query))[touched]


async def _batch(
    database: Database,
    touch: TouchRecord,
    touched: ObjectRecord,
    *,
    until: int | None,
    reason: str | None,
    actor: str,
    now: int,
) -> Batch:
    """Make the event, in the audience of the error: nobody learns of it who may not see that."""
    audience = (await database.identities.audiences([touch.audience_key]))[touch.audience_key]
    shown = None if until is None else format_rfc3339(until)
    row = own_event(
        DISMISSED,
        f"the problem of {touched.object_type} {touched.object_id} was dismissed"
        + (f" until {shown}" if shown else ""),
        audience=AudienceName(audience.namespace, audience.readers, audience.owner),
        category=CATEGORY,
        severity=Severity.NOTICE,
        extra={"event": touch.place.event_id, "until": shown, "reason": reason},
        now=now,
        actor=actor,
        objects=(LinkRecord(None, touched),),
    )
    return Batch([row], now)


def _require_valid(until: int | None, reason: str | None, now: int) -> None:
    if until is not None and not now < until <= LATEST:
        raise InvalidInputError("until must lie in the future; leave it out to dismiss the problem for good")
    if reason is not None:
        try:
            require_text("reason", reason, MOST_REASON_CHARACTERS)
        except Rejection as rejection:
            raise InvalidInputError(rejection.message) from None
