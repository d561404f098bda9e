"""Which definitions of types a caller is shown: those for every namespace, and those of namespaces that it sees."""

from collections.abc import Sequence
from typing import Annotated, TypeVar

import strawberry

from gateway.context import RequestContext
from storage.type_definitions import EventTypeRecord, OperationTypeRecord

_T = TypeVar("_T", EventTypeRecord, OperationTypeRecord)

HoldsIn = Annotated[
    str | None,
    strawberry.argument(
        description="Only what holds in this namespace: its own definitions, and those for every namespace for which "
        "it has none of its own. Left out: all that the caller may see."
    ),
]


async def visible_types(context: RequestContext, types: Sequence[_T], namespace: str | None) -> list[_T]:
    """Give what a caller may see of some types, in their order; with a namespace, what holds there."""
    named = {each.namespace for each in types if each.namespace is not None and namespace in (None, each.namespace)}
    seen = await _seen(context, named)
    found = [each for each in types if each.namespace is None or each.namespace in seen]
    if namespace is None:
        return found
    own = {each.name for each in found if each.namespace is not None}
    return [each for each in found if each.namespace is not None or each.name not in own]


async def _seen(context: RequestContext, names: set[str]) -> set[str]:
    identities = context.database.identities
    reached = await identities.reached_namespaces(context.scope)
    if reached is None:
        return names
    return {name for name, key in (await identities.namespace_keys(sorted(names))).items() if key in reached}
