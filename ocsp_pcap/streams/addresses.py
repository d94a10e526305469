"""The addresses in the keys of conversations: as text, and searched for.

A key has two ends, the lower one first. Its lanes are, for IPv4, both addresses in one number, for IPv6,
the upper and lower half of each; a lane with the ports follows.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.streams.distinct import among
from ocsp_pcap.streams.exact_index import Lanes

_LOWER_HALF: Final = np.uint64(0xFFFFFFFF)
_HALF: Final = np.uint64(32)
_MAXIMUM_PORT: Final = np.uint64(0xFFFF)
_SIXTEEN: Final = np.uint64(16)


def texts(lanes: Lanes, *, ipv6: bool) -> tuple[list[str], list[str]]:
    """Return the address of the lower and of the higher end of each key, as ipaddress writes it."""
    if ipv6:
        high, low, other_high, other_low = (lane.tolist() for lane in lanes[:4])
        return list(map(_ipv6_text, high, low)), list(map(_ipv6_text, other_high, other_low))
    one, other = lanes[0] >> _HALF, lanes[0] & _LOWER_HALF
    return list(map(_ipv4_text, one.tolist())), list(map(_ipv4_text, other.tolist()))


def ports(lanes: Lanes) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return the port of the lower and of the higher end of each key."""
    return lanes[-1] >> _SIXTEEN, lanes[-1] & _MAXIMUM_PORT


def among_ends(
    lanes: Lanes, higher: NDArray[np.bool_], addresses: Sequence[int], *, ipv6: bool
) -> NDArray[np.bool_]:
    """Tell of which keys one end, the ``higher`` or else the lower one, is at one of these addresses."""
    if not ipv6:
        ends = np.where(higher, lanes[0] & _LOWER_HALF, lanes[0] >> _HALF)
        return among(ends, np.array(addresses, np.uint64))
    high, low = (np.where(higher, lanes[2 + half], lanes[half]) for half in (0, 1))
    found = np.zeros(len(high), np.bool_)
    for address in addresses:
        found |= (high == np.uint64(address >> 64)) & (low == np.uint64(address & (1 << 64) - 1))
    return found


@lru_cache(4096)
def _ipv4_text(address: int) -> str:
    return str(ipaddress.IPv4Address(address))


@lru_cache(4096)
def _ipv6_text(high: int, low: int) -> str:
    return str(ipaddress.IPv6Address(high << 64 | low))
