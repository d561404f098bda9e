"""Histograms, facets and statistics, counted once more one event after the other, as plainly as the rules say it.

Nothing here uses the code under test; events are dicts as in `events.py`, with `repeatCount` and `recordCount`.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

Event = dict[str, Any]

SECOND = 1_000_000
DAY = 86_400 * SECOND
WIDTHS = [*(each * SECOND for each in (1, 5, 15, 60, 300, 900, 3600, 10_800, 21_600, 43_200)), DAY, 7 * DAY]
GROUPS = {
    "EVENT_TYPE": "eventType",
    "CATEGORY": "category",
    "SEVERITY": "severity",
    "NAMESPACE": "namespace",
    "SOURCE": "source",
    "ACTOR": "actor",
}


def buckets_of(since: int, until: int, wish: int) -> list[tuple[int, int]]:
    """The buckets of a histogram, begin and end (H1, H2)."""
    for width in WIDTHS:
        start = _round_down(since, width)
        buckets = []
        while start < until:
            buckets.append((start, start + width))
            start += width
        if len(buckets) <= wish:
            return buckets
    raise AssertionError("too long")


def _round_down(at: int, width: int) -> int:
    if width < 7 * DAY:
        return at - at % width
    midnight = at - at % DAY
    while (midnight // DAY + 3) % 7:  # the first of January 1970 was a Thursday
        midnight -= DAY
    return midnight


def values_of(event: Event, group: str | None) -> list[str | None]:
    """The groups that an event counts in (H4, H8)."""
    if group is None:
        return [None]
    if group == "OBJECT_TYPE":
        return sorted({kind for kind, *_ in event["objects"]}) or [None]
    if group == "SUCCESS":
        return [{None: None, True: "true", False: "false"}[event["success"]]]
    return [event[GROUPS[group]]]


def ranked(numbers: Counter[str | None]) -> list[tuple[str | None, int]]:
    """The largest first, then by value, null after all values (H5, H6, H10)."""
    return sorted(numbers.items(), key=lambda each: (-each[1], each[0] is None, each[0] or ""))


def histogram(events: Iterable[Event], buckets: list[tuple[int, int]], group: str | None) -> list[dict[str, Any]]:
    """The series of a histogram (H3 to H5)."""
    counts: dict[str | None, list[int]] = defaultdict(lambda: [0] * len(buckets))
    if group is None:
        counts[None] = [0] * len(buckets)
    for event in events:
        for place, (start, end) in enumerate(buckets):
            if start <= event["timestamp"] < end:
                for value in values_of(event, group):
                    counts[value][place] += event["repeatCount"]
    order = ranked(Counter({value: sum(each) for value, each in counts.items()}))
    series = [{"value": value, "other": False, "counts": counts[value]} for value, _ in order[:20]]
    if order[20:]:
        others = [sum(column) for column in zip(*(counts[value] for value, _ in order[20:]), strict=True)]
        series.append({"value": None, "other": True, "counts": others})
    return series


def facet(events: Iterable[Event], group: str, top: int) -> dict[str, Any]:
    """A facet (H4, H6, H7)."""
    numbers: Counter[str | None] = Counter()
    for event in events:
        for value in values_of(event, group):
            numbers[value] += event["repeatCount"]
    order = ranked(numbers)
    values = [{"value": value, "count": number} for value, number in order[:top]]
    return {"field": group, "values": values, "otherCount": sum(number for _, number in order[top:])}


def statistics(events: Iterable[Event], buckets: list[tuple[int, int]], group: str | None) -> list[dict[str, Any]]:
    """The series of statistics; every event as often as it repeated."""
    cells: dict[str | None, list[list[Event]]] = defaultdict(lambda: [[] for _ in buckets])
    if group is None:
        cells[None] = [[] for _ in buckets]
    for event in events:
        for place, (start, end) in enumerate(buckets):
            if start <= event["timestamp"] < end:
                for value in values_of(event, group):
                    cells[value][place] += [event] * event["repeatCount"]
    totals = Counter({value: sum(map(len, each)) for value, each in cells.items()})
    return [
        {"value": value, "other": False, "points": [_point(each, end - start) for each, (start, end) in places]}
        for value, places in ((value, list(zip(cells[value], buckets, strict=True))) for value, _ in ranked(totals))
    ]


def _point(events: list[Event], width: int) -> dict[str, Any]:
    records = [event["recordCount"] for event in events if event["recordCount"] is not None]
    durations = sorted(event["durationMs"] for event in events if event["durationMs"] is not None)
    return {
        "count": len(events),
        "recordSum": sum(records),
        "recordsPerSecond": sum(records) / (width / SECOND) if records else None,
        "durationP50Ms": _nearest_rank(durations, 50),
        "durationP95Ms": _nearest_rank(durations, 95),
        "durationMaxMs": durations[-1] if durations else None,
    }


def _nearest_rank(ordered: list[float], percent: int) -> float | None:
    for place, duration in enumerate(ordered, start=1):
        if place * 100 >= len(ordered) * percent:
            return duration
    return None
