"""The form of an entry in the tables of causes and findings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from ocsp_pcap.explain.model import Presence, Severity

PLACEHOLDERS: Final = frozenset(
    {"host", "validator", "responder", "serial", "frame", "stream", "until", "longer"}
)
"""What a next step may refer to, each optional.

``host``: the verdict's host name. ``validator``: the address of the host that would ask. ``responder``:
host name of the OCSP responder, from its URL. ``serial``: serial number in hex. ``frame``: number of the
frame that proves most, as Wireshark's ``frame.number``. ``stream``: as Wireshark's ``tcp.stream``.
``until``: when the answer that the validator holds runs out. ``longer``: how long answers last, where a
capture longer than that would decide.
"""


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause or finding of the contract."""

    code: str
    kind: Literal["cause", "finding"]
    presence: Presence | None
    """For a cause: the answer that it explains."""
    severity: Severity | None
    """For a finding: how severe it is unless the packets say more."""
    meaning: str
    """One line, plain text."""
    next_steps: tuple[str, ...]
    """Plain sentences, with the placeholders of :data:`PLACEHOLDERS`."""
