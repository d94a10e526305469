"""Doubts about who sent something: another host, another program behind the address."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from ocsp_pcap.explain.case import Case
from ocsp_pcap.explain.grounds.claim import Standing
from ocsp_pcap.explain.grounds.kinds import Act, Sent
from ocsp_pcap.explain.grounds.purposes import (
    like_hidden,
    may_have_shown,
    may_lack_handshakes,
    responder_of,
    unprompted,
)
from ocsp_pcap.explain.grounds.tunnels import (
    intercepts_by_the_site,
    served,
    stands_for_another,
    told_to_intercept,
)
from ocsp_pcap.explain.hosts import Host
from ocsp_pcap.explain.intervals import AT_ONCE, LATE, REACTION
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.responders import names_responder
from ocsp_pcap.explain.roles import PROXIED
from ocsp_pcap.explain.spans import Runs, between, some
from ocsp_pcap.explain.visits import Query, Visit
from ocsp_pcap.facts import DnsLookupFact, TcpAttemptFact


def other_asker(question: Question, ground: Sent) -> Iterator[Standing]:
    """Could another host have sent this?"""
    act = ground.act
    reasons = [*_sent_by_another(question, act)] if isinstance(act, Query) else []
    if question.presented_by == "server":
        # The validator of what a client presents is a server, whose own packets are not those of the hello.
        reasons += _other_hop_limit(question, act)
        programs = [*_other_program(question, act)]
        if programs and told_to_intercept(question):
            yield intercepts_by_the_site(question, "other-asker")
        else:
            reasons += programs
    for why in reasons:
        yield Standing("other-asker", why)
    if isinstance(act, Query) and not reasons:
        sender, here = act.exchange.client, question.validator.address
        if sender != here and not act.credit.relayed:
            yield Standing("other-asker", f"{sender} and {here} are one host", given=True)


def _sent_by_another(question: Question, query: Query) -> Iterator[str]:
    """Say why the sender of a query may not be the validator, or not the one who asked."""
    sender, here = query.exchange.client, question.validator.address
    if query.credit.relayed:
        yield f"{sender} sent the query, for another host: {query.credit.why}"
    elif sender != here and not _one_host_for_certain(question, sender):
        yield f"the query came from {sender}, and that this is the same host as {here} is only inferred"
    elif (around := question.case.askers.asked_around(query.exchange)) is not None:
        whom = around.server if around.via_proxy else "the same responder"
        yield (
            f"{around.client} asked {whom} for the same just before and got its answer just after: {sender} "
            "may have handed that on"
        )
    elif question.presented_by == "server" and _both_sides(question):
        yield (
            f"{here} received two certificates for this host at that moment: a proxy may go on under the "
            "address of its client"
        )
    if _held_by_another(question, query):
        yield (
            f"{here} had an answer already that was still good, and received the certificate twice shortly "
            "before: the query may be that of another host behind this address"
        )
    if (proxy := _unplaced_proxy(question, query)) is not None:
        yield (
            f"others tunnel through {proxy}, whose own connections are not known by their address: this may "
            "be one"
        )


def _other_hop_limit(question: Question, act: Act) -> Iterator[str]:
    """Say how the TTL of packets tells that several hosts share the validator's address."""
    ttl, seen = _ttl(act), question.visit.handshake.client_ttl
    if ttl is None and len(question.asker.hop_limits) > 1:
        yield (
            f"packets from {question.validator.address} arrive with different TTLs: several hosts may share "
            "it, and the TTL of this one's packets is not known"
        )
    elif ttl is not None and seen is not None and ttl != seen:
        yield (
            f"its IP packets arrived with a TTL of {ttl}, those of the handshake with {seen}: two hosts may "
            "share the address"
        )


def _other_program(question: Question, act: Act) -> Iterator[str]:
    """Say why another of the programs behind the validator's address may have sent this."""
    here = question.validator.address
    programs = f"{len(question.asker.stacks)} different TLS programs are seen behind {here}"
    if not isinstance(act, Query):
        if _other_seeker(question, act):
            yield f"{programs}, and more than one of them had reason to look for the responder just before"
    elif _other_stack(question, act):
        yield f"{programs}, and nothing shows which of them asked"
    elif _other_agent(question, act):
        yield (
            f"queries from {here} name different software (User-Agent): another program behind the address "
            "may hold this answer"
        )
    elif _other_stack_lost(question, act):
        yield (
            f"{programs}, packets are missing, and one of the others may have had a handshake that is not in "
            "the capture"
        )


def _both_sides(question: Question) -> bool:
    """The address got certificates of two issuers for one host at that moment: it is reflected."""
    case, here = question.case, question.visit
    chain = case.chain(here.handshake)
    if here.host is None or not chain or case.hellos.inner_leg(here) is not None:
        return False
    shown = case.once(_shown_by, question.asker, here.host.lower())
    return any(
        visit.handshake.server_random != here.handshake.server_random
        for visit in shown.others(chain[0].issuer, here.time - AT_ONCE, here.time + AT_ONCE)
    )


def _shown_by(case: Case, asker: Host, name: str) -> Runs[Visit]:
    """Return the visits of a host to another one that showed a certificate, by its issuer."""
    visits = [visit for visit in asker.visits_to.get(name, ()) if case.chain(visit.handshake)]
    return Runs(visits, lambda visit: case.chain(visit.handshake)[0].issuer)


def _held_by_another(question: Question, query: Query) -> bool:
    """An answer still covered this handshake, and an earlier one, which may be another host's, has no query.

    One host may do so, too: without a cache, it may let two connections wait for one answer.
    """
    asker, certificate, here = question.asker, question.certificate, question.visit
    assert certificate is not None
    if query.time < here.time or question.presented_by == "client":
        return False
    span = (query.time - AT_ONCE, here.time)
    unasked = between(question.case.once(_unasked, asker, certificate.sha256), *span)
    if all(visit is here for visit in unasked[-2:]) and not between(like_hidden(question), *span):
        return False
    held = (
        question.case.window(earlier, question.proxy) for earlier in between(question.queries, 0, here.time)
    )
    return any(window is not None and window.end >= query.time for window in held)


def _unasked(_: Case, asker: Host, sha256: str) -> list[Visit]:
    """Return the visits of a host that showed a certificate, and that no query about it followed."""
    received = asker.received.get(sha256, ())
    return [visit for visit in received if not asker.triggered.get((sha256, id(visit)))]


def _unplaced_proxy(question: Question, query: Query) -> str | None:
    """Return a proxy that may be the sender of a query, as whose own address nothing is known."""
    case, visit = question.case, question.visit
    if not case.unplaced_proxies or question.validator.role != "unknown":
        return None
    own = {case.identity(v.handshake.server) for v in question.asker.visits if v.handshake.tunnel in PROXIED}
    others = sorted(case.unplaced_proxies - own - {question.asker.identity})
    names = {visit.host, visit.handshake.server}
    for proxy in others:
        if case.names_behind[proxy] & names or case.coverage.loss(query.exchange.capture) is not None:
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
    if len(asker.stacks) < 2:
        return False
    own = question.visit.handshake.hello_fingerprint
    assert question.certificate is not None
    received = asker.received.get(question.certificate.sha256, [])
    near = [
        *between(received, query.time - LATE, query.time),
        *(
            visit
            for visit in between(asker.hidden, query.time - LATE, query.time)
            if may_have_shown(question, visit)
        ),
    ]
    if served(question):
        # What a proxy makes for hosts behind it is its own, whatever it looks like.
        near = [visit for visit in near if not question.case.once(stands_for_another, visit)]
        return any(visit.handshake.hello_fingerprint != own for visit in near)
    if own is None or question.validator.role in ("child", "parent"):
        return True
    agent = query.exchange.user_agent
    if agent is not None and len(asker.stacks_of_agent.get(agent, set()) - {None}) > 1:
        return True
    if near and asker.identity not in question.case.once(unprompted):
        return {visit.handshake.hello_fingerprint for visit in near} != {own}
    return agent is None or asker.stacks_of_agent.get(agent) != {own}


def _other_stack_lost(question: Question, query: Query) -> bool:
    """Another program behind the address may have asked, and its handshake may be among what is missing.

    Unless this one is seen to ask at another time, too, and no other does so by the same User-Agent.
    """
    asker, case = question.asker, question.case
    if len(asker.stacks) < 2 or served(question) or not may_lack_handshakes(question):
        return False
    own = question.visit.handshake.hello_fingerprint
    asked = case.once(_stacks_that_asked, asker).get(query.exchange.user_agent, {})
    return any(stack != own or queries <= {id(query.exchange)} for stack, queries in asked.items())


def _stacks_that_asked(_: Case, asker: Host) -> dict[str | None, dict[str | None, set[int]]]:
    """Return by User-Agent, then by TLS program, the ids of the queries that followed its handshakes."""
    index: dict[str | None, dict[str | None, set[int]]] = defaultdict(lambda: defaultdict(set))
    for visit in asker.visits:
        for sha256 in visit.handshake.certificates:
            for query in asker.triggered.get((sha256, id(visit)), ()):
                exchange, stack = query.exchange, visit.handshake.hello_fingerprint
                index[exchange.user_agent][stack].add(id(exchange))
    return index


def _other_seeker(question: Question, act: DnsLookupFact | TcpAttemptFact) -> bool:
    """Another program behind the address received a certificate that may name this responder, just before."""
    asker, case = question.asker, question.case
    if len(asker.stacks) < 2:
        return False
    own, time, responder = (
        question.visit.handshake.hello_fingerprint,
        case.moment(act),
        responder_of(question, act),
    )
    for visit in some(between(asker.visits, time - REACTION, time), last=True):
        if visit.handshake.hello_fingerprint == own or case.once(stands_for_another, visit):
            continue
        named = any(names_responder(known, responder) for known in case.chain(visit.handshake))
        if named or visit.hides_certificate:
            return True
    return False


def _other_agent(question: Question, query: Query) -> bool:
    """The answer came before this handshake, and queries of several names leave open who holds it."""
    asker, agent = question.asker, query.exchange.user_agent
    if query.time >= question.visit.time or len(asker.stacks) > 1 or served(question):
        return False
    return any(agent != other for other in asker.agents)


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


def _passes_by(question: Question, act: DnsLookupFact | TcpAttemptFact) -> bool:
    """The site file names a forwarding host, and this was neither for its name nor sent to it."""
    proxy = question.proxy
    if proxy is None or proxy.forwarding_host is None:
        return False
    name = proxy.forwarding_host.rpartition(":")[0].lower()
    if isinstance(act, DnsLookupFact):
        return act.name.rstrip(".").lower() not in question.asker.aliases_of(name)
    return act.server != name and act.server not in question.asker.addresses_of(name)
