"""Stock: graphql-core's own executor, for whatever is not compiled and for whatever goes wrong."""

from collections.abc import Mapping
from inspect import isawaitable
from typing import Any

from graphql import DocumentNode, ExecutionResult, GraphQLError, OperationDefinitionNode
from graphql.execution.executor import Executor
from graphql.pyutils import Path
from strawberry import Schema

from gateway.completion.compiler import RootField
from gateway.context import RequestContext


class Stock:
    """The stock execution of one request; its executor is made when it is needed."""

    def __init__(
        self,
        schema: Schema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        *,
        given: Mapping[str, Any],
        context: RequestContext,
    ) -> None:
        """`given` are the variables as they came in."""
        self._schema = schema
        self._document = document
        self._operation = operation
        self._given = given
        self._context = context
        self._executor: Executor[Any] | None = None

    @property
    def errors(self) -> list[GraphQLError] | None:
        """The errors so far; None when there are none."""
        return None if self._executor is None else self._executor.collected_errors.errors or None

    async def execute(self) -> ExecutionResult:
        """Execute the whole operation."""
        built = self._build()
        if isinstance(built, list):
            return ExecutionResult(None, built)
        result: Any = built.execute_operation()
        executed: ExecutionResult = await result if isawaitable(result) else result
        return executed

    async def execute_field(self, field: RootField) -> Any:
        """Execute a root field from its resolver on."""
        result: Any = self._built.execute_field(self._root_type, None, field.details, self._path(field), None)
        return await result if isawaitable(result) else result

    async def complete(self, field: RootField, value: Any) -> Any:
        """Complete what a root field's resolver gave."""
        executor, path, type_ = self._built, self._path(field), field.definition.type
        nodes = [each.node for each in field.details]
        info = executor.build_resolve_info(field.definition, nodes, self._root_type, path)
        try:
            completed: Any = executor.complete_value(type_, field.details, info, path, value, None)
            return await completed if isawaitable(completed) else completed
        except Exception as error:
            return self.fail(field, error)

    def fail(self, field: RootField, error: Exception) -> None:
        """Note the error of a root field. Raises it when the field may not be null."""
        self._built.handle_field_error(error, field.definition.type, field.details, self._path(field))

    def add(self, error: GraphQLError) -> None:
        """Note an error that took the whole answer."""
        self._built.collected_errors.add(error, None)

    @property
    def _built(self) -> Executor[Any]:
        if self._executor is None:
            built = self._build()
            assert not isinstance(built, list), "whoever asks for one field has coerced the variables before"
            self._executor = built
        return self._executor

    @property
    def _root_type(self) -> Any:
        return self._schema._schema.get_root_type(self._operation.operation)

    def _path(self, field: RootField) -> Path:
        return Path(None, field.key, self._root_type.name)

    def _build(self) -> Executor[Any] | list[GraphQLError]:
        return self._schema.execution_context_class.build(
            self._schema._schema,
            self._document,
            context_value=self._context,
            raw_variable_values=dict(self._given),
            operation_name=self._operation.name.value if self._operation.name else None,
            hide_suggestions=self._schema.config.disable_field_suggestions,
        )
