"""Types of operations: what their payloads' fields name, and how one is defined (OP1)."""

from typing import Annotated, Any

import strawberry
from strawberry import UNSET

from gateway.context import Info
from gateway.schema.fields import stored
from gateway.schema.texts import require_text, require_text_or_none
from gateway.schema.type_lists import HoldsIn, visible_types
from gateway.viewers import require_right
from mutations.type_changes import TypeChanges
from mutations.type_registry import TypeKey
from storage.type_definitions import OperationTypeRecord
from storage.type_definitions import TargetField as TargetFieldRecord


@strawberry.type(description="A field of the payload that holds the id of an object: a target of the operation.")
class TargetField:
    """A target field; the source of its fields is storage's TargetField."""

    field: str = stored("The field's name, at the top level of the payload.")
    object_type: str = stored("The type of the object.")


@strawberry.type(
    description=(
        "A type of operations. One for the operation's namespace holds instead of one for every namespace, as a whole."
    )
)
class OperationTypeDefinition:
    """A registered type; the source of its fields is an OperationTypeRecord."""

    name: str = stored("The operations' operationType.")
    namespace: str | None = stored("The namespace in which it holds; null: in every one.")
    target_fields: list[TargetField] = stored("Which fields of the payload name the objects that it works on.")
    description: str | None = stored("What it means, for people.")


async def fetch_operation_types(info: Info, namespace: HoldsIn = UNSET) -> list[OperationTypeRecord]:
    """Give the registered types of operations, by name."""
    types = await info.context.types.current()
    return await visible_types(info.context, types.operation_types, require_text_or_none(namespace, "namespace"))


@strawberry.input(description="That a field of the payload holds the id of an object of a type.")
class TargetFieldInput:
    """A target field, as sent."""

    field: str = strawberry.field(description="The field's name, at the top level of the payload; at most 255.")
    object_type: str = strawberry.field(description="The type of the object; at most 64 code points.")


@strawberry.input(description="A type of operations to define, or to change.")
class DefineOperationTypeInput:
    """The input of defineOperationType."""

    name: str = strawberry.field(description="The operations' operationType; at most 64 code points.")
    namespace: str | None = strawberry.field(
        default=UNSET,
        description="The namespace in which it holds; left out or null: every one, which needs ADMIN in all.",
    )
    target_fields: list[TargetFieldInput] = strawberry.field(
        description="All its target fields, at most 100. Operations that are there keep their targets."
    )
    description: str | None = strawberry.field(
        default=UNSET,
        description="What it means; at most 2,000 code points. Left out or null: as it is; an empty text: none.",
    )


@strawberry.type(description="The type as it is now.")
class DefineOperationTypePayload:
    """The answer to defineOperationType."""

    operation_type: OperationTypeDefinition | None = strawberry.field(description="The type.")


async def define_operation_type(
    info: Info,
    input: Annotated[DefineOperationTypeInput, strawberry.argument(description="The type.")],  # noqa: A002
) -> DefineOperationTypePayload:
    """Define a type of operations; the right ADMIN is needed in its namespace."""
    context = info.context
    key = TypeKey(require_text_or_none(input.namespace, "namespace"), require_text(input.name, "name"))
    fields = tuple(
        TargetFieldRecord(
            require_text(each.field, "targetFields.field"), require_text(each.object_type, "targetFields.objectType")
        )
        for each in input.target_fields
    )
    description = require_text_or_none(input.description, "description")
    require_right(context.viewer, "ADMIN", namespace=key.namespace)
    registry = TypeChanges(context.database, context.types, actor=context.viewer.name, clock=context.clock)
    definition: Any = await registry.define_operation_type(key, fields, description=description)
    return DefineOperationTypePayload(operation_type=definition)
