"""What may stand together in one response object, so that generated documents pass validation.

Two fields with one response key must be the same field with the same arguments, unless their types exclude each other:
then any two fields of the same type will do. This is FieldsInSetCanMerge of the GraphQL specification, kept up while
a document grows instead of checked when it is complete.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from graphql import GraphQLNamedType, is_object_type


class Use(NamedTuple):
    """One field as it stands somewhere in a document; `arguments` is their text."""

    parent: GraphQLNamedType
    name: str
    arguments: str
    type: str

    def merges_with(self, other: "Use") -> bool:
        """Whether both may have the same response key."""
        if self.type != other.type:
            return False
        if (self.name, self.arguments) == (other.name, other.arguments):
            return True
        return self.parent is not other.parent and is_object_type(self.parent) and is_object_type(other.parent)


@dataclass
class Scope:
    """The response keys of one response object, whatever fragments they come from, with what is below each."""

    uses: dict[str, list[Use]] = field(default_factory=dict)
    below: dict[str, "Scope"] = field(default_factory=dict)

    def takes(self, key: str, use: Use) -> bool:
        """Whether a field may be added under a response key."""
        return all(use.merges_with(other) for other in self.uses.get(key, ()))

    def add(self, key: str, use: Use) -> "Scope":
        """Add a field and give the scope of its selection."""
        self.uses.setdefault(key, []).append(use)
        return self.below.setdefault(key, Scope())

    def takes_all(self, other: "Scope") -> bool:
        """Whether everything in another scope may be added."""
        return all(
            all(self.takes(key, use) for use in uses)
            and (key not in self.below or self.below[key].takes_all(other.below[key]))
            for key, uses in other.uses.items()
        )

    def add_all(self, other: "Scope") -> None:
        """Add everything in another scope."""
        for key, uses in other.uses.items():
            self.uses.setdefault(key, []).extend(uses)
            self.below.setdefault(key, Scope()).add_all(other.below[key])
