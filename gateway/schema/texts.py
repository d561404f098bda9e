"""Texts from clients that go into statements and answers."""

import json
import re

from strawberry import UNSET

from gateway.errors import BadUserInputError
from gateway.json_text import parse_json

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


def require_json(text: str, path: str) -> str:
    """Give a JSON text back; raise BadUserInputError when a text or a key in it holds a lone surrogate."""
    # In a JSON text that can be encoded, surrogates are escapes.
    if "\\u" in text:
        require_text(json.dumps(parse_json(text), ensure_ascii=False), path)
    return text
