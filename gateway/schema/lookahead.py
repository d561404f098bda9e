"""Look-ahead: which fields a resolver's answer will be asked for, so that only those are fetched."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
)

from gateway.context import Info
from storage.records import EventRecord

NEEDS = "timeloom-needs"
"""In the metadata of a field with a resolver: the stored fields of its source that the resolver reads."""

_EVENT = "Event"
_DEPTH = 3


def selects(info: Info, path: str) -> bool:
    """Whether the field's selection reaches a path such as `edges.node.extra`, fragments looked through."""
    return path in _selected(info)


def event_fields(info: Info, *places: str) -> frozenset[str]:
    """Give the fields of EventRecord that the selection needs of the events at some places.

    A place is a path such as `edges.node`; the empty one is the field's own answer.
    """
    raw: GraphQLResolveInfo[Any] = info._raw_info
    key = (places, *map(id, raw.field_nodes))
    fields = info.context.selections.get(key)
    if fields is None:
        columns = _columns_by_field(raw.schema)
        paths = _selected(info)
        names = {path.rpartition(".")[2] for path in paths if path.rpartition(".")[0] in places}
        fields = frozenset(column for name in names for column in columns.get(name, ()))
        info.context.selections[key] = fields
    return fields


def _selected(info: Info) -> frozenset[str]:
    """Give all paths that are selected; answers are kept, because lists ask the same for each of their items."""
    raw: GraphQLResolveInfo[Any] = info._raw_info
    key = tuple(map(id, raw.field_nodes))
    paths = info.context.selections.get(key)
    if paths is None:
        paths = frozenset(_paths((node.selection_set for node in raw.field_nodes), raw, depth=_DEPTH))
        info.context.selections[key] = paths
    return paths


@lru_cache(maxsize=8)
def _columns_by_field(schema: GraphQLSchema) -> dict[str, tuple[str, ...]]:
    """Give the fields of EventRecord that each field of the type Event is made of."""
    event = schema.get_type(_EVENT)
    columns: dict[str, tuple[str, ...]] = {}
    for name, field in event.fields.items() if isinstance(event, GraphQLObjectType) else ():
        definition = field.extensions["strawberry-definition"]
        if definition.base_resolver is None and definition.python_name in EventRecord._fields:
            columns[name] = (definition.python_name,)
        else:
            columns[name] = tuple(definition.metadata.get(NEEDS, ()))
    return columns


def _paths(
    sets: Iterable[SelectionSetNode | None], info: GraphQLResolveInfo[Any], *, depth: int, prefix: str = ""
) -> set[str]:
    found: set[str] = set()
    for selection_set in sets:
        for field in _fields(selection_set.selections if selection_set else (), info, set()):
            name = prefix + field.name.value
            found.add(name)
            if depth > 1:
                found |= _paths((field.selection_set,), info, depth=depth - 1, prefix=f"{name}.")
    return found


def _fields(selections: Iterable[SelectionNode], info: GraphQLResolveInfo[Any], seen: set[str]) -> Iterable[FieldNode]:
    """Give the fields of a selection; each fragment is opened once, as its fields would only come again."""
    for selection in selections:
        if selection.directives and not _is_included(selection, info):
            continue
        match selection:
            case FieldNode():
                yield selection
            case InlineFragmentNode():
                yield from _fields(selection.selection_set.selections, info, seen)
            case FragmentSpreadNode() if selection.name.value not in seen:
                seen.add(selection.name.value)
                fragment = info.fragments[selection.name.value]
                yield from _fields(fragment.selection_set.selections, info, seen)


def _is_included(selection: SelectionNode, info: GraphQLResolveInfo[Any]) -> bool:
    """Evaluate @skip and @include; what cannot be evaluated fails the field anyhow."""
    for directive in selection.directives or ():
        name, wanted = directive.name.value, directive.name.value == "include"
        if name in ("skip", "include") and _condition(directive, info) is not wanted:
            return False
    return True


def _condition(directive: DirectiveNode, info: GraphQLResolveInfo[Any]) -> Any:
    [value] = [argument.value for argument in directive.arguments or () if argument.name.value == "if"]
    if isinstance(value, VariableNode):
        # Strawberry gives resolvers the bare values, graphql-core has them together with where they came from.
        values: Any = info.variable_values
        return getattr(values, "coerced", values).get(value.name.value)
    return isinstance(value, BooleanValueNode) and value.value
