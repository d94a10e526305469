"""The group of commands: the program as click knows it."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Final, cast

import click

from ocsp_pcap import __version__
from ocsp_pcap.commands import COMMANDS
from ocsp_pcap.examples import epilog
from ocsp_pcap.output import UNUSABLE

CONTEXT_SETTINGS: Final = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class _Commands(click.Group):
    """The commands, each imported when it is called; a capture in place of one gets a hint."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command; its examples stand below its options."""
        if cmd_name not in COMMANDS:
            return None
        command = cast("click.Command", getattr(import_module(f"ocsp_pcap.commands.{cmd_name}"), cmd_name))
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
    """Say for every certificate in a packet capture whether OCSP traffic was seen and, if not, why not."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help(), err=True)
        ctx.exit(UNUSABLE)
