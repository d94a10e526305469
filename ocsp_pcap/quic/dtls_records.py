"""DTLS records and handshake fragments in a UDP datagram (RFC 6347 4.1, 4.2; RFC 9147 4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

CHANGE_CIPHER_SPEC: Final = 20
ALERT: Final = 21
HANDSHAKE: Final = 22
APPLICATION_DATA: Final = 23

CONTENT_TYPES: Final = (CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA)
"""First byte of a datagram that begins with a DTLSPlaintext record (RFC 7983 tells 20 to 63 apart from
STUN and SRTP on the same port)."""
VERSIONS: Final = (0xFEFF, 0xFEFD, 0x0100)
"""Bytes 1 and 2 of such a datagram, big-endian: DTLS 1.0, 1.2 (and 1.3's hellos), OpenSSL's before 1.0."""
HEADER_LENGTH: Final = 13
MAXIMUM_RECORDS: Final = 64
"""Records read of one datagram."""

_FRAGMENT_HEADER: Final = 12


class Record(NamedTuple):
    """One record."""

    content_type: int | None
    """None: under the protection of DTLS 1.3, which hides it."""
    epoch: int
    """Of a DTLS 1.3 record under protection, its two lowest bits."""
    data: bytes


class Fragment(NamedTuple):
    """One handshake fragment (RFC 6347 4.2.2)."""

    kind: int
    length: int
    """Of the whole message's body."""
    sequence: int
    offset: int
    data: bytes


def looks_like_dtls(payload: bytes) -> bool:
    """Tell whether a UDP payload begins with a whole DTLS record in the form of DTLS 1.2 (RFC 6347 4.1)."""
    return (
        len(payload) > HEADER_LENGTH
        and payload[0] in CONTENT_TYPES
        and int.from_bytes(payload[1:3]) in VERSIONS
        and 0 < int.from_bytes(payload[11:13]) <= len(payload) - HEADER_LENGTH
    )


def split_records(datagram: bytes) -> Iterator[Record]:
    """Yield the records of one datagram; stop without error at the first bytes that are none.

    A record that the capture cut short is yielded as far as it goes, where its content can be in
    plain text.
    """
    offset, end = 0, len(datagram)
    for _ in range(MAXIMUM_RECORDS):
        if offset >= end:
            return
        first = datagram[offset]
        if first & 0xE0 == 0x20:
            # RFC 9147 4: unified header, without a connection ID, whose length is not known here.
            header = 2 + (first >> 3 & 1) + (2 if first & 4 else 0)
            if first & 0x10 or offset + header > end:
                return
            length = int.from_bytes(datagram[offset + header - 2 : offset + header])
            following = offset + header + length if first & 4 else end
            if following > end:
                return
            yield Record(None, first & 3, datagram[offset + header : following])
            offset = following
            continue
        if offset + HEADER_LENGTH > end or first not in CONTENT_TYPES:
            return
        if int.from_bytes(datagram[offset + 1 : offset + 3]) not in VERSIONS:
            return
        epoch = int.from_bytes(datagram[offset + 3 : offset + 5])
        start = offset + HEADER_LENGTH
        offset = start + int.from_bytes(datagram[start - 2 : start])
        yield Record(first, epoch, datagram[start:offset])


def read_fragments(data: bytes) -> Iterator[Fragment]:
    """Yield the handshake fragments of a record in plain text, as far as they are whole and consistent."""
    offset = 0
    while offset + _FRAGMENT_HEADER <= len(data):
        start = offset + _FRAGMENT_HEADER
        length = int.from_bytes(data[offset + 1 : offset + 4])
        position = int.from_bytes(data[offset + 6 : offset + 9])
        following = start + int.from_bytes(data[offset + 9 : start])
        if position + following - start > length or (following == start and length):
            return
        yield Fragment(
            data[offset],
            length,
            int.from_bytes(data[offset + 4 : offset + 6]),
            position,
            data[start:following],
        )
        offset = following
