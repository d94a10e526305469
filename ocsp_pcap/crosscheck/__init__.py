"""A second witness: Wireshark's dissection of a capture against the facts, difference by difference."""

from __future__ import annotations

from ocsp_pcap.crosscheck.compare import crosscheck
from ocsp_pcap.crosscheck.model import (
    KINDS,
    CrosscheckResult,
    CrosscheckUnavailable,
    Disagreement,
    Kind,
    KindCount,
)
from ocsp_pcap.crosscheck.render import render_crosscheck

__all__ = [
    "KINDS",
    "CrosscheckResult",
    "CrosscheckUnavailable",
    "Disagreement",
    "Kind",
    "KindCount",
    "crosscheck",
    "render_crosscheck",
]
