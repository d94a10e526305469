"""Rules for a certificate that could have been asked about and was not: off, hidden, or undecided."""

from __future__ import annotations

from ocsp_pcap.explain.model import Evidence
from ocsp_pcap.explain.occasions import occasions_of
from ocsp_pcap.explain.responders import responder_hosts
from ocsp_pcap.explain.rules.answer import Answer, Question
from ocsp_pcap.explain.rules.attempts import reached_out, soon_after
from ocsp_pcap.explain.rules.cache import answers_last, trace_entry, trace_is_certain
from ocsp_pcap.explain.rules.doubt import ends_too_soon
from ocsp_pcap.explain.rules.handshake import plain_http_seen, query_ports
from ocsp_pcap.explain.trace import TraceEntry


def ocsp_disabled_by_site(question: Question) -> Answer | None:
    """The site file says that OCSP is off on this validator, and the capture agrees."""
    proxy = question.proxy
    if not question.eligible or proxy is None or proxy.ocsp is not False:
        return None
    if question.case.asked_by.get(question.identity) or _traced_query(question):
        return None
    told = proxy.addresses or question.validator.address in question.case.roles.told
    return Answer(
        "ocsp-disabled",
        "confirmed" if told and not reached_out(question) else "likely",
        f"OCSP is off on {question.who}, says the site file, and no OCSP request of it is in the capture",
        (
            Evidence(question.case.site.path, None, None, f"[proxies.{proxy.role}] ocsp = false"),
            question.visit.evidence(f"certificate of {question.host}, which names a responder"),
        ),
    )


def ocsp_disabled(question: Question) -> Answer | None:
    """The validator never asked for anything, though it had many occasions."""
    if not question.eligible or question.case.asked_by.get(question.identity):
        return None
    proxy = question.proxy
    if proxy is not None and proxy.ocsp is True:
        return None
    if reached_out(question) or _traced_query(question):
        return None
    words = f"{question.who} sent no OCSP request at all in the capture"
    occasions = question.case.once(occasions_of).get(question.identity)
    if occasions is None:
        return Answer("ocsp-disabled", "possible", f"{words}; OCSP may be off there")
    if occasions.look_switched_off and plain_http_seen(question):
        return Answer(
            "ocsp-disabled",
            "likely",
            f"{words}, though {occasions.words()}: OCSP looks switched off here",
            (
                question.visit.evidence(f"certificate of {question.host}, which names a responder"),
                *(
                    Evidence(fetch.capture, fetch.frames.request, fetch.stream, f"it fetched {fetch.url}")
                    for fetch in (occasions.first_crl,)
                    if fetch is not None
                ),
            ),
            longer=occasions.lifetime.words,
        )
    return Answer(
        "ocsp-disabled",
        "possible",
        f"{words}, though {occasions.words()}; OCSP may be off there, or the answers were held from before",
    )


def _traced_query(question: Question) -> TraceEntry | None:
    """Return the line of a policy trace that says that the validator queried."""
    entry = trace_entry(question)
    return entry if entry is not None and entry.action == "query" else None


def capture_ends(question: Question) -> Answer | None:
    """The capture ends, or breaks off, before a query could have followed."""
    if not question.eligible or question.queries or not ends_too_soon(question):
        return None
    return Answer(
        "capture-incomplete",
        "likely",
        f"the capture ends before {question.who} could have sent a query for this certificate",
        (question.visit.evidence(f"certificate of {question.host}, near the end of the capture"),),
    )


def capture_filtered(question: Question) -> Answer | None:
    """The capture holds no traffic of the kind in which an OCSP query would travel."""
    if not question.eligible or question.own_queries:
        return None
    assert question.certificate is not None
    case, visit = question.case, question.visit
    entry = _traced_query(question)
    if entry is None and (plain_http_seen(question) or case.asked_by.get(question.identity)):
        return None
    responders = responder_hosts(question.certificate.ocsp_urls)
    if not responders:
        return None
    ports = ", ".join(str(port) for port in sorted(query_ports(question)))
    nothing = f"the capture holds no packet at all on port {ports}"
    if entry is not None:
        if seen := plain_http_seen(question):
            nothing = "that query is not in the capture: it went another way, or was lost"
        return Answer(
            "capture-filtered",
            "confirmed" if not seen and trace_is_certain(question, entry) else "likely",
            f"{question.who} did query {entry.url or 'the responder'}, says its own trace, but {nothing}",
            (
                Evidence(entry.path, None, None, f"line {entry.line}: OCSP: querying responder"),
                visit.evidence(f"certificate of {question.host}"),
            ),
            responder=entry.url,
        )
    for host, _, url in responders:
        for lookup in soon_after(question, case.lookups_by.get((question.identity, host), [])):
            if lookup.answers and not lists_crl(question, host):
                return Answer(
                    "capture-filtered",
                    "likely",
                    f"{question.who} looked up the responder {host} right after this handshake, and "
                    f"{nothing}: a capture filter hides the query",
                    (
                        visit.evidence(f"certificate of {question.host}"),
                        Evidence(
                            lookup.capture,
                            lookup.frames.response or lookup.frames.request,
                            None,
                            f"DNS lookup of the responder {host}",
                        ),
                    ),
                    responder=url,
                )
    ports_seen = case.ports_of.get(visit.handshake.capture, frozenset())
    if ports_seen == {visit.handshake.server_port} and len(case.visits) > 1:
        return Answer(
            "capture-filtered",
            "likely",
            f"{nothing}, nor anything but port {visit.handshake.server_port}: "
            "it looks as if a capture filter kept only that",
            (visit.evidence(f"certificate of {question.host}, which names a responder"),),
        )
    return Answer("capture-filtered", "possible", f"{nothing}: a capture filter may hide the query")


def lists_crl(question: Question, host: str) -> bool:
    """The certificate names a CRL on this host, for which it may have been looked up."""
    assert question.certificate is not None
    return any(name == host for name, _, _ in responder_hosts(question.certificate.crl_urls))


def unexplained(question: Question) -> Answer | None:
    """The certificate names a responder, and nothing in the capture decides why nobody asked it."""
    certificate = question.certificate
    if certificate is None:
        return None
    if certificate.ocsp_urls:
        responder = certificate.ocsp_urls[0]
        words = f"{question.who} could have asked {responder}, did not, and the capture does not say why"
    elif certificate.parse_error:
        words = (
            f"the certificate cannot be read ({certificate.parse_error}), nor whether it names a responder"
        )
    else:
        words = "nothing in the capture explains why no query was sent"
    return Answer(
        "unexplained",
        "possible",
        words,
        (question.visit.evidence(f"certificate of {question.host}"),),
        responder=certificate.ocsp_urls[0] if certificate.ocsp_urls else None,
        longer=answers_last(question),
    )
