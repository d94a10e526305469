"""Addresses in the keys of conversations."""

from __future__ import annotations

import ipaddress

import numpy as np
import pytest

from ocsp_pcap.streams.addresses import among_ends, texts
from ocsp_pcap.streams.exact_index import Lanes

PAIRS = {
    False: [("10.0.0.1", "255.255.255.255"), ("0.0.0.0", "10.0.0.1"), ("10.0.0.2", "10.0.0.3")],
    True: [("::1", "2001:db8::1"), ("2001:db8::1", "2001:db8:0:1::1"), ("::ffff:10.0.0.1", "fe80::2")],
}


def lanes_of(ipv6: bool) -> Lanes:
    pairs = [[int(ipaddress.ip_address(address)) for address in pair] for pair in PAIRS[ipv6]]
    if ipv6:
        rows = [
            [half for number in pair for half in (number >> 64, number & (1 << 64) - 1)] for pair in pairs
        ]
    else:
        rows = [[low << 32 | high] for low, high in pairs]
    return tuple(np.array([[*row, 0] for row in rows], np.uint64).T)


@pytest.mark.parametrize("ipv6", [False, True])
def test_addresses_are_written_as_ipaddress_writes_them(ipv6: bool) -> None:
    written = list(zip(*texts(lanes_of(ipv6), ipv6=ipv6), strict=True))
    assert written == [tuple(str(ipaddress.ip_address(each)) for each in pair) for pair in PAIRS[ipv6]]


@pytest.mark.parametrize("ipv6", [False, True])
def test_keys_are_found_by_one_of_their_addresses(ipv6: bool) -> None:
    lanes, higher = lanes_of(ipv6), np.array([False, True, False])
    for address in {address for pair in PAIRS[ipv6] for address in pair}:
        wanted = [int(ipaddress.ip_address(address))]
        for ends in (higher, ~higher):
            found = among_ends(lanes, ends, wanted, ipv6=ipv6)
            assert found.tolist() == [
                pair[end] == address for pair, end in zip(PAIRS[ipv6], ends.tolist(), strict=True)
            ]
    assert not among_ends(lanes, higher, [], ipv6=ipv6).any()
    assert not among_ends(lanes, higher, [7], ipv6=ipv6).any()
