"""The documents name only what is there: files, headings, commands, flags, settings, error codes."""

import re
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
import typer.main

from gateway.cli import app
from gateway.errors import ErrorCode
from gateway.settings import Settings, environment_name
from mutations.outcomes import IngestCode, IngestOutcome
from tests.docs.markdown import DOCUMENTS, ROOT, read_anchors, read_blocks, read_links

SHELL = ("sh", "console", "bash")
_SHELL_COMMAND = re.compile(r"(?:^|\s|/)timeloom ([a-z]+)((?: +--?[^\s|]+(?: +[^-\s|][^\s|]*)?)*)")


def _shell_text(path: Path) -> str:
    indented = re.findall(r"^    (\S.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    fenced = [block.text for block in read_blocks(path) if block.language in SHELL]
    return "\n".join((*indented, *fenced))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    missing = []
    for link in read_links(path):
        target, _, anchor = link.partition("#")
        if target.startswith(("http://", "https://")):
            continue
        file = path.parent / target if target else path
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in read_anchors(file)):
            missing.append(link)
    assert missing == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_make_targets_exist(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    text = path.read_text(encoding="utf-8")
    named = re.findall(r"`make ([a-z-]+)", text) + re.findall(
        r"^ *(?:\$ )?make ([a-z-]+)", _shell_text(path), re.MULTILINE
    )
    assert set(named) - targets == set()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_and_flags_exist(path: Path) -> None:
    commands: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    unknown = []
    text = _shell_text(path) + "\n" + "\n".join(re.findall(r"`(timeloom [^`\n]+)`", path.read_text(encoding="utf-8")))
    for name, rest in _SHELL_COMMAND.findall(text.replace("\\\n", " ")):
        command: click.Command | None = commands.get(name)
        known = {flag for parameter in command.params for flag in parameter.opts} if command else set()
        unknown += [name] if command is None else []
        unknown += [f"{name} {flag}" for flag in re.findall(r"(?<=\s)--[a-z-]+", rest) if flag not in known]
    assert unknown == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_settings_exist(path: Path) -> None:
    known = {environment_name(name) for name in Settings.model_fields} | {"TIMELOOM_CONFIG"}
    named = re.findall(r"\bTIMELOOM_[A-Z_]+[A-Z]\b", path.read_text(encoding="utf-8"))
    assert set(named) - known == set()


def test_ingest_document_lists_every_outcome_and_code() -> None:
    """EV2: what can become of an event stands in docs/ingest.md."""
    text = (ROOT / "docs/ingest.md").read_text(encoding="utf-8")
    names = [*IngestOutcome.__members__, *IngestCode.__members__]
    assert [name for name in names if not re.search(rf"\b{name}\b", text)] == []


def test_cookbook_lists_every_error_code() -> None:
    text = (ROOT / "docs/cookbook.md").read_text(encoding="utf-8")
    assert [name for name in ErrorCode.__members__ if name not in text] == []


def test_every_document_can_be_found_from_the_readme() -> None:
    seen, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        path = waiting.pop().resolve()
        if path in seen or path.suffix != ".md" or not path.exists():
            continue
        seen.add(path)
        waiting += [path.parent / link.partition("#")[0] for link in read_links(path) if not link.startswith("http")]
    assert [str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md") if path not in seen] == []


def test_no_document_names_a_place_on_one_machine() -> None:
    tracked = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    files = [ROOT / name for name in tracked.splitlines()] or list(DOCUMENTS)
    private = re.compile(r"(?<![\w.])/(?:work|root|tmp|home)/")
    assert [str(path) for path in files if path.exists() and private.search(path.read_text(encoding="utf-8"))] == []
