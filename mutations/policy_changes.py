"""Policy changes: how retention policies are made, changed and deleted, each with an event that tells of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from mutations.audit import audit_batch
from mutations.errors import ConflictError, InvalidInputError, NotFoundError
from mutations.limits import MAX_TEXT_LENGTH, MAX_TYPE_LENGTH
from mutations.policies import API_REQUESTS, SETTING, TYPE, Policy, policy_of_record
from mutations.rejections import Rejection
from mutations.turns import LEASE
from mutations.validation import require_namespace_name, require_text
from storage.appends import Batch, prepare_append
from storage.conditions import require_short_lists
from storage.engine import Database, Transaction
from storage.errors import SelectorError
from storage.identifiers import new_event_id
from storage.leases import wait_for_holder
from storage.policies import (
    PolicyRecord,
    delete_policy,
    fetch_policies,
    insert_policy,
    lock_policy,
    replace_policy,
)
from storage.selector_text import parse_selector

MAX_LIST_VALUES = 1_000
EVENT_TYPE = "retention-policy"
"""The type of the events that tell of changes."""


class PolicyChanges:
    """Changes stored policies for one caller, whose name stands in the events that tell of it."""

    def __init__(self, database: Database, *, actor: str, clock: Callable[[], int], has_archive: bool) -> None:
        self._database = database
        self._actor = actor
        self._clock = clock
        self._has_archive = has_archive

    async def create(self, given: Mapping[str, Any]) -> Policy:
        """Make a policy of what is given by the names of PolicyRecord; the rest is its default.

        Raises InvalidInputError, whose text names the input by its name in the contract.
        """
        now = self._clock()
        values = {**_DEFAULTS, **given, "policy_id": new_event_id(), "created_at": now, "updated_at": now}
        policy = PolicyRecord(**values)
        self._require_valid(policy)
        append = await prepare_append(self._database, [self._audit("created", None, policy)])

        async def work(transaction: Transaction) -> None:
            await wait_for_holder(transaction, LEASE)
            if await lock_policy(transaction, policy.policy_id) is None:  # else: our own COMMIT, not answered
                await insert_policy(transaction, policy)
            await append(transaction)

        await self._database.write(work, name="a retention policy")
        return policy_of_record(policy)

    async def update(self, policy_id: str, changes: Mapping[str, Any]) -> Policy:
        """Change what is given. Raises InvalidInputError, NotFoundError, ConflictError (somebody else was faster)."""
        before = await self._find(policy_id)
        policy = before._replace(**changes)
        if policy == before:
            return policy_of_record(policy)
        policy = policy._replace(updated_at=max(self._clock(), before.updated_at + 1))
        self._require_valid(policy)
        append = await prepare_append(self._database, [self._audit("changed", before, policy)])

        async def work(transaction: Transaction) -> None:
            await wait_for_holder(transaction, LEASE)
            present = await lock_policy(transaction, policy_id)
            if present != policy:
                _require_same(present, before)
                await replace_policy(transaction, policy)
            await append(transaction)

        await self._database.write(work, name="a retention policy")
        return policy_of_record(policy)

    async def delete(self, policy_id: str) -> Policy:
        """Delete a policy and give it as it was. Raises what `update` raises."""
        before = await self._find(policy_id)
        append = await prepare_append(self._database, [self._audit("deleted", before, None)])

        async def work(transaction: Transaction) -> None:
            await wait_for_holder(transaction, LEASE)
            present = await lock_policy(transaction, policy_id)
            if present is not None:
                _require_same(present, before)
                await delete_policy(transaction, policy_id)
            await append(transaction)

        await self._database.write(work, name="a retention policy")
        return policy_of_record(before)

    async def find(self, policy_id: str) -> Policy:
        """Give a stored policy. Raises InvalidInputError for one of a setting or of a type, NotFoundError."""
        return policy_of_record(await self._find(policy_id))

    async def _find(self, policy_id: str) -> PolicyRecord:
        if policy_id.startswith(SETTING):
            name = policy_id.removeprefix(SETTING)
            variable = f"TIMELOOM_MAX_{name.replace('-', '_').upper()}_EVENT_AGE_SECONDS"
            what = "objects of the type" if name == API_REQUESTS else "events of the type"
            raise InvalidInputError(
                f"id: this policy is a setting: change {variable}, or make a policy of your own for {what} {name}"
            )
        if policy_id.startswith(TYPE):
            raise InvalidInputError(
                "id: this policy is the age of an event type: change it by defineEventType (maxAgeSeconds, "
                "keepForever) or, where a file of TIMELOOM_TYPE_REGISTRIES declares the type, there (max_age_seconds)"
            )
        for record in await fetch_policies(self._database):
            if record.policy_id == policy_id:
                return record
        raise NotFoundError(f"there is no retention policy {policy_id[:64]}")

    def _require_valid(self, policy: PolicyRecord) -> None:
        _require_texts(policy)
        _require_selectors(policy.selectors)
        if policy.max_age_seconds is not None and policy.max_age_seconds < 1:
            raise InvalidInputError(
                "maxAgeSeconds must be 1 or more; leave it out, or say keepForever, to keep for ever"
            )
        if policy.archive and policy.enabled and not self._has_archive:
            raise InvalidInputError("archive: there is nowhere to archive to, set TIMELOOM_ARCHIVE_URL first")

    def _audit(self, verb: str, before: PolicyRecord | None, after: PolicyRecord | None) -> Batch:
        subject = after or before
        name = "" if subject is None else subject.name
        return audit_batch(
            EVENT_TYPE,
            f"retention policy {name} was {verb}",
            extra={"before": _shown(before), "after": _shown(after)},
            now=self._clock(),
            actor=self._actor,
        )


_DEFAULTS: Mapping[str, Any] = {
    "namespace": None,
    "event_types": (),
    "object_types": (),
    "sources": (),
    "selectors": (),
    "max_age_seconds": None,
    "archive": False,
    "prune_registrations": False,
    "compact_repeats": False,
    "enabled": True,
}


def _require_same(present: PolicyRecord | None, before: PolicyRecord) -> None:
    if present is None:
        raise NotFoundError("this retention policy has been deleted meanwhile")
    if present != before:
        raise ConflictError("this retention policy has been changed meanwhile: look at it and send the change again")


def _require_texts(policy: PolicyRecord) -> None:
    try:
        require_text("name", policy.name, MAX_TEXT_LENGTH)
        if policy.namespace is not None:
            require_namespace_name("namespace", policy.namespace)
        for name, values, longest in (
            ("eventTypes", policy.event_types, MAX_TYPE_LENGTH),
            ("objectTypes", policy.object_types, MAX_TYPE_LENGTH),
            ("sources", policy.sources, MAX_TEXT_LENGTH),
            ("selectors", policy.selectors, MAX_TEXT_LENGTH * 4),
        ):
            if len(values) > MAX_LIST_VALUES:
                raise InvalidInputError(f"{name} has {len(values)} values, the most is {MAX_LIST_VALUES}")
            for place, value in enumerate(values):
                require_text(f"{name}[{place}]", value, longest)
    except Rejection as rejection:
        raise InvalidInputError(rejection.message) from None
    for place, source in enumerate(policy.sources):
        if "*" in source[:-1]:
            raise InvalidInputError(f"sources[{place}]: * stands at the end only, for sources that begin so")


def _require_selectors(selectors: Sequence[str]) -> None:
    for place, text in enumerate(selectors):
        try:
            require_short_lists(parse_selector(text))
        except SelectorError as error:
            raise InvalidInputError(f"selectors[{place}]: {error}") from None


def _shown(policy: PolicyRecord | None) -> dict[str, Any] | None:
    if policy is None:
        return None
    return {name: value for name, value in asdict(policy_of_record(policy)).items() if name != "origin"}
