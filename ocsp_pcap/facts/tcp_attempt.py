"""One attempt to reach a host that matters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from ocsp_pcap.facts.frames import ExchangeFrames
from ocsp_pcap.facts.types import HopLimit, Port, StreamNumber, TcpOutcome, Time


@dataclass(frozen=True, slots=True)
class TcpAttemptFact:
    """One attempt to open a TCP connection to a host that matters (RFC 9293)."""

    kind: ClassVar[str] = "tcp_attempt"
    capture: str
    stream: StreamNumber
    time: Time
    frames: ExchangeFrames
    client: str
    server: str
    outcome: TcpOutcome
    client_port: Port = 0
    server_port: Port = 0
    attempts: int = 1
    """SYN segments sent."""
    client_ttl: HopLimit = None
    tunnel: Literal["connect", "socks"] | None = None
    """A proxy, ``server``, was asked by CONNECT or SOCKS for a connection to ``host``, and opened none.
    ``frames`` are those of the request and its answer; outcome ``refused``: it answered; ``reset``: it ended
    the connection by RST instead; ``unanswered``: neither. None: this is a TCP connection to ``server``
    itself."""
    host: str | None = None
    """What the proxy was asked for; None as ``tunnel`` is."""
    port: int | None = None
    status: int | None = None
    """HTTP status of the answer to CONNECT, or SOCKS reply code (RFC 1928 6, in SOCKS 4: 91 to 93)."""
