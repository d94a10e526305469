"""All facts of a run.

Conventions: frames are 1-based; ``stream`` is numbered as Wireshark numbers ``tcp.stream`` (or
``udp.stream`` where ``transport`` is ``"udp"``); times are integers, nanoseconds since the Unix
epoch, UTC (RFC 3339 in JSON); hashes and serial numbers are lower-case hex, serial numbers without
leading zeros; addresses are the text form of :mod:`ipaddress`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import chain
from typing import Any, Final, TypeAlias, get_args

from ocsp_pcap.facts.capture import CaptureFact
from ocsp_pcap.facts.certificate import CertificateFact
from ocsp_pcap.facts.crl_fetch import CrlFetchFact
from ocsp_pcap.facts.dns_lookup import DnsLookupFact
from ocsp_pcap.facts.handshake import HandshakeFact
from ocsp_pcap.facts.ocsp_exchange import OcspExchangeFact
from ocsp_pcap.facts.tcp_attempt import TcpAttemptFact
from ocsp_pcap.facts.types import Sha256

Fact: TypeAlias = (
    CaptureFact
    | CertificateFact
    | HandshakeFact
    | OcspExchangeFact
    | CrlFetchFact
    | DnsLookupFact
    | TcpAttemptFact
)


@dataclass(frozen=True, slots=True)
class Facts:
    """All facts of a run, each kind in the order of capture and time."""

    captures: tuple[CaptureFact, ...] = ()
    certificates: dict[Sha256, CertificateFact] = field(default_factory=dict)
    """By SHA-256."""
    handshakes: Sequence[HandshakeFact] = ()
    ocsp_exchanges: tuple[OcspExchangeFact, ...] = ()
    crl_fetches: tuple[CrlFetchFact, ...] = ()
    dns_lookups: tuple[DnsLookupFact, ...] = ()
    tcp_attempts: Sequence[TcpAttemptFact] = ()

    def held(self) -> Facts:
        """Return the same with all facts made: some may be :class:`~ocsp_pcap.facts.unheld.Unheld`."""
        return replace(self, handshakes=tuple(self.handshakes), tcp_attempts=tuple(self.tcp_attempts))

    def kinds(self) -> tuple[Sequence[Fact], ...]:
        """Return the facts of each kind, captures first."""
        return (
            self.captures,
            tuple(self.certificates.values()),
            self.handshakes,
            self.ocsp_exchanges,
            self.crl_fetches,
            self.dns_lookups,
            self.tcp_attempts,
        )

    def __iter__(self) -> Iterator[Fact]:
        """Yield every fact, captures first."""
        return chain.from_iterable(self.kinds())


FIELDS: Final[dict[str, str]] = {
    cls.kind: own.name for cls, own in zip(get_args(Fact), fields(Facts), strict=True)
}
"""The field of Facts that holds each kind of fact."""


def collected(
    found: Iterable[Fact], joined: Callable[[CertificateFact, CertificateFact], CertificateFact]
) -> Facts:
    """Put single facts together, each kind in the order in which they come.

    Several facts about one certificate become the one that ``joined`` makes of them.
    """
    rows: dict[str, list[Any]] = {kind: [] for kind in FIELDS if kind != CertificateFact.kind}
    certificates: dict[str, CertificateFact] = {}
    for fact in found:
        if isinstance(fact, CertificateFact):
            known = certificates.get(fact.sha256)
            certificates[fact.sha256] = fact if known is None else joined(known, fact)
        else:
            rows[fact.kind].append(fact)
    return Facts(certificates=certificates, **{FIELDS[kind]: tuple(some) for kind, some in rows.items()})
