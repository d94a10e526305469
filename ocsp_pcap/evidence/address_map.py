"""Other addresses, names of interfaces and ports in place of the real ones, the same one each time.

An address keeps its kind (private stays private, multicast and loopback stay what they are), its networks
stay networks, and its text keeps its length, so that it can be replaced where it stands in a header. A key
that is drawn for each run and kept nowhere decides which is which; no replaced number stays the same.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import secrets
from collections.abc import Callable
from typing import Final

ADDRESS_TEXT: Final = re.compile(
    r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)"
    r"|(?:[0-9A-Fa-f]{1,4}:){2,7}[0-9A-Fa-f]{1,4}(?![\w:])"
    r"|(?:[0-9A-Fa-f]{1,4}:)*[0-9A-Fa-f]{0,4}::(?:[0-9A-Fa-f]{1,4}:)*[0-9A-Fa-f]{0,4}(?![\w:]))"
)
"""What may be an address in text."""

_FIRST_PORT, _LAST_PORT = 49152, 65535
_CLASSES: Final = (range(10), range(10, 100), range(100, 256))
"""Numbers of an IPv4 address that are written with as many digits."""
_FIRST: Final = (
    range(1, 10),
    range(11, 100),
    range(101, 127),
    range(128, 169),
    range(173, 192),
    range(193, 224),
)
"""The same for the first number, without those that have networks of a special kind."""
_SPECIAL: Final = frozenset({100, 169, 170, 171, 172, 192})
"""First numbers that have such networks: they stay, with the number after them."""

_RESERVED: Final = {
    bytes([192, 0, 0]): 4,
    bytes([192, 0, 2]): 3,
    bytes([198, 51, 100]): 3,
    bytes([203, 0, 113]): 3,
    bytes([198, 18]): 2,
    bytes([198, 19]): 2,
}
"""Networks for protocols, documentation and benchmarks (RFC 6890), and how many numbers of them stay."""
_GLOBAL_UNICAST: Final = range(0x2000, 0x4000)


class AddressMap:
    """Replaces addresses and ports; the same for the same."""

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key or secrets.token_bytes(32)
        self._permutations: dict[tuple[bytes, range], dict[int, int]] = {}
        self._ports: dict[tuple[bytes, int], int] = {}
        self._taken: dict[bytes, set[int]] = {}

    def ipv4(self, address: bytes) -> bytes:
        """Return the address in place of one of 4 bytes."""
        first, second = address[0], address[1]
        if first == 127 or first == 0 or first >= 224 or (first, second) == (169, 254):
            return address
        if kept := _reserved(address):
            return self._ipv4_behind(address, kept)
        result = self._ipv4_behind(address, 0)
        while _reserved(result):
            # Going on along the cycle of the permutation: what is not reserved gets what is not, one to one.
            result = self._ipv4_behind(result, 0)
        return result

    def _ipv4_behind(self, address: bytes, kept: int) -> bytes:
        """Return an address with the numbers behind the first ``kept`` replaced by others as long."""
        first, second = address[0], address[1]
        private_172 = first == 172 and 16 <= second < 32
        kept = max(kept, 1 if first == 10 or private_172 else 2 if first in _SPECIAL else 0)
        result = bytearray(address)
        for place in range(kept, 4):
            classes = _FIRST if place == 0 else _CLASSES
            allowed = next(numbers for numbers in classes if address[place] in numbers)
            if private_172 and place == 1:
                allowed = range(16, 32)
            result[place] = self._permuted(address[:place], allowed)[address[place]]
        return bytes(result)

    def ipv6(self, address: bytes) -> bytes:
        """Return the address in place of one of 16 bytes; IPv4 inside of IPv6 is replaced as IPv4."""
        known = ipaddress.IPv6Address(address)
        if known.ipv4_mapped is not None:
            return address[:12] + self.ipv4(address[12:])
        if known.is_multicast or known.is_loopback or known.is_unspecified:
            return address
        groups = [int.from_bytes(address[at : at + 2], "big") for at in range(0, 16, 2)]
        # Outside of global unicast (2000::/3, RFC 4291 section 2.4) the first group says what kind it is.
        kept = 0 if groups[0] in _GLOBAL_UNICAST and groups[0] != 0x2001 and not known.is_private else 1
        result = []
        for place, group in enumerate(groups):
            digits = len(f"{group:x}")
            # Zeros make up how an address is shortened, and 0db8 is part of what documentation uses.
            if place < kept or group == 0 or (place == 1 and groups[:2] == [0x2001, 0xDB8]):
                result.append(group)
            else:
                allowed = range(16 ** (digits - 1) if digits > 1 else 1, 16**digits)
                if place == 0:
                    allowed = _GLOBAL_UNICAST
                result.append(self._shifted(address[: 2 * place], group, allowed))
        return b"".join(group.to_bytes(2, "big") for group in result)

    def mac(self, address: bytes) -> bytes:
        """Return the hardware address in place of one of 6 bytes; groups stay what they are."""
        if address[0] & 1 or not any(address):
            return address
        # Locally administered: no maker's.
        return b"\x02" + self._digest(b"mac", address)[:5]

    def port(self, address: bytes, port: int) -> int:
        """Return the port in place of one that a client at ``address``, the real one, uses."""
        known = self._ports.get((address, port))
        if known is not None:
            return known
        taken = self._taken.setdefault(address, set())
        size = _LAST_PORT - _FIRST_PORT + 1
        if len(taken) >= size:
            return port
        start = int.from_bytes(self._digest(b"port", address + port.to_bytes(2, "big"))[:4], "big") % size
        while start in taken:
            start = (start + 1) % size
        taken.add(start)
        self._ports[address, port] = _FIRST_PORT + start
        return _FIRST_PORT + start

    def text(self, text: str) -> str:
        """Return text with the addresses in it replaced; it keeps its length."""
        return ADDRESS_TEXT.sub(lambda match: self._address_text(match[0]), text)

    def _address_text(self, text: str) -> str:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return text
        replace: Callable[[bytes], bytes] = self.ipv4 if address.version == 4 else self.ipv6
        other = str(ipaddress.ip_address(replace(address.packed)))
        # An unusual way to write an IPv6 address has another length than the usual one.
        return other if len(other) == len(text) else text if address.version == 4 else "x" * len(text)

    def _permuted(self, before: bytes, allowed: range) -> dict[int, int]:
        """Return a permutation of numbers that depends on what stands before them; none keeps its place."""
        found = self._permutations.get((before, allowed))
        if found is None:
            order = sorted(allowed, key=lambda number: self._digest(b"ip", before + bytes([number])))
            found = self._permutations[before, allowed] = dict(zip(order, order[1:] + order[:1], strict=True))
        return found

    def _shifted(self, before: bytes, group: int, allowed: range) -> int:
        """Return another number of the range; each has its own."""
        by = 1 + int.from_bytes(self._digest(b"ip6", before)[:4], "big") % (len(allowed) - 1)
        return allowed[(group - allowed.start + by) % len(allowed)]

    def _digest(self, use: bytes, data: bytes) -> bytes:
        return hmac.digest(self._key, use + b"\0" + data, hashlib.sha256)


def _reserved(address: bytes) -> int:
    """Return how many numbers at the start of an address make it one of a reserved network, or 0."""
    return _RESERVED.get(address[:3]) or _RESERVED.get(address[:2], 0)
