"""Retention: runs on a schedule or when asked for, once per cluster, within a time, gone on with after a break (GQ4).

Every gateway is a candidate; who holds the lease `retention` does the work. A run's row stands in the store before
anything is removed, so that whoever takes over goes on with it, by the same cutoffs. What would go can be counted
before (`preview`), by the same steps and the same decisions.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from typing import NamedTuple, Protocol

from mutations.age_classes import MARK, age_classes, earlier_registrations, steps
from mutations.archives import Archive
from mutations.audit import audit_batch
from mutations.decisions import Rules
from mutations.errors import ArchiveError
from mutations.policies import Policy, policies_of_store, policies_of_types
from mutations.previews import count_run, no_outcomes
from mutations.reading_ahead import read_ahead
from mutations.schedules import Schedule
from mutations.turns import LEASE, PoliciesChangedError, Remover, Turn
from mutations.type_registry import NOTHING_DECLARED, DeclaredTypes
from storage.appends import Batch, prepare_append
from storage.engine import Database, Transaction
from storage.errors import StorageError, StorageTimeoutError
from storage.examined import fetch_first_batch
from storage.identifiers import new_event_id
from storage.leases import Lease, LeaseLostError
from storage.marks import Mark, delete_marks, fetch_mark, save_mark
from storage.policies import StoredPolicies, fetch_stored_policies
from storage.positions import fetch_live_position
from storage.retention_runs import (
    Progress,
    RunRecord,
    add_progress,
    fetch_run,
    fetch_unfinished,
    finish_run,
    insert_run,
)
from storage.servers import fetch_database_time, is_galera
from storage.severities import Severity
from storage.times import MICROSECONDS_PER_DAY, MICROSECONDS_PER_SECOND, now_micros

DEFAULT_CHUNK_EVENTS, GALERA_CHUNK_EVENTS = 10_000, 1_000
SCHEDULE_MARK = "schedule of retention"

_LEASE_SECONDS = 10.0
_TICK_SECONDS = 2.0
_PREVIEW_WAIT_SECONDS = 2.0
_UNUSED_MARKS_DAYS = 30
_SMALLEST_SHARE = 64


class RetentionOptions(NamedTuple):
    """How runs are made. `chunk_events` None: 10,000, on Galera 1,000.

    With `max_ahead_seconds` nothing is removed as long as this gateway's clock is further ahead of the database's, and
    runs begin by the database's clock; without, this gateway's clock is the only one.
    """

    schedule: Schedule = Schedule(86_400, 3 * 3_600)
    budget_seconds: float = 3_600.0
    chunk_events: int | None = None
    max_ahead_seconds: float | None = None


class RetentionObserver(Protocol):
    """Who is told about runs."""

    def retention_progress(self, before: RunRecord, after: RunRecord) -> None:
        """Something was removed."""

    def retention_finished(self, run: RunRecord) -> None:
        """A run that removes has come to its end."""


class Lateness(NamedTuple):
    """How late retention is, in seconds.

    `behind`: since the slot for which no run has begun. `overdue`: how far beyond its limit the oldest batch lies that
    walks which have begun have not come to.
    """

    behind: float
    overdue: float


Phase = Callable[[Turn], Awaitable[bool]]
"""More work of a run, after removing; gives whether it was done before the time was over."""


class RetentionRunner:
    """Carries runs out as long as this process holds the lease; answers what would go, what goes, and when."""

    def __init__(
        self,
        database: Database,
        setting_policies: Sequence[Policy],
        *,
        declared: DeclaredTypes = NOTHING_DECLARED,
        clock: Callable[[], int] = now_micros,
        options: RetentionOptions | None = None,
        archive: Archive | None = None,
        phases: Sequence[Phase] = (),
        observer: RetentionObserver | None = None,
    ) -> None:
        self._fixed_policies = (*setting_policies, *policies_of_types(declared.ages))
        self._declared = frozenset(declared.event_types)
        self.options = options or RetentionOptions()
        self.has_archive = archive is not None
        self._database = database
        self._clock = clock
        self._archive = archive
        self._phases = phases
        self._observer = observer
        self._lease = Lease(database, LEASE, seconds=_LEASE_SECONDS)
        self._stopping = False
        self._wake = asyncio.Event()
        self._previews: set[asyncio.Task[None]] = set()
        self._share = 1

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then release the lease. Errors of the database end nothing: it tries again."""
        self._stopping = False
        watching = asyncio.create_task(self._watch(stop))
        try:
            while not stop.is_set():
                try:
                    worked = await self.turn()
                except StorageError:
                    worked = False
                if not worked:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._wake.wait(), _TICK_SECONDS)
                    self._wake.clear()
        finally:
            watching.cancel()
            for task in self._previews:
                task.cancel()

    async def _watch(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._stopping = True
        self._wake.set()

    async def turn(self) -> bool:
        """Carry out the run that is waiting, was left by somebody, or is due; give whether there was one."""
        if not await self._has_work() or not await self._lease.acquire():
            return False
        renewing = asyncio.create_task(self._renew())
        try:
            run = await self._next_run()
            if run is None:
                return False
            await self._carry_out(run)
        except LeaseLostError:
            self._lease.held = False
            return False
        except StorageError:
            # Perhaps the chunks are too large for this database at this time.
            self._share = min(self._share * 2, _SMALLEST_SHARE)
            raise
        finally:
            renewing.cancel()
            with suppress(StorageError):
                await self._lease.release()
        self._share = 1
        return True

    async def request(self, requested_by: str) -> RunRecord:
        """Ask for a run that removes, and give it; one that is under way is given instead."""
        under_way = [run for run in await fetch_unfinished(self._database) if not run.dry_run]
        if under_way:
            return under_way[0]
        run = RunRecord(new_event_id(), False, requested_by, await self._time())
        await self._database.write(lambda transaction: insert_run(transaction, run), name="a run of retention")
        self._wake.set()
        return run

    async def preview(self, requested_by: str) -> RunRecord:
        """Count what a run that began now would remove; what takes longer than a moment goes on in the background."""
        run = RunRecord(new_event_id(), True, requested_by, await self._time())
        await self._database.write(lambda transaction: insert_run(transaction, run), name="a dry run of retention")
        task = asyncio.create_task(self._count(run))
        self._previews.add(task)
        task.add_done_callback(self._previews.discard)
        await asyncio.wait({task}, timeout=_PREVIEW_WAIT_SECONDS)
        return await fetch_run(self._database, run.run_id) or run

    async def policies(self) -> list[Policy]:
        """Give all policies: those of settings, of types in files, of stored types, then those that are stored."""
        return self._with_fixed(await fetch_stored_policies(self._database))

    async def next_run_at(self) -> int | None:
        """Give the slot of the next run in microseconds UTC; None until a gateway has begun to look at the clock."""
        mark = await fetch_mark(self._database, SCHEDULE_MARK)
        return None if mark is None else self.options.schedule.next_slot(mark.received_at)

    async def lateness(self) -> Lateness:
        """Tell how late retention is."""
        now = self._clock()
        slot = await self.next_run_at()
        enabled = [policy for policy in await self.policies() if policy.enabled]
        overdue = 0
        for each in age_classes(enabled, started_at=now, blocked=self._blocked(enabled)):
            mark = await fetch_mark(self._database, each.mark)
            # No mark: no run has come by since a policy was changed; `behind` tells when one should have.
            first = None if mark is None else await fetch_first_batch(self._database, mark)
            if first is not None:
                overdue = max(overdue, each.cutoff(now) - first)
        behind = 0 if slot is None else max(now - slot, 0)
        return Lateness(behind / MICROSECONDS_PER_SECOND, overdue / MICROSECONDS_PER_SECOND)

    async def _renew(self) -> None:
        """Keep the lease while something takes long that writes nothing, such as an archive."""
        while True:
            await asyncio.sleep(_LEASE_SECONDS / 3)
            with suppress(StorageError):
                await self._lease.renew()

    async def _has_work(self) -> bool:
        unfinished = await fetch_unfinished(self._database)
        dry = [run for run in unfinished if run.dry_run]
        lost = int((self.options.budget_seconds + 60) * MICROSECONDS_PER_SECOND)
        for run in dry:
            if run.started_at < await self._time() - lost:
                await self._end_preview(run, "the gateway that counted has ended")
        return len(dry) < len(unfinished) or await self._is_due()

    async def _time(self) -> int:
        """Give the time by which runs begin: by clocks that differ one slot would come more than once."""
        if self.options.max_ahead_seconds is None:
            return self._clock()
        return await fetch_database_time(self._database)

    async def _is_due(self) -> bool:
        now = await self._time()
        mark = await fetch_mark(self._database, SCHEDULE_MARK)
        if mark is None or mark.received_at > now:
            # A new store; or the clock was set back, and must not wait until it comes by again.
            await self._database.write(self._save_schedule(now), name="the schedule of retention")
            return False
        return self.options.schedule.next_slot(mark.received_at) <= now

    def _save_schedule(self, began_at: int) -> Callable[[Transaction], Awaitable[None]]:
        async def work(transaction: Transaction) -> None:
            mark = Mark(began_at, 0, 0)
            dialect_name = self._database.dialect_name
            await save_mark(transaction, SCHEDULE_MARK, mark, dialect_name=dialect_name, now=began_at)

        return work

    async def _next_run(self) -> RunRecord | None:
        """Give the run to carry out; who held the lease before may have done what there was to do."""
        for run in await fetch_unfinished(self._database):
            if not run.dry_run:
                return run
        if not await self._is_due():
            return None
        run = RunRecord(new_event_id(), False, None, await self._time())

        async def work(transaction: Transaction) -> None:
            await self._lease.require(transaction)
            await insert_run(transaction, run)
            await self._save_schedule(run.started_at)(transaction)

        await self._database.write(work, name="a run of retention")
        return run

    async def _carry_out(self, run: RunRecord) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.options.budget_seconds

        def out_of_time() -> bool:
            return self._stopping or loop.time() > deadline

        ahead = await self._seconds_ahead(run)
        if ahead is not None:
            error = f"the clock of a gateway is {ahead:.0f} s ahead of the database's: nothing was removed"
            await self._finish(run, completed=False, error=error)
            return
        done = False
        while True:
            rules, stored, blocked = await self._rules(run)
            try:
                done = await self._work(run, rules, stored, blocked, out_of_time)
            except PoliciesChangedError:
                continue
            except ArchiveError as error:
                await self._finish(run, completed=False, error=str(error))
                return
            except StorageError as error:
                if error.retryable or (isinstance(error, StorageTimeoutError) and self._share < _SMALLEST_SHARE):
                    raise  # the next turn goes on, with smaller chunks
                await self._finish(run, completed=False, error=str(error))
                return
            break
        if not done and self._stopping:
            return  # somebody goes on with it
        await self._finish(run, completed=done, error=_missing_archive(rules, blocked))

    async def _seconds_ahead(self, run: RunRecord) -> float | None:
        """Give how far a clock is ahead of the database's when that is too far; None: it is not.

        Ours, or that of whoever began the run: its start decides what is old enough.
        """
        most = self.options.max_ahead_seconds
        if most is None:
            return None
        latest = max(self._clock(), run.started_at)
        ahead = (latest - await fetch_database_time(self._database)) / MICROSECONDS_PER_SECOND
        return ahead if ahead > most else None

    async def _rules(self, run: RunRecord) -> tuple[Rules, StoredPolicies, frozenset[str]]:
        stored = await fetch_stored_policies(self._database)
        policies = self._with_fixed(stored)
        blocked = self._blocked(policies)
        earlier = await earlier_registrations(self._database, [policy for policy in policies if policy.enabled])
        rules = Rules(policies, started_at=run.started_at, earlier_registrations=earlier, blocked=blocked)
        return rules, stored, blocked

    def _with_fixed(self, stored: StoredPolicies) -> list[Policy]:
        return [*self._fixed_policies, *policies_of_store(stored, self._declared)]

    def _blocked(self, policies: Sequence[Policy]) -> frozenset[str]:
        return frozenset(policy.id for policy in policies if policy.archive and policy.enabled and not self.has_archive)

    async def _work(
        self,
        run: RunRecord,
        rules: Rules,
        stored: StoredPolicies,
        blocked: frozenset[str],
        out_of_time: Callable[[], bool],
    ) -> bool:
        """Do all that is left of a run; gives False when the time was over before."""
        turn = Turn(
            database=self._database,
            rules=rules,
            run=run,
            stored=stored,
            bound=await fetch_live_position(self._database),
            lease=self._lease,
            chunk_events=max(await self._chunk_events() // self._share, 1),
            clock=self._clock,
            out_of_time=out_of_time,
            archive=self._archive,
        )
        told = await self._database.write(lambda transaction: _begin(transaction, turn), name="a run of retention")

        def tell(after: RunRecord) -> None:
            nonlocal told
            if self._observer is not None:
                self._observer.retention_progress(told, after)
            told = after

        remover = Remover(turn, tell)
        due = steps(
            self._database,
            rules,
            bound=turn.bound,
            registrations=rules.earlier_registrations,
            blocked=blocked,
            portion_events=turn.chunk_events,
            once=False,
        )
        # Whoever removes decides again about what it has locked: it does no harm that this was read before.
        async with aclosing(read_ahead(due)) as ahead:
            async for step in ahead:
                if out_of_time() or not await remover.remove(step.judged, step.mark_name, step.mark):
                    return False
        await remover.keep_marks()
        return all([await phase(turn) for phase in self._phases if not out_of_time()]) and not out_of_time()

    async def _chunk_events(self) -> int:
        if self.options.chunk_events is not None:
            return self.options.chunk_events
        return GALERA_CHUNK_EVENTS if await is_galera(self._database) else DEFAULT_CHUNK_EVENTS

    async def _finish(self, run: RunRecord, *, completed: bool, error: str | None) -> None:
        """End a run, together with the event that tells of it."""
        now = self._clock()
        done = await fetch_run(self._database, run.run_id) or run
        append = await prepare_append(self._database, [_audit(done, completed=completed, error=error, now=now)])

        async def work(transaction: Transaction) -> None:
            await self._lease.require(transaction)
            await finish_run(transaction, run.run_id, now=now, completed=completed, error=error)
            await delete_marks(transaction, MARK, unused_since=now - _UNUSED_MARKS_DAYS * MICROSECONDS_PER_DAY)
            await append(transaction)

        await self._database.write(work, name="the end of a run of retention")
        if self._observer is not None:
            self._observer.retention_finished(done._replace(finished_at=now, completed=completed, error=error))

    async def _count(self, run: RunRecord) -> None:
        deadline = asyncio.get_running_loop().time() + self.options.budget_seconds
        try:
            rules, _, blocked = await self._rules(run)
            await count_run(
                self._database,
                run,
                rules,
                blocked=blocked,
                clock=self._clock,
                out_of_time=lambda: asyncio.get_running_loop().time() > deadline,
                error=_missing_archive(rules, blocked),
            )
        except StorageError as error:
            with suppress(StorageError):
                await self._end_preview(run, str(error))

    async def _end_preview(self, run: RunRecord, error: str) -> None:
        now = self._clock()

        async def work(transaction: Transaction) -> None:
            await finish_run(transaction, run.run_id, now=now, completed=False, error=error)

        await self._database.write(work, name="the end of a dry run of retention")


async def _begin(transaction: Transaction, turn: Turn) -> RunRecord:
    """Let the run's row name every enabled policy."""
    await turn.require(transaction)
    return await add_progress(transaction, turn.run.run_id, Progress(no_outcomes(turn.rules.policies)))


def _missing_archive(rules: Rules, blocked: frozenset[str]) -> str | None:
    names = [policy.name for policy in rules.policies if policy.id in blocked]
    if not names:
        return None
    some = ", ".join(names)
    return f"nothing was removed by {some}: archive is set there, and TIMELOOM_ARCHIVE_URL says nowhere where to"


def _audit(run: RunRecord, *, completed: bool, error: str | None, now: int) -> Batch:
    seconds = max(now - run.started_at, 0) / MICROSECONDS_PER_SECOND
    state = error or ("completed" if completed else "not completed")
    return audit_batch(
        "prune",
        f"retention removed {run.events_removed} events and {run.references_removed} references ({state})",
        extra={
            "run": run.run_id,
            "completed": completed,
            "error": error,
            "seconds": seconds,
            "events": run.events_removed,
            "references": run.references_removed,
            "archived": run.archived,
            "folded": run.folded,
            "policies": {
                each.policy_id: {"name": each.policy_name, "events": each.events, "references": each.references}
                for each in run.outcomes
            },
        },
        now=now,
        actor=run.requested_by,
        severity=Severity.NOTICE if error is None else Severity.ERROR,
    )
