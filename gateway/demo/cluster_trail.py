"""The trail of one request to the cluster: its events share request, trace and actor, and hang below the first one."""

from typing import Any

from gateway.demo.draws import MILLISECOND, Draws, as_json
from gateway.demo.showcase import CLUSTER_NAMESPACE
from mutations.drafts import EventDraft, ObjectDraft

OPERATION_STATES = ("queued", "preflight", "executing")


class RequestTrail:
    """Collects the events of one request, each so many milliseconds after the one before.

    `events` is the result, oldest first; `now` (microseconds) is when the last of them happened.
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
        self._root_id: str | None = None
        self._itself = ObjectDraft("api-requests", self.request_id)
        root = self.add(
            0,
            "audit",
            f"api request: {self._call}",
            self._itself,
            *objects,
            extra=as_json({"method": method, "path": path, "remote-address": f"192.0.2.{draws.randrange(10, 90)}"}),
        )
        self._root_id = root.id

    def add(self, after_ms: float, event_type: str, message: str, *objects: ObjectDraft, **fields: Any) -> EventDraft:
        """Add what happened next; `fields` are further fields of the event."""
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
            parent_id=fields.pop("parent_id", self._root_id),
            trace_id=self._trace_id,
            span_id=self._root_span if is_root else self._draws.digits(16),
            parent_span_id=None if is_root else self._root_span,
            **fields,
        )
        self.events.append(draft)
        return draft

    def wait(self, milliseconds: float) -> None:
        """Let time pass."""
        self.now += int(milliseconds * MILLISECOND)

    def operate(
        self, kind: str, *targets: ObjectDraft, source: str, typical_ms: float, outcome: str = "complete", why: str = ""
    ) -> None:
        """Add an operation from `operation.queued` to its outcome; it touches itself and its targets."""
        operation_id = self._draws.uuid()
        objects = (ObjectDraft("operation", operation_id), *targets)
        queued: EventDraft | None = None
        for state in OPERATION_STATES:
            draft = self.add(
                self._draws.milliseconds(typical_ms / 40),
                f"operation.{state}",
                f"{kind}: {state}",
                *objects,
                source=source if queued else self._source,
                category="action",
                correlation_id=operation_id,
                parent_id=queued.id if queued else self._root_id,
            )
            queued = queued or draft
        duration = self._draws.milliseconds(typical_ms)
        self.add(
            duration,
            f"operation.{outcome}",
            f"{kind}: {why or outcome}",
            *objects,
            source=source,
            category="action",
            severity="ERROR" if outcome == "error" else "INFO",
            success=outcome == "complete",
            correlation_id=operation_id,
            parent_id=queued.id if queued else None,
            duration_ms=duration,
        )

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
        answer = self.events[-1]
        answer.duration_ms = (self.now - self._start) / MILLISECOND
        return self.events
