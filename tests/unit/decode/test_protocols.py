"""Numbers of protocols, and what they stand for."""

from __future__ import annotations

import numpy as np

from ocsp_pcap.decode.kinds import OF_ETHERTYPE, OF_PORT, OF_PROTOCOL, Kind
from ocsp_pcap.decode.protocols import (
    ENCAPSULATION_PROTOCOLS,
    EXTENSION_HEADERS,
    NAMES_OF_PORTS,
    NAMES_OF_PROTOCOLS,
    NAMES_OF_TYPES,
    SILENT_TYPES,
    VLAN_TYPES,
    table,
)


def test_a_table_is_true_at_its_numbers_only() -> None:
    flags = table(0x10000, SILENT_TYPES)
    assert set(flags.nonzero()[0].tolist()) == SILENT_TYPES


def test_no_number_has_two_meanings() -> None:
    assert not SILENT_TYPES & {0x0800, 0x86DD, *VLAN_TYPES, *NAMES_OF_TYPES}
    assert not ENCAPSULATION_PROTOCOLS & EXTENSION_HEADERS


def test_what_has_a_name_is_not_read_or_is_a_tunnel() -> None:
    assert set(OF_ETHERTYPE[sorted(NAMES_OF_TYPES)].tolist()) == {Kind.UNKNOWN}
    assert set(OF_PROTOCOL[sorted(NAMES_OF_PROTOCOLS)].tolist()) == {Kind.UNKNOWN}
    assert set(np.flatnonzero(OF_PORT).tolist()) == set(NAMES_OF_PORTS)
