"""Fields and arguments: how they are declared, and the arguments that many fields share."""

from collections.abc import Awaitable, Callable, Sequence
from functools import wraps
from typing import Annotated, Any

import strawberry

from gateway.context import Info
from gateway.limits import LENGTH
from gateway.schema.enums import EventOrder
from gateway.schema.filter_inputs import EventFilter
from gateway.schema.lookahead import NEEDS

MANY = "timeloom-many"
"""In the metadata of a field: its resolver for many sources at once, or None."""

First = Annotated[
    int | None,
    strawberry.argument(description="How many, from the start: 0 to 1000. Neither first nor last given: 50."),
]
After = Annotated[str | None, strawberry.argument(description="Only what comes after this cursor.")]
Last = Annotated[
    int | None, strawberry.argument(description="How many, from the end: 0 to 1000. Not together with first.")
]
Before = Annotated[str | None, strawberry.argument(description="Only what comes before this cursor.")]
Filter = Annotated[
    EventFilter | None, strawberry.argument(description="Which events; left out or null: all that the caller may see.")
]
OrderBy = Annotated[EventOrder, strawberry.argument(description="The order of the list.")]
AsOf = Annotated[
    str | None,
    strawberry.argument(
        description="A livePosition: only what was stored up to it, so that many pages show one unchanging list."
    ),
]

NamespaceArgument = Annotated[
    str | None, strawberry.argument(description="Only in this namespace; left out: in all that the caller may see.")
]
EventNamespace = Annotated[
    str | None,
    strawberry.argument(
        description="Its namespace; left out: the home namespace, else the first by name that holds such an id."
    ),
]


def stored(description: str, *, name: str | None = None) -> Any:
    """A field that is read from the attribute of the same name, at the least cost; `name` is its name in the schema."""
    return strawberry.field(description=description, name=name)


def resolved(
    resolver: Callable[..., Any],
    description: str,
    *,
    many: Callable[..., Any] | None = None,
    needs: Sequence[str] = (),
    length: int = 1,
) -> Any:
    """A field with a resolver, which gives storage's record where the annotation names the type that reads it.

    `many` is the same for a whole list of sources at once: it takes them instead of one, and gives a list. `needs` are
    the stored fields that the resolver reads of its source. `length`: as how many items a list without a size counts in
    the cost of an operation.
    """
    metadata = {MANY: many, NEEDS: tuple(needs), LENGTH: length}
    return strawberry.field(resolver=resolver, description=description, metadata=metadata)


def changing(resolver: Callable[..., Awaitable[Any]], description: str) -> Any:
    """A mutation. Of several in one document each shows what is there after it, not what an earlier one has read."""

    @wraps(resolver)
    async def change(info: Info, **arguments: Any) -> Any:
        info.context.forget()
        return await resolver(info, **arguments)

    return strawberry.field(resolver=change, description=description)
