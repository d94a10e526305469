"""``ocsp-pcap completion``: the script that teaches a shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ocsp_pcap.output import write

if TYPE_CHECKING:
    from ocsp_pcap.completion import Shell


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: Shell) -> None:
    """Print the script by which a shell completes captures, options and codes."""
    from ocsp_pcap.completion import script

    write([script(shell)], None)
