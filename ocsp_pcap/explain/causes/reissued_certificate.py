"""``reissued-certificate``: a proxy made the certificate; the origin's own is not visible on this leg."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.authorities import short_lived_lifetime
from ocsp_pcap.explain.entries import cause
from ocsp_pcap.explain.grounds.claim import Claim, Standing
from ocsp_pcap.explain.grounds.kinds import Genuine, Read
from ocsp_pcap.explain.making import (
    behind_proxy,
    given_authority,
    issued_beside,
    issuer_is_private,
    maker,
    one_issuer_for_all,
    one_key,
    original_visit,
    relayed_to_the_end,
    start_is_missing,
)
from ocsp_pcap.explain.model import Confidence, Evidence
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.roles import PROXIED
from ocsp_pcap.explain.site import AuthorityCertificate, Proxy
from ocsp_pcap.facts import CertificateFact

ENTRY: Final = cause(
    "reissued-certificate",
    "absent",
    "The upstream proxy's own CA signed it; the origin's certificate is not visible here.",
    (
        "was reissued by a proxy upstream",
        "were reissued by a proxy upstream",
        "may have been reissued by a proxy upstream",
    ),
    ((Read, Genuine),),
    "Enable OCSP on {upstream_off}: it alone sees the origin's certificate.",
    "OCSP belongs on the parent, which alone sees the origin's certificate, and is on there: {upstream_on}.",
    "Switch OCSP for forwarded traffic off on {on_here}; it can find nothing there.",
    "If {perhaps_on_here} is a proxy, switch OCSP for forwarded traffic off there; it can find nothing.",
    "Capture on the outer side of the parent to see OCSP for {unseen}.",
    check="impossible",
    only=lambda of: of.shown and of.leaf and of.by_server and of.perhaps_made,
)


def claims(question: Question) -> Iterator[Claim]:
    """Claim that a proxy's CA signed the certificate in place of the origin's."""
    certificate = question.certificate
    assert certificate is not None
    if certificate.is_ca or relayed_to_the_end(question):
        return
    claim = (
        _by_both_sides(question, certificate)
        or _by_maker(question, certificate)
        or _by_site(question, certificate)
        or _by_its_looks(question, certificate)
        or _by_one_issuer(question, certificate)
    )
    if claim is not None:
        yield claim


def _by_both_sides(question: Question, certificate: CertificateFact) -> Claim | None:
    original = original_visit(question)
    if original is None:
        return None
    case = question.case
    shown = case.chain(original.handshake)[0]
    given = given_authority(question)
    role = case.roles.role(original.handshake.client)
    proxy = f"the {role} proxy" if role in ("child", "parent") else original.handshake.client
    if not behind_proxy(question) and given is None:
        # A reverse proxy has a certificate of its own for the host, and goes on to it by that name.
        return None
    signs: list[Standing] = []
    if certificate.ocsp_urls and given is None:
        words = "it names a responder of its own, as a server's own certificate would"
        signs.append(Standing("reissue-open", words))
    elif given is None and not (maker(certificate) or not certificate.crl_urls):
        signs.append(Standing("reissue-open", "it names a CRL, which an interception proxy rarely writes"))
    elif given is None and original.handshake.tunnel in PROXIED and question.visit.handshake.tunnel is None:
        words = "it is the other certificate that came through a proxy: the roles may be the other way round"
        signs.append(Standing("reissue-open", words))
    elif given is None and short_lived_lifetime(certificate) is not None:
        signs.append(Standing("reissue-open", "a short-lived certificate needs neither responder nor CRL"))
    if given is not None:
        by = f"the CA that the site file gives for the {given[0].role} proxy signed it"
        words = (
            f"{by}, and {proxy} received another certificate for {question.host} (issued by {shown.issuer})"
        )
        words += (
            f": {question.who} never sees the origin's certificate; OCSP for it belongs on the proxy that "
            "does"
        )
    else:
        words = (
            f"{proxy} received another certificate for {question.host} (issued by {shown.issuer}) and handed "
            "on this one of its own making; OCSP belongs on the proxy that sees the original"
        )
    if certificate.ocsp_urls:
        words += f"; that this one names the responder {certificate.ocsp_urls[0]} changes nothing"
    return Claim(
        ENTRY.code,
        words,
        (
            question.visit.evidence(f"certificate handed on, issued by {certificate.issuer}"),
            original.evidence(f"the origin's certificate, issued by {shown.issuer}"),
            *_authority_evidence(given),
        ),
        (Read(question.visit.handshake), Genuine(certificate, True, ("both-sides",))),
        tuple(signs),
        telling=0,
    )


def _by_maker(question: Question, certificate: CertificateFact) -> Claim | None:
    name = maker(certificate)
    if name is None:
        return None
    return Claim(
        ENTRY.code,
        f"{name} made it: only that writes a CRL URL like {certificate.crl_urls[0]}; {question.who} never "
        "sees the origin's certificate",
        (
            question.visit.evidence(
                f"certificate issued by {certificate.issuer}, CRL {certificate.crl_urls[0]}"
            ),
        ),
        (Read(question.visit.handshake), Genuine(certificate, True, ("maker",))),
    )


def _by_site(question: Question, certificate: CertificateFact) -> Claim | None:
    given = given_authority(question)
    if given is None:
        return None
    proxy = given[0]
    shared = one_key(question)
    words = (
        f"the CA that the site file gives for the {proxy.role} proxy signed it, so {question.who} never sees "
        "the origin's certificate; OCSP for it belongs on the proxy that does"
    )
    sign = Standing(
        "reissue-open",
        "the same CA may have issued it to the server itself, and the other side of that proxy does not show",
    )
    return Claim(
        ENTRY.code,
        words,
        (question.visit.evidence(f"certificate issued by {certificate.issuer}"), *_authority_evidence(given)),
        (Read(question.visit.handshake), Genuine(certificate, True, ("one-key",) if shared else ())),
        () if shared else (sign,),
    )


def _authority_evidence(given: tuple[Proxy, AuthorityCertificate] | None) -> tuple[Evidence, ...]:
    if given is None:
        return ()
    return (Evidence(given[1].path, None, None, f"interception CA of the {given[0].role} proxy"),)


def _by_one_issuer(question: Question, certificate: CertificateFact) -> Claim | None:
    """It names a responder, and still looks like what the proxy before the validator makes."""
    others = one_issuer_for_all(question)
    if not others:
        return None
    return Claim(
        ENTRY.code,
        f"{certificate.issuer} issued everything that came through this proxy ({others + 1} "
        "certificates), and nothing bears the timestamps of a public CA: the proxy may have made this one, "
        f"although it names the responder {certificate.ocsp_urls[0]}",
        at_most="possible",
    )


def _by_its_looks(question: Question, certificate: CertificateFact) -> Claim | None:
    """Behind a proxy, one issuer for everything and nothing that a public CA puts into a certificate."""
    if certificate.crl_urls or certificate.ocsp_urls or certificate.self_signed or certificate.scts:
        return None
    issued = issued_beside(question, certificate)
    others, bare = issued.others(certificate), issued.bare
    shared = one_key(question)
    at_most: Confidence = "possible"
    if behind_proxy(question) and others and bare:
        how = f", issued {others + 1} certificates seen behind the same proxy"
        how += " with one and the same key" if shared else ""
        at_most = "likely"
    elif behind_proxy(question):
        how = ", and the connection goes through a proxy"
        at_most = "likely" if issuer_is_private(question, certificate) else "possible"
    elif start_is_missing(question):
        # With the hello a CONNECT before it would be missing, too.
        how = ", and the start of the connection, where a proxy would show, is not seen"
    elif others and shared and bare:
        how = ", and certificates of several hosts share one key"
    else:
        return None
    return Claim(
        ENTRY.code,
        f"the certificate looks reissued by a proxy: its issuer {certificate.issuer} names neither responder "
        f"nor CRL{how}",
        (question.visit.evidence(f"certificate issued by {certificate.issuer}, without AIA and CRL"),),
        (Read(question.visit.handshake), Genuine(certificate, True)),
        at_most=at_most,
    )
