"""Report: the table for people and the raw figures for programs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson

from bench.errors import VoidRunError
from bench.rows import SAME_AT_LEAST, SAME_AT_MOST, Finding, Row
from bench.stores import Facts

RESULTS = Path(__file__).with_name("results")
_HEADER = ("driver", "work", "measured", "against", "ratio (p10 to p90)", "CPU per request", "target", "")


@dataclass(frozen=True)
class Report:
    """What one run measured. `void`: on a machine that was too busy to tell."""

    machine: str
    facts: dict[str, Facts]
    rounds: int
    findings: list[Finding]
    void: bool

    def to_markdown(self) -> str:
        """Give the table."""
        rows = [_cells(finding, row) for finding in self.findings for row in finding.rows]
        lines = [_HEADER, tuple("---" for _ in _HEADER), *rows]
        table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
        verdict = "VOID: the machine was too busy, these figures say little.\n\n" if self.void else ""
        return f"{verdict}{self._describe()}\n\n{table}"

    def write(self, directory: Path = RESULTS, now: datetime | None = None) -> Path:
        """Write the raw figures beside the bench and give the file."""
        directory.mkdir(exist_ok=True)
        path = directory / f"{(now or datetime.now(UTC)):%Y-%m-%dT%H-%M-%SZ}.json"
        content = {
            "machine": self.machine,
            "facts": {name: each.to_dict() for name, each in self.facts.items()},
            "rounds": self.rounds,
            "void": self.void,
            "findings": [finding.to_dict() for finding in self.findings],
        }
        path.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))
        return path

    def _describe(self) -> str:
        stores = [
            f"- {each.database}: {each.events:,} events, {each.references:,} references, {each.bytes_per_event:,} "
            f"bytes per event with all indexes, buffer pool {each.buffer_pool}, fsync {each.fsync_milliseconds:.2f} ms"
            for each in self.facts.values()
        ]
        return "\n".join([f"- {self.machine}; {self.rounds} rounds", *stores])


def require_same(check: Finding, *, allow_noise: bool) -> None:
    """Refuse a run on a machine that cannot tell. Raises VoidRunError."""
    [row] = check.rows
    if not row.target.met and row.ratio is not None and not allow_noise:
        raise VoidRunError(
            f"the floor against itself is {row.ratio.median:.3f}, outside {SAME_AT_LEAST} to {SAME_AT_MOST}: the "
            "machine is too busy, nothing was measured. Run it when less goes on, or look at it all the same with "
            "--allow-noise"
        )


def _cells(finding: Finding, row: Row) -> Sequence[str]:
    target = row.target
    verdict = "" if target.met is None else "met" if target.met else "**not met**"
    return (
        *(finding.driver, finding.work, row.first, row.second, row.shown_ratio),
        *(row.cpu, target.text, verdict),
    )
