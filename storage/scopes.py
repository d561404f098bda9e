"""Scope: what a caller may see. It stands apart from every filter, so that no filter can widen it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """Everything, or else whole namespaces (by key) and single audiences (by key).

    Every read takes one. An event is visible when its namespace or its audience is in the scope.
    """

    everything: bool = False
    namespace_keys: frozenset[int] = frozenset()
    audience_keys: frozenset[int] = frozenset()

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all can be seen."""
        return not (self.everything or self.namespace_keys or self.audience_keys)


EVERYTHING = Scope(everything=True)
"""The scope of an administrator of all namespaces."""
