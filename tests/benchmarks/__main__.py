"""Times ``ocsp-pcap facts`` against tshark and tcpdump on captures made from the samples.

Whole processes, start-up included, in turn on the same files; medians. With ``--all`` pyshark and
scapy, too, each within a time limit.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks.measure import Program, Result, compare, first_line, generate

OURS, TSHARK, TCPDUMP = "ocsp-pcap facts", "tshark", "tcpdump"
MEGABYTE = 1_000_000
CERTIFICATE_FIELD = "tls.handshake.certificate"
PYSHARK = f"""
import sys, pyshark
capture = pyshark.FileCapture(sys.argv[1], display_filter="{CERTIFICATE_FIELD} or ocsp", keep_packets=False)
for packet in capture:
    for layer in packet.layers:
        field = getattr(layer, "handshake_certificate", None)
        for one in field.all_fields if field is not None else []:
            print(one.showname_value)
"""
SCAPY = """
import sys
from scapy.all import TCPSession, load_layer, sniff
load_layer("tls")
from scapy.layers.tls.handshake import TLSCertificate
def show(packet):
    layer = packet.getlayer(TLSCertificate)
    for _, certificate in (layer.certs if layer else []):
        print(certificate.der.hex())
sniff(offline=sys.argv[1], session=TCPSession, store=False, prn=show)
"""


def programs(capture: Path, peers: bool) -> list[Program]:
    """Return what is to be timed on a capture, as far as it is installed."""
    installed = Path(sys.executable).with_name("ocsp-pcap")
    ours = str(installed) if installed.exists() else shutil.which("ocsp-pcap") or "ocsp-pcap"
    found = [Program(OURS, (ours, "facts", str(capture)), _count_facts)]
    if shutil.which("tshark"):
        fields = ("frame.number", CERTIFICATE_FIELD)
        command = ("tshark", "-n", "-r", str(capture), "-Y", f"{CERTIFICATE_FIELD} or ocsp", "-T", "fields")
        found.append(Program(TSHARK, (*command, *(w for f in fields for w in ("-e", f))), _count_fields))
    if shutil.which("tcpdump"):
        found.append(Program(TCPDUMP, ("tcpdump", "-r", str(capture), "-w", "/dev/null")))
    if peers:
        found += [
            Program(name, (sys.executable, "-c", code, str(capture)), _count_lines)
            for name, code in (("pyshark", PYSHARK), ("scapy", SCAPY))
        ]
    return found


def _count_facts(output: bytes) -> int:
    import json

    lines = (json.loads(line) for line in output.splitlines() if line.startswith(b'{"kind": "handshake"'))
    return sum(len(line["certificates"]) + len(line["client_certificates"]) for line in lines)


def _count_fields(output: bytes) -> int:
    columns = (line.split(b"\t")[1:] for line in output.splitlines())
    return sum(len(column.split(b",")) for row in columns for column in row[:1] if column)


def _count_lines(output: bytes) -> int:
    return len(output.splitlines())


def table(capture: Path, results: Sequence[Result]) -> Table:
    """Return the results of one capture as a table."""
    by_name = {result.program: result for result in results}
    ours, tshark, tcpdump = by_name[OURS], by_name.get(TSHARK), by_name.get(TCPDUMP)
    size = capture.stat().st_size
    title = f"{capture.stem}: {size / MEGABYTE:,.0f} MB, {len(ours.runs)} runs each"
    view = Table(title=title, title_justify="left")
    view.add_column("program")
    for heading in ("wall s", "user s", "user+sys s", "peak MB", "certificates", "of tshark", "of tcpdump"):
        view.add_column(heading, justify="right")
    for result in results:
        view.add_row(
            result.program + ("" if result.finished else " (stopped)"),
            f"{result.wall:.2f}",
            f"{result.user:.2f}",
            f"{result.processor:.2f}",
            f"{result.peak / MEGABYTE:,.0f}",
            "" if result.certificates is None else f"{result.certificates:,}",
            _ratio(result, tshark),
            _ratio(result, tcpdump),
        )
    return view


def _ratio(one: Result, other: Result | None) -> str:
    """Say how the wall times compare."""
    if other is None or one is other:
        return ""
    return f"{one.wall / other.wall:.2f} x" if one.wall > other.wall else f"1/{other.wall / one.wall:.1f}"


def conditions() -> str:
    """Say when, where and with what was measured."""
    return "\n".join(
        (
            f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} processors, "
            f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
            first_line((str(Path(sys.executable).with_name("ocsp-pcap")), "--version")),
            first_line(("tshark", "--version")),
            first_line(("tcpdump", "--version")),
        )
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Generate, run, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--size", type=float, default=300, help="megabytes of the bulk capture (%(default)s)")
    parser.add_argument("--dense", type=float, default=32, help="megabytes of the dense one (%(default)s)")
    parser.add_argument("--runs", type=int, default=5, help="runs of each program (%(default)s)")
    parser.add_argument("--all", action="store_true", help="pyshark and scapy, too")
    parser.add_argument("--limit", type=float, default=300, help="seconds a run may take (%(default)s)")
    parser.add_argument(
        "--keep", type=Path, metavar="DIRECTORY", help="write the captures here and keep them"
    )
    options = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 110)
    console.print(conditions(), highlight=False)
    with tempfile.TemporaryDirectory(prefix="ocsp-pcap-benchmark-") as temporary:
        directory = options.keep or Path(temporary)
        for shape, megabytes in (("bulk", options.size), ("dense", options.dense)):
            if not megabytes:
                continue
            capture = directory / f"{shape}.pcap"
            generate(shape, capture, megabytes)
            # The file is in the page cache from here on: it has just been written.
            results = compare(programs(capture, options.all), options.runs, options.limit)
            console.print(table(capture, results))


if __name__ == "__main__":
    main()
