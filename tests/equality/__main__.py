"""The longer run: `python -m tests.equality --documents 50000`, on every core, on both databases.

Each seed stands for 250 documents and one kind of store, and says so when it is done.
"""

import asyncio
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from multiprocessing import get_context
from typing import Annotated

import typer

from storage.engine import Database
from storage.revisions import migrate
from tests.databases import MariaServer
from tests.equality.jobs import Finding, Job, do_job, prepare_process
from tests.equality.stores import write_history

DOCUMENTS = 50_000
_PER_JOB = 250
_SEEDS = 10**9

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def equality(
    documents: Annotated[int, typer.Option(min=1, help="How many documents to ask.")] = DOCUMENTS,
    seed: Annotated[int | None, typer.Option(help="The first seed; left out: another one each time.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; left out: one per core.")] = None,
    mariadb: Annotated[bool, typer.Option(help="Whether a share of the documents goes to MariaDB.")] = True,
) -> None:
    """Ask generated documents of both executors, and print how they differ.

    Ends with 1 when they do. One in three jobs looks at damaged rows, one in eight at MariaDB.
    """
    first = secrets.randbelow(_SEEDS) if seed is None else seed
    typer.echo(f"{documents} documents from seed {first}")
    with ExitStack() as stack:
        url = _mariadb_url(stack) if mariadb else None
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="timeloom-equality-"))
        findings = list(_run(list(_jobs(documents, first, url, directory)), workers or os.cpu_count() or 1))
    failed = [finding for finding in findings if finding.difference is not None]
    for finding in failed:
        typer.echo(f"\n{finding.job.kind}: {finding.difference}")
    typer.echo(
        f"{sum(finding.tally.documents for finding in findings)} documents, {len(failed)} seeds with a difference"
    )
    sys.exit(1 if failed else 0)


def _jobs(documents: int, first: int, url: str | None, directory: str) -> Iterator[Job]:
    for number, start in enumerate(range(0, documents, _PER_JOB)):
        count = min(_PER_JOB, documents - start)
        if url and number % 8 == 7:
            yield Job(first + number, count, "mariadb", url)
        else:
            yield Job(first + number, count, "damaged" if number % 3 == 2 else "plain", directory)


def _run(jobs: list[Job], workers: int) -> Iterator[Finding]:
    began = time.monotonic()
    done = 0
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=prepare_process) as pool:
        futures: list[Future[Finding]] = [pool.submit(do_job, job) for job in jobs]
        for future in as_completed(futures):
            finding = future.result()
            done += finding.tally.documents
            minutes, seconds = divmod(int(time.monotonic() - began), 60)
            outcome = "DIFFERENT" if finding.difference else f"{finding.tally.with_errors} with errors"
            typer.echo(f"{minutes:3d}:{seconds:02d} {done:6d}  seed {finding.job.seed} {finding.job.kind}: {outcome}")
            yield finding


def _mariadb_url(stack: ExitStack) -> str:
    server = stack.enter_context(MariaServer())
    server.create_database("equality")
    url = server.url("aiomysql", "equality")
    migrate(url)
    asyncio.run(_fill(url))
    return url


async def _fill(url: str) -> None:
    database = await Database.open(url)
    try:
        await write_history(database)
    finally:
        await database.close()


if __name__ == "__main__":
    app()
