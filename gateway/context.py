"""RequestContext: what every resolver of one request works with."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import strawberry

from gateway.errors import PanelTimeoutError
from gateway.loaders import Loaders
from mutations.drafts import EventDraft
from mutations.ingest import IngestLimits, IngestReport
from mutations.retention import RetentionRunner
from mutations.type_registry import TypeRegistry
from storage.engine import Database, taking_turns
from storage.scopes import EVERYTHING, Scope

_T = TypeVar("_T")

_PANELS_OF_POOL, _PAGES_OF_POOL = 0.5, 0.3
"""The parts of a worker's connections that panels, and pages, of one request may have at the same time."""

Clock = Callable[[], int]
"""Gives the present time in microseconds since 1970 (UTC)."""


@dataclass(frozen=True, slots=True)
class GrantRecord:
    """A right that the caller holds; `namespace` None: in all."""

    namespace: str | None
    right: str


@dataclass(frozen=True, slots=True)
class ViewerRecord:
    """Who asks: the name, the namespace that counts where none is given, and what the caller may do."""

    name: str
    home_namespace: str | None
    grants: tuple[GrantRecord, ...]


class RequestMetrics(Protocol):
    """What resolvers and loaders report. The HTTP face gives one that counts; without one nothing is counted."""

    def loader_batch(self, loader: str, keys: int) -> None:
        """One batch of a loader went to the database with so many keys."""

    def ingested(self, drafts: Sequence[EventDraft], report: IngestReport) -> None:
        """A batch was ingested."""


@dataclass(frozen=True, slots=True)
class _Failed:
    error: Exception


@dataclass(slots=True)
class RequestContext:
    """One request: its database, its caller, its clock and its own loaders.

    `decoded_batches` holds the batches that the fast road has decoded already, by the name of the variable that the
    request would else have carried them in: `$input` or `$events`, see `gateway/schema/mutations.py`.
    """

    database: Database
    clock: Clock
    viewer: ViewerRecord
    ingest_limits: IngestLimits
    types: TypeRegistry
    scope: Scope = EVERYTHING
    request_id: str = ""
    max_tree_events: int = 10_000
    panel_seconds: float = 10.0
    decoded_batches: Mapping[str, list[EventDraft]] = field(default_factory=dict)
    metrics: RequestMetrics | None = None
    wake_deletions: Callable[[], None] = lambda: None
    retention: RetentionRunner | None = None
    _loaders: Loaders | None = None
    selections: dict[tuple[Hashable, ...], frozenset[str]] = field(default_factory=dict)
    _done: dict[Hashable, Any] = field(default_factory=dict)
    _panels: asyncio.Semaphore | None = None
    _pages: asyncio.Semaphore | None = None

    @property
    def loaders(self) -> Loaders:
        """The loaders of this request, made for the first that needs one."""
        if self._loaders is None:
            report = self.metrics.loader_batch if self.metrics else None
            self._loaders = Loaders(self.database, self.scope, report=report, clock=self.clock)
        return self._loaders

    def cancel(self) -> None:
        """End what is still being fetched."""
        if self._loaders is not None:
            self._loaders.cancel()

    def forget(self) -> None:
        """Read everything anew from now on: something is about to be changed, and what was read says how it was."""
        self.cancel()
        self._loaders = None
        self._done.clear()

    async def once(self, key: Hashable, work: Callable[[], Awaitable[_T]]) -> _T:
        """Do a piece of work and keep its result, or its error, for whoever asks for the same after it.

        When the compiled executor meets what only stock execution can word, that asks for everything once more.
        """
        if key not in self._done:
            try:
                self._done[key] = await work()
            except Exception as error:
                self._done[key] = _Failed(error)
                raise
        done = self._done[key]
        if isinstance(done, _Failed):
            raise done.error
        result: _T = done
        return result

    async def panel(self, work: Callable[[], Awaitable[_T]]) -> _T:
        """Do what one panel of a page needs, for so long at most. Raises PanelTimeoutError; the others go on.

        A few at a time, so that one request cannot take the whole pool; waiting for its turn is part of the time.
        """
        if self._panels is None:
            self._panels = self._turns(_PANELS_OF_POOL)
        limit = asyncio.timeout(self.panel_seconds)
        try:
            with taking_turns(self._panels):
                async with limit:
                    return await work()
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise PanelTimeoutError(self.panel_seconds) from error

    async def page(self, work: Callable[[], Awaitable[_T]]) -> _T:
        """Read a page of a list, a few at a time. Panels have turns of their own: a slow one holds up no page."""
        if self._pages is None:
            self._pages = self._turns(_PAGES_OF_POOL)
        with taking_turns(self._pages):
            return await work()

    def _turns(self, share: float) -> asyncio.Semaphore:
        return asyncio.Semaphore(max(int(self.database.options.pool_size * share), 1))

    @property
    def home_namespace(self) -> str | None:
        """The namespace that counts where none is given."""
        return self.viewer.home_namespace


Info = strawberry.Info[RequestContext, None]
"""What Strawberry hands to resolvers."""
