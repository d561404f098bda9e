"""Counted: which selectors the sums answer, and how a span is cut into as few of their rows as can be."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.conjunctions import Conjunction
from storage.counted import Counted, Piece, build_counted, cut, find_counted, is_counted
from storage.counts import CountFolder
from storage.engine import Database
from storage.identities import AudienceName
from storage.scopes import EVERYTHING, Scope
from storage.selectors import ALL, EventField, Not, Or, Selector, TouchesType, equals_any
from storage.times import MICROSECONDS_PER_MINUTE
from tests.storage.examined import explain, used_indexes
from tests.storage.histories import START, row, scope_of_audiences, store

MINUTE, HOUR, DAY = 1, 60, 1440


@pytest.mark.parametrize(
    ("since", "until", "coarsest", "pieces"),
    [
        (None, None, DAY, [Piece(DAY, None, None)]),
        (0, 2 * DAY, DAY, [Piece(DAY, 0, 2 * DAY)]),
        (0, 2 * DAY, HOUR, [Piece(HOUR, 0, 2 * DAY)]),
        (
            DAY - 61,
            DAY + 61,
            DAY,
            [Piece(HOUR, DAY - 60, DAY + 60), Piece(1, DAY - 61, DAY - 60), Piece(1, DAY + 60, DAY + 61)],
        ),
        (5, 50, DAY, [Piece(1, 5, 50)]),
        (None, DAY + 1, DAY, [Piece(DAY, None, DAY), Piece(1, DAY, DAY + 1)]),
        (HOUR, None, DAY, [Piece(DAY, DAY, None), Piece(HOUR, HOUR, DAY)]),
    ],
)
def test_a_span_is_read_from_the_coarsest_sums(since, until, coarsest, pieces) -> None:
    ends = (None if end is None else end * MICROSECONDS_PER_MINUTE for end in (since, until))
    assert cut(*ends, coarsest=coarsest) == (pieces, [])


@given(
    ends=st.lists(st.none() | st.integers(0, 4 * DAY * MICROSECONDS_PER_MINUTE), min_size=2, max_size=2),
    coarsest=st.sampled_from([1, 5, 60, 720, 1440, 10_080]),
)
def test_pieces_and_what_is_left_are_the_span_once(ends: list[int | None], coarsest: int) -> None:
    since, until = ends
    pieces, rest = cut(since, until, coarsest=coarsest)
    assert all(piece.minutes <= coarsest for piece in pieces)
    lowest, highest = -1, 5 * DAY * MICROSECONDS_PER_MINUTE
    parts = [
        tuple(None if end is None else end * MICROSECONDS_PER_MINUTE for end in (piece.start, piece.stop))
        for piece in pieces
    ] + rest
    covered = sorted((lowest if start is None else start, highest if stop is None else stop) for start, stop in parts)
    assert all(start < stop for start, stop in covered)
    assert all(left[1] == right[0] for left, right in pairwise(covered))
    whole = (lowest if since is None else since, highest if until is None else until)
    assert (whole[0] >= whole[1] and not covered) or (covered[0][0], covered[-1][1]) == whole


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (equals_any(EventField.EVENT_TYPE, ("audit",)), True),
        (Not(Or((equals_any(EventField.SEVERITY, (1,)), equals_any(EventField.SUCCESS, (True,))))), True),
        (equals_any(EventField.NAMESPACE, ("n",)), True),
        (equals_any(EventField.OWNER, ("eve",)), True),
        (equals_any(EventField.SOURCE, ("host-1",)), False),
        (Not(TouchesType(("instance",))), False),
        (Or((equals_any(EventField.TIMESTAMP, (5,)), equals_any(EventField.SEVERITY, (1,)))), False),
    ],
)
def test_the_sums_know_type_severity_success_and_audience(selector: Selector, expected: bool) -> None:
    assert is_counted(Conjunction.of(selector).tests) is expected


@pytest.fixture
async def summed(database: Database) -> Database:
    """A store with sums of many minutes, in two namespaces and for a single reader."""
    rows = [
        row(
            number,
            namespace=f"n{number % 2}",
            # One audience of ten is a reader's own.
            owner=f"owner-{number % 20}" if number % 10 == 0 else None,
            occurred_at=START + number * 7 * MICROSECONDS_PER_MINUTE,
        )
        for number in range(400)
    ]
    await store(database, rows)
    assert await CountFolder(database).turn() == 400
    return database


async def _counted(database: Database, selector: Selector, scope: Scope) -> Counted:
    async with database.reading() as connection:
        return await find_counted(database, connection, Conjunction.of(selector), scope)


@pytest.mark.parametrize(
    "piece", [Piece(1, 29_453_760, 29_454_000), Piece(60, 29_453_760, 29_455_200), Piece(1440, None, None)]
)
async def test_sums_are_read_by_audience_and_time(summed: Database, piece: Piece) -> None:
    """L2, NU4: a statement examines sums of the audiences that its caller may see, and of no other."""
    scope = await scope_of_audiences(summed, AudienceName("n0", None, "owner-0"))
    counted = await _counted(summed, equals_any(EventField.SEVERITY, (1,)), scope)
    assert counted.audience_keys is not None
    used = await _used(summed, build_counted(counted, [piece], number="event_rows", bucket=(29_453_760, 60)))
    assert used == {"PRIMARY", "scan of event_count_deltas"}


@pytest.mark.parametrize("minutes", [1, 60, 1440])
async def test_sums_of_too_many_audiences_are_read_by_time(summed: Database, minutes: int) -> None:
    counted = Counted(ALL, EVERYTHING, None)
    piece = Piece(minutes, 29_453_760, 29_453_760 + minutes)
    used = await _used(summed, build_counted(counted, [piece], number="event_rows"))
    table = {1: "event_counts", 60: "event_hour_counts", 1440: "event_day_counts"}[minutes]
    assert used == {f"ix_{table}_minute", "scan of event_count_deltas"}


async def _used(database: Database, statement: Any) -> set[str]:
    if database.dialect_name == "mariadb":
        async with database.reading() as connection:
            await connection.exec_driver_sql("ANALYZE TABLE event_counts, event_hour_counts, event_day_counts")
    return used_indexes(await explain(database, statement))
