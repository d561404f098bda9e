"""Everything in which MariaDB and SQLite differ, and nothing else.

Statement builders use the constructs of this module; each compiles to the text that its database runs best.
"""

from typing import Any

from sqlalchemy import BINARY, LargeBinary, text
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import String, TypeDecorator

from storage.identifiers import uuid_to_bytes

JSON_IS_VALID = text("extra IS NULL OR json_valid(extra)")
"""The second line of defence behind the gateway's own check of `extra`; the same words on both databases."""


class id_text(FunctionElement[str]):  # noqa: N801 - reads as a function in SQL
    """The lower-case text of 16 bytes."""

    type = String()
    inherit_cache = True


@compiles(id_text, "mysql")
@compiles(id_text, "mariadb")
def _id_text_mariadb(element: id_text, compiler: Any, **options: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **options)} AS UUID)"


@compiles(id_text, "sqlite")
def _id_text_sqlite(element: id_text, compiler: Any, **options: Any) -> str:
    digits = f"lower(hex({compiler.process(element.clauses, **options)}))"
    slices = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
    # A null stays null: joining texts with || gives null, and hex(null) is the empty text.
    column = compiler.process(element.clauses, **options)
    joined = " || '-' || ".join(f"substr({digits}, {start}, {length})" for start, length in slices)
    return f"CASE WHEN {column} IS NULL THEN NULL ELSE {joined} END"


class UuidText(TypeDecorator[str]):
    """A UUID: lower-case text in Python, 16 bytes in the database, so that byte order is text order."""

    impl = LargeBinary(16)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """BINARY(16) on MariaDB, BLOB on SQLite."""
        return dialect.type_descriptor(BINARY(16) if dialect.name in ("mysql", "mariadb") else LargeBinary(16))

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        """Text to bytes."""
        return None if value is None else uuid_to_bytes(value)

    def column_expression(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """Let the database write the text: twenty times cheaper than uuid.UUID in Python."""
        return id_text(column)
