"""Knowledge from elsewhere, added to verdicts and findings once the packets have been explained.

Lines of logs are quoted as evidence where they fit; the authority's own habits explain a missing OCSP URL;
next steps are given in the words of the product. None of this changes a cause, a presence or a confidence.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ocsp_pcap.explain.authorities import (
    may_not_be_known_yet,
    outlives_the_rules,
    responders_are_off,
    why_no_url,
)
from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.model import Evidence, Finding, Verdict
from ocsp_pcap.explain.responders import responder_hosts
from ocsp_pcap.explain.site import Proxy, ProxyRole, Site
from ocsp_pcap.explain.trace_entry import TraceEntry
from ocsp_pcap.facts import CaptureFact, CertificateFact

if TYPE_CHECKING:
    from ocsp_pcap.explain.logs.model import LogEntry
    from ocsp_pcap.explain.zones import Subject

NEAR = 5 * SECOND
"""Nanoseconds by which a log line and a sighting may differ and still tell of the same connection."""
MAX_LINES = 3
ASKING = frozenset({"haproxy", "nginx", "apache"})
"""Logs of servers that ask about their own certificates, or their clients'."""
PRIVATE = frozenset(
    (
        "test",
        "example",
        "invalid",
        "localhost",
        "local",
        "internal",
        "lan",
        "corp",
        "home",
        "intranet",
        "private",
    )
)
"""Top-level names of which no public authority issues certificates."""
FINDINGS_ABOUT: dict[str, ProxyRole] = {
    "ocsp-on-wrong-proxy": "parent",
    "ocsp-nowhere": "parent",
    "parent-not-intercepting": "parent",
    "ocsp-forwarded": "parent",
    "crl-fallback": "parent",
    "ttl-override-in-use": "parent",
    "repeated-queries": "parent",
    "responders-failing": "parent",
    "selective-interception": "parent",
    "ocsp-on-child-too": "child",
    "reissued-without-revocation": "parent",
    "quic-bypass": "child",
}
"""Whose menus the next steps of a finding are about."""


def annotated(
    verdicts: Sequence[Verdict],
    logs: Sequence[LogEntry],
    proxy: Callable[[str], Proxy | None],
    site: Site | None = None,
) -> tuple[Verdict, ...]:
    """Return verdicts with what is known besides the packets.

    ``proxy`` returns what the site says of the host at an address.
    """
    index, known = _Index(logs), site or Site()
    return tuple(_annotated(verdict, index, proxy(verdict.validator.address), known) for verdict in verdicts)


def annotated_findings(findings: Iterable[Finding], site: Site) -> tuple[Finding, ...]:
    """Return findings with the product's own steps before the general ones."""
    return tuple(_with_product(finding, site) for finding in findings)


def log_times(verdicts: Iterable[Verdict]) -> dict[Subject, list[int]]:
    """Return when packets show what a line of a log may be about: a host, a serial number, a responder."""
    found: dict[Subject, set[int]] = defaultdict(set)
    for verdict in verdicts:
        times = [sighting.time for sighting in verdict.sightings]
        certificate = verdict.certificate
        if verdict.host and verdict.chain_role == "leaf":
            found["host", verdict.host.lower()].update(times)
        if certificate is not None:
            found["serial", certificate.serial].update(times)
            for host, _, _ in responder_hosts(certificate.ocsp_urls):
                found["responder", host.lower()].update(times)
    return {key: sorted(times) for key, times in found.items()}


def log_notes(entries: Sequence[LogEntry | TraceEntry], captures: Sequence[CaptureFact]) -> Iterator[str]:
    """Say which logs and traces are of another time than the captures, or do not tell their day or zone."""
    from ocsp_pcap.explain.zones import EAST, WEST, offset_words

    first = min((c.first_time for c in captures if c.first_time is not None), default=None)
    last = max((c.last_time for c in captures if c.last_time is not None), default=None)
    by_path: dict[str, list[LogEntry | TraceEntry]] = defaultdict(list)
    for entry in entries:
        by_path[entry.path].append(entry)
    for path, lines in by_path.items():
        times = [entry.time for entry in lines if entry.time is not None]
        if not times:
            yield f"{path}: its lines about certificates have no date: which connections they tell of is open"
        elif offset := next((entry.offset for entry in lines if entry.offset is not None), None):
            yield (
                f"{path}: its times name no zone and fit the packets as {offset_words(offset)}, which is a "
                "sign and no proof; --zone tells the zone"
            )
        elif first is None or last is None or _overlaps(times, first, last):
            continue
        elif all(entry.zone for entry in lines) or not _overlaps(times, first - WEST, last + EAST):
            yield (
                f"{path}: its lines about certificates are from {_text(min(times))} to {_text(max(times))}, "
                f"the captures from {_text(first)} to {_text(last)}: none of them is about these connections"
            )
        else:
            yield (
                f"{path}: its times name no zone, and read as UTC none of its lines is of the time of the "
                "captures; --zone tells the zone"
            )


def _overlaps(times: Sequence[int], first: int, last: int) -> bool:
    return any(first - NEAR <= time <= last + NEAR for time in times)


def _text(time: int) -> str:
    return datetime.fromtimestamp(time // SECOND, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


class _Index:
    """Log entries by what they are about, each list by time."""

    def __init__(self, logs: Sequence[LogEntry]) -> None:
        self._by: dict[tuple[str, str], list[tuple[int, LogEntry]]] = defaultdict(list)
        if logs:
            from ocsp_pcap.explain.zones import subjects
        for entry in logs:
            if entry.time is None:
                continue
            for subject in subjects(entry):
                self._by[subject].append((entry.time, entry))
        for rows in self._by.values():
            rows.sort(key=lambda row: row[0])

    def __bool__(self) -> bool:
        return bool(self._by)

    def near(self, kind: str, value: str, times: Iterable[int]) -> Iterator[LogEntry]:
        """Yield entries about something that are near one of the times."""
        rows = self._by.get((kind, value), [])
        for time in times:
            start = bisect_left(rows, time - NEAR, key=lambda row: row[0])
            end = bisect_right(rows, time + NEAR, key=lambda row: row[0])
            for _, entry in rows[start:end]:
                yield entry


def _annotated(verdict: Verdict, index: _Index, proxy: Proxy | None, site: Site) -> Verdict:
    lines = [_quote(entry) for entry in _lines(verdict, index)] if index else []
    added = []
    if verdict.certificate is not None:
        added = [_why_no_url(verdict, verdict.certificate), _weighs_in(verdict, verdict.certificate)]
    steps = _product_steps(proxy, verdict.cause) if proxy is not None else ()
    if site.proxies:
        maker = site.proxy("parent") if verdict.validator.role == "child" else _nearest(site)
        if maker is not None and maker is not proxy:
            steps += _product_steps(maker, verdict.cause, of_maker=True)
    if not (lines or steps or any(added)):
        return verdict
    summary = verdict.summary
    for sentence in filter(None, added):
        summary = f"{summary.rstrip('.')}. {sentence}."
    return replace(
        verdict,
        summary=summary,
        evidence=(*verdict.evidence, *lines),
        next_steps=tuple(dict.fromkeys((*steps, *verdict.next_steps))),
    )


def _why_no_url(verdict: Verdict, certificate: CertificateFact) -> str | None:
    return why_no_url(certificate) if verdict.cause == "no-ocsp-url" else None


def _weighs_in(verdict: Verdict, certificate: CertificateFact) -> str | None:
    """Say what the authority's habits or the rules have to do with an answer that is no good."""
    if verdict.cause in ("no-ocsp-url", "unexplained"):
        limit = outlives_the_rules(certificate) if _public(verdict.host) and not certificate.scts else None
        if limit is None:
            return None
        return (
            f"It lives longer than the {limit.days} days that public authorities may give since "
            f"{limit.start.isoformat()}, and bears no certificate timestamp: it looks reissued, or is of "
            "a private authority"
        )
    if verdict.cause in ("dns-failed", "responder-unreachable", "http-error", "no-response"):
        authority = responders_are_off(certificate, verdict.sightings[0].time)
        if authority is not None and authority.responders_end is not None:
            return f"{authority.name} turned its responders off on {authority.responders_end.isoformat()}"
    if verdict.cause == "responder-error" and may_not_be_known_yet(certificate, verdict.sightings[0].time):
        return (
            "The certificate was not 15 minutes old, and its responder need not know it before "
            "(Baseline Requirements 4.9.10)"
        )
    return None


def _public(host: str | None) -> bool:
    """Tell whether a name can be one of the public Internet (RFC 6761, RFC 6762, and usual private ones)."""
    labels = (host or "").rstrip(".").lower().split(".")
    return len(labels) > 1 and labels[-1].isalpha() and labels[-1] not in PRIVATE


def _lines(verdict: Verdict, index: _Index) -> list[LogEntry]:
    times = [sighting.time for sighting in verdict.sightings]
    certificate = verdict.certificate
    found: dict[tuple[str, int], LogEntry] = {}
    if certificate is not None:
        for entry in index.near("serial", certificate.serial, times):
            found.setdefault((entry.path, entry.line), entry)
    if verdict.host and verdict.chain_role == "leaf":
        for entry in index.near("host", verdict.host.lower(), times):
            if entry.client is not None and entry.client == verdict.validator.address:
                # The next proxy wrote this: to it the validator was the client.
                continue
            if entry.serial is None or certificate is None or entry.serial == certificate.serial:
                found.setdefault((entry.path, entry.line), entry)
    for host, _, _ in responder_hosts(certificate.ocsp_urls if certificate is not None else ()):
        for entry in index.near("responder", host.lower(), times):
            if entry.kind in ASKING and entry.serial is None:
                found.setdefault((entry.path, entry.line), entry)
    return list(found.values())[:MAX_LINES]


def _quote(entry: LogEntry) -> Evidence:
    from ocsp_pcap.explain.zones import offset_words

    zone = ""
    if not entry.zone:
        zone = " (no time zone; read as UTC)"
        if entry.offset is not None:
            zone = f" (no time zone; read as {offset_words(entry.offset)}, which fits the packets)"
    return Evidence(entry.path, None, None, f"line {entry.line}{zone}: {entry.text}")


def _with_product(finding: Finding, site: Site) -> Finding:
    role = FINDINGS_ABOUT.get(finding.code)
    proxy = site.proxy(role) if role is not None else None
    steps = _product_steps(proxy, finding.code) if proxy is not None else ()
    if (maker := _nearest(site)) is not None:
        steps += _product_steps(maker, finding.code, of_maker=True)
    return (
        replace(finding, next_steps=tuple(dict.fromkeys((*steps, *finding.next_steps)))) if steps else finding
    )


def _nearest(site: Site) -> Proxy | None:
    """Return the proxy that makes what clients receive: the child, unless it only tunnels."""
    child = site.proxy("child")
    return child if child is not None and child.intercepts is not False else site.proxy("parent")


def _product_steps(proxy: Proxy, code: str, *, of_maker: bool = False) -> tuple[str, ...]:
    from ocsp_pcap.explain.products import product_steps

    return product_steps(proxy, code, of_maker=of_maker)
