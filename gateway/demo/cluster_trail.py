"""The trail of one request to the cluster: its events share request, trace and actor, and hang below the first one.

They are spans: stamped when they begin, with how long they took (rule T6) and how they came out (T9). The first one
spans the whole request, and an operation takes as long as its `operation.executing`.
"""

from typing import Any

from gateway.demo.draws import MILLISECOND, Draws, as_json
from gateway.demo.showcase import CLUSTER_NAMESPACE
from mutations.drafts import EventDraft, ObjectDraft

OPERATION_STATES = ("queued", "preflight", "executing")


class RequestTrail:
    """Collects the events of one request, each so many milliseconds after the one before was over.

    `events` is the result, oldest first; `now` (microseconds) is when the last of them was over. Until `finish` it is a
    request that is still running.
    """

    def __init__(
        self,
        draws: Draws,
        *,
        start: int,
        source: str,
        user: str,
        method: str,
        path: str,
        objects: tuple[ObjectDraft, ...] = (),
        request_id: str | None = None,
    ) -> None:
        self.events: list[EventDraft] = []
        self.now = self._start = start
        self.request_id = request_id or draws.uuid()
        self._draws = draws
        self._source = source
        self._call = f"{method} {path}"
        self._user = user
        self._trace_id = draws.digits(32)
        self._root_span = draws.digits(16)
        self._itself = ObjectDraft("api-requests", self.request_id)
        self._root = self.add(
            0,
            "audit",
            f"api request: {self._call}",
            self._itself,
            *objects,
            success=None,
            extra=as_json({"method": method, "path": path, "remote-address": f"192.0.2.{draws.randrange(10, 90)}"}),
        )

    def add(self, after_ms: float, event_type: str, message: str, *objects: ObjectDraft, **fields: Any) -> EventDraft:
        """Add what happened next, and wait until it is over; `fields` are further fields of the event.

        A step went well unless `success` says otherwise.
        """
        self.wait(after_ms)
        is_root = not self.events
        draft = EventDraft(
            id=self._draws.event_id(self.now),
            timestamp=self.now,
            namespace=CLUSTER_NAMESPACE,
            event_type=event_type,
            source=fields.pop("source", self._source),
            message=message,
            objects=list(objects),
            actor=self._user,
            request_id=self.request_id,
            parent_id=fields.pop("parent_id", None if is_root else self._root.id),
            trace_id=self._trace_id,
            span_id=self._root_span if is_root else self._draws.digits(16),
            parent_span_id=None if is_root else self._root_span,
            success=fields.pop("success", True),
            **fields,
        )
        self.events.append(draft)
        self.wait(draft.duration_ms or 0)
        return draft

    def wait(self, milliseconds: float) -> None:
        """Let time pass."""
        self.now += round(milliseconds * MILLISECOND)

    def operate(
        self, kind: str, *targets: ObjectDraft, source: str, typical_ms: float, outcome: str = "complete", why: str = ""
    ) -> None:
        """Add an operation from `operation.queued` to its outcome; it touches itself and its targets."""
        executing = self.begin_operation(kind, *targets, source=source, typical_ms=typical_ms)
        executing.duration_ms = self._draws.milliseconds(typical_ms)
        executing.success = outcome == "complete"
        self.wait(executing.duration_ms)
        self.add(
            0,
            f"operation.{outcome}",
            f"{kind}: {why or outcome}",
            *executing.objects or (),
            source=source,
            category="action",
            severity="ERROR" if outcome == "error" else "INFO",
            success=executing.success,
            correlation_id=executing.correlation_id,
            parent_id=executing.id,
        )

    def begin_operation(self, kind: str, *targets: ObjectDraft, source: str, typical_ms: float) -> EventDraft:
        """Add an operation up to `operation.executing`, and give that one: it is not over yet."""
        operation_id = self._draws.uuid()
        queued: EventDraft | None = None
        for state in OPERATION_STATES:
            draft = self.add(
                self._draws.milliseconds(typical_ms / 40),
                f"operation.{state}",
                f"{kind}: {state}",
                ObjectDraft("operation", operation_id),
                *targets,
                source=source if queued else self._source,
                category="action",
                success=None if state == "executing" else True,
                correlation_id=operation_id,
                parent_id=queued.id if queued else self._root.id,
            )
            queued = queued or draft
        return self.events[-1]

    def finish(self, status: int, *objects: ObjectDraft) -> list[EventDraft]:
        """Add the answer and give the whole trail; a status from 400 up is a failure."""
        failed = status >= 400
        self.add(
            self._draws.milliseconds(3),
            "audit",
            f"api request: {self._call} answered {status}",
            self._itself,
            *objects,
            severity="ERROR" if status >= 500 else "WARNING" if failed else None,
            success=not failed,
            extra=as_json({"status": status}),
        )
        self._root.duration_ms = (self.now - self._start) / MILLISECOND
        self._root.success = not failed
        return self.events
