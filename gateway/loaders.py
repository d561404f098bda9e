"""Loaders: the relations of a whole page by one statement per kind and 200 keys (GQ2). Made anew for each request.

Each is named by what it maps. A batch takes its own connection from the pool, because batches of several loaders run at
the same time. All keys that come in one turn of the event loop are one batch, which is cut into chunks of 200 here and
answered as a whole, so that the loads that follow from its answers come together in one turn again.
"""

from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

from strawberry.dataloader import DataLoader

from storage.engine import Database
from storage.objects import fetch_object_spans
from storage.pages import EventPage, PageRequest
from storage.positions import fetch_live_position
from storage.reads import (
    fetch_ancestors,
    fetch_child_pages,
    fetch_events,
    fetch_links,
)
from storage.records import EventKey, EventRecord, LinkRecord, ObjectRecord, ObjectSpan
from storage.scopes import Scope

KEYS_PER_STATEMENT = 200

BatchReport = Callable[[str, int], None]
"""Told the loader's name and how many keys went into one statement."""

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class ChildrenKey(NamedTuple):
    """Whose children, which page of them, and whether with their `extra`."""

    parent: EventKey
    request: PageRequest
    with_extra: bool


AncestorsKey = tuple[EventKey, int]
"""Whose ancestors, and how many at most."""


class Loaders:
    """The loaders of one request."""

    def __init__(self, database: Database, scope: Scope, *, report: BatchReport | None = None) -> None:
        self._database = database
        self._scope = scope
        self._report = report
        self.links_by_event: DataLoader[EventKey, list[LinkRecord]] = DataLoader(self._load_links)
        self.events_by_key: DataLoader[EventKey, EventRecord | None] = DataLoader(self._load_events)
        self.children_by_event: DataLoader[ChildrenKey, EventPage] = DataLoader(self._load_children)
        self.ancestors_by_event: DataLoader[AncestorsKey, list[EventRecord]] = DataLoader(self._load_ancestors)
        self.spans_by_object: DataLoader[ObjectRecord, ObjectSpan] = DataLoader(self._load_spans)
        self.live_position: DataLoader[None, int] = DataLoader(self._load_position)

    async def _load_links(self, keys: list[EventKey]) -> list[list[LinkRecord]]:
        found = await self._in_chunks("links_by_event", keys, partial(fetch_links, self._database, scope=self._scope))
        return [found.get(key, []) for key in keys]

    async def _load_events(self, keys: list[EventKey]) -> list[EventRecord | None]:
        found = await self._in_chunks("events_by_key", keys, partial(fetch_events, self._database, scope=self._scope))
        return [found.get(key) for key in keys]

    async def _load_children(self, keys: list[ChildrenKey]) -> list[EventPage]:
        by_page: dict[tuple[PageRequest, bool], list[EventKey]] = {}
        for parent, request, with_extra in keys:
            by_page.setdefault((request, with_extra), []).append(parent)
        pages: dict[ChildrenKey, EventPage] = {}
        for (request, with_extra), parents in by_page.items():
            fetch = partial(
                fetch_child_pages, self._database, scope=self._scope, request=request, with_extra=with_extra
            )
            found = await self._in_chunks("children_by_event", parents, fetch)
            pages.update({ChildrenKey(parent, request, with_extra): page for parent, page in found.items()})
        return [pages[key] for key in keys]

    async def _load_ancestors(self, keys: list[AncestorsKey]) -> list[list[EventRecord]]:
        found = await self._in_chunks(
            "ancestors_by_event", keys, partial(fetch_ancestors, self._database, scope=self._scope)
        )
        return [found.get(key, []) for key in keys]

    async def _load_spans(self, keys: list[ObjectRecord]) -> list[ObjectSpan]:
        found = await self._in_chunks(
            "spans_by_object", keys, partial(fetch_object_spans, self._database, scope=self._scope)
        )
        return [found.get(key, ObjectSpan(None, None)) for key in keys]

    async def _load_position(self, keys: list[None]) -> list[int]:
        return [await fetch_live_position(self._database)] * len(keys)

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


def chunks(keys: Sequence[_Key]) -> Iterable[Sequence[_Key]]:
    """Cut keys into pieces of at most 200."""
    for start in range(0, len(keys), KEYS_PER_STATEMENT):
        yield keys[start : start + KEYS_PER_STATEMENT]
