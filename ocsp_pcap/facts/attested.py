"""The statement of an evidence capture about the capture that its packets were chosen from.

The packets that prove something do not show how long the whole capture went on, which ports it had packets
of, or what it lost; yet silence proves something only where that is known. So it is written into the evidence
capture, as text, and taken from there where the evidence is read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Final

from ocsp_pcap.facts.capture import CaptureFact
from ocsp_pcap.facts.codec import FormatError, from_json
from ocsp_pcap.facts.lines import to_json
from ocsp_pcap.facts.types import CaptureRole

ATTESTED: Final = "ocsp-pcap evidence 1 "
"""What such a text begins with; the number is that of its form."""
KEPT: Final = 64
"""Notes, and kinds of undecoded packets, that are written at most."""


@dataclass(frozen=True, slots=True)
class Attested:
    """Knowledge of the whole capture."""

    capture: CaptureFact
    """With the name it had, without its files."""
    role: CaptureRole | None
    """The proxy whose outer side it was given as."""

    def text(self) -> str:
        """Return it as the text that :func:`read_attested` reads; ASCII."""
        capture = replace(
            self.capture,
            files=(),
            notes=self.capture.notes[:KEPT],
            undecoded=self.capture.undecoded[:KEPT],
            role=self.role,
        )
        return ATTESTED + json.dumps(to_json(capture), separators=(",", ":"))

    def restored(self, chosen: CaptureFact) -> CaptureFact:
        """Return the fact about an evidence capture, with what it cannot show itself."""
        whole = self.capture
        note = (
            f"holds the packets that were chosen as evidence from {whole.path} ({whole.packets:,} packets); "
            "what limits that capture is as it was written down then"
        )
        return replace(
            chosen,
            first_time=whole.first_time,
            last_time=whole.last_time,
            snaplen=whole.snaplen,
            truncated_packets=max(chosen.truncated_packets, whole.truncated_packets),
            dropped=whole.dropped,
            undecoded_packets=whole.undecoded_packets,
            undecoded=whole.undecoded,
            tcp_gaps=whole.tcp_gaps,
            # One is compared with the other: where all are one-sided, one direction was not captured.
            one_sided_streams=whole.one_sided_streams,
            tcp_streams=whole.tcp_streams,
            damage=chosen.damage or whole.damage,
            ports_seen=whole.ports_seen,
            step_back=whole.step_back,
            notes=(note, *whole.notes, *chosen.notes),
            role=self.role,
        )


def read_attested(text: str) -> Attested | None:
    """Read what an interface says of its capture; None where it is no such text, or a damaged one."""
    if not text.startswith(ATTESTED):
        return None
    try:
        capture = from_json(CaptureFact, json.loads(text.removeprefix(ATTESTED)))
    except (ValueError, RecursionError, FormatError):
        return None
    return Attested(capture, capture.role)
