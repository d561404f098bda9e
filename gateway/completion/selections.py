"""Selections: what a compiled selection does with its sources. Everything works on whole columns.

A `Field` gets its values (`ValueSource`) and has them completed (`Completion`) for all sources at once; a `Selection`
puts the columns of its fields together again, as one JSON object for each source.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from itertools import accumulate, chain
from typing import Any, Protocol

import msgspec
import strawberry

from gateway.completion.arguments import Arguments, Variables
from gateway.completion.leaves import Column, IrregularError, Leaf
from gateway.context import RequestContext
from storage.columns import column_of

_ROWS_WORTH_A_STRUCT = 8


class Run:
    """One execution of a compiled operation."""

    __slots__ = ("context", "variables")

    def __init__(self, context: RequestContext, variables: Variables) -> None:
        self.context = context
        self.variables = variables


class Completion(Protocol):
    """Turns resolved values into JSON-ready ones. Raises IrregularError, and what resolvers raise."""

    is_async: bool

    def complete(self, values: Column, run: Run) -> Column:
        """Complete a column in which nothing has to be waited for."""

    async def complete_later(self, values: Column, run: Run) -> Column:
        """Complete a column some of whose fields have resolvers that wait."""


class ValueSource(Protocol):
    """Gives the value of one field for every source."""

    is_async: bool

    def values(self, sources: Column, run: Run) -> Column:
        """Give the values."""

    async def fetch(self, sources: Column, run: Run) -> Column:
        """Give values that have to be waited for."""


class Constant:
    """The same for all: `__typename`."""

    is_async = False

    def __init__(self, value: Any) -> None:
        self._value = value

    def values(self, sources: Column, _run: Run) -> Column:
        """Give it once for each source."""
        return [self._value] * len(sources)

    async def fetch(self, sources: Column, run: Run) -> Column:
        """Give it once for each source."""
        return self.values(sources, run)


class Attribute:
    """What is read from the source."""

    is_async = False

    def __init__(self, name: str) -> None:
        self._name = name

    def values(self, sources: Column, _run: Run) -> Column:
        """Give the attribute of each source."""
        return column_of(sources, self._name)

    async def fetch(self, sources: Column, run: Run) -> Column:
        """Give the attribute of each source."""
        return self.values(sources, run)


class FieldInfo:
    """What look-ahead reads of graphql-core's GraphQLResolveInfo, and the context."""

    __slots__ = ("context", "field_nodes", "fragments", "schema", "variable_values")

    def __init__(self, *, field_nodes: Any, fragments: Any, schema: Any, variable_values: Any) -> None:
        self.field_nodes = field_nodes
        self.fragments = fragments
        self.schema = schema
        self.variable_values = variable_values
        self.context: Any = None

    def within(self, context: RequestContext) -> "FieldInfo":
        """Give the same for one request."""
        info = FieldInfo.__new__(FieldInfo)
        info.field_nodes = self.field_nodes
        info.fragments = self.fragments
        info.schema = self.schema
        info.variable_values = self.variable_values
        info.context = context
        return info


class Resolver:
    """What a resolver gives: for each source by itself, or for all of them when it has such a form."""

    def __init__(
        self,
        call: Callable[..., Any],
        *,
        many: Callable[..., Awaitable[Sequence[Any]]] | None,
        parent: str | None,
        info_name: str | None,
        info: FieldInfo,
        arguments: Arguments,
        is_async: bool,
    ) -> None:
        """`parent` and `info_name` are the parameters of `call` that take the source and the info."""
        self._call = call
        self._many = many
        self._parent = parent
        self._info_name = info_name
        self._info = info
        self._arguments = arguments
        self.is_async = is_async or many is not None

    def values(self, sources: Column, run: Run) -> Column:
        """Call the resolver for each source."""
        return self._calls(sources, run)

    async def fetch(self, sources: Column, run: Run) -> Column:
        """Call the resolver and wait for its answers."""
        if not self.is_async:
            return self._calls(sources, run)
        if self._many is not None:
            return await self._many(sources, self._info_of(run), **self._arguments.values(run.variables))
        return await gather(self._calls(sources, run))

    def _calls(self, sources: Column, run: Run) -> list[Any]:
        named: dict[str, Any] = {**self._arguments.values(run.variables)}
        if self._info_name is not None:
            named[self._info_name] = self._info_of(run)
        if self._parent is None:
            return [self._call(**named) for _ in sources]
        return [self._call(**{self._parent: source}, **named) for source in sources]

    def _info_of(self, run: Run) -> Any:
        raw: Any = self._info.within(run.context)
        return strawberry.Info(_raw_info=raw, _field=None)  # type: ignore[arg-type]


async def gather(works: Sequence[Awaitable[Any]]) -> list[Any]:
    """Wait for all of them, and raise the first error only when none is under way any more."""
    if len(works) == 1:
        return [await works[0]]
    results = await asyncio.gather(*works, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


class LeafCompletion:
    """Scalars and enums."""

    is_async = False

    def __init__(self, leaf: Leaf) -> None:
        self._leaf = leaf

    def complete(self, values: Column, _run: Run) -> Column:
        """Complete a column."""
        return self._leaf(values)

    async def complete_later(self, values: Column, run: Run) -> Column:
        """Complete a column."""
        return self.complete(values, run)


class ObjectCompletion:
    """Objects of one type, or null where that is allowed."""

    def __init__(
        self, selection: "Selection", *, nullable: bool, is_type_of: Callable[[Any, Any], bool] | None
    ) -> None:
        self._selection = selection
        self._nullable = nullable
        self._is_type_of = is_type_of
        self.is_async = selection.is_async

    def complete(self, values: Column, run: Run) -> Column:
        """Complete a column."""
        present = self._present(values)
        return _put_back(self._selection.complete(present, run), values, present)

    async def complete_later(self, values: Column, run: Run) -> Column:
        """Complete a column."""
        present = self._present(values)
        return _put_back(await self._selection.complete_later(present, run), values, present)

    def _present(self, values: Column) -> Column:
        if hasattr(values, "column"):
            return values
        present = values
        if None in values:
            if not self._nullable:
                raise IrregularError
            present = [value for value in values if value is not None]
        if self._is_type_of is not None:
            for kind in set(map(type, present)):
                example = next(value for value in present if type(value) is kind)
                if not self._is_type_of(example, None):
                    raise IrregularError
        return present


def _put_back(completed: Column, values: Column, present: Column) -> Column:
    """Put the nulls back that were left out."""
    if present is values:
        return completed
    rest = iter(completed)
    return [None if value is None else next(rest) for value in values]


class ListCompletion:
    """Lists, or null where that is allowed: their items are completed all together."""

    def __init__(self, item: Completion, *, nullable: bool) -> None:
        self._item = item
        self._nullable = nullable
        self.is_async = item.is_async

    def complete(self, values: Column, run: Run) -> Column:
        """Complete a column of lists."""
        return self._regroup(self._item.complete(self._flatten(values), run), values)

    async def complete_later(self, values: Column, run: Run) -> Column:
        """Complete a column of lists."""
        return self._regroup(await self._item.complete_later(self._flatten(values), run), values)

    def _flatten(self, values: Column) -> Column:
        if self._nullable:
            values = [value for value in values if value is not None]
        if not all(isinstance(value, Sequence) and not isinstance(value, str | bytes) for value in values):
            raise IrregularError
        if len(values) == 1:
            only: Column = values[0]
            return only
        return list(chain.from_iterable(values))

    @staticmethod
    def _regroup(completed: Column, values: Column) -> Column:
        if len(values) == 1 and values[0] is not None:
            return [completed]
        ends = accumulate(0 if value is None else len(value) for value in values)
        starts = chain((0,), ends)
        return [
            None if value is None else completed[start : start + len(value)]
            for start, value in zip(starts, values, strict=False)
        ]


class Field:
    """One field of a selection, under its response key."""

    def __init__(self, key: str, source: ValueSource, completion: Completion) -> None:
        self.key = key
        self._source = source
        self._completion = completion
        self.is_async = source.is_async or completion.is_async

    def complete(self, sources: Column, run: Run) -> Column:
        """Give the field of all sources."""
        return self._completion.complete(self._source.values(sources, run), run)

    async def complete_later(self, sources: Column, run: Run) -> Column:
        """Give the field of all sources; something in it has to be waited for."""
        values = await self.resolve(sources, run)
        return await self.complete_values(values, run)

    async def resolve(self, sources: Column, run: Run) -> Column:
        """Give the values as they were resolved."""
        return await self._source.fetch(sources, run)

    async def complete_values(self, values: Column, run: Run) -> Column:
        """Complete values that were resolved."""
        if self._completion.is_async:
            return await self._completion.complete_later(values, run)
        return self._completion.complete(values, run)


class Selection:
    """The fields that are selected of one object type."""

    def __init__(self, fields: Sequence[Field]) -> None:
        self._fields = tuple(fields)
        self._keys = tuple(field.key for field in fields)
        self._waiting = [(place, field) for place, field in enumerate(fields) if field.is_async]
        self.is_async = bool(self._waiting)

    def complete(self, sources: Column, run: Run) -> Column:
        """Give one JSON object for each source."""
        if not sources:
            return []
        return self._to_objects([field.complete(sources, run) for field in self._fields], len(sources))

    async def complete_later(self, sources: Column, run: Run) -> Column:
        """Give one JSON object for each source."""
        if not sources:
            return []
        # What needs no waiting comes first: when it is irregular, nothing has been begun in vain.
        columns: list[Any] = [None if field.is_async else field.complete(sources, run) for field in self._fields]
        waited = await gather([field.complete_later(sources, run) for _, field in self._waiting])
        for (place, _), column in zip(self._waiting, waited, strict=True):
            columns[place] = column
        return self._to_objects(columns, len(sources))

    def _to_objects(self, columns: Sequence[Column], count: int) -> Column:
        keys = self._keys
        if not keys:
            return [{} for _ in range(count)]
        if count < _ROWS_WORTH_A_STRUCT:
            return [dict(zip(keys, values, strict=True)) for values in zip(*columns, strict=True)]
        return list(map(_struct_of(keys), *columns))


@lru_cache(maxsize=2_000)
def _struct_of(keys: tuple[str, ...]) -> Any:
    """Make a class with these members: it is built and encoded faster than a dict, and shared by all selections."""
    names = [f"f{place}" for place in range(len(keys))]
    return msgspec.defstruct("Row", names, rename=dict(zip(names, keys, strict=True)), gc=False)
