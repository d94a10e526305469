"""Rules about what other proxies of the chain do: a connection that is only tunnelled."""

from __future__ import annotations

from ocsp_pcap.explain.chains import UPSTREAM_LEAD, UPSTREAM_WINDOW
from ocsp_pcap.explain.model import Confidence, Evidence
from ocsp_pcap.explain.rules.answer import Answer, Question
from ocsp_pcap.explain.spans import between
from ocsp_pcap.explain.visits import Visit

MAX_LEGS = 8


def inner_leg(question: Question) -> Visit | None:
    """Return the leg on which the same ClientHello reached this host, to be relayed."""
    return question.case.inner_leg(question.visit)


def not_intercepted(question: Question) -> Answer | None:
    """This proxy only tunnels the connection: the TLS client is another host, and it validates."""
    inner = inner_leg(question)
    if inner is None:
        return _said_by_site(question) or _perhaps(question)
    first = _first_leg(question, inner)
    here = question.visit.handshake
    # A proxy that only read along with the hello may still have answered it itself.
    relayed = inner.handshake.server_random is not None and here.server_random is not None
    confidence: Confidence = "confirmed" if relayed else "likely"
    return Answer(
        "not-intercepted",
        confidence,
        f"{question.who} only tunnels this connection: the same ClientHello random stands on both sides, so "
        f"{first.handshake.client} is the TLS client and the one to validate",
        (
            inner.evidence("ClientHello on the inner side", inner.handshake.frames.client_hello),
            question.visit.evidence(
                "the same ClientHello random on the outer side", here.frames.client_hello
            ),
        ),
    )


def _first_leg(question: Question, leg: Visit) -> Visit:
    """Follow the hello through all the hosts that relay it, back to where it came from."""
    for _ in range(MAX_LEGS):
        before = question.case.inner_leg(leg)
        if before is None:
            break
        leg = before
    return leg


def _said_by_site(question: Question) -> Answer | None:
    """The site file says that this proxy opens no TLS, so the connection is some client's behind it."""
    proxy = question.proxy
    if proxy is None or proxy.intercepts is not False:
        return None
    return Answer(
        "not-intercepted",
        "likely",
        f"{question.who} does not intercept, says the site file, so it tunnels this connection for a client "
        "behind it, which is the one to validate",
        (
            Evidence(question.case.site.path, None, None, f"[proxies.{proxy.role}] intercepts = false"),
            question.visit.evidence(f"connection to {question.host} of a proxy that does not intercept"),
        ),
    )


def _perhaps(question: Question) -> Answer | None:
    """Nothing tells whether this proxy intercepts; the side on which it is asked was not captured."""
    proxy = question.proxy
    if not question.eligible or question.validator.role not in ("child", "parent"):
        return None
    if proxy is not None and (proxy.intercepts or proxy.ca):
        return None
    words = (
        f"{question.who} may only tunnel this connection for a client behind it, whose side is not captured"
    )
    return None if _served(question) else Answer("not-intercepted", "possible", words)


def _served(question: Question) -> bool:
    """A visit behind this proxy stands beside this one, with a hello of its own: the proxy intercepts."""
    case, here = question.case, question.visit
    if here.host is None:
        return False
    visits = case.visits_through.get((question.identity, here.host.lower()), [])
    return bool(between(visits, here.time - UPSTREAM_WINDOW, here.time + UPSTREAM_LEAD))
