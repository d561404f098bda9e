"""Quotas as a sender meets them: which quota it was, when to send again, and that it goes through then (EV10, SP3)."""

import pytest

from mutations.ingest import IngestCode, IngestLimits, IngestOutcome
from storage.engine import Database
from storage.quotas import Quotas
from tests.mutations.drafts import FIRST_ID, NOW, SECOND_ID, draft, ingest, outcomes

DAY = 86_400_000_000
LIMITS = IngestLimits(quotas=Quotas(1, {"lab": None}))


@pytest.mark.parametrize("backend", ["sqlite", "aiomysql"])
async def test_what_is_deferred_says_when_it_can_be_sent_again(database: Database) -> None:
    """EV10: its siblings in other namespaces, and what is wrong for good, have their own answers."""
    sent = (
        draft(id=FIRST_ID),
        draft(id=SECOND_ID),
        draft(namespace="lab"),
        draft(id="nonsense"),
        draft(namespace="attic"),
        draft(namespace="attic"),
    )
    report = await ingest(database, *sent, limits=LIMITS, now=NOW + DAY - 1)
    told = [(result.outcome, result.code) for result in report.results]
    accepted, deferred = (IngestOutcome.ACCEPTED, None), (IngestOutcome.DEFERRED, IngestCode.QUOTA_EXCEEDED)
    assert told == [
        *(accepted, deferred, accepted, (IngestOutcome.REJECTED, IngestCode.INVALID_ID), accepted, deferred),
    ]
    assert (report.results[1].id, report.results[1].message) == (
        SECOND_ID,
        "the quota of the namespace default is used up (events that arrive in a UTC day: 1): send this one again from "
        "2026-01-02T00:00:00.000000Z on",
    )
    assert report.counts[IngestOutcome.DEFERRED] == 2
    again = (draft(id=FIRST_ID), draft(id=SECOND_ID))
    assert await outcomes(database, *again, limits=LIMITS, now=NOW + DAY - 1) == [
        "DUPLICATE",
        "DEFERRED QUOTA_EXCEEDED",
    ]
    assert await outcomes(database, *again, limits=LIMITS, now=NOW + DAY) == ["DUPLICATE", "ACCEPTED"]
