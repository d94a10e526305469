"""One OCSP request with its answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from ocsp_pcap.facts.frames import ExchangeFrames
from ocsp_pcap.facts.ocsp_response import CertIdFact, ResponseFact
from ocsp_pcap.facts.types import (
    AmbiguousFrames,
    AnsweredBy,
    Ender,
    Hex,
    HopLimit,
    HttpDate,
    Port,
    RelayedFor,
    StatedTime,
    StreamNumber,
    Time,
)


@dataclass(frozen=True, slots=True)
class OcspExchangeFact:
    """One OCSP request with its answer; either may be missing (RFC 6960 appendix A)."""

    kind: ClassVar[str] = "ocsp_exchange"
    capture: str
    stream: StreamNumber
    time: Time
    frames: ExchangeFrames
    client: str
    server: str
    method: str | None
    url: str | None
    via_proxy: bool
    requests: tuple[CertIdFact, ...]
    nonce: Hex | None
    http_status: int | None
    response: ResponseFact | None
    client_port: Port = 0
    server_port: Port = 0
    response_time: Time | None = None
    request_error: str | None = None
    """Why the body of something sent as OCSP request could not be read."""
    content_type: str | None = None
    location: str | None = None
    """Location header of a redirect."""
    max_age: int | None = None
    """Seconds, from Cache-Control of the answer (RFC 9111)."""
    missing_bytes: int = 0
    """Bytes of the answer that the capture lost or never held."""
    closed: Literal["fin", "rst"] | None = None
    decrypted: bool = False
    """It travelled inside TLS and was read with keys."""
    expires: StatedTime | None = None
    """Time of the Expires header of the answer (RFC 9111 5.3), where max-age does not overrule it."""
    relayed_for: RelayedFor = None
    answered_by: AnsweredBy = None
    date: HttpDate = None
    user_agent: str | None = None
    closed_by: Ender = None
    closed_time: Time | None = None
    client_ttl: HopLimit = None
    unread_request: bool = False
    """Something was asked of OCSP that cannot be read: cut by the snaplen, lost, or damaged. ``requests`` is
    empty then, and ``request_error`` says why. Not so where the request is none (``GET /``), nor where it is
    not in the capture at all."""
    ambiguous: AmbiguousFrames = ()
