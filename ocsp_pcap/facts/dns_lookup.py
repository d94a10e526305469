"""One DNS lookup of a host that matters."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import ClassVar

from ocsp_pcap.facts.frames import ExchangeFrames
from ocsp_pcap.facts.types import HopLimit, StreamNumber, Time, Transport


@dataclass(frozen=True, slots=True)
class DnsLookupFact:
    """One DNS question about a host that matters, with its answer where there was one (RFC 1035)."""

    kind: ClassVar[str] = "dns_lookup"
    capture: str
    stream: StreamNumber
    time: Time
    frames: ExchangeFrames
    client: str
    server: str
    name: str
    type: str
    rcode: str | None
    answers: tuple[str, ...]
    """Addresses and CNAME targets, in the order of the answer section."""
    transport: Transport = "udp"
    truncated: bool = False
    """The answer was cut to fit a datagram (TC bit): the client asks again over TCP (RFC 7766 5)."""
    client_ttl: HopLimit = None

    @property
    def addresses(self) -> list[str]:
        """The IP addresses among the answers, not the names."""
        return [answer for answer in self.answers if is_address(answer)]

    @property
    def in_vain(self) -> bool:
        """It brought no address, though one of the other family may not be missed."""
        return not self.addresses and (self.type == "A" or self.rcode != "NOERROR")


def is_address(text: str) -> bool:
    """Tell whether a text is an IP address, and no name."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
