"""Report: the table for people and the raw figures for programs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson

from bench.rows import Row
from bench.stores import Facts

RESULTS = Path(__file__).with_name("results")
_HEADER = ("driver", "work", "measured", "against", "ratio (p10 to p90)", "CPU per request", "target", "")


@dataclass(frozen=True)
class Report:
    """What one run measured. `void`: on a machine that was too busy to tell."""

    machine: str
    facts: dict[str, Facts]
    rounds: int
    rows: list[Row]
    void: bool

    def to_markdown(self) -> str:
        """Give the table."""
        lines = [_HEADER, tuple("---" for _ in _HEADER), *(_cells(row) for row in self.rows)]
        table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
        verdict = "VOID: the machine was too busy, these figures say little.\n\n" if self.void else ""
        return f"{verdict}{self._describe()}\n\n{table}"

    def write(self, now: datetime | None = None) -> Path:
        """Write the raw figures beside the bench and give the file."""
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{(now or datetime.now(UTC)):%Y-%m-%dT%H-%M-%SZ}.json"
        content = {
            "machine": self.machine,
            "facts": {name: each.to_dict() for name, each in self.facts.items()},
            "rounds": self.rounds,
            "void": self.void,
            "rows": [row.to_dict() for row in self.rows],
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


def _cells(row: Row) -> Sequence[str]:
    verdict = "" if row.met is None else "met" if row.met else "**not met**"
    return row.driver, row.work, row.first, row.second, row.shown_ratio, row.cpu, row.target, verdict
