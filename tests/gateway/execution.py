"""Running GraphQL documents against a database as the server does, and seeing which SQL they cost."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
import orjson

from gateway.context import GrantRecord, RequestContext, ViewerRecord
from gateway.documents import DocumentError, Documents
from gateway.errors import ErrorCode, code_of
from gateway.execution import Executor
from gateway.http import document_limits
from gateway.json_text import parse_json
from gateway.metrics import Metrics
from gateway.schema import build_schema
from gateway.settings import Settings
from mutations.drafts import EventDraft
from mutations.ingest import IngestLimits
from mutations.type_registry import NOTHING_DECLARED, DeclaredTypes, TypeRegistry
from storage.engine import Database
from storage.times import parse_rfc3339

NOW = parse_rfc3339("2026-01-01T12:00:00Z")
SCHEMA = build_schema()
EXECUTOR = Executor(SCHEMA, Metrics())
DOCUMENTS = Documents(EXECUTOR.graphql_schema, document_limits(Settings()))


@dataclass
class Answer:
    """What a document gave, as bytes and as values, and the statements that it cost."""

    body: bytes
    errors: list[tuple[ErrorCode, str]]
    statements: list[str] = field(default_factory=list)
    batches: list[tuple[str, int]] = field(default_factory=list)

    @property
    def data(self) -> Any:
        """The data of an answer without errors."""
        assert self.errors == []
        return orjson.loads(self.body)

    @property
    def error(self) -> tuple[ErrorCode, str]:
        """The code and the text of the only error."""
        (only,) = self.errors
        return only


PANEL_SECONDS = 60.0
"""A busy machine is no failure; tests of the limit give their own."""


@dataclass
class BatchRecorder:
    """Notes loader batches where the server would count them."""

    batches: list[tuple[str, int]] = field(default_factory=list)

    def loader_batch(self, loader: str, keys: int) -> None:
        self.batches.append((loader, keys))

    def ingested(self, drafts: Sequence[EventDraft], report: Any) -> None:
        self.batches.append(("ingested", len(drafts)))


@dataclass
class Caller:
    """Somebody who sends documents to a gateway whose clock stands at NOW."""

    database: Database
    home_namespace: str | None = "default"
    now: int = NOW
    rights: Sequence[str] = ("READ", "INGEST", "DELETE", "OPERATE", "ADMIN")
    name: str = "anonymous"
    executor: Executor = EXECUTOR
    declared: DeclaredTypes = NOTHING_DECLARED

    async def run(self, document: str, variables: str | Mapping[str, Any] | None = None, **context: Any) -> Answer:
        """Execute a document; variables may be JSON text, so that numbers keep their digits."""
        given = parse_json(variables) if isinstance(variables, str) else variables
        recorder = BatchRecorder()
        async with observed(self.database) as statements:
            try:
                prepared = DOCUMENTS.prepare(document)
            except DocumentError as error:
                return Answer(b"null", [(ErrorCode.INTERNAL, each.message) for each in error.errors])
            operation = prepared.operation(None)
            result = await self.executor.execute(
                prepared,
                operation,
                variables=dict(given) if isinstance(given, Mapping) else {},
                context=self._context(recorder, context),
            )
        errors = [(code_of(error.original_error), error.message) for error in result.errors or ()]
        return Answer(msgspec.json.encode(result.data), errors, statements, recorder.batches)

    def _context(self, recorder: BatchRecorder, given: Mapping[str, Any]) -> RequestContext:
        grants = tuple(GrantRecord(None, right) for right in self.rights)
        return RequestContext(
            database=self.database,
            clock=lambda: self.now,
            viewer=ViewerRecord(self.name, self.home_namespace, grants),
            ingest_limits=IngestLimits(),
            metrics=recorder,
            **{"types": TypeRegistry(self.database, self.declared), "panel_seconds": PANEL_SECONDS, **given},
        )


@asynccontextmanager
async def observed(database: Database) -> AsyncIterator[list[str]]:
    """Collect the statements that a database is sent."""
    statements: list[str] = []
    unsubscribe = database.observe(lambda event: statements.append(event.sql))
    try:
        yield statements
    finally:
        unsubscribe()
