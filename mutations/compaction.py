"""Compaction: repeats that differ in nothing but id and time become one row, where a policy says so (EV11).

A phase of a run of retention. It walks in the order of arrival over what is older than the resend horizon, by whole UTC
days, and folds each repeat into the earliest event of its day that is the same. It never takes an event that anything
refers to, and never one that something else was folded into.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mutations.judge import Judge, Judged
from mutations.policies import Policy
from mutations.turns import Turn
from storage.archive_rows import IDS_PER_STATEMENT, WholeEvent, fetch_whole_events, read_whole_events
from storage.engine import Transaction
from storage.examined import ArrivalPortion, ArrivalWalk
from storage.folding import Fold, Repeat, fold_events, read_parents
from storage.marks import Mark, delete_marks, save_mark
from storage.removals import EventPlace, in_parts, lock_events, lock_references
from storage.retention_runs import Progress, add_progress
from storage.selectors import Comparison, EventField, FieldTest, Or, Selector, all_of
from storage.times import MICROSECONDS_PER_DAY, MICROSECONDS_PER_SECOND

MARK = "compaction:"
"""Names of compaction's marks begin so."""

_CHUNK_EVENTS = 1_000
_PORTION_EVENTS = 10_000
_REMEMBERED = 100_000
_UNUSED_MARKS_DAYS = 30
_ALONE = (
    *(EventField.PARENT_ID, EventField.CORRELATION_ID, EventField.REQUEST_ID),
    *(EventField.REGISTRATION_ID, EventField.TRACE_ID),
)
"""Fields that tie an event to others: one that has any of them is never folded."""


_Outline = tuple[object, ...]
_Wanted = tuple[EventPlace, Policy | None]
"""An event, and the policy that wants it in the archive before it goes."""


class Candidate(NamedTuple):
    """An event that may be folded, or that others may be folded into; `order` is its time and id.

    `archiving` is the policy that wants it in the archive before it goes.
    """

    order: tuple[int, str]
    place: EventPlace
    repeat_count: int
    archiving: Policy | None


class Pair(NamedTuple):
    """An event that goes, and the place of the one into which it goes."""

    repeat: Candidate
    survivor: EventPlace


class Compaction:
    """Folds repeats as a phase of each run, for all policies with `compact_repeats`."""

    def __init__(self, *, resend_horizon_seconds: int) -> None:
        """Events that are younger than the horizon are left alone: they may still be sent again."""
        self._horizon = resend_horizon_seconds * MICROSECONDS_PER_SECOND

    async def turn(self, turn: Turn) -> bool:
        """Fold what a run has not come to yet. Gives whether that was done before the time was over."""
        compacting = [policy for policy in turn.rules.policies if policy.compact_repeats]
        policies = [policy for policy in compacting if turn.archive is not None or not policy.archive]
        if not policies:
            return True
        judge = Judge(turn.database, turn.rules)
        name = _mark_name(turn.rules.policies, policies, self._horizon)
        # Whole days only: otherwise the run of the next day would find the rest of this one, and make it a row more.
        cutoff = (turn.run.started_at - self._horizon) // MICROSECONDS_PER_DAY * MICROSECONDS_PER_DAY
        walk = ArrivalWalk(
            turn.database,
            name=name,
            cutoff=cutoff,
            bound=turn.bound,
            condition=_condition(policies),
            tests=judge.tests,
            portion_events=min(_PORTION_EVENTS, turn.chunk_events),
        )
        folder = _Folder(turn, judge, name)
        async for portion in walk.portions():
            if not await folder.fold(portion):
                return False
        return True


class _Folder:
    """Folds portion after portion, and remembers what later ones may be folded into."""

    def __init__(self, turn: Turn, judge: Judge, mark_name: str) -> None:
        self._turn = turn
        self._judge = judge
        self._mark_name = mark_name
        self._survivors: dict[bytes, Candidate] = {}
        self._single: dict[_Outline, _Wanted | None] = {}

    async def fold(self, portion: ArrivalPortion) -> bool:
        """Fold a portion and keep its mark. Gives whether that was done before the time was over."""
        judged = await self._judge.judge(portion.events)
        pairs = self._pair(await self._candidates(self._worth_reading(judged)))
        pairs = await self._archive(pairs)
        chunks = list(in_parts(pairs, min(_CHUNK_EVENTS, self._turn.chunk_events))) or [[]]
        for place, chunk in enumerate(chunks):
            if self._turn.out_of_time():
                return False
            await self._write(chunk, portion.mark if place == len(chunks) - 1 else None)
        return True

    def _worth_reading(self, judged: Sequence[Judged]) -> list[_Wanted]:
        """Give events that may have repeats, by what is known without reading them; the others are remembered."""
        alike: dict[_Outline, list[_Wanted]] = defaultdict(list)
        for each in judged:
            winners = self._judge.winners(each.examined, each.object_types)
            archiving = min((one for one in winners if one and one.archive), key=lambda policy: policy.id, default=None)
            may_go = all(one is not None and one.compact_repeats for one in winners)
            if may_go and (archiving is None or self._turn.archive is not None):
                alike[_outline(each)].append((each.examined.place, archiving))
        wanted: list[_Wanted] = []
        for outline, some in alike.items():
            if len(some) == 1 and outline not in self._single:
                self._single[outline] = some[0]
                continue
            earlier = self._single.pop(outline, None)
            wanted += [*some, *([earlier] if earlier is not None else [])]
            self._single[outline] = None
        while len(self._single) > _REMEMBERED:
            del self._single[next(iter(self._single))]
        return wanted

    async def _candidates(self, wanted: Sequence[_Wanted]) -> list[tuple[bytes, Candidate]]:
        """Give events with what they have in common, in the order of time; those with children are left out."""
        found: list[tuple[bytes, Candidate]] = []
        archiving = dict(wanted)
        for part in in_parts(list(archiving), IDS_PER_STATEMENT):
            async with self._turn.database.reading() as connection:
                parents = await read_parents(connection, part)
            for place, event in await fetch_whole_events(self._turn.database, part, with_folded=False):
                if place not in parents:
                    order = (event.row.occurred_at, place.id)
                    candidate = Candidate(order, place, event.repeat_count, archiving[place])
                    found.append((content_key(place, event), candidate))
        return sorted(found, key=lambda item: item[1].order)

    def _pair(self, candidates: Iterable[tuple[bytes, Candidate]]) -> list[Pair]:
        pairs: list[Pair] = []
        for key, candidate in candidates:
            known = self._survivors.pop(key, None)
            stays = candidate
            if known is not None and known.order < candidate.order and candidate.repeat_count == 1:
                stays = known._replace(repeat_count=known.repeat_count + 1)
                pairs.append(Pair(candidate, known.place))
            elif known is not None and candidate.order < known.order and known.repeat_count == 1:
                stays = candidate._replace(repeat_count=candidate.repeat_count + 1)
                pairs.append(Pair(known, candidate.place))
            self._survivors[key] = stays
            if len(self._survivors) > _REMEMBERED:
                del self._survivors[next(iter(self._survivors))]
        return pairs

    async def _archive(self, pairs: list[Pair]) -> list[Pair]:
        """Archive the repeats for which a policy wants that; leave out those that are not in the archive for sure."""
        wanted: dict[Policy, list[EventPlace]] = defaultdict(list)
        for pair in pairs:
            if pair.repeat.archiving is not None:
                wanted[pair.repeat.archiving].append(pair.repeat.place)
        kept = await self._turn.keep(wanted)
        return [pair for pair in pairs if pair.repeat.archiving is None or pair.repeat.place in kept]

    async def _write(self, pairs: Sequence[Pair], mark: Mark | None) -> None:
        turn = self._turn

        async def work(transaction: Transaction) -> None:
            await turn.require(transaction)
            folded = await fold_events(transaction, await self._lock(transaction, pairs)) if pairs else 0
            if folded:
                archived = sum(1 for pair in pairs if pair.repeat.archiving is not None)
                await add_progress(transaction, turn.run.run_id, Progress(folded=folded, archived=archived))
            if mark is not None:
                await self._keep(transaction, mark)

        await turn.database.write(work, name="a chunk of repeats")

    async def _lock(self, transaction: Transaction, pairs: Sequence[Pair]) -> list[Fold]:
        """Lock events and references, look at all of it again, and give what may still be folded."""
        places = {place for pair in pairs for place in (pair.repeat.place, pair.survivor)}
        locked = {event.place: event for event in await lock_events(transaction, places)}
        await lock_references(transaction, list(locked.values()))
        parents = await read_parents(transaction, locked)
        identities = self._turn.database.identities
        known: dict[EventPlace, tuple[bytes, bytes]] = {}
        for part in in_parts(list(locked), IDS_PER_STATEMENT):
            for place, event in await read_whole_events(transaction, identities, part, with_folded=False):
                if place not in parents:
                    known[place] = (content_key(place, event), event.row.content_hash)
        repeats: dict[EventPlace, list[Repeat]] = defaultdict(list)
        for (_, repeat, _, _), survivor in pairs:
            same = repeat in known and survivor in known and known[repeat][0] == known[survivor][0]
            if same and repeat != survivor and locked[repeat].repeat_count == 1:
                repeats[survivor].append(Repeat(locked[repeat], known[repeat][1]))
        return [Fold(locked[place], some) for place, some in sorted(repeats.items())]

    async def _keep(self, transaction: Transaction, mark: Mark) -> None:
        now = self._turn.clock()
        dialect_name = self._turn.database.dialect_name
        await save_mark(transaction, self._mark_name, mark, dialect_name=dialect_name, now=now)
        await delete_marks(transaction, MARK, unused_since=now - _UNUSED_MARKS_DAYS * MICROSECONDS_PER_DAY)


def content_key(place: EventPlace, event: WholeEvent) -> bytes:
    """Give 16 bytes that are equal for events of one UTC day that differ in nothing but id and time."""
    row = event.row._replace(id="", occurred_at=event.row.occurred_at // MICROSECONDS_PER_DAY, content_hash=b"")
    return hashlib.blake2b(repr((place.namespace_key, event.restored, row)).encode(), digest_size=16).digest()


def _outline(judged: Judged) -> _Outline:
    event, references = judged.examined.event, judged.examined.references
    day = event.occurred_at // MICROSECONDS_PER_DAY
    kind = (event.event_type, event.source, event.severity, event.success)
    return (event.namespace_key, event.audience_key, day, references, *kind)


def _condition(policies: Iterable[Policy]) -> Selector:
    alone = (FieldTest(field, Comparison.IS_NULL, None) for field in _ALONE)
    return all_of((Or(tuple(policy.condition for policy in policies)), *alone))


def _mark_name(everything: Iterable[Policy], policies: Iterable[Policy], horizon: int) -> str:
    """Name what is looked for: all policies have a say in who wins, some of them can fold."""
    contents = sorted((policy.content for policy in everything), key=str)
    content = json.dumps([horizon, contents, sorted(policy.id for policy in policies)])
    return f"{MARK}{hashlib.blake2b(content.encode(), digest_size=12).hexdigest()}"
