"""Doubts about messages and what they mean: lost or disputed bytes, trust, clocks, word against word."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.bounds import reached
from ocsp_pcap.explain.clocks import SECOND, TOLERANCE, UNKNOWN_CLOCKS
from ocsp_pcap.explain.grounds.claim import Standing
from ocsp_pcap.explain.grounds.kinds import After, Genuine, Held, Means, Read, Saw, Told, Traced
from ocsp_pcap.explain.grounds.tunnels import intercepts_by_the_site, told_to_intercept
from ocsp_pcap.explain.intervals import TRACE_TOLERANCE
from ocsp_pcap.explain.making import genuine_for_certain, made_by_proxy_signs
from ocsp_pcap.explain.matching import Match
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.responders import responder_hosts
from ocsp_pcap.explain.saying import contradicted, shows_ocsp
from ocsp_pcap.explain.seeking import tls_to, tried
from ocsp_pcap.explain.site import Proxy
from ocsp_pcap.explain.spans import between
from ocsp_pcap.explain.visits import Visit
from ocsp_pcap.explain.windows import span_words
from ocsp_pcap.facts import HandshakeFact, OcspExchangeFact, ResponseFact

REVOCATION_ALERTS: Final = ("certificate_revoked", "bad_certificate_status_response")
"""Alerts (RFC 8446 6.2) of a validator that did judge the revocation status."""
VERY_OLD: Final = 10 * 86_400 * SECOND
"""No answer about a TLS server's certificate may be good for longer (Baseline Requirements 4.9.10)."""


def packets_lost(question: Question, ground: Saw) -> Iterator[Standing]:
    """Are bytes missing where the message would stand?"""
    fact, part = ground.fact, ground.part
    if isinstance(fact, HandshakeFact):
        hello = fact.frames.client_hello is None or fact.client_hello_cut
        if part in ("server-hello", "hellos") and (hello or fact.server_hello_cut):
            which = "ClientHello" if hello else "ServerHello"
            yield Standing("packets-lost", f"the {which} is not in the capture as a whole")
        elif part in ("staple", "end") and fact.missing_bytes:
            yield Standing(
                "packets-lost", f"{fact.missing_bytes} bytes of the handshake are not in the capture"
            )
        elif part == "end" and (reason := question.case.coverage.loss(fact.capture)):
            yield Standing("packets-lost", reason)
    elif fact.frames.request is None:
        yield Standing("packets-lost", "the request itself is not in the capture")
    elif fact.frames.response is None:
        yield Standing("packets-lost", "the answer is not in the capture")
    elif fact.missing_bytes and not _signed_whole(fact):
        yield Standing("packets-lost", f"{fact.missing_bytes} bytes of the answer are not in the capture")


def _signed_whole(exchange: OcspExchangeFact) -> bool:
    """The response itself is there: its signature verifies, whatever is missing before it."""
    return exchange.response is not None and exchange.response.signature == "valid"


def ambiguous_bytes(_: Question, ground: Saw | Read) -> Iterator[Standing]:
    """Did packets disagree about these bytes?"""
    if frames := ground.fact.ambiguous:
        named = ", ".join(map(str, frames[:4]))
        yield Standing("ambiguous-bytes", f"packets disagree about these bytes (frames {named})")


def trust_open(question: Question, ground: Means) -> Iterator[Standing]:
    """Does validity hang on what packets do not show?"""
    response = ground.response
    if ground.match is not Match.FULL:
        yield Standing("trust-open", ground.match.proof)
    if response is None:
        return
    if ground.refuted:
        if response.signature == "invalid" and response.signer is not None:
            yield Standing(
                "trust-open",
                f"the signature itself holds, and a validator may be set up to trust {response.signer} "
                "(RFC 6960 2.2, 4.2.2.2)",
            )
        return
    if response.signature != "valid":
        note = response.signature_note or "it cannot be verified with what the capture holds"
        yield Standing("trust-open", f"the signature is {response.signature}: {note}")
    elif (age := _age_without_end(question, response, ground.time)) is not None:
        yield Standing(
            "trust-open",
            f"its thisUpdate is {span_words(age)} old and it has no nextUpdate: some validators refuse such",
        )
    elif response.signer_not_after is not None and response.signer_not_after < ground.time:
        yield Standing(
            "trust-open", "the certificate of the delegated responder had expired when the answer came"
        )


def _age_without_end(question: Question, response: ResponseFact, time: int) -> int | None:
    """Return how old (nanoseconds) an answer is that does not say when it ends, where that is very old."""
    certificate = question.certificate
    if certificate is None:
        return None
    ages = [
        time - single.this_update
        for single in response.singles
        if single.next_update is None and single.serial == certificate.serial
    ]
    age = max(ages, default=0)
    return age if age > VERY_OLD else None


def validity_clock(question: Question, ground: Held) -> Iterator[Standing]:
    """Would the answer differ if the capture's clock were off as is usual, or as it shows itself?"""
    single, clocks = ground.single, question.case.clocks
    tolerance = clocks.off_by(ground.capture)
    limit = ground.until
    if ground.refuted:
        # Who judges it has a clock of its own, and late answers of a proxy's cache look like a fast clock.
        tolerance = max(tolerance, TOLERANCE, clocks.late(ground.capture))
        near = any(
            abs(end - ground.time) <= tolerance
            for end in (single.next_update, single.this_update)
            if end is not None
        )
        shown = clocks.behind(ground.capture) > SECOND
        if (
            near
            or (shown and single.this_update > ground.time)
            or clocks.dated_within(ground.capture, single)
        ):
            yield Standing("clock", _by_a_hair(tolerance))
    elif limit is not None and limit - ground.time <= tolerance:
        yield Standing(
            "clock", f"it ran out within {span_words(tolerance)} of that, by a clock that may be off"
        )
    elif single.this_update > ground.time + SECOND:
        yield Standing("clock", "its thisUpdate lies after the capture's time, so one of the clocks is wrong")
    step = clocks.steps_back(ground.capture)
    if step is not None:
        yield Standing("clock", f"the capture's clock was set back by {span_words(step)} while it ran")


def _by_a_hair(tolerance: int) -> str:
    return f"the limit of its validity lies within {span_words(tolerance)}, and clocks may differ by as much"


def order_clock(question: Question, ground: After) -> Iterator[Standing]:
    """Would the order differ if the clocks were off?"""
    (one, before), (other, after), clocks = ground.first, ground.second, question.case.clocks
    if one != other and after - before <= UNKNOWN_CLOCKS:
        if not clocks.comparable(one, other):
            yield Standing("clock", "the two stand in captures whose clocks cannot be compared")
        elif clocks.sampled(one, other):
            reached("clock_pairs", 0)
    for capture in dict.fromkeys((one, other)):
        if (step := clocks.steps_back(capture)) is not None:
            yield Standing("clock", f"the capture's clock was set back by {span_words(step)} while it ran")
            return


def contradiction(question: Question) -> tuple[Standing, ...]:
    """Return the doubt that the site file calls OCSP off on a validator that is seen to use it."""
    shown = contradicted(question)
    return () if shown is None else (Standing("told-otherwise", shown.words, (shown.evidence,)),)


def told_otherwise(question: Question, ground: Told) -> Iterator[Standing]:
    """Do packets or a trace contradict the site file, or is it a weak source?"""
    source = ground.source
    if not source.firm:
        yield Standing(
            "told-otherwise", f"it is read from a {source.kind} configuration, and not proven by packets"
        )
    if question.proxy is not None and question.proxy.ocsp is not False:
        # It says which issuers are asked about: only a query about another one contradicts that.
        if _asks_about_uncovered(question, question.proxy):
            yield Standing("told-otherwise", "it does ask about certificates of other issuers")
    elif (shown := shows_ocsp(question)) is not None:
        yield Standing("told-otherwise", shown.words, (shown.evidence,))


def trace_told_otherwise(question: Question, ground: Traced) -> Iterator[Standing]:
    """Does the site file contradict the trace, or does that mix its lines?"""
    proxy = question.proxy
    if proxy is not None and proxy.ocsp is False:
        yield Standing("told-otherwise", "the site file says that OCSP is off there")
    if not ground.entry.certain:
        yield Standing("told-otherwise", "the trace mixes lines of several transactions")
    elif ground.entry.action == "cached" and (turned := _turned_to(question)) is not None:
        yield Standing("told-otherwise", f"it turned to the responder {turned} right after")
    elif ground.entry.action == "cached" and any(
        query.failed for query in between(question.queries, 0, question.visit.time)[-1:]
    ):
        yield Standing("told-otherwise", "the last time it asked about this certificate brought no answer")
    handshake = question.visit.handshake
    refused = any(alert.level == "fatal" for alert in handshake.alerts)
    if handshake.early_end or (refused and not handshake.application_data):
        yield Standing(
            "told-otherwise", "the handshake broke off, so that nothing came of what the line says"
        )


def _turned_to(question: Question) -> str | None:
    """Return the responder to which the validator turned after the handshake, whatever came of it."""
    for host, port, _ in question.sought:
        hidden = tls_to(question, host, port)
        spoken = hidden is not None and hidden.time >= question.visit.time
        if spoken or tried(question, host, port):
            return host
    return None


def _asks_about_uncovered(question: Question, proxy: Proxy) -> bool:
    known = question.case.facts.certificates
    return any(
        queries and not proxy.covers(known[sha256]) for sha256, queries in question.asker.queries.items()
    )


def source_clock(question: Question, ground: Traced) -> Iterator[Standing]:
    """Is the date and zone of a trace known, and is it about this handshake?"""
    source = ground.entry
    if source.time is None or not source.dated:
        yield Standing("clock", "the line of the trace bears no date")
    elif not source.zone:
        from ocsp_pcap.explain.zones import offset_words

        fits = f"; {offset_words(source.offset)} fits the packets" if source.offset is not None else ""
        yield Standing("clock", f"the line of the trace does not say in which time zone it is{fits}")
    elif (off := _shown_wrong(question)) > TRACE_TOLERANCE:
        yield Standing(
            "clock",
            f"the capture's clock looks {span_words(off)} off, so the line may be about another handshake",
        )


def _shown_wrong(question: Question) -> int:
    """Return by how much the capture's clock is off, as its own packets show."""
    clocks, capture = question.case.clocks, question.visit.handshake.capture
    return max(clocks.behind(capture), clocks.ahead(capture), clocks.steps_back(capture) or 0)


def trace_rivals(question: Question, ground: Traced) -> Iterator[Standing]:
    """Could the line be about another handshake of this host?"""
    source, case = ground.entry, question.case
    rivals = [
        visit
        for visit in case.by_host.get(source.host, [])
        if visit is not question.visit
        and case.roles.role(visit.handshake.client) != "client"
        and case.hellos.inner_leg(visit) is None
        and _has_somebody_to_ask(question, visit)
        and not ((proxy := case.proxy(visit.handshake.client)) is not None and proxy.ocsp is False)
    ]
    own = rivals
    if source.time is not None:
        distance = abs(source.time - question.visit.time)
        tolerance = case.clocks.off_by(question.visit.handshake.capture)
        dated = [entry.time for entry in case.trace_of.get(source.host, ()) if entry.time is not None]
        own = [
            visit
            for visit in rivals
            if abs(source.time - visit.time) <= max(distance, 2 * SECOND)
            # One that no line speaks of may be what this line is about, by a clock that is off.
            or (
                abs(source.time - visit.time) <= tolerance
                and not visit.handshake.resumed
                and not any(abs(time - visit.time) <= TRACE_TOLERANCE for time in dated)
            )
        ]
    own += between(
        question.asker.hidden, question.visit.time - TRACE_TOLERANCE, question.visit.time + TRACE_TOLERANCE
    )
    if any(
        visit is not question.visit and (visit.host or source.host).lower() == source.host for visit in own
    ):
        yield Standing("hidden-rival", "another handshake with the same host may be what the line is about")
    elif (other := _proxy_out_of_sight(question)) is not None:
        words = (
            f"the line does not say whose it is, and the {other.role} proxy of the site file, which no "
            "capture shows, may have written it"
        )
        # What it makes of the certificate for the hosts before it names no responder.
        told = told_to_intercept(question)
        yield intercepts_by_the_site(question, "hidden-rival") if told else Standing("hidden-rival", words)


def _proxy_out_of_sight(question: Question) -> Proxy | None:
    """Return another proxy of the site file that may have received this certificate and is not to be seen."""
    case = question.case
    return next(
        (
            proxy
            for proxy in case.site.proxies
            if proxy is not question.proxy
            and proxy.ocsp is not False
            and not proxy.addresses & case.seen_addresses
        ),
        None,
    )


def _has_somebody_to_ask(question: Question, visit: Visit) -> bool:
    """The certificate of a visit names a responder, or is not seen: else no line about OCSP is about it."""
    case = question.case
    proxy, chain = case.proxy(visit.handshake.client), case.chain(visit.handshake)
    if not chain or (proxy is not None and proxy.responder_url is not None):
        return True
    return bool(responder_hosts(chain[0].ocsp_urls))


def reissue_open(question: Question, ground: Genuine) -> Iterator[Standing]:
    """Could a proxy have made this certificate; or, turned round, could it be genuine?"""
    if ground.refuted:
        if not ground.proofs:
            yield Standing("reissue-open", "nothing in the captures shows the certificate that it stands for")
        return
    if not genuine_for_certain(question) and (sign := made_by_proxy_signs(question)):
        yield Standing("reissue-open", sign)
