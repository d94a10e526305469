"""A capture of only the packets that prove an explanation, each with a comment that says what it proves."""

from __future__ import annotations

from ocsp_pcap.evidence.export import write_evidence
from ocsp_pcap.evidence.model import CaptureShare, EvidenceError, EvidenceSummary

__all__ = ["CaptureShare", "EvidenceError", "EvidenceSummary", "write_evidence"]
