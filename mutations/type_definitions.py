"""What a definition of a type may say, wherever it stands: in a file or in an input (NU1, OP1)."""

from collections.abc import Callable, Sequence

from mutations.errors import InvalidInputError
from mutations.limits import MAX_TEXT_LENGTH, MAX_TYPE_LENGTH
from mutations.rejections import Rejection
from mutations.validation import require_namespace_name, require_open, require_text
from storage.type_definitions import FOR_EVER, EventTypeRecord, OperationTypeRecord

MAX_DESCRIPTION_LENGTH = 2_000
"""Code points of a description."""
MAX_LIST_VALUES = 1_000
MAX_TARGET_FIELDS = 100
MAX_AGE_SECONDS = 100_000_000_000
"""Some 3,000 years: in microseconds it is far from what a column holds."""

Naming = Callable[[str], str]
"""Gives the name of a field as whoever wrote the definition knows it."""


def require_event_type(record: EventTypeRecord, *, naming: Naming = str) -> None:
    """Refuse a type of events that cannot be. Raises InvalidInputError, which names the field."""
    _require_texts(
        naming,
        {
            "name": (record.name, MAX_TYPE_LENGTH),
            "category": (record.category, MAX_TYPE_LENGTH),
            "subcategory": (record.subcategory, MAX_TYPE_LENGTH),
            "description": (record.description, MAX_DESCRIPTION_LENGTH),
        },
    )
    _require_list(naming("required_details"), record.required_details, MAX_TEXT_LENGTH)
    _require_list(naming("optional_details"), record.optional_details, MAX_TEXT_LENGTH)
    _require_list(naming("object_types"), record.object_types, MAX_TYPE_LENGTH)
    age = record.max_age_seconds
    if age is not None and age != FOR_EVER and not 1 <= age <= MAX_AGE_SECONDS:
        raise InvalidInputError(f"{naming('max_age_seconds')} must be from 1 to {MAX_AGE_SECONDS}, which {age} is not")


def require_operation_type(definition: OperationTypeRecord, *, naming: Naming = str) -> None:
    """Refuse a type of operations that cannot be. Raises InvalidInputError, which names the field."""
    _require_texts(
        naming,
        {
            "name": (definition.name, MAX_TYPE_LENGTH),
            "description": (definition.description, MAX_DESCRIPTION_LENGTH),
        },
    )
    listed = naming("target_fields")
    if len(definition.target_fields) > MAX_TARGET_FIELDS:
        raise InvalidInputError(f"{listed} has {len(definition.target_fields)} fields, the most is {MAX_TARGET_FIELDS}")
    seen: set[str] = set()
    for place, target in enumerate(definition.target_fields):
        _require(f"{listed}[{place}].field", target.field, MAX_TEXT_LENGTH)
        _require(f"{listed}[{place}].{naming('object_type')}", target.object_type, MAX_TYPE_LENGTH)
        if target.field in seen:
            raise InvalidInputError(f"{listed}[{place}]: the field {target.field} stands there twice: name it once")
        seen.add(target.field)


def require_definable(namespace: str | None) -> None:
    """Refuse a namespace in which nothing can be defined. Raises InvalidInputError."""
    if namespace is None:
        return
    try:
        require_namespace_name("namespace", namespace)
        require_open(namespace)
    except Rejection as rejection:
        raise InvalidInputError(rejection.message) from None


def _require_texts(naming: Naming, texts: dict[str, tuple[str | None, int]]) -> None:
    for name, (text, limit) in texts.items():
        if text is not None:
            _require(naming(name), text, limit)


def _require_list(name: str, values: Sequence[str], limit: int) -> None:
    if len(values) > MAX_LIST_VALUES:
        raise InvalidInputError(f"{name} has {len(values)} values, the most is {MAX_LIST_VALUES}")
    for place, value in enumerate(values):
        _require(f"{name}[{place}]", value, limit)


def _require(name: str, text: str, limit: int) -> None:
    try:
        require_text(name, text, limit)
    except Rejection as rejection:
        raise InvalidInputError(rejection.message) from None
