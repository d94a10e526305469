"""A folder for a support case: an answer that can be sent as it is, a page, and the packets that prove both.

Anonymized, the answer and the page are about the anonymized packets: they are made from these, not from the
captures, and so cannot say more than they.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ocsp_pcap.api import ReadOptions, read_facts
from ocsp_pcap.evidence import AddressMap, EvidenceSummary, Extent, write_evidence
from ocsp_pcap.explain.case import Context
from ocsp_pcap.explain.engine import explain
from ocsp_pcap.explain.model import Explanation
from ocsp_pcap.facts import Facts
from ocsp_pcap.report.html import render_html
from ocsp_pcap.report.markdown import render_markdown
from ocsp_pcap.whole_file import replacing_in

if TYPE_CHECKING:
    from ocsp_pcap.explain.site import Proxy, Site

ANSWER: Final = "answer.md"
PAGE: Final = "report.html"
EVIDENCE: Final = "evidence.pcapng"


@dataclass(frozen=True, slots=True)
class SupportCase:
    """What is known of a case."""

    explanation: Explanation
    facts: Facts
    context: Context
    captures: Sequence[str]
    """The files that the facts were read from."""
    key_logs: Sequence[Path] = ()
    hosts: tuple[str, ...] = ()
    """Globs of the hosts that are explained; empty: all."""


def write_ticket(case: SupportCase, folder: Path, *, anonymize: bool = False) -> EvidenceSummary:
    """Write ``answer.md``, ``report.html`` and ``evidence.pcapng`` into a folder, which is made if need be.

    All of them are written, or none.

    Raises:
        EvidenceError: a capture can no longer be read, or the evidence cannot be written.
        OSError: the folder, or a file in it, cannot be written.
    """
    with replacing_in(folder) as made:
        return _write(case, made, anonymize=anonymize)


def _write(case: SupportCase, folder: Path, *, anonymize: bool) -> EvidenceSummary:
    addresses = AddressMap() if anonymize else None
    extent = Extent(case.context.capture_roles, False, case.key_logs, anonymize, addresses)
    evidence = folder / EVIDENCE
    summary = write_evidence(case.explanation, case.facts, case.captures, evidence, extent)
    explanation = case.explanation
    if addresses is not None:
        explanation = _anonymous(case, evidence, addresses)
    answer = render_markdown(explanation, verbose=1)
    files = [f"`{PAGE}`: the same as a page, with timelines", f"`{EVIDENCE}`: the packets that prove it"]
    about = "; ".join(files)
    if anonymize:
        about += ". Addresses, clients' ports and credentials are replaced; names in certificates are not"
    (folder / ANSWER).write_text(f"{answer}\nAttached: {about}.\n", encoding="utf-8")
    (folder / PAGE).write_text(render_html(explanation, verbose=1), encoding="utf-8")
    return summary


def _anonymous(case: SupportCase, evidence: Path, addresses: AddressMap) -> Explanation:
    """Explain the anonymized packets, with a site that is anonymized in the same way."""
    site = case.context.site
    authorities = [authority.der for proxy in site.proxies for authority in proxy.ca]
    hosts = _site(site, addresses).hosts
    options = ReadOptions(key_logs=case.key_logs, authorities=authorities, hosts=hosts)
    facts = read_facts([evidence], options)
    captures = tuple(replace(c, path=c.path.replace(str(evidence), EVIDENCE)) for c in facts.captures)
    facts = _renamed(facts, {c.path: n.path for c, n in zip(facts.captures, captures, strict=True)})
    roles = {capture.path: capture.role for capture in facts.captures if capture.role is not None}
    trace = tuple(replace(entry, path=Path(entry.path).name) for entry in case.context.trace)
    context = replace(case.context, site=_site(site, addresses), capture_roles=roles, trace=trace, logs=())
    return explain(facts, context, case.hosts)


def _renamed(facts: Facts, names: dict[str, str]) -> Facts:
    """Return facts whose captures are called otherwise."""
    return replace(
        facts,
        captures=tuple(replace(fact, path=names[fact.path]) for fact in facts.captures),
        handshakes=tuple(replace(fact, capture=names[fact.capture]) for fact in facts.handshakes),
        ocsp_exchanges=tuple(replace(fact, capture=names[fact.capture]) for fact in facts.ocsp_exchanges),
        crl_fetches=tuple(replace(fact, capture=names[fact.capture]) for fact in facts.crl_fetches),
        dns_lookups=tuple(replace(fact, capture=names[fact.capture]) for fact in facts.dns_lookups),
        tcp_attempts=tuple(replace(fact, capture=names[fact.capture]) for fact in facts.tcp_attempts),
    )


def _site(site: Site, addresses: AddressMap) -> Site:
    return replace(
        site,
        path=Path(site.path).name,
        proxies=tuple(_proxy(proxy, addresses) for proxy in site.proxies),
        notes=(),
    )


def _proxy(proxy: Proxy, addresses: AddressMap) -> Proxy:
    def other(text: str | None) -> str | None:
        return None if text is None else addresses.text(text)

    return replace(
        proxy,
        addresses=frozenset(addresses.text(address) for address in proxy.addresses),
        ca=tuple(replace(authority, path=Path(authority.path).name) for authority in proxy.ca),
        forwarding_host=other(proxy.forwarding_host),
        responder_url=other(proxy.responder_url),
        sources=tuple(
            (key, replace(source, path=Path(source.path).name, text=addresses.text(source.text)))
            for key, source in proxy.sources
        ),
    )
