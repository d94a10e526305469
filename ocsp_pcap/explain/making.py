"""Whether a certificate is the origin's own or was made by an interception proxy, and what shows it.

One capture hardly ever proves it: an internal server may have a certificate of the very CA that also signs
what the proxy makes. What proves it are both sides (another certificate for the same connection on the outer
side), what only a proxy writes (a CRL path of its own), or one key under many names. The same ClientHello on
both sides proves the opposite: who only hands bytes on makes no certificate.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property
from typing import Final

from ocsp_pcap.explain.case import Case
from ocsp_pcap.explain.chains import tunnelled, upstream_visit, upstream_visits
from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.hosts import Host
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.roles import PROXIED
from ocsp_pcap.explain.site import AuthorityCertificate, Proxy
from ocsp_pcap.explain.spans import Runs
from ocsp_pcap.explain.visits import Visit
from ocsp_pcap.facts import CertificateFact

IN_STEP: Final = 5 * SECOND
"""A proxy goes on to the origin within this time."""
INNER: Final = ("child", "client")
MAKERS: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"/mitmproxy-[0-9a-f]{1,64}\.crl$", re.IGNORECASE), "mitmproxy"),
)
"""What only one interception proxy writes into a certificate, and whose it is."""


def maker(certificate: CertificateFact) -> str | None:
    """Return the interception proxy whose own mark a certificate bears; None: it bears none that is known."""
    for pattern, name in MAKERS if certificate.crl_urls else ():
        if any(pattern.search(url) for url in certificate.crl_urls):
            return name
    return None


def given_authority(question: Question) -> tuple[Proxy, AuthorityCertificate] | None:
    """Return the proxy of the site file, and its CA, that signed the certificate."""
    certificate, case = question.certificate, question.case
    if certificate is None:
        return None
    for proxy in case.site.proxies:
        if proxy is question.proxy:
            continue
        for authority in proxy.ca:
            if certificate.issuer_sha256 == authority.sha256 and authority.sha256 in case.facts.certificates:
                return proxy, authority
    return None


class Issued:
    """The leaves of one issuer that one validator received."""

    def __init__(self, leaves: Mapping[str, CertificateFact]) -> None:
        self.leaves = leaves
        """By SHA-256."""
        self.bare = not any(leaf.ocsp_urls or leaf.crl_urls for leaf in leaves.values())
        """None of them names a responder or a CRL."""

    @cached_property
    def names_of_key(self) -> dict[str, set[frozenset[str]]]:
        """SHA-256 of a public key: the names that each certificate of this key is for."""
        index: dict[str, set[frozenset[str]]] = defaultdict(set)
        for leaf in self.leaves.values():
            if leaf.public_key_sha256:
                index[leaf.public_key_sha256].add(frozenset(leaf.sans))
        return index

    @cached_property
    def by_name(self) -> dict[str, set[str]]:
        """Name: the SHA-256 of those that are for it."""
        index: dict[str, set[str]] = defaultdict(set)
        for sha256, leaf in self.leaves.items():
            for name in leaf.sans:
                index[name].add(sha256)
        return index

    def others(self, certificate: CertificateFact) -> int:
        """Return how many there are besides a certificate."""
        return len(self.leaves) - (certificate.sha256 in self.leaves)


def issued_beside(question: Question, certificate: CertificateFact) -> Issued:
    """Return what the validator received of the same issuer."""
    return question.case.once(_issued, question.asker.identity, certificate.issuer)


def _issued(case: Case, identity: str, issuer: str) -> Issued:
    return Issued(case.leaves_by_issuer.get((identity, issuer), {}))


def one_key(question: Question) -> bool:
    """Certificates of several hosts share one key: their issuer makes them as they are needed."""
    certificate = question.certificate
    if certificate is None or not certificate.public_key_sha256:
        return False
    names = issued_beside(question, certificate).names_of_key.get(certificate.public_key_sha256, set())
    return len(names) > 1 or bool(names - {frozenset(certificate.sans)})


def one_issuer_for_all(question: Question) -> int:
    """Return how many other leaves look made by a proxy just as this one does, though they name a responder.

    Everything that came through the proxy is of one issuer, and nothing bears the timestamps that public CAs
    embed (RFC 6962 3.3). An internal CA's own certificates look so as well: it is a sign, and no proof.
    """
    certificate, case = question.certificate, question.case
    if certificate is None or question.position > 0 or certificate.is_ca or certificate.self_signed:
        return 0
    if not (certificate.ocsp_urls and behind_proxy(question)) or relayed_to_the_end(question):
        return 0
    issuers, public = case.once(_came_through, question.asker)
    if certificate.scts or public or issuers - {certificate.issuer}:
        return 0
    issued = issued_beside(question, certificate)
    alike = set().union(*(issued.by_name.get(name, ()) for name in certificate.sans), {certificate.sha256})
    return len(issued.leaves.keys() - alike)


def _came_through(case: Case, asker: Host) -> tuple[frozenset[str], bool]:
    """Return who issued the leaves that a host received through a proxy; and whether one bears timestamps."""
    leaves = [
        chain[0]
        for visit in asker.visits
        if visit.handshake.tunnel in PROXIED and (chain := case.chain(visit.handshake))
    ]
    return frozenset(leaf.issuer for leaf in leaves), any(leaf.scts for leaf in leaves)


def original_visit(question: Question) -> Visit | None:
    """Return the visit in which the next proxy received the origin's certificate for this one.

    Its client is the host that this leg ends at, or (where the proxy is transparent) a proxy of the site
    file or the options; it went to the same host at the same time, and it showed a certificate of another
    issuer. A visit that resumed a session shows none; the one next to it may.
    """
    here, certificate = question.visit, question.certificate
    if certificate is None:
        return None
    nearest = upstream_visit(question.case, here)
    if nearest is None or tunnelled(here.handshake, nearest.handshake):
        return None
    for visit in upstream_visits(question.case, here):
        if chain := question.case.chain(visit.handshake):
            return visit if chain[0].issuer != certificate.issuer else None
    return None


def certificate_beside(question: Question) -> Visit | None:
    """Return a visit of the same host, soon after this one, that showed a certificate of another issuer.

    An origin hardly ever has two; a proxy that nothing else shows makes one of them. It stands on its inner
    side, which comes first. Visits of clients behind a proxy stand there, too, and prove nothing.
    """
    case, here = question.case, question.visit
    if here.host is None or here.host.lower() not in case.once(_several_issuers):
        return None
    chain = case.chain(here.handshake)
    if not chain or case.hellos.inner_leg(here) is not None:
        return None
    shown = case.once(_shown_on_outer_sides, here.host.lower())
    return next(shown.others(chain[0].issuer, here.time, here.time + IN_STEP), None)


def _shown_on_outer_sides(case: Case, name: str) -> Runs[Visit]:
    """Return the visits to a host that showed a certificate and stand on no inner side, by its issuer."""
    visits = [
        visit
        for visit in case.by_host.get(name, ())
        if case.chain(visit.handshake)
        and case.hellos.inner_leg(visit) is None
        and case.roles.role(visit.handshake.client) not in INNER
    ]
    return Runs(visits, lambda visit: case.chain(visit.handshake)[0].issuer)


def _several_issuers(case: Case) -> frozenset[str]:
    """Return the names, in lower case, of hosts that showed leaves of more than one issuer."""
    return frozenset(
        name
        for name, visits in case.by_host.items()
        if len({leaf.issuer for visit in visits for leaf in case.chain(visit.handshake)[:1]}) > 1
    )


def behind_proxy(question: Question) -> bool:
    """The connection goes through a proxy, as its CONNECT, its address or the site file says."""
    case, handshake = question.case, question.visit.handshake
    if handshake.tunnel in PROXIED or case.proxy(handshake.server) is not None:
        return True
    upstream = upstream_visit(case, question.visit)
    return upstream is not None and case.roles.role(upstream.handshake.client) == "parent"


def relayed_to_the_end(question: Question) -> bool:
    """Every proxy handed on the hello of this leg, the last one to the origin: the certificate is genuine."""
    hellos, visit = question.case.hellos, question.visit
    return hellos.outer_leg(visit) is not None and hellos.last_leg(visit).handshake.tunnel is None


def genuine_for_certain(question: Question) -> bool:
    """Packets show that no proxy made the certificate."""
    certificate = question.certificate
    if relayed_to_the_end(question):
        return True
    return certificate is not None and certificate.scts > 0 and maker(certificate) is None


def issuer_is_private(question: Question, certificate: CertificateFact) -> bool:
    """The issuer is self-signed and came along in the handshake: public roots are not used that way."""
    known = question.case.facts.certificates.get(certificate.issuer_sha256 or "")
    return known is not None and known.self_signed


def start_is_missing(question: Question) -> bool:
    """The connection was there before the capture, or only its server's side was captured."""
    handshake = question.visit.handshake
    return handshake.frames.client_hello is None or handshake.started_mid_stream


def proxy_ports(case: Case) -> frozenset[tuple[str, int]]:
    """Return addresses and ports at which connections through a proxy end, whatever else does."""
    handshakes = (visit.handshake for visit in case.visits)
    return frozenset((h.server, h.server_port) for h in handshakes if h.tunnel in PROXIED and h.server_port)


def made_by_proxy_signs(question: Question) -> str | None:
    """Say what lets a certificate without responder look like one that a proxy made; None: nothing does."""
    certificate = question.certificate
    if certificate is None:
        return None
    if maker(certificate) is not None or given_authority(question) is not None:
        return "its issuer is an interception CA"
    if original_visit(question) is not None:
        return "the next proxy received another certificate for the same host"
    if question.position > 0:
        return None
    if question.validator.role != "parent" and (beside := certificate_beside(question)) is not None:
        return f"{beside.handshake.client} received another certificate for the same host right after"
    if behind_proxy(question):
        return "the connection goes through a proxy, which may have made this certificate"
    handshake = question.visit.handshake
    if (handshake.server, handshake.server_port) in question.case.once(proxy_ports):
        return "others reach that port by CONNECT or SOCKS: its proxy may have made this certificate"
    if question.validator.role == "child":
        return "this is the child of another proxy, which may have made this certificate"
    if start_is_missing(question):
        return "the start of the connection, where a proxy would show, is not in the capture"
    if not certificate.self_signed and one_key(question):
        return "certificates of several hosts share its key"
    return None
