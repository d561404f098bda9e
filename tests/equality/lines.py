"""Which lines of some modules were run: enough of a coverage tool for a handful of files, and nothing to install."""

import dis
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

Line = tuple[str, int]
"""A file and a number in it."""

# What the interpreter does before a function's first line.
_PREPARATION = frozenset({"RESUME", "MAKE_CELL", "COPY_FREE_VARS", "RETURN_GENERATOR", "POP_TOP"})
_EMPTY_BODY = frozenset({*_PREPARATION, "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST"})
_FUNCTION = 0x01  # CO_OPTIMIZED: neither a module nor the body of a class, which run at import


class Lines:
    """The lines that functions of some files have, and those of them that were run."""

    def __init__(self, files: Iterable[Path]) -> None:
        self._names = {str(file): file.name for file in files}
        self.run: set[Line] = set()
        self.all = {line for file in self._names for line in self._lines_of(Path(file))}

    @property
    def missed(self) -> list[Line]:
        """The lines that were not run."""
        return sorted(self.all - self.run)

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Note the lines that this thread runs."""
        before = sys.gettrace()
        sys.settrace(self._enter)
        try:
            yield
        finally:
            sys.settrace(before)

    def _enter(self, frame: FrameType, _event: str, _argument: Any) -> Any:
        return self._note if frame.f_code.co_filename in self._names else None

    def _note(self, frame: FrameType, event: str, _argument: Any) -> Any:
        if event == "line":
            self.run.add((frame.f_code.co_filename, frame.f_lineno))
        return self._note

    def _lines_of(self, file: Path) -> Iterator[Line]:
        pending = [compile(file.read_text(encoding="utf-8"), str(file), "exec")]
        while pending:
            code = pending.pop()
            pending += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
            if code.co_flags & _FUNCTION:
                yield from ((str(file), number) for number in _numbers_of(code))


def _numbers_of(code: CodeType) -> set[int]:
    """Give the lines of a function's body; a body that says nothing, as in a protocol, has none."""
    instructions = list(dis.get_instructions(code))
    if {each.opname for each in instructions} <= _EMPTY_BODY:
        return set()
    return {
        each.positions.lineno
        for each in instructions
        if each.positions is not None and each.positions.lineno is not None and each.opname not in _PREPARATION
    }
