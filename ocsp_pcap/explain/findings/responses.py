"""Findings about the responses themselves, and about how validators use and repeat them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ocsp_pcap.explain.case import Case, Query, Visit, early_repeats
from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.findings.common import finding
from ocsp_pcap.explain.model import Evidence, Finding, Verdict
from ocsp_pcap.explain.rules.answer import validator_words
from ocsp_pcap.facts import CertificateFact


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
            frame=visit.frame,
            stream=handshake.stream,
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
                frame=proof[0].frame,
                stream=proof[0].stream,
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
        if query.usable and query.single and query.single.status == "revoked" and query.answer_time <= began:
            return [query.evidence("OCSP response: revoked", query.exchange.frames.response), used]
    return []


def repetition(case: Case, _: Sequence[Verdict]) -> Iterator[Finding]:
    """The same certificate was asked for again although an earlier answer still covered it."""
    for (identity, sha256), queries in case.queries_of.items():
        certificate = case.facts.certificates[sha256]
        early = early_repeats(queries)
        if not early:
            continue
        proxy = case.proxy(queries[0].exchange.client)
        client = queries[0].exchange.client
        gaps = [again.time - before.answer_time for before, again in early]
        visits = case.visits_of.get((identity, sha256), [])
        spared = any(
            before.answer_time < visit.time < again.time
            and not case.trigger_of[identity, sha256].get(id(visit))
            for before, again in early
            for visit in visits
        )
        ttl = proxy.cache_ttl if proxy is not None else None
        override = ttl is not None and all(gap >= ttl - SECOND for gap in gaps)
        yield _repeat_finding(case, client, certificate, early, override, spared)


def _repeat_finding(
    case: Case,
    client: str,
    certificate: CertificateFact,
    early: list[tuple[Query, Query]],
    override: bool,
    spared: bool,
) -> Finding:
    before, again = early[0]
    assert before.single is not None
    assert before.single.next_update is not None
    gap = (again.time - before.answer_time) / SECOND
    ahead = (before.single.next_update - again.time) / SECOND
    host = certificate.sans[0] if certificate.sans else certificate.subject
    evidence: list[Evidence] = []
    for first, second in early[:3]:
        evidence.append(first.evidence("OCSP response that was to last", first.exchange.frames.response))
        evidence.append(second.evidence("asked again", second.frame))
    role = validator_words(case.roles.role(client), client)
    times = f"{len(early)} time{'s' if len(early) > 1 else ''}, first after {gap:.0f} s"
    words = f"{role} asked again about {host} ({times}), {_span(ahead)} before nextUpdate"
    if override:
        words += ", as the TTL override of the site file demands"
    elif spared:
        words += ", yet used its cache in between: a TTL override is likely"
    code = "ttl-override-in-use" if override or spared else "repeated-queries"
    return finding(
        code,
        f"{words[:1].upper()}{words[1:]}.",
        evidence,
        host=host,
        validator=client,
        frame=again.frame,
        stream=again.exchange.stream,
        serial=certificate.serial,
    )


def _span(seconds: float) -> str:
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def crl_fallback(case: Case, _: Sequence[Verdict]) -> Iterator[Finding]:
    """A validator fetched a CRL that speaks for a certificate it had received."""
    told: set[tuple[str, str | None]] = set()
    for fetch in case.facts.crl_fetches:
        identity = case.identity(fetch.client)
        subjects = [
            case.facts.certificates[sha256]
            for owner, sha256 in case.visits_of
            if owner == identity
            and (
                fetch.url in case.facts.certificates[sha256].crl_urls
                or (fetch.issuer is not None and fetch.issuer == case.facts.certificates[sha256].issuer)
            )
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
            frame=fetch.frames.request,
            stream=fetch.stream,
        )
