"""An API server for containers at the edge: every action is a tree of events (requirements NU1 to NU4).

`deployment.start` is followed by a child `deployment.start.completed` or `.failed`, at once or much later; a bulk
action is one event on top and one per resource below it. An action lasts until its ending, once there is one, and the
ending is a moment. A few events are meant for some readers only.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.demo.draws import MILLISECOND, MINUTE, SECOND, Draws, as_json
from gateway.demo.showcase import API_NAMESPACE
from mutations.drafts import EventDraft, ObjectDraft

CATEGORIES = ("add", "edit", "delete", "action", "state", "alarm", "email", "user", "command", "crud")
SOURCE = "api-server-1"

_USERS = ("user/jane", "user/omar", "user/lea", "user/tomás", "user/wei", "user/zoë")
_READERS: tuple[list[str], ...] = (["user/jane", "user/omar"], ["group/operators"], [])
_SMALLEST_BULK, _LARGEST_BULK = 5, 18
_REASONS = (
    "quota exceeded",
    "image not found: registry.example/app:1.4",
    "the edge is offline",
    "timed out after 300 s",
)


@dataclass(frozen=True, slots=True)
class _Actor:
    """Who asks: the user, the claim that is active, and the session."""

    name: str
    claim: str
    session: str


class ApiServer:
    """Tells the stories of the API server; remembers some of its resources."""

    def __init__(self, draws: Draws) -> None:
        self._draws = draws
        self._deployments = [self._new("deployment") for _ in range(60)]
        self._edges = [self._new("nuvlabox") for _ in range(25)]
        self._modules = [self._new("module") for _ in range(12)]
        self._credentials = [self._new("credential") for _ in range(12)]
        self._sessions = [f"session/{draws.uuid()}" for _ in range(24)]

    @property
    def stories(self) -> Sequence[tuple[int, Callable[[int], Iterable[EventDraft]]]]:
        """Give a round of stories."""
        return (
            (8, self.act_on_deployment),
            (6, self.change_state),
            (5, self.sign_in),
            (4, self.edit_module),
            (3, self.read_credential),
            (2, self.add_deployment),
            (2, self.delete_deployment),
            (2, self.raise_alarm),
            (1, self.bulk_update),
        )

    def act_on_deployment(self, start: int) -> Iterable[EventDraft]:
        """An action that is accepted at once and completes, or fails, minutes later; some are still under way."""
        draws = self._draws
        kind = draws.choice(("start", "stop", "fetch-logs"))
        deployment = draws.choice(self._deployments)
        tree = _Tree(draws, start, f"deployment.{kind}", self._actor(), deployment, draws.choice(self._edges))
        tree.root("action", f"{kind} {deployment.object_id}")
        if draws.chance(0.95):
            tree.finish(draws.randrange(2 * SECOND, 12 * MINUTE), failed=draws.chance(0.12))
        return tree.events

    def change_state(self, start: int) -> Iterable[EventDraft]:
        """An edge reports its state: these carry `new-state` (requirement NU1)."""
        draws = self._draws
        state = draws.choices(("ONLINE", "OFFLINE", "UNKNOWN"), (60, 30, 10))[0]
        tree = _Tree(draws, start, "nuvlabox.state", None, draws.choice(self._edges))
        word = {"ONLINE": "low", "OFFLINE": "high", "UNKNOWN": "medium"}[state]
        tree.root("state", f"the edge is {state}", severity_text=word, extra=as_json({"new-state": state}))
        return tree.events

    def sign_in(self, start: int) -> Iterable[EventDraft]:
        """Somebody signs in; who that is concerns nobody else (requirement NU4)."""
        draws = self._draws
        actor = self._actor()
        self._sessions[draws.randrange(len(self._sessions))] = actor.session
        failed = draws.chance(0.2)
        tree = _Tree(draws, start, "session.add", actor, ObjectDraft("user", actor.name))
        private: dict[str, Any] = (
            {"owner": actor.name, "visible_to": draws.choice(_READERS)} if draws.chance(0.3) else {}
        )
        tree.root("user", f"{actor.name} signs in", **private)
        tree.finish(draws.randrange(30, 400) * MILLISECOND, failed=failed, why="wrong password", **private)
        return tree.events

    def edit_module(self, start: int) -> Iterable[EventDraft]:
        """A module is edited."""
        draws = self._draws
        tree = _Tree(draws, start, "module.edit", self._actor(), draws.choice(self._modules))
        tree.root("edit", "edit a module", extra=as_json({"fields": ["description", "env.variables"]}))
        tree.finish(draws.randrange(20, 300) * MILLISECOND, failed=draws.chance(0.03))
        return tree.events

    def read_credential(self, start: int) -> Iterable[EventDraft]:
        """A credential is read: visible to its owner and two others."""
        draws = self._draws
        actor = self._actor()
        tree = _Tree(draws, start, "credential.get", actor, draws.choice(self._credentials))
        tree.root("crud", "read a credential", owner=actor.name, visible_to=draws.choice(_READERS), success=True)
        return tree.events

    def add_deployment(self, start: int) -> Iterable[EventDraft]:
        """A deployment is made from a module, and mailed about."""
        draws = self._draws
        new = self._new("deployment")
        self._deployments[draws.randrange(len(self._deployments))] = new
        tree = _Tree(draws, start, "deployment.add", self._actor(), new, draws.choice(self._modules))
        tree.root("add", f"add {new.object_id}")
        tree.finish(draws.randrange(50, 900) * MILLISECOND, failed=False)
        tree.now += draws.randrange(SECOND, 20 * SECOND)
        tree.child("notification.email", "email", "mail sent about a new deployment", success=True)
        return tree.events

    def delete_deployment(self, start: int) -> Iterable[EventDraft]:
        """A deployment is deleted; a running one cannot be."""
        draws = self._draws
        tree = _Tree(draws, start, "deployment.delete", self._actor(), draws.choice(self._deployments))
        tree.root("delete", "delete a deployment")
        tree.finish(draws.randrange(50, 900) * MILLISECOND, failed=draws.chance(0.25), why="it is still running")
        return tree.events

    def raise_alarm(self, start: int) -> Iterable[EventDraft]:
        """An edge runs out of something."""
        draws = self._draws
        what, word = draws.choice((("disk", "high"), ("memory", "medium"), ("temperature", "critical")))
        extra = as_json({"metric": what, "value": draws.randrange(85, 100), "limit": 85})
        tree = _Tree(draws, start, "nuvlabox.alarm", None, draws.choice(self._edges))
        tree.root("alarm", f"{what} is above its limit", severity_text=word, extra=extra)
        return tree.events

    def bulk_update(self, start: int) -> Iterable[EventDraft]:
        """One bulk action: an event on top, one per deployment below, each with its own ending (requirement NU2)."""
        draws = self._draws
        chosen = draws.sample(self._deployments, draws.randint(_SMALLEST_BULK, _LARGEST_BULK))
        actor = self._actor()
        top = _Tree(draws, start, "deployment.bulk-update", actor, *chosen)
        top.root(
            "command",
            f"update {len(chosen)} deployments",
            extra=as_json({"module": draws.choice(self._modules).object_id}),
        )
        failures = 0
        for deployment in chosen:
            top.now += draws.randrange(30, 900) * MILLISECOND
            one = _Tree(draws, top.now, "deployment.update", actor, deployment, parent=top)
            one.root("action", f"update {deployment.object_id}")
            failed = draws.chance(0.15)
            failures += failed
            one.finish(draws.randrange(SECOND, 4 * MINUTE), failed=failed)
            top.events += one.events
        top.now = max(draft.timestamp or 0 for draft in top.events)
        top.finish(200 * MILLISECOND, failed=failures == len(chosen), note=f"{failures} of {len(chosen)} failed")
        return top.events

    def _actor(self) -> _Actor:
        draws = self._draws
        name = draws.choice(_USERS)
        return _Actor(name, "group/nuvla-admin" if draws.chance(0.2) else name, draws.choice(self._sessions))

    def _new(self, object_type: str) -> ObjectDraft:
        return ObjectDraft(object_type, f"{object_type}/{self._draws.uuid()}")


class _Tree:
    """The events of one action: the action itself, then its children."""

    def __init__(
        self,
        draws: Draws,
        start: int,
        event_type: str,
        actor: _Actor | None,
        *objects: ObjectDraft,
        parent: "_Tree | None" = None,
    ) -> None:
        self.events: list[EventDraft] = []
        self.now = self._start = start
        self._draws = draws
        self._event_type = event_type
        self._category = ""
        self._actor = actor
        self._objects = objects
        self._action: EventDraft | None = parent._action if parent else None
        self._request_id: str = parent._request_id if parent else draws.uuid()

    def root(self, category: str, message: str, **fields: Any) -> None:
        """Add the action; what is added later hangs below it."""
        self._category = category
        self._action = self.child(self._event_type, category, message, **fields)

    def child(self, event_type: str, category: str, message: str, **fields: Any) -> EventDraft:
        """Add an event below the action."""
        actor = self._actor
        draft = EventDraft(
            id=self._draws.event_id(self.now),
            timestamp=self.now,
            namespace=API_NAMESPACE,
            event_type=event_type,
            category=category,
            source=SOURCE,
            message=message,
            objects=list(self._objects),
            parent_id=self._action.id if self._action else None,
            request_id=self._request_id,
            actor=actor.name if actor else "group/nuvla-system",
            actor_claim=actor.claim if actor else None,
            session_id=actor.session if actor else None,
            **fields,
        )
        self.events.append(draft)
        return draft

    def finish(self, after: int, *, failed: bool, why: str = "", note: str = "", **fields: Any) -> None:
        """Add how the action ended, so many microseconds later."""
        self.now += after
        ending = "failed" if failed else "completed"
        reason = (why or self._draws.choice(_REASONS)) if failed else note
        self.child(
            f"{self._event_type}.{ending}",
            self._category,
            f"{self._event_type} {ending}: {reason}" if reason else f"{self._event_type} {ending}",
            severity_text="high" if failed else "low",
            success=not failed,
            **fields,
        )
        if self._action:
            self._action.duration_ms = (self.now - self._start) / MILLISECOND
