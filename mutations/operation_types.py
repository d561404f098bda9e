"""Types of operations: what their payloads' fields name (OP1)."""

from typing import NamedTuple


class TargetField(NamedTuple):
    """That a field of the payload holds the id of an object of a type: a target."""

    field: str
    object_type: str


class OperationType(NamedTuple):
    """A declared type of operations; `namespace` None: in every namespace."""

    name: str
    namespace: str | None
    target_fields: tuple[TargetField, ...]
    description: str | None
