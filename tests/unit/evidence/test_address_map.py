from __future__ import annotations

import ipaddress
from itertools import product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ocsp_pcap.evidence.address_map import AddressMap

KEY = bytes(32)


def other(text: str, addresses: AddressMap | None = None) -> str:
    addresses = addresses or AddressMap(KEY)
    address = ipaddress.ip_address(text)
    replaced = addresses.ipv4(address.packed) if address.version == 4 else addresses.ipv6(address.packed)
    return str(ipaddress.ip_address(replaced))


@given(
    st.ip_addresses(v=4)
    | st.ip_addresses(v=4, network="192.0.0.0/22")
    | st.ip_addresses(v=4, network="198.16.0.0/14")
)
@example(ipaddress.IPv4Address("192.0.7.9"))
def test_an_ipv4_address_keeps_kind_and_length(address: ipaddress.IPv4Address) -> None:
    replaced = ipaddress.IPv4Address(other(str(address)))
    assert [len(part) for part in str(replaced).split(".")] == [len(p) for p in str(address).split(".")]
    for kind in ("is_private", "is_global", "is_loopback", "is_multicast", "is_link_local", "is_unspecified"):
        assert getattr(replaced, kind) == getattr(address, kind)


@given(st.ip_addresses(v=6))
@example(ipaddress.IPv6Address("f000::"))
@example(ipaddress.IPv6Address("2002::1"))
def test_an_ipv6_address_keeps_its_length(address: ipaddress.IPv6Address) -> None:
    replaced = ipaddress.IPv6Address(other(str(address)))
    if address.ipv4_mapped is None:
        assert len(str(replaced)) == len(str(address))
    assert replaced.is_multicast == address.is_multicast


@pytest.mark.parametrize("network", ["10.77.{}.{}", "203.0.{}.{}", "172.20.{}.{}", "192.168.{}.{}"])
def test_no_two_addresses_become_one(network: str) -> None:
    addresses = AddressMap()
    before = [network.format(a, b) for a, b in product(range(0, 256, 5), range(256))]
    after = [other(text, addresses) for text in before]
    assert len(set(after)) == len(before)
    nets = [{text.rsplit(".", 1)[0] for text in texts} for texts in (before, after)]
    assert len(nets[0]) == len(nets[1])


@pytest.mark.parametrize(
    "text", ["127.0.0.1", "0.0.0.0", "224.0.0.251", "255.255.255.255", "::1", "ff02::fb"]
)
def test_what_belongs_to_nobody_stays(text: str) -> None:
    assert other(text) == text


def test_private_addresses_stay_private_and_others_do_not_become_so() -> None:
    addresses = AddressMap()
    for text in ("10.1.2.3", "172.16.9.9", "172.31.1.1", "192.168.7.7", "fd00:1::2"):
        assert ipaddress.ip_address(other(text, addresses)).is_private
    for first, second in product((1, 8, 99, 100, 126, 172, 192, 203), range(0, 256, 3)):
        address = ipaddress.ip_address(f"{first}.{second}.7.9")
        if address.is_global:
            assert not ipaddress.ip_address(other(str(address), addresses)).is_private


def test_another_run_gives_other_addresses() -> None:
    assert len({other("203.0.113.77", AddressMap()) for _ in range(20)}) > 1


@pytest.mark.parametrize(
    ("text", "kept"),
    [("10.9.8.7", 1), ("172.20.9.9", 1), ("192.168.1.250", 2), ("8.8.4.4", 0), ("fd00:9::7", 1)],
)
def test_no_number_that_is_replaced_stays_what_it_was(text: str, kept: int) -> None:
    numbers = [part for part in text.replace(":", ".").split(".") if part]
    for key in range(200):
        replaced = other(text, AddressMap(bytes([key]) * 32))
        parts = [part for part in replaced.replace(":", ".").split(".") if part]
        assert parts[:kept] == numbers[:kept]
        assert all(one != another for one, another in zip(parts[kept:], numbers[kept:], strict=True))


def test_text_keeps_all_but_addresses() -> None:
    addresses = AddressMap(KEY)
    text = "for=10.77.1.20;by=[2001:db8::17]:47, version 1.2.3 at 12:30:45, 300.1.1.1, v10.1.1.1"
    found = addresses.text(text)
    assert len(found) == len(text)
    assert "10.77.1.20" not in found
    assert "db8::17" not in found
    assert found.endswith(", version 1.2.3 at 12:30:45, 300.1.1.1, v10.1.1.1")


def test_ports_are_the_same_each_time_and_each_its_own() -> None:
    addresses = AddressMap(KEY)
    host = bytes([10, 0, 0, 1])
    ports = [addresses.port(host, number) for number in range(1024, 5000)]
    assert ports == [addresses.port(host, number) for number in range(1024, 5000)]
    assert len(set(ports)) == len(ports)
    assert min(ports) >= 49152


def test_hardware_addresses() -> None:
    addresses = AddressMap(KEY)
    card = bytes.fromhex("a4bb6d112233")
    assert addresses.mac(card) == addresses.mac(card) != card
    assert addresses.mac(card)[0] == 2
    for group in (b"\xff" * 6, bytes.fromhex("01005e0000fb"), bytes(6)):
        assert addresses.mac(group) == group
