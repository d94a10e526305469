"""Findings about the responses themselves, and about how validators use and repeat them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from ocsp_pcap.explain.case import Case
from ocsp_pcap.explain.findings.common import finding
from ocsp_pcap.explain.model import Evidence, Finding, Verdict
from ocsp_pcap.explain.repetition import Repeat, Repetition, repetitions
from ocsp_pcap.explain.rules.answer import validator_words
from ocsp_pcap.explain.site import Proxy
from ocsp_pcap.explain.visits import Query, Visit
from ocsp_pcap.explain.windows import span_words
from ocsp_pcap.facts import CertificateFact, CrlFetchFact


def must_staple_violated(case: Case, _: Sequence[Verdict]) -> Iterator[Finding]:
    """The certificate demands a staple, the client offered to take one, the server sent none (RFC 7633)."""
    told: set[tuple[str, str]] = set()
    for visit in case.visits:
        chain, handshake = case.chain(visit.handshake), visit.handshake
        if not chain or not chain[0].must_staple or handshake.staples or not handshake.complete:
            continue
        if not handshake.status_request or handshake.missing_bytes or handshake.resumed:
            continue
        key = (handshake.client, chain[0].sha256)
        if key in told:
            continue
        told.add(key)
        host = visit.host or handshake.server
        yield finding(
            "must-staple-violated",
            f"The certificate of {host} demands a staple (TLS feature status_request), {handshake.client} "
            "offered to take one, and the server sent none.",
            [
                visit.evidence("ClientHello with status_request", handshake.frames.client_hello),
                visit.evidence("must-staple certificate, and no CertificateStatus follows"),
            ],
            host=host,
            validator=handshake.client,
            **case.places.reference(handshake.capture, visit.frame, handshake.stream),
        )


def revoked_but_used(case: Case, verdicts: Sequence[Verdict]) -> Iterator[Finding]:
    """The answer said revoked, and application data followed all the same."""
    for verdict in verdicts:
        if verdict.status != "revoked" or verdict.certificate is None:
            continue
        key = (case.identity(verdict.validator.address), verdict.certificate.sha256)
        for visit in case.visits_of.get(key, []):
            proof = _proof_of_use(case, visit, verdict.certificate, case.queries_of.get(key, []))
            if not proof:
                continue
            host, client = verdict.host or visit.handshake.server, verdict.validator.address
            yield finding(
                "revoked-but-used",
                f"The certificate of {host} is revoked, and {client} exchanged application data over the "
                "connection all the same.",
                proof,
                host=host,
                validator=client,
                **case.places.reference(proof[0].capture, proof[0].frame, proof[0].stream),
            )
            break


def _proof_of_use(
    case: Case, visit: Visit, certificate: CertificateFact, queries: Sequence[Query]
) -> list[Evidence]:
    """Return a revoked answer that was there before application data began, and that data."""
    handshake = visit.handshake
    if handshake.application_data_time is None:
        return []
    used = visit.evidence("application data all the same", handshake.application_data_frame)
    staple = case.staple_for(visit, certificate)
    if staple is not None and staple[1].status == "revoked" and staple[0].signature != "invalid":
        return [visit.evidence("staple: revoked", handshake.frames.certificate_status), used]
    began = case.clock(handshake.capture, handshake.application_data_time)
    for query in queries:
        if not case.same_clock(query.exchange.capture, handshake.capture):
            continue
        if query.usable and query.single and query.single.status == "revoked" and query.answer_time <= began:
            return [query.evidence("OCSP response: revoked", query.exchange.frames.response), used]
    return []


def repetition(case: Case, _: Sequence[Verdict]) -> Iterator[Finding]:
    """A validator asked again although an earlier answer still covered the certificate."""
    for found in repetitions(case).values():
        first = found.repeats[0]
        client = first.again.exchange.client
        hosts = list(dict.fromkeys(_name(repeat.certificate) for repeat in found.repeats))
        more = f" and {len(hosts) - 3} more" if len(hosts) > 3 else ""
        number = len(found.repeats)
        times = f"{number} time{'s' if number > 1 else ''}, first after {span_words(first.age)}"
        code, habit = _habit(found, case.proxy(client))
        role = validator_words(case.roles.role(client), client)
        again = first.again.exchange
        words = f"{role} asked again about {', '.join(hosts[:3])}{more} ({times}), {_ahead(first)}{habit}"
        yield finding(
            code,
            f"{words[:1].upper()}{words[1:]}.",
            _repeat_evidence(found),
            host=hosts[0],
            validator=client,
            serial=first.certificate.serial,
            **case.places.reference(again.capture, first.again.frame, again.stream),
        )


def _name(certificate: CertificateFact) -> str:
    return certificate.sans[0] if certificate.sans else certificate.subject


def _ahead(repeat: Repeat) -> str:
    single = repeat.before.single
    assert single is not None
    assert single.next_update is not None
    return f"{span_words(single.next_update - repeat.again.time)} before nextUpdate"


def _repeat_evidence(found: Repetition) -> Iterator[Evidence]:
    for repeat in found.repeats[:3]:
        before = repeat.before
        yield before.evidence("OCSP response that was to last", before.exchange.frames.response)
        yield repeat.again.evidence("asked again", repeat.again.frame)


def _habit(found: Repetition, proxy: Proxy | None) -> tuple[str, str]:
    """Return the code of the finding, and how the sentence goes on."""
    lifetime = proxy.cache_ttl if proxy is not None else None
    if lifetime is not None and found.agrees_with(lifetime):
        return "ttl-override-in-use", ", as the TTL override of the site file demands"
    despite = "" if lifetime is None else f", which a TTL override of {span_words(lifetime)} does not explain"
    asked, used = span_words(found.asked_at[0]), span_words(found.used_at[-1]) if found.used_at else ""
    if found.habit == "fixed-lifetime":
        spread = (
            f": answers were used up to an age of {used} and replaced from {asked} on, so a TTL override is "
            "likely, set to something between the two"
        )
        return "ttl-override-in-use", despite + spread
    if found.habit == "irregular":
        mixed = (
            f": answers were used up to an age of {used}, yet replaced after {asked} already, as by several "
            "processes or caches that do not share what they hold"
        )
        return "repeated-queries", despite + mixed
    if found.habit == "even-interval":
        even = f": at an even interval of about {asked}, so a TTL override is likely"
        return "ttl-override-in-use", despite + even
    if found.habit == "unknown":
        hidden = (
            f": it keeps answers for no longer than {asked}, or not at all; its connections are not visible"
        )
        return "repeated-queries", despite + hidden
    kept = f": it keeps no answer, or none for as long as {asked}; every connection meant a query"
    return "repeated-queries", despite + kept


def crl_fallback(case: Case, _: Sequence[Verdict]) -> Iterator[Finding]:
    """A validator fetched a CRL that speaks for a certificate it had received."""
    received: dict[str, list[CertificateFact]] = defaultdict(list)
    for owner, sha256 in case.visits_of:
        received[owner].append(case.facts.certificates[sha256])
    distinct: dict[tuple[str, str | None, str | None], CrlFetchFact] = {}
    for fetch in case.facts.crl_fetches:
        distinct.setdefault((fetch.client, fetch.url, fetch.issuer), fetch)
    told: set[tuple[str, str | None]] = set()
    for fetch in distinct.values():
        subjects = [
            certificate
            for certificate in received[case.identity(fetch.client)]
            if fetch.url in certificate.crl_urls or fetch.issuer == certificate.issuer
        ]
        if not subjects or (fetch.client, fetch.url) in told:
            continue
        told.add((fetch.client, fetch.url))
        who = validator_words(case.roles.role(fetch.client), fetch.client)
        names = ", ".join(c.sans[0] if c.sans else c.subject for c in subjects[:3])
        got = "" if fetch.http_status in (200, None) else f", which failed with HTTP {fetch.http_status}"
        yield finding(
            "crl-fallback",
            f"{who[:1].upper()}{who[1:]} fetched the CRL {fetch.url}{got}; it speaks for {names}.",
            [
                Evidence(fetch.capture, frame, fetch.stream, note)
                for frame, note in (
                    (fetch.frames.request, "CRL requested"),
                    (fetch.frames.response, f"HTTP {fetch.http_status}"),
                )
                if frame is not None
            ],
            validator=fetch.client,
            **case.places.reference(fetch.capture, fetch.frames.request, fetch.stream),
        )
