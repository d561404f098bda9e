"""The commands `timeloom delete`, `prune` and `forget`: counted, shown, asked for, then carried out (HZ2, HZ3, HZ5).

They go the way of every deletion (mutations/deletions.py), in the database itself: what is left when one of them is
killed, a gateway finishes.
"""

import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from gateway.app import database_options
from gateway.asking import is_agreed
from gateway.settings import Settings, SettingsError, load_settings
from mutations.deletion_worker import DeletionWorker
from mutations.deletions import (
    MOST_REASON_CHARACTERS,
    DeletionRequest,
    cancel_deletion,
    confirm_deletion,
    preview_deletion,
)
from mutations.errors import ConfirmationStaleError, InvalidInputError, MutationError
from mutations.registrations import require_source
from mutations.selections import OBJECT, Selection, require_object
from storage.deletions import UNFINISHED, DeletionRecord, DeletionState, fetch_deletion
from storage.engine import Database
from storage.errors import SelectorError
from storage.reads import fetch_events
from storage.records import EventKey, ObjectRecord
from storage.registrations import fetch_prunable_registrations
from storage.scopes import EVERYTHING
from storage.selector_text import parse_selector
from storage.selectors import EventField, Selector, all_of, equals_any
from storage.severities import Severity
from storage.store_ids import require_same_store
from storage.times import format_rfc3339, now_micros

_LOOK_SECONDS = 0.2
_SHOWN_CHARACTERS = 60

DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Count and show what would go, and delete nothing.")]
ForceOption = Annotated[bool, typer.Option("--force", "--yes", "-f", help="Delete without asking.")]
ReasonOption = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why, for the audit event.")]
JsonOption = Annotated[bool, typer.Option("--json", help="For programs: how it ended, as one JSON object.")]
NamespaceOption = Annotated[
    str | None,
    typer.Option("--namespace", metavar="NAME", help="Its namespace; left out: TIMELOOM_HOME_NAMESPACE."),
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


class _Way(NamedTuple):
    """How a deletion is asked for on the command line."""

    dry_run: bool
    force: bool
    as_json: bool
    reason: str | None


_Choose = Callable[[Database], Awaitable[tuple[Selection, dict[str, Any]]]]
"""Gives what is to go, and how that is written down."""


def delete(
    select: Annotated[
        list[str] | None,
        typer.Option(
            "--select",
            "-s",
            metavar="SELECTOR",
            help="Events like this: attribute=value; of several all must hold.",
        ),
    ] = None,
    namespace: Annotated[
        str | None, typer.Option("--namespace", metavar="NAME", help="Only events of this namespace.")
    ] = None,
    everything: Annotated[bool, typer.Option("--everything", help="Instead of a selector: every event.")] = False,
    reason: ReasonOption = None,
    dry_run: DryRunOption = False,
    force: ForceOption = False,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
    config: ConfigOption = None,
) -> None:
    """Delete events by selectors: it counts, shows the ten newest, asks, deletes, and says how many.

    What is stored after the count stays. Events of the namespace `timeloom` go only with `--namespace timeloom`.

    Examples:

        timeloom delete -s event_type=usage -s 'timestamp<2026-01-01T00:00:00Z' --dry-run

        timeloom delete -s source=host-7 --namespace lab --reason 'host is gone' --force
    """
    settings = load_settings({"database_url": database}, config=config).settings
    selector = _selector(select or [], namespace, everything=everything)
    shown: dict[str, Any] = {"selectors": select} if select else {}
    shown |= {} if namespace is None else {"namespaces": [namespace]}

    async def choose(_store: Database) -> tuple[Selection, dict[str, Any]]:
        return Selection.of_events(selector), shown

    asyncio.run(_delete(settings, choose, _Way(dry_run, force, as_json, reason)))


def prune(
    source: Annotated[str, typer.Option("--source", metavar="NAME", help="The source, as it registered.")],
    namespace: NamespaceOption = None,
    reason: ReasonOption = None,
    dry_run: DryRunOption = False,
    force: ForceOption = False,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
    config: ConfigOption = None,
) -> None:
    """Delete the events of a source's earlier registrations; those of its present one stay.

    What belongs to which registration is decided by the events' registrationId alone.

    Examples:

        timeloom prune --source host-7 --dry-run

        timeloom prune --source host-7 --namespace lab --force
    """
    settings = load_settings({"database_url": database}, config=config).settings
    name = settings.home_namespace if namespace is None else namespace
    with _arguments():
        require_source(name, source)

    async def choose(store: Database) -> tuple[Selection, dict[str, Any]]:
        keys = await store.identities.namespace_keys([name])
        earlier = [one for key in keys.values() for one in await fetch_prunable_registrations(store, key, source)]
        shown = {"registrations": {"namespace": name, "source": source}}
        return Selection.of_registrations(name, source, earlier), shown

    asyncio.run(_delete(settings, choose, _Way(dry_run, force, as_json, reason)))


def forget(
    object_type: Annotated[str, typer.Argument(metavar="TYPE", help="The object's type, such as instance.")],
    object_id: Annotated[str, typer.Argument(metavar="ID", help="The object's id within its type and namespace.")],
    namespace: NamespaceOption = None,
    reason: ReasonOption = None,
    dry_run: DryRunOption = False,
    force: ForceOption = False,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
    config: ConfigOption = None,
) -> None:
    """Forget an object: all references to it go, and the events that touch nothing else.

    Examples:

        timeloom forget instance 0191f2e0-1c1c-7aaa-8bbb-000000000001 --dry-run

        timeloom forget device d-17 --namespace lab --reason 'asked for by its owner'
    """
    settings = load_settings({"database_url": database}, config=config).settings
    record = ObjectRecord(settings.home_namespace if namespace is None else namespace, object_type, object_id)
    with _arguments():
        require_object(record)

    async def choose(_store: Database) -> tuple[Selection, dict[str, Any]]:
        shown = {"namespace": record.namespace, "objectType": object_type, "objectId": object_id}
        return Selection.of_object(record), {"object": shown}

    asyncio.run(_delete(settings, choose, _Way(dry_run, force, as_json, reason)))


@contextmanager
def _arguments() -> Iterator[None]:
    """Turn what is wrong with an argument into an error of settings and arguments."""
    try:
        yield
    except InvalidInputError as error:
        raise SettingsError(str(error)) from None


def _selector(texts: list[str], namespace: str | None, *, everything: bool) -> Selector:
    if everything and texts:
        raise SettingsError("--everything and --select exclude each other: selectors say which events go")
    if not texts and not everything:
        raise SettingsError("nothing says which events go: give --select, or --everything when all of them are meant")
    try:
        parts = [parse_selector(text) for text in texts]
    except SelectorError as error:
        raise SettingsError(f"--select: {error}") from None
    return all_of(parts if namespace is None else [*parts, equals_any(EventField.NAMESPACE, (namespace,))])


async def _delete(settings: Settings, choose: _Choose, way: _Way) -> None:
    if len(way.reason or "") > MOST_REASON_CHARACTERS:
        raise SettingsError(f"--reason has {len(way.reason or '')} characters, the most is {MOST_REASON_CHARACTERS}")
    async with AsyncExitStack() as opened:
        store = removals = await _open(settings, settings.database_url, opened)
        if settings.removal_database_url:
            removals = await _open(settings, settings.removal_database_url, opened)
            await require_same_store(store, removals, setting="TIMELOOM_REMOVAL_DATABASE_URL")
        selection, shown = await choose(store)
        text = msgspec.json.encode(shown).decode()
        request = DeletionRequest(selection, text, f"{getpass.getuser()} (command line)", way.reason)
        follower = _Follower(store, removals, settings)
        record = await follower.preview(request)
        if not way.as_json:
            await _show(store, record)
        if not way.dry_run:
            record = await _confirm(store, follower, request, record, way)
        _tell(record, way)


async def _open(settings: Settings, url: str, opened: AsyncExitStack) -> Database:
    database = await Database.open(url, database_options(settings))
    opened.push_async_callback(database.close)
    return database


async def _confirm(
    store: Database, follower: "_Follower", request: DeletionRequest, record: DeletionRecord, way: _Way
) -> DeletionRecord:
    agreed = record.matched_references > 0 and (
        way.force or is_agreed(f"Delete {_numbers(record, record.matched, record.matched_references)}?")
    )
    if agreed:
        return await follower.carry_out(request, record)
    record = await cancel_deletion(store, record.id, cancelled_by=request.requested_by, clock=now_micros)
    if agreed is None:
        raise MutationError("no answer, so nothing was deleted: --force deletes without asking")
    return record


class _Follower:
    """Lets a deletion go on, here or where the lease is held, and shows how far it is."""

    def __init__(self, store: Database, removals: Database, settings: Settings) -> None:
        self._store = store
        self._worker = DeletionWorker(removals, clock=now_micros, chunk_events=settings.removal_chunk_events or None)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)

    async def preview(self, request: DeletionRequest) -> DeletionRecord:
        """Count what would go."""
        return await self._follow(await preview_deletion(self._store, request, clock=now_micros), "counting")

    async def carry_out(self, request: DeletionRequest, record: DeletionRecord) -> DeletionRecord:
        """Delete it; whoever interrupts that, cancels it."""
        record = await confirm_deletion(self._store, request, record.id, clock=now_micros)
        try:
            return await self._follow(record, "deleting")
        except asyncio.CancelledError:
            ended = await cancel_deletion(self._store, record.id, cancelled_by=request.requested_by, clock=now_micros)
            gone = _numbers(ended, ended.deleted, ended.deleted_references)
            typer.echo(f"timeloom: interrupted, {gone} deleted; the deletion is {ended.state.value}", err=True)
            raise

    async def _follow(self, record: DeletionRecord, what: str) -> DeletionRecord:
        if record.state not in UNFINISHED:
            return record
        task = self._progress.add_task(what, total=record.matched if what == "deleting" else None)
        if sys.stderr.isatty():
            self._progress.start()
        try:
            while record.state in UNFINISHED:
                if not await self._worker.turn():
                    await asyncio.sleep(_LOOK_SECONDS)
                record = await fetch_deletion(self._store, record.id) or record
                self._progress.update(task, completed=record.deleted if what == "deleting" else record.matched)
        finally:
            self._progress.stop()
            self._progress.remove_task(task)
            await self._worker.release()
        return record


async def _show(store: Database, record: DeletionRecord) -> None:
    """Print how many would go, and the newest of them."""
    typer.echo(_numbers(record, record.matched, record.matched_references))
    keys = [EventKey(each.namespace, each.id) for each in record.sample]
    found = await fetch_events(store, keys, scope=EVERYTHING)
    if not found:
        return
    table = Table(title="the newest of them", title_justify="left")
    for name in ("time", "namespace", "type", "severity", "source", "message"):
        table.add_column(name, no_wrap=True)
    for event in (found[key] for key in keys if key in found):
        severity = Severity(event.severity).name
        texts = (event.namespace, event.event_type, severity, event.source, event.message)
        table.add_row(format_rfc3339(event.occurred_at), *map(_printable, texts))
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def _printable(text: str) -> Text:
    """Give what of a text a terminal may be sent: whoever wrote it must not steer the reader's screen."""
    return Text("".join(each if each.isprintable() else "\ufffd" for each in text[:_SHOWN_CHARACTERS]))


def _numbers(record: DeletionRecord, events: int, references: int) -> str:
    counted = f"{events:,} event{'' if events == 1 else 's'}"
    return f"{references:,} references, and {counted} with them" if record.kind == OBJECT else counted


def _tell(record: DeletionRecord, way: _Way) -> None:
    """Say how it ended. Raises MutationError when it failed."""
    if way.as_json:
        typer.echo(_to_json(record))
    if record.state is DeletionState.FAILED:
        stale = (record.error or "").startswith("CONFIRMATION_STALE: ")
        raise (ConfirmationStaleError if stale else MutationError)(record.error or "the deletion failed")
    if way.as_json:
        return
    deleted = _numbers(record, record.deleted, record.deleted_references)
    if record.state is DeletionState.DONE:
        typer.echo(f"deleted {deleted}")
    elif record.state is DeletionState.CANCELLED and record.started_at is not None:
        typer.echo(f"cancelled after {deleted}")
    else:
        typer.echo("nothing was deleted")


def _to_json(record: DeletionRecord) -> str:
    values = {
        "id": f"deletion:{record.id}",
        "state": record.state.value,
        "matched": record.matched,
        "deleted": record.deleted,
        "references": record.deleted_references,
        "filter": msgspec.Raw(record.filter.encode()),
        "error": record.error,
    }
    return msgspec.json.encode(values).decode()
