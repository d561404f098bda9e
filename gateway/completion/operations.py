"""Operations: the compiled plans of an operation, and running one of them."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    Node,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
)
from graphql.execution.values import VariableValues, get_variable_values
from strawberry import Schema

from gateway.completion.arguments import ArgumentError, Variables
from gateway.completion.compiler import Fallback, NotCompiledError, RootField, compile_operation
from gateway.completion.leaves import IrregularError
from gateway.completion.selections import Run, gather
from gateway.completion.stock import Stock
from gateway.completion.variables import VariableReader
from gateway.context import RequestContext

MOST_PLANS = 8
"""Plans of one operation: each set of values of the variables in its directives has its own."""

FallbackReport = Callable[[Fallback], None]
_CONDITIONS = frozenset({"skip", "include"})


class CompiledOperation:
    """One operation of a valid document, with the plans that were made of it. It holds nothing of any request."""

    def __init__(
        self,
        schema: Schema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
    ) -> None:
        self._schema = schema
        self._document = document
        self._operation = operation
        self._fragments = fragments
        self._reader = VariableReader(operation)
        self._conditions = tuple(sorted(set(_condition_variables(operation, fragments))))
        self._plans: OrderedDict[tuple[Any, ...], Plan | NotCompiledError] = OrderedDict()

    async def execute(
        self, given: Mapping[str, Any], context: RequestContext, report: FallbackReport
    ) -> ExecutionResult:
        """Run the operation with the variables as they came in."""
        stock = Stock(self._schema, self._document, self._operation, given=given, context=context)
        variables = self._read(given)
        plan = NotCompiledError(Fallback.VARIABLES) if variables is None else self._plan(variables)
        if variables is None or isinstance(plan, NotCompiledError):
            report(plan.reason if isinstance(plan, NotCompiledError) else Fallback.VARIABLES)
            return await stock.execute()
        context.selections = plan.selections
        return await _Execution(plan, Run(context, variables), stock, report).execute()

    def _read(self, given: Mapping[str, Any]) -> Variables | None:
        coerced = self._reader.read(given)
        if coerced is not None and not self._conditions:
            return Variables(coerced, None)
        values = get_variable_values(self._schema._schema, self._operation.variable_definitions or (), dict(given))
        return Variables(values.coerced, values) if isinstance(values, VariableValues) else None

    def _plan(self, variables: Variables) -> "Plan | NotCompiledError":
        key = tuple([variables.coerced.get(name, _ABSENT) for name in self._conditions])
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = self._compile(variables)
            if len(self._plans) > MOST_PLANS:
                self._plans.popitem(last=False)
        else:
            self._plans.move_to_end(key)
        return plan

    def _compile(self, variables: Variables) -> "Plan | NotCompiledError":
        values = variables.values
        # A plan may know of its first request only what all others that use it have in common with that.
        decisive = VariableValues(
            {name: values.sources[name] for name in self._conditions if name in values.sources},
            {name: values.coerced[name] for name in self._conditions if name in values.coerced},
        )
        try:
            fields = compile_operation(self._schema, self._operation, self._fragments, decisive)
        except NotCompiledError as error:
            return error.with_traceback(None)
        return Plan(fields, is_serial=self._operation.operation is OperationType.MUTATION)


_ABSENT = object()


class Plan:
    """The compiled root fields of an operation."""

    __slots__ = ("fields", "is_serial", "selections")

    def __init__(self, fields: list[RootField], *, is_serial: bool) -> None:
        self.fields = fields
        self.is_serial = is_serial
        self.selections: dict[Any, frozenset[str]] = {}
        """What look-ahead has found in this operation: the same for everybody who sends it."""


class _Execution:
    """One run of a plan."""

    def __init__(self, plan: Plan, run: Run, stock: Stock, report: FallbackReport) -> None:
        self._plan = plan
        self._run = run
        self._stock = stock
        self._report = report

    async def execute(self) -> ExecutionResult:
        fields = self._plan.fields
        try:
            if self._plan.is_serial:
                values = [await self._field(field) for field in fields]
            else:
                values = await gather([self._field(field) for field in fields])
        except GraphQLError as error:
            self._stock.add(error)
            return ExecutionResult(None, self._stock.errors)
        return ExecutionResult(dict(zip((field.key for field in fields), values, strict=True)), self._stock.errors)

    async def _field(self, field: RootField) -> Any:
        if field.field is None or field.reason is not None:
            return await self._fall_back(field.reason or Fallback.VALUE, self._stock.execute_field(field))
        try:
            [value] = await field.field.resolve(_ROOT, self._run)
        except ArgumentError:
            return await self._fall_back(Fallback.ARGUMENT, self._stock.execute_field(field))
        except Exception as error:
            self._report(Fallback.RESOLVER)
            return self._stock.fail(field, error)
        try:
            [completed] = await field.field.complete_values([value], self._run)
        except Exception as error:
            reason = Fallback.VALUE if isinstance(error, IrregularError) else Fallback.RELATION
            return await self._fall_back(reason, self._stock.complete(field, value))
        return completed

    async def _fall_back(self, reason: Fallback, work: Any) -> Any:
        self._report(reason)
        return await work


_ROOT = (None,)


def _condition_variables(
    operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> Iterator[str]:
    """Give the variables that decide in @skip or @include, in the operation and in all that it spreads."""
    seen: set[str] = set()
    pending: list[Node] = [operation.selection_set]
    while pending:
        node = pending.pop()
        if isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
            seen.add(node.name.value)
            pending.append(fragments[node.name.value].selection_set)
        for directive in getattr(node, "directives", None) or ():
            for argument in directive.arguments or ():
                if directive.name.value in _CONDITIONS and isinstance(argument.value, VariableNode):
                    yield argument.value.name.value
        below = getattr(node, "selection_set", None)
        if below is not None:
            pending.append(below)
        pending.extend(getattr(node, "selections", None) or ())
