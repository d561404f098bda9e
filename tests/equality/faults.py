"""Faults to be found: deliberate mistakes in the compiled executor, each a small one that somebody could make.

None of them touches stock execution, which runs in the same process: what both share is changed only while the compiler
calls it.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any
from unittest.mock import patch

import pytest
from graphql.execution import collect_fields as collecting

from gateway.completion import compiler, leaves, selections
from gateway.completion.arguments import Arguments, Variables
from gateway.completion.compiler import _Compilation
from gateway.completion.operations import CompiledOperation
from gateway.completion.selections import LeafCompletion, ListCompletion, Selection
from gateway.completion.stock import Stock
from storage.positions import fetch_live_position
from tests.equality.damage import Damage

Fault = Callable[[pytest.MonkeyPatch], None]

FAULTS: dict[str, Fault] = {}
"""Found in ordinary answers, by their names."""
FAULTS_OF_DAMAGED_ROWS: dict[str, tuple[Fault, Sequence[Damage]]] = {}
"""Found only where rows have values that they should not have, and what these are."""


def fault(name: str, *, damaged: Sequence[Damage] | None = None) -> Callable[[Fault], Fault]:
    """Register a fault; `damaged`: the damages that show it."""

    def register(function: Fault) -> Fault:
        if damaged is None:
            FAULTS[name] = function
        else:
            FAULTS_OF_DAMAGED_ROWS[name] = (function, damaged)
        return function

    return register


def _replace(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    """Put what `make` gives for the original in its place."""
    monkeypatch.setattr(owner, name, make(getattr(owner, name)))


@fault("an alias is taken for the field's name")
def ignore_aliases(monkeypatch: pytest.MonkeyPatch) -> None:
    def make(original: Any) -> Any:
        return lambda self, parent, key, details: original(self, parent, details[0].node.name.value, details)

    _replace(monkeypatch, _Compilation, "_field", make)


@fault("two response keys are swapped")
def swap_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    def make(original: Any) -> Any:
        def swapped(self: Any, fields: Any) -> None:
            original(self, fields)
            self._keys = (*self._keys[1::-1], *self._keys[2:])

        return swapped

    _replace(monkeypatch, Selection, "__init__", make)


@fault("a null is lost")
def lose_nulls(monkeypatch: pytest.MonkeyPatch) -> None:
    def make(original: Any) -> Any:
        return lambda self, values, run: ["" if each is None else each for each in original(self, values, run)]

    _replace(monkeypatch, LeafCompletion, "complete", make)


@fault("an object that is null becomes an empty one")
def lose_null_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    def put_back(completed: Any, values: Any, _present: Any) -> Any:
        rest = iter(completed)
        return [{} if value is None else next(rest) for value in values]

    monkeypatch.setattr(selections, "_put_back", put_back)


@fault("the second of two merged fields is dropped")
def drop_merged_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    def make(original: Any) -> Any:
        return lambda self, type_, details: original(self, type_, details[:1])

    _replace(monkeypatch, _Compilation, "_selection", make)


@fault("a plan is used again for other values of the directives")
def reuse_plans(monkeypatch: pytest.MonkeyPatch) -> None:
    def make(original: Any) -> Any:
        return lambda self, variables: next(iter(self._plans.values())) if self._plans else original(self, variables)

    _replace(monkeypatch, CompiledOperation, "_plan", make)


@fault("arguments of an earlier request are used again")
def reuse_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    def make(original: Any) -> Any:
        kept: dict[int, tuple[Arguments, Mapping[str, Any]]] = {}

        def values(self: Arguments, variables: Variables) -> Mapping[str, Any]:
            return kept.setdefault(id(self), (self, original(self, variables)))[1]

        return values

    _replace(monkeypatch, Arguments, "values", make)


@contextmanager
def _collecting(name: str, replacement: Any) -> Iterator[None]:
    with patch.object(collecting, name, replacement):
        yield


def _replace_while_compiling(monkeypatch: pytest.MonkeyPatch, name: str, make: Callable[[Any], Any]) -> None:
    replacement = make(getattr(collecting, name))

    def within(original: Any) -> Any:
        def collect(*arguments: Any) -> Any:
            with _collecting(name, replacement):
                return original(*arguments)

        return collect

    for function in ("collect_fields", "collect_subfields"):
        _replace(monkeypatch, compiler, function, within)


@fault("fragments on Node are ignored")
def ignore_fragments_on_node(monkeypatch: pytest.MonkeyPatch) -> None:
    def make(original: Any) -> Any:
        def matches(schema: Any, fragment: Any, type_: Any) -> bool:
            condition = fragment.type_condition
            return not (condition and condition.name.value == "Node") and original(schema, fragment, type_)

        return matches

    _replace_while_compiling(monkeypatch, "does_fragment_condition_match", make)


@fault("@skip is taken for @include")
def confuse_directives(monkeypatch: pytest.MonkeyPatch) -> None:
    def make(original: Any) -> Any:
        def should_include(context: Any, node: Any, *rest: Any) -> bool:
            included: bool = original(context, node, *rest)
            return included is not any(directive.name.value == "skip" for directive in node.directives or ())

        return should_include

    _replace_while_compiling(monkeypatch, "should_include_node", make)


@fault("defaults of variables are ignored")
def ignore_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    def make(original: Any) -> Any:
        def read(self: Any, given: Mapping[str, Any]) -> Variables | None:
            variables: Variables | None = original(self, given)
            if variables is None:
                return None
            kept = {name: value for name, value in variables.coerced.items() if name in given}
            return Variables(kept, None)

        return read

    _replace(monkeypatch, CompiledOperation, "_read", make)


@fault("lists come in reverse")
def reverse_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    def regroup(completed: Any, values: Any) -> Any:
        items = iter(completed)
        return [None if value is None else list(islice(items, len(value)))[::-1] for value in values]

    monkeypatch.setattr(ListCompletion, "_regroup", staticmethod(regroup))


@fault("items of neighbouring lists are mixed up")
def shift_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    def regroup(completed: Any, values: Any) -> Any:
        sizes = [0 if value is None else len(value) for value in values]
        items = iter(completed)
        return [None if value is None else list(islice(items, size)) for value, size in zip(values, sizes[::-1])]  # noqa: B905

    monkeypatch.setattr(ListCompletion, "_regroup", staticmethod(regroup))


@fault("times are cut to milliseconds")
def cut_times(monkeypatch: pytest.MonkeyPatch) -> None:
    kind, convert = leaves._LEAVES["DateTime"]
    assert convert is not None
    cut = lambda column: convert([micros // 1000 * 1000 for micros in column])  # noqa: E731
    monkeypatch.setitem(leaves._LEAVES, "DateTime", (kind, cut))


@fault("times without a fraction have none")
def leave_fractions_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaves, "MICROSECONDS_PER_SECOND", 10**18)


def _errors_of_stock() -> Callable[[Stock], Any]:
    errors: Any = vars(Stock)["errors"]
    getter: Callable[[Stock], Any] = errors.fget
    return getter


@fault("an error's path misses its index")
def drop_indices_of_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    original = _errors_of_stock()

    def errors(self: Stock) -> Any:
        found = original(self)
        for error in found or ():
            error.path = [step for step in error.path or () if isinstance(step, str)]
        return found

    monkeypatch.setattr(Stock, "errors", property(errors))


@fault("an error is lost")
def lose_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    original = _errors_of_stock()
    monkeypatch.setattr(Stock, "errors", property(lambda self: (original(self) or [])[:-1] or None))


@fault("a statement too many is sent")
def send_more(monkeypatch: pytest.MonkeyPatch) -> None:
    def make(original: Any) -> Any:
        async def execute(self: Any, given: Any, context: Any, report: Any) -> Any:
            await fetch_live_position(context.database)
            return await original(self, given, context, report)

        return execute

    _replace(monkeypatch, CompiledOperation, "execute", make)


@fault("null where none may be goes through", damaged=[(name, None) for name in ("source", "message", "event_type")])
def let_nulls_through(monkeypatch: pytest.MonkeyPatch) -> None:
    def make(original: Any) -> Any:
        return lambda type_, *, nullable: original(type_, nullable=True)

    _replace(monkeypatch, compiler, "leaf_of", make)


@fault("whole numbers beyond 32 bits go through", damaged=[("repeat_count", 2**31)])
def let_large_numbers_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(leaves._LEAVES, "Int", (int, None))


@fault("an infinite number goes through", damaged=[("duration_ms", math.inf)])
def let_infinity_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(leaves._LEAVES, "Float", (float, None))


@fault("an unknown severity becomes a known one", damaged=[("severity", 99)])
def guess_severities(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaves._Names, "__missing__", lambda self, value: "INFO")


@fault("what is no text goes through as it is", damaged=[("actor", 42)])
def let_types_through(monkeypatch: pytest.MonkeyPatch) -> None:
    def make(original: Any) -> Any:
        def leaf_of(type_: Any, *, nullable: bool) -> Any:
            return (lambda column: column) if type_.name == "String" else original(type_, nullable=nullable)

        return leaf_of

    _replace(monkeypatch, compiler, "leaf_of", make)
