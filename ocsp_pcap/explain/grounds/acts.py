"""Doubts about who did something, and for what: another host, another handshake, another purpose."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.chains import UPSTREAM_LEAD, UPSTREAM_WINDOW
from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.grounds.claim import Standing
from ocsp_pcap.explain.grounds.kinds import Act, For, Received, Sent
from ocsp_pcap.explain.hellos import differ
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.responders import names_responder, responder_hosts
from ocsp_pcap.explain.roles import PROXIED
from ocsp_pcap.explain.spans import between
from ocsp_pcap.explain.visits import Query
from ocsp_pcap.explain.windows import span_words
from ocsp_pcap.facts import DnsLookupFact, TcpAttemptFact

REACTION: Final = 15 * SECOND
"""A validator starts to look for the responder within this time of the certificate."""
AT_ONCE: Final = 5 * SECOND
"""A query that follows within this time answers to the handshake, where no other is nearer."""
LATE: Final = 60 * SECOND
"""What is asked later than this may have another occasion, which the capture need not show."""
MOST_AT_ONCE: Final = 256
"""Handshakes within one span that are looked at; more would not make it surer."""


def other_asker(question: Question, ground: Sent) -> Iterator[Standing]:
    """Could another host have sent this?"""
    act, asker = ground.act, question.asker
    if isinstance(act, Query):
        sender, here = act.exchange.client, question.validator.address
        if act.credit.relayed:
            yield Standing("other-asker", f"{sender} sent the query, for another host: {act.credit.why}")
        elif sender != here and not _one_host_for_certain(question, sender):
            yield Standing(
                "other-asker",
                f"the query came from {sender}, and that this is the same host as {here} is only inferred",
            )
        elif (around := question.case.askers.asked_around(act.exchange)) is not None:
            yield Standing(
                "other-asker",
                f"{around.client} asked the same responder for the same just before and got its answer just "
                f"after: {sender} may have handed that on",
            )
        elif question.presented_by == "server" and _both_sides(question):
            yield Standing(
                "other-asker",
                f"{here} received two certificates for this host at that moment: a proxy may go on under the "
                "address of its client",
            )
    if isinstance(act, Query) and (proxy := _unplaced_proxy(question, act)) is not None:
        yield Standing(
            "other-asker",
            f"others tunnel through {proxy}, whose own connections are not known by their address: this may "
            "be one",
        )
    ttl = _ttl(act)
    seen = question.visit.handshake.client_ttl if question.presented_by == "server" else None
    if ttl is not None and seen is not None and ttl != seen:
        yield Standing(
            "other-asker",
            f"its IP packets arrived with a TTL of {ttl}, those of the handshake with {seen}: two hosts may "
            "share the address",
        )
    if isinstance(act, Query) and question.presented_by == "server" and _other_stack(question, act):
        yield Standing(
            "other-asker",
            f"{len(asker.stacks)} different TLS programs are seen behind {question.validator.address}, and "
            "which of them asked is not told",
        )
    elif isinstance(act, Query) and question.presented_by == "server" and _other_program(question, act):
        yield Standing(
            "other-asker",
            f"queries from {question.validator.address} name different software (User-Agent): another "
            "program behind the address may hold this answer",
        )


def _both_sides(question: Question) -> bool:
    """The address got certificates of two issuers for one host at that moment: it is reflected."""
    case, here = question.case, question.visit
    chain = case.chain(here.handshake)
    if here.host is None or not chain or case.hellos.inner_leg(here) is not None:
        return False
    visits = question.asker.visits_to.get(here.host.lower(), [])
    return any(
        shown[0].issuer != chain[0].issuer and visit.handshake.server_random != here.handshake.server_random
        for visit in between(visits, here.time - AT_ONCE, here.time + AT_ONCE)[:MOST_AT_ONCE]
        if (shown := case.chain(visit.handshake))
    )


def _unplaced_proxy(question: Question, query: Query) -> str | None:
    """Return a proxy that may be the sender of a query, as whose own address nothing is known."""
    case, visit = question.case, question.visit
    if not case.unplaced_proxies or question.validator.role != "unknown":
        return None
    own = {case.identity(v.handshake.server) for v in question.asker.visits if v.handshake.tunnel in PROXIED}
    others = sorted(case.unplaced_proxies - own - {question.asker.identity})
    names = {visit.host, visit.handshake.server}
    for proxy in others:
        behind = (v for v in case.visits if case.identity(v.handshake.server) == proxy)
        same = any({v.host, v.handshake.connect_host} & names for v in behind)
        if same or case.coverage.loss(query.exchange.capture) is not None:
            return proxy
    return None


def _one_host_for_certain(question: Question, sender: str) -> bool:
    proxy = question.case.site.proxy_at(question.validator.address)
    return proxy is not None and sender in proxy.addresses


def _ttl(act: Act) -> int | None:
    return act.exchange.client_ttl if isinstance(act, Query) else act.client_ttl


def _other_stack(question: Question, query: Query) -> bool:
    """Several TLS programs are behind the validator's address, and another than this one may have asked.

    Who received the certificate shortly before it was asked about tells, and else the name by which the query
    calls its software, where every handshake that a query of this name followed is of one program.
    """
    asker = question.asker
    if len(asker.stacks) < 2 or shown_to_intercept(question):
        return False
    own = question.visit.handshake.hello_fingerprint
    if own is None or question.validator.role in ("child", "parent"):
        return True
    assert question.certificate is not None
    received = asker.received.get(question.certificate.sha256, [])
    near = {visit.handshake.hello_fingerprint for visit in between(received, query.time - LATE, query.time)}
    if near:
        return near != {own}
    agent = query.exchange.user_agent
    return agent is None or asker.stacks_of_agent.get(agent) != {own}


def _other_program(question: Question, query: Query) -> bool:
    """The answer came before this handshake, and queries of several names leave open who holds it."""
    asker, agent = question.asker, query.exchange.user_agent
    if query.time >= question.visit.time or len(asker.stacks) > 1 or shown_to_intercept(question):
        return False
    return any(agent != other for other in asker.agents)


def hidden_rival(question: Question, ground: For) -> Iterator[Standing]:
    """Is there a handshake whose certificate cannot be seen that would explain this as well?"""
    act, case = ground.act, question.case
    if question.presented_by == "client":
        return
    if isinstance(act, Query):
        time, name = act.time, question.certificate_names
        near = between(question.asker.hidden, max(question.visit.time, time - REACTION), time)
        rivals = [
            visit
            for visit in near
            if visit.host is None or visit.outer_name_only or visit.host.lower() in name
        ]
    else:
        time = case.moment(act)
        rivals = list(between(question.asker.hidden, time - REACTION, time))
        responders = {host for host, _, _ in question.responders}
        rivals = [visit for visit in rivals if (visit.host or "").lower() not in responders]
    if rivals:
        nearest = rivals[-1]
        yield Standing(
            "hidden-rival",
            f"a handshake with {nearest.host or nearest.handshake.server} shortly before hides its "
            "certificate, which may be what this was for",
            (nearest.evidence("handshake whose certificate cannot be seen"),),
        )


def other_purpose(question: Question, ground: For) -> Iterator[Standing]:
    """Could it have been for something else: another handshake or certificate, a CRL, a shared address?"""
    act = ground.act
    if _before_certificate(question, act):
        yield Standing(
            "other-purpose",
            "it was there before this certificate came, so another handshake may have caused it",
        )
    if isinstance(act, Query):
        yield from _another_occasion(question, act)
    else:
        yield from _another_errand(question, act)


def _before_certificate(question: Question, act: Act) -> bool:
    """The handshake had begun, but the certificate stands only after this in the same capture."""
    handshake, fact = question.visit.handshake, act.exchange if isinstance(act, Query) else act
    shown, sent = handshake.frames.certificate, fact.frames.request
    if (
        question.presented_by == "client"
        or shown is None
        or sent is None
        or fact.capture != handshake.capture
    ):
        return False
    return sent < shown and handshake.time <= fact.time <= (handshake.end_time or handshake.time)


def _another_occasion(question: Question, query: Query) -> Iterator[Standing]:
    visit, case = question.visit, question.case
    gap = query.time - visit.time
    covered = gap > AT_ONCE and any(
        (window := case.window(earlier, question.proxy)) is not None and visit.time <= window.end
        for earlier in between(question.queries, 0, visit.time - 1)
    )
    if gap > LATE or covered:
        yield Standing(
            "other-purpose",
            f"the query came {span_words(gap)} after this handshake: another one, which the capture does not "
            "show, may have caused it",
        )


def _another_errand(question: Question, act: DnsLookupFact | TcpAttemptFact) -> Iterator[Standing]:
    """A lookup or connection may be for a CRL, an issuer's certificate, another certificate, another name."""
    case, certificate = question.case, question.certificate
    assert certificate is not None
    host = responder_of(question, act)
    chain = case.chain(question.visit.handshake)
    if any(host == name for known in chain for name, _, _ in responder_hosts(known.crl_urls)):
        yield Standing("other-purpose", f"{host} serves CRLs, too: it may have been for one of those")
    elif any(host == name for known in chain for name, _, _ in responder_hosts(known.ca_issuers_urls)):
        yield Standing(
            "other-purpose", f"{host} serves issuer certificates, too: it may have been for one of those"
        )
    held = _at_hand(question)
    if held is not None:
        yield Standing(
            "other-purpose", f"an answer was at hand already ({held}): it may have been for something else"
        )
    time = case.moment(act)
    for visit in between(question.asker.visits, time - REACTION, time)[-MOST_AT_ONCE:]:
        others = [other for other in case.chain(visit.handshake) if other is not certificate]
        if any(names_responder(other, host) for other in others):
            yield Standing(
                "other-purpose",
                f"another certificate received at that time names the responder {host}, too",
                rival=held,
            )
            break
    if isinstance(act, TcpAttemptFact) and act.host is None:
        yield from _shared_address(question, act, host, time)


def _passes_by(question: Question, act: DnsLookupFact | TcpAttemptFact) -> bool:
    """The site file names a forwarding host, and this was neither for its name nor sent to it."""
    proxy = question.proxy
    if proxy is None or proxy.forwarding_host is None:
        return False
    name = proxy.forwarding_host.rpartition(":")[0].lower()
    if isinstance(act, DnsLookupFact):
        return act.name.rstrip(".").lower() not in question.asker.aliases_of(name)
    return act.server != name and act.server not in question.asker.addresses_of(name)


def _shared_address(question: Question, attempt: TcpAttemptFact, host: str, time: int) -> Iterator[Standing]:
    asker = question.asker
    if attempt.server == host:
        return
    names = asker.names_of.get(attempt.server, set()) - asker.aliases_of(host) - {host}
    if names:
        yield Standing(
            "other-purpose",
            f"{attempt.server} is also the address of {sorted(names)[0]}: it may have been for that",
        )
        return
    lookups = between(asker.lookups.get(host, []), time - LATE, time, question.case.moment)
    if not lookups:
        yield Standing(
            "other-purpose",
            f"{host} was not looked up just before: other names may have the address {attempt.server}, too",
        )


def responder_of(question: Question, act: DnsLookupFact | TcpAttemptFact) -> str:
    """Return the responder of the certificate that a lookup or connection was for, as it seems."""
    hosts = [host for host, _, _ in question.responders]
    if isinstance(act, DnsLookupFact):
        name = act.name.rstrip(".").lower()
        return next((host for host in hosts if name in question.asker.aliases_of(host)), name)
    if act.host is not None:
        return act.host.rstrip(".").lower()
    known = question.asker
    return next(
        (host for host in hosts if act.server == host or act.server in known.addresses_of(host)), act.server
    )


def _at_hand(question: Question) -> str | None:
    """Return the cause that spares the validator a query: a staple, or an earlier answer."""
    assert question.certificate is not None
    if question.case.staple_for(question.visit, question.certificate) is not None:
        return "stapled"
    windows = (question.case.window(query, question.proxy) for query in question.queries)
    held = any(window is not None and window.end >= question.visit.time for window in windows)
    return "cached" if held else None


def told_otherwise(question: Question, ground: Sent) -> Iterator[Standing]:
    """Does the site file say that this validator sends no such thing?"""
    act, proxy = ground.act, question.proxy
    if proxy is not None and proxy.ocsp is False:
        yield Standing(
            "told-otherwise",
            "the site file says that OCSP is off there: it is out of date, or this was handed on for another "
            "host",
        )
    elif not isinstance(act, Query) and _passes_by(question, act):
        yield Standing(
            "told-otherwise",
            f"queries go through the forwarding host {proxy and proxy.forwarding_host}, says the site file, "
            "and this went past it",
        )


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
        return
    if not shown_to_intercept(question):
        if relays:
            seen = "hands other connections on untouched"
        elif question.asker.relayed:
            seen = "hands on what hosts behind it ask"
        else:
            seen = "has a side that is not captured"
        yield Standing(
            "may-tunnel", f"{question.who} {seen}, and may only tunnel this one for a client behind it"
        )


def shown_to_intercept(question: Question) -> bool:
    """The site file or the inner leg show that a proxy makes its own TLS connections.

    That it asks about what it received does not: who only relays for one host behind it looks the same from
    outside.
    """
    proxy = question.proxy
    if proxy is not None and proxy.intercepts is not False and (proxy.intercepts or proxy.ca):
        return True
    return served(question)


def served(question: Question) -> bool:
    """A visit behind this proxy stands beside this one, with a hello of its own: the proxy intercepts."""
    case, here = question.case, question.visit
    if here.host is None:
        return False
    visits = case.visits_through.get((question.asker.identity, here.host.lower()), [])
    return any(
        differ(visit.handshake.client_random, here.handshake.client_random)
        for visit in between(visits, here.time - UPSTREAM_WINDOW, here.time + UPSTREAM_LEAD)
    )
