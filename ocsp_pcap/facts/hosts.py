"""The hosts that URLs name, in the one form in which they are compared."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from urllib.parse import urlsplit


@lru_cache(maxsize=4096)
def host_of(url: str | None) -> str | None:
    """Return the host of a URL: a name in lower case, or an address (RFC 5952); None: it has none."""
    try:
        host = urlsplit(url).hostname if url else None
    except ValueError:
        return None
    return same_host(host) if host else None


def same_host(host: str) -> str:
    """Return what is equal for all ways to write one host."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host.rstrip(".").lower()
