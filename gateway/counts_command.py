"""The commands `timeloom counts verify | rebuild`."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from gateway.app import database_options
from gateway.settings import Settings, SettingsError, load_settings
from storage.count_checks import CheckedPeriod, CountMender, Drift, check_counts
from storage.engine import Database
from storage.errors import StorageBusyError
from storage.leases import LeaseLostError
from storage.times import MICROSECONDS_PER_MINUTE, format_rfc3339, parse_rfc3339

_SHOWN = 20

counts = typer.Typer(
    name="counts",
    help="Compare the counts with the rows, and mend them.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)

SinceOption = Annotated[
    str | None, typer.Option(metavar="TIME", help="Only from this RFC 3339 time on; its minute counts as a whole.")
]
UntilOption = Annotated[
    str | None, typer.Option(metavar="TIME", help="Only before this RFC 3339 time; its minute counts as a whole.")
]
DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database", metavar="URL", help="Where events are stored: SQLAlchemy's URL (TIMELOOM_DATABASE_URL)."
    ),
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="A TOML file with settings (TIMELOOM_CONFIG).")
]


@counts.command()
def verify(
    since: SinceOption = None,
    until: UntilOption = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
) -> None:
    """Compare the counts of each hour with the rows, and the coarser counts with the finer; change nothing.

    The gateways may go on working meanwhile. The exit code is 1 when a count is wrong.

    Examples:

        timeloom counts verify

        timeloom counts verify --since 2026-11-01T00:00:00Z --until 2026-11-02T00:00:00Z
    """
    settings = load_settings({"database_url": database}, config=config).settings
    found = asyncio.run(_check(settings, _to_period(since, until), mending=False))
    if found:
        _show(found)
        typer.echo(f"wrong counts: {len(found):,}; `timeloom counts rebuild` mends them", err=True)
        raise typer.Exit(1)
    typer.echo("the counts agree with the rows")


@counts.command()
def rebuild(
    since: SinceOption = None,
    until: UntilOption = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
) -> None:
    """Compare like `verify`, and add to each count what it lacks. The gateways may go on working meanwhile.

    It can be broken off and begun again at any time. Whoever can tell why a count was wrong should: it should not be.

    Examples:

        timeloom counts rebuild

        timeloom counts rebuild --since 2026-11-01T00:00:00Z
    """
    settings = load_settings({"database_url": database}, config=config).settings
    found = asyncio.run(_check(settings, _to_period(since, until), mending=True))
    _show(found)
    told = f"mended {len(found):,} of the counts" if found else "the counts agree with the rows; nothing was changed"
    typer.echo(told)


async def _check(settings: Settings, period: CheckedPeriod, *, mending: bool) -> list[Drift]:
    found: list[Drift] = []
    store = await Database.open(settings.database_url, database_options(settings))
    mender = CountMender(store)

    async def take(drifts: list[Drift]) -> None:
        found.extend(drifts)
        if mending:
            await mender.mend(drifts)

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    try:
        if mending and not await mender.begin():
            raise StorageBusyError("another `timeloom counts rebuild` is under way; wait a minute after it was stopped")
        with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
            bar = progress.add_task("counts", total=None)
            await check_counts(
                store, period, take, progress=lambda done, total: progress.update(bar, completed=done, total=total)
            )
        if mending:
            await mender.end()
    except LeaseLostError:
        raise StorageBusyError(
            "another `timeloom counts rebuild` took over; what was mended until then stays"
        ) from None
    finally:
        await store.close()
    return found


def _show(found: list[Drift]) -> None:
    for drift in found[:_SHOWN]:
        when = "total" if drift.minute is None else format_rfc3339(drift.minute * MICROSECONDS_PER_MINUTE)
        what = f"audience {drift.audience_key}" + (f", {drift.event_type}" if drift.event_type is not None else "")
        numbers = f"{drift.event_rows:+,} rows, {drift.occurrences:+,} occurrences"
        typer.echo(f"{drift.table.value} {when}, {what}: lacks {numbers}")
    if len(found) > _SHOWN:
        typer.echo(f"... and {len(found) - _SHOWN:,} more")


def _to_period(since: str | None, until: str | None) -> CheckedPeriod:
    first, last = _to_minute(since, "--since"), _to_minute(until, "--until")
    if first is not None and last is not None and first > last:
        raise SettingsError("--since lies after --until: give an earlier time, or leave one of them out")
    return CheckedPeriod(first, None if last is None else last + 1)


def _to_minute(text: str | None, name: str) -> int | None:
    try:
        return None if text is None else parse_rfc3339(text) // MICROSECONDS_PER_MINUTE
    except ValueError as error:
        raise SettingsError(f"{name}: {error}") from None
