"""The question that a cause is asked: one certificate, in one handshake, as one validator received it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from ocsp_pcap.explain.authorities import short_lived_lifetime
from ocsp_pcap.explain.case import Case
from ocsp_pcap.explain.hosts import Host
from ocsp_pcap.explain.model import Presenter, Role, Validator
from ocsp_pcap.explain.responders import responder_hosts
from ocsp_pcap.explain.roles import PROXIED
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
    asks: bool
    """The validator sent OCSP requests, about whatever certificate."""
    unread: bool
    """Some of these cannot be read."""
    traced: bool
    """There is a policy trace."""
    relayed: bool
    """Something says that the validator hands on connections, or may: this one, or others."""
    perhaps_made: bool
    """Something would fit a certificate that a proxy made: its looks, a proxy, or what is further on."""
    short_lived: bool
    """The certificate lives so short that it needs no revocation information."""
    asked_elsewhere: bool
    """A host that was not seen to receive the certificate asked about it."""

    @classmethod
    def of(cls, number: int) -> Situation:
        """Return the situation that a number stands for: bit 0 for the first part, and so on."""
        return cls(*[bool(number >> place & 1) for place in range(len(cls._fields))])


def _number(**parts: bool) -> int:
    """Return the number of those parts that hold."""
    return sum(1 << Situation._fields.index(name) for name, holds in parts.items() if holds)


_LEAF: Final = _number(leaf=True)
_TURNED: Final = _number(turned=True)
_ASKED: Final = _number(asked=True)
_ASKED_NOW: Final = _number(asked=True, asked_now=True)
_BY_SERVER: Final = _number(by_server=True)
_STAPLED: Final = _number(stapled=True)
_FINISHED: Final = _number(finished=True)
_RELAYED: Final = _number(relayed=True)
_PERHAPS_MADE: Final = _number(perhaps_made=True)


class _Party(NamedTuple):
    """What is the same in all questions about what one address received."""

    validator: Validator
    asker: Host
    proxy: Proxy | None
    turned_to: frozenset[str]
    situation: int


def _party(case: Case, address: str) -> _Party:
    validator, asker, proxy = case.validator(address), case.host(address), case.proxy(address)
    situation = _number(
        turned=proxy is not None,
        in_site=proxy is not None,
        asks=bool(asker.exchanges),
        unread=bool(asker.unread),
        traced=bool(case.context.trace),
        relayed=bool(asker.relayed) or proxy is not None or validator.role in ("child", "parent"),
    )
    return _Party(validator, asker, proxy, asker.turned_to, situation)


class _Traits(NamedTuple):
    """What is the same in all questions about one certificate."""

    responders: tuple[tuple[str, int, str], ...] = ()
    situation: int = 0


def _traits(case: Case, sha256: str) -> _Traits:
    certificate = case.facts.certificates[sha256]
    responders = responder_hosts(certificate.ocsp_urls)
    situation = _number(
        shown=True,
        eligible=bool(responders),
        # An interception proxy names no responder, or writes a CRL of its own; the site file may give its CA.
        perhaps_made=not certificate.ocsp_urls or bool(certificate.crl_urls or case.site.proxies),
        short_lived=short_lived_lifetime(certificate) is not None,
        asked_elsewhere=bool(case.asked_about(certificate, None)),
    )
    return _Traits(responders, situation)


_NOT_SHOWN: Final = _Traits()


class Question:
    """Was OCSP traffic seen for this certificate in this handshake, and if not, why not?

    What many causes ask for is looked up once.
    """

    __slots__ = (
        "_names",
        "_party",
        "_traits",
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
        self._party = party = case.once(_party, address)
        self.validator = party.validator
        self.asker = party.asker
        """The validator with all that it did."""
        self.proxy = party.proxy
        """What the site file says of the validator."""
        traits = _NOT_SHOWN if certificate is None else case.once(_traits, certificate.sha256)
        self._traits = traits
        self.responders = traits.responders
        """(host, port, URL) of each responder that the certificate names."""
        self.eligible = bool(traits.responders)
        """The certificate names a responder that the validator could have asked."""
        turned_to = party.turned_to
        self.sought = [responder for responder in traits.responders if responder[0] in turned_to]
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
    def situation(self) -> int:
        """The number of the situation, which tells which causes need not look at it."""
        handshake = self.visit.handshake
        number = self._party.situation | self._traits.situation
        if self.position == 0:
            number |= _LEAF
        if self.sought:
            number |= _TURNED
        if self.queries:
            number |= _ASKED_NOW if self.own_queries else _ASKED
        if self.presented_by == "server":
            number |= _BY_SERVER
        if handshake.staples:
            number |= _STAPLED
        if handshake.complete or handshake.application_data:
            number |= _FINISHED
        if self.case.hellos.may_be_relayed(self.visit):
            number |= _RELAYED
        if handshake.tunnel in PROXIED or self.visit in self.case.going_on:
            number |= _PERHAPS_MADE
        return number

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
