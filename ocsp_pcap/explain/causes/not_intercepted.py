"""``not-intercepted``: this host only hands the connection on, so the certificate is not its to check."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.case import Case
from ocsp_pcap.explain.entries import cause
from ocsp_pcap.explain.grounds.claim import Claim, Standing
from ocsp_pcap.explain.grounds.kinds import Read
from ocsp_pcap.explain.grounds.tunnels import shown_to_intercept
from ocsp_pcap.explain.intervals import REACTION
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.roles import PROXIED
from ocsp_pcap.explain.saying import said_in_site
from ocsp_pcap.explain.spans import between
from ocsp_pcap.explain.visits import Visit, evidence_in

ENTRY: Final = cause(
    "not-intercepted",
    "absent",
    "This proxy only tunnels the connection (the same ClientHello on both sides), so the certificate is not "
    "its to check.",
    ("was only tunnelled", "were only tunnelled", "may have been only tunnelled"),
    ((Read,),),
    "If {host} shall be checked here, intercept TLS for it on {validator}.",
    "Otherwise look at the TLS client behind the tunnel: OCSP is that client's business.",
    check="impossible",
    only=lambda of: of.by_server and of.relayed,
)


def claims(question: Question) -> Iterator[Claim]:
    """Claim that the TLS client is another host, behind this one."""
    inner = question.case.hellos.inner_leg(question.visit)
    if inner is not None:
        yield _same_hello(question, inner)
    elif (claim := _said(question) or _hands_on_its_query(question)) is not None:
        yield claim
    elif _perhaps(question):
        words = (
            f"{question.who} may only tunnel this connection for a client behind it, whose side is not "
            "captured"
        )
        yield Claim(ENTRY.code, words, at_most="possible")


def _same_hello(question: Question, inner: Visit) -> Claim:
    here = question.visit.handshake
    first = question.case.hellos.first_leg(inner)
    signs: list[Standing] = []
    if inner.handshake.server_random is None or here.server_random is None:
        # A proxy that only read along with the hello may still have answered it itself.
        words = "the ServerHello is not seen on both sides, so the proxy may have answered the hello itself"
        signs.append(Standing("packets-lost", words))
    if not _shown_in_order(question.case, inner, question.visit):
        words = (
            f"that {inner.handshake.server} and {here.client} are one host is not shown by packets, and the "
            "hello may have gone the other way"
        )
        signs.append(Standing("told-otherwise", words))
    proxy, inside = question.proxy, inner.handshake.server
    reads = proxy is not None and proxy.validates_tunnels is True
    words = (
        f"{question.who} only tunnels this connection: the same ClientHello random stands on both sides, so "
        f"{first.handshake.client} is the TLS client and the one to validate"
    )
    if proxy is not None and inside != here.client and {inside, here.client} <= proxy.addresses:
        words += f"; {inside} and {here.client} are one host, says the site file"
    if reads:
        words += "; this proxy also checks certificates of what it tunnels, says the site file"
        signs.append(Standing("may-tunnel", "the site file says that it validates what it tunnels, too"))
    if not reads and _asked_unasked(question):
        words += "; a query about this certificate came from it all the same"
        sign = "it sent a query about this certificate, and that the host behind asked it to is not seen"
        signs.append(Standing("may-tunnel", sign))
    return Claim(
        ENTRY.code,
        words,
        (
            inner.evidence("ClientHello on the inner side", inner.handshake.frames.client_hello),
            question.visit.evidence(
                "the same ClientHello random on the outer side", here.frames.client_hello
            ),
        ),
        (Read(here), Read(inner.handshake)),
        tuple(signs),
    )


def _shown_in_order(case: Case, inner: Visit, outer: Visit) -> bool:
    """Packets show that the hello came in on one leg and went on by the other, whoever is one host.

    Of one host with two addresses: what names its target to a proxy is further in than what goes there. Time
    tells only where packets stand in its order.
    """
    before, after = inner.handshake, outer.handshake
    if before.server == after.client or (before.tunnel in PROXIED and after.tunnel not in PROXIED):
        return True
    capture, clocks = before.capture, case.clocks
    if capture != after.capture or clocks.steps_back(capture) is not None:
        return False
    return inner.time + (clocks.disorder(capture) if clocks.disordered(capture) else 0) <= outer.time


def _asked_unasked(question: Question) -> bool:
    """This host sent a query about the certificate that no host behind it was seen to ask.

    Some proxies read along, and validate what they tunnel.
    """
    case, certificate = question.case, question.certificate
    return certificate is not None and any(
        exchange.relayed_for is None
        and case.askers.copied_from(exchange) is None
        and certificate in case.askers.certificates_meant(exchange)
        for exchange in question.asker.relayed
    )


def _said(question: Question) -> Claim | None:
    """The site file says that this proxy opens no TLS, so the connection is some client's behind it."""
    proxy = question.proxy
    if proxy is None or proxy.intercepts is not False:
        return None
    words = "the side on which the hello reaches it is not in the captures"
    return Claim(
        ENTRY.code,
        f"{question.who} does not intercept, says the site file, so it tunnels this connection for a client "
        "behind it, which is the one to validate",
        (
            *said_in_site(question, "intercepts"),
            question.visit.evidence(f"connection to {question.host} of a proxy that does not intercept"),
        ),
        signs=(Standing("may-tunnel", words),),
    )


def _hands_on_its_query(question: Question) -> Claim | None:
    """It handed on what a host behind it asked about this very certificate, which that host so received."""
    certificate, asker = question.certificate, question.asker
    if certificate is None or question.own_queries or not asker.relayed or shown_to_intercept(question):
        return None
    time, case = question.visit.time, question.case
    for exchange in between(asker.relayed, time, time + REACTION, case.moment):
        if certificate in case.askers.certificates_meant(exchange):
            behind = exchange.relayed_for or "a host behind it"
            words = "the side on which the hello reaches it is not in the captures"
            return Claim(
                ENTRY.code,
                f"{question.who} handed on a query about this very certificate right after, for {behind}: it "
                "seems to tunnel this connection, and that host is the one to validate",
                (
                    question.visit.evidence(f"certificate of {question.host}"),
                    evidence_in(exchange, "OCSP request that it handed on"),
                ),
                signs=(Standing("may-tunnel", words),),
            )
    return None


def _perhaps(question: Question) -> bool:
    """Nothing tells whether this proxy intercepts; the side on which it is asked was not captured."""
    if not question.eligible or question.validator.role not in ("child", "parent"):
        return False
    return not shown_to_intercept(question)
