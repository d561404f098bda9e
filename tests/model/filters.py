"""Filters: a small family of them, each as selector texts and as what they mean."""

import random
from collections.abc import Callable, Collection

from storage.selector_text import parse_selector
from storage.selectors import Selector, all_of
from storage.times import format_rfc3339
from tests.model.agreement import NAMESPACES
from tests.model.oracle import DAY, HOUR, Stored
from tests.model.world import EVENT_TYPES, LINKS, SOURCES

Filter = tuple[tuple[str, ...], Callable[[Stored], bool]]


def draw_filter(draw: random.Random, *, now: int) -> Filter:
    """Draw one, of one or two tests; none of them can come to hold for an event that it did not hold for."""
    name, kind, source = draw.choice(NAMESPACES), draw.choice(EVENT_TYPES), draw.choice(SOURCES)
    thing, at = draw.choice(LINKS), now - draw.choice((0, HOUR, DAY, 20 * DAY))
    family: list[tuple[str, Callable[[Stored], bool]]] = [
        (f"namespace={name}", lambda each: each.sent.namespace == name),
        (f"event_type={kind}", lambda each: each.sent.event_type == kind),
        (f"source={source}", lambda each: each.sent.source == source),
        (f"source!={source}", lambda each: each.sent.source != source),
        ("severity>=warning", lambda each: each.sent.severity >= 3),
        ("message~beats", lambda each: "beats" in each.sent.message),
        ("extra.a=1.1", lambda each: each.sent.extra == '{"a":1.10}'),
        (f"object.{thing[0]}={thing[1]}", lambda each: thing in each.links),
        (f"timestamp<{format_rfc3339(at)}", lambda each: each.sent.timestamp < at),
        ("correlation_id=c1", lambda each: each.sent.correlation_id == "c1"),
    ]
    chosen = draw.sample(family, draw.choice((1, 1, 2)))
    return tuple(text for text, _ in chosen), lambda each: all(holds(each) for _, holds in chosen)


def to_selector(texts: Collection[str]) -> Selector:
    """Give the selector of some texts, all of which must hold."""
    return all_of([parse_selector(text) for text in texts])
