"""Jobs of the longer run: the documents of one seed on one kind of store, done in a process of a pool."""

import asyncio
import os
from functools import cache
from pathlib import Path
from typing import NamedTuple

import structlog
from graphql import GraphQLSchema

from gateway.schema import build_schema
from tests.equality.damage import draw_damages
from tests.equality.gateways import serve_pair
from tests.equality.runs import Run, Tally
from tests.equality.stores import Stores, Templates


class Job(NamedTuple):
    """The documents of one seed on one kind of store; `place`: the directory for copies, or MariaDB's URL."""

    seed: int
    documents: int
    kind: str
    place: str


class Finding(NamedTuple):
    """What came of a job; `difference`: how the executors differ."""

    job: Job
    tally: Tally
    difference: str | None


def prepare_process() -> None:
    """Let only errors be logged: progress is printed between the lines."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("error"))


def do_job(job: Job) -> Finding:
    """Ask the documents of a job; the stores are copies, except for MariaDB's."""
    if job.kind == "mariadb":
        return asyncio.run(_ask(job, Stores(job.place, job.place)))
    templates = _templates(job.place)
    stores = templates.copies(draw_damages(job.seed) if job.kind == "damaged" else ())
    try:
        return asyncio.run(_ask(job, stores))
    finally:
        templates.remove(stores)


async def _ask(job: Job, stores: Stores) -> Finding:
    async with serve_pair(stores) as pair:
        run = Run(pair, _schema(), seed=job.seed, new_events=stores.take_new_events)
        difference = await run.find_difference(job.documents)
    return Finding(job, run.tally, None if difference is None else str(difference))


@cache
def _schema() -> GraphQLSchema:
    return build_schema()._schema


@cache
def _templates(directory: str) -> Templates:
    own = Path(directory) / str(os.getpid())
    own.mkdir()
    return Templates(own)
