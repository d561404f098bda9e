"""The world: one real store beside its oracle, and what all steps need of both."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import delete, update

from mutations.archives import Archive
from mutations.deletion_worker import DeletionWorker
from mutations.deletions import DeletionRequest
from mutations.policy_changes import PolicyChanges
from storage.engine import Database
from storage.positions import settle_position
from storage.tables import leases, metadata, retention_marks
from tests.model.agreement import compare, read_tables, stored_keys
from tests.model.oracle import DAY, HOUR, Key, Link, Oracle, Plan, Policy, Sent, Stored

BEGIN = 1_767_225_600_000_000 + 11 * HOUR
"""2026-01-01T11:00:00Z."""
SOURCES = ("host-1", "host-2", "disk-1")
EVENT_TYPES = ("audit", "status", "usage", "beat")
LINKS: tuple[Link, ...] = (("node", "n1"), ("node", "n2"), ("disk", "d1"), ("api-requests", "r1"))
SETTINGS = {"audit": 60 * 86_400, "usage": 20 * 86_400, "status": 3_600, "api-requests": 3_600}
AGES = (None, 3_600, 86_400, 20 * 86_400, 60 * 86_400)
_STEPS_OF_TIME = (HOUR, 7 * HOUR, DAY, 2 * DAY, 9 * DAY, 31 * DAY, 100 * DAY, -HOUR)
_KEPT = {"namespaces", "audiences", "objects", "object_audiences", "leases", "alembic_version"}
"""Tables of names: what has been given a key keeps it."""

_STANDING: tuple[dict[str, Any], ...] = (
    {"sources": ("host-*",), "max_age_seconds": 20 * 86_400, "archive": True},
    {
        "event_types": ("beat",),
        "sources": ("host-*", "disk-1"),
        "max_age_seconds": 60 * 86_400,
        "compact_repeats": True,
        "archive": True,
    },
)
"""Policies that every history begins with, so that much is archived and folded."""


@dataclass
class Preview:
    """A deletion that was asked for, and what the oracle knows of it."""

    id: str
    request: DeletionRequest
    matches: Callable[[Stored], bool]
    link: tuple[str, Link] | None
    bound: int
    matched: int
    references: int
    created_at: int
    state: str = "PREVIEWED"
    deleted: int = 0
    deleted_references: int = 0
    began: bool = False


class World:
    """One store and its oracle. Each step changes both, and raises AssertionError where they differ."""

    def __init__(self, database: Database, home: Path) -> None:
        self.database = database
        self.oracle = Oracle()
        self.now = BEGIN
        self.home = home
        self.archive = Archive(str(home))
        self.previews: list[Preview] = []
        self.worker = self.new_worker()
        self.ids = 0
        self.files: set[str] = set()
        self.sent: list[Sent] = []
        self.unfinished: str | None = None
        for name, age in SETTINGS.items():
            kind = {"object_types": (name,)} if name == "api-requests" else {"event_types": (name,)}
            self.oracle.policies[f"setting:{name}"] = Policy(f"setting:{name}", age=age, **kind)  # type: ignore[arg-type]

    @classmethod
    async def make(cls, database: Database) -> "World":
        """Begin with an empty store, in which names may have keys already."""

        async def clear(connection: Any) -> None:
            for table in metadata.sorted_tables:
                if table.name not in _KEPT:
                    await connection.execute(delete(table))
            await connection.execute(update(leases).values(expires_at=0))

        await database.write(clear, name="nothing")
        world = cls(database, Path(tempfile.mkdtemp(prefix="timeloom-model-")))
        for standing in _STANDING:
            await world.make_policy(dict(standing), lambda _: True)
        return world

    async def compare(self) -> None:
        """Compare all that is stored with all that must be."""
        await compare(self)

    def clock(self) -> int:
        """Give the present time."""
        return self.now

    def new_worker(self) -> DeletionWorker:
        """Make a process that carries out deletions, three events at a time."""
        return DeletionWorker(self.database, clock=self.clock, chunk_events=3)

    async def make_policy(self, given: dict[str, Any], holds: Callable[[Sent], bool]) -> None:
        """Make a policy in both; `holds` is what its selectors mean."""
        changes = PolicyChanges(self.database, actor="somebody", clock=self.clock, has_archive=True)
        made = await changes.create({"name": "some", **given})
        renamed = {"max_age_seconds": "age", "prune_registrations": "prune", "compact_repeats": "compact"}
        values = {renamed.get(name, name): value for name, value in given.items()}
        self.oracle.policies[made.id] = Policy(made.id, holds=holds, **values)
        self.oracle.audits["retention-policy"] += 1

    async def settle_removed(self, plan: Plan) -> None:
        """Learn which part of a plan has been carried out; nothing else may be gone."""
        links, _, _, _ = await read_tables(self.database)
        there = await stored_keys(self.database)
        for key in sorted(plan.links):
            if key not in there:
                assert key in plan.events, f"{key} is gone, and was not due"
                self.oracle.remove(key, now=self.now)
            elif key in self.oracle.events:
                gone = self.oracle.events[key].links.keys() - links.get(key, {}).keys()
                assert gone <= plan.links[key], f"{gone} of {key} are gone, and were not due"
                if gone:
                    self.oracle.remove_links(key, gone, now=self.now)

    def sort_key(self, key: Key) -> tuple[int, str, str]:
        """Give what oldest first is sorted by."""
        return self.oracle.events[key].sent.timestamp, key[1], key[0]

    async def settle(self) -> None:
        """Let every batch have its position."""
        await settle_position(self.database)

    async def clear_marks(self) -> None:
        """Let the next run examine everything."""

        async def work(connection: Any) -> None:
            await connection.execute(delete(retention_marks))

        await self.database.write(work, name="nothing")

    async def expire(self, name: str) -> None:
        """Let a lease end, as it would some seconds after its holder was killed."""

        async def work(connection: Any) -> None:
            await connection.execute(update(leases).where(leases.c.name == name).values(expires_at=0))

        await self.database.write(work, name="nothing")
