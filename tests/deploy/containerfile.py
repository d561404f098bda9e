"""Reads deploy/container/Containerfile: stages with their instructions, and what a build may copy.

Debian has no tool that checks such a file without a registry to fetch the first image from (buildah does not look at a
stage before it has its image), so the tests look themselves.
"""

import fnmatch
import json
import shlex
import string
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath

from tests.docs.markdown import ROOT

CONTAINERFILE = ROOT / "deploy/container/Containerfile"
IGNORED = ROOT / ".dockerignore"
KNOWN = {"ARG", "FROM", "LABEL", "COPY", "RUN", "WORKDIR", "VOLUME", "ENV", "USER", "HEALTHCHECK", "ENTRYPOINT", "CMD"}


@dataclass
class Copy:
    """One COPY: what, from which stage (None: from the checkout), to where."""

    sources: list[str]
    target: str
    stage: str | None


@dataclass
class Stage:
    """One stage: its image, its name, its instructions in order."""

    image: str
    name: str | None
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def values(self, keyword: str) -> list[str]:
        """Give what stands behind each instruction of a kind."""
        return [value for each, value in self.instructions if each == keyword]

    def command(self, keyword: str) -> list[str]:
        """Give the words of the last CMD or ENTRYPOINT, which must be in exec form."""
        words: list[str] = json.loads(self.values(keyword)[-1])
        return words

    def copies(self) -> list[Copy]:
        """Give every COPY."""
        return [_read_copy(value) for value in self.values("COPY")]

    def environment(self) -> dict[str, str]:
        """Give what ENV sets."""
        return dict(word.split("=", 1) for value in self.values("ENV") for word in shlex.split(value))


def read_stages() -> list[Stage]:
    """Give the stages in order, with the defaults of ARG put in."""
    stages: list[Stage] = []
    arguments: dict[str, str] = {}
    for keyword, value in _instructions():
        assert keyword in KNOWN, keyword
        if keyword == "FROM":
            image, _, name = value.partition(" AS ")
            stages.append(Stage(string.Template(image).substitute(arguments), name or None))
        elif stages:
            stages[-1].instructions.append((keyword, value))
        else:
            arguments |= dict([value.split("=", 1)])
    return stages


def is_sent(path: str) -> bool:
    """Tell whether a build is given a path of the checkout: the last pattern of .dockerignore that fits decides."""
    sent = True
    for line in _patterns():
        if _fits(path, line.removeprefix("!")):
            sent = line.startswith("!")
    return sent


@cache
def _patterns() -> tuple[str, ...]:
    lines = IGNORED.read_text(encoding="utf-8").splitlines()
    return tuple(line for line in lines if line and not line.startswith("#"))


def _fits(path: str, pattern: str) -> bool:
    """A pattern fits a path and everything below it."""
    here = PurePosixPath(path)
    tries = [str(each) for each in (here, *here.parents) if str(each) != "."]
    if pattern.startswith("**/"):
        return pattern.removeprefix("**/") in here.parts
    return any(fnmatch.fnmatchcase(each, pattern) and each.count("/") == pattern.count("/") for each in tries)


def _instructions() -> Iterator[tuple[str, str]]:
    lines = [line for line in CONTAINERFILE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip():
            keyword, _, value = line.partition(" ")
            yield keyword, " ".join(value.split())


def _read_copy(value: str) -> Copy:
    words = value.split()
    stage = words.pop(0).removeprefix("--from=") if words[0].startswith("--from=") else None
    return Copy(words[:-1], words[-1], stage)


def files_sent(directory: str) -> list[Path]:
    """Give the files below a directory of the checkout that a build is given, as paths within the checkout."""
    found = [path.relative_to(ROOT) for path in (ROOT / directory).rglob("*") if path.is_file()]
    return [path for path in found if is_sent(path.as_posix())]
