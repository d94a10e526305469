"""A capture of only the packets that an explanation rests on, each with a comment on what it proves."""

from __future__ import annotations

from ocsp_pcap.evidence.address_map import AddressMap
from ocsp_pcap.evidence.export import write_evidence
from ocsp_pcap.evidence.model import CaptureShare, EvidenceError, EvidenceSummary, Extent

__all__ = ["AddressMap", "CaptureShare", "EvidenceError", "EvidenceSummary", "Extent", "write_evidence"]
