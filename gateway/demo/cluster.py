"""A virtualisation cluster: instances, networks and blobs on six nodes, used through an API.

Event types are `audit mutate status usage resources prune health historic` (requirement EV8) and `operation.<state>`;
an operation touches up to five objects. One node is far busier than the rest, and one of them goes down.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.demo.cluster_trail import OPERATION_STATES, RequestTrail
from gateway.demo.draws import MILLISECOND, MINUTE, SECOND, Draws, as_json
from gateway.demo.showcase import BUSY_NODE, CLUSTER_NAMESPACE, LOST_NODE
from mutations.drafts import EventDraft, ObjectDraft

NODES = ("sf-1", "sf-2", "sf-3", "sf-4", "sf-5", "sf-6")
USERS = ("ana", "ben", "ci-runner", "dora", "edgar", "system")
_NODE = {name: ObjectDraft("node", name) for name in NODES}
_HOST = {name: ObjectDraft("node", name, role="host") for name in NODES}
_FROM = {name: ObjectDraft("node", name, role="source") for name in NODES}
_TO = {name: ObjectDraft("node", name, role="destination") for name in NODES}

_MOST_INSTANCES = 160
_FEWEST_INSTANCES = 24
_MOST_OF_AN_OUTAGE = 10
_IMAGES = ("debian:12", "debian:13", "ubuntu:24.04", "rocky:9", "fedora:42")
_NAMES = ("web", "db", "build", "cache", "queue", "mail", "proxy", "lab")


@dataclass(frozen=True, slots=True)
class Instance:
    """A virtual machine and where it lives."""

    itself: ObjectDraft
    name: str
    node: str
    network: ObjectDraft
    disk: ObjectDraft
    mac: str


class Cluster:
    """Tells the stories of the cluster; remembers which instances there are."""

    def __init__(self, draws: Draws) -> None:
        self._draws = draws
        self._networks = [ObjectDraft("network", draws.uuid()) for _ in range(8)]
        self._blobs = [ObjectDraft("blob", draws.uuid()) for _ in range(20)]
        self._instances = [self._new_instance() for _ in range(2 * _FEWEST_INSTANCES)]
        self._lost_until = 0

    @property
    def stories(self) -> Sequence[tuple[int, Callable[[int], Iterable[EventDraft]]]]:
        """Give a round of stories; most events are measurements, as in a real cluster."""
        return (
            (30, self.measure_usage),
            (22, self.measure_resources),
            (16, self.check_in),
            (4, self.check_health),
            (14, self.read),
            (3, self.create_instance),
            (3, self.reboot_instance),
            (2, self.delete_instance),
            (2, self.snapshot_instance),
            (1, self.fail_to_snapshot),
            (1, self.abort_snapshot),
            (1, self.drop_snapshot),
            (1, self.hang_in_snapshot),
            (3, self.replicate_blob),
            (2, self.change_network),
            (2, self.prune),
            (1, self.import_history),
        )

    def measure_usage(self, start: int) -> Iterable[EventDraft]:
        """What one instance used: keys with blanks and dots, as its hypervisor names them (requirement NU7)."""
        draws = self._draws
        instance = self._instance(start)
        extra = {
            "cpu usage": {"cpu time ns": draws.randrange(10**9, 10**14), "vcpus": draws.choice((1, 2, 4, 8))},
            "disk usage": {"vda": {"allocation": draws.randrange(2**28, 2**36), "capacity": 2**36}},
            "network usage": {
                instance.mac: {"rx.bytes": draws.randrange(2**34), "tx.bytes": draws.randrange(2**32), "rx.errs": 0}
            },
        }
        where = _HOST[instance.node]
        return (self._event(start, "usage", instance.node, "usage", instance.itself, where, extra=as_json(extra)),)

    def measure_resources(self, start: int) -> Iterable[EventDraft]:
        """What a node has left."""
        draws = self._draws
        node = self._node(start)
        extra = {
            "cpu_load_1": round(draws.uniform(0.1, 14.0), 2),
            "memory_available": draws.randrange(4_000, 380_000),
            "disk_free_gb": draws.randrange(120, 3_600),
            "instances_active": draws.randrange(2, 40),
        }
        return (self._event(start, "resources", node, "updated node resources", _NODE[node], extra=as_json(extra)),)

    def check_in(self, start: int) -> Iterable[EventDraft]:
        """A heartbeat, always in the same words: what compaction is for (requirement EV11)."""
        node = self._node(start)
        return (self._event(start, "status", node, "node checked in", _NODE[node], severity="DEBUG"),)

    def check_health(self, start: int) -> Iterable[EventDraft]:
        """A health check that now and then finds something."""
        draws = self._draws
        node = self._node(start)
        took = draws.milliseconds(180)
        if draws.chance(0.12):
            message = f"disk latency is high on {node}: {draws.randrange(40, 400)} ms"
            fields: dict[str, Any] = {"severity": "WARNING", "success": False}
        else:
            message, fields = f"{node} is healthy", {"success": True}
        return (self._event(start, "health", node, message, _NODE[node], duration_ms=took, **fields),)

    def read(self, start: int) -> Iterable[EventDraft]:
        """A request that only looks; some ask for what is not there."""
        draws = self._draws
        instance = self._instance(start)
        trail = self._request(start, "GET", f"/instances/{instance.itself.object_id}", instance.itself)
        trail.wait(draws.milliseconds(24))
        return trail.finish(404 if draws.chance(0.04) else 200, instance.itself)

    def create_instance(self, start: int) -> Iterable[EventDraft]:
        """A request that makes an instance: scheduling, an operation with five objects, and the answer."""
        draws = self._draws
        new = self._new_instance()
        image = draws.choice(_IMAGES)
        trail = self._request(start, "POST", "/instances")
        trail.add(
            draws.milliseconds(6),
            "audit",
            f"instance {new.name} created",
            new.itself,
            new.network,
            extra=as_json(
                {"name": new.name, "cpus": draws.choice((1, 2, 4)), "memory": 2048, "disk": [{"base": image}]}
            ),
        )
        trail.add(draws.milliseconds(40), "audit", f"scheduled on {new.node}", new.itself, _HOST[new.node])
        trail.add(draws.milliseconds(3), "mutate", "state: initial -> preflight", new.itself)
        trail.operate(
            "instance_start", new.itself, new.network, new.disk, _HOST[new.node], source=new.node, typical_ms=9_000
        )
        trail.add(draws.milliseconds(4), "mutate", "state: preflight -> created", new.itself, source=new.node)
        trail.add(draws.milliseconds(20), "status", "dhcp lease granted", new.itself, new.network, source=BUSY_NODE)
        self._instances.append(new)
        if len(self._instances) > _MOST_INSTANCES:
            del self._instances[0]
        return trail.finish(200, new.itself)

    def reboot_instance(self, start: int) -> Iterable[EventDraft]:
        """A request that reboots an instance, once in a while in vain."""
        draws = self._draws
        instance = self._instance(start)
        trail = self._request(start, "POST", f"/instances/{instance.itself.object_id}/reboot", instance.itself)
        failed = draws.chance(0.08)
        trail.operate(
            "instance_reboot",
            instance.itself,
            _HOST[instance.node],
            source=instance.node,
            typical_ms=2_500,
            outcome="error" if failed else "complete",
            why="the guest agent did not answer" if failed else "",
        )
        return trail.finish(500 if failed else 200, instance.itself)

    def delete_instance(self, start: int) -> Iterable[EventDraft]:
        """A request that deletes an instance and what only it used."""
        draws = self._draws
        instance = self._instance(start)
        if len(self._instances) > _FEWEST_INSTANCES:
            self._instances.remove(instance)
        trail = self._request(start, "DELETE", f"/instances/{instance.itself.object_id}", instance.itself)
        trail.operate(
            "instance_delete",
            instance.itself,
            instance.network,
            instance.disk,
            _HOST[instance.node],
            source=instance.node,
            typical_ms=1_400,
        )
        trail.add(draws.milliseconds(9), "mutate", "state: created -> deleted", instance.itself, source=instance.node)
        trail.add(draws.milliseconds(5), "prune", "removed 1 disk of a deleted instance", instance.disk)
        return trail.finish(200, instance.itself)

    def snapshot_instance(self, start: int) -> Iterable[EventDraft]:
        """A request that makes a blob from a disk."""
        return self._snapshot(start, outcome="complete", status=200)

    def fail_to_snapshot(self, start: int) -> Iterable[EventDraft]:
        """The same, on a node that is full."""
        return self._snapshot(start, outcome="error", status=507, why="no space left on the node")

    def abort_snapshot(self, start: int) -> Iterable[EventDraft]:
        """The same, and somebody thinks better of it."""
        return self._snapshot(start, outcome="abort", status=200, why="aborted by the user")

    def drop_snapshot(self, start: int) -> Iterable[EventDraft]:
        """The same, of an instance that goes away meanwhile."""
        return self._snapshot(start, outcome="deleted", status=410, why="the instance was deleted meanwhile")

    def hang_in_snapshot(self, start: int) -> Iterable[EventDraft]:
        """The same, and it runs to this day: neither an outcome nor an answer has come."""
        instance = self._instance(start)
        trail = self._request(start, "POST", f"/instances/{instance.itself.object_id}/snapshot", instance.itself)
        blob = ObjectDraft("blob", self._draws.uuid())
        where = _HOST[instance.node]
        trail.begin_operation(
            "instance_snapshot", instance.itself, blob, where, source=instance.node, typical_ms=21_000
        )
        return trail.events

    def _snapshot(self, start: int, *, outcome: str, status: int, why: str = "") -> Iterable[EventDraft]:
        draws = self._draws
        instance = self._instance(start)
        blob = ObjectDraft("blob", draws.uuid())
        trail = self._request(start, "POST", f"/instances/{instance.itself.object_id}/snapshot", instance.itself)
        trail.operate(
            "instance_snapshot",
            instance.itself,
            blob,
            _HOST[instance.node],
            source=instance.node,
            typical_ms=21_000,
            outcome=outcome,
            why=why,
        )
        if outcome == "complete":
            self._blobs[draws.randrange(len(self._blobs))] = blob
        return trail.finish(status, instance.itself, blob)

    def replicate_blob(self, start: int) -> Iterable[EventDraft]:
        """An operation of the cluster itself: a blob goes from one node to another, without any request."""
        origin, target = self._draws.sample(NODES, 2)
        took = self._draws.milliseconds(14_000)
        ends = start + 2 * SECOND + round(took * MILLISECOND)
        moments = (start, start + SECOND, start + 2 * SECOND, ends)
        states = dict(zip((*OPERATION_STATES, "complete"), moments, strict=True))
        queued, preflight, executing, complete = drafts = self._replicate(origin, target, states)
        for draft in drafts:
            draft.success = True
        preflight.parent_id = executing.parent_id = queued.id
        complete.parent_id, executing.duration_ms = executing.id, took
        return drafts

    def wait_in_line(self, start: int) -> Iterable[EventDraft]:
        """Three more of these, all to the busiest node: one is being prepared, the others have not begun."""
        origins = self._draws.sample([name for name in NODES if name not in (BUSY_NODE, LOST_NODE)], 3)
        first, *others = [start + place * MINUTE for place in range(len(origins))]
        drafts = self._replicate(origins[0], BUSY_NODE, {"queued": first, "preflight": first + SECOND})
        drafts[1].parent_id = drafts[0].id
        for origin, at in zip(origins[1:], others, strict=True):
            drafts += self._replicate(origin, BUSY_NODE, {"queued": at})
        return drafts

    def _replicate(self, origin: str, target: str, moments: Mapping[str, int]) -> list[EventDraft]:
        operation_id = self._draws.uuid()
        blob = self._draws.choice(self._blobs)
        return [
            self._event(
                moment,
                f"operation.{state}",
                target,
                f"blob_replicate: {state}",
                *(ObjectDraft("operation", operation_id), blob, _FROM[origin], _TO[target]),
                category="action",
                correlation_id=operation_id,
            )
            for state, moment in moments.items()
        ]

    def change_network(self, start: int) -> Iterable[EventDraft]:
        """A request that adds an address to a network."""
        network = self._draws.choice(self._networks)
        trail = self._request(start, "PUT", f"/networks/{network.object_id}", network)
        trail.add(self._draws.milliseconds(8), "mutate", "set attribute routing", network, extra='{"floating": true}')
        trail.add(self._draws.milliseconds(60), "mutate", "dhcp configuration written", network, _NODE[BUSY_NODE])
        return trail.finish(200, network)

    def prune(self, start: int) -> Iterable[EventDraft]:
        """The nightly broom."""
        rows = self._draws.randrange(200, 40_000)
        return (self._event(start, "prune", BUSY_NODE, f"pruned {rows} events", _NODE[BUSY_NODE], record_count=rows),)

    def import_history(self, start: int) -> Iterable[EventDraft]:
        """An event of an older log, brought over."""
        blob = self._draws.choice(self._blobs)
        message = "imported from the event log of version 0.6"
        return (self._event(start, "historic", BUSY_NODE, message, blob, severity="NOTICE"),)

    def node_outage(self, start: int) -> Iterable[EventDraft]:
        """A node goes down, its instances fail, it comes back, and they are started again."""
        draws, node, at = self._draws, _NODE[LOST_NODE], start
        incident = draws.uuid()
        stranded = [instance for instance in self._instances if instance.node == LOST_NODE][:_MOST_OF_AN_OUTAGE]
        drafts: list[EventDraft] = []

        def add(event_type: str, message: str, *objects: ObjectDraft, **fields: Any) -> None:
            draft = self._event(at, event_type, BUSY_NODE, message, *objects, correlation_id=incident, **fields)
            draft.parent_id = drafts[0].id if drafts else None
            drafts.append(draft)

        for missed in (1, 2, 3):
            add("health", f"{LOST_NODE} missed {missed} of 3 heartbeats", node, severity="WARNING")
            at += 10 * SECOND
        add("status", f"{LOST_NODE} is down", node, _NODE[BUSY_NODE], severity="CRITICAL", success=False)
        for instance in stranded:
            at += draws.randrange(SECOND)
            lost = f"instance {instance.name} is lost: its node is down"
            add("status", lost, instance.itself, _HOST[LOST_NODE], severity="ERROR", success=False)
        at += draws.randrange(18 * MINUTE, 40 * MINUTE)
        self._lost_until = at
        add("status", f"{LOST_NODE} is up again", node, _NODE[BUSY_NODE], severity="NOTICE", success=True)
        for instance in stranded:
            objects = (ObjectDraft("operation", draws.uuid()), instance.itself, _HOST[LOST_NODE])
            outcome = "error" if draws.chance(0.1) else "complete"
            for state in (*OPERATION_STATES, outcome):
                at += draws.randrange(SECOND)
                severity = "ERROR" if state == "error" else None
                add(f"operation.{state}", f"instance_start: {state}", *objects, category="action", severity=severity)
            drafts[-1].success = outcome == "complete"
        return drafts

    def _event(
        self, at: int, event_type: str, source: str, message: str, *objects: ObjectDraft, **fields: Any
    ) -> EventDraft:
        return EventDraft(
            id=self._draws.event_id(at),
            timestamp=at,
            namespace=CLUSTER_NAMESPACE,
            event_type=event_type,
            source=source,
            message=message,
            objects=list(objects),
            **fields,
        )

    def _request(self, start: int, method: str, path: str, *objects: ObjectDraft) -> RequestTrail:
        user = self._draws.choice(USERS)
        return RequestTrail(
            self._draws, start=start, source=BUSY_NODE, user=user, method=method, path=path, objects=objects
        )

    def _node(self, at: int) -> str:
        node = BUSY_NODE if self._draws.chance(0.55) else self._draws.choice(NODES)
        return BUSY_NODE if node == LOST_NODE and at < self._lost_until else node

    def _instance(self, at: int) -> Instance:
        instance = self._draws.choice(self._instances)
        while instance.node == LOST_NODE and at < self._lost_until:
            instance = self._draws.choice(self._instances)
        return instance

    def _new_instance(self) -> Instance:
        draws = self._draws
        return Instance(
            itself=ObjectDraft("instance", draws.uuid()),
            name=f"{draws.choice(_NAMES)}-{draws.randrange(1, 1000)}",
            node=draws.choice(NODES),
            network=draws.choice(self._networks),
            disk=draws.choice(self._blobs),
            mac="52:54:00:{:02x}:{:02x}:{:02x}".format(*draws.randbytes(3)),
        )
