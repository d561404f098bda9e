"""JSON with its text kept: values as Python knows them, which remember how they were written.

`parse_json` gives plain dicts, lists, texts, booleans, None and numbers, except that

- a number whose text Python would not give back (1.10, 1e5, -0, 1e400, 5000 digits) is a `WrittenFloat` or
  `WrittenInteger`: a float or int like any other that carries its `text`;
- an object in which a name came twice is a `RepeatedNames`: a dict (the last one wins) that carries all its `pairs`.

So GraphQL's own coercion works on the values as ever, while a JSON scalar calls `to_json_text` and gets the text as it
was sent, except for blanks between tokens and the way characters are escaped: order of names, digits of numbers, and
repeated names, which whoever checks the text then refuses (rule I5). Lone surrogates are written as escapes, so that
the text can always be encoded.

Names that come twice outside of JSON scalars (in the request itself or in an input object): the last one wins.
"""

import json
import math
from typing import Any, TypeAlias

JsonValue: TypeAlias = "bool | int | float | str | list[Any] | dict[str, Any] | None"

# Python's int() takes time that grows with the square of the digits, and what is beyond a double cannot become one:
# beyond this a number is kept as text and as a double, most often infinity.
_MAX_INTEGER_DIGITS = 308


class WrittenInteger(int):
    """An integer that remembers its text, such as -0."""

    text: str


class WrittenFloat(float):
    """A number that remembers its text, such as 1.10; infinite when it is beyond a double."""

    text: str


class RepeatedNames(dict[str, Any]):
    """An object in which a name stands twice: the last value wins, `pairs` has them all."""

    pairs: list[tuple[str, Any]]


def parse_json(text: str) -> JsonValue:
    """Read strict JSON (RFC 8259), with lone surrogates in texts.

    Raises ValueError when it is none (NaN and Infinity are none), RecursionError when it is nested too deep.
    """
    return _DECODER.decode(text)  # type: ignore[no-any-return]


def to_json_text(value: JsonValue) -> str:
    """Write a value as compact JSON text; numbers and names as they were written."""
    parts: list[str] = []
    _write(value, parts.append)
    return "".join(parts)


def _parse_integer(text: str) -> int | float:
    if len(text) > _MAX_INTEGER_DIGITS:
        return _parse_float(text)
    if text != "-0":
        return int(text)
    written = WrittenInteger(0)
    written.text = text
    return written


def _parse_float(text: str) -> WrittenFloat:
    written = WrittenFloat(text)
    written.text = text
    return written


def _refuse_constant(text: str) -> None:
    raise ValueError(f"{text} is no JSON value")


def _object_from_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    repeated = RepeatedNames(members)
    repeated.pairs = pairs
    return repeated


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object_from_pairs,
    parse_int=_parse_integer,
    parse_float=_parse_float,
    parse_constant=_refuse_constant,
)


def _write(value: Any, write: Any) -> None:
    if isinstance(value, str):
        write(_quote(value))
    elif isinstance(value, dict):
        _write_object(value.pairs if isinstance(value, RepeatedNames) else value.items(), write)
    elif isinstance(value, list | tuple):
        separator = "["
        for item in value:
            write(separator)
            _write(item, write)
            separator = ","
        write("]" if value else "[]")
    else:
        write(_scalar_text(value))


def _write_object(pairs: Any, write: Any) -> None:
    separator = "{"
    for name, value in pairs:
        write(separator)
        write(_quote(name))
        write(":")
        _write(value, write)
        separator = ","
    write("}" if pairs else "{}")


def _quote(text: str) -> str:
    quoted = json.dumps(text, ensure_ascii=False)
    try:
        quoted.encode()
    except UnicodeEncodeError:
        return json.dumps(text)
    return quoted


def _scalar_text(value: Any) -> str:
    if isinstance(value, WrittenInteger | WrittenFloat):
        return value.text
    if value is None or value is True or value is False:
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        return repr(value)
    raise ValueError(f"{type(value).__name__} is no JSON value")
