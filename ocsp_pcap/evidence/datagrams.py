"""Datagrams put together from their fragments, so that what is replaced may stand across two of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ocsp_pcap.evidence.headers import Fragment, Header

_LARGEST = 0xFFFF
"""Bytes of a datagram with its header, at most (RFC 791 3.1)."""


@dataclass(slots=True)
class Datagram:
    """A datagram that came in fragments."""

    packet: bytes
    """As one packet that begins with its IP header."""
    payload: int
    """Where in it the bytes begin that came in fragments."""
    changed: bytes = b""
    """The packet in its other form, once that is known."""

    def changed_part(self, fragment: Fragment, length: int) -> bytes:
        """Return what takes the place of a fragment of ``length`` bytes."""
        start = self.payload + fragment.offset
        return self.changed[start : start + length]


def joined(pieces: Sequence[tuple[Fragment, Header, bytes]]) -> Datagram | None:
    """Put a datagram together: of each fragment what it is, its IP header, and the packet with both.

    None where something is missing or comes after the end, or where fragments disagree about bytes, of
    which one could be changed and the other not.
    """
    if len({(fragment.identification, header.addresses) for fragment, header, _ in pieces}) != 1:
        return None
    ordered = sorted(pieces, key=lambda piece: piece[0].offset)
    content = bytearray()
    ends = set()
    for fragment, header, packet in ordered:
        part = packet[header.payload : header.end]
        end = fragment.offset + len(part)
        known = len(content) - fragment.offset
        if known < 0 or not part.startswith(content[fragment.offset : end]):
            return None
        content += part[known:]
        if not fragment.more:
            ends.add(end)
    fragment, header, packet = ordered[0]
    if ends != {len(content)} or header.payload - header.start + len(content) > _LARGEST:
        return None
    first = bytearray(packet[header.start : header.payload])
    if first[0] >> 4 == 4:
        first[2:4] = (len(first) + len(content)).to_bytes(2, "big")
        first[6:8] = bytes(2)
    else:
        # Without the headers up to that of the fragment: what they hold is no part of the datagram.
        first[40:] = b""
        first[4:7] = len(content).to_bytes(2, "big") + bytes([fragment.protocol])
    return Datagram(bytes(first + content), len(first))
