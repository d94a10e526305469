"""Rules about queries that never came to be: no name, no connection, or a connection nobody can read."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Final, TypeVar

from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.lookups import addresses
from ocsp_pcap.explain.model import Confidence, Evidence
from ocsp_pcap.explain.responders import names_responder, responder_hosts
from ocsp_pcap.explain.rules.aftermath import with_aftermath
from ocsp_pcap.explain.rules.answer import Answer, Question
from ocsp_pcap.explain.rules.doubt import loss, rest_of_capture
from ocsp_pcap.explain.spans import between
from ocsp_pcap.explain.visits import Visit
from ocsp_pcap.facts import DnsLookupFact, TcpAttemptFact

Dated = TypeVar("Dated", DnsLookupFact, TcpAttemptFact)

REACTION = 15 * SECOND
"""A validator starts to look for the responder within this time of the certificate."""
MOST_AT_ONCE: Final = 256
"""Handshakes, lookups and attempts within that time that are looked at; more would not make it surer."""
ROUND_TRIP = 3 * SECOND
"""A SYN is answered within this time, if at all."""


def dns_failed(question: Question) -> Answer | None:
    """The responder's name did not resolve (RFC 1035 4.1.1), so no query could be sent."""
    if not question.eligible or question.own_queries:
        return None
    assert question.certificate is not None
    failures: list[tuple[str, str, list[DnsLookupFact]]] = []
    unfinished = False
    for host, _, url in responder_hosts(question.certificate.ocsp_urls):
        lookups = soon_after(question, question.case.lookups_by.get((question.identity, host), []))
        # A truncated answer says nothing yet: the client asks again over TCP (RFC 7766 5).
        unfinished = unfinished or any(lookup.truncated for lookup in lookups)
        lookups = [lookup for lookup in lookups if not lookup.truncated]
        if any(addresses(lookup) for lookup in lookups):
            return None
        if lookups:
            failures.append((host, url, lookups))
    if not failures:
        return None
    host, url, lookups = failures[0]
    reason, confidence = _failed_lookup(question, lookups)
    over_tcp = any(lookup.transport == "tcp" for lookup in lookups)
    if unfinished and confidence == "confirmed" and not (over_tcp or _nameless(lookups)):
        confidence = "likely"
    answer = Answer(
        "dns-failed",
        _unless_for_another(question, host, lookups[-1], confidence),
        f"{question.who} looked up the responder {host}: {reason}, so no query could be sent",
        (
            question.visit.evidence(f"certificate of {question.host}, responder {url}"),
            *(_lookup_evidence(lookup) for lookup in lookups[-4:]),
        ),
        responder=url,
    )
    return with_aftermath(question, answer, question.case.clock(lookups[-1].capture, lookups[-1].time))


def _failed_lookup(question: Question, lookups: Sequence[DnsLookupFact]) -> tuple[str, Confidence]:
    """Say what came of lookups that brought no address, and how sure it is that there was none."""
    errors = [lookup for lookup in lookups if lookup.rcode not in (None, "NOERROR")]
    if _nameless(lookups):
        return "the DNS server answered NXDOMAIN", "confirmed"
    asked = {lookup.type for lookup in lookups}
    unanswered = {lookup.type for lookup in lookups if lookup.rcode is None} & {"A", "AAAA"}
    # An address of the other family may be known already, and need no lookup; IPv4 rarely goes unasked.
    confidence: Confidence = "confirmed" if "A" in asked and not unanswered else "likely"
    if errors:
        return f"the DNS server answered {errors[-1].rcode}", confidence
    if any(lookup.rcode == "NOERROR" for lookup in lookups):
        return "the answer holds no address", confidence
    return "no answer came from the DNS server", _quiet_confidence(question, lookups[-1])


def _nameless(lookups: Sequence[DnsLookupFact]) -> bool:
    """There is nothing at this name, whatever type was asked for (RFC 8020)."""
    return any(lookup.rcode == "NXDOMAIN" for lookup in lookups)


def _quiet_confidence(question: Question, lookup: DnsLookupFact) -> Confidence:
    """The answer may have been lost, or come another way, even where others were captured."""
    capture = question.case.captures.get(lookup.capture)
    cut_short = rest_of_capture(capture, lookup.time) < REACTION
    return "possible" if cut_short or loss(question.case, lookup.capture) else "likely"


def _unless_for_another(
    question: Question, host: str, fact: DnsLookupFact | TcpAttemptFact, confidence: Confidence
) -> Confidence:
    """Weaken a claim where the validator may have looked for the responder for another certificate's sake.

    Certificates of one CA share a responder, the leaf and its issuer among them: an answer for this
    one may have been at hand, and only that for the other one missing.
    """
    case, own = question.case, question.certificate
    time = case.clock(fact.capture, fact.time)
    visits = between(case.visits_by.get((question.identity, host), []), time - REACTION, time)
    for_another = any(
        certificate is not own and names_responder(certificate, host)
        for visit in visits[-MOST_AT_ONCE:]
        for certificate in case.chain(visit.handshake)
    )
    if not for_another or confidence == "possible":
        return confidence
    return "possible" if _at_hand(question) else "likely"


def _at_hand(question: Question) -> bool:
    """A staple, or an answer from before, spares the validator a query for this certificate."""
    if question.certificate is None:
        return False
    staple = question.case.staple_for(question.visit, question.certificate)
    held = (question.case.window_end(query, question.proxy) or 0 for query in question.queries)
    return staple is not None or any(end >= question.visit.time for end in held)


def _lookup_evidence(lookup: DnsLookupFact) -> Evidence:
    answer = ", ".join(lookup.answers[:4]) or lookup.rcode or "no answer"
    frame = lookup.frames.response or lookup.frames.request
    return Evidence(lookup.capture, frame, None, f"DNS {lookup.type} {lookup.name}: {answer}")


def responder_unreachable(question: Question) -> Answer | None:
    """TCP to the responder was unanswered, refused or reset (RFC 9293 3.10)."""
    if not question.eligible or question.own_queries:
        return None
    assert question.certificate is not None
    tried: list[tuple[str, str, list[TcpAttemptFact]]] = []
    for host, port, url in responder_hosts(question.certificate.ocsp_urls):
        attempts = _attempts(question, host, port)
        if any(attempt.outcome == "established" for attempt in attempts):
            return None
        if attempts:
            tried.append((host, url, attempts))
    if not tried:
        return None
    host, url, attempts = tried[0]
    last = attempts[-1]
    words = {
        "refused": "the connection was refused",
        "reset": "the connection was reset",
        "unanswered": "nobody answered",
    }[last.outcome]
    confidence: Confidence = "confirmed"
    if len(tried) > 1 or _untried(question, host, attempts) or _shared_address(question, host, attempts):
        confidence = "likely"
    if last.outcome == "reset":
        # It was opened before: which side gave it up is not told.
        confidence = "likely"
    silent = [attempt for attempt in attempts if attempt.outcome == "unanswered"]
    if silent and any(_answer_may_be_missing(question, attempt) for attempt in silent):
        confidence = "likely"
    answer = Answer(
        "responder-unreachable",
        _unless_for_another(question, host, last, confidence),
        f"{question.who} tried to connect to the responder {host} ({last.server}): {words}",
        (
            question.visit.evidence(f"certificate of {question.host}, responder {url}"),
            *(
                Evidence(
                    attempt.capture,
                    attempt.frames.request,
                    attempt.stream,
                    f"SYN to {attempt.server} port {attempt.server_port}: {attempt.outcome}"
                    + (f", sent {attempt.attempts} times" if attempt.attempts > 1 else ""),
                )
                for attempt in attempts[-4:]
            ),
        ),
        responder=url,
    )
    return with_aftermath(question, answer, question.case.clock(last.capture, last.time))


def _answer_may_be_missing(question: Question, attempt: TcpAttemptFact) -> bool:
    """A SYN seems unanswered, and the capture may just not hold the answer."""
    case = question.case
    if loss(case, attempt.capture) is not None:
        return True
    if rest_of_capture(case.captures.get(attempt.capture), attempt.time) < ROUND_TRIP:
        return True
    # Something that others sent to this host must be there, or its side may not have been captured.
    return not any(
        visit.handshake.capture == attempt.capture
        and case.identity(visit.handshake.client) == question.identity
        and visit.handshake.frames.server_hello is not None
        for visit in chain((question.visit,), case.visits_by_client.get(question.identity, ()))
    )


def _untried(question: Question, host: str, attempts: list[TcpAttemptFact]) -> bool:
    """DNS gave the responder addresses to which no attempt was seen."""
    lookups = soon_after(question, question.case.lookups_by.get((question.identity, host), []))
    known = {address for lookup in lookups for address in addresses(lookup)}
    return bool(known - {attempt.server for attempt in attempts})


def _shared_address(question: Question, host: str, attempts: list[TcpAttemptFact]) -> bool:
    """Other names, too, resolved to the address that was tried, or nothing shows that this one did."""
    case = question.case
    tried = {attempt.server for attempt in attempts} - {host}
    names = {name for address in tried for name in case.names_of.get((question.identity, address), ())}
    # The targets of an alias are the responder's own names.
    return bool(names - case.aliases_of.get((question.identity, host), set()) - {host})


def _attempts(question: Question, host: str, port: int) -> list[TcpAttemptFact]:
    """Attempts of the validator, soon after this handshake, to reach the responder."""
    case = question.case
    attempts = [
        attempt
        for address in {host} | case.addresses_of.get((question.identity, host), set())
        for attempt in soon_after(question, case.attempts_by.get((question.identity, address), []))
        if attempt.server_port == port
    ]
    return sorted(attempts, key=lambda attempt: attempt.time)


def soon_after(question: Question, facts: Sequence[Dated]) -> Sequence[Dated]:
    """Return those of some facts, by time, that lie soon after the handshake."""
    time = question.visit.time
    return between(facts, time, time + REACTION, question.case.moment)[:MOST_AT_ONCE]


def ocsp_over_tls(question: Question) -> Answer | None:
    """The responder was contacted over TLS, or through a tunnel, that cannot be read."""
    if not question.eligible or question.own_queries:
        return None
    assert question.certificate is not None
    for host, port, url in responder_hosts(question.certificate.ocsp_urls):
        visit = _tls_to(question, host, port)
        if visit is None:
            continue
        return Answer(
            "ocsp-over-tls",
            "likely" if url.lower().startswith("https:") else "possible",
            f"{question.who} opened a TLS connection to the responder {host}; its content is encrypted",
            (
                question.visit.evidence(f"certificate of {question.host}, responder {url}"),
                visit.evidence(f"TLS connection to {host}"),
            ),
            responder=url,
        )
    return None


def reached_out(question: Question) -> bool:
    """The validator looked for a responder of this certificate right after the handshake.

    Hosts that serve CRLs, too, do not count: it may have been after one of those.
    """
    if question.certificate is None:
        return False
    lists = {host for host, _, _ in responder_hosts(question.certificate.crl_urls)}
    return any(
        soon_after(question, question.case.lookups_by.get((question.identity, host), []))
        or _attempts(question, host, port)
        for host, port, _ in responder_hosts(question.certificate.ocsp_urls)
        if host not in lists
    )


def looked_up_only(question: Question, host: str, port: int) -> DnsLookupFact | None:
    """Return a lookup of a responder, soon after the handshake, that no connection to it followed.

    Hosts that serve CRLs, too, do not count.
    """
    certificate = question.certificate
    lists = responder_hosts(certificate.crl_urls if certificate is not None else ())
    if any(host == name for name, _, _ in lists):
        return None
    lookups = soon_after(question, question.case.lookups_by.get((question.identity, host), []))
    found = next((lookup for lookup in lookups if addresses(lookup)), None)
    if found is None or _attempts(question, host, port) or _tls_to(question, host, port) is not None:
        return None
    return found


def tried_in_vain(question: Question, host: str, port: int) -> bool:
    """It opened a connection to a responder soon after the handshake, and nothing readable came of it."""
    spoken = question.case.http_streams
    return any((a.capture, a.stream) not in spoken for a in _attempts(question, host, port))


def _tls_to(question: Question, host: str, port: int) -> Visit | None:
    """Return the TLS connection that the validator opened to a responder soon after this handshake.

    It is known by its name (SNI, CONNECT), or by the address that DNS gave for the responder.
    """
    case, begin = question.case, question.visit.time
    visits = case.visits_to.get((question.identity, host), [])
    candidates = list(between(visits, begin, begin + REACTION))
    for attempt in _attempts(question, host, port):
        opened = case.by_stream.get((attempt.capture, attempt.stream))
        if attempt.outcome == "established" and opened is not None:
            candidates.append(opened)
    for visit in candidates:
        handshake = visit.handshake
        if visit is question.visit or not 0 <= visit.time - begin <= REACTION or handshake.decrypted:
            continue
        if case.identity(handshake.client) == question.identity:
            return visit
    return None
