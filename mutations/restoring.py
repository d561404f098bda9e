"""Restoring: events of an archive put back into the store (NU8).

The files are read twice. The first time they are compared with their manifests, so that nothing comes back from a
damaged one, and ids that stand in more than one line are found: those become one event, with all objects of its lines
(`doubles.py`). The second time events are stored, a thousand in one transaction; what is stored already is left alone,
so that a restore that broke off is simply begun again.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mutations.archive_files import ArchivedFile, Manifest, open_lines, read_line
from mutations.archives import Archive
from mutations.audit import audit_batch
from mutations.doubles import Aside, SeenIds, in_batches
from mutations.errors import MutationError
from storage.appends import append_batches
from storage.archive_rows import WholeEvent
from storage.records import LinkRecord
from storage.restores import RestoreOutcome, append_restored, find_present
from storage.times import format_rfc3339, parse_rfc3339

if TYPE_CHECKING:
    from storage.engine import Database


@dataclass(frozen=True)
class RestoreSelection:
    """Which events come back: those for which all that is given holds. Times are microseconds UTC, `until` exclusive.

    `objects` are (object type, object id) in any namespace, `files` names of files.
    """

    since: int | None = None
    until: int | None = None
    namespaces: tuple[str, ...] = ()
    event_types: tuple[str, ...] = ()
    objects: tuple[tuple[str, str], ...] = ()
    files: tuple[str, ...] = ()

    def may_hold(self, manifest: Manifest) -> bool:
        """Whether any event of a file can be selected, as far as its manifest tells."""
        if self.since is not None and parse_rfc3339(manifest.period.newest) < self.since:
            return False
        if self.until is not None and parse_rfc3339(manifest.period.oldest) >= self.until:
            return False
        return not self.namespaces or not set(self.namespaces).isdisjoint(manifest.namespaces)

    def holds(self, event: WholeEvent) -> bool:
        """Whether an event is selected."""
        row = event.row
        return (
            (self.since is None or row.occurred_at >= self.since)
            and (self.until is None or row.occurred_at < self.until)
            and (not self.namespaces or row.audience.namespace in self.namespaces)
            and (not self.event_types or row.event_type in self.event_types)
            and (not self.objects or any(_name_of(each) in self.objects for each in row.objects))
        )

    def describe(self) -> dict[str, object]:
        """Give what was asked for, in words for an audit event."""
        times = {"since": self.since, "until": self.until}
        lists = {"namespaces": self.namespaces, "event_types": self.event_types, "files": self.files}
        return {
            **{name: format_rfc3339(time) for name, time in times.items() if time is not None},
            **{name: list(some) for name, some in lists.items() if some},
            **({"objects": ["/".join(each) for each in self.objects]} if self.objects else {}),
        }


@dataclass
class RestoreReport:
    """How far a restore is: `files` that were read, events that were `restored`, or were `present` and left alone."""

    files: int = 0
    restored: int = 0
    present: int = 0


Progress = Callable[[int], None]
"""Called with the bytes of each file that has been read, once for each reading."""


class Restore:
    """One restore of what a selection holds of an archive."""

    def __init__(self, database: "Database", archive: Archive, selection: RestoreSelection, *, now: int) -> None:
        """`now` (microseconds UTC) is when the events come back: their age counts from there."""
        self.report = RestoreReport()
        self.files: list[ArchivedFile] = []
        self.selected = 0
        self._database = database
        self._archive = archive
        self._selection = selection
        self._now = now
        self._seen = SeenIds()

    async def choose(self) -> None:
        """Choose the files. Raises ArchiveError; MutationError for one that the archive does not have."""
        self.files = await asyncio.to_thread(self._choose)
        self.report.files = len(self.files)

    async def prepare(self, advance: Progress) -> None:
        """Read the files, compare them with their manifests and count what is `selected`: lines.

        Raises ArchiveDamagedError when one is not what its manifest says, ArchiveError.
        """
        async for some in self._read(advance):
            self.selected += len(some)
            for event in some:
                self._seen.add(event)
        self._seen.keep_doubles()

    async def run(self, advance: Progress, *, actor: str | None, dry_run: bool = False) -> RestoreReport:
        """Store what is selected and give how many came back; a dry run only counts them.

        An event of type `restore` in the namespace `timeloom` tells that it begins, another one how it ended.
        """
        if dry_run:
            await self._each_batch(advance, self._count)
            return self.report
        await self._tell("begun", actor)
        try:
            await self._each_batch(advance, self._store)
        except BaseException:
            # When the database is gone too, the missing second event tells it.
            with suppress(Exception):
                await self._tell("broken off", actor)
            raise
        await self._tell("done", actor)
        return self.report

    def _choose(self) -> list[ArchivedFile]:
        files = self._archive.files()
        wanted = self._selection.files
        missing = sorted(set(wanted) - {file.name for file in files})
        if missing:
            raise MutationError(f"the archive has no file {missing[0]}: `timeloom archive list` shows all that it has")
        if wanted:
            return [file for file in files if file.name in wanted]
        # One whose manifest cannot be read might hold anything: it is refused, not passed over.
        return [file for file in files if not file.unfinished and self._may_hold(file)]

    def _may_hold(self, file: ArchivedFile) -> bool:
        return file.manifest is None or self._selection.may_hold(file.manifest)

    async def _read(self, advance: Progress) -> AsyncIterator[list[WholeEvent]]:
        for file in self.files:
            portions = self._portions(file)
            while (some := await asyncio.to_thread(next, portions, None)) is not None:
                yield some
            advance(file.size)

    def _portions(self, file: ArchivedFile) -> Iterator[list[WholeEvent]]:
        with open_lines(self._archive.folder, file) as lines:
            read = ((read_line(file.name, number, line), len(line)) for number, line in enumerate(lines, 1))
            yield from in_batches((event, size) for event, size in read if self._selection.holds(event))

    async def _each_batch(self, advance: Progress, treat: Callable[[Sequence[WholeEvent]], Awaitable[None]]) -> None:
        """Treat all events but doubles as they come, then the doubles, each of which is one event."""
        with tempfile.TemporaryDirectory(prefix="timeloom-restore-", ignore_cleanup_errors=True) as directory:
            aside = Aside(Path(directory))
            async for some in self._read(advance):
                single: list[WholeEvent] = []
                doubles: list[WholeEvent] = []
                for event in some:
                    (doubles if event in self._seen else single).append(event)
                with _naming(directory):
                    await asyncio.to_thread(aside.add, doubles)
                await treat(single)
            # What others were folded into comes first: its repeats, should they stand in lines of their own, find it.
            for folding in (True, False):
                batches = aside.batches(folding=folding)
                while True:
                    with _naming(directory):
                        batch = await asyncio.to_thread(next, batches, None)
                    if batch is None:
                        break
                    await treat(batch)

    async def _store(self, some: Sequence[WholeEvent]) -> None:
        outcomes = await append_restored(self._database, some, received_at=self._now)
        self.report.restored += outcomes.count(RestoreOutcome.RESTORED)
        self.report.present += outcomes.count(RestoreOutcome.PRESENT)

    async def _count(self, some: Sequence[WholeEvent]) -> None:
        present = await find_present(self._database, some)
        self.report.restored += present.count(False)
        self.report.present += present.count(True)

    async def _tell(self, state: str, actor: str | None) -> None:
        report = self.report
        told = {"state": state, "archive": self._archive.folder.shown, "selection": self._selection.describe()}
        numbers = {"files": report.files, "restored": report.restored, "present": report.present}
        message = f"restore from the archive {state}: {report.restored:,} events came back"
        batch = audit_batch("restore", message, extra={**told, **numbers}, now=self._now, actor=actor)
        await append_batches(self._database, [batch])


def _name_of(link: LinkRecord) -> tuple[str, str]:
    return link.object.object_type, link.object.object_id


@contextmanager
def _naming(directory: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MutationError(
            f"{directory}, where events with several lines are put aside: {error.strerror}; set TMPDIR to another place"
        ) from error
