"""Doubles: events of which an archive has several lines, found by their ids, put aside on disk and joined (NU8).

Each run that takes references of an event archives it, and so does folding: most of an archive may be doubles. They
are put aside in files, of which one at a time is read into memory.
"""

import hashlib
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path

from mutations.archive_lines import from_line, to_line
from storage.archive_rows import WholeEvent
from storage.records import LinkRecord, ObjectRecord

BATCH_EVENTS = 1_000
_BATCH_BYTES = 16 * 1024 * 1024
_PARTS = 128
"""Files that are open at the same time."""

Key = tuple[str, str]
"""Namespace and id."""


class SeenIds:
    """The ids of lines, each 8 bytes of a hash; those that were met more than once, as soon as all of them were."""

    def __init__(self) -> None:
        self._buckets = [array("Q") for _ in range(_PARTS)]

    def add(self, event: WholeEvent) -> None:
        """Remember the id of an event, and the ids that were folded into it."""
        for event_id in (event.row.id, *(each.id for each in event.folded)):
            key_hash = _hash_key((event.row.audience.namespace, event_id))
            self._buckets[key_hash % _PARTS].append(key_hash)

    def keep_doubles(self) -> None:
        """Forget the ids that were met once. Equal hashes of two ids only mean that both events are put aside."""
        self._buckets = [array("Q", _doubles_of(bucket)) for bucket in self._buckets]

    def __contains__(self, event: WholeEvent) -> bool:
        """Whether the id of an event is kept."""
        key_hash = _hash_key(_key_of(event))
        bucket = self._buckets[key_hash % _PARTS]
        place = bisect_left(bucket, key_hash)
        return place < len(bucket) and bucket[place] == key_hash


class Aside:
    """Events that are put aside in files of a directory; lines of one id are in one file. Blocks. Raises OSError."""

    def __init__(self, directory: Path) -> None:
        self._paths = [directory / f"{part}.jsonl" for part in range(_PARTS)]

    def add(self, some: Sequence[WholeEvent]) -> None:
        """Put events aside."""
        with ExitStack() as opened:
            files = {}
            for event in some:
                part = _hash_key(_key_of(event)) % _PARTS
                if part not in files:
                    files[part] = opened.enter_context(self._paths[part].open("ab"))
                files[part].write(to_line(event))

    def batches(self, *, folding: bool) -> Iterator[list[WholeEvent]]:
        """Give one event for each id, batch by batch: those that have repeats, or those that have none."""
        for path in self._paths:
            joined: dict[Key, WholeEvent] = {}
            sizes: dict[Key, int] = {}
            if path.exists():
                with path.open("rb") as lines:
                    for line in lines:
                        event = from_line(line)
                        key = _key_of(event)
                        joined[key] = _join(joined[key], event) if key in joined else event
                        sizes[key] = max(len(line), sizes.get(key, 0))
            yield from in_batches((each, sizes[key]) for key, each in joined.items() if bool(each.folded) == folding)


def in_batches(sized: Iterable[tuple[WholeEvent, int]]) -> Iterator[list[WholeEvent]]:
    """Give events, which come with the bytes of their lines, in batches that one transaction stores."""
    batch: list[WholeEvent] = []
    size = 0
    for event, line_bytes in sized:
        batch.append(event)
        size += line_bytes
        if len(batch) >= BATCH_EVENTS or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _key_of(event: WholeEvent) -> Key:
    return event.row.audience.namespace, event.row.id


def _hash_key(key: Key) -> int:
    digest = hashlib.blake2b("\0".join(key).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def _doubles_of(bucket: Iterable[int]) -> Iterator[int]:
    return (value for value, same in groupby(sorted(bucket)) if sum(1 for _ in same) > 1)


def _join(first: WholeEvent, second: WholeEvent) -> WholeEvent:
    """Make one event of two lines of it: the objects of both, the repeats of the one that has more."""
    more = max(first, second, key=lambda event: event.repeat_count)
    links: dict[ObjectRecord, LinkRecord] = {link.object: link for each in (first, second) for link in each.row.objects}
    return more._replace(row=more.row._replace(objects=tuple(links.values())))
