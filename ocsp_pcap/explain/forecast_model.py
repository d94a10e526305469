"""The parts of a forecast of OCSP queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from ocsp_pcap.explain.lifetimes import Lifetime
from ocsp_pcap.explain.model import Validator
from ocsp_pcap.facts import CaptureFact
from ocsp_pcap.facts.types import Port

FORECAST_SCHEMA: Final = "ocsp-pcap/forecast-1"
Scheme: TypeAlias = Literal["http", "https"]
Reason: TypeAlias = Literal[
    "no-ocsp-url",
    "unusable-ocsp-url",
    "reissued-certificate",
    "root",
    "unreadable-certificate",
    "handshake-failed",
    "session-resumed",
    "certificate-encrypted",
    "certificate-not-seen",
    "not-intercepted",
]
"""Why a certificate of a handshake would not be asked about."""
REASONS: Final[dict[Reason, str]] = {
    "no-ocsp-url": "the certificate names no responder",
    "unusable-ocsp-url": "the certificate names a responder, but by no http or https URL",
    "reissued-certificate": "an upstream proxy's CA signed it: whoever sees the original asks about it",
    "root": "a self-signed certificate above the leaf: it vouches for itself",
    "unreadable-certificate": "the certificate cannot be read, nor what responder it names",
    "handshake-failed": "the handshake ended before its revocation could matter",
    "session-resumed": "the session was resumed: no certificate, so nothing to ask about",
    "certificate-encrypted": "the certificate is encrypted here; the validator would see it and may ask",
    "certificate-not-seen": "the capture does not show the certificate; the validator may have seen it",
    "not-intercepted": "only tunnelled here: the TLS client behind the tunnel validates",
}
UNCERTAIN: Final[tuple[Reason, ...]] = (
    "certificate-encrypted",
    "certificate-not-seen",
    "unreadable-certificate",
    "unusable-ocsp-url",
)
"""Behind these, queries may hide that are not in the forecast."""


@dataclass(frozen=True, slots=True)
class ResponderForecast:
    """The queries that one validator would have sent to one responder.

    An *occasion* is one certificate received in one handshake: ``occasions`` is ``stapled`` plus
    ``queries_without_cache``.
    """

    scheme: Scheme
    host: str
    port: Port
    urls: tuple[str, ...]
    """As the certificates have them, some of them where they are many."""
    certificates: int
    """Distinct certificates that name this responder first."""
    intermediates: int
    """How many of these are not leaves."""
    handshakes: int
    """Handshakes with at least one of these certificates."""
    occasions: int
    stapled: int
    """Occasions on which a fresh staple made a query needless."""
    queries_without_cache: int
    queries_with_cache: int
    intermediate_queries_without_cache: int
    """Those about intermediates: a validator that checks only leaves sends none of them."""
    intermediate_queries_with_cache: int
    queries_seen: int
    """Queries about these certificates that the validator really sent in the captures."""
    fallback_certificates: int
    """Certificates that name this responder after another: it is asked only when that one fails."""
    lifetimes: tuple[Lifetime, ...]
    """For how long answers would be held, one entry for each way in which that is known."""


@dataclass(frozen=True, slots=True)
class Unasked:
    """Certificates, or handshakes without a visible one, that would not have been asked about."""

    reason: Reason
    why: str
    handshakes: int
    certificates: int
    """Distinct; 0 where none is visible."""
    occasions: int
    hosts: tuple[str, ...]
    """Some of the hosts."""


@dataclass(frozen=True, slots=True)
class ValidatorForecast:
    """The queries that one validator would have sent."""

    validator: Validator
    handshakes: int
    occasions: int
    """All that was looked at: those of the responders plus those of ``unasked``."""
    responders: tuple[ResponderForecast, ...]
    unasked: tuple[Unasked, ...]
    queries_without_cache: int
    queries_with_cache: int
    stapled: int
    queries_seen: int
    forwarding_host: str | None
    """``address:port`` through which the site file says the queries leave."""


@dataclass(frozen=True, slots=True)
class Opening:
    """A host and port that a firewall must let OCSP through to."""

    source: str
    """Address of the validator, or of the forwarding host that speaks for it."""
    scheme: Scheme
    host: str
    port: Port
    addresses: tuple[str, ...]
    """What DNS answers in the captures say of the host; empty: no lookup was seen."""
    queries: int
    """With cache; 0 where only staples or failures decide."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """The answer, for each validator of the captures."""

    captures: tuple[CaptureFact, ...]
    validators: tuple[ValidatorForecast, ...]
    openings: tuple[Opening, ...]
    assumptions: tuple[str, ...]
    notes: tuple[str, ...] = ()
    """Warnings about the run as a whole, as in an explanation."""
