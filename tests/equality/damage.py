"""Rows changed behind the gateway's back: nulls, times, severities and types that its own writes never bring about.

SQLite keeps whatever a column is given once the column has no type and no constraint, so both are taken out of the
schema of a copy. What the executors make of such rows (an error of a field, a null that climbs up to the next nullable
field, a text written from a number) must be the same.
"""

import math
import random
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from storage.identifiers import uuid_to_bytes
from tests.equality.history import event_id

_CHANGED = 48
_PARTS = 20
_VISITED = 100
_BEYOND_9999 = 253_402_300_800_000_000
_TIMES = (None, _BEYOND_9999, -1, -(10**17), 2**62, 1_767_225_600_000_001.5, "2026", b"\x00")
_TEXTS = (42, -1.5, 2.0, math.inf, b"raw", b"\xff", "", 2**62)
_REQUIRED_TEXTS = (None, *_TEXTS)
_WHOLE = (-1, 2**31, -(2**31) - 1, 2**53, 2**62, 1.5, 2.0, "7", "x", "", b"1", math.inf)

DAMAGES: dict[str, tuple[Any, ...]] = {
    "event_type": _REQUIRED_TEXTS,
    "source": _REQUIRED_TEXTS,
    "message": _REQUIRED_TEXTS,
    "severity": (None, 99, -1, 6, "ERROR", "3", 3.0, 1.5, b"\x03"),
    # Never null nor a text: a page that has such a row cannot be put in order, and shows nothing else.
    "occurred_at": (_BEYOND_9999, -1, -(10**17), 2**62),
    "received_at": _TIMES,
    "last_occurred_at": _TIMES[1:],
    "duration_ms": (math.inf, -math.inf, -1, "nan", "1.5", "x", "", b"1", 2**60),
    "success": (2, -1, "x", "1", 0.0, 1.0, b"\x01"),
    "restored": (None, 2, "x", "1", 1.0),
    "record_count": _WHOLE,
    "repeat_count": (None, *_WHOLE),
    "extra": (5, 1.5, b'{"a":1}', "", "no json"),
    "parent_id": (b"", b"\x01", b"\xff" * 20, "text", 7),
    "registration_id": (b"", b"\x01", b"\xff" * 20, "text", 7),
    **dict.fromkeys(
        (
            *("category", "severity_text", "actor", "actor_claim", "session_id", "request_id"),
            *("correlation_id", "trace_id", "span_id", "parent_span_id"),
        ),
        _TEXTS,
    ),
}
"""What each column of an event may become."""

Damage = tuple[str, Any]
"""A column and the value that it gets in some rows."""

OTHERS: Damage = ("", None)
"""Not of a column of events: some rows of other tables."""

_UNTYPED = ("events", "event_objects", "objects", "audiences")
_COLUMN = re.compile(r"^\t(\w+) (?:\w+(?:\(\d+\))?)(?: DEFAULT '(\d+)')?(?: NOT NULL)?", re.MULTILINE)
_CHECK = re.compile(r",\s*CONSTRAINT \w+ CHECK \(.*\)(?=\n\))")


def draw_damages(seed: int) -> list[Damage]:
    """Give some damages: seeds that follow each other bring up all of them.

    Few at a time, because whatever is irregular in an answer takes all of it from the compiled road.
    """
    damages = [(column, value) for column, values in DAMAGES.items() for value in values]
    random.Random(1).shuffle(damages)
    return [*damages[seed % _PARTS :: _PARTS], *([OTHERS] if seed % 2 else [])]


def damage(path: Path, damages: Sequence[Damage]) -> None:
    """Change rows of a store that nobody has open; the same rows each time."""
    with closing(sqlite3.connect(path)) as connection, connection:
        _loosen(connection)
    # The schema is read anew by the next connection.
    with closing(sqlite3.connect(path)) as connection, connection:
        chance = random.Random(1)
        changes = list(_event_damages(connection, chance, [each for each in damages if each is not OTHERS]))
        if OTHERS in damages:
            changes += _other_damages(connection, chance)
        for statement, values in changes:
            connection.execute(statement, values)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _loosen(connection: sqlite3.Connection) -> None:
    """Take types, NOT NULL and checks out of the columns; keys keep their types, so that reads still find rows."""
    connection.execute("PRAGMA writable_schema = ON")
    for table in _UNTYPED:
        ((sql,),) = connection.execute("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", (table,))
        loosened = _COLUMN.sub(_without_type, _CHECK.sub("", sql))
        assert loosened != sql
        connection.execute("UPDATE sqlite_master SET sql = ? WHERE type = 'table' AND name = ?", (loosened, table))


def _without_type(match: re.Match[str]) -> str:
    name = match[1]
    # Whole numbers in a column of floats lie there as integers: without its type they would come back as such.
    keeps_type = name.endswith("_key") or name in ("id", "event_id", "duration_ms", "CONSTRAINT", "PRIMARY")
    default = f" DEFAULT {match[2]}" if match[2] else ""
    return match[0] if keeps_type else f"\t{name}{default}"


def _event_damages(
    connection: sqlite3.Connection, chance: random.Random, damages: Sequence[Damage]
) -> Iterator[tuple[str, tuple[Any, ...]]]:
    rows = connection.execute("SELECT id, namespace_key FROM events ORDER BY id, namespace_key").fetchall()
    count = _CHANGED // max(len(damages), 1)
    for column, value in damages:
        # Half of them among the events that documents ask for by their ids.
        for row in (*chance.sample(rows[:_VISITED], count), *chance.sample(rows, count)):
            yield f"UPDATE events SET {column} = ? WHERE id = ? AND namespace_key = ?", (value, *row)


def _other_damages(connection: sqlite3.Connection, chance: random.Random) -> Iterator[tuple[str, tuple[Any, ...]]]:
    # Beyond what JSON numbers are written from: the whole answer fails. One row, for nothing else is seen beside it.
    yield "UPDATE events SET record_count = 1e30 WHERE id = ?", (uuid_to_bytes(event_id(20)),)
    for role in _TEXTS[:5]:
        ((identifier, object_key),) = connection.execute(
            "SELECT event_id, object_key FROM event_objects ORDER BY event_id LIMIT 1 OFFSET ?", (chance.randrange(60),)
        )
        yield "UPDATE event_objects SET role = ? WHERE event_id = ? AND object_key = ?", (role, identifier, object_key)
    parts: tuple[tuple[str, Any], ...] = (
        ("object_id", 42),
        ("object_id", None),
        ("object_type", None),
        ("object_type", b"raw"),
    )
    for column, value in parts:
        yield (
            f"UPDATE objects SET {column} = ? WHERE object_key = (SELECT object_key FROM objects WHERE object_type = "
            "'part' ORDER BY object_key LIMIT 1 OFFSET ?)",
            (value, chance.randrange(50)),
        )
    for column, value in (("owner", 42), ("owner", b"raw"), ("readers", '["a", null, 5]'), ("readers", "[]")):
        yield (
            f"UPDATE audiences SET {column} = ? WHERE audience_key = (SELECT audience_key FROM audiences ORDER BY "
            "audience_key LIMIT 1 OFFSET ?)",
            (value, 3 + chance.randrange(20)),
        )
