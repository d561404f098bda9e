"""Who may be answered at all: the Host header, requests through proxies, and the address that is listened on.

Design section 5. A browser that was sent here by DNS rebinding names a foreign host, and someone behind a proxy is not
the local user whom loopback lets in.
"""

import ipaddress
import re
from collections.abc import Iterable

from starlette.types import Scope

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?", re.ASCII)


class AllowedHosts:
    """The Host headers that are answered. An entry without a port holds for every port."""

    def __init__(self, entries: Iterable[str]) -> None:
        self._entries = frozenset(entry.lower() for entry in entries)

    def accepts(self, header: str | None) -> bool:
        """Tell whether a request with this Host header may be answered."""
        match = _HOST.fullmatch((header or "").lower())
        return match is not None and (match[0] in self._entries or match[1] in self._entries)


def host_header(scope: Scope) -> str | None:
    """Give the Host header; None when there is none, or more than one."""
    found = [value for name, value in scope["headers"] if name == b"host"]
    return found[0].decode("latin-1") if len(found) == 1 else None


def proxy_header(scope: Scope) -> str | None:
    """Give the name of a header that only a proxy adds (Forwarded, X-Forwarded-*, Via), if there is one (W3)."""
    for name, _ in scope["headers"]:
        if name in (b"forwarded", b"via") or name.startswith(b"x-forwarded-"):
            return str(name.decode("latin-1"))
    return None


def is_loopback(host: str) -> bool:
    """Tell whether an address to listen on can only be reached from this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
