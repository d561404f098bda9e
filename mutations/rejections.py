"""Rejections: why one event can never be stored as it is."""

from mutations.outcomes import IngestCode, IngestOutcome

_SHOWN = 40


class Rejection(Exception):
    """One event is refused, for good; its siblings are not concerned."""

    outcome = IngestOutcome.REJECTED

    def __init__(self, code: IngestCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Discard(Rejection):
    """One event is of a type that is switched off: nothing is wrong with it, and it is not stored."""

    outcome = IngestOutcome.DISCARDED


def shown(text: str) -> str:
    """Give the beginning of a sender's text for a message: in ASCII, for it may hold what no answer can carry."""
    start = text[:_SHOWN].encode("ascii", "backslashreplace").decode()
    return f"'{start}'" if len(text) <= _SHOWN else f"'{start}...'"
