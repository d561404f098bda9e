"""Prepared statements: built by SQLAlchemy, compiled once for each shape, then sent with other values again and again.

Building and compiling the statement of a page takes longer than the database needs to answer it. A shape is what
decides the text of a statement; its values stand in it as named parameters.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import Any

from sqlalchemy import bindparam
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.elements import BindParameter, ClauseElement

from storage.dialects import UuidText
from storage.identifiers import uuid_to_bytes

_MOST_SHAPES = 1_000
# A statement holds four bytes for each character of its text, and those of hundreds of branches are long.
_MOST_CHARACTERS = 5_000_000


class PreparedStatement:
    """The text of a statement for the driver, and how values by name become its parameters."""

    __slots__ = ("_constants", "_names", "_processors", "sql")

    def __init__(self, statement: ClauseElement, dialect: Dialect) -> None:
        """Compile a statement whose values are `parameter`s, or the same in every use."""
        compiled: Any = statement.compile(dialect=dialect)
        self.sql = str(compiled)
        self._names: tuple[str, ...] = tuple(compiled.positiontup)
        self._constants = {name: value for name, value in compiled.params.items() if value is not None}
        made = ((name, _processor(compiled.binds[name].type, dialect)) for name in set(self._names))
        self._processors: dict[str, Callable[[Any], Any]] = {name: process for name, process in made if process}
        for name, value in self._constants.items():
            if name in self._processors:
                self._constants[name] = self._processors[name](value)

    def parameters(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """Give the driver's parameters. Raises KeyError for a value that is missing."""
        given = {**self._constants, **values}
        for name, process in self._processors.items():
            if name in values:
                given[name] = process(values[name])
        return tuple([given[name] for name in self._names])


class PreparedStatements:
    """The statements of one database by shape, about 20 MB at most; the least recently used one goes first."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._kept: OrderedDict[Hashable, PreparedStatement] = OrderedDict()
        self._characters = 0

    def get(self, shape: Hashable, build: Callable[[], ClauseElement]) -> PreparedStatement:
        """Give the statement of a shape, which `build` makes the first time."""
        found = self._kept.get(shape)
        if found is None:
            found = self._kept[shape] = PreparedStatement(build(), self._dialect)
            self._characters += len(found.sql)
            while len(self._kept) > _MOST_SHAPES or self._characters > _MOST_CHARACTERS:
                _, oldest = self._kept.popitem(last=False)
                self._characters -= len(oldest.sql)
        else:
            self._kept.move_to_end(shape)
        return found


def _processor(type_: Any, dialect: Dialect) -> Callable[[Any], Any] | None:
    """Give what turns a value into the driver's; SQLAlchemy's own way to it is three calls long."""
    if isinstance(type_, UuidText):
        return uuid_to_bytes
    found: Callable[[Any], Any] | None = type_.dialect_impl(dialect).bind_processor(dialect)
    return found


def parameter(name: str, kind: Any = None) -> BindParameter[Any]:
    """Give the place of a value in a statement to be prepared; without `kind` it is of the type it is compared to."""
    return bindparam(name, type_=kind)
