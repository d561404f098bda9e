"""The command `timeloom demo`: loads a history, and says what in it is worth a look."""

import asyncio
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from gateway.context import Clock
from gateway.demo.draws import HOUR
from gateway.demo.history import SPAN, tell_history
from gateway.demo.loader import LoadReport, find_earlier_end, has_events, load_history
from gateway.demo.showcase import describe_exhibits
from gateway.settings import Settings, load_settings
from mutations.ingest import IngestOutcome
from storage.engine import Database
from storage.revisions import migrate
from storage.times import LATEST, format_rfc3339, now_micros, parse_rfc3339

MOST_EVENTS = 10_000_000
DEFAULT_EVENTS = 50_000
DEFAULT_SEED = 1
NOW = "now"


def demo(
    events: Annotated[int, typer.Option(min=1, max=MOST_EVENTS, help="How many events to write.")] = DEFAULT_EVENTS,
    seed: Annotated[
        int, typer.Option(min=0, help="The same seed, number and end give the same events, ids included.")
    ] = DEFAULT_SEED,
    database: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Where events are stored: SQLAlchemy's URL (TIMELOOM_DATABASE_URL)."),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="When the two weeks of history end: an RFC 3339 time, or `now`. Left out: where the demo history that "
            "is already there ends, else the last full hour.",
        ),
    ] = None,
    if_empty: Annotated[bool, typer.Option("--if-empty", help="Do nothing when the store holds any event.")] = False,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A TOML file with settings (TIMELOOM_CONFIG).")
    ] = None,
) -> None:
    """Write a made-up history of four systems: a cluster, a sync log, an API server and edge agents.

    It goes through the same ingest code as all events. Run again it does no harm: what is there already is a duplicate.

    Examples:

        timeloom demo

        timeloom demo --events 1000000 --database mariadb+aiomysql://timeloom:secret@db/timeloom
    """
    settings = load_settings({"database_url": database}, config=config).settings
    end = None if until is None else (_parse_until(until) or now_micros())
    report = asyncio.run(run_demo(settings, events=events, seed=seed, until=end, if_empty=if_empty))
    if report is not None and report.refused:
        typer.echo(f"timeloom: {report.refused:,} events were not taken: {report.first_problem}", err=True)
        raise typer.Exit(1)


async def run_demo(
    settings: Settings,
    *,
    events: int,
    seed: int,
    until: int | None = None,
    if_empty: bool = False,
    clock: Clock = now_micros,
) -> LoadReport | None:
    """Load the history into the store of the settings and print what to look at; give None when nothing was to do.

    `until` is in microseconds since 1970. An embedded SQLite store is migrated first. Raises StorageError, which is
    RevisionError when a server's database lacks a migration.
    """
    report = None
    if settings.database_url.startswith("sqlite"):
        await asyncio.to_thread(migrate, settings.database_url)
    store = await Database.open(settings.database_url)
    try:
        if if_empty and await has_events(store):
            typer.echo("The store already holds events; nothing was added.")
        else:
            # The earlier history again, if there is one: then the same command twice adds nothing.
            end = until or await find_earlier_end(store) or clock() // HOUR * HOUR
            report = await _load(store, events=events, seed=seed, until=end, clock=clock)
    finally:
        await store.close()
    typer.echo("\nWorth a look, once `timeloom serve` runs:\n")
    for line in describe_exhibits(f"http://{settings.host}:{settings.port}"):
        typer.echo(line)
    typer.echo("")
    return report


def _parse_until(text: str) -> int | None:
    """Give the microseconds of an RFC 3339 time, None for `now`."""
    if text == NOW:
        return None
    try:
        moment = parse_rfc3339(text)
    except ValueError as error:
        raise typer.BadParameter(f"--until: {error}, or {NOW}") from error
    if not SPAN <= moment <= LATEST:
        raise typer.BadParameter("--until: two weeks before it the year must be 1970 or later, and it 9999 at most")
    return moment


async def _load(store: Database, *, events: int, seed: int, until: int, clock: Clock) -> LoadReport:
    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("events"), _RateColumn(), TimeRemainingColumn())
    started = time.monotonic()
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("events", total=events)
        report = await load_history(
            store,
            tell_history(events, seed=seed, until=until),
            clock=clock,
            advance=lambda count: progress.advance(bar, count),
        )
    _summarise(report, seconds=time.monotonic() - started, until=until)
    return report


def _summarise(report: LoadReport, *, seconds: float, until: int) -> None:
    total = report.outcomes.total()
    accepted = report.outcomes[IngestOutcome.ACCEPTED]
    duplicates = report.outcomes[IngestOutcome.DUPLICATE]
    rate = total / seconds if seconds else 0.0
    typer.echo(
        f"Wrote {accepted:,} events in {seconds:.1f} s ({rate:,.0f} per second); {duplicates:,} were there already. "
        f"The history ends at {format_rfc3339(until)}."
    )


class _RateColumn(ProgressColumn):
    """Events per second, lately."""

    def render(self, task: Task) -> Text:
        """Give the text of the column."""
        speed = task.speed or task.finished_speed
        return Text(f"{speed:,.0f}/s" if speed else "-", style="progress.data.speed")
