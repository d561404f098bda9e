"""Steps of those who send: new events, late ones, heartbeats, resends; a source that begins anew."""

import random
from dataclasses import replace

from mutations.drafts import EventDraft, ObjectDraft
from mutations.ingest import IngestLimits, IngestOutcome, ingest_events
from mutations.registrations import register_source
from storage.severities import Severity
from tests.model.agreement import NAMESPACES
from tests.model.oracle import DAY, HOUR, SECOND, Sent
from tests.model.world import EVENT_TYPES, LINKS, SOURCES, World


async def ingest(world: World, draw: random.Random) -> str:
    """New events, late ones and ones of 1970 among them; some again within their batch."""
    batch = [_new_event(world, draw) for _ in range(draw.choice((1, 2, 3, 5)))]
    if draw.random() < 0.1:
        batch.append(draw.choice(batch))
    return await _send(world, batch)


async def beats(world: World, draw: random.Random) -> str:
    """Heartbeats of a day: alike in all but id and time."""
    like = _new_event(world, draw, event_type="beat", plain=True)
    start = like.timestamp
    batch = [like]
    for _ in range(draw.choice((2, 3, 4))):
        world.ids += 1
        batch.append(replace(like, id=_new_id(world, draw), timestamp=start - draw.randrange(0, DAY // 2, SECOND)))
    return await _send(world, [each for each in batch if each.timestamp >= 0])


async def resend(world: World, draw: random.Random) -> str:
    """What was sent before, with the same content or with other."""
    if not world.sent:
        return "nothing to send again"
    batch = [draw.choice(world.sent) for _ in range(draw.choice((1, 2, 4)))]
    batch = [each if draw.random() < 0.7 else replace(each, message=each.message + "!") for each in batch]
    return await _send(world, batch)


async def register(world: World, draw: random.Random) -> str:
    """A source begins anew."""
    namespace, source = draw.choice(NAMESPACES), draw.choice(SOURCES)
    record = await register_source(world.database, source, namespace=namespace, clock=world.clock)
    world.oracle.registrations[namespace, source].append(record.uuid)
    return f"register {source} in {namespace}"


async def _send(world: World, batch: list[Sent]) -> str:
    report = await ingest_events(
        world.database,
        [_to_draft(sent) for sent in batch],
        home_namespace=None,
        limits=IngestLimits(),
        clock=world.clock,
    )
    found = [
        each.outcome.value if each.code is None else f"{each.outcome.value} {each.code.value}"
        for each in report.results
    ]
    expected = world.oracle.ingest(batch, now=world.now)
    assert found == expected, f"ingest tells {found}, must tell {expected}"
    assert report.counts[IngestOutcome.ACCEPTED] == expected.count("ACCEPTED")
    world.sent += batch
    return f"ingest {[(each.id[-4:], each.event_type, each.namespace) for each in batch]}: {found}"


def _new_event(world: World, draw: random.Random, *, event_type: str | None = None, plain: bool = False) -> Sent:
    world.ids += 1
    namespace, source = draw.choice(NAMESPACES), draw.choice(SOURCES)
    age = draw.choice((0, 0, 0, HOUR, 26 * HOUR, 8 * DAY, 45 * DAY, -300 * SECOND, -700 * SECOND, None))
    timestamp = draw.randrange(1, 1000) * SECOND if age is None else world.now - age - draw.randrange(0, HOUR)
    registered = world.oracle.registrations[namespace, source]
    known = [each.id for each in world.sent if each.namespace == namespace]
    tied = not plain and draw.random() < 0.3
    return Sent(
        id=_new_id(world, draw),
        namespace=namespace,
        event_type=event_type or draw.choice(EVENT_TYPES),
        source=source,
        severity=draw.choice((1, 1, 2, 4)),
        timestamp=max(timestamp, 1),
        message=draw.choice(("it beats", "it happened")),
        extra=draw.choice((None, '{"a":1.10}', '{"b":"x","a":2}')),
        success=draw.choice((None, True, False)),
        links=tuple((link, draw.choice((None, "by"))) for link in draw.sample(LINKS, draw.choice((0, 1, 1, 2, 3)))),
        parent_id=draw.choice(known) if tied and known and draw.random() < 0.5 else None,
        correlation_id="c1" if tied else None,
        registration_id=_registration(draw, registered) if not plain and draw.random() < 0.4 else None,
    )


def _registration(draw: random.Random, registered: list[str]) -> str | None:
    if draw.random() < 0.05:
        return f"00000000-0000-7000-8000-{draw.getrandbits(48):012x}"  # nobody's (D5)
    return draw.choice(registered[-2:]) if registered else None


def _new_id(world: World, draw: random.Random) -> str:
    return f"01900000-{draw.getrandbits(16):04x}-7000-8000-{world.ids:012x}"


def _to_draft(sent: Sent) -> EventDraft:
    return EventDraft(
        id=sent.id,
        namespace=sent.namespace,
        event_type=sent.event_type,
        source=sent.source,
        severity=Severity(sent.severity).name,
        timestamp=sent.timestamp,
        message=sent.message,
        extra=sent.extra,
        success=sent.success,
        objects=[ObjectDraft(kind, name, role=role) for (kind, name), role in sent.links] or None,
        parent_id=sent.parent_id,
        correlation_id=sent.correlation_id,
        registration_id=sent.registration_id,
    )
