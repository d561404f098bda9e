"""The longer run: `python -m tests.fuzz`, or `make test-fuzz`. SQLite only; another seed each time."""

import os
import secrets
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from multiprocessing import get_context
from typing import Annotated

import typer

from tests.fuzz.jobs import DOCUMENTS_PER_SEED, find_failure

DOCUMENTS = 100_000
_SEEDS = 10**9

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def fuzz(
    documents: Annotated[
        int, typer.Option(min=DOCUMENTS_PER_SEED, help="How many documents to ask, in thousands.")
    ] = DOCUMENTS,
    seed: Annotated[int | None, typer.Option(help="The first seed; left out: another one each time.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; left out: one per core.")] = None,
) -> None:
    """Ask generated documents, and print the smallest that have wrong answers. Ends with 1 when there are any."""
    first = secrets.randbelow(_SEEDS) if seed is None else seed
    seeds = range(first, first + documents // DOCUMENTS_PER_SEED)
    typer.echo(f"{len(seeds) * DOCUMENTS_PER_SEED} documents from seed {first}")
    with tempfile.TemporaryDirectory(prefix="timeloom-fuzz-") as directory:
        failures = list(_run(seeds, directory, workers or os.cpu_count() or 1))
    typer.echo(f"{len(failures)} of {len(seeds)} seeds have a wrong answer")
    sys.exit(1 if failures else 0)


def _run(seeds: range, directory: str, workers: int) -> Iterator[str]:
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        findings = pool.map(find_failure, seeds, repeat(directory))
        for number, (seed, failure) in enumerate(zip(seeds, findings, strict=True), start=1):
            typer.echo(f"{number * DOCUMENTS_PER_SEED:7d}  seed {seed}: {failure or 'in order'}")
            if failure is not None:
                yield failure


if __name__ == "__main__":
    app()
