"""The question that a cause is asked: one certificate, in one handshake, as one validator received it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ocsp_pcap.explain.case import Case
from ocsp_pcap.explain.hosts import Host
from ocsp_pcap.explain.model import Presenter, Role, Validator
from ocsp_pcap.explain.responders import responder_hosts
from ocsp_pcap.explain.site import Proxy
from ocsp_pcap.explain.visits import Query, Visit
from ocsp_pcap.facts import CertificateFact


class Situation(NamedTuple):
    """The parts of a question that tell which causes need not look at it; few differ."""

    shown: bool
    """The handshake shows the certificate."""
    leaf: bool
    """It is the first of its chain."""
    eligible: bool
    """It names a responder."""
    turned: bool
    """The validator ever turned to one of these, or the site file may say where else it turns."""
    asked: bool
    """The validator asked about it, at whatever time."""
    asked_now: bool
    """This very handshake triggered a query."""
    by_server: bool
    """The server presented it."""
    stapled: bool
    """The handshake holds a staple, about whatever certificate."""
    in_site: bool
    """The site file speaks of the validator."""
    finished: bool
    """The handshake was finished, or the connection used."""


class Question:
    """Was OCSP traffic seen for this certificate in this handshake, and if not, why not?

    What many causes ask for is looked up once.
    """

    __slots__ = (
        "_names",
        "asker",
        "case",
        "certificate",
        "eligible",
        "own_queries",
        "position",
        "presented_by",
        "proxy",
        "queries",
        "responders",
        "sought",
        "validator",
        "visit",
    )

    def __init__(
        self,
        case: Case,
        visit: Visit,
        certificate: CertificateFact | None,
        position: int = 0,
        presented_by: Presenter = "server",
    ) -> None:
        self._names: frozenset[str] | None = None
        self.case = case
        self.visit = visit
        self.certificate = certificate
        """None where the handshake shows none."""
        self.position = position
        """Place in the chain, 0 for the leaf."""
        self.presented_by = presented_by
        address = visit.handshake.client if presented_by == "server" else visit.handshake.server
        self.validator: Validator = case.validator(address)
        self.asker: Host = case.host(address)
        """The validator with all that it did."""
        self.proxy: Proxy | None = case.proxy(address)
        """What the site file says of the validator."""
        self.responders = responder_hosts(certificate.ocsp_urls) if certificate is not None else ()
        """(host, port, URL) of each responder that the certificate names."""
        self.eligible = bool(self.responders)
        """The certificate names a responder that the validator could have asked."""
        turned_to = self.asker.turned_to
        self.sought = [responder for responder in self.responders if responder[0] in turned_to]
        """Those of the responders that the validator ever looked up, connected to or visited."""
        self.queries: Sequence[Query] = ()
        """All queries of this validator for this certificate, by time."""
        self.own_queries: Sequence[Query] = ()
        """The queries that this very handshake triggered."""
        if certificate is not None:
            self.queries = self.asker.queries.get(certificate.sha256, ())
            if self.queries:
                self.own_queries = self.asker.triggered.get((certificate.sha256, id(visit)), ())

    @property
    def situation(self) -> Situation:
        """What tells which causes need not look at it."""
        handshake, in_site = self.visit.handshake, self.proxy is not None
        return Situation(
            self.certificate is not None,
            self.position == 0,
            self.eligible,
            in_site or bool(self.sought),
            bool(self.queries),
            bool(self.own_queries),
            self.presented_by == "server",
            bool(handshake.staples),
            in_site,
            handshake.complete or handshake.application_data,
        )

    @property
    def host(self) -> str:
        """The host that was visited, for sentences."""
        if self.visit.host and self.presented_by == "server":
            return self.visit.host
        if self.certificate is not None and self.certificate.sans:
            return self.certificate.sans[0]
        if self.presented_by == "client":
            return self.certificate.subject if self.certificate is not None else self.visit.handshake.client
        return self.visit.handshake.server

    @property
    def certificate_names(self) -> frozenset[str]:
        """Names, in lower case, for which a server may have presented this certificate."""
        if self._names is None:
            names = () if self.certificate is None else self.certificate.sans
            self._names = frozenset(name.lower() for name in (self.host, *names))
        return self._names

    @property
    def who(self) -> str:
        """The validator, for sentences; the wording follows its role."""
        return validator_words(self.validator.role, self.validator.address)


def validator_words(role: Role, address: str) -> str:
    """Name a validator in a sentence."""
    if role in ("child", "parent"):
        return f"the {role} proxy {address}"
    return f"the client {address}" if role == "client" else address
