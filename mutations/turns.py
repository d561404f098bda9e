"""Turns: one process's part in a run of retention, and the chunks in which it removes (RT1, GQ4)."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mutations.archives import Archive
from mutations.decisions import Rules
from mutations.judge import Judge, Judged, LockedDecision
from mutations.policies import Policy
from storage.engine import Database, Transaction
from storage.examined import lock_examined
from storage.leases import Lease
from storage.marks import Mark, save_mark
from storage.policies import StoredPolicies, read_stored_policies
from storage.removals import EventPlace, LockedEvent, Removed, delete_events, delete_references
from storage.retention_runs import CutoffRecord, OutcomeRecord, Progress, RunRecord, add_progress, raise_cutoffs

LEASE = "retention"
"""Who holds it carries runs out."""
_MARKS_SECONDS = 5.0
"""So often a mark is kept when nothing has to be removed meanwhile."""


class PoliciesChangedError(Exception):
    """Somebody has changed a policy since this turn began: it ends, and the run goes on by what holds now."""


@dataclass(frozen=True)
class Turn:
    """What a run of retention works with in this process. `bound` is the live position when the turn began.

    `stored` are the policies of the store, and the ages of types, as the rules know them. Whatever writes does so in
    transactions that begin with `require`, of about `chunk_events` rows, and ends when `out_of_time` says so.
    """

    database: Database
    rules: Rules
    run: RunRecord
    stored: StoredPolicies
    bound: int
    lease: Lease
    chunk_events: int
    clock: Callable[[], int]
    out_of_time: Callable[[], bool]
    archive: Archive | None = None

    async def require(self, transaction: Transaction) -> None:
        """Make sure that the lease is ours and the policies are as they were. Raises what then ends the turn."""
        await self.lease.require(transaction)
        if await read_stored_policies(transaction) != self.stored:
            raise PoliciesChangedError

    async def keep(self, wanted: Mapping[Policy, Sequence[EventPlace]]) -> set[EventPlace]:
        """Archive what policies want kept, a file for each; give what is in the archive for sure. Raises ArchiveError.

        Nothing is, when there is no archive.
        """
        kept: set[EventPlace] = set()
        if self.archive is None:
            return kept
        for policy, places in wanted.items():
            kept |= await self.archive.keep(
                self.database,
                places,
                policy_id=policy.id,
                policy_name=policy.name,
                run_id=self.run.run_id,
                now=self.run.started_at,
            )
        return kept


class Remover:
    """Removes what was judged, chunk by chunk; `on_progress` is told what became of the run's row."""

    def __init__(self, turn: Turn, on_progress: Callable[[RunRecord], None]) -> None:
        self._turn = turn
        self._judge = Judge(turn.database, turn.rules)
        self._on_progress = on_progress
        self._marks: dict[str, Mark] = {}
        self._marks_kept_at = asyncio.get_running_loop().time()

    async def remove(self, judged: Sequence[Judged], mark_name: str, mark: Mark | None) -> bool:
        """Remove what goes of some events, then move the mark. Gives whether that was done before the time was over."""
        chunks = list(in_chunks(judged, self._turn.chunk_events))
        for place, chunk in enumerate(chunks):
            if self._turn.out_of_time():
                return False
            is_last = place == len(chunks) - 1
            await self._remove_chunk(chunk, {mark_name: mark} if is_last and mark is not None else {})
        if not chunks and mark is not None:
            self._marks[mark_name] = mark
            if asyncio.get_running_loop().time() - self._marks_kept_at > _MARKS_SECONDS:
                await self.keep_marks()
        return True

    async def keep_marks(self) -> None:
        """Keep the marks that were moved since something was removed."""
        if self._marks:
            await self._turn.database.write(self._write_marks, name="a mark of retention")
            self._forget_marks()

    async def _write_marks(self, transaction: Transaction) -> None:
        await self._turn.require(transaction)
        await self._save_marks(transaction, self._marks)

    async def _save_marks(self, transaction: Transaction, marks: dict[str, Mark]) -> None:
        dialect_name = self._turn.database.dialect_name
        for name, mark in sorted(marks.items()):
            await save_mark(transaction, name, mark, dialect_name=dialect_name, now=self._turn.clock())

    def _forget_marks(self) -> None:
        self._marks = {}
        self._marks_kept_at = asyncio.get_running_loop().time()

    async def _remove_chunk(self, chunk: Sequence[Judged], marks: dict[str, Mark]) -> None:
        archived = await self._archive(chunk)
        work = _Chunk(self._turn, self._judge, chunk, archived)

        async def run(transaction: Transaction) -> RunRecord:
            await self._turn.require(transaction)
            record = await work.run(transaction)
            await self._save_marks(transaction, self._marks | marks)
            return record

        record = await self._turn.database.write(run, name="a chunk of retention")
        self._forget_marks()
        self._on_progress(record)

    async def _archive(self, chunk: Sequence[Judged]) -> set[EventPlace]:
        """Archive the events of which a policy with `archive` takes something; give those that are in it for sure."""
        wanted: dict[Policy, list[EventPlace]] = defaultdict(list)
        for judged in chunk:
            archiving = [taker for taker in judged.decision.takers if taker is not None and taker.archive]
            if archiving:
                wanted[min(archiving, key=lambda policy: policy.id)].append(judged.examined.place)
        return await self._turn.keep(wanted)


class _Chunk:
    """One chunk on its way; `run` may be called several times, each time in a transaction of its own."""

    def __init__(self, turn: Turn, judge: Judge, chunk: Sequence[Judged], archived: set[EventPlace]) -> None:
        self._turn = turn
        self._judge = judge
        self._read = {judged.examined.place: judged.examined for judged in chunk}
        self._archived = archived
        self._archived_now = 0
        self._events: Counter[Policy] = Counter()
        self._references: Counter[Policy] = Counter()

    async def run(self, transaction: Transaction) -> RunRecord:
        """Lock, decide again, remove, and add that to the run."""
        self._events, self._references = Counter(), Counter()
        # Not all that was archived: after a COMMIT that was not answered it is gone, and counted already.
        self._archived_now = 0
        locked = await lock_examined(transaction, self._read)
        whole: dict[Policy, list[LockedEvent]] = defaultdict(list)
        by_reference: list[LockedDecision] = []
        for decided in await self._judge.judge_locked(transaction, locked, self._read):
            if not decided.decision.takes or not self._may_go(decided):
                continue
            self._archived_now += decided.event.place in self._archived
            policy = decided.decision.counts_for
            if not decided.references and policy is not None:
                whole[policy].append(decided.event)
            else:
                by_reference.append(decided)
        for policy, some in sorted(whole.items(), key=lambda item: item[0].id):
            removed = await self._delete(transaction, some)
            self._events[policy] += removed.events
            self._references[policy] += removed.references
        await self._remove_by_reference(transaction, by_reference)
        return await self._tell(transaction)

    def _may_go(self, decided: LockedDecision) -> bool:
        """Whether the event is in the archive where a policy wants that; what is not is met again by the next run."""
        archiving = any(taker is not None and taker.archive for taker in decided.decision.takers)
        return not archiving or decided.event.place in self._archived

    async def _remove_by_reference(self, transaction: Transaction, some: Sequence[LockedDecision]) -> None:
        going: list[LockedEvent] = []
        single = []
        for decided in some:
            takers = zip(decided.references, decided.decision.takers, strict=True)
            taken = [(reference, taker) for reference, taker in takers if taker is not None]
            for _, taker in taken:
                self._references[taker] += 1
            policy = decided.decision.counts_for
            if decided.decision.goes and policy is not None:
                going.append(decided.event)
                self._events[policy] += 1
            else:
                single += [reference for reference, _ in taken]
        await delete_references(transaction, single)
        await self._delete(transaction, going)

    async def _delete(self, transaction: Transaction, some: Sequence[LockedEvent]) -> Removed:
        turn = self._turn
        return await delete_events(transaction, some, dialect_name=turn.database.dialect_name, now=turn.clock())

    async def _tell(self, transaction: Transaction) -> RunRecord:
        turn = self._turn
        policies = sorted(self._events.keys() | self._references.keys(), key=lambda policy: policy.id)
        outcomes = tuple(
            OutcomeRecord(policy.id, policy.name, self._events[policy], self._references[policy]) for policy in policies
        )
        cutoffs = [
            CutoffRecord(policy.id, policy.namespace, policy.event_types, cutoff)
            for policy in policies
            if (cutoff := policy.cutoff(turn.run.started_at)) is not None
        ]
        await raise_cutoffs(transaction, cutoffs, dialect_name=turn.database.dialect_name)
        return await add_progress(transaction, turn.run.run_id, Progress(outcomes, archived=self._archived_now))


def in_chunks(judged: Sequence[Judged], size: int) -> Iterator[list[Judged]]:
    """Give events in chunks of at most `size` events and `size` references; a repeat that was folded is an event too.

    An event that is larger alone is a chunk of its own.
    """
    chunk: list[Judged] = []
    events = references = 0
    for one in judged:
        weight = one.examined.event.repeat_count
        if chunk and (events + weight > size or references + one.examined.references > size):
            yield chunk
            chunk, events, references = [], 0, 0
        chunk.append(one)
        events += weight
        references += one.examined.references
    if chunk:
        yield chunk
