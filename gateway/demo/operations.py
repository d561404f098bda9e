"""Operations of the demo: what the cluster's events tell of them, written as operations that can be asked for (OP2).

The events are told by the history, like those of any source that keeps operations itself; here their states, payloads
and targets are gathered from them.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from gateway.demo.draws import HOUR, as_json
from gateway.demo.showcase import CLUSTER_NAMESPACE
from mutations.drafts import EventDraft
from storage.engine import Database
from storage.identities import AudienceName
from storage.operation_changes import NewOperation
from storage.operations import OperationState
from storage.records import ObjectRecord
from storage.told_operations import ToldOperation, insert_told_operations
from storage.type_definitions import OperationTypeRecord, TargetField

_OPERATION = "operation"
_LONGEST = 2 * HOUR
_AUDIENCE = AudienceName(CLUSTER_NAMESPACE, None, None)
_INSTANCE, _NETWORK, _BLOB = (TargetField(name, name) for name in ("instance", "network", "blob"))
_HOST, _SOURCE, _DESTINATION = (TargetField(name, "node") for name in ("host", "source", "destination"))

OPERATION_TYPES = tuple(
    OperationTypeRecord(CLUSTER_NAMESPACE, name, fields, description)
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
class Story:
    """An operation as its events tell it. Times are microseconds UTC."""

    uuid: str
    operation_type: str
    state: OperationState
    created_at: int
    updated_at: int
    request_id: str | None
    requested_by: str | None
    targets: dict[str, ObjectRecord]
    """By the field of the payload that names each."""


class Stories:
    """Gathers operations from the events of a history, which come in order of time."""

    def __init__(self) -> None:
        self._waiting: dict[str, Story] = {}

    def take(self, drafts: Iterable[EventDraft]) -> None:
        """Learn what some events tell."""
        for draft in drafts:
            kind, _, state = draft.event_type.partition(".")
            if kind == _OPERATION and draft.timestamp is not None:
                begun = _begin(draft, draft.timestamp)
                before = self._waiting.get(begun.uuid, begun)
                self._waiting[begun.uuid] = replace(
                    before, state=OperationState[state.upper()], updated_at=draft.timestamp
                )

    def give(self, *, until: int | None = None) -> Iterator[Story]:
        """Give those that are over, or will tell nothing more by a time; None: all. In the order of their beginning."""
        while self._waiting:
            first = next(iter(self._waiting.values()))
            if until is not None and first.state.is_pending and first.created_at > until - _LONGEST:
                return
            yield self._waiting.pop(first.uuid)


async def write_operations(database: Database, stories: Sequence[Story]) -> None:
    """Write operations as they are by now; those that are there already stay as they are."""
    if not stories:
        return
    audience = (await database.identities.intern_audiences([_AUDIENCE]))[_AUDIENCE]
    targets = {target for each in stories for target in each.targets.values()}
    keys = await database.identities.intern_objects(targets, seen_by={(target, audience.key) for target in targets})
    told = []
    for each in stories:
        payload = as_json({field: target.object_id for field, target in each.targets.items()})
        enqueued = NewOperation(
            uuid=each.uuid,
            audience=audience,
            operation_type=each.operation_type,
            created_at=each.created_at,
            request_id=each.request_id,
            requested_by=each.requested_by,
            payload=payload,
            content_hash=hashlib.blake2b(payload.encode(), digest_size=16).digest(),
            targets={target: keys[target] for target in each.targets.values()},
        )
        told.append(ToldOperation(enqueued, each.state, each.updated_at))
    await database.write(lambda transaction: insert_told_operations(transaction, told), name="operations of the demo")


def _begin(draft: EventDraft, at: int) -> Story:
    operation_id, targets = "", dict[str, ObjectRecord]()
    for each in draft.objects or ():
        if each.object_type == _OPERATION:
            operation_id = each.object_id
        else:
            field = each.role or each.object_type
            targets[field] = ObjectRecord(CLUSTER_NAMESPACE, each.object_type, each.object_id)
    return Story(
        uuid=operation_id,
        operation_type=draft.message.partition(":")[0],
        state=OperationState.QUEUED,
        created_at=at,
        updated_at=at,
        request_id=draft.request_id,
        requested_by=draft.actor,
        targets=targets,
    )
