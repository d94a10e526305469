"""A second witness: Wireshark's dissection of a capture against the facts, difference by difference.

Wireshark reads the same file (by pyshark) and what it saw is compared item by item: certificates, staples,
OCSP requests and responses, each with frame and stream. Where the two differ one of them is wrong, or both
are right about different things: known reasons are rules (:mod:`ocsp_pcap.crosscheck.rules`), each said in
words, and whatever no rule explains is a disagreement, which is an exit status. Wireshark guesses what a
connection carries from its port; what it missed for that reason it is asked again
(:mod:`ocsp_pcap.crosscheck.second_look`).
"""

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
