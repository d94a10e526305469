"""The command line: options in, results to standard output, everything else to standard error."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from ocsp_pcap import __version__

if TYPE_CHECKING:
    from rich.console import Console

    from ocsp_pcap.explain.case import Context
    from ocsp_pcap.explain.model import Explanation
    from ocsp_pcap.facts import Facts

Command = TypeVar("Command", bound=Callable[..., Any])

EXISTING = click.Path(path_type=Path)
CONTEXT_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Failure(click.ClickException):
    """An input that cannot be used: one clear sentence, exit status 2."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        """Print the sentence to standard error, without click's usage lines."""
        for line in self.message.splitlines():
            click.echo(f"ocsp-pcap: {_safe(line)}", err=True)


@click.group(context_settings=CONTEXT_SETTINGS)
@click.version_option(__version__, prog_name="ocsp-pcap", message="%(prog)s %(version)s")
def cli() -> None:
    """Tell, for every certificate in a packet capture, whether OCSP traffic was seen and, if not, why not."""


def capture_options(command: Command) -> Command:
    """Add what `explain` and `check` have in common."""
    decorators = [
        click.argument("captures", nargs=-1, metavar="[CAPTURE]..."),
        click.option(
            "--child", multiple=True, metavar="FILE", help="Capture of the child proxy's outer side."
        ),
        click.option(
            "--parent", multiple=True, metavar="FILE", help="Capture of the parent proxy's outer side."
        ),
        click.option(
            "--site", type=EXISTING, metavar="FILE", help="Site file: what is known of the proxies."
        ),
        click.option("--keylog", type=EXISTING, multiple=True, metavar="FILE", help="NSS key log file."),
        click.option(
            "--rsa-key",
            type=EXISTING,
            multiple=True,
            metavar="FILE",
            help="Private key of a server, for TLS up to 1.2 with RSA key exchange.",
        ),
        click.option(
            "--policy-trace", type=EXISTING, multiple=True, metavar="FILE", help="Policy trace of a proxy."
        ),
        click.option("--host", multiple=True, metavar="GLOB", help="Only these hosts, with their evidence."),
    ]
    for decorate in reversed(decorators):
        command = decorate(command)
    return command


@cli.command()
@capture_options
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "md", "html"]), default="text", show_default=True
)
@click.option("-o", "--output", type=EXISTING, metavar="FILE", help="Write to a file instead.")
@click.option(
    "-v", "--verbose", count=True, help="Evidence and filters for every certificate; -vv: sightings."
)
@click.option("--jobs", type=click.IntRange(1), default=1, metavar="N", hidden=True)
def explain(form: str, output: Path | None, verbose: int, jobs: int, **options: Any) -> None:
    """Explain every certificate: asked about, stapled, cached, or why not."""
    explanation = _explanation(**options)
    if form == "text":
        from ocsp_pcap.report.text import render_text

        with _Output(output) as console:
            render_text(explanation, console=console, verbose=max(verbose, int(bool(options["host"]))))
        return
    if form == "json":
        from ocsp_pcap.report.json import dumps, explanation_to_json

        text = dumps(explanation_to_json(explanation), indent=2) + "\n"
    elif form == "md":
        from ocsp_pcap.report.markdown import render_markdown

        text = render_markdown(explanation, verbose=max(verbose, 1))
    else:
        from ocsp_pcap.report.html import render_html

        text = render_html(explanation, verbose=max(verbose, 1))
    _write(text, output)


@cli.command()
@click.argument("captures", nargs=-1, required=True, metavar="CAPTURE...")
@click.option("--keylog", type=EXISTING, multiple=True, metavar="FILE", help="NSS key log file.")
@click.option("--rsa-key", type=EXISTING, multiple=True, metavar="FILE", help="RSA private key of a server.")
@click.option("--format", "form", type=click.Choice(["jsonl"]), default="jsonl", show_default=True)
@click.option("-o", "--output", type=EXISTING, metavar="FILE", help="Write to a file instead.")
def facts(
    captures: tuple[str, ...],
    keylog: tuple[Path, ...],
    rsa_key: tuple[Path, ...],
    form: str,
    output: Path | None,
) -> None:
    """Print what was seen, one JSON object a line: captures, certificates, handshakes, exchanges."""
    from ocsp_pcap.report.json import facts_to_jsonl

    found = _facts(captures, keylog, rsa_key)
    _write("".join(f"{line}\n" for line in facts_to_jsonl(found)), output)


@cli.command()
@capture_options
@click.option("--expect", type=EXISTING, required=True, metavar="FILE", help="Expectation file (TOML).")
@click.option("--junit", type=EXISTING, metavar="FILE", help="Write the results as JUnit XML.")
@click.option("--jobs", type=click.IntRange(1), default=1, metavar="N", hidden=True)
def check(expect: Path, junit: Path | None, jobs: int, **options: Any) -> None:
    """Hold captures against what they are expected to show; exit status 1 where an expectation is broken."""
    from ocsp_pcap.explain.expect import ExpectationError, load_expectations
    from ocsp_pcap.explain.expect import check as compare
    from ocsp_pcap.report.checks import CheckResult, render_checks

    try:
        expectations = load_expectations(expect)
    except ExpectationError as error:
        raise Failure(str(error)) from error
    outcomes = compare(_explanation(**options), expectations)
    results = [
        CheckResult(
            outcome.expectation.values, outcome.held, outcome.reason, outcome.evidence, classname=expect.stem
        )
        for outcome in outcomes
    ]
    if junit is not None:
        from ocsp_pcap.report.junit import junit_xml

        _write(junit_xml(results), junit)
    with _Output(None) as console:
        render_checks(results, console)
    if not all(result.held for result in results):
        sys.exit(1)


@cli.command()
@click.argument("code", required=False)
def cause(code: str | None) -> None:
    """Tell what a cause or finding means, how it is proven, and what to do next."""
    from ocsp_pcap.report.cause import UnknownCodeError, render_cause, render_causes

    with _Output(None) as console:
        if code is None:
            render_causes(console)
            return
        try:
            render_cause(code, console)
        except UnknownCodeError as error:
            raise Failure(str(error)) from error


def _explanation(
    captures: tuple[str, ...],
    child: tuple[str, ...],
    parent: tuple[str, ...],
    site: Path | None,
    keylog: tuple[Path, ...],
    rsa_key: tuple[Path, ...],
    policy_trace: tuple[Path, ...],
    host: tuple[str, ...],
) -> Explanation:
    from ocsp_pcap.explain.engine import explain as explain_facts

    if not (captures or child or parent):
        raise click.UsageError("Give a capture, or --child and --parent captures.")
    context, authorities = _context(child, parent, site, policy_trace)
    found = _facts((*captures, *child, *parent), keylog, rsa_key, authorities)
    explanation = explain_facts(found, context, host)
    for note in explanation.notes:
        _warn(note)
    if host and not explanation.verdicts:
        _warn(f"no certificate belongs to a host like {' or '.join(host)}")
    return explanation


def _context(
    child: tuple[str, ...], parent: tuple[str, ...], site: Path | None, traces: tuple[Path, ...]
) -> tuple[Context, list[bytes]]:
    from ocsp_pcap.capture import CaptureError, expand
    from ocsp_pcap.explain.case import Context
    from ocsp_pcap.explain.site import ProxyRole, Site, SiteError, load_site
    from ocsp_pcap.explain.trace import TraceError, load_trace

    roles: dict[str, ProxyRole] = {}
    given: dict[ProxyRole, tuple[str, ...]] = {"child": child, "parent": parent}
    for role, arguments in given.items():
        for argument in arguments:
            try:
                sources = expand([argument])
            except CaptureError as error:
                raise Failure(str(error)) from error
            for source in sources:
                if roles.get(source.name, role) != role:
                    raise Failure(f"{source.name} is given both as --child and as --parent")
                roles[source.name] = role
    try:
        known = load_site(site) if site is not None else Site()
        entries = tuple(entry for path in traces for entry in load_trace(path))
    except (SiteError, TraceError) as error:
        raise Failure(str(error)) from error
    authorities = [authority.der for proxy in known.proxies for authority in proxy.ca]
    return Context(known, roles, entries), authorities


def _facts(
    captures: Sequence[str],
    key_logs: tuple[Path, ...],
    rsa_keys: tuple[Path, ...],
    authorities: Sequence[bytes] = (),
) -> Facts:
    from ocsp_pcap.api import ReadOptions, read_facts
    from ocsp_pcap.capture import CaptureError
    from ocsp_pcap.observe.keys import KeySourceError

    try:
        return read_facts(captures, ReadOptions(key_logs, rsa_keys, authorities, _warn))
    except (CaptureError, KeySourceError) as error:
        raise Failure(str(error)) from error


class _Output:
    """A rich console on standard output or on a file, for a with statement."""

    def __init__(self, output: Path | None) -> None:
        self._output = output
        self._file: Any = None

    def __enter__(self) -> Console:
        from rich.console import Console

        if self._output is None:
            return Console(highlight=False, soft_wrap=False)
        try:
            self._file = self._output.open("w", encoding="utf-8")
        except OSError as error:
            raise Failure(f"{self._output}: cannot be written: {error.strerror}") from error
        return Console(file=self._file, width=120, highlight=False, no_color=True)

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()


def _write(text: str | bytes, output: Path | None) -> None:
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_bytes(text.encode() if isinstance(text, str) else text)
    except OSError as error:
        raise Failure(f"{output}: cannot be written: {error.strerror}") from error


def _warn(sentence: str) -> None:
    click.echo(f"ocsp-pcap: warning: {_safe(sentence)}", err=True)


def _safe(text: str) -> str:
    from ocsp_pcap.report.escape import safe_text

    return safe_text(text)


def main() -> NoReturn:
    """Run the command line; a reader that goes away (a pipe into head) is no error."""
    # numpy would start a thread for each processor, for linear algebra that is not used here.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Reading makes many objects and hardly a cycle: looking for cycles costs more than they hold.
    gc.set_threshold(200_000, 20, 100)
    try:
        cli(prog_name="ocsp-pcap")
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    sys.exit(0)
