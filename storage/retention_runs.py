"""Retention runs: what each run of retention has done, by policy, and up to where policies have removed what they may.

A run's row is the truth about it: numbers are added in the transaction that removes, so that a run which somebody else
goes on with, or whose COMMIT was not answered, counts nothing twice and nothing not at all.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Select, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.dialects import insert_replacing
from storage.tables import retention_cutoffs, retention_runs

if TYPE_CHECKING:
    from storage.engine import Database


class OutcomeRecord(NamedTuple):
    """What a run did for one policy."""

    policy_id: str
    policy_name: str
    events: int = 0
    references: int = 0


class RunRecord(NamedTuple):
    """One run. Times are microseconds UTC; `requested_by` None: the schedule; `finished_at` None: under way."""

    run_id: str
    dry_run: bool
    requested_by: str | None
    started_at: int
    finished_at: int | None = None
    completed: bool = False
    events_removed: int = 0
    references_removed: int = 0
    archived: int = 0
    folded: int = 0
    outcomes: tuple[OutcomeRecord, ...] = ()
    error: str | None = None


class Progress(NamedTuple):
    """What a part of a run adds to its numbers; `outcomes` has each policy once."""

    outcomes: tuple[OutcomeRecord, ...] = ()
    archived: int = 0
    folded: int = 0


class CutoffRecord(NamedTuple):
    """Before when a policy has removed events, of which namespace (None: all) and types (empty: all)."""

    policy_id: str
    namespace: str | None
    event_types: tuple[str, ...]
    removed_before: int


async def insert_run(connection: AsyncConnection, run: RunRecord) -> None:
    """Store a new run."""
    known = select(retention_runs.c.run_id).where(retention_runs.c.run_id == run.run_id)
    if (await connection.execute(known)).first() is None:  # else our own, its answer was lost
        await connection.execute(insert(retention_runs), _to_values(run))


async def fetch_run(database: "Database", run_id: str) -> RunRecord | None:
    """Give a run by id."""
    found = await _fetch(database, _RUNS.where(retention_runs.c.run_id == run_id))
    return found[0] if found else None


async def fetch_runs(database: "Database", *, size: int) -> list[RunRecord]:
    """Give the newest runs, newest first."""
    return await _fetch(database, _RUNS.order_by(retention_runs.c.run_id.desc()).limit(size))


async def fetch_last_run(database: "Database") -> RunRecord | None:
    """Give the newest run that removes."""
    removing = _RUNS.where(retention_runs.c.dry_run == 0).order_by(retention_runs.c.run_id.desc()).limit(1)
    found = await _fetch(database, removing)
    return found[0] if found else None


async def fetch_unfinished(database: "Database") -> list[RunRecord]:
    """Give the runs that are not at their end, dry ones included, oldest first."""
    return await _fetch(database, build_unfinished())


async def add_progress(connection: AsyncConnection, run_id: str, progress: Progress) -> RunRecord:
    """Add what was done to a run's numbers and give the run as it is then, inside the transaction that did it."""
    row = (await connection.execute(_RUNS.where(retention_runs.c.run_id == run_id).with_for_update())).one()
    run = add_up(_to_record(row), progress)
    await connection.execute(update(retention_runs).where(retention_runs.c.run_id == run_id).values(_to_values(run)))
    return run


def add_up(run: RunRecord, progress: Progress) -> RunRecord:
    """Give a run with what was done added to its numbers; outcomes stand by policy id."""
    outcomes = {each.policy_id: each for each in run.outcomes}
    for more in progress.outcomes:
        known = outcomes.get(more.policy_id, more._replace(events=0, references=0))
        outcomes[more.policy_id] = known._replace(
            events=known.events + more.events, references=known.references + more.references
        )
    return run._replace(
        outcomes=tuple(outcomes[policy_id] for policy_id in sorted(outcomes)),
        events_removed=run.events_removed + sum(more.events for more in progress.outcomes),
        references_removed=run.references_removed + sum(more.references for more in progress.outcomes),
        archived=run.archived + progress.archived,
        folded=run.folded + progress.folded,
    )


async def finish_run(connection: AsyncConnection, run_id: str, *, now: int, completed: bool, error: str | None) -> None:
    """Set a run to its end; one that has ended stays as it is."""
    unfinished = update(retention_runs).where(retention_runs.c.run_id == run_id, retention_runs.c.finished_at.is_(None))
    await connection.execute(unfinished.values(finished_at=now, completed=int(completed), error=error))


async def raise_cutoffs(connection: AsyncConnection, cutoffs: Iterable[CutoffRecord], *, dialect_name: str) -> None:
    """Keep before when policies have removed something; what stands there and is later stays."""
    wanted = {_cutoff_key(each): each for each in cutoffs}
    if not wanted:
        return
    columns = retention_cutoffs.c
    statement = select(columns.policy_id, columns.removed_before).where(columns.policy_id.in_(sorted(wanted)))
    known: dict[str, int] = {row[0]: row[1] for row in await connection.execute(statement)}
    rows = [
        {
            "policy_id": key,
            "namespace": each.namespace,
            "event_types": json.dumps(each.event_types, ensure_ascii=False),
            "removed_before": each.removed_before,
        }
        for key, each in sorted(wanted.items())
        if known.get(key, -1) < each.removed_before
    ]
    if rows:
        replaced = ("namespace", "event_types", "removed_before")
        await connection.execute(insert_replacing(retention_cutoffs, dialect_name, replaced), rows)


async def fetch_removed_before(
    connection: AsyncConnection, namespaces: Sequence[str] | None, event_types: Iterable[str] | None
) -> int | None:
    """Give before when anything was removed that may have been in some namespaces and of some types; None: in all."""
    columns = retention_cutoffs.c
    statement = select(columns.event_types, columns.removed_before)
    if namespaces is not None:
        statement = statement.where(or_(columns.namespace.is_(None), columns.namespace.in_(namespaces)))
    found: list[int] = []
    for types, removed_before in await connection.execute(statement):
        named = set(json.loads(types))
        if event_types is None or not named or named.intersection(event_types):
            found.append(removed_before)
    return max(found, default=None)


def build_unfinished() -> Select[Any]:
    """Ask for the runs that are not at their end."""
    return _RUNS.where(retention_runs.c.finished_at.is_(None)).order_by(retention_runs.c.run_id)


def _cutoff_key(cutoff: CutoffRecord) -> str:
    # A policy that is changed keeps what it removed under its former meaning.
    meaning = json.dumps([cutoff.namespace, sorted(cutoff.event_types)]).encode()
    return f"{cutoff.policy_id[:46]}#{hashlib.blake2b(meaning, digest_size=8).hexdigest()}"


async def _fetch(database: "Database", statement: Select[Any]) -> list[RunRecord]:
    async with database.reading() as connection:
        return [_to_record(row) for row in await connection.execute(statement)]


def _to_values(run: RunRecord) -> Mapping[str, Any]:
    return {
        **run._asdict(),
        "dry_run": int(run.dry_run),
        "completed": int(run.completed),
        "outcomes": json.dumps(run.outcomes, ensure_ascii=False, separators=(",", ":")),
    }


def _to_record(row: Any) -> RunRecord:
    values = dict(row._mapping)
    values["dry_run"] = bool(values["dry_run"])
    values["completed"] = bool(values["completed"])
    values["outcomes"] = tuple(OutcomeRecord(*each) for each in json.loads(values["outcomes"]))
    return RunRecord(**values)


_RUNS = select(*(retention_runs.c[name] for name in RunRecord._fields))
