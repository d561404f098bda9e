"""Mutations of retention policies: from inputs, in which null is the same as left out, to changes (HZ4)."""

import re
from typing import Annotated, Any

import strawberry
from strawberry import UNSET
from strawberry.utils.str_converters import to_camel_case

from gateway.context import Info, RequestContext
from gateway.errors import BadUserInputError
from gateway.schema.retention import POLICY, RetentionPolicy, runner_of
from gateway.schema.texts import require_text
from gateway.viewers import require_right
from mutations.policies import SETTING, TYPE
from mutations.policy_changes import PolicyChanges
from storage.identifiers import parse_uuid


def _optional(description: str) -> Any:
    return strawberry.field(default=UNSET, description=f"{description} Null is the same as left out.")


@strawberry.input(description="A policy to make. What is left out is any.")
class CreateRetentionPolicyInput:
    """The input of createRetentionPolicy."""

    name: str = strawberry.field(description="Its name, for people: 1 to 255 characters.")
    namespace: str | None = _optional("The namespace it holds for; left out: all, which needs ADMIN in all.")
    event_types: list[str] | None = _optional("Only events of these types.")
    object_types: list[str] | None = _optional("Only references to objects of these types.")
    sources: list[str] | None = _optional("Only events of these sources; * at the end: of all that begin so.")
    selectors: list[str] | None = _optional("Only events for which all of these hold, such as `severity<warning`.")
    max_age_seconds: int | None = _optional("What is strictly older goes, at least 1; left out: nothing goes by age.")
    archive: bool = strawberry.field(default=False, description="Archive events before something of them goes.")
    prune_registrations: bool = strawberry.field(
        default=False, description="Remove events of earlier registrations of their source, whatever their age."
    )
    compact_repeats: bool = strawberry.field(default=False, description="Fold repeats into one event.")
    enabled: bool = strawberry.field(default=True, description="Whether it takes part at all.")


@strawberry.input(description="What to change of a policy. What is left out stays as it is.")
class UpdateRetentionPolicyInput:
    """The input of updateRetentionPolicy."""

    id: strawberry.ID = strawberry.field(description="The policy; not one of a setting or of a type.")
    name: str | None = _optional("Its name, for people.")
    event_types: list[str] | None = _optional("Only events of these types; an empty list: of all.")
    object_types: list[str] | None = _optional("Only references to objects of these types; an empty list: to all.")
    sources: list[str] | None = _optional("Only events of these sources; an empty list: of all.")
    selectors: list[str] | None = _optional("Only events for which all of these hold; an empty list: all events.")
    max_age_seconds: int | None = _optional("What is strictly older goes; at least 1.")
    keep_forever: bool | None = _optional("True: nothing goes by age any more; not together with maxAgeSeconds.")
    archive: bool | None = _optional("Archive events before something of them goes.")
    prune_registrations: bool | None = _optional("Remove events of earlier registrations, whatever their age.")
    compact_repeats: bool | None = _optional("Fold repeats into one event.")
    enabled: bool | None = _optional("Whether it takes part at all.")


@strawberry.input(description="Which policy to delete.")
class DeleteRetentionPolicyInput:
    """The input of deleteRetentionPolicy."""

    id: strawberry.ID = strawberry.field(description="The policy; not one of a setting or of a type.")


@strawberry.type(description="The policy as it is now; a deleted one as it was.")
class RetentionPolicyPayload:
    """The answer to mutations of policies."""

    policy: RetentionPolicy | None = strawberry.field(description="The policy.")


_OF_SETTING = re.compile(f"{SETTING}[a-z-]{{1,40}}")
_OF_TYPE = re.compile(f"{TYPE}[A-Za-z0-9._-]{{0,64}}/.{{1,64}}", re.DOTALL)
_LISTS = ("event_types", "object_types", "sources", "selectors")
_FLAGS = ("archive", "prune_registrations", "compact_repeats", "enabled")


async def create_policy(
    info: Info,
    input: Annotated[CreateRetentionPolicyInput, strawberry.argument(description="The policy.")],  # noqa: A002
) -> RetentionPolicyPayload:
    """Make a policy; the right ADMIN is needed in its namespace."""
    given = _given(input, ("name", "namespace", "max_age_seconds", *_FLAGS))
    for name in _LISTS:
        if given.get(name) == ():
            raise BadUserInputError(f"{to_camel_case(name)} is an empty list: leave it out when all of them are meant")
    require_right(info.context.viewer, "ADMIN", namespace=given.get("namespace"))
    policy: Any = await _changes(info.context).create(given)
    return RetentionPolicyPayload(policy=policy)


async def update_policy(
    info: Info,
    input: Annotated[UpdateRetentionPolicyInput, strawberry.argument(description="What to change.")],  # noqa: A002
) -> RetentionPolicyPayload:
    """Change a policy; the right ADMIN is needed in its namespace."""
    policy_id = await _require_allowed(info, input.id)
    changes = _given(input, ("name", "max_age_seconds", *_FLAGS))
    if input.keep_forever is True:
        if "max_age_seconds" in changes:
            raise BadUserInputError("keepForever and maxAgeSeconds exclude each other: give one of them")
        changes["max_age_seconds"] = None
    policy: Any = await _changes(info.context).update(policy_id, changes)
    return RetentionPolicyPayload(policy=policy)


async def delete_policy(
    info: Info,
    input: Annotated[DeleteRetentionPolicyInput, strawberry.argument(description="The policy.")],  # noqa: A002
) -> RetentionPolicyPayload:
    """Delete a policy; the right ADMIN is needed in its namespace."""
    policy_id = await _require_allowed(info, input.id)
    policy: Any = await _changes(info.context).delete(policy_id)
    return RetentionPolicyPayload(policy=policy)


def _changes(context: RequestContext) -> PolicyChanges:
    has_archive = runner_of(context).has_archive
    return PolicyChanges(context.database, actor=context.viewer.name, clock=context.clock, has_archive=has_archive)


async def _require_allowed(info: Info, node_id: str) -> str:
    """Give the id of a stored policy that the caller may change; raise when it is none, or may not be changed."""
    policy_id = parse_policy_id(node_id)
    if policy_id is None:
        raise BadUserInputError(
            "id is no id of a retention policy: pass one that `retention { policies { id } }` gives"
        )
    policy = await _changes(info.context).find(policy_id)
    require_right(info.context.viewer, "ADMIN", namespace=policy.namespace)
    return policy_id


def parse_policy_id(node_id: str) -> str | None:
    """Give the id of a policy of a setting or of a type, or the UUID of a stored one; None for anything else."""
    text = node_id.removeprefix(f"{POLICY}:")
    is_fixed = _OF_SETTING.fullmatch(text) or _OF_TYPE.fullmatch(text)
    return text if is_fixed else parse_uuid(text)


def _given(given: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """Give what is neither left out nor null; lists become tuples without repetitions."""
    found = {name: value for name in names if (value := getattr(given, name)) is not UNSET and value is not None}
    for name in _LISTS:
        values = getattr(given, name)
        if values is not UNSET and values is not None:
            found[name] = tuple(dict.fromkeys(require_text(value, f"{name}") for value in values))
    for name in ("name", "namespace"):
        if name in found:
            require_text(found[name], name)
    return found
