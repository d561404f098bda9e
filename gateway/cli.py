"""The command line: `timeloom`. An error is one sentence on standard error that names what to change."""

import asyncio
import sys
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from gateway.app import database_options
from gateway.archive_command import archive
from gateway.counts_command import counts
from gateway.deletion_commands import delete, forget, prune
from gateway.demo.command import demo
from gateway.export import export
from gateway.schema import schema_text
from gateway.server import require_loopback
from gateway.server import serve as run_server
from gateway.settings import Settings, SettingsError, load_settings
from gateway.settings_report import mask_secrets, to_environment, to_json, to_markdown, to_table
from gateway.type_registries import declared_types
from gateway.version import VERSION
from mutations.archives import Archive
from mutations.errors import ArchiveError, MutationError
from storage.engine import Database, parse_url
from storage.errors import RevisionError, StorageError, StorageUnavailableError
from storage.revisions import current_revision, head_revision
from storage.revisions import migrate as migrate_database
from storage.store_ids import require_same_store

app = typer.Typer(
    name="timeloom",
    help="Timeloom: a GraphQL gateway over event storage.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)

DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database", metavar="URL", help="Where events are stored: SQLAlchemy's URL (TIMELOOM_DATABASE_URL)."
    ),
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="A TOML file with settings (TIMELOOM_CONFIG).")
]


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"timeloom {VERSION}")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


@app.command(rich_help_panel="Run")
def serve(
    database: DatabaseOption = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on (TIMELOOM_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one (TIMELOOM_PORT).")] = None,
    workers: Annotated[int | None, typer.Option(help="Server processes (TIMELOOM_WORKERS).")] = None,
    insecure: Annotated[
        bool | None, typer.Option("--insecure", help="No authentication is meant (TIMELOOM_INSECURE).")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Serve GraphQL, GraphiQL, health and metrics.

    Without authentication everyone who reaches the server is an administrator, so it listens on loopback only.
    An SQLite store is made and migrated by itself; MariaDB is migrated by `timeloom migrate`.

    Examples:

        timeloom serve

        timeloom serve --database mariadb+aiomysql://timeloom:secret@db/timeloom --port 9000 --workers 4
    """
    flags = {"database_url": database, "host": host, "port": port, "workers": workers, "insecure": insecure}
    settings = load_settings(flags, config=config).settings
    require_loopback(settings)
    declared_types(settings)
    parse_url(settings.database_url)
    if settings.removal_database_url:
        parse_url(settings.removal_database_url)
    try:
        _ = settings.archive_url and Archive(settings.archive_url)
    except ArchiveError as error:
        raise SettingsError(str(error)) from None
    _prepare_database(settings.database_url)
    if settings.removal_database_url:
        asyncio.run(_check_removals(settings))
    raise typer.Exit(run_server(settings))


@app.command(rich_help_panel="Run")
def migrate(database: DatabaseOption = None, config: ConfigOption = None) -> None:
    """Bring the database to the schema revision of this program.

    A database that has it is left alone. Gateways of the revision before go on working meanwhile or refuse to start;
    none of them damages anything.

    Examples:

        timeloom migrate

        timeloom migrate --database mariadb+aiomysql://timeloom:secret@db/timeloom
    """
    settings = load_settings({"database_url": database}, config=config).settings
    parse_url(settings.database_url)
    revision = migrate_database(settings.database_url, lambda sentence: typer.echo(sentence, err=True))
    typer.echo(f"{mask_secrets(settings.database_url)}: schema revision {revision}")


@app.command(rich_help_panel="Look")
def settings(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="The defaults, for docs/settings.md.")] = False,
    as_environment: Annotated[
        bool, typer.Option("--environment", help="The defaults, as deploy/timeloom.env.example.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Show every setting: its value, where it comes from and what it means. Passwords are not shown.

    Examples:

        timeloom settings

        TIMELOOM_PORT=9000 timeloom settings --json

        timeloom settings --environment > timeloom.env
    """
    if as_markdown or as_environment:
        typer.echo(to_markdown() if as_markdown else to_environment(), nl=False)
        return
    loaded = load_settings(config=config)
    declared_types(loaded.settings)
    if as_json:
        typer.echo(to_json(loaded))
    else:
        Console(width=None if sys.stdout.isatty() else 160).print(to_table(loaded))


@app.command(rich_help_panel="Look")
def schema() -> None:
    """Print the GraphQL schema, as in schema.graphql.

    Example:

        timeloom schema > schema.graphql
    """
    typer.echo(schema_text(), nl=False)


app.command(rich_help_panel="Run")(demo)
app.command(rich_help_panel="Look")(export)
for _command in (delete, forget, prune):
    app.command(rich_help_panel="Remove")(_command)
app.add_typer(archive, rich_help_panel="Run")
app.add_typer(counts, rich_help_panel="Look")


def main() -> None:
    """Run the command line: exit code 0 done, 1 failed, 2 wrong settings or arguments, 3 database not usable."""
    try:
        app()
    except SettingsError as error:
        _fail(str(error), 2)
    except RevisionError as error:
        _fail(str(error), 3)
    except StorageError as error:
        _fail(f"{error} (--database, TIMELOOM_DATABASE_URL)", 3)
    except MutationError as error:
        _fail(str(error), 1)


def _prepare_database(url: str) -> None:
    """Migrate an embedded store; refuse a server's that has another revision. Raises StorageError."""
    if url.startswith("sqlite"):
        migrate_database(url)
        return
    try:
        found = current_revision(url)
    except StorageUnavailableError as error:
        # It may come up later: until then /readyz says what is missing, and queries fail with UNAVAILABLE.
        typer.echo(f"timeloom: the database cannot be reached yet, serving all the same: {error}", err=True)
        return
    if found != head_revision():
        has = f"schema revision {found}" if found else "no Timeloom tables yet"
        raise RevisionError(
            f"the database has {has}, this program needs {head_revision()}: "
            f"run `timeloom migrate --database {mask_secrets(url)}`"
        )


async def _check_removals(settings: Settings) -> None:
    """Refuse to take events away from another store; what cannot be reached now is looked at again before."""
    async with AsyncExitStack() as opened:
        databases = []
        for url in (settings.database_url, settings.removal_database_url):
            databases.append(await Database.open(url, database_options(settings), check_revision=False))
            opened.push_async_callback(databases[-1].close)
        with suppress(StorageUnavailableError):
            await require_same_store(*databases, setting="TIMELOOM_REMOVAL_DATABASE_URL")


def _fail(message: str, code: int) -> None:
    typer.echo(f"timeloom: {message}", err=True)
    raise SystemExit(code)
