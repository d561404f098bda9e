"""Every requirement that is built is named by at least one test: its id stands in a test's name or docstring."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
BUILT = (
    *("EV1", "EV2", "EV3", "EV4", "EV5", "EV6", "EV7", "EV8", "EV9", "EV10", "EV11"),
    *("NU1", "NU2", "NU3", "NU5", "NU6", "NU7", "NU8", "SY1", "SY2", "SY5", "SY6", "HZ1", "HZ2", "HZ3", "HZ4", "HZ6"),
    *("OP1", "OP2", "OP3", "OP4", "OP5", "OP6", "RT1"),
    *("GQ1", "GQ2", "GQ3", "GQ4", "GQ5", "GQ6", "GQ7", "GQ8", "L1", "L2", "L3", "L4", "L8"),
)


@cache
def _named_requirements() -> frozenset[str]:
    return frozenset(_find_names())


def _find_names() -> Iterator[str]:
    for path in TESTS.rglob("test_*.py"):
        if path == Path(__file__):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                text = f"{getattr(node, 'name', '')} {ast.get_docstring(node) or ''}"
                yield from re.findall(r"(?<![A-Za-z0-9])[A-Z]{1,2}\d+(?![0-9])", text.replace("_", " "))
    for path in TESTS.rglob("golden/*.json"):
        yield from re.findall(r"\b[A-Z]{1,2}\d+\b", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("requirement", BUILT)
def test_requirement_is_named_by_a_test(requirement: str) -> None:
    assert requirement in _named_requirements()
