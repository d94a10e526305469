"""``certificates-hidden``: TLS 1.3 without keys hides the certificates that would decide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ocsp_pcap.explain.entries import finding_entry
from ocsp_pcap.explain.findings.common import View, evidence_of, finding, hosts_of
from ocsp_pcap.explain.hidden import SHORTLY, captures_opened
from ocsp_pcap.explain.model import Evidence, Finding, Verdict
from ocsp_pcap.explain.visits import Visit, evidence_in
from ocsp_pcap.explain.windows import tenths
from ocsp_pcap.facts import OcspExchangeFact

ENTRY: Final = finding_entry(
    "certificates-hidden",
    "advice",
    "TLS 1.3 without keys hides the certificates that would decide.",
    "Give the keys: --keylog FILE, as SSLKEYLOGFILE writes them for browsers, curl and mitmproxy.",
    "Or hold the proxy to {tls} 1.2 towards origins while you capture; there the certificate is readable.",
    "Or ask the device that opened the {tls} connection: its log or a policy trace (--log, --policy-trace) "
    "names what it checked.",
    "Or block UDP port 443 while you capture: clients that speak {quic} fall back to TCP.",
)
MAX_GUESSES: Final = 3


def find(view: View) -> Iterator[Finding]:
    """Say so for certificates that cannot be seen, with the queries that were probably about them."""
    hidden = [v for v in view.verdicts if v.cause == "certificate-encrypted" and not _cut_off(view, v)]
    if not hidden:
        return
    guesses = sorted(_guesses(view), key=lambda guess: (guess[0], guess[1]))
    guessed = "".join(f" {words}" for _, _, words, _ in guesses[:MAX_GUESSES])
    over_quic = _over_quic(hidden)
    number = len(hidden)
    noun, it = "handshakes hide their certificates", "them"
    if number == 1:
        noun, it = "handshake hides its certificate", "it"
    yield finding(
        ENTRY,
        f"{number} {noun} ({_names(over_quic)}, and no keys open {it}): {hosts_of(hidden)}.{guessed}",
        [*(e for _, _, _, pair in guesses[:MAX_GUESSES] for e in pair), *evidence_of(hidden[:4])],
        tls="TLS" if False in over_quic else None,
        quic="QUIC" if True in over_quic else None,
    )


def _cut_off(view: View, verdict: Verdict) -> bool:
    """What would show the certificate may be missing from a capture for which there are keys."""
    opened = view.case.once(captures_opened)
    cut = any(doubt.code == "packets-lost" for doubt in verdict.doubts)
    return cut and all(sighting.capture in opened for sighting in verdict.sightings)


def _over_quic(verdicts: Sequence[Verdict]) -> set[bool]:
    """Return whether the handshakes of some verdicts travel over QUIC: both, where some do."""
    return {item.transport == "udp" for verdict in verdicts for item in verdict.evidence[:1]}


def _names(over_quic: set[bool]) -> str:
    return " and ".join(name for name, quic in (("TLS 1.3", False), ("QUIC", True)) if quic in over_quic)


def _guesses(view: View) -> Iterator[tuple[bool, int, str, list[Evidence]]]:
    """Yield (not revoked, nanoseconds between, sentence, frames) of queries right after hidden handshakes."""
    for host in view.case.hosts.values():
        visits = [visit for visit in host.hidden if view.wanted(visit.host or visit.handshake.server)]
        for exchange in host.unmatched:
            before = [visit for visit in visits if 0 <= view.case.moment(exchange) - visit.time <= SHORTLY]
            if before:
                yield _guess(view, max(before, key=lambda visit: visit.time), exchange)


def _guess(view: View, visit: Visit, exchange: OcspExchangeFact) -> tuple[bool, int, str, list[Evidence]]:
    gap = view.case.moment(exchange) - visit.time
    status = next((s.status for s in exchange.response.singles), None) if exchange.response else None
    serial = next((cert_id.serial for cert_id in exchange.requests), None)
    answer = {"revoked": ", answered REVOKED,", "good": ", answered good,", "unknown": ", answered unknown,"}
    about = f" about serial {serial}" if serial else ""
    words = (
        f"A query{about}{answer.get(status or '', '')} came {tenths(gap)} after the handshake with "
        f"{visit.host or visit.handshake.server}: probably for it."
    )
    query = evidence_in(exchange, f"{tenths(gap)} after a hidden handshake")
    return status != "revoked", gap, words, [visit.evidence("hidden handshake"), query]
