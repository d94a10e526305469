"""The programs that are compared, and their commands for the same task: certificates and OCSP of captures."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path

from tests.benchmarks.measure import Program, environment

CERTIFICATE_FIELD = "tls.handshake.certificate"
TSHARK_OPTIONS = ("-n", "-Y", f"{CERTIFICATE_FIELD} or ocsp", "-T", "fields", "-e", CERTIFICATE_FIELD)
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


def our_command() -> str:
    """Return the program under test: the one of this environment, else of the path."""
    installed = Path(sys.executable).with_name("ocsp-pcap")
    return str(installed) if installed.exists() else shutil.which("ocsp-pcap") or "ocsp-pcap"


def ours(command: str, *arguments: str, name: str | None = None) -> Program:
    """Return one of our commands; with ``--jobs`` among the arguments its processes are added up."""
    counter = count_facts if command == "facts" and "-o" not in arguments else None
    is_tree = "--jobs" in arguments and arguments[arguments.index("--jobs") + 1] != "1"
    label = name or f"ocsp-pcap {command}"
    return Program(label, (our_command(), command, *arguments), counter, is_tree=is_tree)


def tshark(captures: Sequence[Path], *, once: bool = False, unavailable: str | None = None) -> Program:
    """Tshark, asked for certificates and OCSP messages, without name resolution."""
    name = "tshark" if len(captures) == 1 else "tshark, file after file"
    command = _in_turn(("tshark", *TSHARK_OPTIONS, "-r"), captures)
    return Program(
        name, command, count_fields, once=once, unavailable=unavailable or _missing_program("tshark")
    )


def tcpdump(captures: Sequence[Path]) -> Program:
    """Tcpdump, which reads and writes all packets and looks into none: what reading costs at least."""
    name = "tcpdump -w /dev/null" if len(captures) == 1 else "tcpdump, file after file"
    command = _in_turn(("tcpdump", "-w", "/dev/null", "-r"), captures)
    return Program(name, command, unavailable=_missing_program("tcpdump"))


def stored(capture: Path, tables: Path) -> Program:
    """Ours, explaining what it stored of a capture as Parquet; stores it first."""
    missing = None if find_spec("pyarrow") else "pyarrow is not installed"
    if missing is None:
        command = (our_command(), "facts", str(capture), "--format", "parquet", "-o", str(tables))
        subprocess.run(command, env=environment(), check=True)
    return Program(
        "ocsp-pcap explain, of Parquet", (our_command(), "explain", str(tables)), unavailable=missing
    )


def dissectors(capture: Path) -> list[Program]:
    """NdpiReader, which classifies flows and prints each, and ssldump, which prints records."""
    return [
        Program(
            "ndpiReader",
            ("ndpiReader", "-v", "2", "-i", str(capture)),
            unavailable=_missing_program("ndpiReader"),
        ),
        Program(
            "ssldump",
            ("ssldump", "-n", "-N", "-r", str(capture)),
            count_serials,
            unavailable=_missing_program("ssldump"),
        ),
    ]


def python_peers(capture: Path, limit: float, unavailable: str | None = None) -> list[Program]:
    """Pyshark and scapy, each within a time limit (seconds)."""
    found = []
    for name, code in (("pyshark", PYSHARK), ("scapy", SCAPY)):
        missing = unavailable or (None if find_spec(name) else "not installed")
        if name == "pyshark":
            missing = missing or _missing_program("tshark")
        command = (sys.executable, "-c", code, str(capture))
        found.append(
            Program(
                name, command, count_lines, name == "pyshark", once=True, limit=limit, unavailable=missing
            )
        )
    return found


def _in_turn(command: tuple[str, ...], captures: Sequence[Path]) -> tuple[str, ...]:
    """Return the command for one capture, or a shell's loop over several."""
    if len(captures) == 1:
        return (*command, str(captures[0]))
    script = "for file; do " + " ".join(f"'{word}'" for word in command) + ' "$file" || exit; done'
    return ("sh", "-c", script, "sh", *map(str, captures))


def _missing_program(name: str) -> str | None:
    return None if shutil.which(name) else "not installed"


def count_facts(lines: Iterable[bytes]) -> int:
    """Count the certificates of handshakes in what `facts` prints."""
    handshakes = (json.loads(line) for line in lines if b'"handshake"' in line[:40])
    return sum(len(one["certificates"]) + len(one["client_certificates"]) for one in handshakes)


def count_fields(lines: Iterable[bytes]) -> int:
    """Count the certificates that tshark prints, several of one packet with commas between them."""
    return sum(len(line.split(b",")) for line in lines if line.strip())


def count_serials(lines: Iterable[bytes]) -> int:
    """Count the certificates that ssldump prints."""
    return sum(line.split()[:1] == [b"Serial"] for line in lines)


def count_lines(lines: Iterable[bytes]) -> int:
    """Count lines: one certificate each."""
    return sum(1 for _ in lines)
