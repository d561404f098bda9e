"""Selectors as JSON: what a deletion that was asked for means, kept in the store until somebody carries it out.

The values of a selector are always the same, so that equal ones mean the same events.
"""

from typing import Any

from storage.selectors import (
    And,
    Comparison,
    EventField,
    FieldTest,
    JsonComparison,
    JsonTest,
    Not,
    ObjectReference,
    Or,
    Selector,
    TouchesAny,
    TouchesId,
    TouchesType,
)


def to_value(selector: Selector) -> list[Any]:
    """Give a selector as lists of plain values, which JSON can hold: its kind, and what that needs."""
    match selector:
        case And(parts):
            return ["and", *map(to_value, parts)]
        case Or(parts):
            return ["or", *map(to_value, parts)]
        case Not(part):
            return ["not", to_value(part)]
        case FieldTest(field, comparison, value):
            return ["field", field.value, comparison.value, value]
        case TouchesAny(references):
            return ["objects", *([one.object_type, one.object_id, one.namespace, one.role] for one in references)]
        case TouchesType(object_types):
            return ["object types", *object_types]
        case TouchesId(object_type, comparison, value):
            return ["object id", object_type, comparison.value, value]
        case JsonTest(path, comparison, value):
            return ["extra", path, comparison.value, value]


def from_value(value: Any) -> Selector:
    """Give the selector that `to_value` took apart. Raises ValueError for anything else."""
    match value:
        case ["and", *parts]:
            return And(tuple(map(from_value, parts)))
        case ["or", *parts]:
            return Or(tuple(map(from_value, parts)))
        case ["not", part]:
            return Not(from_value(part))
        case ["field", field, comparison, tested]:
            return FieldTest(EventField(field), Comparison(comparison), _frozen(tested))
        case ["objects", *references]:
            return TouchesAny(tuple(ObjectReference(*one) for one in references))
        case ["object types", *object_types]:
            return TouchesType(tuple(object_types))
        case ["object id", object_type, comparison, tested]:
            return TouchesId(object_type, Comparison(comparison), _frozen(tested))
        case ["extra", path, comparison, tested]:
            return JsonTest(tuple(path), JsonComparison(comparison), _frozen(tested))
        case _:
            raise ValueError(f"this is no selector: {value!r:.100}")


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
