"""Edge agents: each registers with a hub, makes agreements and runs services (Open Horizon's words; requirement HZ1).

`event_code` = event type, `source_type` = category; agreements and services are objects; severities come as the words
`info warning error fatal`. Heartbeats repeat the same message over and over.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.demo.draws import DAY, MINUTE, SECOND, Draws, as_json
from gateway.demo.showcase import EDGE_NAMESPACE
from mutations.drafts import EventDraft, ObjectDraft

AGENTS = tuple(f"edge-{number:02d}" for number in range(1, 19))
SERVICES = tuple(
    ObjectDraft("service", f"https://services.example/{name}")
    for name in ("cpu-percent", "gps", "camera-counter", "air-quality", "speech-to-text")
)
_HEARTBEAT_MESSAGE = "node heartbeat successful"
_MOST_AGREEMENTS = 4


@dataclass(slots=True)
class _Agent:
    """A device: its present registration and the agreements it holds."""

    name: str
    node: ObjectDraft
    registration_id: str
    agreements: list[tuple[ObjectDraft, ObjectDraft]] = field(default_factory=list)


class EdgeAgents:
    """Tells the stories of the agents; remembers their registrations and agreements."""

    def __init__(self, draws: Draws, *, since: int) -> None:
        self._draws = draws
        self._agents = [_Agent(name, ObjectDraft("node", name), draws.uuid()) for name in AGENTS]
        self._quiet_until = since

    @property
    def stories(self) -> Sequence[tuple[int, Callable[[int], Iterable[EventDraft]]]]:
        """Give a round of stories; two thirds of the rows are heartbeats."""
        return (
            (60, self.send_heartbeat),
            (5, self.agree),
            (3, self.cancel),
            (3, self.run_service),
            (2, self.restart_service),
            (1, self.give_service_up),
            (1, self.register),
            (1, self.lose_policy),
        )

    def send_heartbeat(self, start: int) -> Iterable[EventDraft]:
        """A heartbeat in the words of all others."""
        agent = self._draws.choice(self._agents)
        if start < self._quiet_until:
            return (self._event(start, agent, "node_heartbeat_failed", "node", "no answer from the hub", "warning"),)
        return (
            EventDraft(
                id=self._draws.event_id(start),
                timestamp=start,
                namespace=EDGE_NAMESPACE,
                event_type="node_heartbeat",
                category="node",
                source=agent.name,
                message=_HEARTBEAT_MESSAGE,
                severity_text="info",
                objects=[agent.node],
            ),
        )

    def register(self, start: int) -> Iterable[EventDraft]:
        """An agent starts anew: another registration, and the old agreements are void (requirement HZ3)."""
        agent = self._draws.choice(self._agents)
        left = self._event(start, agent, "node_unregistration_complete", "node", "node unregistered", "info")
        agent.registration_id, agent.agreements = self._draws.uuid(), []
        at = start + self._draws.randrange(5 * SECOND, 2 * MINUTE)
        begun = self._event(at, agent, "start_node_configuration_registration", "node", "registration begins", "info")
        done = self._event(
            at + 3 * SECOND, agent, "node_configuration_registration_complete", "node", "node is configured", "info"
        )
        return left, begun, done

    def agree(self, start: int) -> Iterable[EventDraft]:
        """An agreement is proposed, reached, and its service started."""
        draws = self._draws
        agent = draws.choice(self._agents)
        agreement, service = ObjectDraft("agreement", draws.digits(64)), draws.choice(SERVICES)
        agent.agreements.append((agreement, service))
        del agent.agreements[:-_MOST_AGREEMENTS]
        steps = (
            ("agreement_proposal_received", "agreement", "proposal received"),
            ("agreement_reached", "agreement", "agreement reached"),
            ("image_loaded", "service", "image loaded"),
            ("container_running", "service", f"{service.object_id} is running"),
        )
        at = start
        drafts = []
        for code, source_type, message in steps:
            drafts.append(self._event(at, agent, code, source_type, message, "info", agreement, service))
            at += draws.randrange(SECOND, 40 * SECOND)
        return drafts

    def cancel(self, start: int) -> Iterable[EventDraft]:
        """An agreement ends; without any, the agent says that it has none."""
        agent = self._draws.choice(self._agents)
        if not agent.agreements:
            return (self._event(start, agent, "no_agreement", "agreement", "no agreement is held", "warning"),)
        pair = agent.agreements.pop(0)
        reason = self._draws.choice(("policy changed", "node unreachable", "service upgrade"))
        extra = as_json({"reason": reason, "reason_code": self._draws.randrange(100, 130)})
        cancelled = self._event(
            start, agent, "agreement_cancelled", "agreement", f"cancelled: {reason}", "warning", *pair, extra=extra
        )
        stopped = self._event(start + 4 * SECOND, agent, "container_stopped", "service", "stopped", "info", *pair)
        return cancelled, stopped

    def run_service(self, start: int) -> Iterable[EventDraft]:
        """A service tells how it is."""
        draws = self._draws
        agent = draws.choice(self._agents)
        pair = agent.agreements[-1] if agent.agreements else (draws.choice(SERVICES),)
        extra = as_json({"cpu.percent": round(draws.uniform(0, 100), 1), "restarts": draws.randrange(3)})
        return (self._event(start, agent, "service_status", "service", "service is up", "info", *pair, extra=extra),)

    def restart_service(self, start: int) -> Iterable[EventDraft]:
        """A container ends and is started again."""
        return self._fail_service(start, "container_running", "running again", "info")

    def give_service_up(self, start: int) -> Iterable[EventDraft]:
        """A container ends once too often."""
        return self._fail_service(start, "service_execution_failed", "given up after 5 starts", "fatal")

    def _fail_service(self, start: int, code: str, message: str, severity: str) -> Iterable[EventDraft]:
        draws = self._draws
        agent = draws.choice(self._agents)
        pair = agent.agreements[-1] if agent.agreements else (draws.choice(SERVICES),)
        extra = as_json({"exit code": 137, "message": "out of memory"})
        failed = self._event(
            start, agent, "container_error", "service", "container exited with 137", "error", *pair, extra=extra
        )
        at = start + draws.randrange(10 * SECOND, MINUTE)
        end = self._event(at, agent, code, "service", message, severity, *pair)
        return failed, end

    def lose_policy(self, start: int) -> Iterable[EventDraft]:
        """A policy that cannot be read."""
        agent = self._draws.choice(self._agents)
        message = "node policy is no valid JSON: “properties” is missing"
        return (self._event(start, agent, "error_in_node_policy", "node", message, "error"),)

    def hub_outage(self, start: int) -> Iterable[EventDraft]:
        """The hub is gone for a while: every agent notices, and comes back one after the other."""
        draws = self._draws
        self._quiet_until = start + draws.randrange(10 * MINUTE, DAY // 12)
        drafts = []
        for agent in self._agents:
            at = start + draws.randrange(MINUTE)
            drafts.append(
                self._event(
                    at, agent, "exchange_error", "exchange", "the hub cannot be reached", "error", success=False
                )
            )
            at = self._quiet_until + draws.randrange(5 * MINUTE)
            drafts.append(self._event(at, agent, "node_heartbeat_restored", "node", "the hub answers again", "info"))
        return drafts

    def _event(
        self,
        at: int,
        agent: _Agent,
        code: str,
        source_type: str,
        message: str,
        severity: str,
        *objects: ObjectDraft,
        **fields: Any,
    ) -> EventDraft:
        return EventDraft(
            id=self._draws.event_id(at),
            timestamp=at,
            namespace=EDGE_NAMESPACE,
            event_type=code,
            category=source_type,
            source=agent.name,
            message=message,
            severity_text=severity,
            registration_id=agent.registration_id,
            objects=[agent.node, *objects],
            **fields,
        )
