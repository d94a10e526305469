"""Command lines to start from, shown below the options of each command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

EXAMPLES: Final[Mapping[str, tuple[str, ...]]] = {
    "explain": (
        "ocsp-pcap explain capture.pcap",
        "ocsp-pcap explain --child child.pcap --parent parent.pcap --site site.toml",
        "ocsp-pcap explain capture.pcapng --keylog sslkeys.log --host '*.example.com' -v",
        "tcpdump -w - -i eth0 -c 5000 | ocsp-pcap explain -",
        "ocsp-pcap explain parent.pcap --site parent=squid.conf -o report.html --format html",
    ),
    "facts": (
        "ocsp-pcap facts capture.pcap",
        "ocsp-pcap facts captures/ --jobs 4 -o facts.jsonl",
        "ocsp-pcap facts 'egress_*.pcapng' --format parquet -o facts",
    ),
    "check": (
        "ocsp-pcap check --parent parent.pcap --site site.toml --write expect.toml",
        "ocsp-pcap check --parent parent.pcap --site site.toml --expect expect.toml --junit ocsp.xml",
    ),
    "diff": (
        "ocsp-pcap diff before.json after.json",
        "ocsp-pcap diff before.jsonl after.jsonl --format md -o change.md",
    ),
    "ticket": (
        "ocsp-pcap ticket --child child.pcap --parent parent.pcap --site site.toml -o case-4711",
        "ocsp-pcap ticket capture.pcap -o case-4711 --anonymize",
    ),
    "evidence": (
        "ocsp-pcap evidence capture.pcap -o evidence.pcapng",
        "ocsp-pcap evidence capture.pcapng --keylog sslkeys.log --with-keys -o evidence.pcapng",
        "ocsp-pcap evidence capture.pcap --host shop.example.com --anonymize -o evidence.pcapng",
    ),
    "crosscheck": (
        "ocsp-pcap crosscheck capture.pcap",
        "ocsp-pcap crosscheck tls13.pcap --keylog sslkeys.log",
    ),
    "site": ("ocsp-pcap site child=squid.conf parent=sysinfo.txt -o site.toml",),
    "cause": ("ocsp-pcap cause", "ocsp-pcap cause reissued-certificate"),
    "completion": ("ocsp-pcap completion bash > ~/.local/share/bash-completion/completions/ocsp-pcap",),
}


def epilog(command: str) -> str:
    """Return what stands below the options of a command; click leaves its lines alone."""
    examples = EXAMPLES.get(command, ())
    if not examples:
        return ""
    head = "Example:" if len(examples) == 1 else "Examples:"
    return "\b\n" + "\n".join((head, *(f"  {example}" for example in examples)))
