"""The account that writing evidence gives of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ocsp_pcap.evidence.address_map import AddressMap
from ocsp_pcap.facts import CaptureRole


class EvidenceError(Exception):
    """The evidence cannot be written; the message says why."""


@dataclass(frozen=True, slots=True)
class Extent:
    """The things that evidence is to hold besides packets, and those that it is to hide."""

    roles: Mapping[str, CaptureRole] = field(default_factory=dict)
    """The proxy whose outer side a capture shows, by the capture's path."""
    with_keys: bool = False
    """Take the secrets of the sessions along, from ``key_logs`` and from inside the captures."""
    key_logs: Sequence[Path] = ()
    anonymize: bool = False
    """Replace addresses and clients' ports, blank cookies and credentials in what is not encrypted."""
    addresses: AddressMap | None = None
    """What takes the place of addresses, where something besides is to be anonymized by the same; None: a
    map of its own."""


@dataclass(frozen=True, slots=True)
class CaptureShare:
    """The contribution of one capture."""

    name: str
    proving: int
    """Packets that prove something."""
    context: int
    """Packets of the same streams around them, without which Wireshark could not dissect the proof."""
    missing: int = 0
    """Packets named as proof that are not in the evidence: the capture file no longer holds them, say."""
    left_out: int = 0
    """Packets that are not passed on: not all of their addresses were found, or they are fragments of no
    whole datagram, or of one about which fragments disagree."""


@dataclass(frozen=True, slots=True)
class EvidenceSummary:
    """The result of writing evidence."""

    path: Path
    shares: tuple[CaptureShare, ...]
    """One for each capture that proves something, in the order of the file."""

    @property
    def packets(self) -> int:
        """All packets written."""
        return sum(share.proving + share.context for share in self.shares)

    @property
    def proving(self) -> int:
        """The packets that prove something."""
        return sum(share.proving for share in self.shares)
