"""The acts of one validator: a handshake that it made, a query that it sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.matching import Match
from ocsp_pcap.explain.model import Evidence
from ocsp_pcap.facts import CrlFetchFact, HandshakeFact, OcspExchangeFact, SingleFact, TcpAttemptFact

NOT_MODIFIED: Final = 304
"""HTTP status (RFC 9110 15.4.5): what the client holds is still good."""
CLOCK_SKEW = 300 * SECOND
"""How far a validator's clock may be off before thisUpdate lies in the future for it."""


@dataclass(slots=True, eq=False, repr=False)
class Visit:
    """One handshake, as one validator saw it, with the copies of it in other captures."""

    handshake: HandshakeFact
    time: int
    """Nanoseconds since the epoch by the clock of the reference capture."""
    copies: tuple[HandshakeFact, ...] = ()
    host: str | None = field(init=False)
    """SNI, else CONNECT host; None where packets disagree about it and a certificate has a name."""

    def __post_init__(self) -> None:
        handshake = self.handshake
        host = handshake.sni or handshake.connect_host
        if handshake.ambiguous and handshake.certificates and (named := handshake.frames.client_hello):
            host = None if any(frame <= named for frame in handshake.ambiguous) else host
        self.host = host

    @property
    def frame(self) -> int:
        """The frame to look at first: that of the certificate, else of the hello."""
        frames = self.handshake.frames
        return (
            frames.certificate
            or frames.server_hello
            or frames.client_hello
            or frames.certificate_status
            or next((alert.frame for alert in self.handshake.alerts), None)
            or frames.finished
            or self.handshake.application_data_frame
            or 1
        )

    @property
    def hides_certificate(self) -> bool:
        """A certificate was, or may have been, exchanged that cannot be seen."""
        handshake = self.handshake
        return (
            not handshake.certificates
            and not handshake.resumed
            and (
                handshake.certificate_encrypted or handshake.missing_bytes > 0 or handshake.started_mid_stream
            )
        )

    @property
    def outer_name_only(self) -> bool:
        """An encrypted ClientHello may name another host than the one that is visible."""
        return self.handshake.encrypted_client_hello

    def evidence(self, note: str, frame: int | None = None) -> Evidence:
        """Point to a frame of this handshake."""
        handshake = self.handshake
        return Evidence(handshake.capture, frame or self.frame, handshake.stream, note, handshake.transport)


def evidence_in(fact: OcspExchangeFact | CrlFetchFact | TcpAttemptFact, note: str) -> Evidence:
    """Point to the request of an exchange or attempt, else to its answer."""
    return Evidence(fact.capture, fact.frames.request or fact.frames.response, fact.stream, note)


class Credit(NamedTuple):
    """To whom an OCSP request, a lookup or a connection belongs, and what says so."""

    asker: str | None
    """Identity of the host whose question it is; None: a host behind the sender that is not in sight."""
    relayed: bool = False
    """Another host than the asker sent it, on the asker's behalf."""
    own_certificate: bool = False
    """A server asks about its own certificate, to staple the answer: it validates nothing."""
    why: str = ""
    """What says that the asker is not simply the sender, in words; empty where it is."""


@dataclass(slots=True, eq=False, repr=False)
class Query:
    """One OCSP exchange for one certificate."""

    exchange: OcspExchangeFact
    time: int
    answer_time: int
    match: Match
    single: SingleFact | None
    """The SingleResponse about the certificate, where the answer has one."""
    credit: Credit
    """Whose question it is, which need not be the host that sent it."""
    confirms: Query | None = None
    """Where the answer is 304 Not Modified: the earlier query whose answer it says is still good."""

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
        if self.confirms is not None:
            return self.confirms.usable
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
    def failed(self) -> bool:
        """It brought no usable answer. 304 is one, though the captures need not show what it confirms."""
        return not self.usable and self.exchange.http_status != NOT_MODIFIED

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
        return self._run_out(self.answer_time)

    def good_at(self, time: int) -> bool:
        """Tell whether the answer is usable, and had not run out at a time (ns since the epoch)."""
        return self.usable and not self._run_out(time)

    def _run_out(self, time: int) -> bool:
        single = self.single
        return single is not None and single.next_update is not None and single.next_update < time


def by_host(visits: Iterable[Visit]) -> dict[str, list[Visit]]:
    """Return visits by the name of the host that was visited, in lower case."""
    index: dict[str, list[Visit]] = defaultdict(list)
    for visit in visits:
        if visit.host:
            index[visit.host.lower()].append(visit)
    return index
