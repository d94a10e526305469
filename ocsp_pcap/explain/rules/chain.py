"""Rules about what other proxies of the chain do: a connection that is only tunnelled."""

from __future__ import annotations

from ocsp_pcap.explain.case import Visit
from ocsp_pcap.explain.rules.answer import Answer, Question


def inner_leg(question: Question) -> Visit | None:
    """Return the leg on which the same ClientHello reached this host, to be relayed.

    The same 32 bytes of ClientHello random (RFC 8446 4.1.2) on two legs are one hello, sent by the
    TLS client behind the relay.
    """
    here = question.visit
    for visit in question.case.by_client_random.get(here.handshake.client_random or "", ()):
        if visit is here or question.case.identity(visit.handshake.client) == question.identity:
            continue
        if question.case.identity(visit.handshake.server) == question.identity:
            return visit
    return None


def not_intercepted(question: Question) -> Answer | None:
    """This proxy only tunnels the connection: the TLS client is another host, and it validates."""
    inner = inner_leg(question)
    if inner is None:
        return None
    client = inner.handshake.client
    return Answer(
        "not-intercepted",
        "confirmed",
        f"{question.who} only tunnels this connection: the same ClientHello random stands on both sides, so "
        f"{client} is the TLS client and the one to validate",
        (
            inner.evidence("ClientHello on the inner side", inner.handshake.frames.client_hello),
            question.visit.evidence(
                "the same ClientHello random on the outer side", question.visit.handshake.frames.client_hello
            ),
        ),
    )
