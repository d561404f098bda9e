"""Retention removes what a policy archives only when it is in the archive; what comes back ages anew (NU8, EV8)."""

from pathlib import Path

import pytest

from mutations.archives import Archive
from mutations.policies import Policy
from mutations.retention import RetentionRunner
from storage.engine import Database
from storage.positions import Sequencer
from storage.retention_runs import RunRecord, fetch_runs
from storage.severities import Severity
from storage.times import MICROSECONDS_PER_DAY
from tests.mutations.archiving import LATER, as_returned, every_event, restore
from tests.mutations.deleting import OWN, stored
from tests.storage.histories import link, row, store

EACH_DATABASE = pytest.mark.parametrize("backend", ["sqlite", "aiomysql"])
AUDIT = Policy(id="audit", name="audit", event_types=("audit",), max_age_seconds=3_600, archive=True)
USAGE = Policy(id="usage", name="usage", event_types=("usage",), max_age_seconds=3_600)


async def run_retention(database: Database, archive: Archive | None, *, now: int) -> RunRecord:
    if database.dialect_name == "mariadb":
        sequencer = Sequencer(database)
        await sequencer.turn()
        await sequencer._lease.release()
    runner = RetentionRunner(database, [AUDIT, USAGE], clock=lambda: now, archive=archive)
    await runner.request("ann")
    assert await runner.turn()
    [run] = await fetch_runs(database, size=1)
    return run


@EACH_DATABASE
async def test_events_go_when_they_are_in_the_archive(database: Database, tmp_path: Path) -> None:
    """NU8, L4: not without an archive, not with one that fails; then all, and they come back and stay their age."""
    await store(database, [row(1, objects=(link("disk", "d"),)), row(2), row(3, event_type="usage")])
    before = await every_event(database)
    run = await run_retention(database, None, now=LATER)
    assert (run.events_removed, run.archived, run.error) == (
        *(1, 0),
        "nothing was removed by audit: archive is set there, and TIMELOOM_ARCHIVE_URL says nowhere where to",
    )
    blocked = tmp_path / "archive"
    blocked.write_text("a file where a directory should be")
    run = await run_retention(database, Archive(str(blocked)), now=LATER)
    assert (run.events_removed, run.completed) == (0, False)
    assert run.error is not None
    assert run.error.startswith(f"TIMELOOM_ARCHIVE_URL (--url) {blocked}: ")
    assert await every_event(database) == before[:2]
    told = {event.message: Severity(event.severity) for event in await stored(database, OWN)}
    assert told[f"retention removed 0 events and 0 references ({run.error})"] is Severity.ERROR
    blocked.unlink()
    kept = Archive(str(blocked))
    run = await run_retention(database, kept, now=LATER)
    assert (run.events_removed, run.references_removed, run.archived, run.error) == (2, 1, 2, None)
    assert await every_event(database) == []
    [file] = kept.files()
    assert file.manifest is not None
    assert (file.manifest.policy.id, file.manifest.run, file.manifest.counts.events) == ("audit", run.run_id, 2)
    await restore(database, kept)
    assert await every_event(database) == [as_returned(event) for event in before[:2]]
    assert (await run_retention(database, kept, now=LATER + 3_600_000_000)).events_removed == 0
    assert (await run_retention(database, kept, now=LATER + MICROSECONDS_PER_DAY)).events_removed == 2
