"""Texts from clients that go into statements and answers."""

import re

from gateway.errors import BadUserInputError

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def require_text(text: str, path: str) -> str:
    """Give the text back; raise BadUserInputError when it holds a lone surrogate, which no stored text can hold."""
    # Nearly every text is ASCII, and Python knows that without looking at it again.
    if not text.isascii() and _LONE_SURROGATE.search(text):
        raise BadUserInputError(
            f"{path} holds half of a surrogate pair: send whole characters, as UTF-8 or \\u escapes in pairs"
        )
    return text
