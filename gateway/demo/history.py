"""The history: four systems told side by side, in order of time, one event after the other.

A system tells stories (a request, a sync session, a bulk action), each a list of events. How far the telling has come
decides when the next story begins, so any number of events spreads over the same two weeks; a story's later events
wait until the telling has caught up with them. Memory holds the stories that overlap, never the history.
"""

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from typing import NamedTuple, Protocol

from gateway.demo.api_server import ApiServer
from gateway.demo.cluster import Cluster
from gateway.demo.cluster_failures import FailedRequest
from gateway.demo.draws import DAY, HOUR, MILLISECOND, MINUTE, Draws
from gateway.demo.edge_agent import EdgeAgents
from gateway.demo.rhythm import Rhythm
from gateway.demo.sync_log import SyncLog
from mutations.drafts import EventDraft

Story = Callable[[int], Iterable[EventDraft]]
"""Tells what happened from a moment on; every event carries its timestamp, none is earlier than that moment."""

SPAN = 14 * DAY
FAILED_REQUEST_AGE = 26 * HOUR
"""How long before the end of the history the request of the showcase failed."""
QUEUE_AGE = 20 * MINUTE
"""How long before the end of the history three operations began to wait."""

_ROOM_PER_SCRIPT = 32
"""So many of the last events are kept for each script that is still to come: a short history has them too."""


class Script(NamedTuple):
    """A story with a fixed moment."""

    start: int
    story: Story


class System(Protocol):
    """One of the four: the stories it tells, and how often each comes in a round."""

    @property
    def stories(self) -> Sequence[tuple[int, Story]]:
        """Give (how many times in a round, story); every round tells them all, in another order."""
        ...


class Share(NamedTuple):
    """How a system takes part: out of a hundred events, and how its days look."""

    percent: int
    night: float
    weekend: float


CLUSTER = Share(46, night=0.45, weekend=0.7)
API_SERVER = Share(22, night=0.15, weekend=0.35)
SYNC_LOG = Share(18, night=0.25, weekend=1.6)
EDGE = Share(14, night=0.8, weekend=1.0)


def tell_history(count: int, *, seed: int, until: int) -> Iterator[EventDraft]:
    """Give exactly `count` events of the two weeks before `until` (microseconds since 1970), oldest first.

    The same three arguments give the same events, ids included. Parents come before their children.
    """
    since = until - SPAN
    counts = _apportion(count, [CLUSTER.percent, API_SERVER.percent, SYNC_LOG.percent, EDGE.percent])

    def draws_of(name: str) -> Draws:
        return Draws(f"{seed}/{until}/{count}/{name}")

    def at(share: float) -> int:
        return since + int(SPAN * share)

    def play(name: str, system: System, share: Share, number: int, scripts: Iterable[Script]) -> Iterator[EventDraft]:
        draws = draws_of(f"{name} rhythm")
        rhythm = Rhythm(draws, since=since, until=until, night=share.night, weekend=share.weekend)
        return _play(_deal(system, draws), scripts, count=number, rhythm=rhythm, until=until, draws=draws)

    cluster = Cluster(draws_of("cluster"))
    api_server = ApiServer(draws_of("api server"))
    sync_log = SyncLog(draws_of("sync log"), failing_from=at(0.8))
    edge = EdgeAgents(draws_of("edge"), since=since)
    # Its id is fixed, so it must be the same in every history that ends then: a second one brings duplicates.
    failed_request = FailedRequest(Draws(f"{until}/failed request"))
    yield from heapq.merge(
        play(
            "cluster",
            cluster,
            CLUSTER,
            counts[0],
            [
                Script(at(0.31), cluster.node_outage),
                Script(at(0.83), cluster.node_outage),
                Script(until - FAILED_REQUEST_AGE, failed_request.tell),
                Script(until - QUEUE_AGE, cluster.wait_in_line),
            ],
        ),
        play("api server", api_server, API_SERVER, counts[1], []),
        play(
            "sync log",
            sync_log,
            SYNC_LOG,
            counts[2],
            [Script(at(0.57), sync_log.slow_backfill), Script(at(0.8), sync_log.failing_peer)],
        ),
        play("edge", edge, EDGE, counts[3], [Script(at(0.66), edge.hub_outage)]),
        key=attrgetter("timestamp"),
    )


def _apportion(count: int, percents: Sequence[int]) -> list[int]:
    """Split a count by percentages, exactly: the first ones take what is left over."""
    counts = [count * percent // 100 for percent in percents]
    left = count - sum(counts)
    return [part + (place < left) for place, part in enumerate(counts)]


def _deal(system: System, draws: Draws) -> Iterator[Story]:
    """Deal stories for ever, round by round, so that even a short history tells each of them."""
    cards = [story for times, story in system.stories for _ in range(times)]
    while True:
        draws.shuffle(cards)
        yield from cards


def _play(
    stories: Iterator[Story], scripts: Iterable[Script], *, count: int, rhythm: Rhythm, until: int, draws: Draws
) -> Iterator[EventDraft]:
    waiting: list[tuple[int, int, EventDraft]] = []
    coming = deque(sorted(scripts, key=attrgetter("start")))
    begun = told = number = start = 0
    while begun < count:
        start = max(start, rhythm.at((begun + draws.random()) / count))
        if coming and (coming[0].start <= start or count - begun <= _ROOM_PER_SCRIPT * len(coming)):
            start, story = coming.popleft()
            known = list(known_by(until, list(story(start))))
        else:
            known = list(known_by(until, list(next(stories)(start))))
            if begun + len(known) > count:
                continue  # it would be cut off in the middle; every system has stories of one event
        while waiting and waiting[0][0] < start:
            yield heapq.heappop(waiting)[2]
            told += 1
        for moment, draft in known:
            number += 1
            begun += 1
            heapq.heappush(waiting, (moment, number, draft))
    while told < count:
        yield heapq.heappop(waiting)[2]
        told += 1


def known_by(until: int, drafts: Sequence[EventDraft]) -> Iterator[tuple[int, EventDraft]]:
    """Give what is known at the end of the history, and when it began: a story may be left unfinished.

    What would happen later has not happened yet. Of what is not over, only that it runs is known, and that only if it
    tells no outcome or something came of it; a batch or a check is told when it is over.
    """
    parents = {draft.parent_id for draft in drafts}
    for draft in drafts:
        began = draft.timestamp
        if began is None or began > until:
            continue
        if began + round((draft.duration_ms or 0) * MILLISECOND) > until:
            if draft.success is not None and draft.id not in parents:
                continue
            draft.duration_ms = draft.success = None
        yield began, draft
