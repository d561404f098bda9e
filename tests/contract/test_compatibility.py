"""No change of schema.graphql breaks clients without CHANGELOG.md saying so (GQ6).

An item of the CHANGELOG with the word "breaking" excuses the parts of the schema that it names, each in backticks, such
as "Breaking: `Event.owner` is gone". Looked at are the last changes in git, one by one, and the file as it is now.
"""

import subprocess
from pathlib import Path

import pytest

from tests.contract.tools import ROOT, run_tool
from tests.contract.versions import UnknownPast, read_announced, read_versions

BEFORE = "type Query {\n  old: Int\n  kept(first: Int): Int\n}\n"
WITHOUT_FIELD = "type Query {\n  kept(first: Int): Int\n}\n"
WITHOUT_BOTH = "type Query {\n  kept: Int\n}\n"


def find_breaking(versions: list[str], directory: Path) -> dict[str, str]:
    """Give what graphql-inspector calls breaking, from each version to the next: coordinates and texts."""
    paths = [directory / f"{number}.graphql" for number in range(len(versions))]
    for path, version in zip(paths, versions, strict=True):
        path.write_text(version, encoding="utf-8")
    steps = run_tool("breaking.js", *paths)
    assert len(steps) == len(versions) - 1
    return {change["at"]: change["message"] for step in steps for change in step}


def unannounced(root: Path, directory: Path) -> dict[str, str]:
    """Give the breaking changes of a working tree that its CHANGELOG does not name."""
    announced = read_announced((root / "CHANGELOG.md").read_text(encoding="utf-8"))
    found = find_breaking(read_versions(root), directory)
    return {at: message for at, message in found.items() if at not in announced}


def test_the_schema_breaks_no_client_unless_the_changelog_says_so(tmp_path: Path) -> None:
    """GQ6: without git's history nothing can be said, and that is what is reported then."""
    try:
        found = unannounced(ROOT, tmp_path)
    except UnknownPast as reason:
        pytest.skip(f"NOT CHECKED: the schema's past is unknown here ({reason})")
    assert found == {}


class Repository:
    """A working tree with a schema and a CHANGELOG."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str) -> None:
        identity = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(["git", "-C", self.path, *identity, *arguments], check=True, capture_output=True)

    def write(self, schema: str, changelog: str = "# Changes\n") -> None:
        (self.path / "schema.graphql").write_text(schema, encoding="utf-8")
        (self.path / "CHANGELOG.md").write_text(changelog, encoding="utf-8")

    def commit(self, schema: str, changelog: str = "# Changes\n") -> None:
        self.write(schema, changelog)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "a change")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    path = tmp_path / "repository"
    path.mkdir()
    return Repository(path)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    path = tmp_path / "versions"
    path.mkdir()
    return path


def test_a_breaking_change_is_found_committed_or_not(repository: Repository, directory: Path) -> None:
    repository.commit(BEFORE)
    repository.write(WITHOUT_FIELD)
    assert unannounced(repository.path, directory) == {"Query.old": "Field 'old' was removed from object type 'Query'"}
    repository.commit(WITHOUT_FIELD)
    repository.commit(WITHOUT_FIELD, "# Changes\n\n- Something else.\n")
    assert set(unannounced(repository.path, directory)) == {"Query.old"}
    repository.commit(WITHOUT_BOTH)
    assert set(unannounced(repository.path, directory)) == {"Query.old", "Query.kept.first"}


def test_an_item_with_the_word_breaking_excuses_what_it_names(repository: Repository, directory: Path) -> None:
    repository.commit(BEFORE)
    repository.commit(WITHOUT_BOTH, "# Changes\n\n- Breaking: `Query.old`\n  is gone.\n- `Query.kept.first` too.\n")
    assert set(unannounced(repository.path, directory)) == {"Query.kept.first"}


def test_what_is_added_breaks_nothing(repository: Repository, directory: Path) -> None:
    repository.commit(WITHOUT_FIELD)
    repository.commit(BEFORE)
    assert unannounced(repository.path, directory) == {}


def test_without_history_the_past_is_unknown(repository: Repository, tmp_path: Path) -> None:
    """A tarball, a tarball inside somebody else's repository, and a clone of the last commit alone."""
    repository.commit(BEFORE)
    repository.commit(WITHOUT_FIELD)
    (repository.path / "unpacked").mkdir()
    shallow = tmp_path / "shallow"
    repository.git("clone", "--quiet", "--depth=1", f"file://{repository.path}", str(shallow))
    for path in (tmp_path, repository.path / "unpacked", shallow):
        with pytest.raises(UnknownPast):
            read_versions(path)
