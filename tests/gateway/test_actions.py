"""How the actions of a tree came out: each row of rule T9 (NU2)."""

import pytest

from gateway.schema.actions import TreeState, find_actions, judge
from gateway.schema.forests import plant

RUNNING, COMPLETED = TreeState.RUNNING, TreeState.COMPLETED
FAILED, PARTLY_FAILED = TreeState.FAILED, TreeState.PARTLY_FAILED

Line = tuple[str, int | None] | tuple[str, int | None, bool]
"""An event's type, its parent's place, and its success flag when it has one."""

CASES: dict[str, tuple[list[Line], TreeState | None]] = {
    "nothing": ([], None),
    "an event without outcome": ([("a", None)], None),
    "a tree without outcome": ([("a", None), ("b", 0), ("b", 0)], None),
    "completed by a child": ([("a", None), ("a.completed", 0)], COMPLETED),
    "completed by its own flag": ([("a", None, True)], COMPLETED),
    "failed by a child": ([("a", None), ("a.failed", 0)], FAILED),
    "failed by its own flag": ([("a", None, False)], FAILED),
    "a type of several words": ([("a.b", None), ("a.b.completed", 0)], COMPLETED),
    "an outcome told before its action": ([("a.completed", 1), ("a", None)], COMPLETED),
    "all completed": ([("a", None), ("b", 0), ("b.completed", 1), ("a.completed", 0)], COMPLETED),
    "all completed, one by flag": ([("a", None, True), ("b", 0), ("b.completed", 1)], COMPLETED),
    "the root is under way": ([("a", None), ("b", 0), ("b.completed", 1)], RUNNING),
    "one below is under way": ([("a", None), ("b", 0), ("a.completed", 0)], RUNNING),
    "one of several below is under way": ([("a", None, True), ("b", 0), ("b", 0), ("b.completed", 1)], RUNNING),
    "the root failed": ([("a", None), ("b", 0), ("b.completed", 1), ("a.failed", 0)], FAILED),
    "the root failed and one below": ([("a", None, False), ("b", 0, False)], FAILED),
    "the root failed, one is under way": ([("a", None, False), ("b", 0)], FAILED),
    "one of two roots failed": ([("a", None, True), ("b", None), ("b.failed", 1)], FAILED),
    "one below failed": ([("a", None), ("b", 0), ("b.failed", 1), ("a.completed", 0)], PARTLY_FAILED),
    "one far below failed": ([("a", None, True), ("b", 0, True), ("c", 1, False)], PARTLY_FAILED),
    "one below failed, the root is under way": ([("a", None), ("b", 0), ("b.failed", 1)], PARTLY_FAILED),
    "one below failed, one is under way": ([("a", None, True), ("b", 0, False), ("b", 0)], PARTLY_FAILED),
    "a child against the flag": ([("a", None, True), ("a.failed", 0)], FAILED),
    "failed, then completed": ([("a", None), ("a.failed", 0), ("a.completed", 0)], COMPLETED),
    "completed, then failed": ([("a", None), ("a.completed", 0), ("a.failed", 0)], FAILED),
    "the name tells, not the flag beside it": ([("a", None), ("a.completed", 0, False)], COMPLETED),
    "an outcome of another action": ([("a", None), ("b.completed", 0)], None),
    "an outcome of a longer name": ([("a", None), ("a.b.completed", 0)], None),
    "an outcome without a dot": ([("a", None), ("acompleted", 0), ("a_failed", 0)], None),
    "an outcome in capitals": ([("a", None), ("a.FAILED", 0)], None),
    "an outcome of an outcome": ([("a", None), ("a.completed", 0), ("a.completed.failed", 1)], COMPLETED),
    "an outcome two levels below": ([("a", None), ("b", 0, True), ("a.failed", 1)], RUNNING),
    "an outcome whose action is missing": ([("a.failed", None)], None),
    "an outcome whose action is missing, with its flag": ([("a.failed", None, False)], FAILED),
}


@pytest.mark.parametrize(("lines", "state"), CASES.values(), ids=CASES)
def test_the_state_of_a_tree(lines: list[Line], state: TreeState | None) -> None:
    """T9."""
    names = [("default", str(place)) for place in range(len(lines))]
    forest = plant(names, [None if line[1] is None else str(line[1]) for line in lines])
    successes = [line[2] if len(line) == 3 else None for line in lines]
    assert judge(forest, find_actions(forest, [line[0] for line in lines], successes)) is state
