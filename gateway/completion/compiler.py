"""The compiler: from an operation's selections to columns.

Which fields are selected is asked of graphql-core's own `collect_fields`, so that fragments, merged fields, their order
and @skip and @include mean the same. What cannot be compiled is left to stock execution, a root field at a time.
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    OperationDefinitionNode,
    OperationType,
    is_leaf_type,
)
from graphql.execution.collect_fields import FieldDetailsList, FragmentDetails, collect_fields, collect_subfields
from graphql.execution.values import VariableValues
from strawberry import Schema
from strawberry.types.field import StrawberryField

from gateway.completion.arguments import ArgumentError, Arguments
from gateway.completion.leaves import leaf_of
from gateway.completion.selections import (
    Attribute,
    Completion,
    Constant,
    Field,
    FieldInfo,
    LeafCompletion,
    ListCompletion,
    ObjectCompletion,
    Resolver,
    Selection,
    ValueSource,
)
from gateway.schema.fields import MANY


class Fallback(Enum):
    """Why stock execution answered a root field, or a whole operation."""

    VARIABLES = "variables"
    """The variables cannot be coerced, or a directive's condition cannot."""
    INTROSPECTION = "introspection"
    """`__schema` and `__type`."""
    ABSTRACT_TYPE = "abstract_type"
    """`node`: the type of the answer is known only afterwards."""
    ARGUMENT = "argument"
    """An argument cannot be right."""
    RESOLVER = "resolver"
    """The root field's own resolver failed, or a resolver has extensions or permissions around it."""
    VALUE = "value"
    """A value is none of those that the database gives: null where none may be, a time out of range."""
    RELATION = "relation"
    """A resolver further down failed."""
    SIZE = "size"
    """The operation has more fields than are compiled."""


MOST_NODES = 2_000
"""Fields that are compiled of one operation, each as often as it is spread: 40 us and 800 bytes for each of them.

Fragments that spread each other double with every level, and most of that stock execution never gets to see.
"""


class NotCompiledError(Exception):
    """A field that is left to stock execution."""

    def __init__(self, reason: Fallback) -> None:
        super().__init__(reason.value)
        self.reason = reason


class RootField(NamedTuple):
    """One root field; `field` None: it is not compiled, for `reason`."""

    key: str
    details: FieldDetailsList
    definition: GraphQLField
    field: Field | None
    reason: Fallback | None


def compile_operation(
    schema: Schema,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    variable_values: VariableValues,
) -> list[RootField]:
    """Compile the root fields of an operation for these values of the variables in its directives.

    Raises NotCompiledError when it is stock execution's as a whole.
    """
    return _Compilation(schema, operation, fragments, variable_values).root_fields()


class _Compilation:
    def __init__(
        self,
        schema: Schema,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        variable_values: VariableValues,
    ) -> None:
        self._schema = schema
        self._graphql_schema = schema._schema
        self._operation = operation
        self._fragments = fragments
        self._details = {name: FragmentDetails(fragment) for name, fragment in fragments.items()}
        self._variable_values = variable_values
        self._nodes_left = MOST_NODES

    def root_fields(self) -> list[RootField]:
        root_type = self._graphql_schema.get_root_type(self._operation.operation)
        if root_type is None or self._operation.operation is OperationType.SUBSCRIPTION:
            raise NotCompiledError(Fallback.VARIABLES)
        try:
            grouped, _, _ = collect_fields(
                self._graphql_schema, self._details, self._variable_values, root_type, self._operation
            )
        except Exception:
            raise NotCompiledError(Fallback.VARIABLES) from None
        return [self._root_field(root_type, key, details) for key, details in grouped.items()]

    def _root_field(self, root_type: GraphQLObjectType, key: str, details: FieldDetailsList) -> RootField:
        definition = self._graphql_schema.get_field(root_type, details[0].node.name.value)
        assert definition is not None
        try:
            return RootField(key, details, definition, self._field(root_type, key, details), None)
        except NotCompiledError as error:
            return RootField(key, details, definition, None, error.reason)

    def _field(self, parent: GraphQLObjectType, key: str, details: FieldDetailsList) -> Field:
        self._nodes_left -= len(details)
        if self._nodes_left < 0:
            raise NotCompiledError(Fallback.SIZE)
        node = details[0].node
        name = node.name.value
        if name == "__typename":
            return Field(key, Constant(parent.name), _AS_IT_IS)
        if name.startswith("__"):
            raise NotCompiledError(Fallback.INTROSPECTION)
        definition = parent.fields[name]
        return Field(key, self._source(definition, node, details), self._completion(definition.type, details))

    def _source(self, definition: GraphQLField, node: FieldNode, details: FieldDetailsList) -> ValueSource:
        field: StrawberryField = definition.extensions["strawberry-definition"]
        resolver = field.base_resolver
        if field.extensions:
            # Permissions are extensions to Strawberry, and they are its own to call.
            raise NotCompiledError(Fallback.RESOLVER)
        if resolver is None:
            return Attribute(field.python_name)
        try:
            arguments = Arguments(self._schema, definition, node)
        except ArgumentError:
            raise NotCompiledError(Fallback.ARGUMENT) from None
        info = FieldInfo(
            field_nodes=[each.node for each in details],
            fragments=self._fragments,
            schema=self._graphql_schema,
            variable_values=self._variable_values,
        )
        parent, info_parameter = resolver.parent_parameter, resolver.info_parameter
        call: Any = resolver.wrapped_func
        return Resolver(
            call,
            many=field.metadata.get(MANY),
            parent=parent.name if parent else None,
            info_name=info_parameter.name if info_parameter else None,
            info=info,
            arguments=arguments,
            is_async=resolver.is_async,
        )

    def _completion(self, type_: GraphQLOutputType, details: FieldDetailsList) -> Completion:
        nullable = not isinstance(type_, GraphQLNonNull)
        inner = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        if isinstance(inner, GraphQLList):
            return ListCompletion(self._completion(inner.of_type, details), nullable=nullable)
        if is_leaf_type(inner):
            leaf = leaf_of(inner, nullable=nullable)
            if leaf is None:
                raise NotCompiledError(Fallback.VALUE)
            return LeafCompletion(leaf)
        if not isinstance(inner, GraphQLObjectType):
            raise NotCompiledError(Fallback.ABSTRACT_TYPE)
        selection = self._selection(inner, details)
        is_type_of: Any = inner.is_type_of
        return ObjectCompletion(selection, nullable=nullable, is_type_of=is_type_of)

    def _selection(self, type_: GraphQLObjectType, details: FieldDetailsList) -> Selection:
        try:
            grouped, _, _ = collect_subfields(
                self._graphql_schema, self._details, self._variable_values, self._operation, type_, details
            )
        except Exception:
            raise NotCompiledError(Fallback.VARIABLES) from None
        return Selection([self._field(type_, key, each) for key, each in grouped.items()])


class _AsItIs:
    """Values that are JSON already."""

    is_async = False

    def complete(self, values: Sequence[Any], _run: Any) -> Sequence[Any]:
        return values

    async def complete_later(self, values: Sequence[Any], _run: Any) -> Sequence[Any]:
        return values


_AS_IT_IS = _AsItIs()
