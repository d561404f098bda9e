"""Forests against rules T1 to T4 and T8: order, depths, orphans and cycles, for any parents at all."""

from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.schema.forests import Forest, Name, plant


def grow(*parents: int | None) -> Forest:
    """Make the forest of events 0, 1, 2 ... with these parents, in one namespace."""
    names = [("default", str(number)) for number in range(len(parents))]
    return plant(names, [None if parent is None else str(parent) for parent in parents])


def outline(forest: Forest) -> list[tuple[int, int]]:
    """The places with their depths, depth first."""
    return [(place, forest.depths[place]) for place in forest.order]


def test_no_events_are_no_trees() -> None:
    assert grow() == Forest([], [], [], [], [], [])


def test_each_event_is_followed_by_all_below_it() -> None:
    """T1: depth first, siblings in their order."""
    forest = grow(None, None, 0, 1, 0, 2, None, 2)
    assert outline(forest) == [(0, 0), (2, 1), (5, 2), (7, 2), (4, 1), (1, 0), (3, 1), (6, 0)]
    assert forest.child_counts == [2, 1, 2, 0, 0, 0, 0, 0]
    assert forest.roots == [0, 1, 6]
    assert not any(forest.are_orphans)
    assert not any(forest.are_cut)


def test_a_parent_may_be_later_than_its_child() -> None:
    """NU2: the order of time is that of siblings only."""
    assert outline(grow(2, 0, None)) == [(2, 0), (0, 1), (1, 2)]


def test_an_event_without_its_parent_is_an_orphan() -> None:
    """T3: a root, flagged; what hangs below it is none."""
    forest = grow(99, 0, None, 98)
    assert outline(forest) == [(0, 0), (1, 1), (2, 0), (3, 0)]
    assert forest.are_orphans == [True, False, False, True]


CYCLES = {
    "own parent": ((0,), [(0, 0)], [0]),
    "own parent with a tail": ((0, 0, 1), [(0, 0), (1, 1), (2, 2)], [0]),
    "two": ((1, 0), [(0, 0), (1, 1)], [0]),
    "two below their tail in time": ((2, 2, 1), [(1, 0), (2, 1), (0, 2)], [1]),
    "three": ((1, 2, 0), [(0, 0), (2, 1), (1, 2)], [0]),
    "three with a tail at each": (
        (1, 2, 0, 0, 1, 2, 3),
        [(0, 0), (2, 1), (1, 2), (4, 3), (5, 2), (3, 1), (6, 2)],
        [0],
    ),
    "two cycles and a tree": ((1, 0, None, 4, 3, 2), [(0, 0), (1, 1), (2, 0), (5, 1), (3, 0), (4, 1)], [0, 3]),
}


@pytest.mark.parametrize(("parents", "expected", "cut"), CYCLES.values(), ids=CYCLES)
def test_a_cycle_is_cut_above_its_earliest_event(
    parents: Sequence[int | None], expected: list[tuple[int, int]], cut: list[int]
) -> None:
    """T2, I9, L3: the earliest is a root and flagged, the others hang below it, the cut link is counted nowhere."""
    forest = grow(*parents)
    assert outline(forest) == expected
    assert [place for place, is_cut in enumerate(forest.are_cut) if is_cut] == cut
    assert sum(forest.child_counts) == len(parents) - len(forest.roots)
    assert not any(forest.are_orphans)


def test_namespaces_keep_their_ids_apart() -> None:
    """T8: an id is looked for in the child's own namespace only."""
    names: list[Name] = [("a", "1"), ("b", "1"), ("a", "2"), ("b", "2"), ("c", "2")]
    forest = plant(names, [None, None, "1", "1", "1"])
    assert forest.parents == [None, None, 0, 1, None]
    assert forest.are_orphans == [False, False, False, False, True]


@pytest.mark.parametrize("length", [20_000])
def test_chains_may_be_longer_than_pythons_stack(length: int) -> None:
    """Also when the children stand before their parents, and when the chain is one great cycle."""
    downward = grow(None, *range(length - 1))
    assert (downward.order, downward.depths) == (list(range(length)), list(range(length)))
    upward = grow(*range(1, length), None)
    assert (upward.order, upward.depths) == (list(reversed(range(length))), list(reversed(range(length))))
    ring = grow(*range(1, length), 0)
    assert (ring.order, ring.roots, ring.are_cut[0]) == ([0, *reversed(range(1, length))], [0], True)


@st.composite
def families(draw: st.DrawFn) -> tuple[list[Name], list[str | None]]:
    """Events of two namespaces that share ids, with any parents: missing ones, their own, later ones."""
    size = draw(st.integers(0, 14))
    every = [(namespace, str(number)) for number in range(9) for namespace in ("a", "b")]
    names = draw(st.permutations(every))[:size]
    parents = draw(st.lists(st.none() | st.integers(0, 9).map(str), min_size=size, max_size=size))
    return names, parents


@given(families())
def test_any_parents_make_a_forest(family: tuple[list[Name], list[str | None]]) -> None:
    """T1 to T4, T8: the same as what a naive reading of the rules comes to."""
    names, parent_ids = family
    links = naive_links(names, parent_ids)
    forest = plant(names, parent_ids)
    assert forest.parents == [links.get(place) for place in range(len(names))]
    roots = [place for place in range(len(names)) if place not in links]
    assert outline(forest) == [pair for root in roots for pair in naive_outline(root, links, 0)]
    assert sorted(forest.order) == list(range(len(names)))
    assert forest.roots == roots
    assert forest.child_counts == [list(links.values()).count(place) for place in range(len(names))]
    named = [(name[0], parent) for name, parent in zip(names, parent_ids, strict=True)]
    assert forest.are_orphans == [parent[1] is not None and parent not in names for parent in named]
    assert forest.are_cut == [parent in names and place not in links for place, parent in enumerate(named)]


def naive_links(names: list[Name], parent_ids: list[str | None]) -> dict[int, int]:
    """Every event's place to its parent's; of each cycle the earliest event has none."""
    all_links = {
        place: names.index((names[place][0], parent_id))
        for place, parent_id in enumerate(parent_ids)
        if parent_id is not None and (names[place][0], parent_id) in names
    }
    return {place: parent for place, parent in all_links.items() if place != min(naive_cycle(place, all_links))}


def naive_cycle(place: int, links: dict[int, int]) -> list[int]:
    """The events of the cycle that a place is on; for one on none, something later than it."""
    above = place
    cycle: list[int] = []
    while above in links and links[above] not in cycle:
        above = links[above]
        cycle.append(above)
    return cycle if place in cycle else [len(links) + 100]


def naive_outline(place: int, links: dict[int, int], depth: int) -> Iterable[tuple[int, int]]:
    yield place, depth
    for child in sorted(child for child, parent in links.items() if parent == place):
        yield from naive_outline(child, links, depth + 1)
