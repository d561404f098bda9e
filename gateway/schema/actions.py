"""Actions: how what a tree of events tells of came out (NU2, rule T9). Pure.

An event of type X is an action; a child of type `X.completed` or `X.failed` is its outcome and no action itself. When
there are several, as after a retry, the last one counts. Without any, the action's own success flag is its outcome.
"""

from collections.abc import Sequence
from enum import Enum

from gateway.schema.forests import Forest

_ENDINGS = {".completed": True, ".failed": False}


class TreeState(Enum):
    """How the actions of a tree came out."""

    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    PARTLY_FAILED = "PARTLY_FAILED"


def judge(forest: Forest, event_types: Sequence[str], successes: Sequence[bool | None]) -> TreeState | None:
    """Give the state of a forest; None when nothing in it has an outcome."""
    outcomes = list(successes)
    tell_of_another: set[int] = set()
    for place, parent in enumerate(forest.parents):
        success = None if parent is None else _outcome_told(event_types[place], event_types[parent])
        if parent is not None and success is not None:
            # Places are in the order of time, so that the last one stays.
            outcomes[parent] = success
            tell_of_another.add(place)
    actions = [place for place in forest.order if place not in tell_of_another]
    failed = [place for place in actions if outcomes[place] is False]
    if failed:
        is_at_a_root = any(forest.parents[place] is None for place in failed)
        return TreeState.FAILED if is_at_a_root else TreeState.PARTLY_FAILED
    has_outcome = {outcomes[place] is not None for place in actions}
    if True not in has_outcome:
        return None
    return TreeState.RUNNING if False in has_outcome else TreeState.COMPLETED


def _outcome_told(event_type: str, parent_type: str) -> bool | None:
    """Give how the parent's action ended when the type of its child tells that; else None."""
    if not event_type.startswith(parent_type):
        return None
    return _ENDINGS.get(event_type[len(parent_type) :])
