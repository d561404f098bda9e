"""Limits on documents: depth, aliases, directives and cost, in one walk that visits every fragment once.

The limiters that come with Strawberry walk a fragment once per spread, which nested fragments make exponential. Here a
fragment is measured once and its measure is added for each spread; the numbers may be huge, the work is linear.
A fragment that contains itself counts as nothing here: validation refuses it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
)

from gateway.errors import QueryTooComplexError

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 1000
LENGTH = "timeloom-length"
"""In the metadata of a field with a list and without a size of a page: how many items it counts as."""
_SIZE_ARGUMENTS = ("first", "last")


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """How large a document may be; each is a setting named TIMELOOM_MAX_QUERY_<NAME>."""

    tokens: int
    depth: int
    aliases: int
    directives: int
    cost: int


class _Shape(NamedTuple):
    depth: int
    aliases: int
    directives: int


Fragments = Mapping[str, FragmentDefinitionNode]


def require_shape(operation: OperationDefinitionNode, *, fragments: Fragments, limits: DocumentLimits) -> None:
    """Raise QueryTooComplexError when an operation is deeper, or has more aliases or directives, than the limits."""
    found = _ShapeWalk(fragments).of(operation.selection_set)
    directives = found.directives + len(operation.directives or ())
    for name, value, limit in (
        ("depth", found.depth, limits.depth),
        ("aliases", found.aliases, limits.aliases),
        ("directives", directives, limits.directives),
    ):
        _require(name, value, limit)


def _require(name: str, value: int, limit: int) -> None:
    if value > limit:
        shown = str(value) if value < 10**15 else "far more"
        raise QueryTooComplexError(
            f"the {name} of this operation, {shown}, is above {limit} (TIMELOOM_MAX_QUERY_{name.upper()})"
        )


class _ShapeWalk:
    def __init__(self, fragments: Fragments) -> None:
        self._fragments = fragments
        self._known: dict[str, _Shape] = {}

    def of(self, selection_set: SelectionSetNode | None) -> _Shape:
        depth = aliases = directives = 0
        keys: set[str] = set()
        for selection in selection_set.selections if selection_set else ():
            below = self._of_selection(selection)
            depth = max(depth, below.depth)
            aliases += below.aliases
            directives += below.directives + len(selection.directives or ())
            if isinstance(selection, FieldNode):
                key = selection.alias.value if selection.alias else selection.name.value
                aliases += selection.alias is not None or key in keys
                keys.add(key)
        return _Shape(depth, aliases, directives)

    def _of_selection(self, selection: Any) -> _Shape:
        if isinstance(selection, FragmentSpreadNode):
            return self._of_fragment(selection.name.value)
        below = self.of(selection.selection_set)
        return below._replace(depth=below.depth + 1) if isinstance(selection, FieldNode) else below

    def _of_fragment(self, name: str) -> _Shape:
        if name not in self._known:
            self._known[name] = _Shape(0, 0, 0)
            fragment = self._fragments.get(name)
            self._known[name] = self.of(fragment.selection_set if fragment else None)
        return self._known[name]


def require_cost(cost: int, limits: DocumentLimits) -> None:
    """Raise QueryTooComplexError when a cost is above the limit."""
    _require("cost", cost, limits.cost)


class CostWalk:
    """Counts the values that an operation can ask for: each field is one, times the sizes of the pages around it.

    `size_variables` names the variables that sizes were read from: with other values of them the cost is another.
    """

    def __init__(self, schema: GraphQLSchema, fragments: Fragments, variables: Mapping[str, Any]) -> None:
        self._schema = schema
        self._fragments = fragments
        self._variables = variables
        self._known: dict[str, int] = {}
        self.size_variables: set[str] = set()

    def of_operation(self, operation: OperationDefinitionNode) -> int:
        """Give the cost of a valid operation."""
        return self._of_set(operation.selection_set, self._schema.get_root_type(operation.operation))

    def _of_set(self, selection_set: SelectionSetNode | None, parent: GraphQLNamedType | None) -> int:
        total = 0
        for selection in selection_set.selections if selection_set else ():
            if isinstance(selection, FieldNode):
                total += self._of_field(selection, parent)
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                within = self._schema.get_type(condition.name.value) if condition else parent
                total += self._of_set(selection.selection_set, within)
            elif isinstance(selection, FragmentSpreadNode):
                total += self._of_fragment(selection.name.value)
        return total

    def _of_fragment(self, name: str) -> int:
        if name not in self._known:
            self._known[name] = 0
            fragment = self._fragments[name]
            within = self._schema.get_type(fragment.type_condition.name.value)
            self._known[name] = self._of_set(fragment.selection_set, within)
        return self._known[name]

    def _of_field(self, node: FieldNode, parent: GraphQLNamedType | None) -> int:
        if node.selection_set is None:
            return 1
        if not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType) or node.name.value not in parent.fields:
            return 1  # __schema, __type: validation limits them
        field = parent.fields[node.name.value]
        below = self._of_set(node.selection_set, get_named_type(field.type))
        return 1 + below * (self._size_of(node, _default_size(field)) if "first" in field.args else _length(field))

    def _size_of(self, node: FieldNode, default: int) -> int:
        for argument in node.arguments or ():
            if argument.name.value in _SIZE_ARGUMENTS:
                size: int | None = None
                if isinstance(argument.value, IntValueNode):
                    size = as_size(int(argument.value.value))
                elif isinstance(argument.value, VariableNode):
                    self.size_variables.add(argument.value.name.value)
                    size = as_size(self._variables.get(argument.value.name.value))
                if size is not None:
                    return size
        return default


def as_size(value: Any) -> int | None:
    """Give the size of a page that a value asks for; None when it asks for none.

    GraphQL takes 1000.0 for an Int too. Above the maximum a page is refused where it is read, with a better text.
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return min(max(value, 1), MAX_PAGE_SIZE) if isinstance(value, int) else None


def _length(field: GraphQLField) -> int:
    definition = field.extensions.get("strawberry-definition")
    length: int = definition.metadata.get(LENGTH, 1) if definition is not None else 1
    return length


def _default_size(field: GraphQLField) -> int:
    value = field.args["first"].default_value
    return value if isinstance(value, int) else DEFAULT_PAGE_SIZE
