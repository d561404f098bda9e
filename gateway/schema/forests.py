"""Forests: which event hangs below which, by nothing but ids and parents (rules T1 to T4). Pure, and without recursion.

Events are spoken of by their places in the order of siblings: (timestamp, id), then namespace.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

Name = tuple[str, str]
"""A namespace and an id: what an event is called where several namespaces meet (T8)."""


class Forest(NamedTuple):
    """Events as trees. `order` gives places depth first; all else is by place."""

    order: list[int]
    parents: list[int | None]
    """The event above each; None for roots: cut links are no links (T2)."""
    depths: list[int]
    child_counts: list[int]
    are_orphans: list[bool]
    """Whether a parent is named that is not among the events (T3)."""
    are_cut: list[bool]
    """Whether the link to the parent was cut because it closed a cycle (T2)."""

    @property
    def roots(self) -> list[int]:
        """The places of the roots, in order."""
        return [place for place in self.order if self.parents[place] is None]


def plant(names: Sequence[Name], parent_ids: Sequence[str | None]) -> Forest:
    """Make the forest of some events: parents before children, and each event with all below it before its siblings."""
    parents = _find_parents(names, parent_ids)
    are_orphans = [
        parent is None and parent_id is not None for parent, parent_id in zip(parents, parent_ids, strict=True)
    ]
    are_cut = [False] * len(parents)
    # All are found before the first is cut: a place on one cycle is on no other.
    for place in list(_find_cycles(parents)):
        parents[place], are_cut[place] = None, True
    children: list[list[int]] = [[] for _ in parents]
    roots: list[int] = []
    for place, parent in enumerate(parents):
        (roots if parent is None else children[parent]).append(place)
    order, depths = _walk(roots, children)
    return Forest(order, parents, depths, list(map(len, children)), are_orphans, are_cut)


def _find_parents(names: Sequence[Name], parent_ids: Sequence[str | None]) -> list[int | None]:
    """Give the place of each event's parent, looked for in the event's own namespace only (T8)."""
    places = {name: place for place, name in enumerate(names)}
    return [
        None if parent_id is None else places.get((namespace, parent_id))
        for (namespace, _), parent_id in zip(names, parent_ids, strict=True)
    ]


def _find_cycles(parents: Sequence[int | None]) -> Iterator[int]:
    """Give the first place of each cycle."""
    climbed_from = [-1] * len(parents)
    for start in range(len(parents)):
        place: int | None = start
        while place is not None and climbed_from[place] < 0:
            climbed_from[place] = start
            place = parents[place]
        # Where this climb meets its own steps, it has gone round; the steps of earlier climbs lead nowhere new.
        if place is not None and climbed_from[place] == start:
            yield min(_go_round(parents, place))


def _go_round(parents: Sequence[int | None], start: int) -> Iterator[int]:
    yield start
    place = parents[start]
    while place is not None and place != start:
        yield place
        place = parents[place]


def _walk(roots: Sequence[int], children: Sequence[Sequence[int]]) -> tuple[list[int], list[int]]:
    """Give the places depth first, and the depth of each place."""
    order: list[int] = []
    depths = [0] * len(children)
    waiting = list(reversed(roots))
    while waiting:
        place = waiting.pop()
        order.append(place)
        below = children[place]
        if below:
            depth = depths[place] + 1
            for child in below:
                depths[child] = depth
            waiting.extend(reversed(below))
    return order, depths
