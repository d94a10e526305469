"""``ocsp-pcap crosscheck``: facts against Wireshark's dissection of the same captures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from ocsp_pcap.commands.options import INPUT, offer
from ocsp_pcap.commands.run import end
from ocsp_pcap.inputs import HowToRead, read_captures, refuse_pipes, refuse_stored, refuse_urls
from ocsp_pcap.output import console, warn


@click.command()
@click.argument("captures", nargs=-1, required=True, metavar="CAPTURE...", shell_complete=offer("captures"))
@click.option("--keylog", type=INPUT, multiple=True, metavar="FILE", help="NSS key log file.")
def crosscheck(captures: tuple[str, ...], keylog: tuple[Path, ...]) -> None:
    """Compare our facts with Wireshark's dissection; exit status 1 where they disagree."""
    from ocsp_pcap.crosscheck import CrosscheckUnavailable, render_crosscheck
    from ocsp_pcap.crosscheck import crosscheck as compare

    refuse_pipes({"captures": captures})
    refuse_urls(captures)
    refuse_stored(captures)
    # Wireshark numbers each file's frames and streams by themselves.
    reading = read_captures(captures, HowToRead(keylog, rotated="no"))
    compared, agrees = True, True
    with console(None) as terminal:
        for capture in reading.facts.captures:
            try:
                result = compare(reading.facts, Path(capture.path), key_logs=keylog)
            except CrosscheckUnavailable as error:
                compared = False
                warn(str(error))
                continue
            render_crosscheck(result, terminal)
            agrees &= result.agrees
    end(replace(reading, complete=reading.complete and compared), held=agrees)
