"""Secrets that are said in the clear and are not to be passed on, and what stands there instead."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from ocsp_pcap.evidence.address_map import AddressMap
from ocsp_pcap.spoken.proxy_prefixes import PROXY_V2

_SECRET: Final = re.compile(
    rb"(?im)^(?:cookie2?|set-cookie2?|(?:proxy-)?authorization|(?:proxy-)?authentication-info"
    rb"|x-(?:api-key|auth-[a-z-]+|csrf-token|amz-security-token))[ \t]*:[ \t]*([^\r\n]+)"
)
"""Header fields whose values let one log in (RFC 6265, RFC 9110 11); group 1 is the value."""
_HEAD: Final = re.compile(rb"(?:[A-Z]{3,10} [^\r\n ]{1,8192} HTTP/1\.[01]|HTTP/1\.[01] \d{3}[^\r\n]*)\r?\n")
_HEAD_END: Final = re.compile(rb"\r?\n\r?\n")
_TEXT_BODY: Final = re.compile(rb"(?im)^content-type[ \t]*:[ \t]*(?:text/|application/(?:json|xml))")
_DNS: Final = frozenset({53, 5353, 5355})
_LARGE: Final = 64 << 20
"""Bytes of one direction that are looked at."""
_WRAP = 1 << 32


class Patches:
    """Bytes that replace others in a stream, by position."""

    def __init__(self, first: int = 0) -> None:
        self._first = first
        self._found: list[tuple[int, bytes]] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, position: int, data: bytes) -> None:
        """Have ``data`` stand from a position on."""
        self._found.append((position, data))

    def position(self, sequence: int) -> int:
        """Return the position that a TCP sequence number stands for; negative: it comes before all."""
        return (sequence - self._first + _WRAP // 2) % _WRAP - _WRAP // 2

    def apply(self, packet: bytearray, start: int, position: int, length: int) -> None:
        """Change the part of the stream that a packet holds: ``length`` bytes, from ``start`` in it on."""
        for place, data in self._found:
            low, high = max(place, position), min(place + len(data), position + length)
            if low < high:
                packet[start + low - position : start + high - position] = data[low - place : high - place]


def tcp_patches(
    segments: Sequence[tuple[int, bytes]], addresses: AddressMap, ports: tuple[int, int]
) -> Patches:
    """Return what is to be replaced in one direction of a TCP connection.

    Args:
        segments: sequence numbers and payload, in the order of the capture; the later of two counts.
        addresses: what takes the place of addresses.
        ports: of source and destination.
    """
    first = segments[0][0]
    offsets = [((sequence - first + _WRAP // 2) % _WRAP - _WRAP // 2, data) for sequence, data in segments]
    lowest = min(offset for offset, _ in offsets)
    patches = Patches((first + lowest) % _WRAP)
    size = max(offset + len(data) for offset, data in offsets) - lowest
    if size > _LARGE:
        return patches
    stream = bytearray(size)
    for offset, data in offsets:
        stream[offset - lowest : offset - lowest + len(data)] = data
    content = bytes(stream)
    if _DNS & set(ports):
        _dns_over_tcp(content, addresses, patches)
        return patches
    _prefix(content, addresses, patches)
    for start, stop in _clear_text(content):
        part = content[start:stop]
        for match in _SECRET.finditer(part):
            patches.add(start + match.start(1), b"x" * len(match[1]))
        _text(part, start, addresses, patches)
    return patches


def udp_patches(payload: bytes, addresses: AddressMap, ports: tuple[int, int]) -> Patches:
    """Return what is to be replaced in a datagram."""
    patches = Patches()
    if _DNS & set(ports):
        _dns(payload, 0, addresses, patches)
    return patches


def _clear_text(content: bytes) -> Iterator[tuple[int, int]]:
    """Yield where heads of HTTP messages stand, and bodies that are text."""
    for match in _HEAD.finditer(content):
        end = _HEAD_END.search(content, match.start())
        head_end = len(content) if end is None else end.end()
        yield match.start(), head_end
        if end is not None and _TEXT_BODY.search(content, match.start(), head_end):
            following = _HEAD.search(content, head_end)
            yield head_end, len(content) if following is None else following.start()


def _text(part: bytes, start: int, addresses: AddressMap, patches: Patches) -> None:
    """Replace addresses in text; Latin-1 has one letter for each byte."""
    before = part.decode("latin-1")
    after = addresses.text(before)
    if after != before:
        for low, high in _differences(before, after):
            patches.add(start + low, after[low:high].encode("latin-1"))


def _differences(before: str, after: str) -> Iterator[tuple[int, int]]:
    low: int | None = None
    for place, (old, new) in enumerate(zip(before, after, strict=True)):
        if old != new and low is None:
            low = place
        elif old == new and low is not None:
            yield low, place
            low = None
    if low is not None:
        yield low, len(after)


def _prefix(content: bytes, addresses: AddressMap, patches: Patches) -> None:
    """Replace the addresses in what stands before the first message: SOCKS (RFC 1928) and PROXY."""
    if content[:6] == b"PROXY ":
        end = content.find(b"\n", 0, 120)
        if end > 0:
            _text(content[:end], 0, addresses, patches)
    elif content[:12] == PROXY_V2 and len(content) >= 16:
        size = {1: 4, 2: 16}.get(content[13] >> 4, 0)
        for place in (16, 16 + size) if size and len(content) >= 16 + 2 * size else ():
            _address(content, place, size, addresses, patches)
    elif content[:1] == b"\x05" and len(content) > 2:
        # A greeting of the client, or the method that the server chose, and then request or reply.
        for start in (2 + content[1], 2):
            if content[start : start + 1] == b"\x05" and content[start + 2 : start + 3] == b"\0":
                size = {1: 4, 4: 16}.get(content[start + 3] if len(content) > start + 3 else 0, 0)
                if size and len(content) >= start + 4 + size:
                    _address(content, start + 4, size, addresses, patches)
                break
    elif (
        content[:2] in (b"\x04\x01", b"\x04\x02", b"\x00\x5a")
        and len(content) >= 8
        and content[4:7] != b"\0\0\0"
    ):
        _address(content, 4, 4, addresses, patches)


def _address(content: bytes, place: int, size: int, addresses: AddressMap, patches: Patches) -> None:
    address = content[place : place + size]
    patches.add(place, addresses.ipv4(address) if size == 4 else addresses.ipv6(address))


def _dns_over_tcp(content: bytes, addresses: AddressMap, patches: Patches) -> None:
    place = 0
    while place + 2 < len(content):
        length = int.from_bytes(content[place : place + 2], "big")
        _dns(content[place + 2 : place + 2 + length], place + 2, addresses, patches)
        place += 2 + length


def _dns(message: bytes, start: int, addresses: AddressMap, patches: Patches) -> None:
    """Replace addresses in answers (RFC 1035 4.1, RFC 3596) and in the names of reverse lookups."""
    if len(message) < 12:
        return
    counts = [int.from_bytes(message[at : at + 2], "big") for at in range(4, 12, 2)]
    place = 12
    for section, count in enumerate(counts):
        for _ in range(count):
            after = _name(message, place, start, addresses, patches)
            if after is None or after + 4 > len(message):
                return
            kind = int.from_bytes(message[after : after + 2], "big")
            place = after + 4
            if section == 0:
                continue
            if place + 6 > len(message):
                return
            data = place + 6
            place = data + int.from_bytes(message[data - 2 : data], "big")
            size = {1: 4, 28: 16}.get(kind)
            if size is not None and place - data == size and place <= len(message):
                address = message[data:place]
                patches.add(start + data, addresses.ipv4(address) if size == 4 else addresses.ipv6(address))


def _name(message: bytes, place: int, start: int, addresses: AddressMap, patches: Patches) -> int | None:
    """Return what follows a name; replace the address in one of in-addr.arpa."""
    labels: list[tuple[int, bytes]] = []
    while place < len(message):
        length = message[place]
        if length >= 0xC0:
            _reverse(labels, start, addresses, patches)
            return place + 2
        if length == 0:
            _reverse(labels, start, addresses, patches)
            return place + 1
        labels.append((place + 1, message[place + 1 : place + 1 + length]))
        place += 1 + length
    return None


def _reverse(labels: list[tuple[int, bytes]], start: int, addresses: AddressMap, patches: Patches) -> None:
    names = [label.lower() for _, label in labels]
    if names[-2:] != [b"in-addr", b"arpa"] or len(names) != 6 or not all(n.isdigit() for n in names[:4]):
        return
    numbers = [int(label) for label in names[3::-1]]
    if max(numbers) > 255:
        return
    other = addresses.ipv4(bytes(numbers))
    for (place, label), number in zip(labels, other[::-1], strict=False):
        if len(str(number)) == len(label):
            patches.add(start + place, str(number).encode())
