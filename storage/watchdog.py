"""Watchdog: ends statements of a server that says nothing any more.

A timer for each statement costs more than many a statement. So what is under way is only noted, and looked at a few
times a second while there is something to look at.
"""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

_LOOKS_PER_LIMIT = 20
_LONGEST_PAUSE_SECONDS = 0.5


@dataclass(slots=True, eq=False)
class Watched:
    """A piece of work: who does it, and since when it waits for an answer (None: it does not wait)."""

    task: asyncio.Task[Any] | None
    waiting_since: float | None = None
    ended: bool = field(default=False)

    def was_ended(self) -> bool:
        """Whether the cancellation that the task sees came from the watchdog; it can go on then."""
        return self.ended and self.task is not None and self.task.uncancel() == 0


class Watchdog:
    """Cancels what waits longer than `seconds`, within a twentieth of that or half a second."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._pause = min(seconds / _LOOKS_PER_LIMIT, _LONGEST_PAUSE_SECONDS)
        self._watched: set[Watched] = set()
        self._timer: asyncio.TimerHandle | None = None

    def watch(self) -> Watched:
        """Watch the present task until `forget`; nothing happens to it while it does not wait."""
        watched = Watched(asyncio.current_task())
        self._watched.add(watched)
        if self._timer is None:
            self._look_later()
        return watched

    def forget(self, watched: Watched) -> None:
        """Watch no longer."""
        self._watched.discard(watched)

    def close(self) -> None:
        """End the watch."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._pause, self._look)

    def _look(self) -> None:
        if not self._watched:
            self._timer = None
            return
        now = time.monotonic()
        for watched in self._watched:
            since = watched.waiting_since
            if since is not None and now - since > self._seconds and not watched.ended and watched.task is not None:
                watched.ended = True
                watched.task.cancel()
        self._look_later()
