"""Actions: how what a tree of events tells of came out (NU2, rule T9). Pure.

An event of type X is an action; a child of type `X.completed` or `X.failed` is its outcome and no action itself. When
there are several, as after a retry, the last one counts. Without any, the action's own success flag is its outcome.
"""

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from gateway.schema.forests import Forest

_ENDINGS = {".completed": True, ".failed": False}


class TreeState(Enum):
    """How the actions of a tree came out."""

    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    PARTLY_FAILED = "PARTLY_FAILED"


class Actions(NamedTuple):
    """The events of a forest as actions, by place."""

    outcomes: list[bool | None]
    """How each came out; None: nobody has said."""
    endings: list[int | None]
    """The place of the child that tells so; None: it is the action's own flag, or nobody has said."""
    tells_of_another: list[bool]
    """Whether it tells how its parent came out, and is no action itself."""

    def state_of(self, place: int) -> TreeState | None:
        """Give the state of one action; None for what tells of another."""
        if self.tells_of_another[place]:
            return None
        outcome = self.outcomes[place]
        if outcome is None:
            return TreeState.RUNNING
        return TreeState.COMPLETED if outcome else TreeState.FAILED


def find_actions(forest: Forest, event_types: Sequence[str], successes: Sequence[bool | None]) -> Actions:
    """Find the actions of a forest and how they came out."""
    outcomes = list(successes)
    endings: list[int | None] = [None] * len(outcomes)
    tells_of_another = [False] * len(outcomes)
    for place, parent in enumerate(forest.parents):
        success = None if parent is None else _outcome_told(event_types[place], event_types[parent])
        if parent is not None and success is not None:
            # Places are in the order of time, so that the last one stays.
            outcomes[parent], endings[parent] = success, place
            tells_of_another[place] = True
    return Actions(outcomes, endings, tells_of_another)


def judge(forest: Forest, found: Actions) -> TreeState | None:
    """Give the state of a forest; None when nothing in it has an outcome."""
    actions = [place for place in forest.order if not found.tells_of_another[place]]
    failed = [place for place in actions if found.outcomes[place] is False]
    if failed:
        is_at_a_root = any(forest.parents[place] is None for place in failed)
        return TreeState.FAILED if is_at_a_root else TreeState.PARTLY_FAILED
    has_outcome = {found.outcomes[place] is not None for place in actions}
    if True not in has_outcome:
        return None
    return TreeState.RUNNING if False in has_outcome else TreeState.COMPLETED


def _outcome_told(event_type: str, parent_type: str) -> bool | None:
    """Give how the parent's action ended when the type of its child tells that; else None."""
    if not event_type.startswith(parent_type):
        return None
    return _ENDINGS.get(event_type[len(parent_type) :])
