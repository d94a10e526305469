"""Rules that the certificate itself answers: no responder named, short-lived, reissued by a proxy."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from typing import Final

from ocsp_pcap.explain.chains import MAX_LEGS, tunnelled, upstream_visit, upstream_visits
from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.model import Confidence, Evidence
from ocsp_pcap.explain.rules.answer import Answer, Question
from ocsp_pcap.explain.visits import Visit
from ocsp_pcap.facts import CertificateFact, HandshakeFact

DAY: Final = 86400 * SECOND
SHORT_LIVED_UNTIL_2026: Final = 10 * DAY
SHORT_LIVED_SINCE_2026: Final = 7 * DAY
CHANGE_OF_DEFINITION: Final = int(datetime(2026, 3, 15, tzinfo=UTC).timestamp()) * SECOND
"""CA/Browser Forum Baseline Requirements 1.6.1: Short-lived Subscriber Certificate."""
MAX_SIBLINGS: Final = 32
"""Certificates of one issuer that are compared; more would not make it surer."""


def no_ocsp_url(question: Question) -> Answer | None:
    """The certificate names no OCSP responder (RFC 5280 4.2.2.1)."""
    certificate = question.certificate
    if certificate is None or certificate.ocsp_urls or certificate.parse_error:
        return None
    crl = "; it names a CRL" if certificate.crl_urls else ""
    return Answer(
        "no-ocsp-url",
        _unless_reissued(question),
        f"the certificate names no OCSP responder, so there is nobody to ask{crl}",
        (question.visit.evidence("certificate without an OCSP URL in its authorityInfoAccess"),),
    )


def short_lived_limit_exceeded(certificate: CertificateFact) -> bool:
    """The certificate is valid for longer than a short-lived one may be."""
    if certificate.not_before is None or certificate.not_after is None:
        return False
    since_2026 = certificate.not_before >= CHANGE_OF_DEFINITION
    limit = SHORT_LIVED_SINCE_2026 if since_2026 else SHORT_LIVED_UNTIL_2026
    return certificate.not_after - certificate.not_before > limit


def short_lived(question: Question) -> Answer | None:
    """The certificate lives so short that it needs no revocation information."""
    certificate = question.certificate
    if certificate is None or certificate.not_before is None or certificate.not_after is None:
        return None
    if question.position > 0 or certificate.is_ca:
        return None
    lifetime = certificate.not_after - certificate.not_before
    if lifetime <= 0 or short_lived_limit_exceeded(certificate):
        return None
    words = f"the certificate is valid for {lifetime / DAY:.1f} days only"
    evidence = (question.visit.evidence(f"certificate valid for {lifetime / DAY:.1f} days"),)
    if certificate.ocsp_urls or certificate.crl_urls:
        # It names where to ask, so a validator that checks would: its short life is no proof.
        return Answer("short-lived", "possible", f"{words}, and validators may skip the check", evidence)
    confidence = _unless_reissued(question)
    return Answer("short-lived", confidence, f"{words}, short-lived ones need no revocation check", evidence)


def _unless_reissued(question: Question) -> Confidence:
    """Likely where a proxy may have made the certificate: then that is why it names no responder."""
    return "confirmed" if reissued_certificate(question) is None else "likely"


def reissued_certificate(question: Question) -> Answer | None:
    """The upstream proxy's own CA signed the certificate; the origin's is not visible on this leg."""
    certificate = question.certificate
    if certificate is None or question.position > 0 or certificate.is_ca or certificate.ocsp_urls:
        return None
    return (
        _by_site_file(question, certificate)
        or _by_both_sides(question, certificate)
        or _by_its_looks(question, certificate)
    )


def _by_site_file(question: Question, certificate: CertificateFact) -> Answer | None:
    case = question.case
    for proxy in case.site.proxies:
        if proxy is question.proxy:
            continue
        for authority in proxy.ca:
            known = case.facts.certificates.get(authority.sha256)
            if certificate.issuer_sha256 == authority.sha256 and known is not None:
                return Answer(
                    "reissued-certificate",
                    "confirmed",
                    f"the CA of the {proxy.role} proxy signed it, so {question.who} never sees the origin's "
                    "certificate; OCSP for it belongs on the proxy that does",
                    (
                        question.visit.evidence(f"certificate issued by {certificate.issuer}"),
                        Evidence(authority.path, None, None, f"interception CA of the {proxy.role} proxy"),
                        *_original_evidence(question, certificate),
                    ),
                )
    return None


def _by_both_sides(question: Question, certificate: CertificateFact) -> Answer | None:
    original = original_visit(question, certificate)
    if original is None:
        return None
    shown = question.case.chain(original.handshake)[0]
    role = question.case.roles.role(original.handshake.client)
    proxy = f"the {role} proxy" if role in ("child", "parent") else original.handshake.client
    # A public certificate names a responder or a CRL, or is short-lived; a proxy may copy any of that.
    bare = not certificate.crl_urls and short_lived_limit_exceeded(certificate)
    behind_proxy = question.visit.handshake.tunnel in ("connect", "socks")
    next_hop = question.case.proxy(question.visit.handshake.server)
    if not behind_proxy and next_hop is None:
        # A reverse proxy has a certificate of its own for the host, and goes on to it by that name.
        return None
    return Answer(
        "reissued-certificate",
        "confirmed" if bare else "likely",
        f"{proxy} received another certificate for {question.host} (issued by {shown.issuer}) and handed on "
        "this one of its own making; OCSP belongs on the proxy that sees the original",
        (
            question.visit.evidence(f"certificate handed on, issued by {certificate.issuer}"),
            *_original_evidence(question, certificate),
        ),
    )


def _original_evidence(question: Question, certificate: CertificateFact) -> tuple[Evidence, ...]:
    original = original_visit(question, certificate)
    if original is None:
        return ()
    shown = question.case.chain(original.handshake)[0]
    return (original.evidence(f"the origin's certificate, issued by {shown.issuer}"),)


def original_visit(question: Question, certificate: CertificateFact) -> Visit | None:
    """Return the visit in which the next proxy received the origin's certificate for this one.

    Its client is the server of this leg (or the same proxy by the site file), it went to the same
    host at the same time, and it showed a certificate of another issuer. A visit that resumed a session
    shows none; the one next to it may.
    """
    here = question.visit
    nearest = upstream_visit(question.case, here)
    if nearest is None or tunnelled(here.handshake, nearest.handshake):
        return None
    for visit in upstream_visits(question.case, here):
        if chain := question.case.chain(visit.handshake):
            return visit if chain[0].issuer != certificate.issuer else None
    return None


def _by_its_looks(question: Question, certificate: CertificateFact) -> Answer | None:
    """Behind a CONNECT, one issuer for everything and nothing that a public CA puts into a certificate."""
    if certificate.crl_urls or certificate.self_signed or _relayed_to_the_end(question):
        return None
    behind_proxy = question.visit.handshake.connect_host is not None
    siblings = question.case.leaves_by_issuer.get((question.validator.address, certificate.issuer), {})
    others = list(
        islice((other for other in siblings.values() if other.sha256 != certificate.sha256), MAX_SIBLINGS)
    )
    bare = all(not other.ocsp_urls and not other.crl_urls for other in others)
    same_key = any(
        other.public_key_sha256 == certificate.public_key_sha256 and certificate.public_key_sha256
        for other in others
    )
    issuer = f"its issuer {certificate.issuer} names neither responder nor CRL"
    if behind_proxy and others and bare:
        how = f", issued {len(others) + 1} certificates seen behind the same proxy"
        how += " with one and the same key" if same_key else ""
        confidence = "likely"
    elif behind_proxy:
        how = ", and the connection goes through a proxy"
        confidence = "likely" if _issuer_is_private(question, certificate) else "possible"
    elif _start_is_missing(question.visit.handshake):
        # With the hello a CONNECT before it would be missing, too.
        how, confidence = (
            ", and the start of the connection, where a proxy would show, is not seen",
            "possible",
        )
    elif others and same_key and bare:
        how, confidence = ", and certificates of several hosts share one key", "possible"
    else:
        return None
    return Answer(
        "reissued-certificate",
        "likely" if confidence == "likely" else "possible",
        f"the certificate looks reissued by a proxy: {issuer}{how}",
        (question.visit.evidence(f"certificate issued by {certificate.issuer}, without AIA and CRL"),),
    )


def _start_is_missing(handshake: HandshakeFact) -> bool:
    """The connection was there before the capture, or only its server's side was captured."""
    return handshake.frames.client_hello is None or handshake.started_mid_stream


def _relayed_to_the_end(question: Question) -> bool:
    """Every proxy handed on the hello of this leg, the last one to the origin: the certificate is genuine."""
    leg = question.visit
    for _ in range(MAX_LEGS):
        outer = upstream_visit(question.case, leg)
        if outer is None or not tunnelled(leg.handshake, outer.handshake):
            break
        leg = outer
    return leg is not question.visit and leg.handshake.tunnel is None


def _issuer_is_private(question: Question, certificate: CertificateFact) -> bool:
    """The issuer is self-signed and came along in the handshake: public roots are not used that way."""
    known = question.case.facts.certificates.get(certificate.issuer_sha256 or "")
    return known is not None and known.self_signed
