"""Jobs of the longer run: the documents of one seed on a store of their own, done in a process of a pool."""

import asyncio
from pathlib import Path

from gateway.schema import build_schema
from storage.engine import Database
from storage.revisions import migrate
from tests.equality.gateways import silent_logs
from tests.equality.stores import write_history
from tests.fuzz.runs import Run, uncollected
from tests.gateway.serving import serve_in_process

DOCUMENTS_PER_SEED = 1_000


def find_failure(seed: int, directory: str) -> str | None:
    """Ask the documents of a seed; give the first wrong answer, if there is one."""
    path = Path(directory) / f"{seed}.db"
    url = f"sqlite+aiosqlite:///{path}"
    try:
        migrate(url)
        with silent_logs(), uncollected():
            return asyncio.run(_ask(seed, url))
    finally:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)


async def _ask(seed: int, url: str) -> str | None:
    database = await Database.open(url)
    await write_history(database)
    await database.close()
    async with serve_in_process(url) as client:
        return await Run(build_schema()._schema, seed=seed).find_failure(client, DOCUMENTS_PER_SEED)
