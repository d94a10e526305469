"""What each capture can show: from when to when it holds packets, on which ports, and what it lost."""

from __future__ import annotations

from typing import Final

from ocsp_pcap.bounds import bound_in
from ocsp_pcap.facts import CaptureFact, CrlFetchFact, Facts, OcspExchangeFact, TcpAttemptFact

LEAVE_OUT_NO_MESSAGE: Final = frozenset(
    {
        "alerts",
        "ambiguous_frames",
        "certificate_ratio",
        "certificates",
        "decryption_failures",
        "expanded_certificates",
        "handshake_message",
        "issuers",
        "key_log_secrets",
        "missing_records",
        "ports",
        "rsa_keys",
        "transcript",
        "tried_sessions",
        "undecoded_names",
        "verified_embedded",
    }
)
"""Bounds of reading after which no message is missing: what is left open shows where it matters."""


class Coverage:
    """The captures of a run as witnesses. Built once, only read afterwards."""

    def __init__(self, facts: Facts) -> None:
        self.captures: dict[str, CaptureFact] = {capture.path: capture for capture in facts.captures}
        self._ports = {path: frozenset(capture.ports_seen) for path, capture in self.captures.items()}
        spoken: tuple[TcpAttemptFact | OcspExchangeFact | CrlFetchFact, ...]
        opened = [attempt for attempt in facts.tcp_attempts if attempt.tunnel is None]
        spoken = (*opened, *facts.ocsp_exchanges, *facts.crl_fetches)
        self._bounds = {
            path: bound
            for path, capture in self.captures.items()
            for note in capture.notes
            if (bound := bound_in(note)) is not None and bound not in LEAVE_OUT_NO_MESSAGE
        }
        self._answered = frozenset((f.capture, f.stream) for f in spoken if f.frames.response is not None)

    def loss(self, path: str) -> str | None:
        """Say why something may have happened that this capture does not show; None: it is whole."""
        capture = self.captures.get(path)
        if capture is None:
            return "nothing is known about the capture"
        if capture.dropped:
            return f"the capturing system dropped {capture.dropped} packets"
        if capture.damage:
            return "the capture is damaged"
        if capture.truncated_packets:
            return f"{capture.truncated_packets} packets were captured only in part"
        if capture.tcp_gaps:
            return "bytes are missing from the capture"
        if capture.one_sided_streams:
            return "one direction of some connections is missing from the capture"
        if path in self._bounds:
            return f"a bound of this program was reached while it was read (--bound {self._bounds[path]}=N)"
        return None

    def rest_after(self, path: str, time: int) -> int:
        """Return how long (nanoseconds) a capture goes on after a time of its clock; 0: not known."""
        capture = self.captures.get(path)
        if capture is None or capture.last_time is None:
            return 0
        return max(0, capture.last_time - time)

    def reaches(self, path: str, first: int, last: int) -> bool:
        """Tell whether a capture holds the whole of a span of its own clock."""
        capture = self.captures.get(path)
        if capture is None or capture.first_time is None or capture.last_time is None:
            return False
        return capture.first_time <= first and last <= capture.last_time

    def ports(self, path: str) -> frozenset[int]:
        """Return the ports on which a capture holds packets."""
        return self._ports.get(path, frozenset())

    def answers_seen(self, capture: str, stream: int) -> bool:
        """Tell whether a capture holds packets of this TCP connection that the server sent."""
        return (capture, stream) in self._answered
