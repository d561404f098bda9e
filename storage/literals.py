"""Literals: rows written into the text of one INSERT, for MariaDB; ids and keys into the text of any statement.

The drivers would do the same at up to three times the cost: they look up an escape function for each value and scan
each text. Here every text and every id is written as hexadecimal digits, so that nothing a caller sends can be anything
but a value, whatever the session's sql_mode. SQLite binds parameters instead.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Boolean, ColumnElement
from sqlalchemy.ext.compiler import compiles

from storage.identifiers import uuid_to_bytes

_STATEMENT_SIZE = 1_000_000
"""Characters of a statement, about: far below any max_allowed_packet; one row may go beyond it."""


class is_any_id(ColumnElement[bool]):  # noqa: N801 - reads as a function in SQL
    """Whether a column of ids holds one of many; they stand in the text, so that no statement with it is kept.

    A thousand parameters cost the drivers more than the database needs to find a thousand rows.
    """

    type = Boolean()
    inherit_cache = False

    def __init__(self, column: ColumnElement[Any], ids: Sequence[str]) -> None:
        """Ids are texts of UUIDs; anything else is refused by ValueError."""
        self.column = column
        self.listed = ",".join([f"x'{uuid_to_bytes(each).hex()}'" for each in ids])

    def self_group(self, against: Any = None) -> Any:
        """Nothing to add: what SQLAlchemy would (`= 1`) keeps the databases from entering an index by it."""
        return self


@compiles(is_any_id)
def _is_any_id(element: is_any_id, compiler: Any, **options: Any) -> str:
    return f"{compiler.process(element.column, **options)} IN ({element.listed or 'NULL'})"


class is_any_pair(ColumnElement[bool]):  # noqa: N801 - reads as a function in SQL
    """Whether an id and a key of a row are together one of many pairs. It is tested on rows found by something else.

    As a way into an index MariaDB weighs a thousand pairs for seconds; added to nothing, they are none.
    """

    type = Boolean()
    inherit_cache = False

    def __init__(
        self, id_column: ColumnElement[Any], key_column: ColumnElement[Any], pairs: Sequence[tuple[str, int]]
    ) -> None:
        """Pairs, of which there is at least one, are the text of a UUID and a number."""
        self.columns = (id_column, key_column)
        self.listed = ",".join([f"(x'{uuid_to_bytes(each).hex()}',{int(key)})" for each, key in pairs])

    def self_group(self, against: Any = None) -> Any:
        """Nothing to add: the brackets are there."""
        return self


@compiles(is_any_pair)
def _is_any_pair(element: is_any_pair, compiler: Any, **options: Any) -> str:
    columns = ", ".join([compiler.process(column, **options) for column in element.columns])
    return f"((({columns}) IN ({element.listed})) + 0)"


@compiles(is_any_pair, "sqlite")
def _is_any_pair_sqlite(element: is_any_pair, compiler: Any, **options: Any) -> str:
    columns = ", ".join([compiler.process(column, **options) for column in element.columns])
    return f"+(({columns}) IN (VALUES {element.listed}))"


def insert_statements(prefix: str, rows: Sequence[Sequence[Any]], suffix: str = "") -> Iterator[str]:
    """Give the INSERTs of many rows; `prefix` is their common beginning, up to and with VALUES, `suffix` their end."""
    pending: list[str] = []
    size = 0
    for row in rows:
        text = f"({','.join([to_literal(value) for value in row])})"
        if pending and size + len(text) > _STATEMENT_SIZE:
            yield prefix + ",".join(pending) + suffix
            pending, size = [], 0
        pending.append(text)
        size += len(text) + 1
    if pending:
        yield prefix + ",".join(pending) + suffix


def to_literal(value: str | bytes | int | float | None) -> str:
    """Write one value as SQL. Raises UnicodeEncodeError for a lone surrogate, TypeError for any other kind of value."""
    kind = type(value)
    if value is None:
        return "NULL"
    if kind is str:
        return f"_utf8mb4 x'{value.encode().hex()}'"  # type: ignore[union-attr]
    if kind is int:
        return str(value)
    if kind is bytes:
        return f"x'{value.hex()}'"  # type: ignore[union-attr]
    if kind is bool:
        return "1" if value else "0"
    if kind is float:
        # The shortest digits that give this double again; the exponent makes MariaDB read a double, not a decimal.
        digits = repr(value)
        return digits if "e" in digits else f"{digits}e0"
    raise TypeError(f"{kind.__name__} has no literal")
