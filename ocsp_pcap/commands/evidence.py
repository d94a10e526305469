"""``ocsp-pcap evidence``: the packets that prove the verdicts, as a capture of their own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ocsp_pcap.commands.options import FILE, anonymize_option, capture_options
from ocsp_pcap.commands.run import end, explanation_of
from ocsp_pcap.inputs import input_files, refuse_pipes, refuse_unnamed
from ocsp_pcap.output import Failure, refuse_output, say, settled, warn

if TYPE_CHECKING:
    from ocsp_pcap.evidence import EvidenceSummary


@click.command()
@capture_options
@click.option("-o", "--output", type=FILE, required=True, metavar="FILE", help="The pcapng file to write.")
@click.option(
    "--with-keys", is_flag=True, help="Include the TLS secrets of the sessions in it, and no others."
)
@anonymize_option
def evidence(output: Path, with_keys: bool, anonymize: bool, **options: Any) -> None:
    """Write a capture of only the packets that the verdicts rest on, each with a packet comment.

    Explaining it, with the same site file, traces and keys, gives the same verdicts.
    """
    from ocsp_pcap.evidence import EvidenceError, Extent, write_evidence

    if output == Path("-"):
        raise Failure("-: evidence is written to a file, not to standard output")
    refuse_output(output, input_files(options))
    refuse_pipes(options)
    if with_keys and anonymize:
        raise click.UsageError("Give --with-keys or --anonymize: secrets would open what is to be blanked.")
    explanation, reading = explanation_of(**options)
    output = settled(output, interrupted=reading.interrupted) or output
    paths = [file.path for capture in explanation.captures for file in capture.files or (capture,)]
    if reading.stored:
        stored = {name for names in reading.stored.values() for name in names}
        of_stored = (each for each in explanation.captures if each.path in stored)
        refuse_unnamed((file.path for each in of_stored for file in each.files or (each,)), options)
    extent = Extent(reading.roles, with_keys, options["how"].keylog, anonymize)
    try:
        summary = write_evidence(explanation, reading.facts, paths, output, extent)
    except EvidenceError as error:
        raise Failure(str(error)) from error
    say(f"{output}: {summary.packets} packets, {summary.proving} of them prove something")
    tell_shares(summary)
    end(reading)


def tell_shares(summary: EvidenceSummary) -> None:
    """Warn of packets that are not in the evidence."""
    for share in summary.shares:
        if share.left_out:
            warn(
                f"{share.name}: {share.left_out} packets hold addresses that cannot be replaced, or are "
                "fragments of no whole datagram; left out"
            )
        elif share.missing:
            warn(f"{share.name}: {share.missing} packets that prove something are no longer there")
