"""What writing evidence tells about itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class EvidenceError(Exception):
    """The evidence cannot be written; the message says why."""


@dataclass(frozen=True, slots=True)
class CaptureShare:
    """What one capture contributed."""

    name: str
    proving: int
    """Packets that prove something."""
    context: int
    """Packets of the same streams around them, without which Wireshark could not dissect the proof."""
    missing: int = 0
    """Packets named as proof that the capture file no longer holds."""


@dataclass(frozen=True, slots=True)
class EvidenceSummary:
    """What was written."""

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
