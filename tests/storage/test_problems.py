"""Problems (HZ6, NU4, GQ2): an oracle in plain Python, pages in both directions, the scan limit, counts, plans."""

import random
from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any, NamedTuple

import pytest
from sqlalchemy import delete, insert

from storage.appends import EventRow
from storage.dismissals import (
    FIRST_DISMISSAL,
    DismissalPlace,
    DismissalWindow,
    build_dismissal_window,
    build_lost_dismissals,
    build_touch,
    delete_lost_dismissals,
    fetch_touch,
    save_dismissal,
)
from storage.engine import Database
from storage.identities import AudienceName
from storage.options import DatabaseOptions
from storage.page_statements import Bound, KeyRange
from storage.plans import Planner
from storage.problem_places import Place
from storage.problem_statements import (
    CountedBranch,
    ProblemQuery,
    ProblemRange,
    build_all_pairs,
    build_error_counts,
    build_named_pairs,
    build_pairs_of_keys,
    build_problems,
    build_window_pairs,
    count_values,
)
from storage.problems import (
    ProblemCount,
    ProblemPage,
    ProblemRecord,
    count_problems,
    fetch_problem_page,
    fetch_problems_of,
)
from storage.records import EventKey, ObjectRecord
from storage.scopes import EVERYTHING, Scope
from storage.selectors import EventField, equals_any
from storage.severities import Severity
from storage.tables import event_objects, problem_dismissals
from tests.storage.examined import explain, measure, open_counted, used_indexes
from tests.storage.histories import START, event_id, link, row, scope_of_audiences, scope_of_namespaces, store

SECOND = 1_000_000
NOW = START + 1_000 * SECOND
FEW = 300
"""A scan limit at which the errors of the histories below are gone through in windows."""


WHOLE = ProblemRange()
ENDS = {"ix_event_objects_severity", "ix_event_objects_success"}


class Dismissal(NamedTuple):
    """What somebody has seen to."""

    object: ObjectRecord
    event: EventRow
    until: int | None = None


async def page(
    database: Database,
    *,
    scope: Scope = EVERYTHING,
    size: int = 1_000,
    min_severity: int = Severity.WARNING,
    now: int = NOW,
    include_dismissed: bool = False,
    namespace: str | None = None,
    within: ProblemRange = WHOLE,
) -> ProblemPage:
    query = ProblemQuery(min_severity, now, include_dismissed, namespace)
    return await fetch_problem_page(database, scope=scope, query=query, size=size, within=within)


async def dismiss(database: Database, wanted: Iterable[Dismissal]) -> None:
    """Dismiss errors, all in one transaction."""
    touches = []
    for each in wanted:
        key = EventKey(each.event.audience.namespace, each.event.id)
        touch = await fetch_touch(database, each.object, key, scope=EVERYTHING)
        assert touch is not None
        touches.append((touch, each.until))

    async def work(connection: Any) -> None:
        for touch, until in touches:
            await save_dismissal(
                connection, touch, by="somebody", at=NOW, until=until, reason=None, dialect_name=database.dialect_name
            )

    await database.write(work, name="dismissals")


def place(event: EventRow) -> tuple[int, str, str]:
    return event.occurred_at, event.id, event.audience.namespace


def expect(
    rows: Sequence[EventRow], dismissals: Sequence[Dismissal], query: ProblemQuery, seen: Sequence[AudienceName]
) -> dict[ObjectRecord, tuple[tuple[int, str, str], ProblemCount, bool]]:
    """What is wrong with each object, as the documentation words it: the last error, how often, and if dismissed."""
    found: dict[ObjectRecord, tuple[tuple[int, str, str], ProblemCount, bool]] = {}
    of_object: dict[ObjectRecord, list[EventRow]] = {}
    for event in sorted(rows, key=place):
        for each in event.objects:
            if event.audience in seen:
                of_object.setdefault(each.object, []).append(event)
    for touched, events in of_object.items():
        since: list[EventRow] = []
        counted: list[EventRow] = []
        last: EventRow | None = None
        is_dismissed = False
        for event in events:
            if event.success:
                since, last = [], None
            elif event.severity >= query.min_severity:
                since, last, is_dismissed = [*since, event], event, False
            for one in dismissals:
                holds = one.until is None or one.until > query.now
                if (one.object, one.event) == (touched, event) and holds and last is not None:
                    is_dismissed = True
                    kept, since = since, []
                    counted = kept or counted
        if last is None or (is_dismissed and not query.include_dismissed):
            continue
        if query.namespace not in (None, touched.namespace):
            continue
        errors = counted if is_dismissed else since
        found[touched] = (place(last), ProblemCount(len(errors), errors[0].occurred_at, True), is_dismissed)
    return found


AUDIENCES = (
    AudienceName("default", None, None),
    AudienceName("default", ("ann",), None),
    AudienceName("default", (), "bob"),
    AudienceName("other", None, None),
)


ASKED = ((Severity.NOTICE, False, 0), (Severity.ERROR, True, 50))
"""The least severity, whether dismissed ones too, and seconds after the dismissals."""


def make_history(chance: random.Random) -> list[EventRow]:
    """Some hundred events about some dozen objects; times that repeat, ids that two namespaces share."""
    kinds = [link("vm", f"vm-{number}") for number in range(16)]
    kinds += [link("vm", f"vm-{number}", namespace="other") for number in range(5)]
    kinds += [link("node", f"node-{number}") for number in range(5)]
    rows: dict[tuple[str, str], EventRow] = {}
    for _ in range(320):
        audience = chance.choice(AUDIENCES)
        number = chance.randrange(1, 400)
        rows[event_id(number), audience.namespace] = row(
            number,
            audience=audience,
            severity=chance.choice((1, 1, 2, 3, 4, 5)),
            success=chance.choice((None, None, None, False, True)),
            occurred_at=START + chance.randrange(60) * SECOND,
            objects=tuple(chance.sample(kinds, chance.choice((1, 1, 2, 3)))),
        )
    return list(rows.values())


async def scopes(database: Database) -> list[tuple[Scope, tuple[AudienceName, ...]]]:
    some = (AUDIENCES[0], AUDIENCES[2])
    return [
        (EVERYTHING, AUDIENCES),
        (await scope_of_namespaces(database, "default"), AUDIENCES[:3]),
        (await scope_of_audiences(database, *some), some),
        (Scope(), ()),
    ]


async def test_problems_are_what_the_oracle_says(database: Database, database_url: str) -> None:
    """HZ6, NU4: for each scope and severity, dismissed or not, with all objects looked at and in windows."""
    chance = random.Random(7)
    await database.identities.intern_namespaces(["default"])
    rows = make_history(chance)
    await store(database, rows)
    errors = [each for each in rows if each.severity >= Severity.WARNING and not each.success]
    ends = (None, NOW, NOW + 1, NOW + 100)
    dismissals = [
        Dismissal(chance.choice(event.objects).object, event, chance.choice(ends))
        for event in chance.sample(errors, 45)
    ]
    await dismiss(database, dismissals)
    narrow = await Database.open(database_url, DatabaseOptions(scan_rows=FEW))
    objects = sorted({each.object for one in rows for each in one.objects})
    for (scope, seen), (severity, include, later) in product(await scopes(database), ASKED):
        query = ProblemQuery(severity, NOW + later, include)
        expected = expect(rows, dismissals, query, seen)
        found = await fetch_problems_of(database, objects, scope=scope, query=query)
        assert {one: seen_as(each) for one, each in found.items() if each} == {
            one: (at, is_dismissed) for one, (at, _, is_dismissed) in expected.items()
        }
        listed = [each for each in found.values() if each]
        listed.sort(key=lambda each: each.object)
        listed.sort(key=lambda each: (each.occurred_at, *each.event[::-1]), reverse=True)
        assert (
            await page(database, scope=scope, min_severity=severity, now=query.now, include_dismissed=include)
        ).records == listed
        counts = await count_problems(database, listed, scope=scope)
        assert {each.object: count for each, count in counts.items()} == {
            one: count for one, (_, count, _) in expected.items()
        }
        if severity == Severity.ERROR and not scope.namespace_keys:
            assert await read_all(narrow, 8, scope=scope, query=query, backward=not scope.everything) == listed
            for each, namespace in ((database, "other"), (narrow, "default")):
                of_namespace = await read_all(each, 9, scope=scope, query=query._replace(namespace=namespace))
                assert of_namespace == [one for one in listed if one.object.namespace == namespace]
            for each, types in ((database, ("vm",)), (narrow, ("vm", "disk")), (narrow, ())):
                of_types = await read_all(each, 9, scope=scope, query=query._replace(object_types=types))
                assert of_types == [one for one in listed if one.object.object_type in types]
    await narrow.close()


def seen_as(record: ProblemRecord) -> tuple[tuple[int, str, str], bool]:
    return (record.occurred_at, record.event.id, record.event.namespace), record.dismissed_by is not None


async def read_all(
    database: Database, size: int, *, scope: Scope, query: ProblemQuery, backward: bool = False
) -> list[ProblemRecord]:
    """Page through the whole list."""
    found: list[ProblemRecord] = []
    within = ProblemRange(backward)
    while True:
        part = await fetch_problem_page(database, scope=scope, query=query, size=size, within=within)
        found = part.records + found if backward else found + part.records
        goes_on, cursor = (part.has_previous, part.start_cursor) if backward else (part.has_next, part.end_cursor)
        if not goes_on:
            return found
        assert cursor is not None
        within = ProblemRange(True, None, cursor) if backward else ProblemRange(False, cursor)


async def store_noise(database: Database, errors: Iterable[int], *, objects: int) -> None:
    """Some errors of one object, the last of all among them, and others with an old one each."""
    rows = [row(number, severity=4, objects=(link("vm", f"vm-{number}"),)) for number in range(1, objects + 1)]
    noise = [row(10_000 + number, severity=4, objects=(link("vm", "noisy"),)) for number in errors]
    await store(database, [*rows, *noise])


@pytest.mark.parametrize("backend", ["sqlite", "aiomysql"])
async def test_an_object_with_many_errors_costs_what_one_with_few_does(database: Database, database_url: str) -> None:
    """What is wrong with the others is found behind its noise; in windows, each page stays within the scan limit."""
    counted = await open_counted(database_url)
    noisy = ObjectRecord("default", "vm", "noisy")
    examined: list[int] = []
    for first, last in ((0, 100), (100, 600)):
        objects = 60 if first == 0 else 0
        await store_noise(database, range(first, last), objects=objects)
        await refresh_statistics(counted)
        await page(counted)
        async with measure(counted) as measured:
            found = await page(counted, size=50)
        examined.append(measured.rows)
        assert (found.records[0].object, len(found.records), found.has_next) == (noisy, 50, True)
        count = await count_problems(counted, found.records[:1], scope=EVERYTHING)
        assert count[found.records[0]] == ProblemCount(last, START + 10_000, True)
    assert examined[1] <= examined[0] * 1.1 + 10
    await counted.close()
    windows = await open_counted(database_url, scan_rows=300)
    within, pages = WHOLE, [await page(windows, size=70)]
    async with measure(windows) as measured:
        while pages[-1].has_next:
            within = ProblemRange(after=pages[-1].end_cursor)
            pages.append(await page(windows, size=70, within=within))
    assert sum(len(each.records) for each in pages) == 61
    assert len(pages) > 600 * 8 // 300
    assert measured.rows <= len(pages) * 300 * 2
    # Counting ends at the limit, and says so.
    [count_in_part] = (await count_problems(windows, pages[0].records, scope=EVERYTHING)).values()
    assert (count_in_part.is_exact, count_in_part.since) == (False, START + 10_000 + 600 - 200)
    assert count_in_part.occurrences == 200
    await windows.close()


async def test_dismissals_whose_event_is_gone_go_too(database: Database) -> None:
    """HZ6: until then they do no harm; an earlier error comes up again with them."""
    await store_noise(database, range(3), objects=5)
    noisy = ObjectRecord("default", "vm", "noisy")
    quiet = [Dismissal(ObjectRecord("default", "vm", f"vm-{number}"), row(number)) for number in range(1, 6)]
    await dismiss(database, [*quiet, Dismissal(noisy, row(10_002))])
    assert (await page(database)).records == []

    async def remove(connection: Any) -> None:
        for number in (2, 4, 10_002):
            await connection.execute(delete(event_objects).where(event_objects.c.event_id == event_id(number)))

    await database.write(remove, name="a removal")
    [again] = (await page(database)).records
    assert (again.object, again.event.id, again.dismissed_by) == (noisy, event_id(10_001), None)
    place: DismissalPlace | None = FIRST_DISMISSAL
    gone = 0

    async def work(connection: Any) -> DismissalWindow:
        assert place is not None
        return await delete_lost_dismissals(connection, place, limit=2, dialect_name=database.dialect_name)

    while place is not None:
        window = await database.write(work, name="upkeep")
        gone, place = gone + window.deleted, window.last
    assert gone == 3
    assert [each.object for each in (await page(database)).records] == [noisy]
    assert len((await page(database, include_dismissed=True)).records) == 4


async def store_old_dismissals(database: Database, count: int) -> None:
    """Dismissals of events that are gone, all of one object."""
    rows = [
        {**DismissalPlace(1, START + number, event_id(number), 1)._asdict(), "dismissed_at": NOW}
        for number in range(count)
    ]

    async def work(connection: Any) -> None:
        await connection.execute(insert(problem_dismissals), rows)

    await database.write(work, name="dismissals")


async def refresh_statistics(database: Database) -> None:
    if database.dialect_name == "mariadb":
        async with database.reading() as connection:
            await connection.exec_driver_sql(
                "ANALYZE TABLE events, event_objects, object_audiences, objects, problem_dismissals"
            )


OF_ANY = ProblemQuery(Severity.WARNING, NOW)
STATEMENTS: dict[str, tuple[Any, set[str]]] = {
    "all": (lambda _: problems_of(build_all_pairs(OF_ANY, EVERYTHING)), ENDS),
    "of a namespace": (lambda _: problems_of(build_all_pairs(OF_ANY._replace(namespace="default"), EVERYTHING)), ENDS),
    "of a type": (
        lambda _: problems_of(build_all_pairs(OF_ANY._replace(object_types=("vm",)), EVERYTHING)),
        {*ENDS, "ix_objects_type"},
    ),
    "of some audiences": (
        lambda _: problems_of(build_all_pairs(OF_ANY, Scope(audience_keys=frozenset({1, 2})))),
        {*ENDS, "ix_object_audiences_audience"},
    ),
    "of named objects": (
        lambda _: problems_of(
            build_named_pairs([ObjectRecord("default", "vm", f"vm-{each}") for each in range(20)], EVERYTHING)
        ),
        {*ENDS, "uq_objects_namespace_object_type_object_id"},
    ),
    "counts": (
        lambda dialect: build_error_counts(3, with_notices=False, dialect_name=dialect).params(
            count_values([CountedBranch(1, 1, 4, None, Place(NOW, event_id(1), 1))], 3, most=10)
        ),
        {"ix_event_objects_severity", "PRIMARY"},
    ),
    "places of keys": (lambda _: build_pairs_of_keys([1, 2, 3], EVERYTHING), {"PRIMARY"}),
    "touch": (
        lambda _: build_touch(ObjectRecord("default", "vm", "vm-1"), EventKey("default", event_id(1)), EVERYTHING),
        {"ix_event_objects_event"},
    ),
    "upkeep": (
        lambda dialect: build_dismissal_window(FIRST_DISMISSAL, limit=10, dialect_name=dialect),
        {"ix_event_objects_event", "PRIMARY"},
    ),
    "lost dismissals": (
        lambda _: build_lost_dismissals([DismissalPlace(1, START + each, event_id(each), 1) for each in range(50)]),
        {"PRIMARY"},
    ),
}


@pytest.mark.parametrize("backend", ["sqlite", "aiomysql"])
async def test_problems_are_read_by_the_ends_of_indexes(database: Database) -> None:
    await store_noise(database, range(300), objects=300)
    await store_old_dismissals(database, 1_000)
    await refresh_statistics(database)
    used: dict[str, set[str]] = {}
    for name, (build, _) in STATEMENTS.items():
        used[name] = used_indexes(await explain(database, build(database.dialect_name)))
    async with database.reading() as connection:
        severe = equals_any(EventField.SEVERITY, (3, 4, 5))
        plan = await Planner(database, connection, scope=EVERYTHING).plan(severe)
    keys = KeyRange(True, stop=Bound(START + 10_100, event_id(1), True))
    wanted = {name: indexes for name, (_, indexes) in STATEMENTS.items()}
    of_names = OF_ANY._replace(namespace="default", object_types=("vm", "node"))
    for name, query in (("window", OF_ANY), ("window of names", of_names)):
        pairs = build_window_pairs(query, plan, keys, EVERYTHING, database.dialect_name)
        used[name] = used_indexes(await explain(database, problems_of(pairs, keys)))
        wanted[name] = {*ENDS, "ix_events_severity", "ix_event_objects_event"}
    for name, indexes in used.items():
        assert wanted[name] <= {_plain(each) for each in indexes}, (name, indexes)
        scanned = {each for each in indexes if each.startswith("scan")}
        # All objects are looked at only where they are few.
        assert scanned <= ({"scan of object_audiences"} if name == "all" else set()), (name, indexes)


def _plain(index: str) -> str:
    return {"sqlite_autoindex_objects_1": "uq_objects_namespace_object_type_object_id"}.get(index, index)


def problems_of(pairs: Any, keys: KeyRange | None = None) -> Any:
    return build_problems(
        pairs, ProblemQuery(Severity.WARNING, NOW), scope=EVERYTHING, within=WHOLE, limit=51, keys=keys
    )
