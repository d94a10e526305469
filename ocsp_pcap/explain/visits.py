"""What one validator did: a handshake that it made, a query that it sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.matching import Match
from ocsp_pcap.explain.model import Evidence
from ocsp_pcap.facts import HandshakeFact, OcspExchangeFact, SingleFact

SIDE_BY_SIDE = 2 * SECOND
"""Connections opened at once ask at once: that is no missing cache."""
CLOCK_SKEW = 300 * SECOND
"""How far a validator's clock may be off before thisUpdate lies in the future for it."""


@dataclass(frozen=True, slots=True, eq=False)
class Visit:
    """One handshake, as one validator saw it, with the copies of it in other captures."""

    handshake: HandshakeFact
    time: int
    """Nanoseconds since the epoch by the clock of the reference capture."""
    copies: tuple[HandshakeFact, ...] = ()

    @property
    def host(self) -> str | None:
        """SNI, else CONNECT host."""
        return self.handshake.sni or self.handshake.connect_host

    @property
    def frame(self) -> int:
        """The frame to look at first: that of the certificate, else of the hello."""
        frames = self.handshake.frames
        hello = frames.certificate or frames.server_hello or frames.client_hello
        later = frames.finished or self.handshake.application_data_frame
        alert = next((alert.frame for alert in self.handshake.alerts), None)
        return hello or frames.certificate_status or alert or later or 1

    def evidence(self, note: str, frame: int | None = None) -> Evidence:
        """Point to a frame of this handshake."""
        handshake = self.handshake
        return Evidence(handshake.capture, frame or self.frame, handshake.stream, note, handshake.transport)


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """One OCSP exchange for one certificate."""

    exchange: OcspExchangeFact
    time: int
    answer_time: int
    match: Match
    single: SingleFact | None
    """The SingleResponse about the certificate, where the answer has one."""

    @property
    def frame(self) -> int:
        """Frame of the request, else of the answer."""
        return self.exchange.frames.request or self.exchange.frames.response or 1

    def evidence(self, note: str, frame: int | None = None) -> Evidence:
        """Point to a frame of this exchange."""
        return Evidence(self.exchange.capture, frame or self.frame, self.exchange.stream, note)

    @property
    def latency(self) -> int | None:
        """Nanoseconds from the request to its answer, where both are in the capture in this order."""
        exchange = self.exchange
        if exchange.frames.request is None or exchange.response_time is None:
            return None
        took = exchange.response_time - exchange.time
        return took if took >= 0 else None

    @property
    def usable(self) -> bool:
        """A validator may rely on the answer: successful, about this certificate, not badly signed."""
        response, status = self.exchange.response, self.exchange.http_status
        return (
            response is not None
            and (status is None or 200 <= status < 300)
            and response.response_status == "successful"
            and self.single is not None
            and response.signature != "invalid"
            and not self.stale
            and not self.premature
            and not self.foreign_nonce
        )

    @property
    def premature(self) -> bool:
        """The answer's thisUpdate lay in the future when it came, by more than clocks usually differ."""
        return self.single is not None and self.single.this_update > self.answer_time + CLOCK_SKEW

    @property
    def foreign_nonce(self) -> bool:
        """The answer bears a nonce, and not that of the request (RFC 9654 2.1)."""
        asked, response = self.exchange.nonce, self.exchange.response
        return (
            asked is not None
            and response is not None
            and response.nonce is not None
            and response.nonce != asked
        )

    @property
    def stale(self) -> bool:
        """The answer was already outdated when it came."""
        return (
            self.single is not None
            and self.single.next_update is not None
            and self.single.next_update < self.answer_time
        )


def early_repeats(queries: Iterable[Query]) -> list[tuple[Query, Query]]:
    """Return pairs of queries for one certificate, the second while the first's answer still covered."""
    repeats = []
    for before, again in pairwise(queries):
        if not before.usable or before.single is None or before.single.next_update is None:
            continue
        if again.time - before.answer_time > SIDE_BY_SIDE and again.time < before.single.next_update:
            repeats.append((before, again))
    return repeats
