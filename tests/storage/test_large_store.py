"""L2: a page costs what a page costs, at any depth and for any object, in a store of a million events."""

from collections.abc import Iterator
from typing import Any

import pytest

from storage.cursors import EventCursor, EventOrder
from storage.engine import Database
from storage.pages import EventPage, PageRequest, fetch_event_page
from storage.revisions import migrate
from storage.scopes import EVERYTHING
from storage.selectors import EventField, ObjectReference, Selector, TouchesAny, all_of, equals_any
from storage.tables import metadata
from tests.databases import MariaServer
from tests.storage.examined import measure, open_counted
from tests.storage.histories import START, event_id, link, row, store

EVENTS = 1_060_000
CHUNK = 530_000
STEP = 1_000
SIZE = 50
SMALL_CONSTANT = 10

# Of 21 events 20 are the busy object's, a million together; the others are those of fifty objects, a thousand of each.
# One in 10,000 is rare.
_TYPE = "IF(seq % 10000 = 0, 'rare', ELT(1 + seq % 3, 'audit', 'status', 'usage'))"
_FILL_EVENTS = (
    "INSERT INTO events (id, namespace_key, audience_key, event_type, severity, occurred_at, received_at, source,"
    " message, request_id, content_hash, batch_key, batch_index)"
    f" SELECT unhex(lpad(hex(seq), 32, '0')), 1, 1, {_TYPE}, seq % 6, {START} + seq * {STEP}, {START}, 'host-1',"
    " 'event', concat('r', seq DIV 4), unhex(lpad(hex(seq), 32, '0')), 1, 0 FROM seq_{first}_to_{last}"
)
_FILL_REFERENCES = (
    "INSERT INTO event_objects (object_key, audience_key, occurred_at, event_id, namespace_key, object_type,"
    " event_type, severity)"
    f" SELECT IF(seq % 21 <> 0, {{busy}}, {{busy}} + 1 + seq DIV 21 % 50), 1, {START} + seq * {STEP},"
    f" unhex(lpad(hex(seq), 32, '0')), 1, 'instance', {_TYPE}, seq % 6 FROM seq_{{first}}_to_{{last}}"
)


# Loading without secondary indexes and building them afterwards takes a third of the time. These are the ones that the
# pages below are read by; that the others do not lead the planner astray is test_explain.py's.
_NEEDED = {"events": ("time", "namespace", "event_type", "severity"), "event_objects": ("event_type", "severity")}


@pytest.fixture(scope="module")
def large_url() -> Iterator[str]:
    """A store in which one object has a million events."""
    with MariaServer(buffer_pool="2G", options=["--innodb-log-file-size=1G"]) as server:
        server.create_database("large")
        url = server.url("aiomysql", "large")
        migrate(url)
        fill(server)
        yield url


def fill(server: MariaServer) -> None:
    """Write identities, events and references, then build the indexes."""
    for statement in (
        "INSERT INTO namespaces VALUES (1, 'default')",
        "INSERT INTO audiences VALUES (1, 1, NULL, NULL, unhex(md5('all')))",
        "INSERT INTO objects SELECT 1 + seq, 'default', 'instance', concat('i', seq) FROM seq_0_to_50",
        "INSERT INTO object_audiences SELECT 1 + seq, 1 FROM seq_0_to_50",
    ):
        server.execute(statement, "large")
    for name in _NEEDED:
        dropped = ", ".join(f"DROP INDEX {index.name}" for index in metadata.tables[name].indexes)
        server.execute(f"ALTER TABLE {name} {dropped}", "large")
    for first in range(1, EVENTS, CHUNK):
        part = {"first": first, "last": first + CHUNK - 1, "busy": 1}
        server.execute(_FILL_EVENTS.format(**part), "large")
        server.execute(_FILL_REFERENCES.format(**part), "large")
    for name, needed in _NEEDED.items():
        indexes = [
            index for index in metadata.tables[name].indexes if index.name in {f"ix_{name}_{one}" for one in needed}
        ]
        added = (f"ADD INDEX {index.name} ({', '.join(column.name for column in index.columns)})" for index in indexes)
        server.execute(f"ALTER TABLE {name} {', '.join(added)}", "large")
    server.execute("ANALYZE TABLE events, event_objects, objects", "large")


def touches(object_id: str) -> Selector:
    return TouchesAny((ObjectReference("instance", object_id, "default"),))


BUSY, SMALL = touches("i0"), touches("i2")
RARE = equals_any(EventField.EVENT_TYPE, ("rare",))
SEVERE = equals_any(EventField.SEVERITY, (4, 5))


def at(place: int, *, step: float = 1) -> EventCursor:
    """Give the cursor that stands about `place` entries from the newest end of a list with every `step`-th event."""
    number = EVENTS - int(place * step)
    return EventCursor(EventOrder.NEWEST_FIRST, START + number * STEP, event_id(number), "default")


CASES: dict[str, tuple[Selector, EventCursor | None, int]] = {
    "everything, first page": (all_of([]), None, 1),
    "everything, page 1000": (all_of([]), at(1000 * SIZE), 1),
    "everything, last page": (all_of([]), at(EVENTS - SIZE - 1), 1),
    "busy object, first page": (BUSY, None, 1),
    "busy object, page 1000": (BUSY, at(1000 * SIZE, step=21 / 20), 1),
    "busy object, page 19,999": (BUSY, at(19_998 * SIZE, step=21 / 20), 1),
    "busy object, rare type": (all_of([BUSY, RARE]), None, 1),
    "busy object, two severities": (all_of([BUSY, SEVERE]), None, 2),
    "small object, first page": (SMALL, None, 1),
    "small object, page 10": (SMALL, at(1 + 9 * SIZE, step=21 * 50), 1),
    "rare type, first page": (RARE, None, 1),
    "rare type, second page": (RARE, at(49, step=10_000), 1),
}


@pytest.fixture
async def large(large_url: str) -> Any:
    """The large store, read over one counted connection."""
    opened = await open_counted(large_url)
    for selector in (RARE, BUSY):  # a server's first look at a table also reads its statistics
        await first_page(opened, selector, None)
    yield opened
    await opened.close()


@pytest.mark.parametrize("name", CASES)
async def test_a_page_examines_what_it_shows(large: Database, name: str) -> None:
    """About the page size and a small constant: an index entry and a row by key for each event of the page."""
    selector, after, branches = CASES[name]
    async with measure(large) as examined:
        found = await first_page(large, selector, after)
    assert len(found.records) == SIZE
    assert examined.rows <= (branches + 1) * (SIZE + 2) + SMALL_CONSTANT


async def first_page(database: Database, selector: Selector, after: EventCursor | None) -> EventPage:
    request = PageRequest(size=SIZE, after=after)
    return await fetch_event_page(database, selector=selector, scope=EVERYTHING, request=request)


async def test_new_events_come_first_in_the_large_store(large: Database) -> None:
    """The busy object's timeline is as current as any other."""
    await store(large, [row(EVENTS + 1, occurred_at=START + (EVENTS + 1) * STEP, objects=(link("instance", "i0"),))])
    found = await first_page(large, BUSY, None)
    assert [record.id for record in found.records[:2]] == [event_id(EVENTS + 1), event_id(EVENTS)]
