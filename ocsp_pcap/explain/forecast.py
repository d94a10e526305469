"""If OCSP were on at a validator: which queries to which responders would this traffic have caused?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Final

from ocsp_pcap.bounds import counted, sentences
from ocsp_pcap.explain.case import Case, Context
from ocsp_pcap.explain.causes import rules_for
from ocsp_pcap.explain.findings.common import FIRM
from ocsp_pcap.explain.forecast_model import (
    REASONS,
    Forecast,
    Opening,
    Reason,
    ResponderForecast,
    Scheme,
    Unasked,
    ValidatorForecast,
)
from ocsp_pcap.explain.grounds.weigh import weigh
from ocsp_pcap.explain.lifetimes import Lifetime, Lifetimes
from ocsp_pcap.explain.model import Confidence, Validator
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.responders import responder_hosts
from ocsp_pcap.explain.visits import Visit
from ocsp_pcap.facts import CertificateFact, Facts

MAX_EXAMPLES: Final = 3
ASSUMPTIONS: Final = (
    "The cache is empty when the captures begin, and one answer serves connections opened side by side.",
    "A fresh staple makes the query needless, and is not kept for later connections.",
    "The first responder that a certificate names answers.",
    "Each certificate of a chain but the root is asked about; a validator that checks leaves only asks less.",
)


def forecast(source: Facts | Case, context: Context | None = None, hosts: Sequence[str] = ()) -> Forecast:
    """Tell what queries the traffic would have caused, were OCSP on at each of its validators.

    Args:
        source: what was seen, or a case made of it (then ``context`` is not used).
        context: what the user gave: site file (TTL override, forwarding host), vantages.
        hosts: glob patterns; only handshakes with a host that matches one count (empty: all).
    """
    with counted() as reached:
        case = source if isinstance(source, Case) else Case(source, context or Context())
        found = _forecast(case, hosts)
    return replace(found, notes=(*found.notes, *case.context.bounds_reached, *sentences(reached)))


def _forecast(case: Case, hosts: Sequence[str]) -> Forecast:
    lifetimes = Lifetimes(case)
    drafts: dict[str, _Draft] = {}
    for visit in case.visits:
        validator = case.validator(visit.handshake.client)
        identity = case.identity(validator.address)
        occasions = [
            Question(case, visit, certificate, position) for position, certificate in _received(case, visit)
        ]
        if hosts and not _matches(occasions[0].host, hosts):
            continue
        draft = drafts.get(identity)
        if draft is None:
            draft = drafts[identity] = _Draft(case, identity, validator, lifetimes)
        draft.visit(occasions)
    validators = sorted(
        (draft.result() for draft in drafts.values()),
        key=lambda item: (-item.queries_without_cache, -item.occasions, item.validator.address),
    )
    return Forecast(
        case.facts.captures,
        tuple(validators),
        tuple(_openings(case, validators)),
        ASSUMPTIONS,
        case.roles.notes,
    )


def _matches(host: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(host.lower(), pattern.lower()) for pattern in patterns)


def _received(case: Case, visit: Visit) -> list[tuple[int, CertificateFact | None]]:
    """Return the distinct certificates of a handshake with their places; one None where there is none."""
    chain = {certificate.sha256: certificate for certificate in case.chain(visit.handshake)}
    return list(enumerate(chain.values())) or [(0, None)]


def _reason(question: Question) -> Reason | None:
    """Say why an occasion would cause no query; None where it would, but for a staple."""
    handshake, certificate = question.visit.handshake, question.certificate
    if _holds(question, "not-intercepted", FIRM):
        return "not-intercepted"
    if certificate is None and handshake.resumed:
        return "session-resumed"
    if _holds(question, "handshake-failed", ("confirmed",)):
        return "handshake-failed"
    if certificate is None:
        return "certificate-encrypted" if handshake.certificate_encrypted else "certificate-not-seen"
    if question.position > 0 and certificate.self_signed:
        return "root"
    if responder_hosts(certificate.ocsp_urls):
        return None
    if certificate.ocsp_urls:
        return "unusable-ocsp-url"
    if _holds(question, "reissued-certificate", FIRM):
        return "reissued-certificate"
    return "unreadable-certificate" if certificate.parse_error else "no-ocsp-url"


def _holds(question: Question, code: str, confidences: Sequence[Confidence]) -> bool:
    """A cause explains the question, at least so surely."""
    return any(
        weigh(question, claim, entry.proofs).confidence in confidences
        for entry, claims in rules_for(question.situation)
        if entry.code == code
        for claim in claims(question)
    )


@dataclass(slots=True)
class _Count:
    """What is counted for one responder, or for one reason."""

    urls: dict[str, None] = field(default_factory=dict)
    certificates: set[str] = field(default_factory=set)
    intermediates: set[str] = field(default_factory=set)
    fallbacks: set[str] = field(default_factory=set)
    visits: set[int] = field(default_factory=set)
    hosts: dict[str, None] = field(default_factory=dict)
    occasions: int = 0
    stapled: int = 0
    without: int = 0
    cached: int = 0
    """Queries with cache."""
    intermediate_without: int = 0
    intermediate_cached: int = 0
    lifetimes: dict[str, Lifetime] = field(default_factory=dict)


class _Draft:
    """The forecast of one validator while its visits are walked through in the order of time."""

    def __init__(self, case: Case, identity: str, validator: Validator, lifetimes: Lifetimes) -> None:
        self._host = case.hosts[identity]
        self._validator = validator
        self._lifetimes = lifetimes
        self._proxy = case.proxy(validator.address)
        self._visits = 0
        self._occasions = 0
        self._responders: dict[tuple[Scheme, str, int], _Count] = defaultdict(_Count)
        self._unasked: dict[Reason, _Count] = defaultdict(_Count)
        self._held: dict[str, int] = {}
        """Certificate to the time until which an answer about it is held."""

    def visit(self, occasions: Sequence[Question]) -> None:
        """Take one handshake; visits must come in the order of time."""
        self._visits += 1
        self._occasions += len(occasions)
        for question in occasions:
            reason = _reason(question)
            if reason is not None:
                self._note(self._unasked[reason], question)
                continue
            assert question.certificate is not None
            first, *others = dict.fromkeys(
                (_scheme(url), host, port)
                for host, port, url in responder_hosts(question.certificate.ocsp_urls)
            )
            self._ask(self._responders[first], first, question)
            for other in others:
                count = self._responders[other]
                count.fallbacks.add(question.certificate.sha256)
                _take_urls(count, other, question.certificate)

    def _note(self, count: _Count, question: Question) -> None:
        count.occasions += 1
        count.visits.add(id(question.visit))
        if len(count.hosts) < MAX_EXAMPLES:
            count.hosts[question.host] = None
        if question.certificate is not None:
            count.certificates.add(question.certificate.sha256)
            if question.position > 0:
                count.intermediates.add(question.certificate.sha256)

    def _ask(self, count: _Count, responder: tuple[Scheme, str, int], question: Question) -> None:
        certificate, time = question.certificate, question.visit.time
        assert certificate is not None
        self._note(count, question)
        _take_urls(count, responder, certificate)
        if _holds(question, "stapled", FIRM):
            count.stapled += 1
            return
        intermediate = int(question.position > 0)
        count.without += 1
        count.intermediate_without += intermediate
        if time < self._held.get(certificate.sha256, time):
            return
        self._held[certificate.sha256], lifetime = self._lifetimes.held_until(certificate, time, self._proxy)
        count.cached += 1
        count.intermediate_cached += intermediate
        known = count.lifetimes.get(lifetime.basis)
        if known is None or lifetime.seconds < known.seconds:
            count.lifetimes[lifetime.basis] = lifetime

    def result(self) -> ValidatorForecast:
        """Return what came of it."""
        responders = sorted(
            (self._responder(responder, count) for responder, count in self._responders.items()),
            key=lambda item: (-item.queries_with_cache, -item.occasions, item.host, item.port),
        )
        unasked = (
            self._reason(reason, self._unasked[reason]) for reason in REASONS if reason in self._unasked
        )
        return ValidatorForecast(
            validator=self._validator,
            handshakes=self._visits,
            occasions=self._occasions,
            responders=tuple(responders),
            unasked=tuple(unasked),
            queries_without_cache=sum(item.queries_without_cache for item in responders),
            queries_with_cache=sum(item.queries_with_cache for item in responders),
            stapled=sum(item.stapled for item in responders),
            queries_seen=sum(item.queries_seen for item in responders),
            forwarding_host=self._proxy.forwarding_host if self._proxy is not None else None,
        )

    def _responder(self, responder: tuple[Scheme, str, int], count: _Count) -> ResponderForecast:
        scheme, host, port = responder
        seen = {
            id(query.exchange)
            for sha256 in count.certificates
            for query in self._host.queries.get(sha256, ())
            if query.exchange.frames.request is not None
        }
        return ResponderForecast(
            scheme=scheme,
            host=host,
            port=port,
            urls=tuple(count.urls),
            certificates=len(count.certificates),
            intermediates=len(count.intermediates),
            handshakes=len(count.visits),
            occasions=count.occasions,
            stapled=count.stapled,
            queries_without_cache=count.without,
            queries_with_cache=count.cached,
            intermediate_queries_without_cache=count.intermediate_without,
            intermediate_queries_with_cache=count.intermediate_cached,
            queries_seen=len(seen),
            fallback_certificates=len(count.fallbacks),
            lifetimes=tuple(count.lifetimes.values()),
        )

    def _reason(self, reason: Reason, count: _Count) -> Unasked:
        return Unasked(
            reason,
            REASONS[reason],
            len(count.visits),
            len(count.certificates),
            count.occasions,
            tuple(count.hosts),
        )


def _take_urls(count: _Count, responder: tuple[Scheme, str, int], certificate: CertificateFact) -> None:
    for host, port, url in responder_hosts(certificate.ocsp_urls):
        if (_scheme(url), host, port) == responder:
            count.urls[url] = None


def _scheme(url: str) -> Scheme:
    return "https" if url[:6].lower() == "https:" else "http"


def _openings(case: Case, validators: Sequence[ValidatorForecast]) -> Iterator[Opening]:
    """Yield what a firewall must let through, each source by itself, the busiest first."""
    queries: dict[tuple[str, Scheme, str, int], int] = defaultdict(int)
    for item in validators:
        source = item.validator.address
        if item.forwarding_host is not None and item.responders:
            relay, _, relay_port = item.forwarding_host.rpartition(":")
            queries[source, "http", relay, int(relay_port)] += item.queries_with_cache
            source = relay
        for responder in item.responders:
            queries[source, responder.scheme, responder.host, responder.port] += responder.queries_with_cache
    addresses = _addresses(case, {host for _, _, host, _ in queries})
    for (source, scheme, host, port), number in sorted(
        queries.items(), key=lambda entry: (-entry[1], entry[0])
    ):
        yield Opening(source, scheme, host, port, addresses.get(host, ()), number)


def _addresses(case: Case, hosts: set[str]) -> dict[str, tuple[str, ...]]:
    """Return what DNS answers in the captures say of some hosts."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for lookup in case.facts.dns_lookups:
        name = lookup.name.rstrip(".").lower()
        if name in hosts:
            found[name].update(dict.fromkeys(lookup.addresses))
    return {host: tuple(answers) for host, answers in found.items()}


__all__ = ["ASSUMPTIONS", "Forecast", "forecast"]
