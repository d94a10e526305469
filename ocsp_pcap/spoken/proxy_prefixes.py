"""Prefixes of TLS or HTTP on a connection: the PROXY protocol and SOCKS (RFC 1928).

Each reader takes the bytes that one side sent so far and tells how many of them belong to the
prefix, or that it needs more, or that this is something else.
"""

from __future__ import annotations

import ipaddress
from typing import Final, NamedTuple

PROXY_V1: Final = b"PROXY "
PROXY_V2: Final = b"\r\n\r\n\x00\r\nQUIT\n"
MAX_PROXY_V1 = 107
"""Longest PROXY line of version 1, its line end included (PROXY protocol 2.1)."""

NEED_MORE: Final = -1
NOT_THIS: Final = -2


def proxy_protocol_length(data: bytes) -> int:
    """Return the length of a PROXY protocol header (version 1 or 2), NEED_MORE or NOT_THIS."""
    if data.startswith(PROXY_V1):
        end = data.find(b"\r\n", 0, MAX_PROXY_V1)
        if end >= 0:
            return end + 2
        return NEED_MORE if len(data) < MAX_PROXY_V1 else NOT_THIS
    if data.startswith(PROXY_V2):
        if len(data) < 16:
            return NEED_MORE
        length = 16 + int.from_bytes(data[14:16], "big")
        return length if len(data) >= length else NEED_MORE
    if PROXY_V1.startswith(data) or PROXY_V2.startswith(data):
        return NEED_MORE
    return NOT_THIS


class SocksRequest(NamedTuple):
    """Where a SOCKS client asked to be connected to."""

    length: int
    """Bytes of the request."""
    host: str
    port: int


def socks5_greeting_length(data: bytes) -> int:
    """Return the length of a SOCKS 5 method negotiation (RFC 1928 3), NEED_MORE or NOT_THIS."""
    if data[:1] != b"\x05":
        return NOT_THIS
    if len(data) < 2:
        return NEED_MORE
    length = 2 + data[1]
    if not 1 <= data[1] <= 16:
        return NOT_THIS
    return length if len(data) >= length else NEED_MORE


def socks5_request(data: bytes) -> SocksRequest | int:
    """Read a SOCKS 5 CONNECT request (RFC 1928 4); NEED_MORE or NOT_THIS where there is none."""
    if not b"\x05\x01\x00".startswith(data[:3]):
        return NOT_THIS
    if len(data) < 5:
        return NEED_MORE
    kind = data[3]
    size = {1: 4, 3: data[4] + 1, 4: 16}.get(kind)
    if size is None:
        return NOT_THIS
    end = 4 + size
    if len(data) < end + 2:
        return NEED_MORE
    raw = data[5:end] if kind == 3 else data[4:end]
    host = raw.decode("ascii", "backslashreplace") if kind == 3 else str(ipaddress.ip_address(raw))
    return SocksRequest(end + 2, host, int.from_bytes(data[end : end + 2], "big"))


def socks5_reply_length(data: bytes) -> int:
    """Return the length of a successful SOCKS 5 reply (RFC 1928 6), NEED_MORE or NOT_THIS."""
    if not b"\x05\x00\x00".startswith(data[:3]):
        return NOT_THIS
    if len(data) < 5:
        return NEED_MORE
    size = {1: 4, 3: data[4] + 1, 4: 16}.get(data[3])
    if size is None:
        return NOT_THIS
    return 4 + size + 2 if len(data) >= 4 + size + 2 else NEED_MORE


def socks4_request(data: bytes) -> SocksRequest | int:
    """Read a SOCKS 4 or 4A CONNECT request; NEED_MORE or NOT_THIS where there is none."""
    if not b"\x04\x01".startswith(data[:2]):
        return NOT_THIS
    if len(data) < 9:
        return NEED_MORE
    end = data.find(b"\x00", 8, 8 + 256)
    if end < 0:
        return NEED_MORE if len(data) < 8 + 256 else NOT_THIS
    host = str(ipaddress.ip_address(data[4:8]))
    if data[4:7] == b"\x00\x00\x00" and data[7]:
        start, end = end + 1, data.find(b"\x00", end + 1, end + 257)
        if end < 0:
            return NEED_MORE if len(data) < start + 256 else NOT_THIS
        host = data[start:end].decode("ascii", "backslashreplace")
    return SocksRequest(end + 1, host, int.from_bytes(data[2:4], "big"))


class SocksRefusal(NamedTuple):
    """A SOCKS request that was refused, or not answered yet."""

    host: str
    port: int
    status: int | None
    """Reply code (RFC 1928 6; of SOCKS 4: 91 to 93); None: there is no reply."""


class SocksNegotiation(NamedTuple):
    """A SOCKS connection that the proxy opened."""

    version: int
    """4 or 5."""
    host: str
    port: int
    from_client: int
    """Bytes of the client's side of the negotiation."""
    from_server: int


def socks_negotiation(sent: bytes, answered: bytes) -> SocksNegotiation | int:
    """Read both sides of a negotiation; NEED_MORE, or NOT_THIS where it opens nothing."""
    return (_socks4 if sent[:1] == b"\x04" else _socks5)(sent, answered)


def socks_refusal(sent: bytes, answered: bytes) -> SocksRefusal | None:
    """Return what was asked for in a negotiation that opens nothing; None where nothing was."""
    if sent[:1] == b"\x04":
        asked, reply = socks4_request(sent), answered
    else:
        begun = _socks5_request(sent, answered)
        if isinstance(begun, int):
            return None
        asked, reply = begun[0], answered[begun[2] :]
    if isinstance(asked, int):
        return None
    return SocksRefusal(asked.host, asked.port, reply[1] if len(reply) >= 2 else None)


def _socks4(sent: bytes, answered: bytes) -> SocksNegotiation | int:
    request = socks4_request(sent)
    if isinstance(request, int):
        return request
    if len(answered) < 8:
        return NEED_MORE
    if answered[:2] != b"\x00\x5a":
        return NOT_THIS
    return SocksNegotiation(4, request.host, request.port, request.length, 8)


def _socks5(sent: bytes, answered: bytes) -> SocksNegotiation | int:
    begun = _socks5_request(sent, answered)
    if isinstance(begun, int):
        return begun
    request, greeting, from_server = begun
    reply = socks5_reply_length(answered[from_server:])
    if reply < 0:
        return reply
    return SocksNegotiation(5, request.host, request.port, greeting + request.length, from_server + reply)


def _socks5_request(sent: bytes, answered: bytes) -> tuple[SocksRequest, int, int] | int:
    """Return the request, and how many bytes of both sides came before it and before its answer."""
    greeting = socks5_greeting_length(sent)
    if greeting < 0:
        return greeting
    if len(answered) < 2:
        return NEED_MORE
    if answered[0] != 5 or answered[1] == 0xFF:
        return NOT_THIS
    from_server = 2
    if answered[1] == 2:
        # Username/password (RFC 1929): version, two counted strings; the answer is two bytes.
        if len(sent) < greeting + 2 or len(sent) < greeting + 3 + sent[greeting + 1]:
            return NEED_MORE
        greeting += 2 + sent[greeting + 1]
        greeting += 1 + sent[greeting]
        from_server = 4
    request = socks5_request(sent[greeting:])
    if isinstance(request, int):
        return request
    return request, greeting, from_server
