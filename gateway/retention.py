"""Retention in the gateway: the runner as settings want it, and its gauges."""

import asyncio
from contextlib import suppress

from gateway.context import Clock
from gateway.metrics import Metrics
from gateway.settings import Settings
from mutations.archives import Archive
from mutations.compaction import Compaction
from mutations.policies import API_REQUESTS, Policy, policies_of_settings
from mutations.retention import RetentionOptions, RetentionRunner
from mutations.schedules import Schedule, parse_time_of_day
from mutations.type_registry import DeclaredTypes
from storage.engine import Database
from storage.errors import StorageError

_GAUGE_SECONDS = 60.0
_MOST_AHEAD_SECONDS = 600.0
"""A clock that is further ahead of the database's would remove what is not old enough."""

EVENT_TYPES = ("audit", "mutate", "health", "historic", "usage", "prune", "status", "resources")
"""The event types that have an age by name (EV8)."""


def build_retention(
    settings: Settings, database: Database, *, declared: DeclaredTypes, clock: Clock, observer: Metrics
) -> RetentionRunner:
    """Make the runner. Raises ArchiveError when TIMELOOM_ARCHIVE_URL cannot be used."""
    options = RetentionOptions(
        schedule=Schedule(settings.retention_interval_seconds, parse_time_of_day(settings.retention_time_of_day)),
        budget_seconds=settings.retention_budget_seconds,
        chunk_events=settings.removal_chunk_events or None,
        max_ahead_seconds=_MOST_AHEAD_SECONDS,
    )
    archive = Archive(settings.archive_url) if settings.archive_url else None
    return RetentionRunner(
        database,
        setting_policies(settings),
        declared=declared,
        clock=clock,
        options=options,
        archive=archive,
        phases=[Compaction(resend_horizon_seconds=settings.resend_horizon_seconds).turn],
        observer=observer,
    )


def setting_policies(settings: Settings) -> list[Policy]:
    """Give the policies that settings make."""
    names = [*EVENT_TYPES, API_REQUESTS]
    ages = {name: getattr(settings, f"max_{name.replace('-', '_')}_event_age_seconds") for name in names}
    return policies_of_settings(ages)


async def sample_retention(runner: RetentionRunner, metrics: Metrics, stop: asyncio.Event) -> None:
    """Look once a minute how late retention is."""
    while not stop.is_set():
        with suppress(StorageError):
            metrics.retention_lateness(await runner.lateness())
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _GAUGE_SECONDS)
