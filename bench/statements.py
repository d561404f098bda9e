"""Statements: the gateway's SQL for the pages that are timed, as floors and peers are given it.

They are recorded anew by each run (recording.py) and handed over in a file, so that whoever is compared with the
gateway sends what the gateway sends.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import msgspec

from bench.errors import BenchError


class Statement(msgspec.Struct):
    """One statement: its text, in the driver's own style of parameters, and the names of the columns it gives."""

    sql: str
    columns: list[str]

    def positions(self, names: Sequence[str]) -> list[int]:
        """Say where in a row these columns are. Raises BenchError for one that is not there."""
        if missing := [name for name in names if name not in self.columns]:
            raise BenchError(
                f"the gateway's statement gives no {', '.join(missing)}: bring the bench up to date\n{self.sql}"
            )
        return [self.columns.index(name) for name in names]

    def page_parameters(self, place: tuple[int, int], limit: int) -> tuple[int, ...]:
        """Give the parameters of a page: object key and audience key, once more where the statement confirms them."""
        # On SQLite a LIMIT is written with its OFFSET.
        after_limit = (0,) if "OFFSET" in self.sql else ()
        places = self.sql.count("?") or self.sql.count("%s")
        return (*place * ((places - 1 - len(after_limit)) // 2), limit, *after_limit)


class Statements(msgspec.Struct):
    """What the gateway sends for one page each of TIMELINE and CONNECTION.

    `places` (type, id, namespace) gives the object key and audience key under which an object's references lie;
    `places_are_remembered`: the gateway asks for them once. `timeline` and `connection` (object key, audience key,
    limit) give the events of a page; `links` (ids) their references.
    """

    places: Statement
    places_are_remembered: bool
    timeline: Statement
    connection: Statement
    links: Statement

    def write(self, path: Path) -> Path:
        """Write them where a server reads them."""
        path.write_bytes(msgspec.json.encode(self))
        return path

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what was written."""
        return msgspec.json.decode(path.read_bytes(), type=cls)
