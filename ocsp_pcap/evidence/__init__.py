"""A capture of only the packets that an explanation rests on, each with a comment on what it proves.

Who gets it can check the answer in Wireshark, and explaining it gives the same verdicts. Two rules follow.
Packets are copied as they are, never made; with ``--anonymize`` addresses, ports and secrets in the clear
are replaced and nothing else (:mod:`ocsp_pcap.evidence.payload`). And whatever a verdict rests on that is no
packet (the span of the capture, its drops, the ports that were seen) is attested in a comment of the section
(:mod:`ocsp_pcap.facts.attested`): packets that were left out must not look like packets that never were.
"""

from __future__ import annotations

from ocsp_pcap.evidence.address_map import AddressMap
from ocsp_pcap.evidence.export import write_evidence
from ocsp_pcap.evidence.model import CaptureShare, EvidenceError, EvidenceSummary, Extent

__all__ = ["AddressMap", "CaptureShare", "EvidenceError", "EvidenceSummary", "Extent", "write_evidence"]
