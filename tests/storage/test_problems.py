"""Problems (HZ6, NU4, GQ2): an oracle in plain Python, pages in both directions, the scan limit, counts, plans."""

import random
from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

from storage.appends import EventRow
from storage.dismissals import fetch_touch, save_dismissal
from storage.engine import Database
from storage.identities import AudienceName
from storage.options import DatabaseOptions
from storage.problem_statements import ProblemQuery, ProblemRange
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
from storage.severities import Severity
from tests.storage.histories import START, event_id, link, row, scope_of_audiences, scope_of_namespaces, store

SECOND = 1_000_000
NOW = START + 1_000 * SECOND
FEW = 500
"""A scan limit at which the errors of the histories below are gone through in windows."""


class Dismissal(NamedTuple):
    """A dismissal for the oracle."""

    object: ObjectRecord
    event: EventRow
    until: int | None


async def page(
    database: Database,
    *,
    scope: Scope = EVERYTHING,
    size: int = 1_000,
    min_severity: int = Severity.WARNING,
    now: int = NOW,
    include_dismissed: bool = False,
    namespace: str | None = None,
    within: ProblemRange = ProblemRange(),
) -> ProblemPage:
    query = ProblemQuery(min_severity, now, include_dismissed, namespace)
    return await fetch_problem_page(database, scope=scope, query=query, size=size, within=within)


async def dismiss(database: Database, touched: ObjectRecord, event: EventRow, until: int | None = None) -> Dismissal:
    touch = await fetch_touch(database, touched, EventKey(event.audience.namespace, event.id), scope=EVERYTHING)
    assert touch is not None

    async def work(connection: Any) -> None:
        given = {"at": NOW, "until": until, "reason": None, "dialect_name": database.dialect_name}
        await save_dismissal(connection, touch, by="somebody", **given)

    await database.write(work, name="a dismissal")
    return Dismissal(touched, event, until)


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


ASKED = ((Severity.INFO, False, 0), (Severity.WARNING, True, 50), (Severity.CRITICAL, False, 200))
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
    dismissals: dict[tuple[ObjectRecord, EventRow], Dismissal] = {}
    for event in chance.sample(errors, 45):
        touched = chance.choice(event.objects).object
        until = chance.choice((None, NOW, NOW + 1, NOW + 100))
        dismissals[touched, event] = await dismiss(database, touched, event, until)
    narrow = await Database.open(database_url, DatabaseOptions(scan_rows=FEW))
    objects = sorted({each.object for one in rows for each in one.objects})
    for (scope, seen), (severity, include, later) in product(await scopes(database), ASKED):
        query = ProblemQuery(severity, NOW + later, include)
        expected = expect(rows, list(dismissals.values()), query, seen)
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
        if severity == Severity.WARNING:
            assert await read_all(narrow, 8, scope=scope, query=query) == listed
            assert await read_all(narrow, 11, scope=scope, query=query, backward=True) == listed
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
