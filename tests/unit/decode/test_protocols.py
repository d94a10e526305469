"""Numbers of protocols."""

from __future__ import annotations

from ocsp_pcap.decode.protocols import SILENT_TYPES, TUNNEL_TYPES, TUNNEL_UDP_PORTS, VLAN_TYPES, table


def test_a_table_is_true_at_its_numbers_only() -> None:
    flags = table(0x10000, TUNNEL_UDP_PORTS)
    assert set(flags.nonzero()[0].tolist()) == TUNNEL_UDP_PORTS


def test_no_ethertype_has_two_meanings() -> None:
    assert not SILENT_TYPES & TUNNEL_TYPES
    assert not (SILENT_TYPES | TUNNEL_TYPES) & {0x0800, 0x86DD, *VLAN_TYPES}
