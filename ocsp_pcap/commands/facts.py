"""``ocsp-pcap facts``: what was seen, as JSON lines or as tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ocsp_pcap.commands.options import offer, reading_options
from ocsp_pcap.commands.run import end
from ocsp_pcap.inputs import HowToRead, input_files, read_captures, site_authorities
from ocsp_pcap.output import Failure, refuse_output, settled, write

if TYPE_CHECKING:
    from ocsp_pcap.facts import Facts


@click.command()
@click.argument("captures", nargs=-1, required=True, metavar="CAPTURE...", shell_complete=offer("captures"))
@reading_options
@click.option(
    "--site",
    multiple=True,
    metavar="[PROXY=]FILE",
    help="Site file or configuration: its CA certificates verify what they signed.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "parquet"]),
    default="jsonl",
    show_default=True,
    help="JSON lines, or one Parquet table a kind.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Write to a file instead; with parquet: to a directory, or a URL such as s3://bucket/facts.",
)
def facts(
    captures: tuple[str, ...], how: HowToRead, site: tuple[str, ...], form: str, output: str | None
) -> None:
    """Print what was seen, one JSON object a line: captures, certificates, handshakes, exchanges.

    Stored facts can be given in place of captures, here and to the other commands.
    """
    target = None if output in (None, "-") else output
    files = input_files({"captures": captures, "site": site, "how": how})
    if form == "parquet":
        save = _table_writer(target)
    else:
        file = None if target is None else Path(target)
        refuse_output(file, files)

        def save(found: Facts, interrupted: bool) -> None:
            write(_lines(found, how.jobs), settled(file, interrupted=interrupted))

    reading = read_captures(captures, how, site_authorities(site), held=False)
    save(reading.facts, reading.interrupted)
    end(reading)


def _lines(found: Facts, jobs: int) -> Iterable[str | bytes]:
    if jobs > 1:
        from ocsp_pcap.parallel.writing import jsonl_blocks

        return jsonl_blocks(found, jobs)
    from ocsp_pcap.facts.json import facts_to_jsonl

    return (f"{line}\n" for line in facts_to_jsonl(found))


def _table_writer(target: str | None) -> Callable[[Facts, bool], None]:
    """Return what writes facts as tables, once it is clear that it can."""
    from ocsp_pcap.tables import TablesError
    from ocsp_pcap.tables.write import refuse_directory, write_tables

    if target is None:
        raise click.UsageError("Tables are written to a directory: give one with -o.")

    def save(found: Facts, interrupted: bool) -> None:
        there = f"{target.rstrip('/')}.partial" if interrupted else target
        try:
            write_tables(found, there)
        except TablesError as error:
            raise Failure(str(error)) from error

    try:
        refuse_directory(target)
    except TablesError as error:
        raise Failure(str(error)) from error
    return save
