"""The first bytes of a connection, or of a segment, and the protocol that they begin."""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Final

from ocsp_pcap.http.state import METHODS, VERSION
from ocsp_pcap.spoken.proxy_prefixes import PROXY_V1, PROXY_V2
from ocsp_pcap.tls.records import HANDSHAKE, MAX_FRAGMENT

SENT_BY_CLIENT: Final = frozenset((1, 15, 16))
"""ClientHello, CertificateVerify, ClientKeyExchange (RFC 5246 7.4)."""
SENT_BY_SERVER: Final = frozenset((2, 4, 11, 12, 13, 14, 22))
LONGEST_METHOD: Final = max(map(len, METHODS))
TEXTS: Final = (*METHODS, VERSION, PROXY_V1, PROXY_V2)
LONGEST_TEXT: Final = max(map(len, TEXTS))


HANDSHAKE_RECORD: Final = HANDSHAKE << 8 | 3
"""The first two bytes of a record with a handshake message, whatever minor version its header has."""
HELLO: Final = re.compile(
    rb"\x16\x03[\x00-\x04][\x00-\x44][\x00-\xff][\x01\x02]\x00[\x00-\xff]{2}\x03[\x00-\x03]"
)
"""A record with the beginning of a ClientHello or ServerHello: eleven bytes that hardly come by chance."""


_FRAMES: Final = 64


class Beginning(Enum):
    """A protocol, and which side speaks."""

    UNDECIDED = auto()
    UNKNOWN = auto()
    TLS_CLIENT = auto()
    TLS_SERVER = auto()
    HTTP_CLIENT = auto()
    HTTP_SERVER = auto()
    PROXY_PROTOCOL = auto()
    SOCKS4 = auto()
    SOCKS5 = auto()


def hello_within(data: bytes) -> int | None:
    """Return where a TLS hello begins behind something else; None: nowhere.

    What is in frames, each with its length before it (OpenVPN over TCP), has headers inside its records, too:
    such a protocol has to be known to be read.
    """
    found = HELLO.search(data, 1)
    if found is None or any(_is_in_frames(data, size) for size in (2, 4)):
        return None
    return found.start()


def _is_in_frames(data: bytes, size: int) -> bool:
    """Tell whether bytes are whole frames, each behind its length in so many bytes."""
    position = 0
    for _ in range(_FRAMES):
        position += size + int.from_bytes(data[position : position + size])
        if position >= len(data):
            break
    return position == len(data)


def sniff(data: bytes) -> Beginning:
    """Tell what ``data`` begins; UNDECIDED where more bytes are needed to tell."""
    first = data[0]
    if first == HANDSHAKE:
        return _tls(data)
    if first & 0x80:
        return _sslv2(data)
    if first == 5:
        return _socks5(data)
    if first == 4:
        return _socks4(data)
    return _text(data)


def _tls(data: bytes) -> Beginning:
    if len(data) < 6:
        plausible = b"\x16\x03".startswith(data[:2])
        return Beginning.UNDECIDED if plausible else Beginning.UNKNOWN
    if data[1] != 3 or data[2] > 4 or not 4 <= int.from_bytes(data[3:5], "big") <= MAX_FRAGMENT:
        return Beginning.UNKNOWN
    if data[5] in SENT_BY_CLIENT:
        return Beginning.TLS_CLIENT
    return Beginning.TLS_SERVER if data[5] in SENT_BY_SERVER else Beginning.UNKNOWN


def _sslv2(data: bytes) -> Beginning:
    """A ClientHello in the form of SSL 2.0 (RFC 5246 appendix E.2)."""
    if len(data) < 5:
        return Beginning.UNDECIDED if len(data) < 3 or data[2] == 1 else Beginning.UNKNOWN
    length = (data[0] & 0x7F) << 8 | data[1]
    is_hello = data[2] == 1 and (data[3] == 3 or data[3:5] == b"\x00\x02") and 9 <= length <= 1024
    return Beginning.TLS_CLIENT if is_hello else Beginning.UNKNOWN


def _socks5(data: bytes) -> Beginning:
    if len(data) < 2:
        return Beginning.UNDECIDED
    return Beginning.SOCKS5 if 1 <= data[1] <= 16 and len(data) <= 2 + data[1] else Beginning.UNKNOWN


def _socks4(data: bytes) -> Beginning:
    if len(data) < 2:
        return Beginning.UNDECIDED
    return Beginning.SOCKS4 if data[1] == 1 else Beginning.UNKNOWN


def _text(data: bytes) -> Beginning:
    head = data[:LONGEST_METHOD]
    if head.startswith(METHODS):
        return Beginning.HTTP_CLIENT
    if data.startswith(VERSION):
        return Beginning.HTTP_SERVER
    if data.startswith((PROXY_V1, PROXY_V2)):
        return Beginning.PROXY_PROTOCOL
    if len(data) < LONGEST_TEXT and any(beginning.startswith(data) for beginning in TEXTS):
        return Beginning.UNDECIDED
    return Beginning.UNKNOWN


def from_hello(data: bytes) -> bytes:
    """Return bytes without what stands before a TLS hello in them."""
    start = None if data[0] == HANDSHAKE else hello_within(data)
    return data if start is None else data[start:]
