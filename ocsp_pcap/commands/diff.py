"""``ocsp-pcap diff``: what changed between two explanations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from ocsp_pcap.commands.options import explaining_options, offer, output_option
from ocsp_pcap.commands.run import end, explained
from ocsp_pcap.inputs import CapturesRead, input_files, read_case
from ocsp_pcap.output import BROKEN, Failure, console, refuse_output, say, write

if TYPE_CHECKING:
    from ocsp_pcap.explain.difference import ExplanationOutline
    from ocsp_pcap.explain.model import Explanation
    from ocsp_pcap.explain.site import ProxyRole
    from ocsp_pcap.facts import CaptureFact


_ROLE: Final = "Capture of the {} proxy's outer side: its name, or a glob, in BEFORE and AFTER."


@click.command()
@click.argument("before", metavar="BEFORE", shell_complete=offer("captures"))
@click.argument("after", metavar="AFTER", shell_complete=offer("captures"))
@click.option(
    "--child", multiple=True, metavar="NAME", shell_complete=offer("captures"), help=_ROLE.format("child")
)
@click.option(
    "--parent", multiple=True, metavar="NAME", shell_complete=offer("captures"), help=_ROLE.format("parent")
)
@explaining_options
@click.option(
    "--format", "form", type=click.Choice(["text", "md", "json"]), default="text", show_default=True
)
@output_option
def diff(before: str, after: str, form: str, output: Path | None, **options: Any) -> None:
    """Show what changed between two explanations; exit status 1 where something got worse.

    BEFORE and AFTER are what explain --format json wrote, or stored facts, or captures, for which the
    options are those of explain.
    """
    from ocsp_pcap.explain.difference import difference, outline_of

    refuse_output(output, [Path(before), Path(after), *input_files(options)])
    kept = [argument for argument in (before, after) if _is_explanation(argument)]
    _refuse_idle_options(kept)
    readings = {
        argument: _explained(argument, **options) for argument in (before, after) if argument not in kept
    }
    _refuse_unused_names(readings.values(), options)
    first, second = (
        outline_of(readings[argument][0]) if argument in readings else _stored_outline(argument)
        for argument in (before, after)
    )
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
    for _, reading in readings.values():
        if reading.interrupted or not reading.complete:
            end(reading, held=not found.worse)
    if found.worse:
        click.get_current_context().exit(BROKEN)


def _is_explanation(argument: str) -> bool:
    """Tell whether an argument is a stored explanation: one JSON object that is no fact."""
    path = Path(argument)
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(64)
    return head.lstrip()[:1] == b"{" and b'"kind"' not in head


def _stored_outline(argument: str) -> ExplanationOutline:
    import json

    from ocsp_pcap.explain.difference import outline_of_json

    try:
        return outline_of_json(json.loads(Path(argument).read_bytes()))
    except OSError as error:
        raise Failure(f"{argument}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise Failure(f"{argument}: {error}") from error


def _refuse_idle_options(kept: list[str]) -> None:
    """Raise UsageError for options about how to explain where both sides are explanations already.

    Where one is, say that the options are about the other.
    """
    context = click.get_current_context()
    idle = [
        parameter.opts[0]
        for parameter in context.command.params
        if isinstance(parameter, click.Option)
        and parameter.name not in ("form", "output", "help")
        and context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
    ]
    if not idle or not kept:
        return
    names = ", ".join(dict.fromkeys(idle))
    if len(kept) == 1:
        say(f"{kept[0]} is an explanation already: {names} applies to the other side only")
        return
    raise click.UsageError(
        f"{names}: BEFORE and AFTER are explanations already, made with what was known then. "
        "Give stored facts or captures to explain them anew."
    )


def _explained(
    argument: str, child: tuple[str, ...], parent: tuple[str, ...], host: tuple[str, ...], **options: Any
) -> tuple[Explanation, CapturesRead]:
    context, reading = read_case((argument,), (), (), **options)
    roles: dict[str, ProxyRole] = dict(context.capture_roles)
    given: dict[ProxyRole, tuple[str, ...]] = {"child": child, "parent": parent}
    for role, names in given.items():
        for capture in reading.facts.captures:
            if any(_is_called(capture, argument, name) for name in names):
                if roles.get(capture.path, role) != role and capture.role is None:
                    raise Failure(f"{capture.path} is meant both by --child and by --parent")
                roles[capture.path] = role
    return explained(replace(context, capture_roles=roles), reading, host), reading


def _is_called(capture: CaptureFact, argument: str, name: str) -> bool:
    """Tell whether an option means a capture: by its path, its name, a glob, or as the side itself."""
    paths = [capture.path, *(file.path for file in capture.files)]
    return name == argument or any(
        fnmatchcase(path, name) or fnmatchcase(PurePath(path).name, name) for path in paths
    )


def _refuse_unused_names(
    readings: Iterable[tuple[Explanation, CapturesRead]], options: Mapping[str, Any]
) -> None:
    """Raise Failure for a name given as a proxy's capture that means none."""
    sides = click.get_current_context().params
    captures = [capture for _, reading in readings for capture in reading.facts.captures]
    for name in (*options["child"], *options["parent"]):
        if not any(_is_called(capture, "", name) for capture in captures) and name not in (
            sides["before"],
            sides["after"],
        ):
            known = ", ".join(dict.fromkeys(capture.path for capture in captures))
            raise Failure(f"{name}: no capture in BEFORE or AFTER is called so; there are {known}")
