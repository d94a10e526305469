"""Doubts about whose connection it is: a proxy may only hand it on for a host behind it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from ocsp_pcap.explain.case import Case
from ocsp_pcap.explain.chains import UPSTREAM_LEAD, UPSTREAM_WINDOW
from ocsp_pcap.explain.grounds.claim import DoubtCode, Standing
from ocsp_pcap.explain.grounds.kinds import Received, Sent
from ocsp_pcap.explain.hellos import differ
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.spans import between, nearest, some
from ocsp_pcap.explain.visits import Visit
from ocsp_pcap.facts import OcspExchangeFact


def may_tunnel(question: Question, _: Sent | Received) -> Iterator[Standing]:
    """May this host only hand the connection on, so that it validates nothing?"""
    if question.presented_by == "client" or question.case.hellos.inner_leg(question.visit) is not None:
        return
    proxy = question.proxy
    if proxy is not None and proxy.intercepts is False and not proxy.validates_tunnels:
        yield Standing(
            "may-tunnel",
            f"{question.who} does not intercept, says the site file, so the TLS client is a host behind it",
            rival="not-intercepted",
        )
        return
    relays = question.asker.identity in question.case.hellos.relays
    if not (relays or question.asker.relayed or question.validator.role in ("child", "parent")):
        asked = question.case.once(_asked_through_a_proxy).get(question.asker.identity)
        if asked is not None:
            yield _tunnelled(
                question,
                f"{asked.client} asked through the proxy {asked.server} about a certificate that only "
                f"{question.who} was seen to receive: that may be the outer side of this proxy",
            )
        return
    lossy = relays and question.case.coverage.loss(question.visit.handshake.capture) is not None
    if lossy or not served(question):
        if relays:
            seen = "hands other connections on untouched"
        elif question.asker.relayed:
            seen = "hands on what hosts behind it ask"
        else:
            seen = "has a side that is not captured"
        yield _tunnelled(
            question, f"{question.who} {seen}, and may only tunnel this one for a client behind it"
        )


def _tunnelled(question: Question, words: str) -> Standing:
    if told_to_intercept(question):
        return intercepts_by_the_site(question, "may-tunnel")
    return Standing("may-tunnel", words)


def intercepts_by_the_site(question: Question, code: DoubtCode) -> Standing:
    """Return what takes a doubt away where the site file alone says that a proxy intercepts."""
    return Standing(code, f"{question.who} makes its own TLS connections", given=True)


def _asked_through_a_proxy(case: Case) -> dict[str, OcspExchangeFact]:
    """Return, by identity of the only host that received a certificate, a query of another host about that.

    Through a proxy of which no other address is known, so that the host may be its outer side.
    """
    clients = {case.identity(visit.handshake.client) for visit in case.visits}
    through = [
        exchange
        for exchange in case.exchanges
        if exchange.via_proxy and case.identity(exchange.server) not in clients
    ]
    holders: dict[str, list[str]] = defaultdict(list)
    for identity, host in case.hosts.items() if through else ():
        for sha256 in host.received:
            holders[sha256].append(identity)
    found: dict[str, OcspExchangeFact] = {}
    for exchange in through:
        for certificate in case.askers.certificates_meant(exchange):
            received = holders.get(certificate.sha256, [])
            if len(received) == 1 and received[0] != case.identity(exchange.client):
                found.setdefault(received[0], exchange)
    return found


def shown_to_intercept(question: Question) -> bool:
    """The site file or the inner leg show that a proxy makes its own TLS connections.

    That it asks about what it received does not: who only relays for one host behind it looks the same from
    outside.
    """
    return told_to_intercept(question) or served(question)


def told_to_intercept(question: Question) -> bool:
    """The site file says that a proxy makes its own TLS connections.

    That it has a CA does not: it may intercept some hosts, and tunnel others.
    """
    return question.proxy is not None and question.proxy.intercepts is True


def served(question: Question) -> bool:
    """The proxy makes this connection for a host behind it, and intercepts it."""
    return question.case.once(stands_for_another, question.visit)


def stands_for_another(case: Case, here: Visit) -> bool:
    """A visit behind this proxy stands beside this one, with a hello of its own: the proxy intercepts.

    Where several programs are behind the address, the one behind which it stands is the nearest.
    """
    if here.host is None:
        return False
    proxy, name = case.identity(here.handshake.client), here.host.lower()
    inner = case.visits_through.get((proxy, name), [])
    outer = case.host(here.handshake.client).visits_to.get(name, [])
    for visit in some(between(inner, here.time - UPSTREAM_WINDOW, here.time + UPSTREAM_LEAD), last=True):
        relayed = case.hellos.outer_leg(visit) is not None
        if relayed or not differ(visit.handshake.client_random, here.handshake.client_random):
            continue
        beside = between(outer, visit.time - UPSTREAM_LEAD, visit.time + UPSTREAM_WINDOW)
        leg = nearest(beside, visit.time) or here
        if leg.handshake.hello_fingerprint == here.handshake.hello_fingerprint:
            return True
    return False
