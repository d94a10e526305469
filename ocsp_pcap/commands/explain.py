"""``ocsp-pcap explain``: the answer for every certificate, or the forecast of what OCSP would ask."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from ocsp_pcap.commands.options import capture_options, output_option
from ocsp_pcap.commands.run import end, explanation_of
from ocsp_pcap.inputs import input_files, read_case
from ocsp_pcap.output import console, page, refuse_output, settled, warn, write

_FORMATS: Final = {".json": "json", ".md": "md", ".markdown": "md", ".html": "html", ".htm": "html"}
"""What a report is written as, by the end of its file's name."""


@click.command()
@capture_options
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "md", "html"]),
    help="By default as the file's name says (.json, .md, .html), else text.",
)
@output_option
@click.option(
    "-v", "--verbose", count=True, help="Evidence and filters for every certificate; -vv: sightings."
)
@click.option("--forecast", is_flag=True, help="Show instead which queries OCSP would cause, were it on.")
def explain(form: str | None, output: Path | None, verbose: int, forecast: bool, **options: Any) -> None:
    """Explain every certificate: asked about, stapled, cached, or why not."""
    form = form or _FORMATS.get(output.suffix.lower() if output else "", "text")
    refuse_output(output, input_files(options))
    if forecast:
        _forecast(form, output, **options)
        return
    explanation, reading = explanation_of(**options)
    output = settled(output, interrupted=reading.interrupted)
    if form == "text":
        from ocsp_pcap.report.text import render_text

        with page(output) as terminal:
            render_text(explanation, console=terminal, verbose=max(verbose, int(bool(options["host"]))))
    elif form == "json":
        from ocsp_pcap.report.json import explanation_to_text

        write(explanation_to_text(explanation), output)
    elif form == "md":
        from ocsp_pcap.report.markdown import render_markdown

        write([render_markdown(explanation, verbose=verbose)], output)
    else:
        from ocsp_pcap.report.html import render_html

        write([render_html(explanation, verbose=max(verbose, 1))], output)
    end(reading)


def _forecast(form: str, output: Path | None, *, host: tuple[str, ...], **options: Any) -> None:
    """Read, and print which queries OCSP would have caused."""
    context, reading = read_case(**options)

    from ocsp_pcap.explain.forecast import forecast
    from ocsp_pcap.report import forecast as report

    result = forecast(reading.facts, context, host)
    output = settled(output, interrupted=reading.interrupted)
    for note in result.notes:
        warn(note)
    if host and not result.validators:
        warn(f"no handshake belongs to a host like {' or '.join(host)}")
    if form == "text":
        with console(output) as terminal:
            report.render_forecast_text(result, console=terminal)
    elif form == "json":
        from ocsp_pcap.facts.json import dumps

        write([dumps(report.forecast_to_json(result), indent=2), "\n"], output)
    elif form == "md":
        write([report.render_forecast_markdown(result)], output)
    else:
        write([report.render_forecast_html(result)], output)
    end(reading)
