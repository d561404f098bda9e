"""The schema's past: its versions in git, and what CHANGELOG.md says is breaking."""

import re
import subprocess
from pathlib import Path

_VERSIONS = 20
"""How many changes of the schema are looked at, from the newest."""
_COORDINATE = re.compile(r"`(@?\w+(?:\.\w+)*)`")


class UnknownPast(Exception):
    """Git cannot tell what the schema was before: a tarball, or a shallow clone. The text says what git said."""


def read_versions(root: Path, name: str = "schema.graphql") -> list[str]:
    """Give the texts of the schema, oldest first: as the last commits left it, and last as the file is now.

    Raises UnknownPast when that is less than the version before the present one, although there must be one.
    """
    if _git(root, "rev-parse", "--show-cdup").strip():
        raise UnknownPast(f"{root} is not the top of a working tree")
    commits = _git(root, "log", f"--max-count={_VERSIONS}", "--format=%H", "--", name).split()
    if _git(root, "rev-parse", "--is-shallow-repository").strip() == "true" and len(commits) < 2:
        raise UnknownPast("this clone is shallow: git fetch --unshallow")
    versions = [_git(root, "show", f"{commit}:{name}") for commit in reversed(commits)]
    return [*versions, (root / name).read_text(encoding="utf-8")]


def read_announced(changelog: str) -> set[str]:
    """Give the parts of the schema that a CHANGELOG names, in backticks, in its items with the word "breaking"."""
    items = re.split(r"^(?=[-#])", changelog, flags=re.MULTILINE)
    return {name for item in items if "breaking" in item.lower() for name in _COORDINATE.findall(item)}


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", "-C", root, *arguments], capture_output=True, text=True, check=True)
    except FileNotFoundError:
        raise UnknownPast("git is not installed") from None
    except subprocess.CalledProcessError as error:
        raise UnknownPast(error.stderr.strip()) from error
    return done.stdout
