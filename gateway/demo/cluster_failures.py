"""The request of the showcase: an instance that could not be started, and every step that led there."""

from collections.abc import Iterable

from gateway.demo.cluster_trail import RequestTrail
from gateway.demo.draws import Draws, as_json
from gateway.demo.showcase import BUSY_NODE, FAILED_REQUEST_ID
from mutations.drafts import EventDraft, ObjectDraft

_NODE = "sf-3"


class FailedRequest:
    """Tells of one failed request; it depends on its own draws alone, never on the rest of the history."""

    def __init__(self, draws: Draws) -> None:
        self._draws = draws

    def tell(self, start: int) -> Iterable[EventDraft]:
        """An image that cannot be fetched: three tries, an operation in error, an answer of 500."""
        draws = self._draws
        instance = ObjectDraft("instance", draws.uuid())
        network = ObjectDraft("network", draws.uuid())
        blob = ObjectDraft("blob", draws.uuid())
        host = ObjectDraft("node", _NODE, role="host")
        trail = RequestTrail(
            draws,
            start=start,
            source=BUSY_NODE,
            user="ana",
            method="POST",
            path="/instances",
            request_id=FAILED_REQUEST_ID,
        )
        wanted = {"name": "web-500", "cpus": 4, "memory": 8192, "disk": [{"size": 20, "base": "debian:13"}]}
        trail.add(6.2, "audit", "instance web-500 created", instance, network, extra=as_json(wanted))
        trail.add(3.1, "mutate", "state: initial -> preflight", instance)
        busy = ObjectDraft("node", BUSY_NODE)
        trail.add(48.7, "audit", f"scheduling: {BUSY_NODE} has too little memory", instance, busy, severity="NOTICE")
        trail.add(2.4, "audit", f"scheduled on {_NODE}", instance, host)
        trail.operate("network_connect", network, instance, host, source=_NODE, typical_ms=310)
        for attempt, took in enumerate((1_520.0, 4_080.5, 9_771.25), start=1):
            trail.add(
                1.8,
                "status",
                f"fetching debian:13 failed, try {attempt} of 3: connection reset by peer",
                blob,
                instance,
                host,
                source=_NODE,
                severity="WARNING" if attempt < 3 else "ERROR",
                success=False,
                duration_ms=took,
                extra=as_json(
                    {"url": "https://images.example/debian:13", "attempt": attempt, "bytes.received": 65_536}
                ),
            )
        trail.operate(
            "instance_start",
            instance,
            network,
            blob,
            host,
            source=_NODE,
            typical_ms=240,
            outcome="error",
            why="the base image could not be fetched",
        )
        trail.add(4.4, "mutate", "state: preflight -> error", instance, source=_NODE, severity="ERROR", success=False)
        trail.add(2.2, "resources", "4 cpus and 8192 MiB given back", host, instance, source=_NODE)
        return trail.finish(500, instance)
