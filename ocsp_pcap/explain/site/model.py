"""The proxies of a chain as the engineer's files describe them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from ocsp_pcap.explain.site.names import name_within
from ocsp_pcap.facts import CertificateFact

ProxyRole: TypeAlias = Literal["child", "parent"]
SourceKind: TypeAlias = Literal["toml", "squid", "proxysg", "fortios", "bigip"]


class SiteError(Exception):
    """A site file or configuration cannot be used; the message says which part and why."""


@dataclass(frozen=True, slots=True)
class AuthorityCertificate:
    """An interception CA named by the site file."""

    path: str
    der: bytes = field(repr=False)
    sha256: str


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value of the site comes from."""

    path: str
    line: int | None
    """1-based line of the file; None where it is not known."""
    kind: SourceKind
    text: str = ""
    """What stands there, to be quoted as evidence."""
    firm: bool = True
    """It may carry a proof: our own words, or a form that is documented and tried against the real program.
    What was concluded from a form that was not tried only supports an answer."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """One proxy of the chain; None (or nothing, in a tuple) means that no file says."""

    role: ProxyRole
    addresses: frozenset[str] = frozenset()
    ocsp: bool | None = None
    intercepts: bool | None = None
    ca: tuple[AuthorityCertificate, ...] = ()
    cache_ttl: int | None = None
    """Response cache TTL override in nanoseconds."""
    forwarding_host: str | None = None
    """``address:port`` through which the proxy sends its OCSP queries."""
    crl_fallback: bool | None = None
    product: str | None = None
    """Lower-case name of the product, such as ``proxysg`` or ``squid``."""
    issuers: tuple[str, ...] = ()
    """Names of the issuers that its configured responders cover, and no others; empty: not given."""
    responder_url: str | None = None
    """Responder that it asks in place of the one that the certificate names."""
    validates_tunnels: bool | None = None
    """It checks certificates also of connections that it only tunnels."""
    listens: frozenset[str] = frozenset()
    """Of the addresses, those known only as where it listens: its own queries need not leave there."""
    more_addresses: bool = False
    """The addresses are those that a configuration names; the host may have others."""
    disputed: tuple[str, ...] = ()
    """Keys about which the files contradict each other; the value is that of the file that counts more."""
    sources: tuple[tuple[str, Source], ...] = field(default=(), compare=False, repr=False)
    """(key, where its value comes from), for each key that a file gives; a list may have several."""

    def source(self, key: str) -> Source | None:
        """Return where the value of a key (a field's name) comes from; None: no file gives it."""
        return next((source for name, source in self.sources if name == key), None)

    def sources_of(self, key: str) -> tuple[Source, ...]:
        """Return all places that give the value of a key, in the order in which they were read."""
        return tuple(source for name, source in self.sources if name == key)

    @property
    def concluded(self) -> tuple[str, ...]:
        """Keys whose values were concluded from a configuration: they support an answer and prove none."""
        keys = dict.fromkeys(key for key, source in self.sources if not source.firm)
        return tuple(key for key in keys if (first := self.source(key)) is not None and not first.firm)

    def covers(self, certificate: CertificateFact) -> bool:
        """Tell whether the configured responders cover the certificate's issuer.

        True as well where the site does not say which issuers they cover. Each relative distinguished
        name that the site gives must stand in the issuer's name, in whatever order, case and spacing
        (RFC 5280 7.1, RFC 4514); a name without attribute types is a common name.
        """
        return not self.issuers or any(name_within(name, certificate.issuer) for name in self.issuers)


@dataclass(frozen=True, slots=True)
class Site:
    """All that is given about the proxies."""

    path: str = "site.toml"
    proxies: tuple[Proxy, ...] = ()
    notes: tuple[str, ...] = ()
    """What the user has to know of how the files were read, one sentence each."""

    @property
    def hosts(self) -> tuple[str, ...]:
        """Names and addresses of the forwarding hosts through which proxies send their queries."""
        endpoints = (proxy.forwarding_host for proxy in self.proxies if proxy.forwarding_host is not None)
        return tuple(dict.fromkeys(endpoint.rpartition(":")[0] for endpoint in endpoints))

    def proxy(self, role: str) -> Proxy | None:
        """Return the proxy of this role, where the site names one."""
        return next((proxy for proxy in self.proxies if proxy.role == role), None)

    def proxy_at(self, address: str) -> Proxy | None:
        """Return the proxy that owns this address."""
        return next((proxy for proxy in self.proxies if address in proxy.addresses), None)
