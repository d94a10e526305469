"""The details of one verdict for the terminal: evidence, filters, what else could be, what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ocsp_pcap.explain.headline import revoked_singles
from ocsp_pcap.explain.model import Evidence, Sighting, Verdict
from ocsp_pcap.explain.phrases import count, validator_name
from ocsp_pcap.facts import CertificateFact, OcspExchangeFact
from ocsp_pcap.report.exchanges import answer_text, frames_text, responder_text, revoked_first
from ocsp_pcap.report.filters import Filter, verdict_filters
from ocsp_pcap.report.layout import Layout, host_text
from ocsp_pcap.report.wording import (
    PRESENCE_MARKS,
    doubt_clause,
    moment,
    presence_words,
    status_colour,
    verdict_colour,
)
from ocsp_pcap.terminal.sheet import VERDICT_STYLES, Sheet

_MOST_EVIDENCE: Final = 10


def print_verdict(sheet: Sheet, layout: Layout, verdict: Verdict, *, everything: bool) -> None:
    """Print all about a verdict; ``everything``: its sightings and evidence without limit too."""
    sheet.blank()
    sheet.line(
        sheet.text(host_text(verdict), "bold underline", limit=200),
        sheet.text(f"  received by {validator_name(verdict.validator)}", "dim"),
    )
    parts = [
        sheet.text(
            presence_words(verdict.presence, verdict_colour(verdict)),
            VERDICT_STYLES.get(verdict_colour(verdict), ""),
        ),
        sheet.text(f"  {verdict.cause}", "bold"),
        sheet.text(f"  {verdict.confidence}"),
    ]
    if verdict.status:
        parts += [
            sheet.text("  status "),
            sheet.text(verdict.status, VERDICT_STYLES.get(status_colour(verdict), "")),
        ]
    sheet.line(*parts, indent=2)
    sheet.line(sheet.text(verdict.summary), indent=2)
    if doubt := doubt_clause(verdict):
        sheet.line(sheet.text(doubt, "yellow"), indent=2)
    if verdict.certificate is not None:
        _print_certificate(sheet, verdict.certificate)
    if verdict.evidence:
        _heading(sheet, "Evidence")
        print_evidence(sheet, layout, verdict.evidence, everything=everything)
    print_filters(sheet, layout, verdict_filters(verdict))
    if verdict.alternatives:
        _heading(sheet, "Not ruled out")
        for alternative in verdict.alternatives:
            sheet.item(sheet.text(alternative.cause), sheet.text(alternative.why), indent=4, width=21)
    if verdict.next_steps:
        _heading(sheet, "Next steps")
        for number, step in enumerate(verdict.next_steps, start=1):
            sheet.item(sheet.text(f"{number}."), sheet.text(step), indent=4, width=2)
    if everything:
        _print_sightings(sheet, layout, verdict.sightings)
    elif len(verdict.sightings) > 1:
        sheet.line(
            sheet.text(f"{count(len(verdict.sightings), 'handshake')} in all; -vv lists them", "dim"),
            indent=2,
        )


def _heading(sheet: Sheet, words: str) -> None:
    """Print the heading of a part."""
    sheet.line(sheet.text(words, "dim"), indent=2)


def _print_certificate(sheet: Sheet, certificate: CertificateFact) -> None:
    """Print what identifies a certificate and what revocation information it names."""
    _heading(sheet, "Certificate")
    urls = ", ".join(certificate.ocsp_urls) or "none"
    lines = [
        ("subject", certificate.subject),
        ("issuer", certificate.issuer),
        ("serial", certificate.serial),
        ("valid", f"{moment(certificate.not_before)} → {moment(certificate.not_after)}"),
        ("OCSP URL", urls + ("  (must-staple)" if certificate.must_staple else "")),
    ]
    if not certificate.ocsp_urls and certificate.crl_urls:
        lines.append(("CRL URL", ", ".join(certificate.crl_urls)))
    if certificate.parse_error:
        lines.append(("damaged", certificate.parse_error))
    for name, value in lines:
        sheet.item(sheet.text(name, "dim"), sheet.text(value, limit=400), indent=4, width=8)


def print_evidence(sheet: Sheet, layout: Layout, evidence: Sequence[Evidence], *, everything: bool) -> None:
    """Print a line for each piece of evidence, with its frame."""
    shown = evidence if everything else evidence[:_MOST_EVIDENCE]
    places = [
        f"frame {item.frame}" if item.frame is not None else layout.captures.get(item.capture, item.capture)
        for item in shown
    ]
    width = min(max(map(len, places)), 30)
    for item, place in zip(shown, places, strict=True):
        note = sheet.text(item.note, limit=1000)
        if item.frame is not None and len(layout.captures) > 1:
            note.append_words(sheet.text(f"  {layout.captures.get(item.capture, item.capture)}", "dim"))
        sheet.item(sheet.text(place), note, indent=4, width=width)
    if len(evidence) > len(shown):
        sheet.line(sheet.text(f"… and {len(evidence) - len(shown)} more: -vv shows all", "dim"), indent=4)


def print_filters(sheet: Sheet, layout: Layout, filters: Sequence[Filter]) -> None:
    """Print display filters, one a line, under the name of their capture where there are several."""
    if not filters:
        return
    _heading(sheet, "Wireshark filters")
    last: str | None = None
    several = len(layout.captures) > 1
    for each in filters:
        if several and each.capture != last:
            name = "any capture" if each.capture is None else layout.captures.get(each.capture, each.capture)
            sheet.line(sheet.text(f"in {name}:", "dim"), indent=4)
            last = each.capture
        sheet.copyable(each.text, indent=6 if several else 4)


def _print_sightings(sheet: Sheet, layout: Layout, sightings: Sequence[Sighting]) -> None:
    """Print a line for each handshake."""
    if not sightings:
        return
    _heading(sheet, count(len(sightings), "handshake"))
    for sighting in sightings:
        where = f"frame {sighting.frame}, stream {sighting.stream}"
        if len(layout.captures) > 1:
            where += f", {layout.captures.get(sighting.capture, sighting.capture)}"
        mark = PRESENCE_MARKS.get(sighting.presence, "?")
        body = f"{mark} {sighting.presence} {sighting.cause} ({sighting.confidence})  {where}"
        sheet.item(sheet.text(moment(sighting.time, fraction=True)), sheet.text(body), indent=4, width=30)


def print_exchanges(
    sheet: Sheet, layout: Layout, exchanges: Sequence[OcspExchangeFact], *, listed: bool
) -> None:
    """Print how many OCSP exchanges belong to no handshake and, with ``listed``, which."""
    if not exchanges:
        return
    sheet.blank()
    what = count(len(exchanges), "OCSP exchange")
    sheet.line(sheet.text(f"{what} for certificates that the sender was not seen to receive", "bold"))
    shown = revoked_first(exchanges)
    for exchange in shown if listed else shown[:_MOST_EVIDENCE]:
        where = frames_text(exchange)
        if len(layout.captures) > 1:
            where += f", {layout.captures.get(exchange.capture, exchange.capture)}"
        body = f"{exchange.client} → {responder_text(exchange)}  {answer_text(exchange)}"
        style = "bold red" if revoked_singles(exchange) else ""
        sheet.item(sheet.text(where, "dim"), sheet.text(body, style, limit=600), indent=2, width=16)
    if not listed and len(exchanges) > _MOST_EVIDENCE:
        sheet.line(sheet.text(f"… and {len(exchanges) - _MOST_EVIDENCE} more: -v shows all", "dim"), indent=2)
