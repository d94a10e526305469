"""``ocsp-pcap diff``: what changed between two explanations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ocsp_pcap.commands.options import FILE, complete_captures, named_file
from ocsp_pcap.commands.run import end, explanation_of
from ocsp_pcap.inputs import CapturesRead, HowToRead
from ocsp_pcap.output import BROKEN, Failure, console, refuse_output, write

if TYPE_CHECKING:
    from ocsp_pcap.explain.difference import ExplanationOutline


@click.command()
@click.argument("before", metavar="BEFORE", shell_complete=complete_captures)
@click.argument("after", metavar="AFTER", shell_complete=complete_captures)
@click.option(
    "--format", "form", type=click.Choice(["text", "md", "json"]), default="text", show_default=True
)
@click.option(
    "-o", "--output", type=FILE, callback=named_file, metavar="FILE", help="Write to a file instead."
)
def diff(before: str, after: str, form: str, output: Path | None) -> None:
    """Tell what changed between two explanations; exit status 1 where something got worse.

    BEFORE and AFTER are what explain --format json wrote, or stored facts, or captures.
    """
    from ocsp_pcap.explain.difference import difference

    refuse_output(output, [Path(before), Path(after)])
    (first, reading), (second, other) = _outline_of(before), _outline_of(after)
    found = difference(first, second)
    if form == "json":
        from ocsp_pcap.facts.json import dumps
        from ocsp_pcap.report.difference import difference_to_json

        write([dumps(difference_to_json(found), indent=2), "\n"], output)
    elif form == "md":
        from ocsp_pcap.report.difference import difference_markdown

        write([difference_markdown(found)], output)
    else:
        from ocsp_pcap.report.difference import render_difference

        with console(output) as terminal:
            render_difference(found, terminal)
    for each in (reading, other):
        if each is not None and (each.interrupted or not each.complete):
            end(each, held=not found.worse)
    if found.worse:
        click.get_current_context().exit(BROKEN)


def _outline_of(argument: str) -> tuple[ExplanationOutline, CapturesRead | None]:
    """Read an explanation that was stored as JSON, or make one of facts or captures."""
    import json

    from ocsp_pcap.explain.difference import outline_of, outline_of_json

    path = Path(argument)
    if path.is_file():
        with path.open("rb") as file:
            head = file.read(64)
            if head.lstrip()[:1] == b"{" and b'"kind"' not in head:
                try:
                    return outline_of_json(json.loads(head + file.read())), None
                except (ValueError, RecursionError) as error:
                    raise Failure(f"{argument}: {error}") from error
    explanation, reading = explanation_of((argument,), (), (), (), (), (), (), HowToRead())
    return outline_of(explanation), reading
