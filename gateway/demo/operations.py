"""Operations of the demo: what the cluster's events tell of them, written as operations that can be asked for (OP2).

The events are told by the history, like those of any source that keeps operations itself; here their states, payloads
and targets are gathered from them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from gateway.demo.draws import HOUR, as_json
from gateway.demo.showcase import CLUSTER_NAMESPACE
from mutations.drafts import EventDraft
from mutations.operation_types import OperationType, TargetField
from storage.operations import OperationState
from storage.records import ObjectRecord

_OPERATION = "operation"
_LONGEST = 2 * HOUR
_INSTANCE, _NETWORK, _BLOB = (TargetField(name, name) for name in ("instance", "network", "blob"))
_HOST, _SOURCE, _DESTINATION = (TargetField(name, "node") for name in ("host", "source", "destination"))

OPERATION_TYPES = tuple(
    OperationType(name, CLUSTER_NAMESPACE, fields, description)
    for name, fields, description in (
        ("instance_start", (_INSTANCE, _NETWORK, _BLOB, _HOST), "Start an instance on a node."),
        ("instance_reboot", (_INSTANCE, _HOST), "Reboot an instance."),
        ("instance_delete", (_INSTANCE, _NETWORK, _BLOB, _HOST), "Delete an instance and what only it used."),
        ("instance_snapshot", (_INSTANCE, _BLOB, _HOST), "Make a blob from an instance's disk."),
        ("network_connect", (_NETWORK, _INSTANCE, _HOST), "Connect an instance to a network."),
        ("blob_replicate", (_BLOB, _SOURCE, _DESTINATION), "Copy a blob from one node to another."),
    )
)
"""The types of the cluster's operations: which fields of their payloads name what (OP1)."""


@dataclass(frozen=True, slots=True)
class ToldOperation:
    """An operation as its events tell it. Times are microseconds UTC."""

    uuid: str
    namespace: str
    operation_type: str
    state: OperationState
    created_at: int
    updated_at: int
    request_id: str | None
    requested_by: str | None
    payload: str
    targets: tuple[ObjectRecord, ...]


class OperationsTold:
    """Gathers operations from the events of a history, which come in order of time."""

    def __init__(self) -> None:
        self._waiting: dict[str, ToldOperation] = {}

    def take(self, drafts: Iterable[EventDraft]) -> None:
        """Learn what some events tell."""
        for draft in drafts:
            kind, _, state = draft.event_type.partition(".")
            if kind == _OPERATION and draft.timestamp is not None:
                told = _begin(draft, draft.timestamp)
                before = self._waiting.get(told.uuid, told)
                self._waiting[told.uuid] = replace(
                    before, state=OperationState[state.upper()], updated_at=draft.timestamp
                )

    def give(self, *, until: int | None = None) -> Iterator[ToldOperation]:
        """Give those that are over, or will tell nothing more by a time; None: all. In the order of their beginning."""
        while self._waiting:
            first = next(iter(self._waiting.values()))
            if until is not None and first.state.is_pending and first.created_at > until - _LONGEST:
                return
            yield self._waiting.pop(first.uuid)


def _begin(draft: EventDraft, at: int) -> ToldOperation:
    namespace = draft.namespace or CLUSTER_NAMESPACE
    operation_id, payload, targets = "", dict[str, str](), list[ObjectRecord]()
    for each in draft.objects or ():
        if each.object_type == _OPERATION:
            operation_id = each.object_id
        else:
            payload[each.role or each.object_type] = each.object_id
            targets.append(ObjectRecord(namespace, each.object_type, each.object_id))
    return ToldOperation(
        uuid=operation_id,
        namespace=namespace,
        operation_type=draft.message.partition(":")[0],
        state=OperationState.QUEUED,
        created_at=at,
        updated_at=at,
        request_id=draft.request_id,
        requested_by=draft.actor,
        payload=as_json(payload),
        targets=tuple(targets),
    )
