"""``ocsp-pcap check``: captures held against expectations, for a pipeline that fails when OCSP moves."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from ocsp_pcap.commands.options import FILE, INPUT, capture_options
from ocsp_pcap.commands.run import end, explanation_of
from ocsp_pcap.inputs import input_files
from ocsp_pcap.output import Failure, console, refuse_output, say, settled, write


@click.command()
@capture_options
@click.option("--expect", type=INPUT, metavar="FILE", help="Expectation file (TOML).")
@click.option(
    "--write", "first", type=FILE, metavar="FILE", help="Write first expectations instead: what is seen now."
)
@click.option("--junit", type=FILE, metavar="FILE", help="Write the results as JUnit XML.")
def check(expect: Path | None, first: Path | None, junit: Path | None, **options: Any) -> None:
    """Hold captures against what they are expected to show; exit status 1 where an expectation is broken."""
    if (expect is None) == (first is None):
        raise click.UsageError("Give --expect FILE to compare, or --write FILE for a first file to edit.")
    if expect is None:
        assert first is not None
        _write_expectations(first, junit, **options)
        return
    from time import perf_counter

    from ocsp_pcap.explain.expect import ExpectationError, load_expectations
    from ocsp_pcap.explain.expect import check as compare
    from ocsp_pcap.report.checks import render_checks

    refuse_output(junit, [expect, *input_files(options)])
    try:
        expectations = load_expectations(expect)
    except ExpectationError as error:
        raise Failure(str(error)) from error
    started, moment = perf_counter(), datetime.now(UTC)
    explanation, reading = explanation_of(**options)
    results = compare(explanation, expectations)
    junit = settled(junit, interrupted=reading.interrupted)
    if junit is not None:
        from ocsp_pcap.report.junit import junit_xml

        write(
            [junit_xml(results, group=expect.stem, seconds=perf_counter() - started, started=moment)], junit
        )
    with console(None) as terminal:
        render_checks(results, terminal)
    end(reading, held=all(result.held for result in results))


def _write_expectations(file: Path, junit: Path | None, **options: Any) -> None:
    """Write what is seen as expectations; a file that is there was edited by somebody, and stays."""
    from ocsp_pcap.report.first_expectations import expectations_toml

    if junit is not None:
        raise click.UsageError("With --write nothing is compared, so there are no results for --junit.")
    target = None if file == Path("-") else file
    refuse_output(target, input_files(options), replaces=False)
    if target is not None and target.exists():
        raise Failure(f"{file}: is there already; --write makes a first file, to be edited afterwards")
    explanation, reading = explanation_of(**options)
    write([expectations_toml(explanation)], target)
    if target is not None:
        say(f"{file}: edit it, then check with --expect {file}")
    end(reading)
