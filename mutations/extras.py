"""Extra: free JSON of an event, checked and written down so that every digit and the order of keys stay (NU7).

Two roads lead to the same two texts. The compiled one serves what most senders write; whatever it refuses or could get
wrong (escapes, keys that come twice, minus zero) takes the exact one, which is slower and words the refusals.
"""

import json
import math
import re
from typing import Any, NamedTuple, NoReturn

import msgspec

from mutations.outcomes import IngestCode
from mutations.rejections import Rejection


class CheckedExtra(NamedTuple):
    """`text` is what is stored: as sent, without blanks between the values and with no more escapes than JSON needs.

    `canonical` is what the content hash covers: keys sorted at every level, numbers as written (design.md).
    """

    text: str
    canonical: bytes


class _DuplicateKey(ValueError):
    pass


_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_TOO_DEEP = "more than TIMELOOM_MAX_EXTRA_DEPTH = {} levels"
_BRACKET = re.compile(r"[\[\]{}]")
_encode = msgspec.json.Encoder().encode
_encode_sorted = msgspec.json.Encoder(order="deterministic").encode


def check_extra(text: str, *, max_depth: int) -> CheckedExtra | None:
    """Check a JSON text and give what to store and what to hash; None for JSON null, which is the same as nothing.

    Raises Rejection (EXTRA_INVALID) for what is no JSON by RFC 8259, a number beyond a double's range, a lone
    surrogate, NUL, a key that comes twice in one object, or more than `max_depth` levels (I5, I8, I12). Integers are
    exact at any length (I15).
    """
    try:
        checked = _check_compiled(text) or _check_exactly(text)
    except _DuplicateKey as error:
        _refuse(str(error))
    except UnicodeEncodeError:
        _refuse("a lone surrogate")
    except RecursionError:
        _refuse(_TOO_DEEP.format(max_depth))
    except ValueError:
        _refuse("what is no JSON by RFC 8259")
    # On checked text only: brackets are counted by a regular expression that is slow on open quotes.
    if _depth_bound(checked.text) > max_depth and _depth(checked.text) > max_depth:
        _refuse(_TOO_DEEP.format(max_depth))
    return None if checked.text == "null" else checked


def _check_compiled(text: str) -> CheckedExtra | None:
    # Escapes may hide equal keys, NUL and lone surrogates.
    if "\\" in text:
        return None
    try:
        canonical = _encode_sorted(_decode_compiled(text))
        stored = msgspec.json.format(text, indent=-1)
    except (ValueError, OverflowError, RecursionError, msgspec.MsgspecError):
        return None
    # The sorted form holds the same tokens; only minus zero and a key that came twice make it shorter.
    if len(canonical) != (len(stored) if stored.isascii() else len(stored.encode())):
        return None
    return CheckedExtra(stored, canonical)


def _check_exactly(text: str) -> CheckedExtra:
    value = _decode_exactly(text)
    stored = _encode(value).decode()
    if "\\u0000" in stored and _holds_nul(value):
        _refuse("the character NUL")
    return CheckedExtra(stored, _encode_sorted(value))


def _written_float(digits: str) -> msgspec.Raw:
    if math.isinf(float(digits)):
        _refuse("a number beyond the range of a double")
    return msgspec.Raw(digits.encode())


def _written_integer(digits: str) -> msgspec.Raw:
    return msgspec.Raw(digits.encode())


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _DuplicateKey("a key that comes twice in one object")
    return members


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_decode_compiled = msgspec.json.Decoder(float_hook=_written_float).decode
_decode_exactly = json.JSONDecoder(
    parse_float=_written_float,
    parse_int=_written_integer,
    parse_constant=_no_number,
    object_pairs_hook=_members,
).decode


def _depth_bound(text: str) -> int:
    return text.count("[") + text.count("{")


def _depth(text: str) -> int:
    """Count levels (I8: `[[1]]` has two) without a decoder's recursion; brackets in strings do not count."""
    deepest = depth = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        if bracket in "[{":
            depth += 1
            deepest = max(deepest, depth)
        else:
            depth -= 1
    return deepest


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, list):
        return any(_holds_nul(each) for each in value)
    if isinstance(value, dict):
        return any("\0" in key or _holds_nul(each) for key, each in value.items())
    return False


def _refuse(what: str) -> NoReturn:
    raise Rejection(IngestCode.EXTRA_INVALID, f"extra holds {what}")
