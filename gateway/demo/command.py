"""The command `timeloom demo`: loads a history, and says what in it is worth a look."""

import asyncio
import time
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from gateway.context import Clock
from gateway.demo.draws import HOUR
from gateway.demo.history import tell_history
from gateway.demo.loader import LoadReport, find_earlier_end, has_events, load_history
from gateway.demo.showcase import describe_exhibits
from gateway.settings import Settings, SettingsError, load_settings
from mutations.ingest import IngestOutcome
from storage.engine import Database
from storage.errors import StorageError
from storage.revisions import migrate
from storage.times import format_rfc3339, now_micros, parse_rfc3339

MOST_EVENTS = 10_000_000
DEFAULT_EVENTS = 50_000
DEFAULT_SEED = 1


class DemoError(Exception):
    """The demo cannot be loaded as asked for; the text says what to change."""


def demo(
    events: Annotated[int, typer.Option(min=1, max=MOST_EVENTS, help="How many events to write.")] = DEFAULT_EVENTS,
    seed: Annotated[
        int, typer.Option(min=0, help="The same seed, number and end give the same events, ids included.")
    ] = DEFAULT_SEED,
    database: Annotated[
        str | None, typer.Option(help="Where to, as an SQLAlchemy URL; left out: TIMELOOM_DATABASE_URL.")
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            metavar="TIME|now",
            help="When the two weeks of history end (RFC 3339). Left out: where the demo history that is already there "
            "ends, else the last full hour.",
        ),
    ] = None,
    if_empty: Annotated[bool, typer.Option("--if-empty", help="Do nothing when the store holds any event.")] = False,
) -> None:
    """Write a made-up history of four systems: a cluster, a sync log, an API server and edge agents.

    Run again it does no harm: events that are there already are duplicates.
    """
    try:
        settings = load_settings({"database_url": database}).settings
        asyncio.run(run_demo(settings, events=events, seed=seed, until=until, if_empty=if_empty))
    except (DemoError, SettingsError, StorageError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


async def run_demo(
    settings: Settings,
    *,
    events: int,
    seed: int,
    until: str | None = None,
    if_empty: bool = False,
    clock: Clock = now_micros,
) -> None:
    """Load the history into the store of the settings and print what to look at.

    An embedded SQLite store is migrated first. Raises DemoError, and StorageError (RevisionError when a server's
    database lacks a migration).
    """
    if settings.database_url.startswith("sqlite"):
        await asyncio.to_thread(migrate, settings.database_url)
    store = await Database.open(settings.database_url)
    try:
        if if_empty and await has_events(store):
            typer.echo("The store already holds events; nothing was added.")
        else:
            await _load(store, events=events, seed=seed, until=until, clock=clock)
    finally:
        await store.close()
    typer.echo("\nWorth a look, once `timeloom serve` runs:\n")
    for line in describe_exhibits(f"http://{settings.host}:{settings.port}"):
        typer.echo(line)
    typer.echo("")


async def _load(store: Database, *, events: int, seed: int, until: str | None, clock: Clock) -> None:
    end = await _find_end(store, until, clock)
    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("events"), _RateColumn(), TimeRemainingColumn())
    started = time.monotonic()
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("events", total=events)
        report = await load_history(
            store,
            tell_history(events, seed=seed, until=end),
            clock=clock,
            advance=lambda count: progress.advance(bar, count),
        )
    _summarise(report, seconds=time.monotonic() - started, end=end)


async def _find_end(store: Database, until: str | None, clock: Clock) -> int:
    now = clock()
    if until == "now":
        return now
    if until is None:
        # The earlier history again, if there is one: then the same command twice adds nothing.
        return await find_earlier_end(store) or now - now % HOUR
    try:
        return parse_rfc3339(until)
    except ValueError as error:
        raise DemoError(f"--until: {error}") from error


def _summarise(report: LoadReport, *, seconds: float, end: int) -> None:
    total = report.outcomes.total()
    accepted = report.outcomes[IngestOutcome.ACCEPTED]
    duplicates = report.outcomes[IngestOutcome.DUPLICATE]
    rate = total / seconds if seconds else 0.0
    typer.echo(
        f"Wrote {accepted:,} events in {seconds:.1f} s ({rate:,.0f} per second); {duplicates:,} were there already. "
        f"The history ends at {format_rfc3339(end)}."
    )
    if report.refused:
        raise DemoError(f"{report.refused:,} events were not taken, the first one because: {report.first_problem}")


class _RateColumn(ProgressColumn):
    """Events per second, lately."""

    def render(self, task: Task) -> Text:
        """Give the text of the column."""
        speed = task.speed or task.finished_speed
        return Text(f"{speed:,.0f}/s" if speed else "-", style="progress.data.speed")
