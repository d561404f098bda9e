"""Variables: scalars that came in as what they should be need no more than a look at their type."""

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, NamedTuple

from graphql import NamedTypeNode, NonNullTypeNode, OperationDefinitionNode


class _Plain(NamedTuple):
    name: str
    is_right: Callable[[Any], bool]
    nullable: bool
    has_default: bool


# A subset of what graphql-core takes: the values that it would give back unchanged.
_TESTS: dict[str, Callable[[Any], bool]] = {
    "String": lambda value: type(value) is str,
    "ID": lambda value: type(value) is str,
    "Boolean": lambda value: type(value) is bool,
    "Int": lambda value: type(value) is int and -(2**31) <= value < 2**31,
    "Float": lambda value: type(value) is float and isfinite(value),
}


class VariableReader:
    """Reads the variables of one operation."""

    def __init__(self, operation: OperationDefinitionNode) -> None:
        self._plain: list[_Plain] | None = []
        for definition in operation.variable_definitions or ():
            type_ = definition.type
            named = type_.type if isinstance(type_, NonNullTypeNode) else type_
            test = _TESTS.get(named.name.value) if isinstance(named, NamedTypeNode) else None
            if test is None:
                self._plain = None
                break
            has_default = definition.default_value is not None
            self._plain.append(_Plain(definition.variable.name.value, test, named is type_, has_default))

    def read(self, given: Mapping[str, Any]) -> dict[str, Any] | None:
        """Give the coerced values, or None when graphql-core has to coerce them."""
        if self._plain is None:
            return None
        values: dict[str, Any] = {}
        for name, is_right, nullable, has_default in self._plain:
            if name not in given:
                if has_default or not nullable:
                    return None
                continue
            value = given[name]
            if not (is_right(value) or (value is None and nullable)):
                return None
            values[name] = value
        return values
