"""Health: /healthz says that the process lives, /readyz whether it can answer, and if not, why."""

import asyncio
from dataclasses import dataclass

from storage.engine import Database
from storage.errors import RevisionError, StorageError
from storage.revisions import head_revision, require_head


@dataclass(frozen=True, slots=True)
class Readiness:
    """What stands in the way of answering; nothing: ready."""

    reasons: tuple[str, ...] = ()

    @property
    def is_ready(self) -> bool:
        """Whether requests can be answered."""
        return not self.reasons

    def to_json(self) -> dict[str, object]:
        """Give the body of /readyz."""
        return {"ready": self.is_ready, "reasons": list(self.reasons), "schemaRevision": head_revision()}


class RevisionGate:
    """Lets nobody work on a database of another revision, also when it could not be reached at the start."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._passed = False

    async def require(self) -> None:
        """Raise RevisionError or StorageUnavailableError until the revision has been seen to be the right one."""
        if not self._passed:
            await self.check()

    async def check(self) -> None:
        """Ask the database now. Raises StorageError."""
        async with self._database.reading() as connection:
            await connection.run_sync(require_head)
        self._passed = True


async def check_readiness(gate: RevisionGate, *, seconds: float) -> Readiness:
    """Ask whether the database can be reached and has the right revision; the reasons name no host and no SQL."""
    try:
        async with asyncio.timeout(seconds):
            await gate.check()
    except RevisionError as error:
        return Readiness((str(error),))
    except (StorageError, TimeoutError):
        return Readiness(("the database cannot be reached",))
    return Readiness()
