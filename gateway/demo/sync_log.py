"""A device sync log: the devices of one photo library keep each other up to date (requirement SY1).

Library = namespace, device = source, peer = an object (`device`, id, role `peer`), model types = a list in `extra`.
How long a session took is told by the event that starts it.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from gateway.demo.draws import MILLISECOND, MINUTE, SECOND, Draws, as_json
from gateway.demo.showcase import FAILED_SESSION_ID, FAILING_PEER, SLOW_SESSION_ID, SYNC_NAMESPACE
from mutations.drafts import EventDraft, ObjectDraft

DEVICES = ("nas-attic", "studio-ana", "laptop-ana", "phone-ana", "phone-ben", "tablet-kitchen")
MODEL_TYPES = ("entry", "content_identity", "location", "tag", "album", "media_data", "user_metadata", "volume")
CATEGORY_OF_TYPE = {
    "state_transition": "lifecycle",
    "backfill_session_started": "lifecycle",
    "backfill_session_completed": "lifecycle",
    "backfill_session_failed": "lifecycle",
    "catch_up_session_started": "lifecycle",
    "catch_up_session_completed": "lifecycle",
    "batch_ingestion": "data_flow",
    "backfill_request_sent": "data_flow",
    "backfill_request_received": "data_flow",
    "backfill_response_sent": "data_flow",
    "peer_connected": "network",
    "peer_disconnected": "network",
    "sync_error": "error",
}
"""The 13 event types, and the category of each."""

_UNLUCKY_DEVICE = "laptop-ana"
"""The device that tries to take from the failing peer, again and again."""

_PEER = {name: ObjectDraft("device", name, role="peer") for name in DEVICES}
_ERRORS = (
    "checksum of a batch does not match",
    "peer closed the connection in the middle of a batch",
    "record refers to a location that is not known here: Fotos/Ærø 🌊",
    "peer speaks a newer protocol: 5 instead of 4",
)


class SyncLog:
    """Tells the stories of a library's devices; from `failing_from` on, nobody succeeds in taking from one of them."""

    def __init__(self, draws: Draws, *, failing_from: int) -> None:
        self._draws = draws
        self._failing_from = failing_from

    @property
    def stories(self) -> Sequence[tuple[int, Callable[[int], Iterable[EventDraft]]]]:
        """Give a round of stories: mostly catching up, now and then a backfill."""
        return (
            (12, self.catch_up),
            (8, self.trickle),
            (6, self.meet),
            (3, self.backfill),
            (2, self.stumble),
            (1, self.failed_backfill),
        )

    def catch_up(self, start: int) -> Iterable[EventDraft]:
        """A device was away and reads what it missed."""
        session = self._begin(start)
        session.begin("catch_up_session_started", f"catching up with {session.peer}")
        total = sum(session.trickle(typical=120, typical_ms=90) for _ in range(self._draws.randint(1, 4)))
        session.complete("catch_up_session_completed", f"caught up with {session.peer}: {total} records", total)
        return session.events

    def trickle(self, start: int) -> Iterable[EventDraft]:
        """A few fresh records, without any session."""
        session = self._begin(start, within_session=False)
        session.trickle(typical=8, typical_ms=12)
        return session.events

    def meet(self, start: int) -> Iterable[EventDraft]:
        """A peer comes, and goes after a while."""
        draws = self._draws
        session = self._begin(start, within_session=False)
        address = f"198.51.100.{draws.randrange(2, 250)}"
        session.add("peer_connected", f"{session.peer} connected", extra={"address": address, "via": "lan"})
        session.now += draws.randrange(MINUTE, 50 * MINUTE)
        session.add("peer_disconnected", f"{session.peer} disconnected", extra={"address": address})
        return session.events

    def backfill(self, start: int) -> Iterable[EventDraft]:
        """A device fills itself from the best of several candidates."""
        session = self._begin(start)
        session.open_backfill()
        total = sum(session.exchange(page, typical_ms=450) for page in range(1, self._draws.randint(3, 7)))
        session.complete_backfill(total)
        return session.events

    def slow_backfill(self, start: int) -> Iterable[EventDraft]:
        """A backfill that takes an hour, because one kind of record is slow to store."""
        session = _Session(self._draws, start, device="studio-ana", peer="nas-attic", correlation_id=SLOW_SESSION_ID)
        session.open_backfill()
        # Each page takes longer than the one before it.
        total = sum(session.exchange(page, typical_ms=40_000 * page, severity="WARNING") for page in range(1, 13))
        session.complete_backfill(total, severity="WARNING")
        return session.events

    def failed_backfill(self, start: int) -> Iterable[EventDraft]:
        """A backfill that ends before it is complete: the page that was on its way is lost. It is always these two."""
        session = _Session(self._draws, start, device=_UNLUCKY_DEVICE, peer=FAILING_PEER)
        session.open_backfill()
        total = session.exchange(1, typical_ms=700)
        session.fail(self._draws.choice(_ERRORS), records=total, lost=session.ask(2))
        return session.events

    def failing_peer(self, start: int) -> Iterable[EventDraft]:
        """One peer with which nothing works: five sessions in a row, each broken off."""
        drafts: list[EventDraft] = []
        for last in (False, False, False, False, True):
            session = _Session(
                self._draws,
                start,
                device=_UNLUCKY_DEVICE,
                peer=FAILING_PEER,
                correlation_id=FAILED_SESSION_ID if last else None,
            )
            session.open_backfill()
            total = session.exchange(1, typical_ms=2_500, severity="WARNING")
            reason = "peer closed the connection in the middle of a batch"
            session.fail(reason, records=total, lost=session.ask(2))
            session.now += MILLISECOND
            session.add("peer_disconnected", f"{FAILING_PEER} disconnected", severity="WARNING")
            drafts += session.events
            start = session.now + 4 * MINUTE
        return drafts

    def stumble(self, start: int) -> Iterable[EventDraft]:
        """An error in passing, and the batch again."""
        draws = self._draws
        session = self._begin(start)
        session.add("sync_error", draws.choice(_ERRORS), severity="ERROR", success=False, extra={"retry": True})
        session.trickle(typical=40, typical_ms=60)
        return session.events

    def _begin(self, start: int, *, within_session: bool = True) -> "_Session":
        """Begin a session of any two devices; once it fails, nobody else takes from the failing peer."""
        device = self._draws.choice(DEVICES)
        avoided = {device, FAILING_PEER} if start >= self._failing_from else {device}
        peer = self._draws.choice([name for name in DEVICES if name not in avoided])
        return _Session(self._draws, start, device=device, peer=peer, within_session=within_session)


class _Session:
    """The events of two devices that talk: they share a correlation id when it is a session."""

    def __init__(
        self,
        draws: Draws,
        start: int,
        *,
        device: str,
        peer: str,
        within_session: bool = True,
        correlation_id: str | None = None,
    ) -> None:
        self.events: list[EventDraft] = []
        self.now = start
        self._begun: EventDraft | None = None
        self._draws = draws
        self.device = device
        self.peer = peer
        self._correlation_id = correlation_id or (draws.uuid() if within_session else None)
        self._models = draws.sample(MODEL_TYPES, draws.randint(1, 4))

    def add(
        self,
        event_type: str,
        message: str,
        *,
        severity: str = "INFO",
        extra: dict[str, Any] | None = None,
        source: str | None = None,
        peer: bool = True,
        **fields: Any,
    ) -> EventDraft:
        """Add what one of the two logs now; `source` is the logging device, `peer` false leaves the other one out."""
        other = self.peer if source is None else self.device
        draft = EventDraft(
            id=self._draws.event_id(self.now),
            timestamp=self.now,
            namespace=SYNC_NAMESPACE,
            event_type=event_type,
            category=CATEGORY_OF_TYPE[event_type],
            source=source or self.device,
            message=message,
            severity=severity,
            objects=[_PEER[other]] if peer else None,
            correlation_id=self._correlation_id,
            session_id=self._correlation_id,
            extra=as_json(extra) if extra else None,
            **fields,
        )
        self.events.append(draft)
        return draft

    def begin(self, event_type: str, message: str, *, extra: dict[str, Any] | None = None) -> None:
        """Add the start of a session; its end will say how long it took."""
        self._begun = self.add(event_type, message, extra=extra)

    def open_backfill(self) -> None:
        """Add the start of a backfill: the state, and from whom it could have been filled."""
        draws = self._draws
        candidates = [name for name in DEVICES if name not in (self.device, self.peer)][: draws.randint(1, 3)]
        self.add("state_transition", "ready -> backfilling", extra={"from": "ready", "to": "backfilling"}, peer=False)
        self.now += draws.randrange(20, 400) * MILLISECOND
        self.begin(
            "backfill_session_started",
            f"backfill from {self.peer}",
            extra={
                "candidates": [
                    {"device": name, "latency ms": draws.randrange(2, 300)} for name in (self.peer, *candidates)
                ],
                "chosen": self.peer,
                "model_types": self._models,
            },
        )

    def exchange(self, page: int, *, typical_ms: float, severity: str = "INFO") -> int:
        """Add a request, its receipt, the response and the batch; give how many records came."""
        records = self.ask(page)
        self.ingest(records=records, typical_ms=typical_ms, severity=severity, page=page)
        return records

    def ask(self, page: int) -> int:
        """Add a request, its receipt and the response; give how many records are on their way."""
        draws = self._draws
        records = max(1, round(draws.milliseconds(900)))
        asked = {"model_types": self._models, "page": page}
        self.now += draws.randrange(5, 90) * MILLISECOND
        self.add("backfill_request_sent", f"asked {self.peer} for page {page}", severity="DEBUG", extra=asked)
        self.now += draws.randrange(2, 60) * MILLISECOND
        self.add(
            "backfill_request_received",
            f"{self.device} asks for page {page}",
            severity="DEBUG",
            extra=asked,
            source=self.peer,
        )
        self.now += draws.randrange(30, 900) * MILLISECOND
        self.add(
            "backfill_response_sent",
            f"sent page {page} to {self.device}",
            severity="DEBUG",
            extra=asked,
            source=self.peer,
            record_count=records,
        )
        return records

    def trickle(self, *, typical: int, typical_ms: float) -> int:
        """Add a batch that nobody asked for; give how many records it had."""
        records = max(1, round(self._draws.milliseconds(typical)))
        self.ingest(records=records, typical_ms=typical_ms)
        return records

    def ingest(self, *, records: int, typical_ms: float, severity: str = "INFO", page: int | None = None) -> None:
        """Add a batch, stamped when it came, and wait until it is stored; `page` is the one that was asked for."""
        draws = self._draws
        took = draws.milliseconds(typical_ms)
        self.now += draws.randrange(1, 9) * MILLISECOND
        counts = {name: records // len(self._models) for name in self._models}
        counts[self._models[0]] += records - sum(counts.values())
        self.add(
            "batch_ingestion",
            f"stored {records} records from {self.peer}",
            severity=severity,
            record_count=records,
            duration_ms=took,
            success=True,
            extra={"model_types": self._models, "records by model": counts, "batches": 1}
            | ({} if page is None else {"page": page}),
        )
        self.now += round(took * MILLISECOND)

    def complete(self, event_type: str, message: str, records: int, *, severity: str = "INFO") -> None:
        """Add the end of a session that went well."""
        self.now += self._draws.randrange(5, 50) * MILLISECOND
        self.add(
            event_type,
            message,
            severity=severity,
            record_count=records,
            success=True,
            extra={"model_types": self._models},
        )
        self._end()

    def complete_backfill(self, records: int, *, severity: str = "INFO") -> None:
        """Add the end of a backfill that went well, and the state after it."""
        self.complete("backfill_session_completed", f"backfill complete: {records} records", records, severity=severity)
        self.now += MILLISECOND
        self.add("state_transition", "backfilling -> ready", extra={"from": "backfilling", "to": "ready"}, peer=False)

    def fail(self, reason: str, *, records: int, lost: int) -> None:
        """Add the error and the end of a session that did not; so many records were sent and never stored."""
        self.now += self._draws.randrange(SECOND, 30 * SECOND)
        details = {"model_types": self._models, "reason": reason, "records lost": lost}
        self.add("sync_error", reason, severity="ERROR", extra=details, success=False)
        self.now += self._draws.randrange(5, 50) * MILLISECOND
        self.add(
            "backfill_session_failed",
            f"backfill from {self.peer} failed: {reason}",
            severity="ERROR",
            extra=details,
            success=False,
            record_count=records,
        )
        self._end()

    def _end(self) -> None:
        if self._begun and self._begun.timestamp is not None:
            self._begun.duration_ms = (self.now - self._begun.timestamp) / MILLISECOND
