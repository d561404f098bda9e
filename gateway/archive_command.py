"""The commands `timeloom archive list | verify | restore`."""

import asyncio
import getpass
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from gateway.app import database_options
from gateway.asking import is_agreed
from gateway.settings import Settings, SettingsError, load_settings
from mutations.archive_files import ArchivedFile
from mutations.archives import Archive
from mutations.errors import ArchiveDamagedError, MutationError
from mutations.restoring import Progress as Advance
from mutations.restoring import Restore, RestoreSelection
from storage.engine import Database
from storage.times import now_micros, parse_rfc3339

archive = typer.Typer(
    name="archive",
    help="Look after archived events: list them, verify them, restore them.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)

UrlOption = Annotated[
    str | None,
    typer.Option(
        "--url", metavar="URL", help="Where the archive is: a directory or fsspec URL (TIMELOOM_ARCHIVE_URL)."
    ),
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="A TOML file with settings (TIMELOOM_CONFIG).")
]


@archive.command("list")
def list_files(
    url: UrlOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: the manifests.")] = False,
    config: ConfigOption = None,
) -> None:
    """Show the files of the archive: period, events, size, policy, and what is wrong with those that are not whole.

    Files are not read, only their manifests: `timeloom archive verify` reads.

    Examples:

        timeloom archive list

        timeloom archive list --url s3://bucket/timeloom --json
    """
    kept, _ = _open(url, config)
    files = kept.files()
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode([file._asdict() for file in files]), indent=2).decode())
        return
    Console(width=None if sys.stdout.isatty() else 160).print(_to_table(files))
    events = sum(file.manifest.counts.events for file in files if file.manifest and not file.problem)
    typer.echo(f"{len(files):,} files, {events:,} events, {decimal(sum(file.size for file in files))}")


@archive.command()
def verify(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[FILE]...", help="Names as `list` shows them; left out: all.")
    ] = None,
    url: UrlOption = None,
    deep: Annotated[bool, typer.Option("--deep", help="Read each event too, not only bytes and lines.")] = False,
    config: ConfigOption = None,
) -> None:
    """Read files and compare them with their manifests: checksum and number of lines.

    The exit code is 1 when one is damaged or missing. A file without a manifest was left by an interruption: it is no
    part of the archive, and no damage.

    Examples:

        timeloom archive verify

        timeloom archive verify --deep 2026/11/22/019aa0b2-9f7e-7a31-8c55-0d1f2e3a4b5c.jsonl.zst
    """
    kept, _ = _open(url, config)
    files = _choose(kept, names or [])
    damaged = 0
    with _progress(sum(file.size for file in files)) as advance:
        for file in files:
            try:
                kept.verify(file, deep=deep)
            except ArchiveDamagedError as error:
                damaged += 1
                typer.echo(f"timeloom: {error}", err=True)
            advance(file.size)
    typer.echo(f"{len(files) - damaged:,} files are whole, {damaged:,} are damaged")
    if damaged:
        raise typer.Exit(1)


@archive.command()
def restore(
    files: Annotated[
        list[str] | None, typer.Argument(metavar="[FILE]...", help="Names as `list` shows them; left out: all.")
    ] = None,
    url: UrlOption = None,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="Only events from this RFC 3339 time on.")] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Only events before this RFC 3339 time.")] = None,
    namespace: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only events of this namespace.")] = None,
    event_type: Annotated[list[str] | None, typer.Option(metavar="TYPE", help="Only events of this type.")] = None,
    object_: Annotated[
        list[str] | None, typer.Option("--object", metavar="TYPE/ID", help="Only events that touch this object.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say how many would come back, and write nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    database: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Where events are stored; left out: TIMELOOM_REMOVAL_DATABASE_URL, else TIMELOOM_DATABASE_URL.",
        ),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Put archived events back under their ids. They are marked as restored, and age from now on.

    What is stored already is left alone, so a restore that broke off is simply run again. A damaged file is refused
    before anything is written. Options that may be given several times: any of the values.

    Examples:

        timeloom archive restore --since 2026-05-01T00:00:00Z --until 2026-06-01T00:00:00Z --dry-run

        timeloom archive restore --namespace payments --object instance/i-7f3a --yes
    """
    kept, settings = _open(url, config, database)
    selection = RestoreSelection(
        since=_to_time(since, "--since"),
        until=_to_time(until, "--until"),
        namespaces=tuple(namespace or ()),
        event_types=tuple(event_type or ()),
        objects=tuple(_to_object(text) for text in object_ or ()),
        files=tuple(files or ()),
    )
    if selection.since is not None and selection.until is not None and selection.since > selection.until:
        raise SettingsError("--since is after --until: no event is selected")
    if not (dry_run or yes or sys.stdin.isatty()):
        raise SettingsError("restore asks before it writes: pass --yes, or --dry-run to see how many would come back")
    target = database or settings.removal_database_url or settings.database_url
    asyncio.run(_restore(settings, target, kept, selection, dry_run=dry_run, yes=yes))


async def _restore(
    settings: Settings, target: str, kept: Archive, selection: RestoreSelection, *, dry_run: bool, yes: bool
) -> None:
    store = await Database.open(target, database_options(settings))
    try:
        work = Restore(store, kept, selection, now=now_micros())
        await work.choose()
        total = sum(file.size for file in work.files)
        with _progress(2 * total) as advance:
            await work.prepare(advance)
            question = f"Restore from {len(work.files):,} files, {work.selected:,} events?"
            if not (dry_run or yes or is_agreed(question)):
                raise typer.Abort
            report = await work.run(advance, actor=getpass.getuser(), dry_run=dry_run)
    finally:
        await store.close()
    verb = "would come back" if dry_run else "came back"
    typer.echo(f"{report.restored:,} events {verb} from {report.files:,} files; {report.present:,} are stored already")


def _open(url: str | None, config: Path | None, database: str | None = None) -> tuple[Archive, Settings]:
    settings = load_settings({"archive_url": url, "database_url": database}, config=config).settings
    if not settings.archive_url:
        raise SettingsError("no archive is named: pass --url or set TIMELOOM_ARCHIVE_URL")
    return Archive(settings.archive_url), settings


def _choose(kept: Archive, names: Sequence[str]) -> list[ArchivedFile]:
    files = kept.files()
    missing = sorted(set(names) - {file.name for file in files})
    if missing:
        raise MutationError(f"the archive has no file {missing[0]}: `timeloom archive list` shows all that it has")
    return [file for file in files if file.name in names or not (names or file.unfinished)]


def _to_table(files: Sequence[ArchivedFile]) -> Table:
    table = Table(pad_edge=False, box=None)
    for heading in ("file", "oldest", "newest", "policy", "state"):
        table.add_column(heading, overflow="fold")
    for heading in ("events", "size"):
        table.add_column(heading, justify="right")
    for file in files:
        about = file.manifest
        period = (about.period.oldest, about.period.newest) if about else ("", "")
        policy, events = (about.policy.name, f"{about.counts.events:,}") if about else ("", "")
        state = "unfinished" if file.unfinished else file.problem or "complete"
        table.add_row(file.name, *period, policy, state, events, decimal(file.size))
    return table


@contextmanager
def _progress(total: int) -> Iterator[Advance]:
    console = Console(stderr=True)
    columns = (BarColumn(), DownloadColumn(), TextColumn("of the archive"), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("files", total=total)
        yield lambda size: progress.advance(bar, size)


def _to_time(text: str | None, name: str) -> int | None:
    try:
        return None if text is None else parse_rfc3339(text)
    except ValueError as error:
        raise SettingsError(f"{name}: {error}") from None


def _to_object(text: str) -> tuple[str, str]:
    object_type, slash, object_id = text.partition("/")
    if not (object_type and slash and object_id):
        raise SettingsError(f"--object: '{text}' names no object; write TYPE/ID, such as instance/i-7f3a")
    return object_type, object_id
