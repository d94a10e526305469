"""The options that several commands share, and the kinds of values that they take."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar, cast

import click

from ocsp_pcap.inputs import HowToRead

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from ocsp_pcap.capture.rotation import Rotation

Command = TypeVar("Command", bound=Callable[..., Any])

FILE: Final = click.Path(path_type=Path)


class _Input(click.Path):
    """A file that is read whole: a device, which may never end, is refused."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if path.is_char_device() or path.is_block_device():
            self.fail(f"{path} is a device, and no file.", param, ctx)
        return path


INPUT: Final = _Input()


Offer: TypeAlias = Callable[[click.Context, click.Parameter, str], list["CompletionItem"]]


def offer(name: str) -> Offer:
    """Return what offers a shell the captures, codes or bounds that begin with what was typed.

    The functions of :mod:`ocsp_pcap.completion` are imported when a shell asks, and not otherwise.
    """

    def offered(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from ocsp_pcap import completion

        return completion.OFFERS[name](incomplete)

    return offered


def _adjust_bounds(_: click.Context, __: click.Parameter, settings: tuple[str, ...]) -> None:
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


bound_option = click.option(
    "--bound",
    multiple=True,
    metavar="NAME=VALUE",
    expose_value=False,
    is_eager=True,
    callback=_adjust_bounds,
    shell_complete=offer("bounds"),
    help="Change a limit of this program on memory or work; --bound list prints them all.",
)


def named_file(_: click.Context, __: click.Parameter, value: Path | None) -> Path | None:
    """Return the file of an option; None for ``-``, which is standard output as it is without the option."""
    return None if value == Path("-") else value


output_option: Final = click.option(
    "-o", "--output", type=FILE, callback=named_file, metavar="FILE", help="Write to a file instead."
)
anonymize_option: Final = click.option(
    "--anonymize",
    is_flag=True,
    help="Replace addresses and clients' ports; blank cookies and credentials. Names stay as they are.",
)


def reading_options(command: Command) -> Command:
    """Add the options about how captures are read, which arrive as one value: ``how``."""

    @wraps(command)
    def with_options(
        keylog: tuple[Path, ...],
        rsa_key: tuple[Path, ...],
        jobs: int | None,
        cluster: str | None,
        rotated: Rotation,
        **others: Any,
    ) -> Any:
        if cluster is not None and jobs is not None:
            raise click.UsageError("Give --jobs or --cluster: files are read here or by a cluster.")
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
            help="Processes that read files side by side (one, if keys are given); the result is the same.",
        ),
        click.option(
            "--cluster",
            metavar="ADDRESS",
            help="Scheduler of a Dask cluster that reads the files instead, from paths or URLs that all its "
            "workers reach (not if keys are given, or stand in the captures).",
        ),
        click.option(
            "--rotated",
            type=click.Choice(["auto", "yes", "no"]),
            default="auto",
            help="Whether files are one rotated capture: judged by names and times, all of them, or none.",
        ),
        bound_option,
    ]
    return _decorated(cast("Command", with_options), decorators)


def capture_options(command: Command) -> Command:
    """Add what `explain` and `check` have in common."""
    decorators = [
        click.argument("captures", nargs=-1, metavar="[CAPTURE]...", shell_complete=offer("captures")),
        click.option(
            "--child",
            multiple=True,
            metavar="FILE",
            shell_complete=offer("captures"),
            help="Capture of the child proxy's outer side.",
        ),
        click.option(
            "--parent",
            multiple=True,
            metavar="FILE",
            shell_complete=offer("captures"),
            help="Capture of the parent proxy's outer side.",
        ),
        explaining_options,
    ]
    return _decorated(command, decorators)


def explaining_options(command: Command) -> Command:
    """Add the options that give more than captures, and say how these are read."""
    decorators = [
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
        click.option(
            "--zone",
            metavar="ZONE",
            help="Time zone of logs and traces that name none: an offset (+02:00) or a name (Europe/Berlin). "
            "Without it the offset that fits the captures is used, and proves nothing.",
        ),
        click.option("--host", multiple=True, metavar="GLOB", help="Only these hosts, with their evidence."),
        reading_options,
    ]
    return _decorated(command, decorators)


def _decorated(command: Command, decorators: Sequence[Callable[[Command], Command]]) -> Command:
    for decorate in reversed(decorators):
        command = decorate(command)
    return command
