"""The command line: options in, results to standard output, everything else to standard error."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

import click

from ocsp_pcap import __version__
from ocsp_pcap.inputs import (
    HowToRead,
    Reading,
    input_files,
    read_captures,
    read_case,
    refuse_absent,
    refuse_pipes,
    refuse_stored,
    refuse_urls,
    site_authorities,
    site_files,
)
from ocsp_pcap.output import BROKEN, UNUSABLE, Failure, console, refuse_output, say, settled, warn, write

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from ocsp_pcap.capture.rotation import Rotation
    from ocsp_pcap.completion import Shell
    from ocsp_pcap.evidence import EvidenceSummary
    from ocsp_pcap.explain.case import Context
    from ocsp_pcap.explain.difference import Told
    from ocsp_pcap.explain.model import Explanation
    from ocsp_pcap.facts import Facts

Command = TypeVar("Command", bound=Callable[..., Any])

FILE = click.Path(path_type=Path)


class _Input(click.Path):
    """A file that is read whole: a device, which may never end, is refused."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if path.is_char_device() or path.is_block_device():
            self.fail(f"{path} is a device, and no file.", param, ctx)
        return path


INPUT = _Input()
CONTEXT_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
INTERRUPTED = 130
"""Exit status after Ctrl-C, as a shell has it: 128 and the number of the signal."""
INTERNAL_ERROR = 70
"""Exit status of a mistake in this program (EX_SOFTWARE of sysexits.h)."""
OUT_OF_MEMORY = (
    "out of memory: what these captures show is more than this process may hold; give fewer at a time, "
    "or cut them into shorter ones (editcap -c)"
)
TRACEBACK_VARIABLE = "OCSP_PCAP_TRACEBACK"


_FORMATS = {".json": "json", ".md": "md", ".markdown": "md", ".html": "html", ".htm": "html"}
"""What a report is written as, by the end of its file's name."""


class _Commands(click.Group):
    """The commands; a capture in place of a command is told what is missing."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command; its examples stand below its options."""
        command = super().get_command(ctx, cmd_name)
        if command is not None and command.epilog is None:
            from ocsp_pcap.examples import epilog

            command.epilog = epilog(cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            if args and (args[0] == "-" or Path(args[0]).exists()):
                raise click.UsageError(
                    f"{error.message} For a capture: {ctx.command_path} explain {args[0]}", ctx
                ) from error
            raise


@click.group(
    cls=_Commands,
    context_settings=CONTEXT_SETTINGS,
    invoke_without_command=True,
    subcommand_metavar="COMMAND [ARGS]...",
)
@click.version_option(__version__, prog_name="ocsp-pcap", message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Tell, for every certificate in a packet capture, whether OCSP traffic was seen and, if not, why not."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help(), err=True)
        ctx.exit(UNUSABLE)


def complete_captures(
    ctx: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer captures to a shell."""
    from ocsp_pcap.completion import captures

    return captures(ctx, parameter, incomplete)


def _complete_codes(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from ocsp_pcap.completion import codes

    return codes(ctx, parameter, incomplete)


def _complete_bounds(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from ocsp_pcap.completion import bounds

    return bounds(ctx, parameter, incomplete)


def named_file(_: click.Context, __: click.Parameter, value: Path | None) -> Path | None:
    """Return the file of an option; None for ``-``, which is standard output as it is without the option."""
    return None if value == Path("-") else value


def reading_options(command: Command) -> Command:
    """Add the options about how captures are read, which arrive as one value: ``how``."""

    @wraps(command)
    def with_options(
        keylog: tuple[Path, ...],
        rsa_key: tuple[Path, ...],
        jobs: int | None,
        cluster: str | None,
        rotated: Rotation,
        bound: tuple[str, ...],
        **others: Any,
    ) -> Any:
        if cluster is not None and jobs is not None:
            raise click.UsageError("Give --jobs or --cluster: files are read here or by a cluster.")
        _adjust_bounds(bound)
        return command(how=HowToRead(keylog, rsa_key, jobs or 1, rotated, cluster), **others)

    decorators = [
        click.option("--keylog", type=INPUT, multiple=True, metavar="FILE", help="NSS key log file."),
        click.option(
            "--rsa-key",
            type=INPUT,
            multiple=True,
            metavar="FILE",
            help="Private key of a server, for TLS up to 1.2 with RSA key exchange.",
        ),
        click.option(
            "--jobs",
            type=click.IntRange(1),
            metavar="N",
            help="Files to read side by side (where no keys are given); the result is the same.",
        ),
        click.option(
            "--cluster",
            metavar="ADDRESS",
            help="Scheduler of a Dask cluster that reads the files instead (where there are no keys, in the "
            "captures neither), from paths or URLs that all its workers reach.",
        ),
        click.option(
            "--rotated",
            type=click.Choice(["auto", "yes", "no"]),
            default="auto",
            help="Whether files are one capture, rotated: as names and times tell, all are, or none is.",
        ),
        click.option(
            "--bound",
            multiple=True,
            metavar="NAME=VALUE",
            shell_complete=_complete_bounds,
            help="Change a bound on what is held or looked at; --bound list prints them all.",
        ),
    ]
    return _decorated(cast("Command", with_options), decorators)


def _adjust_bounds(settings: tuple[str, ...]) -> None:
    """Change bounds as the options say; where one asks for the list, print it and exit."""
    if not settings:
        return
    from ocsp_pcap import bounds

    if "list" in settings:
        for name, value, what, why in bounds.table():
            click.echo(f"{name}={value}\n    {what}: {why}")
        raise click.exceptions.Exit(0)
    try:
        for setting in settings:
            bounds.adjust(bounds.parse(setting))
    except bounds.BoundError as error:
        raise click.BadParameter(str(error), param_hint="--bound") from error


def capture_options(command: Command) -> Command:
    """Add what `explain` and `check` have in common."""
    decorators = [
        click.argument("captures", nargs=-1, metavar="[CAPTURE]...", shell_complete=complete_captures),
        click.option(
            "--child",
            multiple=True,
            metavar="FILE",
            shell_complete=complete_captures,
            help="Capture of the child proxy's outer side.",
        ),
        click.option(
            "--parent",
            multiple=True,
            metavar="FILE",
            shell_complete=complete_captures,
            help="Capture of the parent proxy's outer side.",
        ),
        click.option(
            "--site",
            multiple=True,
            metavar="[PROXY=]FILE",
            help="What is known of the proxies: a site file, or the configuration of a ProxySG, Squid, "
            "FortiGate or BIG-IP; child=FILE or parent=FILE says whose it is.",
        ),
        click.option(
            "--policy-trace", type=INPUT, multiple=True, metavar="FILE", help="Policy trace of a proxy."
        ),
        click.option(
            "--log",
            type=INPUT,
            multiple=True,
            metavar="FILE",
            help="Log of Squid, ProxySG (ELFF), HAProxy, nginx or Apache, to be quoted where it fits.",
        ),
        click.option("--host", multiple=True, metavar="GLOB", help="Only these hosts, with their evidence."),
        reading_options,
    ]
    return _decorated(command, decorators)


def _decorated(command: Command, decorators: Sequence[Callable[[Command], Command]]) -> Command:
    for decorate in reversed(decorators):
        command = decorate(command)
    return command


@cli.command()
@capture_options
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "md", "html"]),
    help="By default as the file's name says (.json, .md, .html), else text.",
)
@click.option(
    "-o", "--output", type=FILE, callback=named_file, metavar="FILE", help="Write to a file instead."
)
@click.option(
    "-v", "--verbose", count=True, help="Evidence and filters for every certificate; -vv: sightings."
)
@click.option("--forecast", is_flag=True, help="Tell instead which queries OCSP would cause, were it on.")
def explain(form: str | None, output: Path | None, verbose: int, forecast: bool, **options: Any) -> None:
    """Explain every certificate: asked about, stapled, cached, or why not."""
    form = form or _FORMATS.get(output.suffix.lower() if output else "", "text")
    refuse_output(output, input_files(options))
    if forecast:
        _forecast(form, output, **options)
        return
    explanation, reading = _explanation(**options)
    output = settled(output, interrupted=reading.interrupted)
    if form == "text":
        from ocsp_pcap.report.text import render_text

        with console(output) as terminal:
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
    _end(reading)


@cli.command()
@click.argument("captures", nargs=-1, required=True, metavar="CAPTURE...", shell_complete=complete_captures)
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
            from ocsp_pcap.facts.json import facts_to_jsonl

            write((f"{line}\n" for line in facts_to_jsonl(found)), settled(file, interrupted=interrupted))

    reading = read_captures(captures, how, site_authorities(site))
    save(reading.facts, reading.interrupted)
    _end(reading)


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


@cli.command()
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
    from ocsp_pcap.report.checks import CheckResult, render_checks

    refuse_output(junit, [expect, *input_files(options)])
    try:
        expectations = load_expectations(expect)
    except ExpectationError as error:
        raise Failure(str(error)) from error
    started, moment = perf_counter(), datetime.now(UTC)
    explanation, reading = _explanation(**options)
    outcomes = compare(explanation, expectations)
    results = [
        CheckResult(
            outcome.expectation.values,
            outcome.held,
            outcome.reason,
            outcome.evidence,
            classname=expect.stem,
            seconds=outcome.seconds,
        )
        for outcome in outcomes
    ]
    junit = settled(junit, interrupted=reading.interrupted)
    if junit is not None:
        from ocsp_pcap.report.junit import junit_xml

        write([junit_xml(results, seconds=perf_counter() - started, started=moment)], junit)
    with console(None) as terminal:
        render_checks(results, terminal)
    _end(reading, held=all(result.held for result in results))


def _write_expectations(file: Path, junit: Path | None, **options: Any) -> None:
    """Write what is seen as expectations; a file that is there was edited by somebody, and stays."""
    from ocsp_pcap.report.first_expectations import expectations_toml

    if junit is not None:
        raise click.UsageError("With --write nothing is compared, so there are no results for --junit.")
    target = None if file == Path("-") else file
    refuse_output(target, input_files(options), replaces=False)
    if target is not None and target.exists():
        raise Failure(f"{file}: is there already; --write makes a first file, to be edited afterwards")
    explanation, reading = _explanation(**options)
    write([expectations_toml(explanation)], target)
    if target is not None:
        say(f"{file}: edit it, then check with --expect {file}")
    _end(reading)


@cli.command()
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
    (first, reading), (second, other) = _told(before), _told(after)
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
            _end(each, held=not found.worse)
    if found.worse:
        click.get_current_context().exit(BROKEN)


def _told(argument: str) -> tuple[Told, Reading | None]:
    """Read an explanation that was stored as JSON, or make one of facts or captures."""
    import json

    from ocsp_pcap.explain.difference import told_by, told_by_json

    path = Path(argument)
    if path.is_file():
        with path.open("rb") as file:
            head = file.read(64)
            if head.lstrip()[:1] == b"{" and b'"kind"' not in head:
                try:
                    return told_by_json(json.loads(head + file.read())), None
                except (ValueError, RecursionError) as error:
                    raise Failure(f"{argument}: {error}") from error
    explanation, reading = _explanation((argument,), (), (), (), (), (), (), HowToRead())
    return told_by(explanation), reading


@cli.command()
@capture_options
@click.option("-o", "--output", type=FILE, required=True, metavar="FOLDER", help="The folder to write.")
@click.option(
    "--anonymize",
    is_flag=True,
    help="Replace addresses and clients' ports; blank cookies and credentials. Names stay as they are.",
)
def ticket(output: Path, anonymize: bool, **options: Any) -> None:
    """Write a support case: answer.md to send, report.html to look at, evidence.pcapng to check both."""
    from ocsp_pcap.evidence import EvidenceError
    from ocsp_pcap.ticket import Case, write_ticket

    refuse_pipes(options)
    if output.exists() and not output.is_dir():
        raise Failure(f"{output}: is a file; a ticket is a folder")
    hosts = options.pop("host")
    how: HowToRead = options["how"]
    context, reading = read_case(**options)
    explanation = _explained(context, reading, hosts)
    paths = [file.path for capture in explanation.captures for file in capture.files or (capture,)]
    refuse_absent(paths)
    case = Case(explanation, reading.facts, context, paths, how.keylog, hosts)
    try:
        summary = write_ticket(case, output, anonymize=anonymize)
    except EvidenceError as error:
        raise Failure(str(error)) from error
    except OSError as error:
        raise Failure(f"{output}: cannot be written: {error.strerror or error}") from error
    say(f"{output}: answer.md, report.html, and evidence.pcapng with {summary.packets} packets")
    _tell_shares(summary)
    _end(reading)


@cli.command()
@capture_options
@click.option("-o", "--output", type=FILE, required=True, metavar="FILE", help="The pcapng file to write.")
@click.option(
    "--with-keys", is_flag=True, help="Take along the secrets that open its sessions, and no other."
)
@click.option(
    "--anonymize",
    is_flag=True,
    help="Replace addresses and clients' ports; blank cookies and credentials. Names stay as they are.",
)
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
    explanation, reading = _explanation(**options)
    output = settled(output, interrupted=reading.interrupted) or output
    paths = [file.path for capture in explanation.captures for file in capture.files or (capture,)]
    if reading.stored:
        stored = {name for names in reading.stored.values() for name in names}
        of_stored = (each for each in explanation.captures if each.path in stored)
        refuse_absent(file.path for capture in of_stored for file in capture.files or (capture,))
    extent = Extent(reading.roles, with_keys, options["how"].keylog, anonymize)
    try:
        summary = write_evidence(explanation, reading.facts, paths, output, extent)
    except EvidenceError as error:
        raise Failure(str(error)) from error
    say(f"{output}: {summary.packets} packets, {summary.proving} of them prove something")
    _tell_shares(summary)
    _end(reading)


def _tell_shares(summary: EvidenceSummary) -> None:
    """Warn of packets that are not in the evidence."""
    for share in summary.shares:
        if share.left_out:
            warn(f"{share.name}: {share.left_out} packets hold addresses that cannot be replaced; left out")
        elif share.missing:
            warn(f"{share.name}: {share.missing} packets that prove something are no longer there")


@cli.command()
@click.argument("captures", nargs=-1, required=True, metavar="CAPTURE...", shell_complete=complete_captures)
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
    _end(replace(reading, complete=reading.complete and compared), held=agrees)


@cli.command()
@click.argument("files", nargs=-1, required=True, metavar="[PROXY=]FILE...")
@click.option(
    "-o", "--output", type=FILE, callback=named_file, metavar="FILE", help="Write to a file instead."
)
def site(files: tuple[str, ...], output: Path | None) -> None:
    """Print as a site file what configurations say of the proxies, each line with where it comes from."""
    from ocsp_pcap.explain.site import SiteError
    from ocsp_pcap.explain.site.read import merged, read_files
    from ocsp_pcap.explain.site.write import site_toml

    refuse_output(output, site_files(files))
    try:
        sites, readings = read_files(files)
        known = merged(sites, readings)
    except SiteError as error:
        raise Failure(str(error)) from error
    write([site_toml(known, readings)], output)


@cli.command()
@click.argument("code", required=False, shell_complete=_complete_codes)
def cause(code: str | None) -> None:
    """Tell what a cause or finding means, how it is proven, and what to do next."""
    from ocsp_pcap.report.cause import UnknownCodeError, render_cause, render_causes

    with console(None) as terminal:
        if code is None:
            render_causes(terminal)
            return
        try:
            render_cause(code, terminal)
        except UnknownCodeError as error:
            raise Failure(str(error)) from error


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: Shell) -> None:
    """Print the script by which a shell completes captures, options and codes."""
    from ocsp_pcap.completion import script

    write([script(shell)], None)


def _end(reading: Reading, *, held: bool = True) -> None:
    """Exit with the status that the contract has for what happened, the gravest first."""
    if reading.interrupted:
        sys.exit(INTERRUPTED)
    if not reading.complete:
        sys.exit(UNUSABLE)
    if not held:
        sys.exit(BROKEN)


def _explanation(
    captures: tuple[str, ...],
    child: tuple[str, ...],
    parent: tuple[str, ...],
    site: tuple[str, ...],
    policy_trace: tuple[Path, ...],
    log: tuple[Path, ...],
    host: tuple[str, ...],
    how: HowToRead,
) -> tuple[Explanation, Reading]:
    """Read and explain; tell also how reading went."""
    context, reading = read_case(captures, child, parent, site, policy_trace, log, how)
    return _explained(context, reading, host), reading


def _explained(context: Context, reading: Reading, host: tuple[str, ...]) -> Explanation:
    """Explain what was read."""
    from ocsp_pcap.explain.engine import explain as explain_facts

    explanation = explain_facts(reading.facts, context, host)
    for note in explanation.notes:
        warn(note)
    if host and not explanation.verdicts:
        warn(f"no certificate belongs to a host like {' or '.join(host)}")
    return explanation


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
    _end(reading)


def main() -> NoReturn:
    """Run the command line and exit; no way out of it is a traceback."""
    # numpy would start a thread for each processor, for linear algebra that is not used here.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Parsers make many objects and hardly any cycle: look for unreachable ones rarely.
    gc.set_threshold(200_000, 20, 100)
    out_of_memory = False
    try:
        status = cli(prog_name="ocsp-pcap", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        say("interrupted")
        sys.exit(INTERRUPTED)
    except MemoryError:
        # Said below, once the traceback is gone that keeps alive what filled the memory.
        status = None
        out_of_memory = True
    except Exception as error:
        if os.environ.get(TRACEBACK_VARIABLE):
            raise
        say(f"internal error: {type(error).__name__}: {error}")
        say(f"this is a mistake in ocsp-pcap; please report it, with what {TRACEBACK_VARIABLE}=1 prints")
        sys.exit(INTERNAL_ERROR)
    finally:
        # What is alive now stays so to the end: the collection at Python's exit need not walk through it.
        gc.freeze()
    if out_of_memory:
        say(OUT_OF_MEMORY)
        sys.exit(UNUSABLE)
    sys.exit(status if isinstance(status, int) else 0)
