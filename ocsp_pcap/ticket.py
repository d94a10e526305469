"""A folder for a support case: an answer that can be sent as it is, a page, and the packets that prove both.

Anonymized, the answer and the page are about the anonymized packets: they are made from these, not from the
captures, and so cannot say more than they.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ocsp_pcap.api import ReadOptions, read_facts
from ocsp_pcap.evidence import AddressMap, EvidenceSummary, Extent, write_evidence
from ocsp_pcap.explain.case import Context
from ocsp_pcap.explain.engine import explain
from ocsp_pcap.explain.model import Explanation
from ocsp_pcap.explain.phrases import count
from ocsp_pcap.facts import Facts
from ocsp_pcap.report.html import render_html
from ocsp_pcap.report.markdown import render_markdown
from ocsp_pcap.tables.merge import renamed
from ocsp_pcap.terminal.escape import markdown_code
from ocsp_pcap.whole_file import replacing_in

if TYPE_CHECKING:
    from ocsp_pcap.explain.logs.model import LogEntry
    from ocsp_pcap.explain.site import Proxy, Site
    from ocsp_pcap.explain.site.model import Source
    from ocsp_pcap.explain.trace_entry import TraceEntry

ANSWER: Final = "answer.md"
PAGE: Final = "report.html"
EVIDENCE: Final = "evidence.pcapng"
SITE: Final = "site.toml"
FILES: Final = (ANSWER, PAGE, EVIDENCE, SITE)


@dataclass(frozen=True, slots=True)
class SupportCase:
    """Everything that a support case is written from."""

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

    All of them are written, or none. Where something is known of the proxies, ``site.toml`` stands beside
    them: with it, explaining the evidence gives the same verdicts.

    Raises:
        EvidenceError: a capture can no longer be read, or the evidence cannot be written.
        OSError: the folder, or a file in it, cannot be written.
    """
    with replacing_in(folder, FILES) as made:
        return _write(case, made, anonymize=anonymize)


def _write(case: SupportCase, folder: Path, *, anonymize: bool) -> EvidenceSummary:
    addresses = AddressMap() if anonymize else None
    extent = Extent(case.context.capture_roles, False, case.key_logs, anonymize, addresses)
    evidence = folder / EVIDENCE
    summary = write_evidence(case.explanation, case.facts, case.captures, evidence, extent)
    explanation = case.explanation
    if addresses is not None:
        explanation = _anonymous(case, evidence, addresses)
    site = case.context.site if addresses is None else _site(case.context.site, addresses)
    if site.proxies:
        (folder / SITE).write_text(_site_text(site), encoding="utf-8")
    answer = render_markdown(explanation, verbose=1)
    about = "\n".join(_attached(case, explanation, anonymize=anonymize))
    (folder / ANSWER).write_text(f"{answer}\n{about}\n", encoding="utf-8")
    (folder / PAGE).write_text(render_html(explanation, verbose=1), encoding="utf-8")
    return summary


def _site_text(site: Site) -> str:
    """Return what is known of the proxies as a site file that needs no other: certificates stand in it."""
    from ocsp_pcap.explain.site.write import site_toml

    proxies = (
        replace(proxy, ca=tuple(replace(authority, path="") for authority in proxy.ca))
        for proxy in site.proxies
    )
    return site_toml(replace(site, proxies=tuple(proxies)), ())


def _attached(case: SupportCase, sent: Explanation, *, anonymize: bool) -> Iterator[str]:
    """Yield what stands beside the answer, how to check it, and what it rests on that is not there."""
    yield "Attached:"
    yield ""
    yield f"- `{PAGE}`: the same as a page, with timelines"
    yield f"- `{EVIDENCE}`: the packets that prove it"
    known = bool(case.context.site.proxies)
    if known:
        yield f"- `{SITE}`: what is known of the proxies"
    yield ""
    option = f" --site {SITE}" if known else ""
    yield f"To check it: `ocsp-pcap explain {EVIDENCE}{option}`."
    paths: list[str | Path] = [entry.path for entry in case.context.trace]
    paths += [entry.path for entry in case.context.logs]
    absent = dict.fromkeys(Path(path).name for path in paths + list(case.key_logs))
    if absent:
        yield f"Used, and not attached: {', '.join(markdown_code(name) for name in absent)}."
    if anonymize:
        too = ", in the site file, too" if known else ""
        yield (
            f"Addresses, clients' ports and credentials are replaced{too}; names in certificates are not. "
            "Lines of logs and configurations are not quoted."
        )
        before, after = (
            sum(verdict.certificate is not None for verdict in each.verdicts)
            for each in (case.explanation, sent)
        )
        if after < before:
            yield (
                f"{count(before - after, 'certificate')} cannot be read here: the secrets inside the "
                "captures, which open them, would open what is replaced too, and are left out."
            )


def _anonymous(case: SupportCase, evidence: Path, addresses: AddressMap) -> Explanation:
    """Explain the anonymized packets, with a site that is anonymized in the same way."""
    site = case.context.site
    authorities = [authority.der for proxy in site.proxies for authority in proxy.ca]
    hosts = _site(site, addresses).hosts
    options = ReadOptions(key_logs=case.key_logs, authorities=authorities, hosts=hosts)
    facts = read_facts([evidence], options)
    captures = tuple(replace(c, path=c.path.replace(str(evidence), EVIDENCE)) for c in facts.captures)
    facts = renamed(facts, {c.path: n.path for c, n in zip(facts.captures, captures, strict=True)})
    roles = {capture.path: capture.role for capture in facts.captures if capture.role is not None}
    context = replace(
        case.context,
        site=_site(site, addresses),
        capture_roles=roles,
        trace=tuple(_trace_entry(entry, addresses) for entry in case.context.trace),
        logs=tuple(_log_entry(entry, addresses) for entry in case.context.logs),
    )
    return explain(facts, context, case.hosts)


def _text(text: str | None, addresses: AddressMap) -> str | None:
    return None if text is None else addresses.text(text)


def _trace_entry(entry: TraceEntry, addresses: AddressMap) -> TraceEntry:
    url = _text(entry.url, addresses)
    return replace(entry, path=Path(entry.path).name, host=addresses.text(entry.host), url=url)


def _log_entry(entry: LogEntry, addresses: AddressMap) -> LogEntry:
    """Return what a line says; not the line, which may name users."""
    return replace(
        entry,
        path=Path(entry.path).name,
        text="(the line is not quoted)",
        host=_text(entry.host, addresses),
        client=_text(entry.client, addresses),
        responder=_text(entry.responder, addresses),
    )


def _site(site: Site, addresses: AddressMap) -> Site:
    return replace(
        site,
        path=Path(site.path).name,
        proxies=tuple(_proxy(proxy, addresses) for proxy in site.proxies),
        notes=(),
    )


def _proxy(proxy: Proxy, addresses: AddressMap) -> Proxy:
    return replace(
        proxy,
        addresses=frozenset(addresses.text(address) for address in proxy.addresses),
        ca=tuple(replace(authority, path=Path(authority.path).name) for authority in proxy.ca),
        forwarding_host=_text(proxy.forwarding_host, addresses),
        responder_url=_text(proxy.responder_url, addresses),
        sources=tuple(
            (key, replace(source, path=Path(source.path).name, text=_quoted(source, addresses)))
            for key, source in proxy.sources
        ),
    )


def _quoted(source: Source, addresses: AddressMap) -> str:
    """Return what is quoted of a site file; lines of other configurations may hold passwords."""
    return addresses.text(source.text) if source.kind == "toml" else ""
