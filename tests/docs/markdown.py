"""What the tests read out of Markdown: blocks of code with what is expected of them, links, headings."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    {path for pattern in ("*.md", "[a-z]*/README.md", "docs/**/*.md", "deploy/*/*.md") for path in ROOT.glob(pattern)}
)

_RUN = re.compile(r"<!-- run: (.*?) -->")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_CODE_SPAN = re.compile(r"`[^`\n]*`")


@dataclass(frozen=True)
class Block:
    """One fenced block: where it stands, its language, its text, what a `run:` comment before it expects."""

    path: Path
    line: int
    language: str
    text: str
    expected: str | None
    variables: str | None = None

    @property
    def name(self) -> str:
        """A readable id for a test."""
        return f"{self.path.relative_to(ROOT)}:{self.line}"


def read_blocks(path: Path) -> list[Block]:
    """Give the fenced blocks of a file; `json variables` behind a block are that block's variables."""
    blocks: list[Block] = []
    for line, language, text, expected in _fences(path.read_text(encoding="utf-8").splitlines()):
        if language == "json variables":
            last = blocks.pop()
            blocks.append(Block(last.path, last.line, last.language, last.text, last.expected, text))
        else:
            blocks.append(Block(path, line, language, text, expected))
    return blocks


def read_links(path: Path) -> list[str]:
    """Give the targets of a file's links, code left out."""
    return _LINK.findall(_CODE_SPAN.sub("", _prose(path)))


def read_anchors(path: Path) -> set[str]:
    """Give the anchors of a file's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ +(.+?) *$", _prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def _prose(path: Path) -> str:
    return re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def _fences(lines: list[str]) -> Iterator[tuple[int, str, str, str | None]]:
    expected: str | None = None
    language: str | None = None
    start, body = 0, list[str]()
    for number, line in enumerate(lines, start=1):
        if language is not None:
            if line == "```":
                yield start, language, "\n".join(body), expected
                language, expected = None, None
            else:
                body.append(line)
        elif line.startswith("```"):
            language, start, body = line.removeprefix("```").strip(), number, []
        elif match := _RUN.fullmatch(line):
            expected = match[1]
        elif line:
            expected = None
