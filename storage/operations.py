"""Operations: work on objects that was asked for, and how far it has come (OP1, OP2)."""

from enum import Enum
from typing import NamedTuple


class OperationState(Enum):
    """How far an operation has come; the first three are pending, the others final (OP2)."""

    QUEUED = "QUEUED"
    PREFLIGHT = "PREFLIGHT"
    EXECUTING = "EXECUTING"
    COMPLETE = "COMPLETE"
    ABORT = "ABORT"
    DELETED = "DELETED"
    ERROR = "ERROR"

    @property
    def is_pending(self) -> bool:
        """Whether work is still to be done."""
        return self in PENDING_STATES


PENDING_STATES = (OperationState.QUEUED, OperationState.PREFLIGHT, OperationState.EXECUTING)


class OperationRecord(NamedTuple):
    """One operation. Times are microseconds UTC, `payload` is JSON text; `key` grows with each one enqueued (O5)."""

    key: int
    uuid: str
    namespace: str
    operation_type: str
    state: OperationState
    is_pending: bool
    created_at: int
    updated_at: int
    request_id: str | None
    payload: str
