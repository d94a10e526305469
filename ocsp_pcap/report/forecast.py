"""A forecast of OCSP queries as text, JSON, Markdown and HTML."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from ocsp_pcap.explain.forecast_model import (
    FORECAST_SCHEMA,
    UNCERTAIN,
    Forecast,
    Opening,
    ResponderForecast,
    Unasked,
    ValidatorForecast,
)
from ocsp_pcap.explain.lifetimes import Lifetime
from ocsp_pcap.explain.phrases import count, validator_name
from ocsp_pcap.facts.lines import to_json
from ocsp_pcap.report.layout import short_names
from ocsp_pcap.report.wording import capture_limits, capture_size
from ocsp_pcap.terminal.escape import markdown_code, markdown_text
from ocsp_pcap.terminal.sheet import Sheet

if TYPE_CHECKING:
    from rich.console import Console

RESPONDER_HEADINGS: Final = (
    "Responder",
    "Certificates",
    "Handshakes",
    "Stapled",
    "Without cache",
    "With cache",
    "Seen",
)
OPENING_HEADINGS: Final = ("From", "To", "Port", "Addresses in DNS", "Queries")
_LONGEST_HOST: Final = 120


def forecast_to_json(forecast: Forecast) -> dict[str, Any]:
    """Return a forecast as the JSON object of schema "ocsp-pcap/forecast-1".

    Notes about the run are warnings and go to standard error, not into this object.
    """
    return {"schema": FORECAST_SCHEMA} | {key: v for key, v in to_json(forecast).items() if key != "notes"}


def forecast_headline(forecast: Forecast) -> str:
    """Say what would have been asked, and whether that is all."""
    asking = [item for item in forecast.validators if item.responders]
    if not asking:
        return "With OCSP on, this traffic would have caused no query" + (
            ", as far as the certificates can be seen." if _hidden(forecast.validators) else "."
        )
    without = sum(item.queries_without_cache for item in asking)
    cached = sum(item.queries_with_cache for item in asking)
    hosts = {(each.host, each.port) for item in asking for each in item.responders}
    who = validator_name(asking[0].validator) if len(asking) == 1 else f"{len(asking)} validators"
    return (
        f"With OCSP on, this traffic would have caused {count(cached, 'query', 'queries')} "
        f"({without:,} without a cache) to {count(len(hosts), 'responder')}, from {who}."
        + (" Certificates that are not visible here may add to that." if _hidden(forecast.validators) else "")
    )


def _hidden(validators: Sequence[ValidatorForecast]) -> bool:
    return any(each.reason in UNCERTAIN for item in validators for each in item.unasked)


def validator_sentence(item: ValidatorForecast) -> str:
    """Sum up one validator."""
    met = f"{count(item.handshakes, 'handshake')}, {count(item.occasions, 'certificate')} received"
    if not item.responders:
        return f"{met}: no query"
    sentence = (
        f"{met}: {count(item.queries_with_cache, 'query', 'queries')} with a cache, "
        f"{item.queries_without_cache:,} without"
    )
    if item.stapled:
        sentence += f"; staples would have made {count(item.stapled, 'query', 'queries')} needless"
    intermediate = sum(each.intermediate_queries_with_cache for each in item.responders)
    if intermediate:
        sentence += f"; {intermediate:,} of the queries about intermediates"
    if item.queries_seen:
        sentence += f"; really sent in these captures: {item.queries_seen:,}"
    return sentence


def responder_cells(item: ResponderForecast) -> tuple[str, ...]:
    """Return the row of a responder, in the order of the headings."""
    port = "" if item.port == (443 if item.scheme == "https" else 80) else f":{item.port}"
    certificates = str(item.certificates)
    if item.intermediates:
        certificates += f" ({count(item.intermediates, 'intermediate')})"
    if item.fallback_certificates:
        certificates += f" (+{item.fallback_certificates} as a fallback)"
    return (
        f"{item.scheme}://{item.host}{port}",
        certificates,
        f"{item.handshakes:,}",
        f"{item.stapled:,}",
        f"{item.queries_without_cache:,}",
        f"{item.queries_with_cache:,}",
        f"{item.queries_seen:,}",
    )


def lifetime_sentences(item: ValidatorForecast) -> list[str]:
    """Say for how long answers would be held, each way in which it is known once."""
    shortest: dict[str, Lifetime] = {}
    for responder in item.responders:
        for lifetime in responder.lifetimes:
            known = shortest.get(lifetime.basis)
            if known is None or lifetime.seconds < known.seconds:
                shortest[lifetime.basis] = lifetime
    return [
        f"answers are held for {lifetime.words}: {lifetime.reason}"
        if lifetime.seconds
        else f"answers are not held: {lifetime.reason}"
        for lifetime in shortest.values()
    ]


def unasked_sentence(item: Unasked) -> str:
    """Say what would not be asked about, and why."""
    what = count(item.handshakes, "handshake")
    if item.certificates:
        what = f"{count(item.certificates, 'certificate')} in {what}"
    more = ", ..." if len(item.hosts) < item.handshakes and len(item.hosts) > 2 else ""
    return f"{what}: {item.why} ({', '.join(item.hosts)}{more})"


def opening_cells(item: Opening) -> tuple[str, ...]:
    """Return the row of a firewall opening, in the order of the headings."""
    addresses = ", ".join(item.addresses) or "no lookup seen"
    return item.source, f"{item.host} ({item.scheme})", f"tcp {item.port}", addresses, f"{item.queries:,}"


def render_forecast_text(forecast: Forecast, *, console: Console) -> None:
    """Print a forecast to a console."""
    sheet = Sheet(console)
    sheet.line(sheet.text(forecast_headline(forecast), "bold"))
    names = short_names([capture.path for capture in forecast.captures])
    for capture in forecast.captures:
        sheet.line(sheet.text(names[capture.path]), sheet.text(f"  {capture_size(capture)}", "dim"), indent=2)
        if limits := capture_limits(capture):
            sheet.item(sheet.text("!", "yellow"), sheet.text("; ".join(limits), "yellow"), indent=4, width=1)
    for item in forecast.validators:
        sheet.blank()
        sheet.line(
            sheet.text(f"OCSP on at {validator_name(item.validator)}", "bold"),
            sheet.text(f"  {validator_sentence(item)}"),
        )
        if item.responders:
            _print_table(console, RESPONDER_HEADINGS, [responder_cells(each) for each in item.responders])
        if item.forwarding_host:
            sheet.line(sheet.text(f"queries leave through {item.forwarding_host}"), indent=2)
        for sentence in lifetime_sentences(item):
            sheet.line(sheet.text(sentence, "dim"), indent=2)
        if item.unasked:
            sheet.line(sheet.text("Not asked about", "dim"), indent=2)
            for each in item.unasked:
                mark = sheet.text("?" if each.reason in UNCERTAIN else "-")
                sheet.item(mark, sheet.text(unasked_sentence(each), limit=600), indent=4, width=1)
    if forecast.openings:
        sheet.blank()
        sheet.line(sheet.text("What a firewall must let through", "bold"))
        _print_table(console, OPENING_HEADINGS, [opening_cells(each) for each in forecast.openings])
    sheet.blank()
    sheet.line(sheet.text("Assumed", "bold"))
    for sentence in forecast.assumptions:
        sheet.item(sheet.text("-"), sheet.text(sentence, "dim"), indent=2, width=1)


def _print_table(console: Console, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.table import Table

    sheet = Sheet(console)
    table = Table(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim"
    )
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(sheet.text(cell, limit=_LONGEST_HOST) for cell in row))
    console.print(table)


def render_forecast_markdown(forecast: Forecast) -> str:
    """Return a forecast as Markdown."""
    return "\n".join(_markdown(forecast)) + "\n"


def _markdown(forecast: Forecast) -> Iterator[str]:
    yield "# OCSP queries to expect"
    yield ""
    yield f"**{markdown_text(forecast_headline(forecast))}**"
    yield ""
    names = short_names([capture.path for capture in forecast.captures])
    for capture in forecast.captures:
        yield f"- {markdown_code(names[capture.path])}: {capture_size(capture)}"
        for limit in capture_limits(capture):
            yield f"  - **{markdown_text(limit)}**"
    for item in forecast.validators:
        yield ""
        yield f"## OCSP on at {markdown_text(validator_name(item.validator))}"
        yield ""
        yield markdown_text(f"{validator_sentence(item)}.")
        if item.responders:
            yield ""
            yield from _markdown_table(
                RESPONDER_HEADINGS, [responder_cells(each) for each in item.responders]
            )
        notes = lifetime_sentences(item)
        if item.forwarding_host:
            notes.insert(0, f"queries leave through {item.forwarding_host}")
        if notes:
            yield ""
            yield from (f"- {markdown_text(sentence)}" for sentence in notes)
        if item.unasked:
            yield ""
            yield "Not asked about:"
            yield ""
            yield from (f"- {markdown_text(unasked_sentence(each))}" for each in item.unasked)
    if forecast.openings:
        yield ""
        yield "## What a firewall must let through"
        yield ""
        yield from _markdown_table(OPENING_HEADINGS, [opening_cells(each) for each in forecast.openings])
    yield ""
    yield "## Assumed"
    yield ""
    yield from (f"- {markdown_text(sentence)}" for sentence in forecast.assumptions)


def _markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(headings)} |"
    yield f"|{'---|' * len(headings)}"
    for row in rows:
        yield f"| {' | '.join(markdown_text(cell[:_LONGEST_HOST], table=True) for cell in row)} |"


def render_forecast_html(forecast: Forecast) -> str:
    """Return a forecast as one self-contained page of HTML."""
    from ocsp_pcap.report.html import render_page

    return render_page(
        "forecast.html",
        forecast=forecast,
        names=short_names([capture.path for capture in forecast.captures]),
        headline=forecast_headline(forecast),
        responder_headings=RESPONDER_HEADINGS,
        opening_headings=OPENING_HEADINGS,
        responder_cells=responder_cells,
        opening_cells=opening_cells,
        validator_sentence=validator_sentence,
        lifetime_sentences=lifetime_sentences,
        unasked_sentence=unasked_sentence,
    )
