"""Metrics: what /metrics shows, and where it is counted.

Labels never hold what a client wrote: event types have a label when they are among TIMELOOM_METRICS_EVENT_TYPES, all
others are `other`; namespaces have none. With several workers every process counts in files of its own (the
multiprocess mode of prometheus-client) and any of them answers for all.
"""

import os
import shutil
import tempfile
from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from gateway.completion.compiler import Fallback
from mutations.drafts import EventDraft
from mutations.ingest import IngestReport
from mutations.policies import SETTING, TYPE
from mutations.retention import Lateness
from mutations.upkeep import UpkeepReport
from storage.engine import PoolStatus, StatementEvent
from storage.retention_runs import RunRecord
from storage.times import MICROSECONDS_PER_MINUTE, format_rfc3339

logger = structlog.get_logger(__name__)

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
DIRECTORY_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Read by prometheus-client when it is imported, so it is set before the workers start."""
OTHER: Final = "other"
RUN_OUTCOMES: Final = ("failed", "completed", "out_of_time")
"""How a run of retention may end."""

_DIRECTORY_PREFIX: Final = "timeloom-metrics-"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_BATCHES = (1, 2, 5, 10, 20, 50, 100, 200)
_STATEMENT_KINDS = frozenset({"select", "insert", "update", "delete", "with"})
_ROUTES = frozenset({"/graphql", "/healthz", "/readyz", "/metrics", "/"})


class Metrics:
    """The metrics of one process."""

    def __init__(self, event_types: Iterable[str] = ()) -> None:
        self._event_types = frozenset(event_types)
        self._registry = CollectorRegistry()
        registry = self._registry
        self._requests = Counter(
            "timeloom_http_requests", "HTTP requests answered.", ["route", "status"], registry=registry
        )
        self._seconds = Histogram(
            "timeloom_http_request_seconds", "Time to answer.", ["route"], buckets=_SECONDS, registry=registry
        )
        self._errors = Counter("timeloom_errors", "GraphQL errors that were sent.", ["code"], registry=registry)
        self._stock = Counter(
            "timeloom_stock_executions", "Root fields that were not answered compiled.", ["reason"], registry=registry
        )
        self._batches = Histogram(
            "timeloom_loader_batch_keys", "Keys in one batch.", ["loader"], buckets=_BATCHES, registry=registry
        )
        self._statements = Histogram(
            "timeloom_statement_seconds", "Time of SQL statements.", ["kind"], buckets=_SECONDS, registry=registry
        )
        self._failed_statements = Counter(
            "timeloom_failed_statements", "SQL statements that failed.", ["kind"], registry=registry
        )
        self._pool_size = Gauge(
            "timeloom_pool_size", "Connections that may be open.", multiprocess_mode="livesum", registry=registry
        )
        self._pool_used = Gauge(
            "timeloom_pool_checked_out", "Connections in use.", multiprocess_mode="livesum", registry=registry
        )
        self._event_rows = Gauge(
            "timeloom_event_rows", "Stored events, by the counts.", multiprocess_mode="mostrecent", registry=registry
        )
        self._inserted = Counter("timeloom_events_inserted", "Stored events.", ["event_type"], registry=registry)
        self._outcomes = Counter(
            "timeloom_ingest_outcomes", "What became of sent events.", ["outcome"], registry=registry
        )
        self._retained = Counter(
            "timeloom_retention_removed_events", "Events that retention has removed.", ["policy"], registry=registry
        )
        self._retention_runs = Counter(
            "timeloom_retention_runs", "Runs of retention, by how they ended.", ["outcome"], registry=registry
        )
        self._retention_behind = Gauge(
            "timeloom_retention_seconds_behind",
            "Since when a run of retention is due that has not begun; 0: none is.",
            multiprocess_mode="mostrecent",
            registry=registry,
        )
        self._retention_overdue = Gauge(
            "timeloom_retention_overdue_seconds",
            "How far beyond its limit the oldest batch lies that retention has not looked at.",
            multiprocess_mode="mostrecent",
            registry=registry,
        )
        # Looking a label up takes as long as counting.
        self._known_requests: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        self._known_statements: dict[str, Histogram] = {}
        self._deleted = Counter(
            "timeloom_deletion_removed_events", "Events that deletions have removed.", registry=registry
        )
        self._deletions = Counter(
            "timeloom_deletions",
            "Deletions that were confirmed, by how they ended: DONE, FAILED, STALE.",
            ["state"],
            registry=registry,
        )
        self._deletion_age = Gauge(
            "timeloom_deletion_unfinished_seconds",
            "For how long the oldest unfinished deletion has been counted or carried out; 0: there is none.",
            multiprocess_mode="mostrecent",
            registry=registry,
        )
        self._sequencer_behind = Gauge(
            "timeloom_sequencer_seconds_behind",
            "For how long the oldest batch without a position has been waiting; 0: none is.",
            multiprocess_mode="mostrecent",
            registry=registry,
        )
        self._waiting_deltas = Gauge(
            "timeloom_fold_waiting_deltas",
            "Deltas that wait to be folded into the counts; counted up to 100,000.",
            multiprocess_mode="mostrecent",
            registry=registry,
        )
        self._drift = Gauge(
            "timeloom_count_drift_rows",
            "Counts that differed from the rows in the hour that was checked last.",
            multiprocess_mode="mostrecent",
            registry=registry,
        )
        self._upkeep = Counter(
            "timeloom_upkeep_removed_rows",
            "Rows that nobody needs any more and that upkeep has removed.",
            ["kind"],
            registry=registry,
        )
        self._restarts = Counter(
            "timeloom_background_restarts", "Background tasks that failed and began again.", ["task"], registry=registry
        )

    def request(self, path: str, status: int, seconds: float) -> None:
        """One HTTP request was answered."""
        path = path.rstrip("/") or "/"
        route = path if path in _ROUTES else "/graphiql" if path.startswith("/graphiql") else OTHER
        known = self._known_requests.get((route, status))
        if known is None:
            known = (self._requests.labels(route, str(status)), self._seconds.labels(route))
            self._known_requests[route, status] = known
        known[0].inc()
        known[1].observe(seconds)

    def error(self, code: str) -> None:
        """One GraphQL error was sent."""
        self._errors.labels(code).inc()

    def stock_execution(self, reason: Fallback) -> None:
        """Stock execution answered a root field, or a whole operation."""
        self._stock.labels(reason.value).inc()

    def loader_batch(self, loader: str, keys: int) -> None:
        """One batch of a loader went to the database with so many keys."""
        self._batches.labels(loader).observe(keys)

    def statement(self, event: StatementEvent) -> None:
        """One SQL statement was sent."""
        word = event.sql[:12].lstrip(" (\n").split(None, 1)[0].lower() if event.sql else OTHER
        kind = word if word in _STATEMENT_KINDS else OTHER
        known = self._known_statements.get(kind)
        if known is None:
            known = self._known_statements[kind] = self._statements.labels(kind)
        known.observe(event.seconds)
        if event.failed:
            self._failed_statements.labels(kind).inc()

    def ingested(self, drafts: Sequence[EventDraft], report: IngestReport) -> None:
        """A batch was ingested."""
        outcomes = Tally(result.outcome.name for result in report.results)
        for outcome, count in outcomes.items():
            self._outcomes.labels(outcome).inc(count)
        stored = Tally(
            draft.event_type if draft.event_type in self._event_types else OTHER
            for draft, result in zip(drafts, report.results, strict=True)
            if result.outcome.name == "ACCEPTED"
        )
        for event_type, count in stored.items():
            self._inserted.labels(event_type).inc(count)

    def pool(self, status: PoolStatus) -> None:
        """How the pools stand now."""
        self._pool_size.set(status.size)
        self._pool_used.set(status.checked_out)

    def event_rows(self, rows: int) -> None:
        """How many events are stored."""
        self._event_rows.set(rows)

    def removed_events(self, count: int) -> None:
        """A chunk of a deletion has removed so many events."""
        self._deleted.inc(count)

    def finished_deletion(self, state: str) -> None:
        """A deletion that was confirmed has ended: DONE, FAILED or STALE."""
        self._deletions.labels(state).inc()

    def unfinished_deletion(self, seconds: float) -> None:
        """How old the oldest unfinished deletion is; 0: there is none."""
        self._deletion_age.set(seconds)

    def failed_deletion(self, error: Exception) -> None:
        """A deletion has failed by a fault of the server."""
        logger.error("deletion failed", exc_info=error)

    def retention_progress(self, before: RunRecord, after: RunRecord) -> None:
        """A chunk of a run of retention is done."""
        known = {each.policy_id: each for each in before.outcomes}
        for each in after.outcomes:
            events = each.events - (known[each.policy_id].events if each.policy_id in known else 0)
            # Who names types also names their policies: together they are one label.
            label = "registry" if each.policy_id.startswith(TYPE) else each.policy_id.removeprefix(SETTING)
            self._retained.labels(label).inc(max(events, 0))

    def retention_finished(self, run: RunRecord) -> None:
        """A run of retention has ended."""
        outcome = RUN_OUTCOMES[0 if run.error is not None else 1 if run.completed else 2]
        self._retention_runs.labels(outcome).inc()
        log = logger.warning if run.error is not None else logger.info
        log("retention", run=run.run_id, outcome=outcome, events=run.events_removed, error=run.error)

    def retention_lateness(self, lateness: Lateness) -> None:
        """How late retention is."""
        self._retention_behind.set(lateness.behind)
        self._retention_overdue.set(lateness.overdue)

    def waiting(self, *, sequencer_seconds: float, deltas: int) -> None:
        """How long a batch has been waiting for its position, and how many deltas wait to be folded."""
        self._sequencer_behind.set(sequencer_seconds)
        self._waiting_deltas.set(deltas)

    def upkeep(self, report: UpkeepReport) -> None:
        """A round of upkeep is done."""
        for kind in ("ids", "batches", "arrivals", "operations", "dismissals"):
            self._upkeep.labels(kind).inc(getattr(report, kind))
        if report.drifts is None or report.hour is None:
            return
        self._drift.set(len(report.drifts))
        if report.drifts:
            hour = format_rfc3339(report.hour * MICROSECONDS_PER_MINUTE)
            logger.warning("counts are wrong", hour=hour, counts=len(report.drifts), run="timeloom counts verify")

    def background_restart(self, task: str) -> None:
        """A background task failed and begins again."""
        self._restarts.labels(task).inc()

    def render(self) -> bytes:
        """Give the text that Prometheus reads: of this process, or summed over all workers."""
        if DIRECTORY_VARIABLE not in os.environ:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)


@contextmanager
def metrics_directory() -> Iterator[str]:
    """Give a directory for the workers' counts and remove it afterwards; so are those of servers that were killed."""
    parent = Path(tempfile.gettempdir())
    for left in parent.glob(f"{_DIRECTORY_PREFIX}*"):
        owner = left.name.removeprefix(_DIRECTORY_PREFIX).partition("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists() and left.stat().st_uid == os.getuid():
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"{_DIRECTORY_PREFIX}{os.getpid()}-", dir=parent) as directory:
        yield directory


def forget_dead_workers(parent: int) -> None:
    """Drop the gauges of workers that are gone; their counters stay in the sums."""
    directory = os.environ.get(DIRECTORY_VARIABLE)
    if directory is None:
        return
    for file in Path(directory).glob("gauge_live*_*.db"):
        pid = int(file.stem.rsplit("_", 1)[1])
        if not _is_child(pid, parent):
            mark_process_dead(pid, directory)  # type: ignore[no-untyped-call]


def _is_child(pid: int, parent: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    state, ppid = status.rsplit(")", 1)[1].split()[:2]
    return int(ppid) == parent and state != "Z"
