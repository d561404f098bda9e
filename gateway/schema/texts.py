"""Texts from clients that go into statements and answers."""

import json
import re
from collections.abc import Sequence

from strawberry import UNSET

from gateway.errors import BadUserInputError, QueryTooComplexError
from gateway.json_text import parse_json
from storage.conditions import MAX_LIST_VALUES

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def require_text(text: str, path: str) -> str:
    """Give the text back; raise BadUserInputError when it holds a lone surrogate, which no stored text can hold."""
    # Nearly every text is ASCII, and Python knows that without looking at it again.
    if not text.isascii() and _LONE_SURROGATE.search(text):
        raise BadUserInputError(
            f"{path} holds half of a surrogate pair: send whole characters, as UTF-8 or \\u escapes in pairs"
        )
    return text


def require_text_or_none(text: str | None, path: str) -> str | None:
    """Give an argument's text back, None when it was not given; raise what `require_text` raises."""
    return None if text is None or text is UNSET else require_text(text, path)


def require_names(names: Sequence[str] | None, path: str) -> tuple[str, ...] | None:
    """Give an argument's names back, None when it was not given.

    Raises QueryTooComplexError when there are too many (F23), what `require_text` raises.
    """
    if names is None or names is UNSET:
        return None
    if len(names) > MAX_LIST_VALUES:
        raise QueryTooComplexError(f"{path} holds {len(names)} values, the most is {MAX_LIST_VALUES}")
    return tuple(require_text(name, f"{path}[{place}]") for place, name in enumerate(names))


def require_json(text: str, path: str) -> str:
    """Give a JSON text back; raise BadUserInputError when a text or a key in it holds a lone surrogate."""
    # In a JSON text that can be encoded, surrogates are escapes.
    if "\\u" in text:
        require_text(json.dumps(parse_json(text), ensure_ascii=False), path)
    return text
