"""``ocsp-pcap cause``: the meaning of a code."""

from __future__ import annotations

import click

from ocsp_pcap.commands.options import offer
from ocsp_pcap.output import Failure, console


@click.command()
@click.argument("code", required=False, shell_complete=offer("codes"))
def cause(code: str | None) -> None:
    """Show what a cause or finding means, how it is proven, and what to do next."""
    from ocsp_pcap.report.cause import UnknownCodeError, render_cause, render_causes

    with console(None) as terminal:
        if code is None:
            render_causes(terminal)
            return
        try:
            render_cause(code, terminal)
        except UnknownCodeError as error:
            raise Failure(str(error)) from error
