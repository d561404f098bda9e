"""The command `timeloom export`: events as JSON Lines, read page by page and written as they come.

What is written is what GraphQL answers: the pages go through the same executor as a client's. The first page's
livePosition is the snapshot of all others, so that what is stored meanwhile is left out.
"""

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import msgspec
import typer
from graphql import GraphQLError

from gateway.app import database_options
from gateway.context import RequestContext
from gateway.documents import Documents
from gateway.execution import Executor
from gateway.http import document_limits, ingest_limits
from gateway.metrics import Metrics
from gateway.schema import build_schema
from gateway.settings import Settings, SettingsError, load_settings
from gateway.viewers import local_administrator
from mutations.type_registry import TypeRegistry
from storage.engine import Database
from storage.errors import SelectorError, StorageError
from storage.times import now_micros, parse_rfc3339

_PAGE_EVENTS = 1_000
_TOLD_EVERY = 100_000

_FIELDS = """
  id namespace eventType category severity severityText timestamp receivedAt source message extra durationMs success
  actor actorClaim sessionId requestId correlationId parentId traceId spanId parentSpanId registrationId owner visibleTo
  recordCount repeatCount lastTimestamp restored objects { role object { namespace objectType objectId } }
"""
_POSITION = "{ events(first: 0) { livePosition } }"
_PAGE = f"""query Export($filter: EventFilter, $after: String, $asOf: String) {{
  events(filter: $filter, first: {_PAGE_EVENTS}, after: $after, orderBy: OLDEST_FIRST, asOf: $asOf) {{
    nodes {{ {_FIELDS} }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}"""

_SELECTOR_PATH = re.compile(r"^filter\.selectors\[\d+\]: ")
_encode_lines = msgspec.json.Encoder().encode_lines


def export(
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write; left out: standard output.")
    ] = None,
    select: Annotated[
        list[str] | None,
        typer.Option(metavar="SELECTOR", help="Only events like this: attribute=value; may be given several times."),
    ] = None,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="Only events from this RFC 3339 time on.")] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Only events before this RFC 3339 time.")] = None,
    database: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Where events are stored: SQLAlchemy's URL (TIMELOOM_DATABASE_URL)."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A TOML file with settings (TIMELOOM_CONFIG).")
    ] = None,
) -> None:
    """Write events as JSON Lines, oldest first: one JSON object per line, with the names of the GraphQL schema.

    What is stored while it runs is left out. It needs no more memory for a million events than for a thousand.

    Examples:

        timeloom export > events.jsonl

        timeloom export --since 2026-11-01T00:00:00Z --select event_type=audit --output audit.jsonl
    """
    settings = load_settings({"database_url": database}, config=config).settings
    filter_: dict[str, Any] = {"selectors": select or None, "since": since, "until": until}
    given = {name: value for name, value in filter_.items() if value is not None}
    for name in ("since", "until"):
        _require_time(given.get(name), f"--{name}")
    with ExitStack() as stack:
        target: BinaryIO = sys.stdout.buffer if output is None else _open(stack, output)
        asyncio.run(_export(settings, given, target))


def _require_time(text: str | None, name: str) -> None:
    try:
        if text is not None:
            parse_rfc3339(text)
    except ValueError as error:
        raise SettingsError(f"{name}: {error}") from None


def _open(stack: ExitStack, path: Path) -> BinaryIO:
    try:
        return stack.enter_context(path.open("wb"))
    except OSError as error:
        raise SettingsError(f"--output {path}: {(error.strerror or str(error)).lower()}") from None


async def _export(settings: Settings, filter_: dict[str, Any], target: BinaryIO) -> None:
    store = await Database.open(settings.database_url, database_options(settings))
    try:
        written = 0
        async for nodes in _Reader(settings, store).pages(filter_):
            target.write(_encode_lines(nodes))
            if (written + len(nodes)) // _TOLD_EVERY > written // _TOLD_EVERY:
                typer.echo(f"{written + len(nodes):,} events", err=True)
            written += len(nodes)
        target.flush()
        typer.echo(f"exported {written:,} events", err=True)
    finally:
        await store.close()


class _Reader:
    """Asks the store as a client asks the server."""

    def __init__(self, settings: Settings, store: Database) -> None:
        schema = build_schema()
        self._settings = settings
        self._store = store
        self._executor = Executor(schema, Metrics())
        self._documents = Documents(self._executor.graphql_schema, document_limits(settings))

    async def pages(self, filter_: dict[str, Any]) -> AsyncIterator[Sequence[Any]]:
        """Give the events of page after page. Raises SettingsError, StorageError."""
        position = (await self._ask(_POSITION, {}))["livePosition"]
        variables = {"filter": filter_ or None, "after": None, "asOf": position}
        more = True
        while more:
            page = await self._ask(_PAGE, variables)
            yield page["nodes"]
            more = page["pageInfo"]["hasNextPage"]
            variables["after"] = page["pageInfo"]["endCursor"]

    async def _ask(self, text: str, variables: dict[str, Any]) -> Any:
        document = self._documents.prepare(text)
        context = RequestContext(
            database=self._store,
            clock=now_micros,
            viewer=local_administrator(self._settings.home_namespace),
            ingest_limits=ingest_limits(self._settings),
            types=TypeRegistry(self._store),
        )
        result = await self._executor.execute(document, document.operation(None), variables=variables, context=context)
        if result.errors:
            raise _to_failure(result.errors[0])
        return (result.data or {})["events"]


def _to_failure(error: GraphQLError) -> Exception:
    """Give what the command line says: a database's fault as such, all else as the argument that it is about."""
    original = error.original_error
    if isinstance(original, StorageError) and not isinstance(original, SelectorError):
        return original
    return SettingsError(_SELECTOR_PATH.sub("--select: ", str(original or error.message)))
