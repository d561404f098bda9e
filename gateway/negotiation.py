"""Which media type an answer has, after the GraphQL-over-HTTP specification (rules W2, W5, W6)."""

from functools import lru_cache

GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"

_OFFERED = (GRAPHQL_RESPONSE, JSON)


# Clients send few different headers, and each of them with every request.
@lru_cache(maxsize=256)
def choose_media_type(accept: str | None) -> str | None:
    """Give the media type of the answer; None when the client takes none that is offered (406).

    Without a header, and for `*/*`, it is application/json: so the specification says of clients from before it.
    """
    if accept is None or not accept.strip():
        return JSON
    ranges = [_read_range(part) for part in accept.split(",") if part.strip()]
    best: tuple[float, int, int] | None = None
    chosen = None
    for place, offered in enumerate(_OFFERED):
        weight, precision, position = _weight_of(offered, ranges)
        # The wildcard alone means "whatever you always sent"; where the client names types, its order decides ties.
        key = (weight, precision, -position if precision == 2 else place)
        if weight > 0 and (best is None or key > best):
            best, chosen = key, offered
    return chosen


def _read_range(text: str) -> tuple[str, float, bool]:
    media, *parameters = (part.strip().lower() for part in text.split(";"))
    weight, acceptable = 1.0, True
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        value = value.strip().strip('"')
        if name.strip() == "q":
            try:
                weight = min(max(float(value), 0.0), 1.0)
            except ValueError:
                weight = 0.0
        elif name.strip() == "charset":
            acceptable = value in ("utf-8", "utf8")
    return media.strip(), weight, acceptable


def _weight_of(offered: str, ranges: list[tuple[str, float, bool]]) -> tuple[float, int, int]:
    """Give weight, precision (2 the type itself, 1 application/*, 0 anything) and place of the range that fits best."""
    found = (0.0, -1, len(ranges))
    for position, (media, weight, acceptable) in enumerate(ranges):
        precision = {offered: 2, "application/*": 1, "*/*": 0}.get(media, -1)
        if acceptable and precision > found[1]:
            found = (weight, precision, position)
    return found


@lru_cache(maxsize=256)
def is_json_content(content_type: str | None) -> bool:
    """Tell whether a request body is declared as JSON in UTF-8 (W2, W5)."""
    if content_type is None:
        return False
    media, *parameters = (part.strip().lower() for part in content_type.split(";"))
    if media != JSON:
        return False
    charsets = [part.partition("=")[2].strip().strip('"') for part in parameters if part.startswith("charset")]
    return all(charset in ("utf-8", "utf8") for charset in charsets)
