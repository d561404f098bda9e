"""Deletions: what a preview shows goes, and nothing else; once, by whom it was shown, as long as it holds (L4, D3)."""

import asyncio
import json
from typing import Any

import pytest
from sqlalchemy import select

from mutations import deletion_worker
from mutations.errors import ConfirmationRequiredError, ConfirmationStaleError, NotFoundError
from storage.appends import AppendOutcome, append_batch
from storage.counts import fetch_namespace_usage
from storage.deletions import DeletionState
from storage.engine import Database, Transaction
from storage.identifiers import new_event_id
from storage.removals import EventPlace, delete_references, lock_events, lock_references
from storage.scopes import EVERYTHING
from storage.selectors import ALL, EventField, Not, TouchesType, all_of, equals_any
from storage.tables import leases
from storage.walks import EventWalk, Portion
from tests.mutations.deleting import OWN, Deleter, fold, numbers, of_type, references, remembered, stored
from tests.storage.histories import START, event_id, link, row, store
from tests.waiting import wait_until

EACH_DATABASE = pytest.mark.parametrize("backend", ["sqlite", "aiomysql"], indirect=True)
MINUTES_15 = 15 * 60 * 1_000_000


@pytest.fixture
async def deleter(database: Database) -> Deleter:
    """A store of 25 audits and 5 others; each event touches two objects, one of them its own."""
    objects = (link("host", "h"), link("host", "x"))
    rows = [row(number, event_type="audit" if number <= 25 else "other", objects=objects) for number in range(1, 31)]
    await store(database, rows)
    return Deleter(database)


async def test_what_was_shown_goes_and_the_rest_stays(deleter: Deleter) -> None:
    """GQ3, HZ2: count first, confirm, delete, say how many."""
    preview = await deleter.preview(of_type("audit"))
    assert (preview.state, preview.matched, preview.deleted) == (DeletionState.PREVIEWED, 25, 0)
    assert [key.id for key in preview.sample] == [event_id(number) for number in range(25, 15, -1)]
    assert preview.expires_at == START + MINUTES_15
    assert len(await numbers(deleter.database)) == 30
    queued = await deleter.confirm(preview.id, of_type("audit"), reason="test")
    assert queued.state is DeletionState.QUEUED
    await deleter.work()
    done = await deleter.get(preview.id)
    assert (done.state, done.deleted, done.deleted_references) == (DeletionState.DONE, 25, 50)
    assert await numbers(deleter.database) == list(range(26, 31))
    assert [number for _, number in await references(deleter.database)] == 2 * list(range(26, 31))
    assert await remembered(deleter.database) == list(range(1, 26))
    await fold(deleter.database)
    found = await fetch_namespace_usage(deleter.database, EVERYTHING, now=START)
    usage = {each.name: each.event_count for each in found}
    assert usage == {"default": 5, "timeloom": 1}


async def test_the_deletion_is_an_event_itself_nu5(deleter: Deleter) -> None:
    done = await deleter.delete(of_type("other"), by="ada", reason="asked for by the owner")
    [told] = await stored(deleter.database, OWN)
    assert (told.event_type, told.actor, told.message, told.occurred_at) == (
        "deletion",
        "ada",
        "deleted 5 events",
        START,
    )
    assert json.loads(told.extra or "") == {
        "deletion": done.id,
        "mutation": "deleteEvents",
        "state": "DONE",
        "filter": '{"eventTypes": ["audit"]}',
        "matched": 5,
        "deleted": 5,
        "references": 10,
        "requestedBy": "ada",
        "reason": "asked for by the owner",
    }


@EACH_DATABASE
async def test_the_gateways_own_events_go_only_when_they_are_named(deleter: Deleter) -> None:
    """L4: everything does not mean the audit trail."""
    await deleter.delete(of_type("other"))
    assert (await deleter.preview(ALL)).matched == 25
    assert (await deleter.preview(Not(of_type("x")))).matched == 25
    assert (await deleter.preview(OWN)).matched == 1
    assert (await deleter.delete(OWN)).deleted == 1
    assert [event.event_type for event in await stored(deleter.database, OWN)] == ["deletion"]


@EACH_DATABASE
async def test_a_confirmation_is_good_for_one_deletion_of_the_same_request(deleter: Deleter) -> None:
    """D3, D8: used, expired, another caller's, another filter's, nobody's."""
    audit = of_type("audit")
    preview = await deleter.preview(audit)
    with pytest.raises(ConfirmationRequiredError):
        await deleter.confirm(None, audit)
    for wrong in (
        deleter.confirm(preview.id, audit, by="bob"),
        deleter.confirm(preview.id, of_type("other")),
        deleter.confirm(new_event_id(), audit),
    ):
        with pytest.raises(ConfirmationStaleError):
            await wrong
    deleter.now += MINUTES_15
    with pytest.raises(ConfirmationStaleError, match="EXPIRED"):
        await deleter.confirm(preview.id, audit)
    deleter.now -= 1
    await deleter.confirm(preview.id, audit)
    with pytest.raises(ConfirmationStaleError, match="QUEUED"):
        await deleter.confirm(preview.id, audit)
    await deleter.work()
    with pytest.raises(ConfirmationStaleError, match="DONE"):
        await deleter.confirm(preview.id, audit)
    assert len(await numbers(deleter.database)) == 5


@EACH_DATABASE
async def test_a_preview_of_nothing_can_be_confirmed_d2(deleter: Deleter) -> None:
    done = await deleter.delete(of_type("none"))
    assert (done.state, done.matched, done.deleted, done.sample) == (DeletionState.DONE, 0, 0, ())


@EACH_DATABASE
async def test_what_is_stored_after_the_preview_stays(deleter: Deleter) -> None:
    """The bound is a position; and a resend of what is in the preview changes nothing (D6)."""
    preview = await deleter.preview(of_type("audit"))
    await store(deleter.database, [row(31)])
    assert await append_batch(deleter.database, [row(3)], received_at=START) == [AppendOutcome.DUPLICATE]
    await deleter.confirm(preview.id, of_type("audit"))
    await deleter.work()
    assert await numbers(deleter.database) == list(range(26, 32))
    assert await append_batch(deleter.database, [row(3)], received_at=START) == [AppendOutcome.DELETED]


@EACH_DATABASE
async def test_another_number_makes_a_preview_stale(deleter: Deleter) -> None:
    """D6: what another deletion has taken meanwhile; nothing is deleted then, and the attempt is told of."""
    preview = await deleter.preview(of_type("audit"))
    await deleter.delete(equals_any(EventField.ID, (event_id(7),)))
    with pytest.raises(ConfirmationStaleError, match="counted 25 events, and now there are others"):
        await deleter.confirm(preview.id, of_type("audit"))
    failed = await deleter.get(preview.id)
    assert (failed.state, failed.deleted) == (DeletionState.FAILED, 0)
    assert len(await numbers(deleter.database)) == 29
    assert [event.message[:27] for event in await stored(deleter.database, OWN)] == [
        "deleted 1 events",
        "a deletion failed after 0 o",
    ]


@EACH_DATABASE
async def test_a_large_preview_is_counted_and_recounted_in_the_background(
    deleter: Deleter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number grows while it is counted; a number that differs by then is found there too: FAILED."""
    monkeypatch.setattr("mutations.deletions._INLINE_PREVIEW", 10)
    monkeypatch.setattr("mutations.deletions._INLINE_RECOUNT", 10)
    first = await deleter.preview(of_type("audit"))
    second = await deleter.preview(of_type("audit"))
    assert (first.state, first.matched, first.expires_at) == (DeletionState.COUNTING, 10, None)
    with pytest.raises(ConfirmationRequiredError, match="still being counted"):
        await deleter.confirm(first.id, of_type("audit"))
    assert await deleter.worker.turn()
    assert (await deleter.get(first.id)).matched == 20
    await deleter.work()
    shown = await deleter.get(first.id)
    assert (shown.state, shown.matched, shown.expires_at) == (DeletionState.PREVIEWED, 25, START + MINUTES_15)
    assert [key.id for key in shown.sample] == [event_id(number) for number in range(25, 15, -1)]
    for deletion in (first, second):
        await deleter.confirm(deletion.id, of_type("audit"))
    await deleter.work()
    assert ((await deleter.get(first.id)).state, (await deleter.get(first.id)).deleted) == (DeletionState.DONE, 25)
    failed = await deleter.get(second.id)
    assert (failed.state, failed.deleted) == (DeletionState.FAILED, 0)
    assert (failed.error or "").startswith("CONFIRMATION_STALE: nothing was deleted")


@EACH_DATABASE
async def test_whoever_gets_the_lease_goes_on_where_the_row_says(deleter: Deleter) -> None:
    """A process that is gone in the middle, and one that wakes up after it lost the lease, and writes nothing."""
    preview = await deleter.preview(of_type("audit"))
    await deleter.confirm(preview.id, of_type("audit"))
    while (await deleter.get(preview.id)).deleted == 0:
        await deleter.worker.turn()
    halfway = await deleter.get(preview.id)
    # Two references each: five events are ten references, which is a chunk.
    assert (halfway.state, halfway.deleted, halfway.deleted_references) == (DeletionState.RUNNING, 5, 10)
    asleep = deleter.worker
    await deleter.take_over()
    assert await deleter.worker.turn()
    assert (await deleter.get(preview.id)).deleted == 10
    assert not await asleep.turn()
    assert (await deleter.get(preview.id)).deleted == 10
    await deleter.work()
    done = await deleter.get(preview.id)
    assert (done.state, done.deleted) == (DeletionState.DONE, 25)
    assert await numbers(deleter.database) == list(range(26, 31))
    assert len(await stored(deleter.database, OWN)) == 1


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_the_lease_is_kept_while_a_portion_is_looked_for(
    deleter: Deleter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two workers whose looks take longer than a lease would take it from each other for ever."""
    monkeypatch.setattr(deletion_worker, "_LEASE_SECONDS", 0.3)
    original = EventWalk.fetch

    async def expiry() -> int:
        async with deleter.database.reading() as connection:
            held = select(leases.c.expires_at).where(leases.c.name == "deletions")
            return int((await connection.execute(held)).scalar_one())

    async def fetch(walk: EventWalk, *arguments: Any, **given: Any) -> Portion:
        began = await expiry()

        async def is_renewed() -> bool:
            return await expiry() > began

        await wait_until(is_renewed)
        return await original(walk, *arguments, **given)

    preview = await deleter.preview(of_type("audit"))
    await deleter.confirm(preview.id, of_type("audit"))
    monkeypatch.setattr(EventWalk, "fetch", fetch)
    worker = deleter.new_worker()
    while (await deleter.get(preview.id)).deleted == 0:
        assert await worker.turn()


@EACH_DATABASE
async def test_what_comes_to_be_selected_while_it_is_deleted_does_not_go(deleter: Deleter) -> None:
    """L4: by `not`, an event whose reference goes meanwhile would be one that nobody was shown."""
    await store(deleter.database, [row(number, event_type="audit") for number in (31, 32)])
    untouched = all_of([of_type("audit"), Not(TouchesType(("host",)))])
    preview = await deleter.preview(untouched)
    await deleter.confirm(preview.id, untouched)
    places = [EventPlace(event_id(1), (await deleter.database.identities.namespace_keys(["default"]))["default"])]

    async def take_references(transaction: Transaction) -> None:
        found = await lock_references(transaction, await lock_events(transaction, places))
        await delete_references(transaction, found[places[0]])

    await deleter.database.write(take_references, name="references")
    while (await deleter.get(preview.id)).state is DeletionState.QUEUED:
        await deleter.worker.turn()
    assert (await deleter.get(preview.id)).matched == 2
    await deleter.work()
    done = await deleter.get(preview.id)
    assert (done.state, done.deleted) == (DeletionState.FAILED, 0)
    assert done.error == "more is selected now than was shown: ask with dryRun: true again for the rest"
    assert len(await numbers(deleter.database)) == 32


@EACH_DATABASE
async def test_a_chunk_that_breaks_off_is_done_again_as_a_whole(
    deleter: Deleter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HZ2: all or nothing per chunk; what fails is FAILED, and what was removed before is told."""
    preview = await deleter.preview(of_type("audit"))
    await deleter.confirm(preview.id, of_type("audit"))
    while (await deleter.get(preview.id)).deleted == 0:
        await deleter.worker.turn()

    async def broken(*_: object, **__: object) -> None:
        raise ValueError("broken")

    monkeypatch.setattr("storage.removals.append_deltas", broken)
    await deleter.work()
    failed = await deleter.get(preview.id)
    assert (failed.state, failed.deleted) == (DeletionState.FAILED, 5)
    assert failed.error == "something went wrong in the server (ValueError); its log knows more"
    assert await numbers(deleter.database) == list(range(6, 31))
    [told] = await stored(deleter.database, OWN)
    assert told.message.startswith("a deletion failed after 5 of 25 events")


@EACH_DATABASE
async def test_a_deletion_is_cancelled_between_chunks(deleter: Deleter) -> None:
    """D4: what is gone stays gone and is told; a finished one is given back as it is."""
    preview = await deleter.preview(of_type("audit"))
    await deleter.confirm(preview.id, of_type("audit"))
    while (await deleter.get(preview.id)).deleted == 0:
        await deleter.worker.turn()
    cancelled = await deleter.cancel(preview.id)
    assert (cancelled.state, cancelled.deleted) == (DeletionState.CANCELLED, 5)
    assert not await deleter.worker.turn()
    assert await deleter.cancel(preview.id) == cancelled
    assert len(await numbers(deleter.database)) == 25
    [told] = await stored(deleter.database, OWN)
    assert (told.actor, told.message) == ("bob", "cancelled a deletion after 5 of 25 events")
    other = await deleter.preview(of_type("other"))
    assert (await deleter.cancel(other.id)).state is DeletionState.CANCELLED
    with pytest.raises(ConfirmationStaleError, match="CANCELLED"):
        await deleter.confirm(other.id, of_type("other"))
    assert len(await stored(deleter.database, OWN)) == 1
    with pytest.raises(NotFoundError):
        await deleter.cancel(new_event_id())


@EACH_DATABASE
async def test_of_two_who_confirm_at_once_one_does(deleter: Deleter) -> None:
    """D3: once, whoever is faster."""
    preview = await deleter.preview(of_type("audit"))
    asked = [deleter.confirm(preview.id, of_type("audit")) for _ in range(4)]
    told = await asyncio.gather(*asked, return_exceptions=True)
    assert sorted(type(one).__name__ for one in told) == ["ConfirmationStaleError"] * 3 + ["DeletionRecord"]
    await deleter.work()
    assert (await deleter.get(preview.id)).deleted == 25
