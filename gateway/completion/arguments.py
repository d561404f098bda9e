"""Arguments: of fields, coerced as graphql-core and Strawberry coerce them, as much as possible ahead of time."""

from collections.abc import Mapping
from typing import Any

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLNonNull,
    GraphQLScalarType,
    ListValueNode,
    Node,
    ObjectValueNode,
    Undefined,
    VariableNode,
    get_argument_values,
)
from graphql.execution.values import VariableValues
from strawberry import Schema
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField

NO_VARIABLES = VariableValues({}, {})


class ArgumentError(Exception):
    """An argument that stock execution has to word the error of."""


class Variables:
    """The variables of one request: coerced, and, when somebody asks, with where they came from."""

    def __init__(self, coerced: Mapping[str, Any], values: VariableValues | None) -> None:
        self.coerced = coerced
        self._values = values

    @property
    def values(self) -> VariableValues:
        """As graphql-core wants them. Of those that were read quickly the source does not matter: they are scalars."""
        if self._values is None:
            self._values = VariableValues({}, dict(self.coerced))
        return self._values


class Arguments:
    """The arguments of one field of an operation."""

    def __init__(self, schema: Schema, field: GraphQLField, node: FieldNode) -> None:
        """Coerce what does not depend on variables. Raises ArgumentError when that cannot be right."""
        self._schema = schema
        self._field = field
        self._node = node
        self._definition: StrawberryField = field.extensions["strawberry-definition"]
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        self._depends = any(_has_variable(value) for value in given.values())
        self._plain = self._depends and all(self._is_plain(name, value) for name, value in given.items())
        self._from_variables: list[tuple[str, str, bool]] = []
        self._fixed: dict[str, Any] = {}
        if not self._depends:
            self._fixed = self._coerce(node, NO_VARIABLES)
        elif self._plain:
            self._split(given)

    def values(self, variables: Variables) -> Mapping[str, Any]:
        """Give the keyword arguments of the resolver. Raises ArgumentError."""
        if not self._depends:
            return self._fixed
        if not self._plain:
            return self._coerce(self._node, variables.values)
        values = dict(self._fixed)
        coerced = variables.coerced
        for name, variable, nullable in self._from_variables:
            if variable in coerced:
                value = values[name] = coerced[variable]
                if value is None and not nullable:
                    raise ArgumentError
            elif name not in values and not nullable:
                raise ArgumentError
        return values

    def _split(self, given: Mapping[str, Any]) -> None:
        """Coerce what is written in the document and all defaults; note which variable each other argument is."""
        python_names = self._python_names()
        for name, value in given.items():
            if isinstance(value, VariableNode):
                nullable = not isinstance(self._field.args[name].type, GraphQLNonNull)
                self._from_variables.append((python_names[name], value.name.value, nullable))
        written = tuple(
            argument for argument in self._node.arguments or () if not isinstance(argument.value, VariableNode)
        )
        required = {
            name
            for name, argument in self._field.args.items()
            if isinstance(argument.type, GraphQLNonNull) and argument.default_value is Undefined and name in given
        }
        args = {
            name: argument
            for name, argument in self._field.args.items()
            if name not in required or not isinstance(given[name], VariableNode)
        }
        self._fixed = self._coerce(FieldNode(name=self._node.name, arguments=written), NO_VARIABLES, args)

    def _is_plain(self, name: str, value: Any) -> bool:
        """Whether a value is written out, or is a variable of a scalar, which Strawberry passes on as it is."""
        if not isinstance(value, VariableNode):
            return not _has_variable(value)
        type_ = self._field.args[name].type
        return isinstance(type_.of_type if isinstance(type_, GraphQLNonNull) else type_, GraphQLScalarType)

    def _python_names(self) -> dict[str, str]:
        convert = self._schema.config.name_converter
        return {convert.from_argument(argument): argument.python_name for argument in self._definition.arguments}

    def _coerce(self, node: FieldNode, variables: VariableValues, args: Any = None) -> dict[str, Any]:
        field = self._field if args is None else GraphQLField(self._field.type, args=args)
        try:
            coerced = get_argument_values(field, node, variables)
            return convert_arguments(
                coerced,
                self._definition.arguments,
                scalar_registry=self._schema.schema_converter.scalar_registry,
                config=self._schema.config,
            )
        except Exception as error:
            # Strawberry's inputs may raise what they like.
            raise ArgumentError from (error if isinstance(error, GraphQLError) else None)


def _has_variable(value: Node) -> bool:
    match value:
        case VariableNode():
            return True
        case ListValueNode():
            return any(map(_has_variable, value.values))
        case ObjectValueNode():
            return any(_has_variable(member.value) for member in value.fields)
    return False
