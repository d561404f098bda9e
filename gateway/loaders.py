"""Loaders: the relations of a whole page by one statement per kind and 200 keys (GQ2). Made anew for each request.

Each is named by what it maps. All keys that come in one turn of the event loop are one batch, which is cut into chunks
of 200 here and answered as a whole, so that the loads that follow from its answers come together in one turn again. A
batch takes its own connection from the pool, because batches of several loaders run at the same time.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

from storage.engine import Database
from storage.groupings import GroupField
from storage.objects import fetch_object_spans
from storage.operations import OperationPage, OperationRecord, fetch_targets
from storage.pages import EventPage, PageRequest
from storage.positions import fetch_live_position
from storage.problem_statements import ProblemQuery
from storage.problems import ProblemCount, ProblemRecord, count_problems, fetch_problems_of
from storage.reads import (
    fetch_ancestors,
    fetch_child_pages,
    fetch_events,
    fetch_links,
)
from storage.records import EventKey, EventRecord, LinkRecord, ObjectRecord, ObjectSpan
from storage.scopes import Scope
from storage.selectors import Selector
from storage.severities import Severity
from storage.tallies import Tally, TallyRecord, fetch_tallies
from storage.targets import OperationRequest, fetch_latest_operations, fetch_operation_pages, fetch_pending
from storage.times import now_micros
from storage.totals import CoverageKey, CoverageRecord, TotalRecord, fetch_child_totals, fetch_coverage

KEYS_PER_STATEMENT = 200

BatchReport = Callable[[str, int], None]
"""Told the loader's name and how many keys went into one statement."""
Fields = frozenset[str]
"""The fields of events that were asked for."""

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class EventsKey(NamedTuple):
    """Which event, and with which fields."""

    event: EventKey
    fields: Fields


class ChildrenKey(NamedTuple):
    """Whose children, which page of them, and with which fields.

    `position` is the live position that is told with the page; a page that was read before it would be older than it.
    """

    parent: EventKey
    request: PageRequest
    fields: Fields
    position: int | None = None


class AncestorsKey(NamedTuple):
    """Whose ancestors, how many at most, and with which fields."""

    event: EventKey
    most: int
    fields: Fields


class OperationsKey(NamedTuple):
    """Whose operations, and which page of them."""

    object: ObjectRecord
    request: OperationRequest


class Loader(Generic[_Key, _Value]):
    """Fetches each key once, together with all others of the same turn.

    Strawberry's loader makes a future for each key; here a whole page is asked for at once and there is one for each
    batch. What could not be fetched fails for all its keys, and is not tried again.
    """

    def __init__(self, fetch: Callable[[list[_Key]], Awaitable[Mapping[_Key, _Value]]]) -> None:
        """`fetch` gives a value for every key."""
        self._fetch = fetch
        self._batches: dict[_Key, asyncio.Future[Mapping[_Key, _Value]]] = {}
        self._waiting: list[_Key] = []
        self._next: asyncio.Future[Mapping[_Key, _Value]] | None = None
        self._running: set[asyncio.Task[None]] = set()

    async def load(self, key: _Key) -> _Value:
        """Give the value of one key."""
        return (await asyncio.shield(self._batch_of(key)))[key]

    async def load_many(self, keys: Iterable[_Key]) -> list[_Value]:
        """Give the values of many keys, in their order."""
        wanted = list(keys)
        batches = [self._batch_of(key) for key in wanted]
        for batch in dict.fromkeys(batches):
            await asyncio.shield(batch)
        return [batch.result()[key] for key, batch in zip(wanted, batches, strict=True)]

    def cancel(self) -> None:
        """End what is still being fetched, and do not begin what was asked for last."""
        for task in self._running:
            task.cancel()
        if self._next is not None:
            self._next.cancel()
            self._next, self._waiting = None, []

    def _batch_of(self, key: _Key) -> asyncio.Future[Mapping[_Key, _Value]]:
        batch = self._batches.get(key)
        if batch is None:
            batch = self._batches[key] = self._next or self._begin_batch()
            self._waiting.append(key)
        return batch

    def _begin_batch(self) -> asyncio.Future[Mapping[_Key, _Value]]:
        loop = asyncio.get_running_loop()
        self._next = loop.create_future()
        loop.call_soon(self._dispatch)
        return self._next

    def _dispatch(self) -> None:
        batch, keys = self._next, self._waiting
        self._next, self._waiting = None, []
        if batch is not None:
            task = asyncio.ensure_future(self._run(batch, keys))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _run(self, batch: asyncio.Future[Mapping[_Key, _Value]], keys: list[_Key]) -> None:
        try:
            batch.set_result(await self._fetch(keys))
        except asyncio.CancelledError:
            batch.cancel()
            raise
        except Exception as error:
            batch.set_exception(error)
            batch.exception()  # seen: whoever asked may be gone


class Loaders:
    """The loaders of one request."""

    def __init__(
        self,
        database: Database,
        scope: Scope,
        *,
        report: BatchReport | None = None,
        clock: Callable[[], int] = now_micros,
    ) -> None:
        self._database = database
        self._clock = clock
        self._scope = scope
        self._report = report
        self.links_by_event: Loader[EventKey, list[LinkRecord]] = Loader(self._load_links)
        self.events_by_key: Loader[EventsKey, EventRecord | None] = Loader(self._load_events)
        self.children_by_event: Loader[ChildrenKey, EventPage] = Loader(self._load_children)
        self.ancestors_by_event: Loader[AncestorsKey, list[EventRecord]] = Loader(self._load_ancestors)
        self.spans_by_object: Loader[ObjectRecord, ObjectSpan] = Loader(self._load_spans)
        self.targets_by_operation: Loader[int, list[ObjectRecord]] = Loader(self._load_targets)
        self.pending_by_object: Loader[ObjectRecord, bool] = Loader(self._load_pending)
        self.latest_operation_by_object: Loader[ObjectRecord, OperationRecord | None] = Loader(self._load_latest)
        self.operations_by_object: Loader[OperationsKey, OperationPage] = Loader(self._load_operations)
        self.problems_by_object: Loader[ObjectRecord, ProblemRecord | None] = Loader(self._load_problems)
        self.counts_by_problem: Loader[ProblemRecord, ProblemCount] = Loader(self._load_problem_counts)
        self.totals_by_parent: Loader[EventKey, TotalRecord] = Loader(self._load_totals)
        self.coverages: Loader[CoverageKey, CoverageRecord] = Loader(self._load_coverages)
        self.live_position: Loader[None, int] = Loader(self._load_position)
        self._tallies: dict[tuple[Selector, bool], Loader[Tally, TallyRecord]] = {}

    def cancel(self) -> None:
        """End what is still being fetched: nobody waits for it any more."""
        loaders: tuple[Loader[Any, Any], ...] = (
            self.links_by_event,
            self.events_by_key,
            self.children_by_event,
            self.ancestors_by_event,
            self.spans_by_object,
            self.targets_by_operation,
            self.pending_by_object,
            self.latest_operation_by_object,
            self.operations_by_object,
            self.problems_by_object,
            self.counts_by_problem,
            self.totals_by_parent,
            self.coverages,
            self.live_position,
            *self._tallies.values(),
        )
        for loader in loaders:
            loader.cancel()

    async def tally(self, tallies: Sequence[Tally]) -> Sequence[TallyRecord]:
        """Answer questions about one selector together with those of other panels: they share a scan.

        Each selector has a loader of its own, so that a slow one delays nobody who asks for something else; and so has
        the field that is read for itself and takes longest.
        """
        asked = [
            [tally for tally in tallies if (tally.group is GroupField.OBJECT_TYPE) is apart] for apart in (False, True)
        ]
        together, apart = await asyncio.gather(
            *(self._tally(each, apart=bool(place)) for place, each in enumerate(asked))
        )
        found = {**together, **apart}
        return [found[tally] for tally in tallies]

    async def _tally(self, tallies: Sequence[Tally], *, apart: bool) -> Mapping[Tally, TallyRecord]:
        if not tallies:
            return {}
        key = (tallies[0].selector, apart)
        loader = self._tallies.get(key)
        if loader is None:
            loader = self._tallies[key] = Loader(self._load_tallies)
        return dict(zip(tallies, await loader.load_many(tallies), strict=True))

    async def _load_tallies(self, keys: list[Tally]) -> Mapping[Tally, TallyRecord]:
        if self._report is not None:
            self._report("tallies", len(keys))
        return await fetch_tallies(self._database, keys, scope=self._scope)

    async def _load_links(self, keys: list[EventKey]) -> Mapping[EventKey, list[LinkRecord]]:
        return await self._in_chunks("links_by_event", keys, partial(fetch_links, self._database, scope=self._scope))

    async def _load_events(self, keys: list[EventsKey]) -> Mapping[EventsKey, EventRecord | None]:
        fetch = partial(fetch_events, self._database, scope=self._scope, fields=_all_fields(keys))
        found = await self._in_chunks("events_by_key", list(dict.fromkeys(key.event for key in keys)), fetch)
        return {key: found.get(key.event) for key in keys}

    async def _load_children(self, keys: list[ChildrenKey]) -> Mapping[ChildrenKey, EventPage]:
        by_request: dict[PageRequest, list[ChildrenKey]] = {}
        for key in keys:
            by_request.setdefault(key.request, []).append(key)
        pages: dict[ChildrenKey, EventPage] = {}
        for request, group in by_request.items():
            fetch = partial(
                fetch_child_pages, self._database, scope=self._scope, request=request, fields=_all_fields(group)
            )
            parents = list(dict.fromkeys(key.parent for key in group))
            found = await self._in_chunks("children_by_event", parents, fetch)
            pages.update({key: found[key.parent] for key in group})
        return pages

    async def _load_ancestors(self, keys: list[AncestorsKey]) -> Mapping[AncestorsKey, list[EventRecord]]:
        fetch = partial(fetch_ancestors, self._database, scope=self._scope, fields=_all_fields(keys))
        wanted = list(dict.fromkeys((key.event, key.most) for key in keys))
        found = await self._in_chunks("ancestors_by_event", wanted, fetch)
        return {key: found[key.event, key.most] for key in keys}

    async def _load_spans(self, keys: list[ObjectRecord]) -> Mapping[ObjectRecord, ObjectSpan]:
        return await self._in_chunks(
            "spans_by_object", keys, partial(fetch_object_spans, self._database, scope=self._scope)
        )

    async def _load_targets(self, keys: list[int]) -> Mapping[int, list[ObjectRecord]]:
        return await self._in_chunks(
            "targets_by_operation", keys, partial(fetch_targets, self._database, scope=self._scope)
        )

    async def _load_pending(self, keys: list[ObjectRecord]) -> Mapping[ObjectRecord, bool]:
        return await self._in_chunks(
            "pending_by_object", keys, partial(fetch_pending, self._database, scope=self._scope)
        )

    async def _load_latest(self, keys: list[ObjectRecord]) -> Mapping[ObjectRecord, OperationRecord | None]:
        return await self._in_chunks(
            "latest_operation_by_object", keys, partial(fetch_latest_operations, self._database, scope=self._scope)
        )

    async def _load_operations(self, keys: list[OperationsKey]) -> Mapping[OperationsKey, OperationPage]:
        by_request: dict[OperationRequest, list[ObjectRecord]] = {}
        for key in keys:
            by_request.setdefault(key.request, []).append(key.object)
        pages: dict[OperationsKey, OperationPage] = {}
        for request, group in by_request.items():
            fetch = partial(fetch_operation_pages, self._database, scope=self._scope, request=request)
            found = await self._in_chunks("operations_by_object", group, fetch)
            pages.update({OperationsKey(record, request): page for record, page in found.items()})
        return pages

    async def _load_problems(self, keys: list[ObjectRecord]) -> Mapping[ObjectRecord, ProblemRecord | None]:
        query = ProblemQuery(Severity.WARNING, self._clock())
        fetch = partial(fetch_problems_of, self._database, scope=self._scope, query=query)
        return await self._in_chunks("problems_by_object", keys, fetch)

    async def _load_problem_counts(self, keys: list[ProblemRecord]) -> Mapping[ProblemRecord, ProblemCount]:
        # Not in chunks: the scan limit is for all of them together.
        if self._report is not None:
            self._report("counts_by_problem", len(keys))
        return await count_problems(self._database, keys, scope=self._scope)

    async def _load_totals(self, keys: list[EventKey]) -> Mapping[EventKey, TotalRecord]:
        return await self._in_chunks(
            "totals_by_parent", keys, partial(fetch_child_totals, self._database, scope=self._scope)
        )

    async def _load_coverages(self, keys: list[CoverageKey]) -> Mapping[CoverageKey, CoverageRecord]:
        return {key: await fetch_coverage(self._database, key, scope=self._scope) for key in keys}

    async def _load_position(self, keys: list[None]) -> Mapping[None, int]:
        return dict.fromkeys(keys, await fetch_live_position(self._database))

    async def _in_chunks(
        self,
        name: str,
        keys: Sequence[_Key],
        fetch: Callable[[Sequence[_Key]], Awaitable[Mapping[_Key, _Value]]],
    ) -> dict[_Key, _Value]:
        """Fetch the keys by 200 and join the answers."""
        found: dict[_Key, _Value] = {}
        for chunk in chunks(keys):
            if self._report is not None:
                self._report(name, len(chunk))
            found.update(await fetch(chunk))
        return found


def _all_fields(keys: Iterable[EventsKey | ChildrenKey | AncestorsKey]) -> Fields:
    """Give the fields of all keys together: one statement reads them all."""
    return frozenset().union(*(key.fields for key in keys))


def chunks(keys: Sequence[_Key]) -> Iterable[Sequence[_Key]]:
    """Cut keys into pieces of at most 200."""
    for start in range(0, len(keys), KEYS_PER_STATEMENT):
        yield keys[start : start + KEYS_PER_STATEMENT]
