"""The Node interface: whatever has a global id."""

import strawberry


@strawberry.interface(description="Whatever has an id of its own, to be read again by `node`.")
class Node:
    """Whatever has a global id."""

    id: strawberry.ID = strawberry.field(
        description="The node id: an event's is its UUID, every other carries its kind, such as `object:...`."
    )
