"""Values inside `extra`: how SQLite compares them. MariaDB does the same in SQL, see `dialects.py`.

Numbers compare by value and exactly (`1` is `1.0`, 9007199254740993 is not 9007199254740992, `true` is not `1`);
objects regardless of the order of their keys; a path goes through objects only (rules F9 to F11).
"""

import json
import re
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

import msgspec

_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_STRING = re.compile(r'"(?:[^"\\]+|\\.)*"(\s*:)?')


def spell_keys(extra: str) -> str:
    """Spell every key of a JSON text in one way: what needs no escape has none. All else stays as it is.

    MariaDB's JSON_EXTRACT compares keys as they are spelled: without this, a path would not find `{"\\u00e4": 1}`.
    """
    return _STRING.sub(_spelled, extra) if "\\" in extra else extra


def _spelled(string: re.Match[str]) -> str:
    text, colon = string.group(), string.group(1)
    if colon is None or "\\" not in text:
        return text
    return json.dumps(json.loads(text.removesuffix(colon)), ensure_ascii=False) + colon


def matches_json(extra: str | None, path: str, comparison: str, wanted: str | None) -> int:
    """Give 1 when the value at `path` (a JSON list of keys) passes the test, else 0; registered with SQLite.

    `comparison` is a JsonComparison's value; `wanted` a JSON list for "in", a JSON text for "includes" and orderings,
    a plain text for "contains".
    """
    leaf = _find(extra, _decoded_path(path))
    if leaf is None:
        return 0
    if comparison == "exists":
        return 1
    value = decode_exactly(leaf)
    if comparison == "is null":
        return int(value is None)
    if comparison == "contains":
        return int(isinstance(value, str) and str(wanted) in value)
    target = _decoded_wanted(wanted or "null")
    if comparison == "in":
        return int(any(equal_json(value, one) for one in target))
    if comparison == "includes":
        return int(isinstance(value, list) and any(equal_json(one, target) for one in value))
    return int(_is_number(value) and _ORDERINGS[comparison](value, target))


def equal_json(left: Any, right: Any) -> bool:
    """Whether two values decoded by `decode_exactly` are the same JSON value (F9)."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal_json(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal_json, left, right))
    if _is_number(left) and _is_number(right):
        return bool(left == right)
    return type(left) is type(right) and bool(left == right)


@lru_cache(maxsize=1024)
def _decoded_path(path: str) -> tuple[str, ...]:
    return tuple(json.loads(path))


def decode_exactly(text: str | bytes) -> Any:
    """Decode JSON with every number as a Decimal, so that no digit is lost."""
    return json.loads(text, parse_int=Decimal, parse_float=_to_decimal)


def _to_decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent of more than 18 digits
        mantissa, _, exponent = text.lower().partition("e")
        return Decimal(0) if exponent.startswith("-") else Decimal("Infinity").copy_sign(Decimal(mantissa))


_decoded_wanted = lru_cache(maxsize=256)(decode_exactly)


def count_values(text: str) -> int:
    """Give how many values a JSON text holds, itself and all inside it."""
    return _count(decode_exactly(text))


def _count(value: Any) -> int:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(_count, inside))


def _find(extra: str | None, path: tuple[str, ...]) -> bytes | None:
    if extra is None:
        return None
    raw: bytes = extra.encode()
    for key in path:
        try:
            member = _MEMBERS.decode(raw).get(key)
        except msgspec.ValidationError:  # no object here: a path never goes into lists or scalars (F10)
            return None
        if member is None:
            return None
        raw = bytes(member)
    return raw


def _is_number(value: Any) -> bool:
    return isinstance(value, Decimal)


_ORDERINGS = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}
