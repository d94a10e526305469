"""Packets that could not be read, by what they are: the number that names an encapsulation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.bounds import BOUNDS
from ocsp_pcap.decode.protocols import NAMES_OF_PORTS, NAMES_OF_PROTOCOLS, NAMES_OF_TYPES

ETHERTYPE, PROTOCOL, PORT = "EtherType", "IP protocol", "UDP port"
SHORT = "packets that end before their network layer"
BAD_HEADER = "IP headers that make no sense"
TOO_DEEP = "headers nested deeper than is read"
OTHERS = "other encapsulations"

_NAMES = {ETHERTYPE: NAMES_OF_TYPES, PROTOCOL: NAMES_OF_PROTOCOLS, PORT: NAMES_OF_PORTS}


def name_of(scheme: str, number: int) -> str:
    """Return what a number is called: its scheme, the number as the field writes it, a name if it has one."""
    written = f"0x{number:04x}" if scheme == ETHERTYPE or scheme.startswith("PPP") else str(number)
    name = _NAMES.get(scheme, {}).get(number)
    return f"{scheme} {written} ({name})" if name else f"{scheme} {written}"


class Undecoded:
    """Counts of packets by name."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    @property
    def packets(self) -> int:
        """How many there are in all."""
        return self.counts.total()

    def add(self, name: str, packets: int = 1) -> None:
        """Count packets under a name."""
        if packets:
            known = name in self.counts or len(self.counts) < BOUNDS.undecoded_names
            self.counts[name if known else OTHERS] += packets

    def add_numbers(self, scheme: str, numbers: NDArray[Any]) -> None:
        """Count one packet for each number."""
        found, counts = np.unique(numbers, return_counts=True)
        for number, packets in zip(found.tolist(), counts.tolist(), strict=True):
            self.add(name_of(scheme, number), packets)

    def update(self, counts: Mapping[str, int]) -> None:
        """Count what was counted elsewhere, too."""
        for name, packets in counts.items():
            self.add(name, packets)
