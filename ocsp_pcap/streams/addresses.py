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


def texts(lanes: Lanes, *, ipv6: bool) -> tuple[list[str], list[str]]:
    """Return the address of the lower and of the higher end of each key, as ipaddress writes it."""
    if ipv6:
        high, low, other_high, other_low = (lane.tolist() for lane in lanes[:4])
        return list(map(_ipv6_text, high, low)), list(map(_ipv6_text, other_high, other_low))
    one, other = lanes[0] >> _HALF, lanes[0] & _LOWER_HALF
    return list(map(_ipv4_text, one.tolist())), list(map(_ipv4_text, other.tolist()))


def contains(lanes: Lanes, addresses: Sequence[int], *, ipv6: bool) -> NDArray[np.bool_]:
    """Tell which keys have an end at one of these addresses."""
    if not ipv6:
        wanted = np.array(addresses, np.uint64)
        return among(lanes[0] >> _HALF, wanted) | among(lanes[0] & _LOWER_HALF, wanted)
    found = np.zeros(len(lanes[0]), np.bool_)
    for address in addresses:
        high, low = np.uint64(address >> 64), np.uint64(address & (1 << 64) - 1)
        found |= (lanes[0] == high) & (lanes[1] == low)
        found |= (lanes[2] == high) & (lanes[3] == low)
    return found


@lru_cache(4096)
def _ipv4_text(address: int) -> str:
    return str(ipaddress.IPv4Address(address))


@lru_cache(4096)
def _ipv6_text(high: int, low: int) -> str:
    return str(ipaddress.IPv6Address(high << 64 | low))
