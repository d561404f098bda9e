"""Archives: events as compressed JSON Lines outside of the database, before retention removes them (NU8, L4).

Each file has a manifest beside it, which is written last: a file without one was left by an interruption and is no part
of the archive. What was kept twice because of that does no harm; restoring gives one event.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Collection, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING

import zstandard

from mutations.archive_files import (
    EVENTS_ENDING,
    FORMAT,
    MANIFEST_ENDING,
    ArchivedFile,
    Counts,
    Manifest,
    Period,
    PolicyName,
    events_name,
    manifest_name,
    read_manifest,
    verify_file,
    write_manifest,
)
from mutations.archive_folder import UNFINISHED, ArchiveFolder, NewFile
from mutations.archive_lines import to_line
from mutations.errors import ArchiveDamagedError
from storage.archive_rows import IDS_PER_STATEMENT, WholeEvent, fetch_whole_events
from storage.identifiers import new_event_id
from storage.removals import EventPlace, in_parts
from storage.times import format_rfc3339

if TYPE_CHECKING:
    from storage.engine import Database

_VERSION = version("timeloom-gateway")
_UNFINISHED = "it has no manifest: being written, or left by an interruption"


class Archive:
    """An archive in a directory or behind any URL that fsspec knows. Its work with files goes on in threads."""

    def __init__(self, url: str) -> None:
        """Name the place (setting `archive_url`); nothing is read or written yet. Raises ArchiveError."""
        self.folder = ArchiveFolder(url)

    async def keep(
        self,
        database: "Database",
        places: Collection[EventPlace],
        *,
        policy_id: str,
        policy_name: str,
        run_id: str,
        now: int,
    ) -> set[EventPlace]:
        """Write those of some events that are stored into one file, and give which those are.

        When it returns, the file and its manifest are durable and have been read back and compared. `now`
        (microseconds UTC) is when the run began: its day names the directory. Raises ArchiveError, StorageError; then
        nothing may be removed.
        """
        kept: set[EventPlace] = set()
        writing: _Writing | None = None
        try:
            for part in in_parts(sorted(set(places)), IDS_PER_STATEMENT):
                found = await fetch_whole_events(database, part)
                if found:
                    if writing is None:
                        writing = await asyncio.to_thread(_Writing, self.folder, now)
                    await asyncio.to_thread(writing.add, [event for _, event in found])
                    kept.update(place for place, _ in found)
            if writing is not None:
                policy = PolicyName(policy_id, policy_name)
                await asyncio.to_thread(writing.finish, policy=policy, run_id=run_id, now=now)
        except BaseException:
            if writing is not None:
                writing.abandon()
            raise
        return kept

    def files(self) -> list[ArchivedFile]:
        """Give every file of events by name, which is by day and time of writing. Blocks. Raises ArchiveError."""
        sizes = self.folder.sizes()
        found = [self._file(name, size, sizes) for name, size in sizes.items() if name.endswith(EVENTS_ENDING)]
        found += [
            ArchivedFile(name, size, None, _UNFINISHED, unfinished=True)
            for name, size in sizes.items()
            if name.endswith(UNFINISHED)
        ]
        named = [events_name(name) for name in sizes if name.endswith(MANIFEST_ENDING)]
        found += [self._file(name, 0, sizes)._replace(problem="it is missing") for name in named if name not in sizes]
        return sorted(found)

    def verify(self, file: ArchivedFile, *, deep: bool = False) -> None:
        """Read a file and compare it with its manifest; `deep`: each event too. Blocks.

        Raises ArchiveDamagedError, whose text names the file and what is wrong with it.
        """
        verify_file(self.folder, file, deep=deep)

    def _file(self, name: str, size: int, sizes: Collection[str]) -> ArchivedFile:
        if manifest_name(name) not in sizes:
            return ArchivedFile(name, size, None, _UNFINISHED, unfinished=True)
        try:
            return ArchivedFile(name, size, read_manifest(self.folder, name))
        except ArchiveDamagedError as error:
            return ArchivedFile(name, size, None, error.reason)


class _Writing:
    """A file of events that is being written. Blocks."""

    def __init__(self, folder: ArchiveFolder, now: int) -> None:
        day = format_rfc3339(now)[:10].replace("-", "/")
        self.name = f"{day}/{new_event_id()}{EVENTS_ENDING}"
        self._folder = folder
        self._file: NewFile | None = folder.begin(self.name)
        self._compressor = zstandard.ZstdCompressor(write_checksum=True).compressobj()
        self._digest = hashlib.sha256()
        self._bytes = 0
        self._counts: Counter[str] = Counter()
        self._namespaces: set[str] = set()
        self._times: list[int] = []

    def add(self, some: Sequence[WholeEvent]) -> None:
        """Write some events."""
        for event in some:
            self._write(self._compressor.compress(to_line(event)))
        self._counts.update(events=len(some), references=sum(len(event.row.objects) for event in some))
        self._namespaces.update(event.row.audience.namespace for event in some)
        times = [*self._times, *(event.row.occurred_at for event in some)]
        self._times = [min(times), max(times)]

    def finish(self, *, policy: PolicyName, run_id: str, now: int) -> None:
        """Make the file durable, read it back, then do the same with its manifest."""
        self._write(self._compressor.flush())
        assert self._file is not None
        with self._folder.naming():
            self._file.finish()
        self._file = None
        oldest, newest = (format_rfc3339(time) for time in self._times)
        manifest = Manifest(
            format=FORMAT,
            policy=policy,
            run=run_id,
            period=Period(oldest, newest),
            counts=Counts(self._counts["events"], self._counts["references"]),
            namespaces=sorted(self._namespaces),
            bytes=self._bytes,
            sha256=self._digest.hexdigest(),
            written_at=format_rfc3339(now),
            version=_VERSION,
        )
        verify_file(self._folder, ArchivedFile(self.name, self._bytes, manifest))
        write_manifest(self._folder, self.name, manifest)

    def abandon(self) -> None:
        """Give up."""
        if self._file is not None:
            self._file.abandon()

    def _write(self, content: bytes) -> None:
        assert self._file is not None
        self._digest.update(content)
        self._bytes += len(content)
        with self._folder.naming():
            self._file.write(content)
