"""Archive folder: files of an archive, in a directory or behind any URL that fsspec knows.

A file appears under its name when it is complete and durable, or not at all, as far as its store allows: in a directory
by a temporary name, fsync and rename; elsewhere by what the store promises when a file is closed. Everything here
blocks: call it in a thread. Raises ArchiveError, which names the setting.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import fsspec
from fsspec.implementations.local import LocalFileSystem

from mutations.errors import ArchiveError

UNFINISHED = ".part"
"""What the name of a file ends with that is being written in a directory."""

_PASSWORD = re.compile(r"(://[^:/@]*:)(.*)(@)")


class ArchiveFolder:
    """Where files lie. `shown` is the URL without a password."""

    def __init__(self, url: str) -> None:
        """Find out what kind of place the URL names; it is not asked, it may be away just now. Raises ArchiveError."""
        self._url = url
        self.shown = _PASSWORD.sub(r"\1***\3", url)
        with self.naming():
            for part in url.split("::"):
                fsspec.get_filesystem_class(fsspec.core.split_protocol(part)[0] or "file")

    @cached_property
    def _place(self) -> tuple[Any, str]:
        with self.naming():
            files, root = fsspec.core.url_to_fs(self._url)  # of some kinds this connects
            return files, root

    @property
    def _files(self) -> Any:
        return self._place[0]

    @property
    def _root(self) -> str:
        return self._place[1]

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory of this machine."""
        return isinstance(self._files, LocalFileSystem)

    def begin(self, name: str) -> "NewFile":
        """Begin to write a file."""
        with self.naming():
            return (
                NewLocalFile(Path(self._root), name)
                if self.is_directory
                else NewRemoteFile(self._files, self._path(name))
            )

    def write(self, name: str, content: bytes) -> None:
        """Write a whole file."""
        with self.naming():
            file = self.begin(name)
            try:
                file.write(content)
                file.finish()
            except BaseException:
                file.abandon()
                raise

    def sizes(self) -> dict[str, int]:
        """Give every file by its name, with its size in bytes."""
        with self.naming():
            self._files.invalidate_cache()
            if not self._files.isdir(self._root):
                raise FileNotFoundError("no such directory; it is made when the first events are archived")
            found = self._files.find(self._root, detail=True)
            return {self._name(path): int(entry["size"] or 0) for path, entry in sorted(found.items())}

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """Open a file for reading."""
        with self.naming(), self._files.open(self._path(name), "rb") as file:
            yield file

    def read(self, name: str) -> bytes:
        """Read a whole file, which is small."""
        with self.open(name) as file:
            return file.read()

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"

    def _name(self, path: str) -> str:
        return path.removeprefix(self._root.rstrip("/")).lstrip("/")

    @contextmanager
    def naming(self) -> Iterator[None]:
        """Say of whatever goes wrong where it went wrong. Each kind of store has errors of its own."""
        try:
            yield
        except ArchiveError:
            raise
        except Exception as error:
            raise self.error(error) from error

    def error(self, reason: object) -> ArchiveError:
        """Make the error for something that is wrong with this place."""
        text = reason.strerror if isinstance(reason, OSError) and reason.strerror else str(reason)
        return ArchiveError(f"TIMELOOM_ARCHIVE_URL (--url) {self.shown}: {text or type(reason).__name__}")


class NewLocalFile:
    """A file in a directory that is being written."""

    def __init__(self, root: Path, name: str) -> None:
        self._path = root / name
        self._directories = [parent for parent in self._path.parents if parent.is_relative_to(root)]
        if not root.exists():
            self._directories.append(root.parent)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._temporary = self._path.with_name(self._path.name + UNFINISHED)
        self._file = self._temporary.open("xb")

    def write(self, content: bytes) -> None:
        """Write on."""
        self._file.write(content)

    def finish(self) -> None:
        """Make it durable, then give it its name."""
        self._file.flush()
        os.fsync(self._file.fileno())
        # What is read back afterwards shall come from the disk.
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self._file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        self._file.close()
        self._temporary.rename(self._path)
        for directory in self._directories:
            _synchronize(directory)

    def abandon(self) -> None:
        """Leave nothing behind, as far as that can be done."""
        with suppress(OSError):
            self._file.close()
        with suppress(OSError):
            self._temporary.unlink()


class NewRemoteFile:
    """A file in some other store that is being written; how it becomes durable is the store's affair."""

    def __init__(self, files: Any, path: str) -> None:
        files.makedirs(path.rpartition("/")[0], exist_ok=True)
        self._file = files.open(path, "wb")

    def write(self, content: bytes) -> None:
        """Write on."""
        self._file.write(content)

    def finish(self) -> None:
        """Hand over what has been written."""
        self._file.close()

    def abandon(self) -> None:
        """Give up; what remains of it has no manifest, and so is no part of the archive."""
        with suppress(Exception):
            self._file.discard()


NewFile = NewLocalFile | NewRemoteFile


def _synchronize(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
