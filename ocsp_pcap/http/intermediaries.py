"""Traces of proxies in headers, between a client and its server (RFC 9110 7.6.3, RFC 7239, RFC 9209)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Final

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.http.events import Headers

MAX_TEXT: Final = 160
"""Characters that are kept of a header's value."""

_FORWARDED_FOR: Final = re.compile(
    r"(?:^|[;,])[ \t]*for[ \t]*=[ \t]*(\"(?:[^\"\\]|\\.)*\"|[^;,\"]*)", re.IGNORECASE
)
_WITH_PORT: Final = re.compile(r"\[([^\]]*)\](?::[\w.-]*)?|([0-9.]+):[\w.-]*")
_PROXY_SERVER: Final = re.compile(
    r"squid|tinyproxy|privoxy|polipo|mitmproxy|bluecoat|blue coat|proxysg|zscaler|websense|forcepoint"
    r"|mcafee web gateway|skyhigh|fortiproxy|ironport|cisco-?wsa|wwwoffle|ziproxy|3proxy|\bproxy\b",
    re.IGNORECASE,
)
_WRITTEN_BY_PROXY: Final = (
    ("x-squid-error", "squid: X-Squid-Error {}"),
    ("proxy-authenticate", "Proxy-Authenticate: {}"),
)
_PASSED_ON_BY_PROXY: Final = (
    ("via", "Via: {}"),
    ("proxy-status", "Proxy-Status: {}"),
    ("x-cache", "X-Cache: {}"),
)
_ERROR: Final = re.compile(r";[ \t]*error=", re.IGNORECASE)


def relayed_for(headers: Headers) -> str | None:
    """Return for whom a proxy relays a request: the first address that X-Forwarded-For or Forwarded names.

    Where they name none (``unknown``, an obfuscated identifier of RFC 7239 6.3, a host name) it is the value
    of Via, else the first such word. None: no header says that the request is relayed.
    """
    words: list[str] = []
    for hops in (_listed(headers, "x-forwarded-for"), _forwarded(headers)):
        for hop in hops:
            address = _address(hop)
            if address is not None:
                return address
            words.append(hop)
    return _value(headers, "via") or (_shortened(words[0]) if words else None)


def answered_by(headers: Headers) -> str | None:
    """Return the header that shows a proxy in an answer, as short text; None: no header does.

    ``squid: X-Squid-Error …``, ``Proxy-Authenticate: …``, ``Proxy-Status: …`` with an error and ``Server: …``
    of software that is a proxy come first: a proxy wrote the answer itself. ``Via: …``, ``X-Cache: …`` and
    ``Proxy-Status: …`` without one only show that one handed it on, which may as well stand before the
    server as a content delivery network does.
    """
    for name, form in _WRITTEN_BY_PROXY:
        value = _value(headers, name)
        if value is not None:
            return form.format(value)
    status = _value(headers, "proxy-status")
    if status is not None and _ERROR.search(status):
        return f"Proxy-Status: {status}"
    server = _value(headers, "server")
    if server is not None and _PROXY_SERVER.search(server):
        return f"Server: {server}"
    for name, form in _PASSED_ON_BY_PROXY:
        value = _value(headers, name)
        if value is not None:
            return form.format(value)
    return None


def user_agent(headers: Headers) -> str | None:
    """Return what software a request names as its sender (RFC 9110 10.1.5)."""
    return _value(headers, "user-agent")


def _values(headers: Headers, name: str) -> list[str]:
    """Return the values of all headers of a name, which count as one list (RFC 9110 5.2)."""
    return [value for key, value in headers if key == name]


def _value(headers: Headers, name: str) -> str | None:
    found = ", ".join(value for value in (each.strip() for each in _values(headers, name)) if value)
    return _shortened(found) or None


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def _listed(headers: Headers, name: str) -> Iterable[str]:
    for value in _values(headers, name):
        hops = value.split(",", BOUNDS.http_hops)
        yield from (hop for each in hops[: BOUNDS.http_hops] if (hop := each.strip()))
        if len(hops) > BOUNDS.http_hops:
            reached("http_hops")


def _forwarded(headers: Headers) -> Iterable[str]:
    """Yield what each ``for`` parameter of Forwarded names (RFC 7239 4)."""
    left = BOUNDS.http_hops
    for value in _values(headers, "forwarded"):
        for found in _FORWARDED_FOR.finditer(value):
            if not left:
                reached("http_hops")
                return
            left -= 1
            word = re.sub(r"\\(.)", r"\1", found[1].strip().strip('"')).strip()
            if word:
                yield word


def _address(hop: str) -> str | None:
    """Return the address that a hop is, without port, brackets and zone; None: it is none."""
    bare = hop.strip("\"' \t")
    with_port = _WITH_PORT.fullmatch(bare)
    if with_port is not None:
        bare = with_port[1] or with_port[2] or ""
    try:
        address = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
