"""Operations: enqueued with their targets, moved on; each time an event tells of it in the same transaction (OP1, OP2).

An event lies on the operation's own object, (`operation`, uuid), and on every target, so that both timelines show it,
also when the operation itself is gone (OP5). Events of this kind are the gateway's own: nothing refuses them.
"""

import hashlib
from collections.abc import Callable, Sequence

import msgspec

from mutations.audit import own_event
from mutations.errors import ConflictError, InvalidInputError, NotFoundError
from mutations.extras import CheckedExtra, check_extra
from mutations.limits import MAX_TEXT_LENGTH, MAX_TYPE_LENGTH, IngestLimits
from mutations.rejections import Rejection
from mutations.validation import require_namespace_name, require_open, require_text
from storage.appends import Batch, EventRow, prepare_append
from storage.engine import Database, Transaction
from storage.identifiers import new_event_id
from storage.identities import AudienceName
from storage.operation_changes import (
    NewOperation,
    fetch_enqueued,
    holds_event,
    insert_operation,
    lock_operation,
    move_operation,
)
from storage.operations import OperationRecord, OperationState, fetch_operations, fetch_targets
from storage.records import EventKey, LinkRecord, ObjectRecord
from storage.scopes import EVERYTHING
from storage.severities import Severity
from storage.type_definitions import OperationTypeRecord

OBJECT_TYPE = "operation"
"""The type of the object that stands for an operation; its id is the operation's UUID."""
TARGET_ROLE = "target"
"""The role in which an operation's events touch what it works on."""
CATEGORY = "action"

_MOVES = {state: place for place, state in enumerate(OperationState)}
_SUCCESS = {OperationState.COMPLETE: True, OperationState.ERROR: False}
_MICROSECONDS_PER_MILLISECOND = 1_000


async def enqueue_operation(
    database: Database,
    *,
    operation_type: OperationTypeRecord,
    namespace: str,
    payload: str,
    uuid: str | None = None,
    request_id: str | None = None,
    actor: str,
    clock: Callable[[], int],
    limits: IngestLimits,
) -> OperationRecord:
    """Store an operation with the targets that its type finds in the payload (JSON text), and give it.

    One that is there with the same `uuid`, type, namespace and payload is given as it is now, and nothing is written
    (O3). `clock` gives microseconds UTC. Raises InvalidInputError for what cannot be stored (O4), ConflictError when
    the `uuid` is another operation's, what `Database.write` raises.
    """
    _require_names(operation_type, namespace, request_id)
    checked = check_payload(payload, limits)
    targets = find_targets(operation_type, namespace, checked.text)
    operation_id = uuid or new_event_id()
    now = clock()
    audience = AudienceName(namespace, None, None)
    queued = _queued(operation_id, operation_type.name, namespace, checked.text, request_id=request_id, now=now)
    event = _event(queued, targets, moved_from=None, message=None, actor=actor)
    append = await prepare_append(database, [Batch([event], now)])
    new = NewOperation(
        uuid=operation_id,
        audience=(await database.identities.intern_audiences([audience]))[audience],
        operation_type=operation_type.name,
        created_at=now,
        request_id=request_id,
        requested_by=actor,
        payload=checked.text,
        content_hash=_hash_content(operation_type.name, namespace, checked.canonical),
        targets=await database.identities.intern_objects(targets),
    )

    async def work(transaction: Transaction) -> OperationRecord:
        there = await fetch_enqueued(transaction, operation_id)
        if there is None:
            record = await insert_operation(transaction, new)
            await append(transaction)
            return record
        # It may also be our own COMMIT, whose answer was lost.
        if there.content_hash != new.content_hash:
            raise ConflictError(
                f"uuid {operation_id} belongs to another operation, with another type, namespace or payload: "
                "leave it out for a new one, or send what was first sent with it"
            )
        return there.record

    return await database.write(work, name="an operation")


async def transition_operation(
    database: Database,
    operation_id: str,
    state: OperationState,
    *,
    expected_state: OperationState | None = None,
    message: str | None = None,
    actor: str,
    clock: Callable[[], int],
    limits: IngestLimits,
) -> OperationRecord:
    """Move an operation on, and give it; one that is in that state already is given as it is (O9).

    Raises NotFoundError (O10), ConflictError with the present state when the move is not allowed from there, or when
    that is not `expected_state` (O1, O2), InvalidInputError for a message that events cannot have, what
    `Database.write` raises.
    """
    _require_message(message, limits)
    while True:
        present = await _find(database, operation_id)
        _require_expected(present, expected_state)
        if present.state is state:
            return present
        _require_move(present, state)
        moved = await _move(database, present, state, message=message, actor=actor, now=clock())
        # None: somebody moved it since. It only ever goes forward, so that this comes to an end.
        if moved is not None:
            return moved


def check_payload(payload: str, limits: IngestLimits) -> CheckedExtra:
    """Check a payload as the extra of an event is checked. Raises InvalidInputError, also for what is no object."""
    size = len(payload.encode("utf-8", "surrogatepass"))
    if size > limits.max_extra_bytes:
        raise InvalidInputError(f"payload has {size} bytes, more than {limits.named('max_extra_bytes')}")
    try:
        checked = check_extra(payload, max_depth=limits.max_extra_depth)
    except Rejection as rejection:
        raise InvalidInputError(f"payload {rejection.message.removeprefix('extra ')}") from None
    if checked is None or not checked.text.startswith("{"):
        raise InvalidInputError(
            'payload is no JSON object: its fields name what the operation works on, {"field": ...}'
        )
    return checked


def find_targets(operation_type: OperationTypeRecord, namespace: str, payload: str) -> tuple[ObjectRecord, ...]:
    """Give what a checked payload names by the fields of a type, each once; missing and null ones are skipped (OP1).

    Raises InvalidInputError that names the field when it holds anything but a text, or a text that is no id (O4).
    """
    members = msgspec.json.decode(payload, type=dict[str, msgspec.Raw])
    targets: dict[ObjectRecord, None] = {}
    for field, object_type in operation_type.target_fields:
        written = bytes(members.get(field, b"null"))
        if written == b"null":
            continue
        name = f"payload.{field}"
        if not written.startswith(b'"'):
            raise InvalidInputError(
                f"{name} is no text: in operations of the type {operation_type.name} it holds the id of an object of "
                f"the type {object_type}, or null"
            )
        object_id = msgspec.json.decode(written, type=str)
        try:
            require_text(name, object_id, MAX_TEXT_LENGTH)
        except Rejection as rejection:
            raise InvalidInputError(rejection.message) from None
        targets[ObjectRecord(namespace, object_type, object_id)] = None
    return tuple(targets)


def _queued(
    operation_id: str, operation_type: str, namespace: str, payload: str, *, request_id: str | None, now: int
) -> OperationRecord:
    """Make the record of an operation that is about to be stored, and has no key yet."""
    return OperationRecord(
        key=0,
        uuid=operation_id,
        namespace=namespace,
        operation_type=operation_type,
        state=OperationState.QUEUED,
        is_pending=True,
        created_at=now,
        updated_at=now,
        request_id=request_id,
        payload=payload,
    )


async def _find(database: Database, operation_id: str) -> OperationRecord:
    for record in await fetch_operations(database, [operation_id], scope=EVERYTHING):
        return record
    raise NotFoundError(f"there is no operation {operation_id}")


async def _move(
    database: Database, present: OperationRecord, state: OperationState, *, message: str | None, actor: str, now: int
) -> OperationRecord | None:
    """Write a move and its event in one transaction; None, and nothing is written, when it is not there any more."""
    # Whichever clocks there are, an operation's events lie in the order of its moves.
    moved = present._replace(state=state, is_pending=state.is_pending, updated_at=max(now, present.updated_at + 1))
    targets = (await fetch_targets(database, [present.key], scope=EVERYTHING))[present.key]
    event = _event(moved, targets, moved_from=present.state, message=message, actor=actor)
    append = await prepare_append(database, [Batch([event], now)])

    async def work(transaction: Transaction) -> OperationRecord | None:
        locked = await lock_operation(transaction, present.key)
        if locked is None:
            return None
        if locked.state is present.state:
            await move_operation(transaction, moved)
            await append(transaction)
            return moved
        # It may be our own COMMIT, whose answer was lost; and since then others may have moved it further.
        if await holds_event(transaction, EventKey(present.namespace, event.id)):
            return moved._replace(state=locked.state, is_pending=locked.state.is_pending, updated_at=locked.updated_at)
        return None

    return await database.write(work, name="a move of an operation")


def _event(
    record: OperationRecord,
    targets: Sequence[ObjectRecord],
    *,
    moved_from: OperationState | None,
    message: str | None,
    actor: str,
) -> EventRow:
    """Make the event that tells that an operation came into its state (O6)."""
    state = record.state
    own = ObjectRecord(record.namespace, OBJECT_TYPE, record.uuid)
    links = {own: LinkRecord(None, own)}
    for target in targets:
        links.setdefault(target, LinkRecord(TARGET_ROLE, target))
    steps = state.value if moved_from is None else f"{moved_from.value} -> {state.value}"
    taken = record.updated_at - record.created_at
    return own_event(
        f"{OBJECT_TYPE}.{state.value.lower()}",
        message or f"{record.operation_type}: {steps}",
        audience=AudienceName(record.namespace, None, None),
        category=CATEGORY,
        severity=Severity.ERROR if state is OperationState.ERROR else Severity.INFO,
        extra={
            "operation-type": record.operation_type,
            "state": state.value,
            "from": None if moved_from is None else moved_from.value,
        },
        now=record.updated_at,
        actor=actor,
        objects=tuple(links.values()),
        request_id=record.request_id,
        success=_SUCCESS.get(state),
        duration_ms=None if state.is_pending else taken / _MICROSECONDS_PER_MILLISECOND,
    )


def _require_names(operation_type: OperationTypeRecord, namespace: str, request_id: str | None) -> None:
    try:
        require_namespace_name("namespace", namespace)
        require_open(namespace)
        require_text("operationType", operation_type.name, MAX_TYPE_LENGTH)
        if request_id is not None:
            require_text("requestId", request_id, MAX_TEXT_LENGTH)
    except Rejection as rejection:
        raise InvalidInputError(rejection.message) from None


def _require_message(message: str | None, limits: IngestLimits) -> None:
    """Take what an event's message may be; empty is the same as none."""
    if not message:
        return
    try:
        require_text("message", message, limits.max_message_bytes)
    except Rejection as rejection:
        raise InvalidInputError(rejection.message) from None
    size = len(message.encode())
    if size > limits.max_message_bytes:
        raise InvalidInputError(f"message has {size} bytes, more than {limits.named('max_message_bytes')}")


def _require_expected(present: OperationRecord, expected: OperationState | None) -> None:
    if expected is not None and expected is not present.state:
        raise ConflictError(
            f"the operation is {present.state.value}, not {expected.value}: look at it before moving it"
        )


def _require_move(present: OperationRecord, state: OperationState) -> None:
    if not present.is_pending:
        raise ConflictError(f"the operation is {present.state.value}, which is final: enqueue another one")
    if state.is_pending and _MOVES[state] < _MOVES[present.state]:
        raise ConflictError(f"the operation is {present.state.value}, from where it cannot go back to {state.value}")


def _hash_content(name: str, namespace: str, payload: bytes) -> bytes:
    content = msgspec.json.encode([name, namespace]) + payload
    return hashlib.blake2b(content, digest_size=16).digest()
