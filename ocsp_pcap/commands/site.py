"""``ocsp-pcap site``: configurations of proxies, printed as a site file."""

from __future__ import annotations

from pathlib import Path

import click

from ocsp_pcap.commands.options import bound_option, output_option
from ocsp_pcap.inputs import site_files
from ocsp_pcap.output import Failure, refuse_output, write


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="[PROXY=]FILE...")
@output_option
@bound_option
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
