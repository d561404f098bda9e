"""Look-ahead: which fields a resolver's answer will be asked for, so that only those are fetched."""

from collections.abc import Iterable
from typing import Any

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLResolveInfo,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
)

from gateway.context import Info


def selects(info: Info, path: str) -> bool:
    """Whether the field's selection reaches a path such as `edges.node.extra`, fragments looked through.

    @skip and @include are not evaluated: a field that may be there counts as selected. Answers are kept for the
    request, because lists ask the same for each of their items.
    """
    raw: GraphQLResolveInfo[Any] = info._raw_info
    key = tuple(map(id, raw.field_nodes))
    paths = info.context.selections.get(key)
    if paths is None:
        paths = frozenset(_paths((node.selection_set for node in raw.field_nodes), raw, depth=3))
        info.context.selections[key] = paths
    return path in paths


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
        match selection:
            case FieldNode():
                yield selection
            case InlineFragmentNode():
                yield from _fields(selection.selection_set.selections, info, seen)
            case FragmentSpreadNode() if selection.name.value not in seen:
                seen.add(selection.name.value)
                fragment = info.fragments[selection.name.value]
                yield from _fields(fragment.selection_set.selections, info, seen)
