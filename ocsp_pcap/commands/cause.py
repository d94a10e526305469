"""``ocsp-pcap cause``: the meaning of a code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ocsp_pcap.output import Failure, console

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def _complete_codes(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from ocsp_pcap.completion import codes

    return codes(ctx, parameter, incomplete)


@click.command()
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
