"""Retries: a write is run again as a whole, with the same ids, while that can help (design.md, promises)."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from storage.errors import OutcomeUnknownError
from storage.failures import Failure, classify_failure, is_driver_error, to_storage_error

T = TypeVar("T")

MAX_TRIES = 5
_FIRST_WAIT_SECONDS = {Failure.CONFLICT: 0.005, Failure.DUPLICATE_KEY: 0.001, Failure.DISCONNECTED: 0.05}


class Attempt:
    """One run of a transaction: `number` from 1, and whether COMMIT was sent."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.committing = False


async def run_with_retries(run: Callable[[Attempt], Awaitable[T]]) -> T:
    """Run a transaction, again after deadlocks, duplicate keys and lost connections, at most five times.

    `run` rolls back by itself when it raises. Raises a StorageError when the last try failed; OutcomeUnknownError when
    a connection broke during COMMIT and no later try could tell whether that one was stored.
    """
    outcome_unknown = False
    number = 1
    while True:
        attempt = Attempt(number)
        try:
            return await run(attempt)
        except Exception as error:
            if not is_driver_error(error):
                raise
            failure = classify_failure(error)
            outcome_unknown |= attempt.committing and failure is Failure.DISCONNECTED
            first_wait = _FIRST_WAIT_SECONDS.get(failure)
            if first_wait is None or number == MAX_TRIES:
                translated = to_storage_error(error)
                if outcome_unknown:
                    raise OutcomeUnknownError(str(translated)) from error
                raise translated from error
        # Full jitter: writers that collided do not meet again.
        await asyncio.sleep(random.uniform(0, first_wait * 2 ** (number + 1)))
        number += 1
