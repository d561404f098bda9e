"""Compiling: what SQLAlchemy has compiled for one database of a test process serves all others like it.

Each of a thousand tests opens a database of its own, and compiled its statements anew: a fifth of all that tests did.
"""

from typing import Any

from sqlalchemy.engine import Engine
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache

_MOST_STATEMENTS = 2_000


class _SharedCache:
    """Takes the place of the cache that each engine has; an engine that was told to have none has none."""

    def __init__(self) -> None:
        self._shared: LRUCache[Any, Any] = LRUCache(_MOST_STATEMENTS)

    def __get__(self, engine: Engine, _class: type[Engine]) -> LRUCache[Any, Any] | None:
        return self._shared if engine.__dict__["compiles_once"] else None

    def __set__(self, engine: Engine, own: LRUCache[Any, Any] | None) -> None:
        engine.__dict__["compiles_once"] = own is not None


def _is_alike(dialect: DefaultDialect, other: object) -> bool:
    return type(dialect) is type(other) and _traits(dialect) == _traits(other)


def _traits(dialect: Any) -> tuple[Any, ...]:
    """Give what decides about the text of a statement, beside the dialect's class: the server and its quoting."""
    names = ("paramstyle", "server_version_info", "_server_ansiquotes", "_backslash_escapes")
    return tuple(getattr(dialect, name, None) for name in names)


def share_compiled_statements() -> None:
    """Let all engines of this process share what they compile. SQLAlchemy looks that up by dialect and statement."""
    Engine._compiled_cache = _SharedCache()  # type: ignore[assignment]
    DefaultDialect.__eq__ = _is_alike  # type: ignore[method-assign, assignment]
    DefaultDialect.__hash__ = lambda dialect: hash(type(dialect))  # type: ignore[method-assign, assignment]
