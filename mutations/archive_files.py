"""Archive files: compressed JSON Lines with a manifest each, and how to tell that one is whole (NU8)."""

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, NamedTuple

import msgspec
import zstandard

from mutations.archive_folder import ArchiveFolder
from mutations.archive_lines import from_line
from mutations.errors import ArchiveDamagedError
from storage.archive_rows import WholeEvent

FORMAT = 1
EVENTS_ENDING = ".jsonl.zst"
MANIFEST_ENDING = ".manifest.json"

_PORTION_BYTES = 1024 * 1024


class PolicyName(msgspec.Struct, rename="camel", frozen=True):
    """For which policy a file was written."""

    id: str
    name: str


class Period(msgspec.Struct, rename="camel", frozen=True):
    """The first and the last timestamp of the events of a file, RFC 3339."""

    oldest: str
    newest: str


class Counts(msgspec.Struct, rename="camel", frozen=True):
    """How many lines a file has, and how many references to objects stand in them."""

    events: int
    references: int


class Manifest(msgspec.Struct, rename="camel", frozen=True):
    """What is said of a file: whose events, of when, how many, and how to tell that it is whole.

    `bytes` and `sha256` (hexadecimal) are those of the compressed file; `version` is the program's that wrote it.
    """

    format: int
    policy: PolicyName
    run: str
    period: Period
    counts: Counts
    namespaces: list[str]
    bytes: int
    sha256: str
    written_at: str
    version: str


class ArchivedFile(NamedTuple):
    """A file of events: `size` in bytes; `problem` says what is wrong with it, None for a file of the archive.

    One that is `unfinished` has no manifest, and never was a part of the archive.
    """

    name: str
    size: int
    manifest: Manifest | None
    problem: str | None = None
    unfinished: bool = False


_decode_manifest = msgspec.json.Decoder(Manifest).decode


def manifest_name(name: str) -> str:
    """Give the name of a file's manifest."""
    return name.removesuffix(EVENTS_ENDING) + MANIFEST_ENDING


def events_name(manifest: str) -> str:
    """Give the name of the file that a manifest is about."""
    return manifest.removesuffix(MANIFEST_ENDING) + EVENTS_ENDING


def write_manifest(folder: ArchiveFolder, name: str, manifest: Manifest) -> None:
    """Write the manifest of a file, which makes the file a part of the archive, and read it back."""
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"
    folder.write(manifest_name(name), text)
    if folder.read(manifest_name(name)) != text:
        raise ArchiveDamagedError(manifest_name(name), "what was written cannot be read back")


def read_manifest(folder: ArchiveFolder, name: str) -> Manifest:
    """Read the manifest of a file. Raises ArchiveDamagedError for one that cannot be understood."""
    try:
        manifest = _decode_manifest(folder.read(manifest_name(name)))
    except ValueError as error:
        raise ArchiveDamagedError(name, f"its manifest cannot be understood: {error}") from None
    if manifest.format != FORMAT:
        raise ArchiveDamagedError(name, f"format {manifest.format} is not known to this program")
    return manifest


def verify_file(folder: ArchiveFolder, file: ArchivedFile, *, deep: bool = False) -> None:
    """Read a file and compare it with its manifest (see `Archive.verify`)."""
    references = 0
    with open_lines(folder, file) as lines:
        for number, line in enumerate(lines, 1):
            if deep:
                references += len(read_line(file.name, number, line).row.objects)
    if deep and file.manifest is not None and references != file.manifest.counts.references:
        raise ArchiveDamagedError(
            file.name, f"{references:,} references to objects, its manifest says {file.manifest.counts.references:,}"
        )


@contextmanager
def open_lines(folder: ArchiveFolder, file: ArchivedFile) -> Iterator[Iterator[bytes]]:
    """Open a file's lines. Whoever has read them all knows that they are those of its manifest.

    Raises ArchiveDamagedError, at the latest with the last line, when they are not.
    """
    if file.manifest is None or file.problem is not None:
        raise ArchiveDamagedError(file.name, f"{file.problem}")
    with folder.open(file.name) as raw:
        yield _read_lines(file.name, raw, file.manifest)


def read_line(name: str, number: int, line: bytes) -> WholeEvent:
    """Read one event of a file. Raises ArchiveDamagedError."""
    try:
        return from_line(line)
    except ValueError as error:
        raise ArchiveDamagedError(name, f"line {number:,} is no archived event: {error}") from None


def _read_lines(name: str, raw: BinaryIO, manifest: Manifest) -> Iterator[bytes]:
    hashing: Any = _Hashing(raw)
    lines = 0
    try:
        with zstandard.ZstdDecompressor().stream_reader(hashing, closefd=False) as reader:
            for line in io.BufferedReader(reader, _PORTION_BYTES):
                lines += 1
                yield line
    except zstandard.ZstdError as error:
        raise ArchiveDamagedError(name, f"cannot be decompressed: {error}") from None
    hashing.drain()
    if (hashing.bytes, hashing.digest.hexdigest()) != (manifest.bytes, manifest.sha256):
        raise ArchiveDamagedError(name, "the file is not the one that its manifest describes (bytes, sha256)")
    if lines != manifest.counts.events:
        raise ArchiveDamagedError(name, f"{lines:,} lines, its manifest says {manifest.counts.events:,}")


class _Hashing:
    """A file whose bytes are hashed as they are read."""

    def __init__(self, raw: BinaryIO) -> None:
        self.digest = hashlib.sha256()
        self.bytes = 0
        self._raw = raw

    def read(self, size: int = -1) -> bytes:
        """Read on."""
        content = self._raw.read(size)
        self.digest.update(content)
        self.bytes += len(content)
        return content

    def drain(self) -> None:
        """Read what stands behind the compressed data."""
        while self.read(_PORTION_BYTES):
            pass
