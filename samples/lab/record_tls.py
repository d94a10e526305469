#!/usr/bin/env python3
"""Record single TLS and QUIC connections of real software, with their key logs.

    sudo python3 samples/lab/record_tls.py tls13-suites --out DIR
    sudo python3 samples/lab/record_tls.py --all

Each story becomes a folder `DIR/NAME/`; in it, each capture stands twice: without keys (`X.pcap`, its key log
is `X.keys`) and with the keys inside (`keys-inside/X.pcapng`). It needs root, for network namespaces, and
installs nothing: missing programs are named. Exit status: 0 recorded; 1 a story did not go as planned;
2 usage, or an unfit machine.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from ocsplab.lab import Lab
from ocsplab.programs import LabError, missing_programs
from tlslab import datagrams, forms, https, suites
from tlslab.stage import Stage

SAMPLES = Path(__file__).resolve().parent.parent
STORIES: Mapping[str, Callable[[Stage], None]] = {
    "tls12-suites": suites.tls12,
    "tls13-suites": suites.tls13,
    "tls-handshake-forms": forms.play,
    "tls-ocsp-over-https": https.play,
    "tls-hidden-hellos": forms.hidden_hellos,
    "tls-over-udp": datagrams.play,
}
PROGRAMS: Mapping[str, str] = {
    "ip": "iproute2",
    "ethtool": "ethtool",
    "tcpdump": "tcpdump",
    "tshark": "tshark",
    "editcap": "wireshark-common",
    "openssl": "openssl",
    "curl": "curl",
    "nginx": "nginx-light",
    "gnutls-serv": "gnutls-bin",
    "gnutls-cli": "gnutls-bin",
    "tstclnt": "libnss3-tools",
}
"""Program name to the Debian package that holds it."""


def main() -> int:
    """Parse the command line, check this machine, record."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"stories: {', '.join(STORIES)}")
    parser.add_argument("--all", action="store_true", help="record every story")
    parser.add_argument("--out", type=Path, default=SAMPLES, metavar="DIR", help="default: %(default)s")
    parser.add_argument(
        "--python", default=sys.executable, metavar="PATH", help="a Python that has aioquic, for QUIC"
    )
    parser.add_argument("--keep-logs", type=Path, metavar="DIR", help="keep the lab's directory here")
    arguments = parser.parse_args()
    names = list(STORIES) if arguments.all else arguments.names
    unknown = [name for name in names if name not in STORIES]
    if unknown or not names:
        print(f"no such story: {', '.join(unknown) or '(none named)'}", file=sys.stderr)
        return 2
    if os.geteuid() != 0:
        print("network namespaces need root: run this with sudo", file=sys.stderr)
        return 2
    missing = sorted({PROGRAMS[program] for program in missing_programs(list(PROGRAMS))})
    if missing:
        print(f"missing: apt-get install --no-install-recommends {' '.join(missing)}", file=sys.stderr)
        return 2
    datagrams.use_python(arguments.python)
    return max(_record(name, arguments.out / name, arguments.keep_logs) for name in names)


def _record(name: str, folder: Path, keep_logs: Path | None) -> int:
    with tempfile.TemporaryDirectory(prefix="tlslab-") as temporary:
        out = Path(temporary)
        try:
            with Lab(keep_logs=keep_logs) as lab:
                STORIES[name](Stage(lab, out))
        except (LabError, OSError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 1
        shutil.copytree(out, folder, dirs_exist_ok=True)
        print(f"{name}: {sum(file.stat().st_size for file in out.rglob('*.*'))} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
