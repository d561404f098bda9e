"""Registrations: a source begins anew, and whether the events that name a registration are its source's (HZ3)."""

from collections.abc import Callable, Collection, Sequence

from mutations.errors import InvalidInputError
from mutations.limits import MAX_TEXT_LENGTH
from mutations.outcomes import IngestCode
from mutations.rejections import Rejection, shown
from mutations.validation import require_namespace_name, require_open, require_text
from storage.appends import EventRow
from storage.engine import Database
from storage.registrations import RegistrationPlace, RegistrationRecord, append_registration, find_registration_places


async def register_source(
    database: Database, source: str, *, namespace: str, clock: Callable[[], int]
) -> RegistrationRecord:
    """Begin a new registration of a source: it is the present one, all others of that source are earlier ones.

    `clock` gives microseconds UTC. Raises InvalidInputError for a source or a namespace that events cannot have, what
    `Database.write` raises.
    """
    require_source(namespace, source)
    keys = await database.identities.intern_namespaces([namespace])
    return await append_registration(database, keys[namespace], source, now=clock())


def require_source(namespace: str, source: str) -> None:
    """Raise InvalidInputError for a source or a namespace that events cannot have."""
    try:
        require_namespace_name("namespace", namespace)
        require_open(namespace)
        require_text("source", source, MAX_TEXT_LENGTH)
    except Rejection as rejection:
        raise InvalidInputError(rejection.message) from None


async def judge_registrations(
    database: Database, judged: Sequence[EventRow | Rejection], registration_ids: Collection[str]
) -> list[EventRow | Rejection]:
    """Reject the rows that name a registration which their source and namespace never had (D5).

    `registration_ids` are all that the rows name. Raises what `Database.reading` raises.
    """
    places = await find_registration_places(database, registration_ids)
    return [each if isinstance(each, Rejection) else _judge(each, places) for each in judged]


def _judge(row: EventRow, places: dict[str, RegistrationPlace]) -> EventRow | Rejection:
    if row.registration_id is None:
        return row
    place = places.get(row.registration_id)
    namespace = row.audience.namespace
    if place is not None and (place.namespace, place.source) == (namespace, row.source):
        return row
    return Rejection(
        IngestCode.UNKNOWN_REGISTRATION,
        f"registrationId {row.registration_id} is no registration of the source {shown(row.source)} in the namespace "
        f"{namespace}: send the id that registerSource gave for both, or leave it out",
    )
