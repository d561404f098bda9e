"""Steps of those who delete: previews, confirmations, the worker step by step, another worker, cancelling."""

import json
import random

from mutations.deletions import DeletionRequest, cancel_deletion, confirm_deletion, preview_deletion
from mutations.errors import ConfirmationStaleError
from mutations.selections import Selection
from storage.deletions import DeletionState, fetch_deletion
from storage.records import ObjectRecord
from storage.registrations import fetch_earlier_registrations
from tests.model.agreement import NAMESPACES
from tests.model.filters import draw_filter, to_selector
from tests.model.oracle import CONFIRMABLE, Key, Link, Plan, Stored
from tests.model.world import LINKS, SOURCES, Preview, World


async def preview(world: World, draw: random.Random) -> str:
    """Ask for a deletion by filter, of an object's references, or of earlier registrations."""
    kind = draw.choice(("events", "events", "events", "object", "registrations"))
    link: tuple[str, Link] | None = None
    if kind == "events":
        texts, matches = draw_filter(draw, now=world.now)
        selection, shown = Selection.of_events(to_selector(texts)), " ".join(texts)
    elif kind == "object":
        namespace, thing = draw.choice(NAMESPACES), draw.choice(LINKS)
        link, shown = (namespace, thing), f"{namespace}/{thing}"
        selection = Selection.of_object(ObjectRecord(namespace, *thing))

        def matches(stored: Stored) -> bool:
            return stored.sent.namespace == namespace and thing in stored.links
    else:
        namespace, source = draw.choice(NAMESPACES), draw.choice(SOURCES)
        earlier = world.oracle.registrations[namespace, source][:-1]
        keys = await world.database.identities.intern_namespaces([namespace])
        told = await fetch_earlier_registrations(world.database, keys[namespace], source)
        assert sorted(told) == sorted(earlier)
        shown = f"registrations of {source} in {namespace}"
        selection = Selection.of_registrations(namespace, source, told)

        def matches(stored: Stored) -> bool:
            return stored.sent.registration_id in set(earlier)

    request = DeletionRequest(selection, json.dumps(shown), "somebody")
    record = await preview_deletion(world.database, request, clock=world.clock)
    asked = Preview(record.id, request, matches, link, world.oracle.order, 0, 0, world.now)
    asked.matched, asked.references = _count(world, asked)
    assert (record.state, record.matched) == (DeletionState.PREVIEWED, asked.matched), record
    newest = sorted((world.sort_key(key) for key in _going(world, asked)), reverse=True)[:10]
    assert [(each.occurred_at, each.id, each.namespace) for each in record.sample] == newest
    world.previews.append(asked)
    summary = f"preview {shown}: {asked.matched}"
    return summary if draw.random() < 0.5 else f"{summary}; {await confirm(world, draw)}"


async def confirm(world: World, draw: random.Random) -> str:
    """Confirm a preview, whether it still holds or not (D3)."""
    if not world.previews:
        return "nothing to confirm"
    asked = world.previews[-1] if draw.random() < 0.7 else draw.choice(world.previews)
    request = asked.request
    holds = asked.state == "PREVIEWED" and world.now < asked.created_at + CONFIRMABLE
    if draw.random() < 0.1:
        request, holds = request._replace(requested_by="somebody else"), False
        expected = "another caller"
    else:
        expected = asked.state
    counted = _count(world, asked)
    same = counted[1] == asked.references
    try:
        await confirm_deletion(world.database, request, asked.id, clock=world.clock)
    except ConfirmationStaleError:
        assert not (holds and same), f"refused, although {counted} are there as in the preview"
        if holds:
            asked.state = "FAILED"
            world.oracle.audits["deletion"] += 1
            expected = "stale"
        return f"confirm: refused ({expected})"
    assert holds, f"taken, although it was {expected}"
    assert same, f"taken, although there are {counted}, not {asked.references}"
    asked.state = "QUEUED"
    return f"confirm {request.filter}"


async def work(world: World, draw: random.Random) -> str:
    """The worker of deletions does some steps."""
    turns = 0
    while (running := _under_way(world)) is not None and turns < draw.choice((1, 2, 5, 40)):
        await world.worker.turn()
        await _settle_deletion(world, running)
        turns += 1
    return f"deletions: {turns} turns"


async def other_worker(world: World, _draw: random.Random) -> str:
    """The worker of deletions is killed, and another one takes over."""
    world.worker = world.new_worker()
    await world.expire("deletions")
    return "another worker takes over"


async def cancel(world: World, draw: random.Random) -> str:
    """Cancel a deletion, whatever has become of it (D4)."""
    if not world.previews:
        return "nothing to cancel"
    asked = draw.choice(world.previews[-3:])
    expired = asked.state == "PREVIEWED" and world.now >= asked.created_at + CONFIRMABLE
    record = await cancel_deletion(world.database, asked.id, cancelled_by="somebody", clock=world.clock)
    if expired:
        assert record.state is DeletionState.EXPIRED
    elif asked.state in ("PREVIEWED", "QUEUED", "RUNNING"):
        assert record.state is DeletionState.CANCELLED
        asked.state = "CANCELLED"
        if asked.began:
            world.oracle.audits["deletion"] += 1
    else:
        assert record.state.value == asked.state
    return f"cancel: {record.state.value}"


async def _settle_deletion(world: World, asked: Preview) -> None:
    """Learn what a step of a deletion has removed; nothing else may be gone."""
    record = await fetch_deletion(world.database, asked.id)
    assert record is not None
    going = {key for key, stored in world.oracle.events.items() if _is_meant(asked, stored)}
    plan = Plan()
    for key in going:
        links = world.oracle.events[key].links
        plan.links[key] = set(links) if asked.link is None else {asked.link[1]}
        if asked.link is None or len(links) == 1:
            plan.events.add(key)
    events_before = len(world.oracle.events)
    links_before = sum(len(stored.links) for stored in world.oracle.events.values())
    await world.settle_removed(plan)
    asked.deleted += events_before - len(world.oracle.events)
    asked.deleted_references += links_before - sum(len(each.links) for each in world.oracle.events.values())
    asked.state = record.state.value
    asked.began = asked.began or record.started_at is not None
    assert record.deleted == asked.deleted
    assert record.deleted_references == asked.deleted_references
    if record.state is DeletionState.DONE:
        world.oracle.audits["deletion"] += 1
        left = [key for key, stored in world.oracle.events.items() if _is_meant(asked, stored)]
        assert not left, f"a deletion is done, and {left} are still there"
    assert record.state in (DeletionState.RUNNING, DeletionState.DONE), record


def _under_way(world: World) -> Preview | None:
    return min(
        (each for each in world.previews if each.state in ("QUEUED", "RUNNING")),
        key=lambda each: each.id,
        default=None,
    )


def _is_meant(asked: Preview, stored: Stored) -> bool:
    return stored.order <= asked.bound and asked.matches(stored)


def _going(world: World, asked: Preview) -> list[Key]:
    meant = {key: stored for key, stored in world.oracle.events.items() if _is_meant(asked, stored)}
    return [key for key, stored in meant.items() if asked.link is None or len(stored.links) == 1]


def _count(world: World, asked: Preview) -> tuple[int, int]:
    meant = sum(_is_meant(asked, stored) for stored in world.oracle.events.values())
    return len(_going(world, asked)), meant
