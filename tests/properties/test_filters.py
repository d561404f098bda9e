"""Filters and pages as a whole: generated filters against an independent reading of the rules, on both databases."""

from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.gateway.execution import Caller
from tests.properties.conftest import EVENTS
from tests.properties.oracle import matches
from tests.properties.strategies import FIELDS, FILTERS, MEANINGS, TIMES, Filter

Key = tuple[int, str, str]

# The database is filled once for all examples: they only read.
EXAMPLES = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

PAGE = """
  query ($filter: EventFilter, $order: EventOrder!, $first: Int, $after: String, $last: Int, $before: String) {
    events(filter: $filter, orderBy: $order, first: $first, after: $after, last: $last, before: $before) {
      nodes { timestamp id namespace }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      searchedTo
    }
  }
"""


def expected(filter_: Filter, *, order: str = "NEWEST_FIRST") -> list[Key]:
    """The events that the rules mean, in order."""
    found = [event for event in EVENTS if matches(filter_, event, meanings=MEANINGS, at=TIMES.__getitem__)]
    keys = [(event["timestamp"], event["id"], event["namespace"]) for event in found]
    return sorted(keys, reverse=order == "NEWEST_FIRST")


async def page(caller: Caller, filter_: Filter, **arguments: Any) -> dict[str, Any]:
    """One page of the events that the database gives."""
    answer = await caller.run(PAGE, {"filter": filter_, "order": "NEWEST_FIRST"} | arguments)
    found: dict[str, Any] = answer.data["events"]
    found["keys"] = [(_micros(node["timestamp"]), node["id"], node["namespace"]) for node in found["nodes"]]
    return found


def _micros(text: str) -> int:
    return TIMES[text]


async def everything(caller: Caller, filter_: Filter) -> list[Key]:
    keys: list[Key] = (await page(caller, filter_, first=1000))["keys"]
    return keys


@EXAMPLES
@given(filter_=FILTERS)
@example(filter_={})
@example(filter_={"not": {"or": []}})
async def test_the_database_means_what_the_rules_say(caller: Caller, filter_: Filter) -> None:
    """NU6, SY2, F1 to F22; and negation is complement: what a filter and its `not` give is everything, once."""
    found = await everything(caller, filter_)
    assert found == expected(filter_)
    complement = await everything(caller, {"not": filter_})
    assert sorted(found + complement, reverse=True) == expected({})


@pytest.mark.parametrize("name", sorted(FIELDS))
@settings(EXAMPLES, max_examples=5)
@given(data=st.data())
async def test_each_field_alone_means_what_the_rules_say(caller: Caller, name: str, data: st.DataObject) -> None:
    filter_ = {name: data.draw(FIELDS[name])}
    assert await everything(caller, filter_) == expected(filter_)
    assert await everything(caller, {"not": filter_}) == expected({"not": filter_})


async def test_each_selector_text_means_its_filter_hz1(caller: Caller) -> None:
    """By text and by fields: one selector."""
    for text, meaning in MEANINGS.items():
        by_text = await everything(caller, {"selectors": [text]})
        assert by_text == await everything(caller, meaning) == expected(meaning), text


async def glued(caller: Caller, filter_: Filter, *, size: int, order: str, backward: bool) -> tuple[list[Key], int]:
    """All pages of a list put together, and how many there were."""
    keys: list[Key] = []
    cursor: str | None = None
    for pages in range(1, 2 * len(EVENTS)):
        sizes = {"last": size, "before": cursor} if backward else {"first": size, "after": cursor}
        found = await page(caller, filter_, order=order, **sizes)
        assert len(found["keys"]) <= size
        keys = found["keys"] + keys if backward else keys + found["keys"]
        goes_on, cursor = (
            (found["pageInfo"]["hasPreviousPage"], found["pageInfo"]["startCursor"])
            if backward
            else (found["pageInfo"]["hasNextPage"], found["pageInfo"]["endCursor"])
        )
        if not goes_on:
            assert found["searchedTo"] is None
            return keys, pages
        assert cursor is not None
    raise AssertionError("the pages never end")


@settings(EXAMPLES, max_examples=10)
@given(
    filter_=FILTERS,
    size=st.integers(min_value=4, max_value=20),
    order=st.sampled_from(["NEWEST_FIRST", "OLDEST_FIRST"]),
    backward=st.booleans(),
)
@example(filter_={}, size=1, order="NEWEST_FIRST", backward=False)
@example(filter_={}, size=2, order="OLDEST_FIRST", backward=True)
async def test_pages_put_together_are_the_whole_ev9(
    caller: Caller, filter_: Filter, size: int, order: str, backward: bool
) -> None:
    """Both ways and in both orders, with ten events in each microsecond."""
    whole = expected(filter_, order=order)
    keys, pages = await glued(caller, filter_, size=size, order=order, backward=backward)
    assert keys == whole
    assert pages == max(1, -(-len(whole) // size))


@settings(EXAMPLES, max_examples=10)
@given(
    filter_=FILTERS,
    size=st.integers(min_value=4, max_value=20),
    order=st.sampled_from(["NEWEST_FIRST", "OLDEST_FIRST"]),
    backward=st.booleans(),
)
async def test_short_pages_put_together_are_the_whole_too(
    hasty: Caller, filter_: Filter, size: int, order: str, backward: bool
) -> None:
    """A page that ended at the scan limit can be gone on from, and loses nothing."""
    keys, _ = await glued(hasty, filter_, size=size, order=order, backward=backward)
    assert keys == expected(filter_, order=order)
