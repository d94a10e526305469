"""``ocsp-pcap ticket``: a support case as a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ocsp_pcap.commands.evidence import tell_shares
from ocsp_pcap.commands.options import FILE, anonymize_option, capture_options
from ocsp_pcap.commands.run import end, explained
from ocsp_pcap.inputs import HowToRead, read_case, refuse_pipes, refuse_unnamed
from ocsp_pcap.output import Failure, say
from ocsp_pcap.whole_file import partial


@click.command()
@capture_options
@click.option("-o", "--output", type=FILE, required=True, metavar="FOLDER", help="The folder to write.")
@anonymize_option
def ticket(output: Path, anonymize: bool, **options: Any) -> None:
    """Write a support case: answer.md to send, report.html to look at, evidence.pcapng to check both."""
    from ocsp_pcap.evidence import EvidenceError
    from ocsp_pcap.ticket import SupportCase, write_ticket

    refuse_pipes(options)
    if output.exists() and not output.is_dir():
        raise Failure(f"{output}: is a file; a ticket is a folder")
    hosts = options.pop("host")
    how: HowToRead = options["how"]
    context, reading = read_case(**options)
    explanation = explained(context, reading, hosts)
    output = partial(output) if reading.interrupted else output
    paths = [file.path for capture in explanation.captures for file in capture.files or (capture,)]
    if reading.stored:
        refuse_unnamed(paths, options)
    case = SupportCase(explanation, reading.facts, context, paths, how.keylog, hosts)
    try:
        summary = write_ticket(case, output, anonymize=anonymize)
    except EvidenceError as error:
        raise Failure(str(error)) from error
    except OSError as error:
        raise Failure(f"{output}: cannot be written: {error.strerror or error}") from error
    known = ", site.toml" if context.site.proxies else ""
    say(f"{output}: answer.md, report.html{known}, and evidence.pcapng with {summary.packets} packets")
    tell_shares(summary)
    end(reading)
