"""Requests: EV4, NU4 and rules T6, T10 of semantics.md, on every backend."""

import pytest

from storage.engine import Database
from storage.identities import AudienceName
from storage.options import DatabaseOptions
from storage.records import ObjectRecord, RequestSummary
from storage.requests import fetch_request_objects, fetch_request_summary
from storage.scopes import EVERYTHING, Scope
from tests.storage.histories import START, link, row, scope_of_audiences, scope_of_namespaces, store


async def test_a_request_is_summed_up(database: Database) -> None:
    """EV4, T6: from the earliest event to the latest end, which need not be the last event's."""
    rows = [
        row(1, request_id="r", occurred_at=START, duration_ms=5.25, severity=1),
        row(2, request_id="r", occurred_at=START + 1_000, severity=4),
        row(3, request_id="r", occurred_at=START + 2_500, duration_ms=1.0),
        row(4, request_id="R", occurred_at=START - 1_000, duration_ms=1e6),
        row(5, request_id="r ", occurred_at=START - 1_000),
        row(6),
    ]
    await store(database, rows)
    assert await fetch_request_summary(database, "r", scope=EVERYTHING, namespaces=None) == RequestSummary(
        request_id="r",
        namespaces=("default",),
        started_at=START,
        duration_ms=5.25,
        event_count=3,
        count_is_exact=True,
        worst_severity=4,
    )


@pytest.mark.parametrize(
    ("rows", "duration_ms"),
    [
        ([(0, None)], 0.0),
        ([(0, 0.0)], 0.0),
        ([(0, 0.0001)], 0.0001),
        ([(0, 0.125), (1, None)], 0.125),
        ([(0, None), (1, None)], 0.001),
        ([(0, None), (1, 0.0005)], 0.0015),
        ([(0, None), (1_234_567, 0.25)], 1234.817),
        ([(0, 1e12)], 1e12),
    ],
    ids=repr,
)
async def test_fractions_of_a_millisecond_are_kept(
    database: Database, rows: list[tuple[int, float | None]], duration_ms: float
) -> None:
    """T6, T10, EV6: times are microseconds, durations keep what is smaller; none counts as 0."""
    await store(
        database,
        [
            row(number, request_id="r", occurred_at=START + offset, duration_ms=duration)
            for number, (offset, duration) in enumerate(rows)
        ],
    )
    summary = await fetch_request_summary(database, "r", scope=EVERYTHING, namespaces=None)
    assert summary is not None
    assert summary.duration_ms == duration_ms
    assert summary.started_at == START


async def test_a_request_may_reach_several_namespaces(database: Database) -> None:
    """EV4, EV10: summed over all, or over those asked for; what was found first is not always the earliest."""
    rows = [
        row(1, request_id="r", occurred_at=START + 2_000, severity=2),
        row(1, request_id="r", namespace="other", occurred_at=START, duration_ms=1.5, severity=5),
        row(2, request_id="r", namespace="Third", occurred_at=START + 1_000, severity=0),
    ]
    await store(database, rows)

    async def summary(*namespaces: str) -> tuple[object, ...] | None:
        found = await fetch_request_summary(database, "r", scope=EVERYTHING, namespaces=namespaces or None)
        return found and found[1:]

    assert await summary() == (("Third", "default", "other"), START, 2.0, 3, True, 5)
    assert await summary("other") == (("other",), START, 1.5, 1, True, 5)
    assert await summary("default") == (("default",), START + 2_000, 0.0, 1, True, 2)
    assert await summary("Third", "default") == (("Third", "default"), START + 1_000, 1.0, 2, True, 2)
    assert await summary("nowhere") is None
    assert await summary("nowhere", "default") == (("default",), START + 2_000, 0.0, 1, True, 2)


async def test_an_unknown_request_is_none(database: Database) -> None:
    """P7: null without an error, also for an empty list of namespaces and for a caller who may see nothing."""
    await store(database, [row(1, request_id="r", objects=(link("vm", "1"),))])
    cases: list[tuple[str, Scope, tuple[str, ...] | None]] = [
        ("unknown", EVERYTHING, None),
        ("", EVERYTHING, None),
        ("r", EVERYTHING, ()),
        ("r", EVERYTHING, ("nowhere",)),
        ("r", Scope(), None),
    ]
    for request_id, scope, namespaces in cases:
        assert await fetch_request_summary(database, request_id, scope=scope, namespaces=namespaces) is None
        found = await fetch_request_objects(database, request_id, scope=scope, namespaces=namespaces, size=10)
        assert found == []


async def test_only_visible_events_count(database: Database) -> None:
    """NU4: count, times, severity, namespaces and objects come from what the caller may see."""
    rows = [
        row(1, request_id="r", readers=("alice",), severity=5, occurred_at=START - 5_000, objects=(link("vm", "1"),)),
        row(2, request_id="r", occurred_at=START, objects=(link("vm", "2"),)),
        row(3, request_id="r", occurred_at=START + 1_000, objects=(link("vm", "3"),)),
        row(4, request_id="r", readers=("alice",), occurred_at=START + 9_000, duration_ms=9.0),
        row(5, request_id="r", namespace="other", occurred_at=START + 99_000, objects=(link("vm", "5"),)),
    ]
    await store(database, rows)
    plain = await scope_of_audiences(database, AudienceName("default", None, None))
    default = await scope_of_namespaces(database, "default")
    bob = await scope_of_audiences(database, AudienceName("default", ("bob",), None))

    async def summary(scope: Scope, namespaces: tuple[str, ...] | None = None) -> tuple[object, ...] | None:
        found = await fetch_request_summary(database, "r", scope=scope, namespaces=namespaces)
        return found and found[1:]

    async def ids(scope: Scope, size: int = 10) -> str:
        found = await fetch_request_objects(database, "r", scope=scope, namespaces=None, size=size)
        return "".join(one.object_id for one in found)

    assert await summary(plain) == (("default",), START, 1.0, 2, True, 1)
    assert await summary(default) == (("default",), START - 5_000, 23.0, 4, True, 5)
    assert await summary(bob) is None
    assert await summary(default, ("other",)) is None
    assert await summary(EVERYTHING) == (("default", "other"), START - 5_000, 104.0, 5, True, 5)
    assert [await ids(scope) for scope in (plain, default, bob, EVERYTHING)] == ["23", "123", "", "1235"]


async def test_objects_of_a_request_come_once_and_in_order(database: Database) -> None:
    """EV4, P5: by (namespace, type, id), each once, the first ones only."""
    rows = [
        row(1, request_id="r", objects=(link("vm", "b"), link("vm", "a", role="x"), link("node", "z"))),
        row(2, request_id="r", objects=(link("vm", "a"), link("vm", "c", namespace="Other"))),
        row(3, request_id="s", objects=(link("vm", "d"),)),
        row(1, request_id="r", namespace="other", objects=(link("vm", "a"), link("vm", "a", namespace="other"))),
    ]
    await store(database, rows)
    everything = [
        ObjectRecord("Other", "vm", "c"),
        ObjectRecord("default", "node", "z"),
        ObjectRecord("default", "vm", "a"),
        ObjectRecord("default", "vm", "b"),
        ObjectRecord("other", "vm", "a"),
    ]
    for size in (0, 1, 3, 5, 100):
        found = await fetch_request_objects(database, "r", scope=EVERYTHING, namespaces=None, size=size)
        assert found == everything[:size]
    found = await fetch_request_objects(database, "r", scope=EVERYTHING, namespaces=("other",), size=10)
    assert found == [ObjectRecord("default", "vm", "a"), ObjectRecord("other", "vm", "a")]


async def test_a_large_request_is_summed_up_to_the_scan_limit(database_url: str) -> None:
    """Design ("no query may run away"): the first events only, and it says so."""
    database = await Database.open(database_url, DatabaseOptions(scan_rows=10))
    try:
        rows = [row(number, request_id="large", objects=(link("vm", f"{number:02d}"),)) for number in range(25)]
        rows += [row(100 + number, request_id="small") for number in range(9)]
        await store(database, rows)
        large = await fetch_request_summary(database, "large", scope=EVERYTHING, namespaces=None)
        assert large == RequestSummary("large", ("default",), START, 0.009, 10, False, 1)
        small = await fetch_request_summary(database, "small", scope=EVERYTHING, namespaces=None)
        assert small == RequestSummary("small", ("default",), START + 100, 0.008, 9, True, 1)
        found = await fetch_request_objects(database, "large", scope=EVERYTHING, namespaces=None, size=100)
        assert [one.object_id for one in found] == [f"{number:02d}" for number in range(10)]
    finally:
        await database.close()
