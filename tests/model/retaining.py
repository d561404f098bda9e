"""Steps of retention: policies, runs that end well and runs whose process ends, the archive and what comes back."""

import json
import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import zstandard

from mutations.compaction import Compaction
from mutations.policies import policies_of_settings
from mutations.policy_changes import PolicyChanges
from mutations.restoring import Restore, RestoreSelection
from mutations.retention import RetentionOptions, RetentionRunner
from storage.retention_runs import fetch_run
from storage.upkeep import delete_old_ids
from tests.model.agreement import NAMESPACES, read_tables
from tests.model.oracle import DAY, HORIZON, HOUR, SECOND, Key, Plan, Sent, Stored
from tests.model.world import AGES, EVENT_TYPES, SETTINGS, World


class CrashError(Exception):
    """The process ends here."""


class _Part(NamedTuple):
    """One process's part in a run: what it has to take of what was there before."""

    plan: Plan
    before: dict[Key, Stored]
    started_at: int
    has_archive: bool


async def policy(world: World, draw: random.Random) -> str:
    """Make, change or delete a policy."""
    changes = PolicyChanges(world.database, actor="somebody", clock=world.clock, has_archive=True)
    stored = [each for each in world.oracle.policies.values() if not each.id.startswith("setting:")]
    if stored and draw.random() < 0.4:
        policy = draw.choice(stored)
        if draw.random() < 0.5:
            await changes.delete(policy.id)
            del world.oracle.policies[policy.id]
            told = "delete"
        else:
            enabled = draw.random() < 0.5
            age = draw.choice(AGES)
            changed = replace(policy, enabled=enabled, age=age)
            await changes.update(policy.id, {"enabled": enabled, "max_age_seconds": age})
            world.oracle.policies[policy.id] = changed
            told = f"change to {age}, {enabled}"
            world.oracle.audits["retention-policy"] -= changed == policy
    else:
        given, holds = _new_policy(draw)
        await world.make_policy(given, holds)
        return f"policy: make {given}"
    world.oracle.audits["retention-policy"] += 1
    return f"policy: {told}"


async def retain(world: World, draw: random.Random) -> str:
    """A dry run, and the run: what one told the other takes; in between, or not, the process ends."""
    _pass_time(world, draw)
    has_archive = draw.random() < 0.85
    fresh = draw.random() < 0.25
    if fresh:
        await world.clear_marks()
    runner = _runner(world, has_archive=has_archive, chunk_events=draw.choice((4, 100, 100)))
    await world.settle()
    resumed = world.unfinished is not None
    run = await runner.request("somebody")
    if not resumed:
        plan = world.oracle.plan(started_at=run.started_at, has_archive=has_archive)
        if draw.random() < 0.25:
            counted = await runner.preview("somebody")
            assert counted.finished_at is not None
            assert _outcomes(world, counted) == +plan.outcomes, "the dry run counts otherwise"
    plan = world.oracle.plan(started_at=run.started_at, has_archive=has_archive)
    part = _Part(plan, dict(world.oracle.events), run.started_at, has_archive)
    if draw.random() < 0.2:
        return await _crash(world, run.run_id, draw, part)
    assert await runner.turn()
    done = await fetch_run(world.database, run.run_id)
    assert done is not None
    assert done.completed, done
    assert done.finished_at is not None
    world.unfinished = None
    world.oracle.audits["prune"] += 1
    world.oracle.carry_out(plan, now=world.now)
    folded = await _settle_folds(world, part, is_done=True)
    if not resumed:
        assert _outcomes(world, done) == +plan.outcomes, "the run counts otherwise"
        assert done.folded == folded
    if fresh and not resumed:
        _require_all_folded(world, part)
    told = f"retention: {len(plan.events)} events of {len(part.before)}, {folded} folded"
    if draw.random() < 0.25:
        world.now -= 3 * HOUR  # what comes now has arrived before what the run has examined
        told += "; the clock is set back"
    return told


def _pass_time(world: World, draw: random.Random) -> None:
    """Nothing, a month, or up to where an event is due, a microsecond before or after (EV8: strictly older)."""
    chance = draw.random()
    if chance < 0.3:
        world.now += 33 * DAY
    elif chance < 0.8 and world.oracle.events:
        stored = world.oracle.events[draw.choice(sorted(world.oracle.events))]
        ages = sorted({each.age for each in world.oracle.policies.values() if each.age is not None})
        at = stored.aged_from + draw.choice(ages) * SECOND + draw.choice((-200 * SECOND, -1, 0, 1))
        world.now = max(world.now, at)


async def restore(world: World, draw: random.Random) -> str:
    """Events come back from the archive: all, or those of a namespace, of a type, of a time."""
    selection, chosen = RestoreSelection(), lambda sent: True
    kind = draw.choice(("all", "namespace", "type", "time"))
    if kind == "namespace":
        name = draw.choice(NAMESPACES)
        selection, chosen = RestoreSelection(namespaces=(name,)), lambda sent: sent.namespace == name
    elif kind == "type":
        name = draw.choice(EVENT_TYPES)
        selection, chosen = RestoreSelection(event_types=(name,)), lambda sent: sent.event_type == name
    elif kind == "time":
        since = world.now - 40 * DAY
        selection, chosen = RestoreSelection(since=since), lambda sent: sent.timestamp >= since
    restore = Restore(world.database, world.archive, selection, now=world.now)
    await restore.choose()
    await restore.prepare(lambda _: None)
    report = await restore.run(lambda _: None, actor="somebody")
    restored, present = world.oracle.restore(chosen, now=world.now)
    assert (report.restored, report.present) == (restored, present)
    world.oracle.audits["restore"] += 2
    return f"restore {kind}: {restored}"


async def forget_ids(world: World, _draw: random.Random) -> str:
    """Ids whose resend horizon is over are forgotten."""
    before = world.now - HORIZON

    async def work(connection: Any) -> int:
        return await delete_old_ids(connection, before=before, limit=10_000)

    await world.database.write(work, name="nothing")
    world.oracle.forget_deleted_ids(now=world.now)
    return "old deleted ids are forgotten"


def _new_policy(draw: random.Random) -> tuple[dict[str, Any], Callable[[Sent], bool]]:
    selectors: tuple[str, ...] = ()
    holds: Callable[[Sent], bool] = lambda _: True  # noqa: E731
    if draw.random() < 0.3:
        selectors, holds = draw.choice(
            (
                (("severity>=error",), lambda sent: sent.severity >= 4),
                (("message~beats", "success=true"), lambda sent: "beats" in sent.message and sent.success is True),
            )
        )
    given = {
        "namespace": draw.choice((None, None, *NAMESPACES)),
        "event_types": draw.choice(((), (), ("beat",), ("status", "beat"))),
        "object_types": draw.choice(((), (), (), ("node",), ("disk", "node"))),
        "sources": draw.choice(((), (), (), ("host-*",), ("host-1", "disk*"))),
        "selectors": selectors,
        "max_age_seconds": draw.choice(AGES),
        "archive": draw.random() < 0.4,
        "prune_registrations": draw.random() < 0.3,
        "compact_repeats": draw.random() < 0.5,
        "enabled": draw.random() < 0.9,
    }
    return given, holds


def _runner(
    world: World, *, has_archive: bool, chunk_events: int = 4, clock: Callable[[], int] | None = None
) -> RetentionRunner:
    return RetentionRunner(
        world.database,
        policies_of_settings(SETTINGS),
        clock=clock or world.clock,
        options=RetentionOptions(chunk_events=chunk_events),
        archive=world.archive if has_archive else None,
        phases=[Compaction(resend_horizon_seconds=HORIZON // SECOND).turn],
    )


def _outcomes(world: World, run: Any) -> Counter[tuple[str, str]]:
    told: Counter[tuple[str, str]] = Counter()
    for each in run.outcomes:
        told[each.policy_id, "events"] += each.events
        told[each.policy_id, "references"] += each.references
    enabled = {each.id for each in world.oracle.policies.values() if each.enabled}
    assert enabled <= {each.policy_id for each in run.outcomes}, "every enabled policy is told about (R2)"
    return +told


async def _crash(world: World, run_id: str, draw: random.Random, part: _Part) -> str:
    """A run whose process ends somewhere: what is gone was due, and the row waits for somebody to go on."""
    left = draw.randrange(1, 15)

    def clock() -> int:
        nonlocal left
        left -= 1
        if not left:
            raise CrashError
        return world.now

    runner = _runner(world, has_archive=part.has_archive, clock=clock)
    with suppress(CrashError):
        await runner.turn()
    await world.expire("retention")
    run = await fetch_run(world.database, run_id)
    assert run is not None
    is_done = run.finished_at is not None
    await world.settle_removed(part.plan)
    folded = await _settle_folds(world, part, is_done=is_done)
    world.unfinished = None if is_done else run_id
    if is_done:
        world.oracle.audits["prune"] += 1
        assert not part.plan.events & world.oracle.events.keys()
    left_over = len(part.plan.events & world.oracle.events.keys())
    return f"retention: the process ends, {left_over} events are left to do, {folded} are folded"


async def _settle_folds(world: World, part: _Part, *, is_done: bool) -> int:
    """Learn what was folded, of which each pair must be alike, and what was archived; give how many were folded."""
    oracle = world.oracle
    folded = (await read_tables(world.database)).folded
    new = {key: into for key, into in folded.items() if key not in oracle.folded}
    before = {
        key: stored
        for key, stored in oracle.events.items()
        if oracle.may_fold(key, started_at=part.started_at, has_archive=part.has_archive)
    }
    archived = part.plan.archived | {key for key in new if oracle.is_archived(before[key])}
    for repeat, into in sorted(new.items(), key=lambda pair: world.sort_key(pair[0])):
        assert {repeat, into} <= before.keys(), f"{repeat} was folded into {into}"
        assert oracle.likeness(repeat) == oracle.likeness(into)
        assert world.sort_key(into) < world.sort_key(repeat), "the earliest stays"
        assert oracle.events[repeat].repeats == 1
        oracle.fold(repeat, into)
    lines = _read_archive(world, part, before)
    assert archived <= lines or not is_done, "what goes by an archiving policy is archived first"
    assert archived >= lines or not is_done, "what stays is not archived"
    return len(new)


def _read_archive(world: World, part: _Part, folding: dict[Key, Stored]) -> set[Key]:
    """Read what a run has written into the archive: each line is an event as it was; give which these are."""
    lines: set[Key] = set()
    for path in sorted(world.home.rglob("*.jsonl.zst")):
        name = str(path.relative_to(world.home))
        if name in world.files or not Path(str(path).replace(".jsonl.zst", ".manifest.json")).exists():
            continue
        world.files.add(name)
        for text in zstandard.ZstdDecompressor().stream_reader(path.read_bytes()).read().splitlines():
            line = json.loads(text)
            key = (line["namespace"], line["id"])
            links = {(each["objectType"], each["objectId"]): each["role"] for each in line["objects"]}
            known = [part.before[key]] if key in part.plan.archived else []
            known += [folding[key]] if key in folding and world.oracle.is_archived(folding[key]) else []
            stored = next((each for each in known if each.links == links), None)
            assert stored is not None, f"{key} was archived, and no policy says so, or not so"
            assert line["message"] == stored.sent.message
            assert {each for each, _ in line["folded"]} == set(stored.folded)
            lines.add(key)
            world.oracle.archive.append((name, stored))
    return lines


def _require_all_folded(world: World, part: _Part) -> None:
    """Where all was looked at, nothing alike may be left, of the days that are older than the horizon as a whole."""
    seen: set[object] = set()
    horizon = (part.started_at - HORIZON) // DAY * DAY
    allowed = [
        key
        for key, stored in world.oracle.events.items()
        if stored.aged_from < horizon
        and world.oracle.may_fold(key, started_at=part.started_at, has_archive=part.has_archive)
    ]
    for key in sorted(allowed, key=world.sort_key):
        likeness = world.oracle.likeness(key)
        assert likeness not in seen or world.oracle.events[key].repeats > 1, f"{key} could have been folded"
        seen.add(likeness)
