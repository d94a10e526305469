"""One download of a certificate revocation list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ocsp_pcap.facts.frames import ExchangeFrames
from ocsp_pcap.facts.types import (
    AmbiguousFrames,
    AnsweredBy,
    Ender,
    HopLimit,
    HttpDate,
    Port,
    RelayedFor,
    StatedTime,
    StreamNumber,
    Time,
)


@dataclass(frozen=True, slots=True)
class CrlFetchFact:
    """One HTTP request for a certificate revocation list (RFC 5280 5)."""

    kind: ClassVar[str] = "crl_fetch"
    capture: str
    stream: StreamNumber
    time: Time
    frames: ExchangeFrames
    client: str
    server: str
    via_proxy: bool
    url: str | None
    http_status: int | None
    issuer: str | None
    this_update: StatedTime | None
    next_update: StatedTime | None
    client_port: Port = 0
    server_port: Port = 0
    revoked_serials: int | None = None
    """Number of entries of the list."""
    parse_error: str | None = None
    relayed_for: RelayedFor = None
    answered_by: AnsweredBy = None
    date: HttpDate = None
    user_agent: str | None = None
    closed_by: Ender = None
    closed_time: Time | None = None
    client_ttl: HopLimit = None
    ambiguous: AmbiguousFrames = ()
